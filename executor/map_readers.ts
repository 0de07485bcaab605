/** Those who wait for the next result of a map. */
import { TimeoutError } from "../errors.ts";
import { now } from "../runtime/host_functions.ts";
import { Deque } from "./deque.ts";
import { Timer } from "./future.ts";

type Result = IteratorResult<unknown, undefined>;

/** Calls of `next()` that have no result yet, in their order; all have the time that the map has. */
export class Readers {
  readonly #waiting = new Deque<PromiseWithResolvers<Result>>();
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
    return this.#waiting.size;
  }

  /** One more waits. */
  add(): Promise<Result> {
    const reader = Promise.withResolvers<Result>();
    this.#waiting.push(reader);
    return reader.promise;
  }

  /** Gives the first one, who is there, a result. */
  resolve(value: unknown): void {
    this.#waiting.shift()!.resolve({ done: false, value });
  }

  /** Gives the first one, if there is one, an error. */
  reject(error: unknown): void {
    this.#waiting.shift()?.reject(error);
  }

  /** There is nothing more: all hear it. */
  end(): void {
    for (const reader of this.#waiting.takeAll()) reader.resolve({ done: true, value: undefined });
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
