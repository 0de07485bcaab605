/** The process pool. */
import { BrokenProcessPool } from "../errors.ts";
import type { ChildPermissions } from "../runtime/deno_permissions.ts";
import type { ProcessOptions, Runtime, WorkerGroup } from "../runtime/runtime.ts";
import { Executor } from "./executor.ts";
import {
  type CommonOptions,
  commonOptions,
  EXECUTOR_OPTIONS,
  type ExecutorOptions,
  type InitargsOf,
} from "./executor_options.ts";
import { checkLimit, checkRecord, checkString, checkStrings } from "./options.ts";
import { Scheduler, type SchedulerOptions } from "./scheduler.ts";

/** Options of {@linkcode ProcessPoolExecutor}. */
export interface ProcessPoolExecutorOptions<InitArgs extends unknown[] = unknown[]> extends ExecutorOptions<InitArgs> {
  /** Environment variables of the workers, on top of the parent's. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Working directory of the workers.
   *
   * @default The parent's.
   */
  readonly cwd?: string;
  /**
   * Flags of the runtime for the workers, without what would make them run something else (`-e`, `--test`, `--watch`,
   * `--inspect`, `--input-type` and their like). Relative paths in them are looked up in the workers' working directory.
   *
   * @default The parent's; none on Deno, which does not tell them.
   */
  readonly execArgv?: readonly string[];
  /**
   * Deno only: what of the parent's permissions the workers get, never more than it has.
   *
   * @default {"inherit"} What the parent holds whole.
   */
  readonly permissions?: ChildPermissions;
  /**
   * Deno only: path of the `deno.json` or `package.json` of the workers' project, whose import map and packages they see.
   *
   * @default The one found by walking up from the main module.
   */
  readonly config?: string;
  /**
   * Bytes of resident memory that a worker may use; they are looked at every 100 ms while it has calls. A worker past it is
   * replaced after the call that it is at; if that has not ended at the next look, it is killed, and the call fails with
   * `WorkerLostError`.
   *
   * Linux only; on Deno it takes `--allow-all`, as `/proc` must be read.
   *
   * @default No limit.
   */
  readonly maxMemoryPerWorker?: number;
}

/** Names of the options. */
export const PROCESS_POOL_OPTIONS: readonly string[] = [
  ...EXECUTOR_OPTIONS,
  "env",
  "cwd",
  "execArgv",
  "permissions",
  "config",
  "maxMemoryPerWorker",
];

/**
 * Runs tasks in child processes of the same runtime. Python's `concurrent.futures.ProcessPoolExecutor`.
 *
 * A child dies with its parent, however the parent dies. What a task prints reaches the parent's own output in whole lines.
 * A program with an idle pool ends by itself; one with pending calls ends when they are done.
 *
 * On Deno the program needs `--allow-run --allow-read --allow-write --allow-net`; workers get no permission that it lacks.
 *
 * @typeParam InitArgs Parameters of the initializer.
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
 *   assert.equal(await pool.submit(fib, 20), 6765);
 *   assert.deepEqual(await pool.map(fib, [1, 2, 3]).toArray(), [1, 1, 2]);
 * }
 * ```
 *
 * @example With an initializer
 * ```ts
 * import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
 * import assert from "node:assert/strict";
 *
 * let greeting = "";
 * export function setUp(text: string): void {
 *   greeting = text;
 * }
 * export function greet(name: string): string {
 *   return `${greeting}, ${name}`;
 * }
 * tasks(import.meta, { setUp, greet });
 *
 * if (isMain(import.meta)) {
 *   await using pool = new ProcessPoolExecutor({ maxWorkers: 1, initializer: setUp, initargs: ["Hello"] });
 *   assert.equal(await pool.submit(greet, "ant"), "Hello, ant");
 * }
 * ```
 */
export class ProcessPoolExecutor<InitArgs extends unknown[] = unknown[]> extends Executor {
  /**
   * Makes a pool; starts nothing yet.
   *
   * @param options Options, or the number of workers at most.
   * @throws {TypeError} If an option is unknown or of a wrong kind.
   * @throws {RangeError} If an option is out of range.
   * @throws {PicklingError} If the initializer is no registered task, or one of its arguments cannot cross.
   */
  constructor(
    options: number | (ProcessPoolExecutorOptions<InitArgs> & InitargsOf<InitArgs>) = {} as
      & ProcessPoolExecutorOptions<InitArgs>
      & InitargsOf<InitArgs>,
  ) {
    super(processScheduler(typeof options === "number" ? { maxWorkers: options } : options));
  }
}

function processScheduler<InitArgs extends unknown[]>(options: ProcessPoolExecutorOptions<InitArgs>): Scheduler {
  const { found, ...common } = commonOptions(options, {
    names: PROCESS_POOL_OPTIONS,
    workerName: "ProcessPoolExecutor",
    shares: false,
  });
  const maxMemoryPerWorker = checkLimit("maxMemoryPerWorker", options.maxMemoryPerWorker, 1);
  const starter = processStarter(options, common.runtime, found);
  return new Scheduler({
    ...common,
    ...starter,
    maxMemoryPerWorker,
    check: () => {
      starter.check();
      if (maxMemoryPerWorker !== Infinity) common.runtime.checkMemoryUse();
    },
    broken: (message, options) => new BrokenProcessPool(message, options),
  });
}

/** Options of the child processes themselves. */
type ChildOptions = Pick<ProcessPoolExecutorOptions, "env" | "cwd" | "execArgv" | "permissions" | "config">;

/**
 * Starts child processes, of a pool or one by one.
 *
 * @param options How they are to be started.
 * @param runtime The host.
 * @param found What one is to find; asked at each start.
 * @throws {TypeError} If an option is of a wrong kind.
 * @throws {RangeError} If an option is out of range.
 */
export function processStarter(
  { env, cwd, execArgv, permissions, config }: ChildOptions,
  runtime: Runtime,
  found: CommonOptions["found"],
): Pick<SchedulerOptions, "check" | "start" | "close"> {
  checkRecord("env", env);
  checkString("cwd", cwd);
  checkStrings("execArgv", execArgv);
  checkString("config", config);
  runtime.checkOptions({ permissions });
  let group: WorkerGroup<ProcessOptions> | undefined;
  return {
    check: () => runtime.checkProcesses({ permissions, execArgv }),
    start: (name) => {
      group ??= runtime.openProcessGroup();
      return group.start({ env, cwd, execArgv, permissions, config, ...found(name) });
    },
    close: async () => await group?.close(),
  };
}
