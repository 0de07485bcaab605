/** Picks the adapter of the host that this is, once. */
import { useArrayPrinter } from "../channel/array_keys.ts";
import { NotSupportedError } from "../errors.ts";
import { arrayPrinter } from "./array_printer.ts";
import { BunRuntime } from "./bun.ts";
import { DenoRuntime } from "./deno.ts";
import { NodeRuntime } from "./node.ts";
import type { Runtime } from "./runtime.ts";

useArrayPrinter(arrayPrinter());

let picked: Runtime | undefined;

/**
 * The runtime that this program runs on.
 *
 * @throws {NotSupportedError} If it is none that is known.
 */
export function runtime(): Runtime {
  return picked ??= pick();
}

function pick(): Runtime {
  const host = globalThis as { readonly Deno?: unknown; readonly Bun?: unknown; readonly process?: unknown };
  // Deno and Bun have a `process` too, so they are asked for first.
  if (host.Deno !== undefined) return new DenoRuntime();
  if (host.Bun !== undefined) return new BunRuntime();
  if (host.process !== undefined) return new NodeRuntime();
  throw new NotSupportedError("Cannot start workers as the program must run on Deno, Bun or Node: it does not");
}
