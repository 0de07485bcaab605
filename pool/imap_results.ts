/** The results of `imap` and `imapUnordered`. */
import { TimeoutError } from "../errors.ts";
import { Deque } from "../executor/deque.ts";
import { checkTimeout, Timer } from "../executor/future.ts";
import type { MapResults } from "../executor/map.ts";

/** Results one by one, for `for await`. */
export interface ImapResults<R> extends AsyncIterableIterator<R, undefined, number | undefined> {
  /**
   * The next result.
   *
   * @param timeout Milliseconds to wait at most; no number waits as long as it takes.
   * @returns It; rejects with what the item's call threw, and goes on with the next item after that. Rejects with `TimeoutError`
   *   if the time is over: the result is then that of a later `next()`. Rejects with `ShutdownError` where an iterable of
   *   unknown size was not drawn to its end before `join()`.
   * @throws {TypeError} If the timeout is not a number.
   * @throws {RangeError} If the timeout is negative or `NaN`.
   */
  next(timeout?: number): Promise<IteratorResult<R, undefined>>;
  /**
   * Cancels what has not started, and ends. The end of a `for await` that is left early does so.
   *
   * @returns The end.
   */
  return(): Promise<IteratorResult<R, undefined>>;
  /**
   * All results that are left.
   *
   * @returns They; rejects with the first error.
   */
  toArray(): Promise<R[]>;
  /** Itself. */
  [Symbol.asyncIterator](): ImapResults<R>;
}

type Result<R> = Promise<IteratorResult<R, undefined>>;

/** {@linkcode MapResults} whose `next` has a limit. */
export class ImapIterator<R> implements ImapResults<R> {
  readonly #results: MapResults<R>;
  /** Results that a `next()` asked for and did not wait for, in order. */
  readonly #unclaimed = new Deque<Result<R>>();

  /** Of a map. */
  constructor(results: MapResults<R>) {
    this.#results = results;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(timeout?: number): Result<R> {
    const limit = checkTimeout(timeout, "a result");
    const result = this.#unclaimed.shift() ?? this.#results.next();
    return limit === Infinity ? result : this.#within(limit, result);
  }

  return(): Result<R> {
    this.#unclaimed.takeAll();
    return this.#results.return();
  }

  async toArray(): Promise<R[]> {
    const values: R[] = [];
    while (this.#unclaimed.size > 0) {
      const { done, value } = await this.next();
      if (done) return values;
      values.push(value);
    }
    const rest = await this.#results.toArray();
    return values.length === 0 ? rest : values.concat(rest);
  }

  #within(limit: number, result: Result<R>): Result<R> {
    const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<R, undefined>>();
    let isOver = false;
    const timer = new Timer(limit, () => {
      isOver = true;
      this.#unclaimed.push(result);
      reject(new TimeoutError(`Cannot get the next result within ${limit} ms as its call must have ended: it has not`));
    });
    function settle(fn: () => void): void {
      timer.clear();
      if (!isOver) fn();
    }
    // Of both ends: one that comes too late, and that nobody asks for again, is no unhandled rejection.
    result.then((value) => settle(() => resolve(value)), (error) => settle(() => reject(error)));
    return promise;
  }
}
