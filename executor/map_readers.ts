/** Those who wait for the next result of a map. */
import { TimeoutError } from "../errors.ts";
import { now } from "../runtime/host_functions.ts";
import { Deque } from "./deque.ts";
import { Timer } from "./future.ts";

type Result = IteratorResult<unknown, undefined>;

/** One of them. */
interface Reader extends Pick<PromiseWithResolvers<Result>, "resolve" | "reject"> {
  /** Of its own time. */
  timer: Timer | undefined;
  /** It waits no longer, though it still lies among the others. */
  isGone: boolean;
}

/** Calls of `next()` that have no result yet, in their order; all have the time that the map has, and may have less. */
export class Readers {
  readonly #waiting = new Deque<Reader>();
  /** Those of `#waiting` that wait no longer. */
  #gone = 0;
  readonly #timeout: number;
  readonly #deadline: number;
  readonly #onExpired: () => void;
  #timer: Timer | undefined;

  /**
   * Nobody waits yet.
   *
   * @param timeout Milliseconds from now on for all that will be read.
   * @param onExpired Called when the time is over and the first has heard it.
   */
  constructor(timeout: number, onExpired: () => void) {
    this.#timeout = timeout;
    this.#deadline = now() + timeout;
    this.#onExpired = onExpired;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size - this.#gone;
  }

  /**
   * One more waits.
   *
   * @param limit Milliseconds after which it waits no longer; what it would have got is then the next one's.
   */
  add(limit: number): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const reader: Reader = { resolve, reject, timer: undefined, isGone: false };
    this.#waiting.push(reader);
    if (limit !== Infinity) reader.timer = new Timer(limit, () => this.#leave(reader, limit));
    return promise;
  }

  /** Gives the first one, who is there, a result. */
  resolve(value: unknown): void {
    this.#shift()!.resolve({ done: false, value });
  }

  /** Gives the first one, if there is one, an error. */
  reject(error: unknown): void {
    this.#shift()?.reject(error);
  }

  /** There is nothing more: all hear it. */
  end(): void {
    for (let reader = this.#shift(); reader !== undefined; reader = this.#shift()) {
      reader.resolve({ done: true, value: undefined });
    }
  }

  #shift(): Reader | undefined {
    let reader = this.#waiting.shift();
    for (; reader?.isGone; reader = this.#waiting.shift()) this.#gone--;
    reader?.timer?.clear();
    return reader;
  }

  #leave(reader: Reader, limit: number): void {
    reader.isGone = true;
    reader.reject(
      new TimeoutError(`Cannot get the next result within ${limit} ms as its call must have ended: it has not`),
    );
    // Who asks again and again must not fill the queue.
    if (++this.#gone <= this.size) return;
    for (const one of this.#waiting.takeAll()) if (!one.isGone) this.#waiting.push(one);
    this.#gone = 0;
    this.limit();
  }

  /** Limits the time of those who wait now, if any do. */
  limit(): void {
    if (this.size === 0) {
      this.#timer?.clear();
      this.#timer = undefined;
    } else if (this.#timer === undefined && this.#timeout !== Infinity) {
      this.#timer = new Timer(Math.max(0, this.#deadline - now()), () => this.#expire());
    }
  }

  #expire(): void {
    this.reject(
      new TimeoutError(
        `Cannot get the next result as it must be there within ${this.#timeout} ms of the call of map: it is not`,
      ),
    );
    this.#onExpired();
  }
}
