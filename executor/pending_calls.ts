/**
 * The calls of a scheduler that are not settled: *queued*, *sent*, or *held back* by their source, or until their next attempt.
 *
 * It counts them, and each of them ends here, whoever ends it: by its answer, by its worker's death, by a cancel, by the end of
 * the pool. Which worker gets which, and when, is the scheduler's matter.
 */
import { CallQueue } from "./call_queue.ts";
import { Retrying, type RetryQueue } from "./retrying.ts";
import { Unseen } from "./unseen.ts";
import { type ItemQueue, ItemState, SubmittedCall, type WorkItem } from "./work_item.ts";

/** Feeds items over time, as a `map` does. */
export interface ItemSource {
  /** There may be room for more calls than there was. */
  roomMade(): void;
  /** The scheduler takes no more calls: draw nothing more, cancel what is held back. */
  stop(): void;
  /** What was not sent is to be cancelled, what is held back too. */
  cancel(): void;
  /** The scheduler can run no more calls: fail what was not sent. */
  abort(error: () => Error): void;
}

/** Hears what becomes of calls. */
export interface PendingEvents {
  /** Some wait for a worker that did not. */
  queued(): void;
  /** Some that were sent are settled before their answer: the workers that are at one are to end it. */
  condemned(): void;
  /** Some have settled. */
  settled(): void;
}

/** Calls that are not settled. */
export class PendingCalls implements ItemQueue, RetryQueue {
  /** Those that wait for a worker. */
  readonly queue: CallQueue = new CallQueue();
  /** Failures that nobody has looked at. */
  readonly unseen: Unseen = new Unseen();
  readonly #events: PendingEvents;
  readonly #retrying = new Retrying(this);
  readonly #sources = new Set<ItemSource>();
  #count = 0;
  #lastId = 0;
  #triesAgain = true;

  /** There are none yet. */
  constructor(events: PendingEvents) {
    this.#events = events;
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** How many there are without those that are held back. */
  get activeCount(): number {
    return this.#count - this.queue.held;
  }

  /** Adds new ones. */
  add(item: WorkItem): void {
    item.id = this.#lastId + 1;
    this.#lastId += item.count;
    this.#count += item.count;
    this.#enqueue(item);
  }

  #enqueue(item: WorkItem): void {
    this.queue.push(item);
    this.#events.queued();
  }

  /** A worker gives a call back that it has not entered; it waits again from {@linkcode CallQueue.takeReturned} on. */
  giveBack(item: WorkItem): void {
    if (item.state !== ItemState.SETTLED) this.queue.giveBack(item);
  }

  /** A worker gives calls back that it has not entered, in order; they wait again. */
  giveAllBack(items: readonly WorkItem[]): void {
    for (const item of items) this.giveBack(item);
    this.queue.takeReturned();
  }

  /** Holds back a call that was sent, until its next attempt. */
  hold(item: WorkItem): void {
    item.takeBack();
    item.state = ItemState.HELD;
    this.queue.held += item.count;
  }

  /** Queues again what was held back. */
  resume(item: WorkItem): void {
    item.state = ItemState.QUEUED;
    this.queue.held -= item.count;
    this.#enqueue(item);
  }

  /** Whether calls may be tried again: not when what was not sent is cancelled, or all have failed. */
  get triesAgain(): boolean {
    return this.#triesAgain;
  }

  // Their sources.

  /** A source may feed items from now on. */
  addSource(source: ItemSource): void {
    this.#sources.add(source);
  }

  /** A source feeds no more, and holds nothing back. */
  removeSource(source: ItemSource): void {
    this.#sources.delete(source);
  }

  /** There may be room for more calls. */
  drawMore(): void {
    for (const source of Array.from(this.#sources)) source.roomMade();
  }

  /** No more calls are taken. */
  stopSources(): void {
    for (const source of Array.from(this.#sources)) source.stop();
  }

  // Their ends.

  /** Ends a call with its value. */
  succeed(item: WorkItem, value: unknown): void {
    if (item.state === ItemState.SETTLED) return; // it was cancelled by force
    try {
      item.succeed(value);
    } finally {
      this.#settle(1);
    }
  }

  /** Ends all calls of an item with what stands in `values` from `from` on. */
  succeedAll(item: WorkItem, values: readonly unknown[], from: number): void {
    if (item.state === ItemState.SETTLED) return; // it was cancelled by force
    try {
      item.succeedAll(values, from);
    } finally {
      this.#settle(item.count);
    }
  }

  /** Fails a call for good. */
  fail(item: WorkItem, error: unknown): void {
    if (item.state === ItemState.SETTLED) return; // it was cancelled by force
    try {
      item.fail(error);
    } finally {
      this.#settle(1);
    }
  }

  /** Fails an attempt of a call, which may be followed by another; `isLoss`: its worker died. */
  failAttempt(item: WorkItem, error: unknown, isLoss: boolean): void {
    if (item.state === ItemState.SETTLED || this.#retrying.tryAgain(item, error, isLoss)) return;
    this.fail(item, error);
  }

  /**
   * Calls that were not sent have been settled by their owner.
   *
   * @param item What they are, or were, in.
   * @param count How many.
   * @param queued Whether they were queued, not held back.
   */
  dropped(item: WorkItem, count: number, queued: boolean): void {
    if (!queued) this.#retrying.forget(item);
    this.queue.dropped(count, queued);
    this.#settle(count);
  }

  /**
   * Calls that were sent have been settled by their owner; the workers that are at one are to end it.
   *
   * @param count How many.
   */
  condemned(count: number): void {
    this.#events.condemned();
    this.#settle(count);
  }

  /** Cancels all that were not sent. */
  cancelUnsent(): void {
    this.#triesAgain = false;
    for (const source of Array.from(this.#sources)) source.cancel();
    for (const item of [...this.queue.waiting(), ...this.#retrying.waiting()]) item.cancel();
  }

  /**
   * Fails all.
   *
   * @param sent Those that workers had, which have given them up.
   * @param error Makes an error, of which each call has its own.
   */
  failAll(sent: readonly WorkItem[], error: () => Error): void {
    this.#triesAgain = false;
    const unsent = [...this.queue.takeAll(), ...this.#retrying.takeAll()];
    for (const item of sent) this.fail(item, error());
    for (const item of unsent) {
      if (!(item instanceof SubmittedCall)) continue; // a map drops its own
      if (item.state === ItemState.SETTLED) continue; // cancelled by a callback of one before it
      this.queue.dropped(1, item.state === ItemState.QUEUED);
      this.fail(item, error());
    }
    for (const source of Array.from(this.#sources)) source.abort(error);
  }

  #settle(count: number): void {
    this.#count -= count;
    this.#events.settled();
  }
}
