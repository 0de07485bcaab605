/** The process pool. */
import { ByteWriter } from "../channel/byte_writer.ts";
import { encodeList } from "../channel/codec.ts";
import { BrokenProcessPool, NotSupportedError } from "../errors.ts";
import type { ChildPermissions } from "../runtime/deno_permissions.ts";
import { runtime as hostRuntime } from "../runtime/mod.ts";
import type { ProcessGroup, Runtime, WorkerEntry } from "../runtime/runtime.ts";
import { type AnyFunction, findTask, registeredModules } from "../tasks/registry.ts";
import type { SendableArgs } from "../tasks/sendable.ts";
import { Executor } from "./executor.ts";
import {
  checkArray,
  checkChoice,
  checkInteger,
  checkNames,
  checkRecord,
  checkString,
  checkStrings,
} from "./options.ts";
import { Scheduler } from "./scheduler.ts";
import type { WorkerStart } from "./worker.ts";
import { runWorker } from "./worker_main.ts";

/** Options of {@linkcode ProcessPoolExecutor}. */
export interface ProcessPoolExecutorOptions<InitArgs extends unknown[] = unknown[]> {
  /**
   * Number of workers at most. They start on demand.
   *
   * @default What the system lets this process keep busy.
   */
  readonly maxWorkers?: number;
  /**
   * A task that each worker runs before its first call. If it throws, the pool is broken at once.
   *
   * There is no finalizer: what a task module opened is closed with its worker.
   */
  readonly initializer?: (...args: InitArgs) => unknown;
  /**
   * Arguments of the initializer. They are copied once, when the pool is made, and sent to each worker with its start:
   * large data are better read by the initializer itself.
   *
   * @default {[]}
   */
  readonly initargs?: SendableArgs<InitArgs>;
  /**
   * Calls after which a worker is replaced by a new one.
   *
   * @default No limit.
   */
  readonly maxTasksPerChild?: number;
  /**
   * What it means that a worker dies: `"replace"`, only the call that it was at fails, with `WorkerLostError`, and the rest
   * goes on; `"break"`, Python's rule, all pending calls fail with `BrokenProcessPool`, and the pool takes no more.
   *
   * With `"replace"` tiny calls of the worker's last millisecond, whose results were still on their way, fail as well.
   *
   * @default {"replace"}
   */
  readonly onWorkerLost?: "replace" | "break";
  /**
   * What becomes of an instance of a class that is not registered with `picklable()`: `"class"`, it is refused with a
   * `PicklingError`, for it would lose its class; `"plain"`, what the platform's structured clone does: it arrives as a plain
   * object with its own fields, and of a subclass of `Map`, `Array` and their like as that built-in class.
   *
   * Instances of registered classes arrive as what they are either way.
   *
   * @default {"class"}
   */
  readonly instances?: "class" | "plain";
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
   * `--inspect`, `--input-type` and their like).
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
   * First part of the workers' names, which are `ProcessPoolExecutor-1`, `-2`, and so on. Unlike Python, they count from 1.
   *
   * @default {"ProcessPoolExecutor"}
   */
  readonly workerName?: string;
  /**
   * The adapter of the host, an object of `runtime/`; for tests.
   *
   * @default The one that the program runs on.
   */
  readonly runtime?: object;
}

/** The arguments that an initializer asks for, if it asks for any. */
export type InitargsOf<InitArgs extends unknown[]> = [] extends InitArgs ? unknown
  : { readonly initargs: SendableArgs<InitArgs> };

const OPTIONS = [
  "maxWorkers",
  "initializer",
  "initargs",
  "maxTasksPerChild",
  "onWorkerLost",
  "instances",
  "env",
  "cwd",
  "execArgv",
  "permissions",
  "config",
  "workerName",
  "runtime",
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
  checkNames(options, OPTIONS);
  const { env, cwd, execArgv, permissions, config } = options;
  const runtime = (options.runtime ?? hostRuntime()) as Runtime;
  checkRecord("env", env);
  checkString("cwd", cwd);
  checkStrings("execArgv", execArgv);
  checkString("config", config);
  checkString("workerName", options.workerName);
  runtime.checkOptions({ permissions });
  const entry = workerEntry(runtime);
  let group: ProcessGroup | undefined;
  return new Scheduler({
    runtime,
    maxWorkers: checkInteger("maxWorkers", options.maxWorkers) ?? runtime.availableParallelism(),
    maxTasksPerChild: checkInteger("maxTasksPerChild", options.maxTasksPerChild) ?? Infinity,
    onWorkerLost: checkChoice("onWorkerLost", options.onWorkerLost, ["replace", "break"]) ?? "replace",
    plain: checkChoice("instances", options.instances, ["class", "plain"]) === "plain",
    workerName: options.workerName ?? "ProcessPoolExecutor",
    initializer: startOf(options),
    check: () => runtime.checkProcesses({ permissions, execArgv }),
    start: () => {
      group ??= runtime.openProcessGroup();
      return group.start({ env, cwd, execArgv, permissions, config, entry: entry(), modules: registeredModules() });
    },
    close: async () => await group?.close(),
    broken: (message, options) => new BrokenProcessPool(message, options),
  });
}

function startOf<InitArgs extends unknown[]>(
  options: ProcessPoolExecutorOptions<InitArgs>,
): WorkerStart["initializer"] {
  const { initializer, initargs = [] } = options;
  checkArray("initargs", initargs);
  if (initializer === undefined) {
    if (initargs.length === 0) return undefined;
    throw new TypeError(
      "Cannot create a pool as 'initargs' must come with an 'initializer': current initializer is undefined",
    );
  }
  const task = findTask(initializer as AnyFunction, "initializer");
  const writer = new ByteWriter();
  writer.begin();
  encodeList(writer, initargs, (index) => `initargs[${index}]`, "initarg", options.instances === "plain");
  return { task, args: writer.bytes.slice(writer.start, writer.length) };
}

const OWN_NAME = /\/executor\/process_pool\.([cm]?[jt]s)$/;

/** What a worker runs: the entry beside this file, or, where this file lies in a bundle, that bundle. */
function workerEntry(runtime: Runtime): () => WorkerEntry {
  // Spelt out: `bun build --bytecode` refuses a bare `import.meta`.
  const url = import.meta.url as string | undefined;
  const [, extension] = OWN_NAME.exec(url ?? "") ?? [];
  return () => {
    if (url === undefined) {
      throw new NotSupportedError(
        "Cannot start a worker as ergate must know its own module's URL: import.meta.url is missing, bundle it as ESM",
      );
    }
    if (extension === undefined || runtime.inBinary) return { url, bundled: true };
    return { url: url.replace(OWN_NAME, `/executor/entry.${extension}`), bundled: false };
  };
}

// In a bundle there is no entry of its own: the bundle is run again, and this makes it a worker as soon as it is imported,
// before the program in it asks whether it is the main one.
if ((hostRuntime().inBinary || !OWN_NAME.test(import.meta.url ?? "")) && hostRuntime().takeWorkerMark()) {
  void runWorker(hostRuntime());
}
