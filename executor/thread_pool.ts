/** The thread pool. */
import { BrokenThreadPool } from "../errors.ts";
import { Executor } from "./executor.ts";
import { commonOptions, EXECUTOR_OPTIONS, type ExecutorOptions, type InitargsOf } from "./executor_options.ts";
import { Scheduler } from "./scheduler.ts";

/** Options of {@linkcode ThreadPoolExecutor}. */
export interface ThreadPoolExecutorOptions<InitArgs extends unknown[] = unknown[]> extends ExecutorOptions<InitArgs> {}

/**
 * Runs tasks in threads of this process, each with a JavaScript heap of its own. Python's
 * `concurrent.futures.ThreadPoolExecutor`, but on all cores.
 *
 * Tasks, types and errors are those of {@linkcode ProcessPoolExecutor}. A `SharedArrayBuffer` passes and is shared, and a
 * transferred buffer moves without a copy. What ends a whole process (a crash in native code, on Deno a heap that is
 * exhausted) ends the program, too. On Deno 2.9 a thread that loops, or blocks, cannot be stopped: its call fails when the
 * thread is ended, but it keeps a core busy until the program's end; take processes for what may loop.
 *
 * `process.exit()` in a task ends its thread alone. What a task prints reaches the program's own output in whole lines. A
 * program with an idle pool ends by itself; one with pending calls ends when they are done.
 *
 * On Deno a thread has the program's permissions, and needs `--allow-read` for the modules that it imports.
 *
 * Unlike Python, tasks share no variables with the program: a thread imports their modules anew.
 *
 * @typeParam InitArgs Parameters of the initializer.
 *
 * @example Usage
 * ```ts
 * import { isMain, tasks, ThreadPoolExecutor } from "@ergate/ergate";
 * import assert from "node:assert/strict";
 *
 * export function fib(n: number): number {
 *   return n < 2 ? n : fib(n - 1) + fib(n - 2);
 * }
 * tasks(import.meta, { fib });
 *
 * if (isMain(import.meta)) {
 *   await using pool = new ThreadPoolExecutor();
 *   assert.equal(await pool.submit(fib, 20), 6765);
 *   assert.deepEqual(await pool.map(fib, [1, 2, 3]).toArray(), [1, 1, 2]);
 * }
 * ```
 */
export class ThreadPoolExecutor<InitArgs extends unknown[] = unknown[]> extends Executor {
  /**
   * Makes a pool; starts nothing yet.
   *
   * @param options Options, or the number of workers at most.
   * @throws {TypeError} If an option is unknown or of a wrong kind.
   * @throws {RangeError} If an option is out of range.
   * @throws {PicklingError} If the initializer is no registered task, or one of its arguments cannot cross.
   */
  constructor(
    options: number | (ThreadPoolExecutorOptions<InitArgs> & InitargsOf<InitArgs>) = {} as
      & ThreadPoolExecutorOptions<InitArgs>
      & InitargsOf<InitArgs>,
  ) {
    super(threadScheduler(typeof options === "number" ? { maxWorkers: options } : options));
  }
}

function threadScheduler<InitArgs extends unknown[]>(options: ThreadPoolExecutorOptions<InitArgs>): Scheduler {
  const { found, ...common } = commonOptions(options, {
    names: EXECUTOR_OPTIONS,
    workerName: "ThreadPoolExecutor",
    shares: true,
  });
  const group = common.runtime.openThreadGroup();
  return new Scheduler({
    ...common,
    maxMemoryPerWorker: Infinity,
    check: () => common.runtime.checkThreads(),
    start: (name) => group.start(found(name)),
    close: () => group.close(),
    broken: (message, options) => new BrokenThreadPool(message, options),
  });
}
