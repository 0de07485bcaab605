/** The pool of threads. */
import { EXECUTOR_OPTIONS, type InitargsOf } from "../executor/executor_options.ts";
import { ThreadPoolExecutor, type ThreadPoolExecutorOptions } from "../executor/thread_pool.ts";
import { executorOptions, Pool, type WorkerOptions } from "./pool.ts";

/** Options of {@linkcode ThreadPool}: Python's, and those of a thread pool that have no other name here. */
export interface ThreadPoolOptions<InitArgs extends unknown[] = unknown[]>
  extends WorkerOptions, Omit<ThreadPoolExecutorOptions<InitArgs>, "maxWorkers" | "maxTasksPerChild" | "maxQueued"> {}

/**
 * Runs tasks in threads of this process, each with a JavaScript heap of its own: a {@linkcode Pool} in all else. Python's
 * `multiprocessing.pool.ThreadPool`, but on all cores.
 *
 * Unlike Python, tasks share no variables with the program, `terminate()` ends what is running, and `maxtasksperchild` is there,
 * too. What is still running when it is terminated fails with `BrokenThreadPool`.
 *
 * @typeParam InitArgs Parameters of the initializer.
 *
 * @example Usage
 * ```ts
 * import { isMain, tasks } from "@ergate/ergate";
 * import { ThreadPool } from "@ergate/ergate/pool";
 * import assert from "node:assert/strict";
 *
 * export function fib(n: number): number {
 *   return n < 2 ? n : fib(n - 1) + fib(n - 2);
 * }
 * tasks(import.meta, { fib });
 *
 * if (isMain(import.meta)) {
 *   await using pool = new ThreadPool(2);
 *   assert.deepEqual(await pool.map(fib, [1, 2, 3]), [1, 1, 2]);
 * }
 * ```
 */
export class ThreadPool<InitArgs extends unknown[] = unknown[]> extends Pool<InitArgs> {
  /**
   * Makes a pool; starts nothing yet.
   *
   * @param options Options, or the number of workers at most.
   * @throws {TypeError} If an option is unknown or of a wrong kind.
   * @throws {RangeError} If an option is out of range.
   * @throws {PicklingError} If the initializer is no registered task, or one of its arguments cannot cross.
   */
  constructor(
    options: number | (ThreadPoolOptions<InitArgs> & InitargsOf<InitArgs>) = {} as
      & ThreadPoolOptions<InitArgs>
      & InitargsOf<InitArgs>,
  ) {
    const checked = executorOptions(options, EXECUTOR_OPTIONS, "ThreadPool");
    const executor = new ThreadPoolExecutor<unknown[]>(
      checked as ThreadPoolExecutorOptions & InitargsOf<unknown[]>,
    );
    super(undefined, { executor, name: "ThreadPool" });
  }
}
