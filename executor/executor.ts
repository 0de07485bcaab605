/** What all executors have in common: the face of `concurrent.futures` over a scheduler. */
import { type CallOptions, type CallRules, checkCallOptions } from "./call_options.ts";
import { describe } from "../errors.ts";
import { checkMayUseExecutor } from "../tasks/current_task.ts";
import { type AnyFunction, findTask } from "../tasks/registry.ts";
import type { SendableArgs } from "../tasks/sendable.ts";
import type { Future } from "./future.ts";
import { MapCalls, type MapMode, type MapResults } from "./map.ts";
import { type Heads, type MapOptions, splitMapArguments, type Zipped } from "./map_arguments.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Unseen } from "./unseen.ts";
import { SubmittedCall } from "./work_item.ts";

/** Starts a map of an executor; set by the class's static block. */
let startMap: (executor: Executor, fn: AnyFunction, rest: readonly unknown[], mode?: MapMode) => MapCalls;

/** What an executor tells of failures; set by the class's static block. */
let unseen: (executor: Executor) => Unseen;

/** Options of {@linkcode Executor.shutdown}. */
export interface ShutdownOptions {
  /**
   * Whether the returned promise waits until all is over; if not, it resolves at once and the rest goes on by itself.
   *
   * @default {true}
   */
  readonly wait?: boolean;
  /**
   * Whether calls that no worker has been sent are cancelled.
   *
   * @default {false}
   */
  readonly cancelFutures?: boolean;
}

/**
 * Runs tasks in workers. Python's `concurrent.futures.Executor`.
 *
 * Made as one of its subclasses, {@linkcode ProcessPoolExecutor} or {@linkcode ThreadPoolExecutor}. Workers start on demand; an idle one is reused first. One
 * call at a time runs in a worker: to overlap waiting, take more workers.
 *
 * Unlike Python, `submit` takes its copy of the arguments at the call: what the caller changes later is not seen, and what
 * cannot cross is refused there and then.
 *
 * @example Usage
 * ```ts
 * import { type Executor, isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
 * import assert from "node:assert/strict";
 *
 * export function square(n: number): number {
 *   return n * n;
 * }
 * tasks(import.meta, { square });
 *
 * async function sumOfSquares(executor: Executor): Promise<number> {
 *   let sum = 0;
 *   for await (const value of executor.map(square, [1, 2, 3])) sum += value;
 *   return sum;
 * }
 *
 * if (isMain(import.meta)) {
 *   await using pool = new ProcessPoolExecutor(2);
 *   assert.equal(await sumOfSquares(pool), 14);
 * }
 * ```
 */
export abstract class Executor {
  readonly #scheduler: Scheduler;
  readonly #rules: CallRules;

  static {
    unseen = (executor) => executor.#scheduler.calls.unseen;
    startMap = (executor, fn, rest, mode) => {
      checkMayUseExecutor();
      const scheduler = executor.#scheduler;
      scheduler.checkOpen();
      const profile = scheduler.profile(findTask(fn));
      const { iterables, options } = splitMapArguments(rest);
      const calls = new MapCalls(scheduler, profile, iterables, options, executor.#rules, mode);
      executor.#rules.group?.add(calls);
      return calls;
    };
  }

  /**
   * Makes the face of a scheduler; for subclasses.
   *
   * @param scheduler The scheduler.
   * @param rules Options of all calls made by it, checked.
   */
  constructor(scheduler: unknown, rules?: unknown) {
    this.#scheduler = scheduler as Scheduler;
    this.#rules = (rules ?? this.#scheduler.rules) as CallRules;
  }

  /** Number of workers at most. */
  get maxWorkers(): number {
    return this.#scheduler.maxWorkers;
  }

  /** Calls that are submitted and not done, those that run included. */
  get pendingCount(): number {
    return this.#scheduler.calls.count;
  }

  /**
   * Calls a task in a worker.
   *
   * @typeParam Args Its parameters.
   * @typeParam Result What it returns.
   * @param fn A function registered with `tasks()`.
   * @param args Its arguments. What the compiler can tell cannot cross it refuses, by a sentence; see {@linkcode Sendable}.
   * @returns The result, later.
   * @throws {TypeError} If `fn` is no function.
   * @throws {PicklingError} If `fn` is no registered task, or an argument cannot cross; nothing is queued then.
   * @throws {QueueFullError} If as many calls wait as the executor's `maxQueued` allows.
   * @throws {ShutdownError} If the executor was shut down.
   * @throws {BrokenExecutor} If the executor is broken.
   * @throws {InvalidStateError} If this is a worker, and no task is running.
   * @throws {NotSupportedError} If the host cannot, or may not, start workers.
   */
  submit<Args extends unknown[], Result>(
    fn: (...args: Args) => Result,
    ...args: SendableArgs<Args>
  ): Future<Awaited<Result>> {
    checkMayUseExecutor();
    const scheduler = this.#scheduler;
    scheduler.checkRoom();
    const profile = scheduler.profile(findTask(fn));
    const copied = scheduler.arguments.copy(args as readonly unknown[], argumentName, {
      transfer: this.#rules.transfer,
      metOnly: false,
      check: () => scheduler.checkRoom(), // once more, as a getter may have shut it down, or submitted
    });
    const call = new SubmittedCall(scheduler.calls, profile, this.#rules, copied);
    scheduler.submit(call);
    this.#rules.group?.add(call);
    return call.future as Future<Awaited<Result>>;
  }

  // The compiler reports an error against the last of these: so that is the one without options.
  /**
   * Calls a task for each item, with options behind the iterables.
   *
   * @typeParam Args The task's parameters.
   * @typeParam Result What it returns.
   * @param fn A function registered with `tasks()`.
   * @param iterablesAndOptions One iterable for each parameter, or up to one that may be left out, then the options.
   * @returns The results.
   */
  map<Args extends unknown[], Result>(
    fn: (...args: Args) => Result,
    ...iterablesAndOptions: [...Zipped<Heads<Args>>, MapOptions]
  ): MapResults<Awaited<Result>>;
  /**
   * The same for a task with rest parameters.
   *
   * @typeParam Args The task's parameters.
   * @typeParam Result What it returns.
   * @param fn A function registered with `tasks()`.
   * @param iterablesAndOptions One iterable for each parameter, then the options.
   * @returns The results.
   */
  map<Args extends unknown[], Result>(
    fn: (...args: Args) => Result,
    ...iterablesAndOptions: [...Zipped<Args>, MapOptions]
  ): MapResults<Awaited<Result>>;
  /**
   * Calls a task for each item, or for each row of several iterables; the shortest ends it. Results come in the order of
   * the items.
   *
   * Items with a known number (arrays, sets, typed arrays) are all drawn and run, read or not. Of others (generators,
   * async iterables) only some thousands are drawn ahead of the reader, or `buffersize`, so they may be endless. After an
   * item's error the iterator goes on; nothing more is sent until `next()` is called again.
   *
   * Unlike Python up to 3.15, an error does not end the iterator, and the size of chunks is found by measuring.
   *
   * @typeParam Args The task's parameters.
   * @typeParam Result What it returns.
   * @param fn A function registered with `tasks()`.
   * @param iterables One iterable for each parameter.
   * @returns The results.
   * @throws {TypeError} If `fn` is no function, an argument is not iterable, or an option is of a wrong kind.
   * @throws {RangeError} If an option is out of range.
   * @throws {PicklingError} If `fn` is no registered task. An item that cannot cross is an error of its own `next()`.
   * @throws {ShutdownError} If the executor was shut down.
   * @throws {BrokenExecutor} If the executor is broken.
   * @throws {InvalidStateError} If this is a worker, and no task is running.
   * @throws {NotSupportedError} If the host cannot, or may not, start workers.
   */
  map<Args extends unknown[], Result>(
    fn: (...args: Args) => Result,
    ...iterables: Zipped<Args>
  ): MapResults<Awaited<Result>>;
  map(fn: AnyFunction, ...rest: unknown[]): MapResults<never> {
    return startMap(this, fn, rest) as MapResults<unknown> as MapResults<never>;
  }

  /**
   * The same executor with options for the calls that are made by it: the same workers, the same queue, one shutdown.
   *
   * @param options The options. Those that this was given before hold on, unless they are given again.
   * @returns An executor to call `submit` or `map` of.
   * @throws {TypeError} If the options are no object, or one is unknown or of a wrong kind.
   * @throws {RangeError} If one is out of range.
   *
   * @example A time limit, and other attempts
   * ```ts
   * import { isMain, ProcessPoolExecutor, TaskTimeoutError, tasks } from "@ergate/ergate";
   * import assert from "node:assert/strict";
   *
   * export function loop(): never {
   *   for (;;);
   * }
   * tasks(import.meta, { loop });
   *
   * if (isMain(import.meta)) {
   *   await using pool = new ProcessPoolExecutor(1);
   *   const patient = pool.with({ taskTimeout: 50, retries: 1 });
   *   await assert.rejects(patient.submit(loop), TaskTimeoutError); // after two attempts
   * }
   * ```
   *
   * @example Buffers that move
   * ```ts
   * import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
   * import assert from "node:assert/strict";
   *
   * export function sum(samples: Float64Array): number {
   *   return samples.reduce((total, sample) => total + sample, 0);
   * }
   * tasks(import.meta, { sum });
   *
   * if (isMain(import.meta)) {
   *   await using pool = new ProcessPoolExecutor(1);
   *   const samples = new Float64Array(100_000).fill(2);
   *   const future = pool.with({ transfer: [samples.buffer] }).submit(sum, samples);
   *   assert.equal(samples.length, 0); // moved
   *   assert.equal(await future, 200_000);
   * }
   * ```
   */
  with(options: CallOptions): Executor {
    return new BoundExecutor(this.#scheduler, checkCallOptions(options, this.#rules));
  }

  /**
   * Waits for room in the queue of an executor with `maxQueued`.
   *
   * Those who have asked first hear of it first, and no more of them at a time than there is room for.
   *
   * @returns Resolves when `submit` will take a call; rejects with `ShutdownError` or `BrokenExecutor` when it never will.
   *
   * @example Usage
   * ```ts
   * import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
   * import assert from "node:assert/strict";
   *
   * export function square(n: number): number {
   *   return n * n;
   * }
   * tasks(import.meta, { square });
   *
   * if (isMain(import.meta)) {
   *   await using pool = new ProcessPoolExecutor({ maxWorkers: 1, maxQueued: 10 });
   *   let sum = 0;
   *   for (let n = 1; n <= 100; n++) {
   *     await pool.whenFree();
   *     pool.submit(square, n).then((value) => sum += value);
   *   }
   *   await pool.shutdown();
   *   assert.equal(sum, 338_350);
   * }
   * ```
   */
  whenFree(): Promise<void> {
    try {
      this.#scheduler.checkOpen();
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#scheduler.room.whenFree();
  }

  /**
   * Changes how many workers there are at most. New ones start when there are calls for them; those that are too many take
   * no more calls, finish what they have, and leave, idle ones first.
   *
   * @param maxWorkers The new number.
   * @throws {TypeError} If it is no number.
   * @throws {RangeError} If it is no positive integer.
   * @throws {ShutdownError} If the executor was shut down.
   * @throws {BrokenExecutor} If the executor is broken.
   */
  resize(maxWorkers: number): void {
    checkSize(maxWorkers);
    this.#scheduler.checkOpen();
    this.#scheduler.resize(maxWorkers);
  }

  /**
   * Takes no more calls, lets those that were submitted be run, and ends the workers. May be called again.
   *
   * @param options Whether to wait, and whether to cancel what has not been sent to a worker.
   * @returns Resolves when all is over, or at once if it is not to be waited for.
   * @throws {TypeError} If the options are no object, or one is unknown or of a wrong kind.
   */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    if (typeof options !== "object" || options === null) {
      throw new TypeError(`Cannot shut down as the options must be an object: current value is ${describe(options)}`);
    }
    for (const name of Object.keys(options)) {
      if (name === "wait" || name === "cancelFutures") continue;
      throw new TypeError(
        `Cannot shut down as an option must be 'wait' or 'cancelFutures': current option is '${name}'`,
      );
    }
    const { wait = true, cancelFutures = false } = options;
    checkBoolean("wait", wait);
    checkBoolean("cancelFutures", cancelFutures);
    const closed = this.#scheduler.shutdown(cancelFutures);
    return wait ? closed : Promise.resolve();
  }

  /**
   * Ends the workers by SIGTERM, and by SIGKILL three seconds later if they are still there. All pending calls fail with
   * `BrokenExecutor`, and the executor takes no more. Python's `terminate_workers` (3.14).
   *
   * @returns Resolves when they have ended.
   */
  terminateWorkers(): Promise<void> {
    return this.#scheduler.kill("SIGTERM");
  }

  /**
   * Ends the workers by SIGKILL. All pending calls fail with `BrokenExecutor`, and the executor takes no more. Python's
   * `kill_workers` (3.14).
   *
   * @returns Resolves when they have ended.
   */
  killWorkers(): Promise<void> {
    return this.#scheduler.kill("SIGKILL");
  }

  /**
   * The end of an `await using` block: `shutdown()`, which waits for all that was submitted, as Python's `with` does.
   *
   * @returns Resolves when all is over.
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }
}

/** The failures of an executor that nobody has looked at, for other faces than its own. */
export function unseenOf(executor: Executor): Unseen {
  return unseen(executor);
}

/**
 * A map of an executor for other faces than its own, such as `Pool`.
 *
 * @param executor The executor.
 * @param fn A registered function.
 * @param rest The iterables, then the options.
 * @param mode What that face asks for.
 * @throws What {@linkcode Executor.map} throws.
 */
export function mapOf(executor: Executor, fn: AnyFunction, rest: readonly unknown[], mode: MapMode): MapCalls {
  return startMap(executor, fn, rest, mode);
}

/** An executor with options of calls. */
class BoundExecutor extends Executor {}

function argumentName(index: number): string {
  return `args[${index}]`;
}

function checkSize(maxWorkers: unknown): void {
  if (typeof maxWorkers === "number" && Number.isInteger(maxWorkers) && maxWorkers > 0) return;
  const ErrorClass = typeof maxWorkers === "number" ? RangeError : TypeError;
  throw new ErrorClass(
    `Cannot resize as 'maxWorkers' must be a positive integer: current value is ${describe(maxWorkers)}`,
  );
}

function checkBoolean(name: string, value: unknown): void {
  if (typeof value === "boolean") return;
  throw new TypeError(`Cannot shut down as '${name}' must be a boolean: current value is ${describe(value)}`);
}
