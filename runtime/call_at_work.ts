/** The call-local values of hosts that cannot follow a call through its awaits: browsers have no `AsyncLocalStorage`. */
import type { CallLocal } from "./runtime.ts";

/**
 * The value of the call that is at work. As one call at a time runs in a worker, it is right for all that runs while its call
 * does. What outlives its call, a timer that it left behind say, has no value, or that of the call which is awaited then.
 */
export class CallAtWork<T> implements CallLocal<T> {
  #value: T | undefined;

  run<Args extends unknown[], R>(value: T, fn: (...args: Args) => R, ...args: Args): R {
    const before = this.#value;
    this.#value = value;
    try {
      return fn(...args);
    } finally {
      this.#value = before;
    }
  }

  keepUntil(value: T, settled: PromiseLike<unknown>): void {
    const leave = (): void => {
      if (this.#value === value) this.#value = undefined;
    };
    this.#value = value;
    settled.then(leave, leave);
  }

  get(): T | undefined {
    return this.#value;
  }
}
