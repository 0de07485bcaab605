/** Picks the adapter of the host that this is, once. */
import { useArrayPrinter } from "../channel/array_keys.ts";
import { useClassNamer } from "../channel/hidden_class.ts";
import { arrayPrinter } from "./array_printer.ts";
import { BrowserRuntime } from "./browser.ts";
import { BunRuntime } from "./bun.ts";
import { classNamer } from "./class_namer.ts";
import { DenoRuntime } from "./deno.ts";
import { NodeRuntime } from "./node.ts";
import { hasNodeModules } from "./node_api.ts";
import type { Runtime } from "./runtime.ts";

useArrayPrinter(arrayPrinter());
useClassNamer(classNamer());

let picked: Runtime | undefined;

/** The runtime that this program runs on. */
export function runtime(): Runtime {
  return picked ??= pick();
}

function pick(): Runtime {
  const host = globalThis as { readonly Deno?: unknown; readonly Bun?: unknown };
  // Deno and Bun have a `process` too, so they are asked for first.
  if (host.Deno !== undefined) return new DenoRuntime();
  if (host.Bun !== undefined) return new BunRuntime();
  if (hasNodeModules()) return new NodeRuntime();
  return new BrowserRuntime(); // which says what lacks, where something does
}
