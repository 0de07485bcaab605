/** What the options of every executor have in common, and how they become a scheduler's. */
import { ByteWriter } from "../channel/byte_writer.ts";
import { encodeList, type Sending } from "../channel/codec.ts";
import { runtime as hostRuntime } from "../runtime/mod.ts";
import type { Runtime, StartOptions } from "../runtime/runtime.ts";
import { type AnyFunction, findTask, registeredModules } from "../tasks/registry.ts";
import type { SendableArgs } from "../tasks/sendable.ts";
import { NO_RULES } from "./call_options.ts";
import {
  checkArray,
  checkBoolean,
  checkChoice,
  checkInteger,
  checkLimit,
  checkMilliseconds,
  checkPoolNames,
  checkString,
} from "./options.ts";
import type { SchedulerOptions } from "./scheduler.ts";
import type { WorkerStart } from "./worker.ts";
import { workerEntry } from "./worker_entry.ts";

/** Options of every executor. */
export interface ExecutorOptions<InitArgs extends unknown[] = unknown[]> {
  /**
   * Number of workers at most. They start on demand.
   *
   * @default What the system lets this process keep busy.
   */
  readonly maxWorkers?: number;
  /**
   * A task that each worker runs before its first call. If it throws, the pool is broken at once.
   *
   * It has no time limit: calls wait for one that never ends until `killWorkers()`.
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
   * Milliseconds for which a task may run, as in {@linkcode CallOptions.taskTimeout}, where the calls say nothing else.
   *
   * @default No limit.
   */
  readonly taskTimeout?: number;
  /**
   * Milliseconds after which a worker that has nothing to do is let go; the next calls start new ones.
   *
   * @default They stay until the executor is shut down.
   */
  readonly idleTimeout?: number;
  /**
   * Calls that may wait for a worker, beyond one for each of `maxWorkers`: `submit` throws `QueueFullError` past that, and
   * `whenFree()` resolves when there is room. `map` draws its inputs only as far as there is room.
   *
   * @default No limit.
   */
  readonly maxQueued?: number;
  /**
   * Whether failures that nobody has looked at are reported when the executor has been shut down: one line by
   * `console.error`, with their number and the first of them. Looked at means that `then`, `catch`, `finally`, `result`
   * or `exception` of the future was called, or `next()` of the map's results gave it.
   *
   * @default {true}
   */
  readonly reportUnseen?: boolean;
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
  /**
   * First part of the workers' names, which are `ProcessPoolExecutor-1`, `-2`, and so on. Unlike Python, they count from 1.
   *
   * @default The name of the executor's class.
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

/** Names of the options. */
export const EXECUTOR_OPTIONS: readonly string[] = [
  "maxWorkers",
  "initializer",
  "initargs",
  "maxTasksPerChild",
  "taskTimeout",
  "idleTimeout",
  "maxQueued",
  "reportUnseen",
  "onWorkerLost",
  "instances",
  "workerName",
  "runtime",
];

/** What a scheduler needs, but for what makes it one of processes or of threads. */
export interface CommonOptions
  extends Omit<SchedulerOptions, "check" | "start" | "close" | "broken" | "maxMemoryPerWorker"> {
  /** What a worker is to find; asked at each start. */
  found(name: string): StartOptions;
}

/** What kind of executor has the options. */
export interface ExecutorKind {
  /** All names of options that there are. */
  readonly names: readonly string[];
  /** What workers are called unless the options say. */
  readonly workerName: string;
  /** Whether memory can be shared with its workers. */
  readonly shares: boolean;
}

/**
 * Checks the options that every executor has.
 *
 * @param options What the user gave.
 * @param kind Of what executor.
 * @throws {TypeError} If an option is unknown or of a wrong kind.
 * @throws {RangeError} If an option is out of range.
 */
export function commonOptions<InitArgs extends unknown[]>(
  options: ExecutorOptions<InitArgs>,
  { names, workerName, shares }: ExecutorKind,
): CommonOptions {
  checkPoolNames(options, names);
  checkString("workerName", options.workerName);
  const runtime = (options.runtime ?? hostRuntime()) as Runtime;
  const entry = workerEntry(runtime);
  const plain = checkChoice("instances", options.instances, ["class", "plain"]) === "plain";
  const sending: Sending = { plain, shares };
  return {
    runtime,
    maxWorkers: checkInteger("maxWorkers", options.maxWorkers) ?? runtime.availableParallelism(),
    maxTasksPerChild: checkInteger("maxTasksPerChild", options.maxTasksPerChild) ?? Infinity,
    onWorkerLost: checkChoice("onWorkerLost", options.onWorkerLost, ["replace", "break"]) ?? "replace",
    rules: { ...NO_RULES, taskTimeout: checkMilliseconds("taskTimeout", options.taskTimeout) ?? Infinity },
    idleTimeout: checkMilliseconds("idleTimeout", options.idleTimeout) ?? Infinity,
    maxQueued: checkLimit("maxQueued", options.maxQueued, 0),
    reportUnseen: checkBoolean("reportUnseen", options.reportUnseen) ?? true,
    sending,
    workerName: options.workerName ?? workerName,
    initializer: startOf(options, sending),
    found: (name) => ({ name, entry: entry(), modules: registeredModules() }),
  };
}

function startOf<InitArgs extends unknown[]>(
  options: ExecutorOptions<InitArgs>,
  sending: Sending,
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
  const writer = new ByteWriter(true);
  writer.segmentSize = Infinity; // they go to all workers: only memory that is shared is not in the bytes
  writer.begin();
  encodeList(writer, initargs, (index) => `initargs[${index}]`, "initarg", sending);
  return { task, args: writer.bytes.slice(writer.start, writer.length), segments: writer.takeSegments() };
}
