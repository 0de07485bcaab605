/**
 * The module functions that wait for many futures: {@linkcode wait} and {@linkcode asCompleted}.
 *
 * Both put one and the same function on every future that is not done, and count; a million futures cost a million
 * such slots and no closure each. What was put there is taken back when the wait ends early, for a program that waits
 * again and again for the first of many would otherwise pile them up.
 *
 * Futures of other copies of the library are welcome: nothing here touches a future but by its public methods and its
 * {@linkcode protocolOf | protocol}. And as a future is a thenable, nothing here resolves a promise with a bare future.
 */
import { now } from "../runtime/host_functions.ts";
import { describe, TimeoutError } from "../errors.ts";
import { Deque } from "./deque.ts";
import { checkTimeout, FutureState, isFuture, protocolOf, Timer } from "./future.ts";
import type { DoneCallback, Future } from "./future.ts";

/**
 * When {@linkcode wait} returns: when all futures are done, when any is done, or when any has failed (all, if none
 * fails). A cancelled future is done, but has not failed.
 */
export type ReturnWhen = "ALL_COMPLETED" | "FIRST_COMPLETED" | "FIRST_EXCEPTION";

const RETURN_WHEN: readonly ReturnWhen[] = ["ALL_COMPLETED", "FIRST_COMPLETED", "FIRST_EXCEPTION"];

/** Options of {@linkcode wait}. */
export interface WaitOptions {
  /** Milliseconds to wait at most; no limit unless given. 0 asks without waiting. */
  readonly timeout?: number | undefined;
  /** When to return; `"ALL_COMPLETED"` unless given. */
  readonly returnWhen?: ReturnWhen | undefined;
}

/** Result of {@linkcode wait}. */
export interface WaitResult<F> {
  /** The futures that are done: returned, failed or cancelled. */
  readonly done: Set<F>;
  /** The futures that are not. */
  readonly notDone: Set<F>;
}

/** Options of {@linkcode asCompleted}. */
export interface AsCompletedOptions {
  /** Milliseconds, counted from the call of `asCompleted`; no limit unless given. */
  readonly timeout?: number | undefined;
}

/**
 * What {@linkcode asCompleted} returns: futures as they complete. For `for await`, which is given the futures
 * themselves.
 */
// It is no AsyncIterableIterator, through whose parameter the compiler awaits every future (`number`, not
// `Future<number>`). And it is a union of twins, as TypeScript up to 6 does the same to any async iterable from the
// second loop over its type on: getIterationTypesOfIterableWorker takes its own cached answer for that of a sync
// iterable. The answer for a union is cached elsewhere, and right.
export type CompletedIterator<F> = CompletedIteratorTwin<F, "left"> | CompletedIteratorTwin<F, "right">;

/**
 * The methods of {@linkcode CompletedIterator}, which is the type to use.
 *
 * @typeParam F Type of the futures.
 * @typeParam Twin Tells two twins apart, and means nothing.
 */
export interface CompletedIteratorTwin<F, Twin extends "left" | "right"> {
  /**
   * Waits for the next future that completes. May be called again before the last call has ended: the futures are dealt
   * in the order of the calls.
   *
   * @returns A promise of the future, or of the end. It rejects with {@linkcode TimeoutError} if the time is over and
   * no completed future is left to give; after that the iterator is at its end.
   */
  next(): Promise<IteratorResult<F, undefined>>;
  /**
   * Ends the iterator and lets go of the futures; they go on. `break` in a `for await` calls it.
   *
   * @returns A promise of the end. Calls of `next` that still wait get the end, too.
   */
  return(): Promise<IteratorResult<F, undefined>>;
  /** Gives the iterator itself, for `for await`. */
  [Symbol.asyncIterator](): CompletedIterator<F>;
}

/**
 * Waits for futures, of one or of several executors.
 *
 * A failed future is just done: what it threw is not thrown here. A future given twice counts once.
 *
 * Unlike Python, a cancelled future is done here as soon as `cancel()` returned, and a wrong `returnWhen` is refused
 * also if there is nothing to wait for; times are milliseconds.
 *
 * @param futures The futures.
 * @param options How long to wait, and for what.
 * @returns A promise of the futures in two sets; when the time is over, of what is done by then. It never rejects.
 * @throws {TypeError} If something among `futures` is not a future, or an option is of a wrong kind.
 * @throws {RangeError} If the timeout is negative or `NaN`, or `returnWhen` is no such word.
 *
 * @example Usage
 * ```ts
 * import { isMain, ProcessPoolExecutor, tasks, wait } from "@ergate/ergate";
 * import assert from "node:assert/strict";
 *
 * export function fib(n: number): number {
 *   return n < 2 ? n : fib(n - 1) + fib(n - 2);
 * }
 * tasks(import.meta, { fib });
 *
 * if (isMain(import.meta)) {
 *   const pool = new ProcessPoolExecutor(2);
 *   const futures = [10, 20].map((n) => pool.submit(fib, n));
 *   const { done, notDone } = await wait(futures);
 *   assert.deepEqual([done.size, notDone.size], [2, 0]);
 *   await pool.shutdown();
 * }
 * ```
 *
 * @typeParam F Type of the futures.
 */
export function wait<F extends Future<unknown>>(
  futures: Iterable<F>,
  options: WaitOptions = {},
): Promise<WaitResult<F>> {
  checkOptions(options, ["timeout", "returnWhen"]);
  const timeout = checkTimeout(options.timeout, "futures");
  const returnWhen = checkReturnWhen(options.returnWhen);
  const all = collect(futures);
  let unfinished = 0;
  let enough = false;
  for (const future of all) {
    if (!future.done()) unfinished += 1;
    else if (isEnough(future, returnWhen)) enough = true;
  }
  if (enough || unfinished === 0 || timeout === 0) return Promise.resolve(split(all));

  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = new Timer(timeout, resolve);
  function onDone(future: Future<unknown>): void {
    unfinished -= 1;
    if (unfinished === 0 || isEnough(future, returnWhen)) resolve();
  }
  for (const future of all) if (!future.done()) future.addDoneCallback(onDone);
  // In a later turn of the microtasks: what else the same message settles is then counted as done.
  return promise.then(() => {
    timer.clear();
    const result = split(all);
    release(result.notDone, onDone);
    return result;
  });
}

/**
 * Gives futures, of one or of several executors, as they complete: those that are done already first, then the others
 * in the order in which they end or are cancelled. A future given twice comes once.
 *
 * The clock of `timeout` starts at this call. A future that is done is always given, also when the time is over;
 * {@linkcode TimeoutError} comes when there is none and some are unfinished.
 *
 * Unlike Python, where the clock starts at the first `next`, and a cancelled future may never come.
 *
 * @param futures The futures.
 * @param options How long to wait.
 * @returns An iterator for `for await`. `next` rejects with {@linkcode TimeoutError} when the time is over.
 * @throws {TypeError} If something among `futures` is not a future, or an option is of a wrong kind.
 * @throws {RangeError} If the timeout is negative or `NaN`.
 *
 * @example Usage
 * ```ts
 * import { asCompleted, isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
 * import assert from "node:assert/strict";
 *
 * export function fib(n: number): number {
 *   return n < 2 ? n : fib(n - 1) + fib(n - 2);
 * }
 * tasks(import.meta, { fib });
 *
 * if (isMain(import.meta)) {
 *   const pool = new ProcessPoolExecutor(2);
 *   const futures = [10, 20].map((n) => pool.submit(fib, n));
 *   let sum = 0;
 *   for await (const future of asCompleted(futures)) sum += await future;
 *   assert.equal(sum, 55 + 6765);
 *   await pool.shutdown();
 * }
 * ```
 *
 * @typeParam F Type of the futures.
 */
export function asCompleted<F extends Future<unknown>>(
  futures: Iterable<F>,
  options: AsCompletedOptions = {},
): CompletedIterator<F> {
  checkOptions(options, ["timeout"]);
  const timeout = checkTimeout(options.timeout, "futures");
  return new CompletedQueue(collect(futures), timeout);
}

/** A call of `next` that waits. */
type Reader<F> = PromiseWithResolvers<IteratorResult<F, undefined>>;

/**
 * A queue between futures that complete and calls of `next` that wait. Of `#ready` and `#readers` one is always empty;
 * readers wait only while some future is unfinished.
 */
class CompletedQueue<F extends Future<unknown>> implements CompletedIteratorTwin<F, "left"> {
  /** Unfinished futures; all others were given to a reader or are in `#ready`. Empty once the iterator has ended. */
  readonly #unfinished = new Set<F>();
  /** Completed futures that nobody has read. */
  readonly #ready = new Deque<F>();
  readonly #readers = new Deque<Reader<F>>();
  readonly #total: number;
  /** On the clock of `now()`. */
  readonly #deadline: number;
  /** Runs only while a reader waits: an iterator left alone holds no timer. */
  #timer: Timer | null = null;
  readonly #onDone: DoneCallback;

  constructor(futures: Set<F>, timeout: number) {
    this.#deadline = now() + timeout;
    this.#total = futures.size;
    this.#onDone = (future) => this.#completed(future as F);
    for (const future of futures) {
      if (future.done()) {
        this.#ready.push(future);
      } else {
        this.#unfinished.add(future);
        future.addDoneCallback(this.#onDone);
      }
    }
  }

  next(): Promise<IteratorResult<F, undefined>> {
    const future = this.#ready.shift();
    if (future !== undefined) return Promise.resolve({ done: false, value: future });
    if (this.#unfinished.size === 0) return Promise.resolve({ done: true, value: undefined });
    const reader: Reader<F> = Promise.withResolvers();
    this.#readers.push(reader);
    const left = this.#deadline - now();
    if (left <= 0) this.#timeOut();
    else this.#timer ??= new Timer(left, () => this.#timeOut());
    return reader.promise;
  }

  return(): Promise<IteratorResult<F, undefined>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): CompletedIterator<F> {
    return this;
  }

  #completed(future: F): void {
    // Ended by another callback of the same future, which then still called this one.
    if (!this.#unfinished.delete(future)) return;
    const reader = this.#readers.shift();
    if (reader === undefined) this.#ready.push(future);
    else reader.resolve({ done: false, value: future });
    if (this.#readers.size === 0) this.#stopTimer();
    else if (this.#unfinished.size === 0) this.#end();
  }

  #timeOut(): void {
    this.#readers.shift()?.reject(
      new TimeoutError(`${this.#unfinished.size} (of ${this.#total}) futures unfinished`),
    );
    this.#end();
  }

  #end(): void {
    this.#stopTimer();
    release(this.#unfinished, this.#onDone);
    this.#unfinished.clear();
    this.#ready.takeAll();
    for (const reader of this.#readers.takeAll()) reader.resolve({ done: true, value: undefined });
  }

  #stopTimer(): void {
    this.#timer?.clear();
    this.#timer = null;
  }
}

function isEnough(future: Future<unknown>, returnWhen: ReturnWhen): boolean {
  switch (returnWhen) {
    case "ALL_COMPLETED":
      return false;
    case "FIRST_COMPLETED":
      return true;
    case "FIRST_EXCEPTION":
      // Not by `exception()`, which would count as looking at the failure.
      return protocolOf(future).state(future) === FutureState.RAISED;
  }
}

function split<F extends Future<unknown>>(futures: Set<F>): WaitResult<F> {
  const done = new Set<F>();
  const notDone = new Set<F>();
  for (const future of futures) (future.done() ? done : notDone).add(future);
  return { done, notDone };
}

function release(futures: Set<Future<unknown>>, fn: DoneCallback): void {
  for (const future of futures) protocolOf(future).removeDoneCallback(future, fn);
}

function collect<F extends Future<unknown>>(futures: Iterable<F>): Set<F> {
  if (typeof (futures as Partial<Iterable<F>> | null | undefined)?.[Symbol.iterator] !== "function") {
    throw new TypeError(`Cannot wait for futures as they must be iterable: current value is ${describe(futures)}`);
  }
  const all = new Set<F>();
  let index = 0;
  for (const future of futures) {
    if (!isFuture(future)) {
      throw new TypeError(
        `Cannot wait for futures[${index}] as it must be a future: current value is ${describe(future)}`,
      );
    }
    all.add(future);
    index += 1;
  }
  return all;
}

function checkReturnWhen(returnWhen: unknown): ReturnWhen {
  if (returnWhen === undefined) return "ALL_COMPLETED";
  for (const word of RETURN_WHEN) if (word === returnWhen) return word;
  const ErrorClass = typeof returnWhen === "string" ? RangeError : TypeError;
  throw new ErrorClass(
    `Cannot wait for futures as 'returnWhen' must be one of ${RETURN_WHEN.join(", ")}: current value is ` +
      describe(returnWhen),
  );
}

function checkOptions(options: unknown, names: readonly string[]): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Cannot wait for futures as the options must be an object: current value is ${describe(options)}`,
    );
  }
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    const must = names.map((known) => `'${known}'`).join(" or ");
    throw new TypeError(`Cannot wait for futures as an option must be ${must}: current option is '${name}'`);
  }
}
