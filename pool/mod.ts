/**
 * Pools with the semantics of Python's `multiprocessing.Pool`, over the same engine as the executors of `@ergate/ergate`.
 *
 * @example Usage
 * ```ts
 * import { isMain, tasks } from "@ergate/ergate";
 * import { Pool } from "@ergate/ergate/pool";
 * import assert from "node:assert/strict";
 *
 * export function fib(n: number): number {
 *   return n < 2 ? n : fib(n - 1) + fib(n - 2);
 * }
 * tasks(import.meta, { fib });
 *
 * if (isMain(import.meta)) {
 *   await using pool = new Pool();
 *   assert.deepEqual(await pool.map(fib, [1, 2, 3]), [1, 1, 2]);
 * }
 * ```
 *
 * @module
 */
export { AsyncResult, type UnseenFailures } from "./async_result.ts";
export type { CallbackOptions } from "./callbacks.ts";
export { type Context, cpuCount, getAllStartMethods, getContext, getStartMethod } from "./context.ts";
export type { ImapResults } from "./imap_results.ts";
export {
  type ChunkOptions,
  type ImapOptions,
  type MapAsyncOptions,
  Pool,
  type PoolOptions,
  type Rows,
  type WorkerOptions,
} from "./pool.ts";
export {
  activeChildren,
  type ArgsOf,
  type CurrentProcess,
  currentProcess,
  Process,
  type ProcessOptions,
} from "./process.ts";
export type { ContextLike, StartMethod } from "./start_method.ts";
export { ThreadPool, type ThreadPoolOptions } from "./thread_pool.ts";
