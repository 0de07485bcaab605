/** How many calls may wait, and who waits to add one. */
import { Deque } from "./deque.ts";

/** What is to be known of a scheduler. */
export interface Crowd {
  /** Calls that are not done, without those that wait for something else than a worker: nobody may ever ask for them. */
  readonly crowdCount: number;
  /** Workers at most: so many calls are not waiting. */
  readonly maxWorkers: number;
  /** Calls `fn` in a later turn. */
  nextTurn(fn: () => void): void;
  /** There may be room for those who wait. */
  tellRoom(): void;
}

/** The room in a queue. */
export class Room {
  /** Calls that may wait for a worker. */
  readonly maxQueued: number;
  readonly #crowd: Crowd;
  readonly #waiting = new Deque<PromiseWithResolvers<void>>();
  /** Places that somebody was told of in this turn, and has not used. */
  #promised = 0;

  /** For so many calls more than there are workers. */
  constructor(maxQueued: number, crowd: Crowd) {
    this.maxQueued = maxQueued;
    this.#crowd = crowd;
  }

  /** Calls that may be added now. */
  get left(): number {
    return this.maxQueued === Infinity ? Infinity : this.maxQueued + this.#crowd.maxWorkers - this.#crowd.crowdCount;
  }

  /** Resolves when there is room; those who asked first hear of it first. */
  whenFree(): Promise<void> {
    if (this.left === Infinity) return Promise.resolve();
    const waiter = Promise.withResolvers<void>();
    this.#waiting.push(waiter);
    this.tell();
    return waiter.promise;
  }

  /** A call was added. */
  used(): void {
    if (this.#promised > 0) this.#promised--;
  }

  /**
   * Tells as many of those who wait as there is room for. Nobody must use the room that he was told of: what was not used in
   * this turn is offered again.
   *
   * @returns Whether some wait still.
   */
  tell(): boolean {
    while (this.#waiting.size > 0 && this.left > this.#promised) {
      if (this.#promised++ === 0) this.#offerAgain();
      this.#waiting.shift()!.resolve();
    }
    return this.#waiting.size > 0;
  }

  #offerAgain(): void {
    this.#crowd.nextTurn(() => {
      this.#promised = 0;
      this.#crowd.tellRoom();
    });
  }

  /** There will be no room any more. */
  close(error: () => Error): void {
    for (const waiter of this.#waiting.takeAll()) waiter.reject(error());
  }
}
