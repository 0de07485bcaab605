/**
 * The queue of a scheduler: calls in their order, in front of them those that workers gave back.
 *
 * A call that is cancelled stays where it lies and is passed over when its turn comes: so a cancel takes constant time, and
 * so does everything else here.
 */
import { Deque } from "./deque.ts";
import { ItemState, type WorkItem } from "./work_item.ts";

/** Calls that wait for a worker. */
export class CallQueue {
  readonly #items = new Deque<WorkItem>();
  /** Given back since the last {@linkcode CallQueue.takeReturned}, in the order in which they were sent. */
  readonly #returned: WorkItem[] = [];
  /** Calls in it that are not settled. */
  #size = 0;

  /** Calls that their source holds back. */
  held = 0;

  /** Calls that wait. */
  get size(): number {
    return this.#size;
  }

  /** Appends calls. */
  push(item: WorkItem): void {
    this.#items.push(item);
    this.#size += item.count;
  }

  /** Calls in it, or some that their source holds back, have settled. */
  dropped(count: number, queued: boolean): void {
    if (queued) this.#size -= count;
    else this.held -= count;
  }

  /** The first that is to be sent; those before it, settled or held back by their source, are passed over. */
  peek(): WorkItem | undefined {
    for (let item = this.#items.peek(); item !== undefined; item = this.#items.peek()) {
      if (item.state === ItemState.QUEUED) {
        if (!item.tryHold()) return item;
        this.#size -= item.count;
        this.held += item.count;
      }
      this.#items.shift();
    }
    return undefined;
  }

  /**
   * Takes what {@linkcode CallQueue.peek} gave, or its first calls.
   *
   * @param count How many.
   */
  take(count: number): WorkItem {
    this.#size -= count;
    const item = this.#items.peek()!;
    return item.count > count ? item.take(count) : this.#items.shift()!;
  }

  /** Takes calls that a worker gave back; they wait again from the next {@linkcode CallQueue.takeReturned} on. */
  giveBack(item: WorkItem): void {
    item.takeBack();
    this.#returned.push(item);
  }

  /** Puts what was given back before all others, in order. */
  takeReturned(): void {
    while (this.#returned.length > 0) {
      const item = this.#returned.pop()!;
      this.#items.unshift(item);
      this.#size += item.count;
    }
  }

  /** What waits, in order. */
  waiting(): WorkItem[] {
    this.takeReturned();
    const waiting: WorkItem[] = [];
    for (let i = 0; i < this.#items.size; i++) {
      const item = this.#items.at(i)!;
      if (item.state === ItemState.QUEUED) waiting.push(item);
    }
    return waiting;
  }

  /** Takes all; what waits still counts until {@linkcode CallQueue.dropped} is told of it. */
  takeAll(): WorkItem[] {
    const waiting = this.waiting();
    this.#items.takeAll();
    return waiting;
  }
}
