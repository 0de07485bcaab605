/** The results of `imap` and `imapUnordered`. */
import { checkTimeout } from "../executor/future.ts";
import type { MapCalls } from "../executor/map.ts";

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
   * @returns They; rejects with the first error, and those before it are lost.
   */
  toArray(): Promise<R[]>;
  /** Itself. */
  [Symbol.asyncIterator](): ImapResults<R>;
}

/** A map whose `next` has a limit. */
export class ImapIterator implements ImapResults<unknown> {
  readonly #calls: MapCalls;

  /** Of a map. */
  constructor(calls: MapCalls) {
    this.#calls = calls;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(timeout?: number): Promise<IteratorResult<unknown, undefined>> {
    return this.#calls.nextWithin(checkTimeout(timeout, "a result"));
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    return this.#calls.return();
  }

  toArray(): Promise<unknown[]> {
    return this.#calls.toArray();
  }
}
