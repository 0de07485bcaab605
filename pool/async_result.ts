/** The result of calls that were issued and not waited for. */
import { InvalidStateError } from "../errors.ts";
import { checkTimeout, createFuture, type Future, setException, setResult } from "../executor/future.ts";
import { wait } from "../executor/wait.ts";
import { callBack } from "../executor/callbacks.ts";
import type { CallbackOptions } from "./callbacks.ts";

/** Failures that nobody has looked at. */
export interface UnseenFailures {
  /** One more; says whether it counts. */
  add(failed: object, error: unknown): boolean;
  /** Somebody has looked at it. */
  delete(failed: object): void;
}

/** Gives the future of a result; set by the class's static block. */
let futureOf: <T>(result: AsyncResult<T>) => Future<T>;

/**
 * A promise of an outcome that is never an unhandled rejection: where nobody looks at it, a failure counts among the others.
 *
 * @param outcome What becomes of the calls.
 * @param unseen Where a failure counts that nobody looks at.
 */
export function promiseOf<T>(outcome: PromiseLike<T>, unseen: UnseenFailures): Promise<T> {
  return futureOf(new AsyncResult(outcome, undefined, unseen));
}

/**
 * The result of `applyAsync`, `mapAsync` or `starmapAsync`, later. Python's `multiprocessing.pool.AsyncResult`.
 *
 * It may be dropped: the calls run all the same, and a failure that nobody looks at is no unhandled rejection. It is no promise,
 * so that it can be returned from an `async` function: `get()` gives one.
 *
 * Unlike Python, a failure that nobody has looked at, by `get()`, `successful()` or an `errorCallback`, is reported in one line when the
 * pool has ended; its option `reportUnseen` turns that off.
 *
 * Unlike Python, nothing blocks: `get` and `wait` return promises, and times are milliseconds. Unlike Python, the results of a
 * pool that is terminated, or breaks, end in an error, where `get()` waits for ever there.
 *
 * @example Usage
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
 *   await using pool = new Pool(2);
 *   const result = pool.mapAsync(square, [1, 2, 3]);
 *   assert.equal(result.ready(), false);
 *   await result.wait(60_000);
 *   assert.equal(result.successful(), true);
 *   assert.deepEqual(await result.get(), [1, 4, 9]);
 * }
 * ```
 *
 * @typeParam T Type of the value: an array of values, if there were several calls.
 */
export class AsyncResult<T> {
  readonly #future: Future<T>;
  readonly #unseen: UnseenFailures | undefined;
  #failed = false;
  /** Somebody has looked, or is told by a callback. */
  #isSeen: boolean;
  /** It counts among the failures that nobody looked at. */
  #isMissed = false;

  /**
   * Made by pools.
   *
   * @param outcome What becomes of the calls.
   * @param callbacks What to call then, before the result is ready.
   * @param unseen Where a failure counts that nobody looks at.
   */
  constructor(outcome: PromiseLike<T>, callbacks?: CallbackOptions<T>, unseen?: UnseenFailures) {
    this.#unseen = unseen;
    this.#isSeen = callbacks?.errorCallback !== undefined;
    this.#future = createFuture({ cancelled: () => {}, seen: () => this.#see() });
    const what = (): string => `callback for ${this}`;
    outcome.then(
      (value) => {
        callBack(() => callbacks?.callback?.(value), what);
        setResult(this.#future, value);
      },
      (error: unknown) => {
        callBack(() => callbacks?.errorCallback?.(error), what);
        this.#failed = true;
        if (!this.#isSeen) this.#isMissed = unseen?.add(this, error) ?? false;
        setException(this.#future, error);
      },
    );
  }

  static {
    futureOf = (result) => result.#future;
    // By symbols that need no import; as they are no part of the types, users see one way to get the text: toString.
    for (const name of ["nodejs.util.inspect.custom", "Deno.customInspect"]) {
      Object.defineProperty(AsyncResult.prototype, Symbol.for(name), {
        value(this: AsyncResult<unknown>): string {
          return this instanceof AsyncResult && #failed in this ? this.toString() : "AsyncResult {}";
        },
      });
    }
  }

  /**
   * Waits for the value.
   *
   * Giving up does not stop the calls.
   *
   * @param timeout Milliseconds to wait at most; 0 asks without waiting, no number waits as long as it takes.
   * @returns A promise of the value: of several calls an array of their values, in the order of the items. It rejects with what
   *   a call threw, when all of them have ended, of several failures with that of the first item; and with `TimeoutError` if
   *   the time is over. Left alone, it is no unhandled rejection.
   * @throws {TypeError} If the timeout is not a number.
   * @throws {RangeError} If the timeout is negative or `NaN`.
   */
  get(timeout?: number): Promise<T> {
    return this.#future.result(checkTimeout(timeout, "a result"));
  }

  /**
   * Waits until all calls have ended, or the time is over; it does not say which.
   *
   * @param timeout Milliseconds to wait at most; no number waits as long as it takes.
   * @returns A promise that never rejects, whatever has become of the calls.
   * @throws {TypeError} If the timeout is not a number.
   * @throws {RangeError} If the timeout is negative or `NaN`.
   */
  wait(timeout?: number): Promise<void> {
    return wait([this.#future], { timeout: checkTimeout(timeout, "a result") }).then(() => {});
  }

  /**
   * Tells whether all calls have ended, and the callback has been called.
   *
   * @returns Whether there is nothing left to wait for.
   */
  ready(): boolean {
    return this.#future.done();
  }

  /**
   * Tells whether no call failed. Only for a result that is ready.
   *
   * @returns Whether there is a value.
   * @throws {InvalidStateError} If calls are still running. Unlike Python, which raises a `ValueError`.
   */
  successful(): boolean {
    if (!this.ready()) {
      throw new InvalidStateError("Cannot tell whether the calls were successful as they must have ended: not ready");
    }
    this.#see();
    return !this.#failed;
  }

  #see(): void {
    this.#isSeen = true;
    if (this.#isMissed) this.#unseen?.delete(this);
    this.#isMissed = false;
  }

  /**
   * Shows the state: `<AsyncResult state=pending>`, `<AsyncResult state=finished returned Array>`,
   * `<AsyncResult state=finished raised RangeError>`. Consoles show the same.
   *
   * @returns The text.
   */
  toString(): string {
    return this.#future.toString().replace("Future", "AsyncResult");
  }
}
