/**
 * The face of `multiprocessing.Pool` over an executor.
 *
 * Each method issues calls of that executor; nothing here queues, sends or counts. What is here is what the executor has not:
 * the two ways to close, results of several calls in one, callbacks, and lazy drawing.
 *
 * `close()` must not shut the executor down while a map still draws: Python's pools finish what was issued, and a map was issued
 * as a whole. So the pool knows the maps that draw (`#drawing`), and shuts down when the last of them has ended; `join()` does not
 * wait for lazy ones, which somebody may have left, but has them draw what they can.
 */
import { describe, InvalidStateError, ShutdownError } from "../errors.ts";
import { queueMicrotask } from "../runtime/host_functions.ts";
import type { AnyFunction } from "../tasks/registry.ts";
import type { Sendable, SendableArgs } from "../tasks/sendable.ts";
import { type Executor, mapOf, unseenOf } from "../executor/executor.ts";
import type { InitargsOf } from "../executor/executor_options.ts";
import type { MapCalls, MapMode } from "../executor/map.ts";
import type { Items } from "../executor/map_arguments.ts";
import { checkInteger, checkPoolNames } from "../executor/options.ts";
import {
  PROCESS_POOL_OPTIONS,
  ProcessPoolExecutor,
  type ProcessPoolExecutorOptions,
} from "../executor/process_pool.ts";
import { AsyncResult, promiseOf, type UnseenFailures } from "./async_result.ts";
import { CALLBACK_OPTIONS, type CallbackOptions, checkMethodOptions } from "./callbacks.ts";
import { ImapIterator, type ImapResults } from "./imap_results.ts";
import { checkContext, type ContextLike } from "./start_method.ts";

/** What both pools ask for, by the names that `multiprocessing` has for it. */
export interface WorkerOptions {
  /**
   * Number of workers at most. Unlike Python, they start on demand.
   *
   * @default What the system lets this process keep busy.
   */
  readonly processes?: number;
  /**
   * Calls after which a worker is replaced by a new one. Unlike Python, where a whole chunk of a map counts as one.
   *
   * @default No limit.
   */
  readonly maxtasksperchild?: number;
}

/** Options of {@linkcode Pool}: Python's, and those of a process pool that have no other name here. */
export interface PoolOptions<InitArgs extends unknown[] = unknown[]>
  extends WorkerOptions, Omit<ProcessPoolExecutorOptions<InitArgs>, "maxWorkers" | "maxTasksPerChild" | "maxQueued"> {
  /**
   * What `getContext()` gives.
   *
   * @default {getContext("spawn")}
   */
  readonly context?: ContextLike;
}

/** Options of {@linkcode Pool.map} and `starmap`. */
export interface ChunkOptions {
  /**
   * Items in one message to a worker. A chunk is only a message: each item is a call of its own, and one that fails takes no
   * other with it. Unlike Python, where it is a quarter of a worker's share unless given.
   *
   * @default {"auto"} Tuned from measured times.
   */
  readonly chunksize?: number | "auto";
}

/** Options of {@linkcode Pool.imap} and `imapUnordered`. */
export interface ImapOptions extends ChunkOptions {
  /**
   * Items drawn ahead of the reader, at most.
   *
   * @default {4096}
   */
  readonly buffersize?: number;
}

/** Options of {@linkcode Pool.mapAsync} and `starmapAsync`. */
export interface MapAsyncOptions<T> extends ChunkOptions, CallbackOptions<T> {}

/** Rows of arguments, each an array or another iterable. */
export type Rows<Args extends unknown[]> = Items<Readonly<SendableArgs<Args>>>;

/**
 * Items that `imap` draws ahead of its reader: more keeps more workers busy with tiny calls over a slow reader's pauses, less holds
 * less in memory.
 */
const AHEAD = 4096;

/** Where a pool is, in the words that its printed form has. */
type PoolState = "RUN" | "CLOSE" | "TERMINATE";

/** A map that still draws from its input. */
class DrawingMap {
  /** Whether its reader may leave it: nobody but the program reads it. */
  readonly isLazy: boolean;
  /** Resolves when nothing more is drawn. */
  readonly ended: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  calls: MapCalls | undefined;

  constructor(isLazy: boolean) {
    this.isLazy = isLazy;
  }
}

/**
 * Runs tasks in child processes of the same runtime. Python's `multiprocessing.Pool`, which is another face of what
 * `ProcessPoolExecutor` is.
 *
 * The end of an `await using` block terminates the pool, as Python's `with` does: to wait for what was issued, call `close()` and
 * then `await pool.join()`. What is still running when a pool is terminated fails with `BrokenProcessPool`.
 *
 * A worker that dies is replaced, and only the call that it was at fails, with `WorkerLostError`. A failing initializer breaks the
 * pool: all calls fail with `BrokenProcessPool`, and so does each further one.
 *
 * What `apply`, `map` and `starmap` return is never an unhandled rejection, also if the pool is terminated before anybody awaits it;
 * failures that nobody looked at are reported in one line when the pool has ended.
 *
 * Unlike Python, a callback that throws, a worker that dies, a result that cannot cross and a failing initializer never leave
 * anybody waiting; a task may have a pool of its own; and workers start on demand.
 *
 * @typeParam InitArgs Parameters of the initializer.
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
 * export function power(base: number, exponent: number): number {
 *   return base ** exponent;
 * }
 * tasks(import.meta, { fib, power });
 *
 * if (isMain(import.meta)) {
 *   await using pool = new Pool(2);
 *   assert.deepEqual(await pool.map(fib, [1, 2, 3]), [1, 1, 2]);
 *   assert.deepEqual(await pool.starmap(power, [[2, 3], [3, 2]]), [8, 9]);
 *   assert.equal(await pool.apply(power, [2, 10]), 1024);
 *   for await (const value of pool.imapUnordered(fib, [10, 11])) assert([55, 89].includes(value));
 * }
 * ```
 *
 * @example Close and wait
 * ```ts
 * import { isMain, tasks } from "@ergate/ergate";
 * import { Pool } from "@ergate/ergate/pool";
 * import assert from "node:assert/strict";
 *
 * export function square(n: number): number {
 *   return n * n;
 * }
 * tasks(import.meta, { square });
 *
 * if (isMain(import.meta)) {
 *   const pool = new Pool({ processes: 2 });
 *   const seen: number[] = [];
 *   for (const n of [1, 2, 3]) pool.applyAsync(square, [n], { callback: (value) => seen.push(value) });
 *   pool.close();
 *   await pool.join();
 *   assert.deepEqual(seen.sort(), [1, 4, 9]);
 *   assert.equal(String(pool), "<Pool state=CLOSE pool_size=2>");
 * }
 * ```
 */
export class Pool<InitArgs extends unknown[] = unknown[]> {
  readonly #executor: Executor;
  readonly #name: string;
  #state: PoolState = "RUN";
  /** Maps that still draw from their inputs. */
  readonly #drawing = new Set<DrawingMap>();
  /** Failures that nobody has looked at; what fails as the pool is terminated is no news. */
  readonly #unseen: UnseenFailures;
  /** The end of the workers, once they were terminated. */
  #terminated: Promise<void> | undefined;

  /**
   * Makes a pool; starts nothing yet.
   *
   * @param options Options, or the number of workers at most.
   * @param face For subclasses: what runs the calls, and what the pool is called.
   * @throws {TypeError} If an option is unknown or of a wrong kind.
   * @throws {RangeError} If an option is out of range.
   * @throws {PicklingError} If the initializer is no registered task, or one of its arguments cannot cross.
   */
  constructor(
    options: number | (PoolOptions<InitArgs> & InitargsOf<InitArgs>) = {} as
      & PoolOptions<InitArgs>
      & InitargsOf<InitArgs>,
    face: { readonly executor?: unknown; readonly name?: string } = {},
  ) {
    this.#executor = face.executor as Executor | undefined ?? processExecutor(options);
    this.#name = face.name ?? "Pool";
    const unseen = unseenOf(this.#executor);
    this.#unseen = {
      add: (failed, error) => this.#state !== "TERMINATE" && unseen.add(failed, error),
      delete: (failed) => unseen.delete(failed),
    };
  }

  static {
    // By symbols that need no import; as they are no part of the types, users see one way to get the text: toString.
    for (const name of ["nodejs.util.inspect.custom", "Deno.customInspect"]) {
      Object.defineProperty(Pool.prototype, Symbol.for(name), {
        value(this: Pool): string {
          return this instanceof Pool && #state in this ? this.toString() : "Pool {}";
        },
      });
    }
  }

  /**
   * Calls a task without arguments, and waits for it.
   *
   * @typeParam Result What it returns.
   * @param fn A function registered with `tasks()`.
   * @returns A promise of what it returns.
   */
  apply<Result>(fn: () => Result): Promise<Awaited<Result>>;
  /**
   * Calls a task in a worker, and waits for it: one call alone uses one worker.
   *
   * @typeParam Args The task's parameters.
   * @typeParam Result What it returns.
   * @param fn A function registered with `tasks()`.
   * @param args Its arguments. Unlike Python, there are no keyword arguments.
   * @returns A promise of what it returns; rejects with what it throws.
   * @throws {TypeError} If `fn` is no function, or the arguments are no array.
   * @throws {PicklingError} If `fn` is no registered task, or an argument cannot cross; nothing is queued then.
   * @throws {ShutdownError} If the pool was closed or terminated. Unlike Python, which raises a `ValueError`.
   * @throws {BrokenExecutor} If the pool is broken.
   * @throws {InvalidStateError} If this is a worker, and no task is running.
   */
  apply<Args extends unknown[], Result>(
    fn: (...args: Args) => Result,
    args: SendableArgs<Args>,
  ): Promise<Awaited<Result>>;
  apply(fn: AnyFunction, args: readonly unknown[] = []): Promise<never> {
    return this.#submit(fn, args) as Promise<never>;
  }

  /**
   * Calls a task in a worker, and waits for nothing.
   *
   * Unlike Python, an argument that cannot cross is an error of this method, and not of the result.
   *
   * @typeParam Args The task's parameters.
   * @typeParam Result What it returns.
   * @param fn A function registered with `tasks()`.
   * @param args Its arguments; may be left out if there are none.
   * @param options Callbacks.
   * @returns The result, later.
   * @throws {TypeError} If `fn` is no function, the arguments are no array, or a callback is no function.
   * @throws {PicklingError} If `fn` is no registered task, or an argument cannot cross; nothing is queued then.
   * @throws {ShutdownError} If the pool was closed or terminated.
   * @throws {BrokenExecutor} If the pool is broken.
   * @throws {InvalidStateError} If this is a worker, and no task is running.
   */
  applyAsync<Args extends unknown[], Result>(
    fn: (...args: Args) => Result,
    ...argsAndOptions:
      | [args: SendableArgs<Args>, options?: CallbackOptions<Awaited<Result>>]
      | ([] extends Args ? [] : never)
  ): AsyncResult<Awaited<Result>>;
  applyAsync(
    fn: AnyFunction,
    args: readonly unknown[] = [],
    options: CallbackOptions<unknown> = {},
  ): AsyncResult<never> {
    checkMethodOptions(options, CALLBACK_OPTIONS);
    return new AsyncResult(this.#submit(fn, args), options, this.#unseen) as AsyncResult<never>;
  }

  /**
   * Calls a task for each item, and waits for all of them.
   *
   * If calls fail it rejects when all have ended. Unlike Python, of several failures it tells that of the first item, and not the
   * first to arrive; and a call that fails stops no other of its chunk.
   *
   * @typeParam Item The task's parameter.
   * @typeParam Result What it returns.
   * @param fn A function registered with `tasks()`.
   * @param iterable The items; may be asynchronous.
   * @param options The size of chunks.
   * @returns A promise of the values, in the order of the items; rejects with what a call threw, or the iterable.
   * @throws {TypeError} If `fn` is no function, the items are not iterable, or an option is of a wrong kind.
   * @throws {RangeError} If the size of chunks is no positive integer.
   * @throws {PicklingError} If `fn` is no registered task.
   * @throws {ShutdownError} If the pool was closed or terminated.
   * @throws {BrokenExecutor} If the pool is broken.
   * @throws {InvalidStateError} If this is a worker, and no task is running.
   */
  map<Item, Result>(
    fn: (item: Item) => Result,
    iterable: Items<Sendable<Item>>,
    options: ChunkOptions = {},
  ): Promise<Awaited<Result>[]> {
    checkMethodOptions(options, MAP_OPTIONS);
    return promiseOf(this.#gather(fn as AnyFunction, iterable, options, false), this.#unseen);
  }

  /**
   * Calls a task for each item, and waits for nothing: {@linkcode Pool.map} whose values come later, all together.
   *
   * @typeParam Item The task's parameter.
   * @typeParam Result What it returns.
   * @param fn A function registered with `tasks()`.
   * @param iterable The items; may be asynchronous.
   * @param options The size of chunks, and callbacks: one with the array of all values, or one with the failure. Unlike Python,
   *   they are called for an empty iterable, too.
   * @returns The result, later.
   * @throws What {@linkcode Pool.map} throws, and `TypeError` if a callback is no function.
   */
  mapAsync<Item, Result>(
    fn: (item: Item) => Result,
    iterable: Items<Sendable<Item>>,
    options: MapAsyncOptions<Awaited<Result>[]> = {},
  ): AsyncResult<Awaited<Result>[]> {
    checkMethodOptions(options, MAP_ASYNC_OPTIONS);
    const values = this.#gather<Awaited<Result>>(fn as AnyFunction, iterable, options, false);
    return new AsyncResult(values, options, this.#unseen);
  }

  /**
   * Calls a task for each row of arguments, and waits for all of them: {@linkcode Pool.map} for tasks of several parameters.
   *
   * @typeParam Args The task's parameters.
   * @typeParam Result What it returns.
   * @param fn A function registered with `tasks()`.
   * @param iterable Arrays of arguments, one for each call; may be asynchronous.
   * @param options The size of chunks.
   * @returns A promise of the values, in the order of the rows.
   * @throws What {@linkcode Pool.map} throws. A row that is not iterable fails alone.
   */
  starmap<Args extends unknown[], Result>(
    fn: (...args: Args) => Result,
    iterable: Rows<Args>,
    options: ChunkOptions = {},
  ): Promise<Awaited<Result>[]> {
    checkMethodOptions(options, MAP_OPTIONS);
    return promiseOf(this.#gather(fn, iterable, options, true), this.#unseen);
  }

  /**
   * Calls a task for each row of arguments, and waits for nothing: {@linkcode Pool.starmap} whose values come later.
   *
   * @typeParam Args The task's parameters.
   * @typeParam Result What it returns.
   * @param fn A function registered with `tasks()`.
   * @param iterable Arrays of arguments, one for each call; may be asynchronous.
   * @param options The size of chunks, and callbacks.
   * @returns The result, later.
   * @throws What {@linkcode Pool.mapAsync} throws.
   */
  starmapAsync<Args extends unknown[], Result>(
    fn: (...args: Args) => Result,
    iterable: Rows<Args>,
    options: MapAsyncOptions<Awaited<Result>[]> = {},
  ): AsyncResult<Awaited<Result>[]> {
    checkMethodOptions(options, MAP_ASYNC_OPTIONS);
    return new AsyncResult(this.#gather<Awaited<Result>>(fn, iterable, options, true), options, this.#unseen);
  }

  /**
   * Calls a task for each item, and gives the values one by one, in the order of the items, each as soon as it and all before it
   * are there.
   *
   * Items are drawn as there is room for unread results, so the input may be endless. An item's error comes at its own `next()`,
   * and the iterator goes on after it; nothing more is sent until `next()` is called again. To leave the loop cancels the rest.
   *
   * Unlike Python, which draws the whole input at once, whoever reads; and where an error ends the iterator if `chunksize` is
   * more than 1.
   *
   * @typeParam Item The task's parameter.
   * @typeParam Result What it returns.
   * @param fn A function registered with `tasks()`.
   * @param iterable The items; may be asynchronous.
   * @param options The size of chunks, and how far to draw ahead.
   * @returns The values, for `for await`.
   * @throws {TypeError} If `fn` is no function, the items are not iterable, or an option is of a wrong kind.
   * @throws {RangeError} If an option is no positive integer.
   * @throws {PicklingError} If `fn` is no registered task.
   * @throws {ShutdownError} If the pool was closed or terminated.
   * @throws {BrokenExecutor} If the pool is broken.
   * @throws {InvalidStateError} If this is a worker, and no task is running.
   */
  imap<Item, Result>(
    fn: (item: Item) => Result,
    iterable: Items<Sendable<Item>>,
    options: ImapOptions = {},
  ): ImapResults<Awaited<Result>> {
    return this.#imap(fn as AnyFunction, iterable, options, false);
  }

  /**
   * Calls a task for each item, and gives the values one by one as they come: {@linkcode Pool.imap} in the order of completion.
   * An error of the iterable itself comes last.
   *
   * @typeParam Item The task's parameter.
   * @typeParam Result What it returns.
   * @param fn A function registered with `tasks()`.
   * @param iterable The items; may be asynchronous.
   * @param options The size of chunks, and how far to draw ahead.
   * @returns The values, for `for await`.
   * @throws What {@linkcode Pool.imap} throws.
   */
  imapUnordered<Item, Result>(
    fn: (item: Item) => Result,
    iterable: Items<Sendable<Item>>,
    options: ImapOptions = {},
  ): ImapResults<Awaited<Result>> {
    return this.#imap(fn as AnyFunction, iterable, options, true);
  }

  /**
   * Takes no more calls; those that were issued are run, and then the workers end. Returns at once; may be called again.
   */
  close(): void {
    if (this.#state === "RUN") this.#state = "CLOSE";
    this.#shutDownIfDrawn();
  }

  /**
   * Ends the workers at once, by SIGTERM, and by SIGKILL three seconds later if they are still there. What is pending fails with
   * `BrokenExecutor`. May be called again.
   *
   * Unlike Python, where `get()` waits for ever for what was pending, and a `ThreadPool` cannot end what is running.
   */
  terminate(): void {
    this.#state = "TERMINATE";
    this.#terminated ??= this.#executor.terminateWorkers();
  }

  /**
   * Waits for the end of all issued calls, and of the workers. To be called after `close()` or `terminate()`; may be called again.
   *
   * Of `imap`s that are not read to their end, what is drawn is run, and inputs of known size are drawn; what is left of
   * others is not run, and a `ShutdownError` for who reads on.
   *
   * @returns Resolves when nothing of the pool is left.
   * @throws {InvalidStateError} If the pool is still running. Unlike Python, which raises a `ValueError`.
   */
  join(): Promise<void> {
    if (this.#state === "RUN") {
      throw new InvalidStateError("Cannot join a pool as it must be closed or terminated: it is still running");
    }
    return this.#join();
  }

  async #join(): Promise<void> {
    if (this.#state === "CLOSE") {
      const drawing = Array.from(this.#drawing);
      for (const { isLazy, calls } of drawing) if (isLazy) calls?.drawAnyway();
      await Promise.all(drawing.filter(({ isLazy }) => !isLazy).map(({ ended }) => ended.promise));
    }
    await this.#executor.shutdown();
    await this.#terminated;
  }

  /**
   * The end of an `await using` block: `terminate()`, as at the end of Python's `with`, and `join()`.
   *
   * @returns Resolves when nothing of the pool is left.
   */
  [Symbol.asyncDispose](): Promise<void> {
    this.terminate();
    return this.join();
  }

  /**
   * Shows the state, `RUN`, `CLOSE` or `TERMINATE`, and the number of workers at most: `<Pool state=RUN pool_size=4>`. Consoles
   * show the same.
   *
   * @returns The text.
   */
  toString(): string {
    return `<${this.#name} state=${this.#state} pool_size=${this.#executor.maxWorkers}>`;
  }

  #checkRunning(): void {
    if (this.#state === "RUN") return;
    const was = this.#state === "CLOSE" ? "closed" : "terminated";
    throw new ShutdownError(`Cannot issue a call as the pool must be running: it was ${was}`);
  }

  #submit(fn: AnyFunction, args: readonly unknown[]): Promise<unknown> {
    this.#checkRunning();
    if (!Array.isArray(args)) {
      throw new TypeError(
        `Cannot call a task as its arguments must be an array: current value is ${describe(args)}`,
      );
    }
    return this.#executor.submit(fn, ...args as never[]);
  }

  /** The values of all items, once all calls have ended. */
  #gather<R>(fn: AnyFunction, iterable: unknown, { chunksize }: ChunkOptions, isStar: boolean): Promise<R[]> {
    const calls = this.#startMap(fn, [iterable, { chunksize }], { isStar, isGathered: true });
    return calls.gathered as Promise<R[]>;
  }

  #imap<R>(fn: AnyFunction, iterable: unknown, options: ImapOptions, isUnordered: boolean): ImapResults<R> {
    checkMethodOptions(options, IMAP_OPTIONS);
    const { chunksize, buffersize = AHEAD } = options;
    const calls = this.#startMap(fn, [iterable, { chunksize, buffersize }], { isUnordered });
    return new ImapIterator(calls) as ImapResults<unknown> as ImapResults<R>;
  }

  #startMap(fn: AnyFunction, rest: readonly unknown[], mode: MapMode): MapCalls {
    this.#checkRunning();
    const map = new DrawingMap(!mode.isGathered);
    this.#drawing.add(map);
    const onExhausted = (): void => {
      this.#drawing.delete(map);
      map.ended.resolve();
      // Later: the map is in the midst of something.
      if (this.#state === "CLOSE") queueMicrotask(() => this.#shutDownIfDrawn());
    };
    try {
      return map.calls = mapOf(this.#executor, fn, rest, { ...mode, onExhausted });
    } catch (error) {
      onExhausted();
      throw error;
    }
  }

  #shutDownIfDrawn(): void {
    if (this.#state === "CLOSE" && this.#drawing.size === 0) void this.#executor.shutdown({ wait: false });
  }
}

/** Options of executors that have other names here; and `maxQueued`, as a pool has no `whenFree()`. */
const OTHER_NAMES: readonly string[] = ["maxWorkers", "maxTasksPerChild", "maxQueued"];

const MAP_OPTIONS: readonly string[] = ["chunksize"];
const MAP_ASYNC_OPTIONS: readonly string[] = [...MAP_OPTIONS, ...CALLBACK_OPTIONS];
const IMAP_OPTIONS: readonly string[] = [...MAP_OPTIONS, "buffersize"];

/**
 * The options of an executor by the names that it has for them.
 *
 * @param options What the user gave.
 * @param names All options of the executor.
 * @param workerName First part of the workers' names.
 */
export function executorOptions(
  options: number | (WorkerOptions & { readonly context?: unknown }),
  names: readonly string[],
  workerName: string,
): { readonly maxWorkers: number | undefined; readonly maxTasksPerChild: number | undefined } {
  const given = typeof options === "number" ? { processes: options } : options;
  checkPoolNames(given, [
    "processes",
    "maxtasksperchild",
    ...names.filter((name) => !OTHER_NAMES.includes(name)),
  ]);
  const { processes, maxtasksperchild, ...rest } = given as WorkerOptions & { readonly context?: unknown };
  delete (rest as { context?: unknown }).context;
  return {
    workerName,
    ...rest,
    maxWorkers: checkInteger("processes", processes),
    maxTasksPerChild: checkInteger("maxtasksperchild", maxtasksperchild),
  } as { maxWorkers: number | undefined; maxTasksPerChild: number | undefined };
}

function processExecutor<InitArgs extends unknown[]>(options: number | PoolOptions<InitArgs>): Executor {
  const checked = executorOptions(options, [...PROCESS_POOL_OPTIONS, "context"], "Pool");
  if (typeof options === "object") checkContext(options.context);
  return new ProcessPoolExecutor<unknown[]>(checked as ProcessPoolExecutorOptions & InitargsOf<unknown[]>);
}
