/** The soak's short form: some seconds of each kind. `deno task soak` has the long one. */
import { seed } from "./harness.ts";
import { forEachKind } from "./kinds.ts";
import { killUnderLoad } from "./killed_load.ts";
import { soak } from "./soak_rounds.ts";

forEachKind(
  "soak: pools used at random, with limits, retries, cancels, kills and crashes: every call is accounted for, nothing is left",
  async (kind) => void await soak(kind, { milliseconds: 1_500, seed: seed() }),
  { limit: 180_000 },
);

forEachKind(
  "soak: one of four workers is killed every 100 ms under load: each kill costs one call at most, which is told",
  async (kind) => void await killUnderLoad(kind, { milliseconds: 1_000, seed: seed() }),
);
