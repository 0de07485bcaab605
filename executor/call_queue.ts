/**
 * The queue of a scheduler: calls by priority, those of one priority in their order, in front of them those that workers gave back.
 *
 * A call that is cancelled stays where it lies and is passed over when its turn comes: so a cancel takes constant time, and
 * so does everything else here, as far as there are few priorities.
 */
import { Deque } from "./deque.ts";
import { ItemState, type WorkItem } from "./work_item.ts";

/** The calls of one priority. */
interface Level {
  readonly priority: number;
  readonly items: Deque<WorkItem>;
}

/** Calls that wait for a worker. */
export class CallQueue {
  /** Higher priorities first. */
  readonly #levels: Level[] = [];
  /** Given back since the last {@linkcode CallQueue.takeReturned}, in the order in which they were sent. */
  readonly #returned: WorkItem[] = [];
  /** Calls in it that are not settled. */
  #size = 0;

  /** Calls that wait, but not for a worker. */
  held = 0;

  /** Calls that wait. */
  get size(): number {
    return this.#size;
  }

  /** Appends calls. */
  push(item: WorkItem): void {
    this.#itemsOf(item.rules.priority).push(item);
    this.#size += item.count;
  }

  #itemsOf(priority: number): Deque<WorkItem> {
    const levels = this.#levels;
    let at = 0;
    for (let end = levels.length; at < end;) {
      const middle = (at + end) >>> 1;
      if (levels[middle].priority > priority) at = middle + 1;
      else end = middle;
    }
    if (levels[at]?.priority !== priority) levels.splice(at, 0, { priority, items: new Deque() });
    return levels[at].items;
  }

  /** Calls in it, or some that are held back, have settled. */
  dropped(count: number, queued: boolean): void {
    if (queued) this.#size -= count;
    else this.held -= count;
  }

  /** The first that is to be sent; those before it, settled or held back by their source, are passed over. */
  peek(): WorkItem | undefined {
    const levels = this.#levels;
    while (levels.length > 0) {
      const item = this.#firstOf(levels[0].items);
      if (item !== undefined) return item;
      levels.shift();
    }
    return undefined;
  }

  #firstOf(items: Deque<WorkItem>): WorkItem | undefined {
    for (let item = items.peek(); item !== undefined; item = items.peek()) {
      if (item.state === ItemState.QUEUED) {
        if (!item.tryHold()) return item;
        this.#size -= item.count;
        this.held += item.count;
      }
      items.shift();
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
    const { items } = this.#levels[0];
    const item = items.peek()!;
    return item.count > count ? item.take(count) : items.shift()!;
  }

  /** Takes calls that a worker gave back; they wait again from the next {@linkcode CallQueue.takeReturned} on. */
  giveBack(item: WorkItem): void {
    item.takeBack();
    this.#returned.push(item);
  }

  /** Puts what was given back before all others of its priority, in order. */
  takeReturned(): void {
    while (this.#returned.length > 0) {
      const item = this.#returned.pop()!;
      this.#itemsOf(item.rules.priority).unshift(item);
      this.#size += item.count;
    }
  }

  /** What waits, in order. */
  waiting(): WorkItem[] {
    this.takeReturned();
    const waiting: WorkItem[] = [];
    for (const { items } of this.#levels) {
      for (let i = 0; i < items.size; i++) {
        const item = items.at(i)!;
        if (item.state === ItemState.QUEUED) waiting.push(item);
      }
    }
    return waiting;
  }

  /** Takes all; what waits still counts until {@linkcode CallQueue.dropped} is told of it. */
  takeAll(): WorkItem[] {
    const waiting = this.waiting();
    this.#levels.length = 0;
    return waiting;
  }
}
