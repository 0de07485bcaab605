/** How the hosts print an array without its items: see `channel/array_keys.ts`, which asks that of long ones. */
import type { ArrayPrinter } from "../channel/array_keys.ts";
import { hasNodeModules, nodeModule } from "./node_api.ts";

/** Deno's `node:util` is written in JavaScript, and takes ten times as long as the others'. */
const LONGER = "Deno" in globalThis ? 512 : 32;

const OPTIONS = { customInspect: false, depth: 0, maxArrayLength: 0, showProxy: true };

/** The host's printer, by `node:util`; `undefined`: it has none. */
export function arrayPrinter(): ArrayPrinter | undefined {
  if (!hasNodeModules()) return undefined;
  let inspect: ((value: unknown, options: object) => string) | undefined;
  return {
    longer: LONGER,
    print(value) {
      inspect ??= nodeModule("node:util").inspect; // not before it is asked for: to import ergate costs nothing
      return inspect(value, OPTIONS);
    },
  };
}
