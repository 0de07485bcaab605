/**
 * Process and thread pools with the semantics of Python's `concurrent.futures`, for Deno, Bun and Node alike.
 *
 * Register functions with {@linkcode tasks}, make a {@linkcode ProcessPoolExecutor} or a {@linkcode ThreadPoolExecutor}, and
 * call them with {@linkcode Executor.submit} or {@linkcode Executor.map}.
 *
 * @example Usage
 * ```ts
 * import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
 * import assert from "node:assert/strict";
 *
 * export function fib(n: number): number {
 *   return n < 2 ? n : fib(n - 1) + fib(n - 2);
 * }
 * tasks(import.meta, { fib });
 *
 * if (isMain(import.meta)) {
 *   await using pool = new ProcessPoolExecutor();
 *   const future = pool.submit(fib, 20);
 *   assert.equal(await future, 6765);
 *   assert.deepEqual(await pool.map(fib, [1, 2, 3]).toArray(), [1, 1, 2]);
 * }
 * ```
 *
 * @module
 */
export {
  BrokenExecutor,
  BrokenProcessPool,
  BrokenThreadPool,
  CancelledError,
  InvalidStateError,
  NotSupportedError,
  type PicklingDirection,
  PicklingError,
  type PicklingErrorOptions,
  QueueFullError,
  ShutdownError,
  TaskNotFoundError,
  TaskTimeoutError,
  type TaskTimeoutErrorOptions,
  TimeoutError,
  WorkerLostError,
  type WorkerLostErrorOptions,
} from "./errors.ts";
export { type CurrentTask, currentTask } from "./tasks/current_task.ts";
export type { TaskDecorator } from "./tasks/decorator.ts";
export type { AnyFunction, ModuleMeta } from "./tasks/registry.ts";
export { type AnyClass, picklable, type PicklableDecorator, type PicklableOptions } from "./tasks/picklable.ts";
export type { Picklable, Sendable, SendableArgs, SendableArray, SendableFields } from "./tasks/sendable.ts";
export { task, type TaskOptions, tasks } from "./tasks/task.ts";
export { transfer } from "./tasks/transfer.ts";
export { isMain } from "./runtime/is_main.ts";
export type { ChildPermissions, PermissionName } from "./runtime/deno_permissions.ts";
export { type CancelOptions, Future } from "./executor/future.ts";
export {
  asCompleted,
  type AsCompletedOptions,
  type CompletedIterator,
  type CompletedIteratorTwin,
  type ReturnWhen,
  wait,
  type WaitOptions,
  type WaitResult,
} from "./executor/wait.ts";
export type { CallOptions, Retries } from "./executor/call_options.ts";
export { Executor, type ShutdownOptions } from "./executor/executor.ts";
export type { MapResults } from "./executor/map.ts";
export type { Heads, Items, MapOptions, Zipped } from "./executor/map_arguments.ts";
export type { ExecutorOptions, InitargsOf } from "./executor/executor_options.ts";
export { ProcessPoolExecutor, type ProcessPoolExecutorOptions } from "./executor/process_pool.ts";
export { ThreadPoolExecutor, type ThreadPoolExecutorOptions } from "./executor/thread_pool.ts";
