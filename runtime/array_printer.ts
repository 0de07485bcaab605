/** How the hosts print an array without its items: see `channel/array_keys.ts`, which asks that of long ones. */
import type { ArrayPrinter } from "../channel/array_keys.ts";

/** Deno's `node:util` is written in JavaScript, and takes ten times as long as the others'. */
const LONGER = "Deno" in globalThis ? 512 : 32;

const OPTIONS = { customInspect: false, depth: 0, maxArrayLength: 0, showProxy: true };

type Inspect = (value: unknown, options: object) => string;

let inspect: Inspect | undefined;

/** Prints by `node:util`, which all three hosts have. */
export const arrayPrinter: ArrayPrinter = {
  longer: LONGER,
  print(value) {
    inspect ??= (globalThis as unknown as {
      readonly process: { getBuiltinModule(name: string): { readonly inspect: Inspect } };
    }).process.getBuiltinModule("node:util").inspect;
    return inspect(value, OPTIONS);
  },
};
