/** How many calls may wait, and who waits to add one. */
import { Deque } from "./deque.ts";

/** What is to be known of a scheduler. */
export interface Crowd {
  /** Calls that are not done. */
  readonly pendingCount: number;
  /** Workers at most: so many calls are not waiting. */
  readonly maxWorkers: number;
}

/** The room in a queue. */
export class Room {
  /** Calls that may wait for a worker. */
  readonly maxQueued: number;
  readonly #crowd: Crowd;
  readonly #waiting = new Deque<PromiseWithResolvers<void>>();

  /** For so many calls more than there are workers. */
  constructor(maxQueued: number, crowd: Crowd) {
    this.maxQueued = maxQueued;
    this.#crowd = crowd;
  }

  /** Calls that may be added now. */
  get left(): number {
    return this.maxQueued === Infinity ? Infinity : this.maxQueued + this.#crowd.maxWorkers - this.#crowd.pendingCount;
  }

  /** Resolves when there is room; those who asked first hear of it first. */
  whenFree(): Promise<void> {
    if (this.left > 0 && this.#waiting.size === 0) return Promise.resolve();
    const waiter = Promise.withResolvers<void>();
    this.#waiting.push(waiter);
    return waiter.promise;
  }

  /**
   * Tells as many of those who wait as there is room for.
   *
   * @returns Whether some wait still: as nobody must use the room that he was told of, they are to be told in a later turn.
   */
  tell(): boolean {
    for (let left = this.left; left > 0 && this.#waiting.size > 0; left--) this.#waiting.shift()!.resolve();
    return this.#waiting.size > 0;
  }

  /** There will be no room any more. */
  close(error: () => Error): void {
    for (const waiter of this.#waiting.takeAll()) waiter.reject(error());
  }
}
