/**
 * The soak, for as long as one likes: `deno task soak --minutes=10 --kind=thread --seed=17`, or by `bun` or `node`. Both kinds
 * in turn unless one is named. With `--kills` the only fault is that a worker is killed every 100 ms.
 * The seed is that of the first round. It ends at the first failure, with the seed of that round.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { runtimeName } from "./harness.ts";
import { kinds } from "./kinds.ts";
import { killUnderLoad } from "./killed_load.ts";
import { soak, type SoakCounts } from "./soak_rounds.ts";

function describe({ rounds, calls, kills, crashes, outcomes }: SoakCounts): string {
  const all = Object.entries(outcomes).map(([name, count]) => `${count} ${name}`).join(", ");
  return `${rounds} rounds, ${calls} calls, ${kills} kills, ${crashes} crashes: ${all}`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      minutes: { type: "string", default: "1" },
      kind: { type: "string" },
      kills: { type: "boolean" },
    },
  });
  const milliseconds = 60_000 * Number(values.minutes);
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  for (const kind of kinds.filter(({ name }) => values.kind === undefined || values.kind === name)) {
    console.log(`${runtimeName}, ${kind.name}: ${values.minutes} min, --seed=${seed}`);
    if (values.kills) {
      console.log(JSON.stringify(await killUnderLoad(kind, { milliseconds, seed })));
      continue;
    }
    let told = Date.now();
    const counts = await soak(kind, {
      milliseconds,
      seed,
      tell(counts) {
        if (Date.now() - told < 60_000) return;
        told = Date.now();
        console.log(describe(counts));
      },
    });
    console.log(`clean: ${describe(counts)}`);
  }
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
