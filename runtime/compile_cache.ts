/**
 * Node's compile cache. A worker's modules are some forty small ones, in TypeScript; without the cache Node strips and
 * compiles them anew for each worker, which takes three times as long as all the rest of its start.
 */
import { hasNodeModules, nodeModule, nodeProcess } from "./node_api.ts";

/**
 * Lets Node keep compiled modules in its own cache in the temporary folder, which `NODE_COMPILE_CACHE` and
 * `NODE_DISABLE_COMPILE_CACHE` rule as ever. Covers the modules that are imported after it, a task's too.
 */
export function useCompileCache(): void {
  if (!hasNodeModules()) return;
  const { versions } = nodeProcess();
  if (versions.deno === undefined && versions.bun === undefined) nodeModule("node:module").enableCompileCache?.();
}
