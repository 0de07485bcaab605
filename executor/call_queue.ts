/**
 * The queue of a scheduler: calls in their order, in front of them those that workers gave back.
 *
 * A call that is cancelled stays where it lies and is passed over when its turn comes: so a cancel takes constant time, and
 * so does everything else here.
 */
import { Deque } from "./deque.ts";
import { ItemState, type QueueEntry, WorkItem } from "./work_item.ts";

/** Calls that wait for a worker. */
export class CallQueue {
  readonly #entries = new Deque<QueueEntry>();
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
  push(entry: QueueEntry): void {
    this.#entries.push(entry);
    this.#size += entry.size;
  }

  /** Calls in it, or some that their source holds back, have settled. */
  dropped(count: number, queued: boolean): void {
    if (queued) this.#size -= count;
    else this.held -= count;
  }

  /** The first call that is to be sent; those before it, settled or held back by their source, are passed over. */
  peek(): WorkItem | undefined {
    for (let entry = this.#entries.peek(); entry !== undefined; entry = this.#entries.peek()) {
      const item = entry.first();
      if (item !== undefined) {
        if (!entry.tryHold()) return item;
        this.#size -= entry.size;
        this.held += entry.size;
      }
      this.#entries.shift();
    }
    return undefined;
  }

  /** Takes the call that {@linkcode CallQueue.peek} gave. */
  shift(): void {
    if (this.#entries.peek()!.takeFirst()) this.#entries.shift();
    this.#size--;
  }

  /** Takes a call that a worker gave back; it waits again from the next {@linkcode CallQueue.takeReturned} on. */
  giveBack(item: WorkItem): void {
    item.takeBack();
    this.#returned.push(item);
  }

  /** Puts what was given back before all others, in order. */
  takeReturned(): void {
    while (this.#returned.length > 0) {
      this.#entries.unshift(this.#returned.pop()!);
      this.#size++;
    }
  }

  /** The calls that wait, in order, but those of maps that were never sent: a map drops these itself. */
  waiting(): WorkItem[] {
    this.takeReturned();
    const waiting: WorkItem[] = [];
    for (let i = 0; i < this.#entries.size; i++) {
      const entry = this.#entries.at(i)!;
      if (entry instanceof WorkItem && entry.state === ItemState.QUEUED) waiting.push(entry);
    }
    return waiting;
  }

  /** Takes all; what waits still counts until {@linkcode CallQueue.dropped} is told of it. */
  takeAll(): WorkItem[] {
    const waiting = this.waiting();
    this.#entries.takeAll();
    return waiting;
  }
}
