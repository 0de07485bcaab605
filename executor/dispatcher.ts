/**
 * The dispatcher: which worker gets which of the calls that wait, and how many.
 *
 * How far ahead: a worker is given more than one call only if their task has proved short, and then not more than
 * {@linkcode WorkItem.ahead} milliseconds of work. So a long call waits in the queue, where it can be cancelled and goes to the
 * first worker that is free; and a short one that is caught behind a call that turned out long is taken back as soon as
 * another worker could run it.
 */
import type { CallQueue } from "./call_queue.ts";
import type { Staff } from "./staff.ts";
import { hasMore } from "./watch.ts";
import type { WorkItem } from "./work_item.ts";
import type { Worker } from "./worker.ts";

/** Bytes of arguments that a worker has at most, beyond its first call. */
const MOST_BYTES_AHEAD = 1 << 20;

/** Bytes of arguments that a worker has at most in one chunk whose size the user gave: it must fit into a message. */
const MOST_BYTES_IN_CHUNK = 64 << 20;

/** Milliseconds that a worker may have ahead, however little waits: a round trip is to be hidden. */
const LEAST_AHEAD = 2;

/** So that sums of estimates, which are a little off, still fill what they should. */
const ROUNDING = 1e-6;

/** Gives calls to workers. */
export class Dispatcher {
  readonly #queue: CallQueue;
  readonly #staff: Staff;
  readonly #maxTasksPerChild: number;
  readonly #onLimited: (taskTimeout: number) => void;

  /**
   * For one queue and its workers.
   *
   * @param maxTasksPerChild Calls that a worker gets in its life.
   * @param onLimited Hears that a call with a time limit was sent.
   */
  constructor(
    queue: CallQueue,
    staff: Staff,
    maxTasksPerChild: number,
    onLimited: (taskTimeout: number) => void,
  ) {
    this.#queue = queue;
    this.#staff = staff;
    this.#maxTasksPerChild = maxTasksPerChild;
    this.#onLimited = onLimited;
  }

  /** Sends what workers have room for, and starts workers for the rest. */
  dispatch(): void {
    for (let item = this.#queue.peek(); item !== undefined; item = this.#queue.peek()) {
      const worker = this.#freest(item);
      if (worker === undefined || !this.#fill(worker)) break;
    }
    this.#staff.startFor(this.#queue.size);
  }

  /** The worker with the least to do, an idle one first; of equals the one that has been there longest. */
  #freest({ ahead, mostAhead }: WorkItem): Worker | undefined {
    let freest: Worker | undefined;
    for (const worker of this.#staff.workers) {
      if (!this.#takesCalls(worker)) continue;
      if (worker.ledger.outstanding === 0) return worker;
      // One that has half of what it may have waits for more, so that it gets much at once.
      if (worker.ledger.load > ahead / 2 || worker.ledger.outstanding > mostAhead / 2) continue;
      if (freest === undefined || worker.ledger.load < freest.ledger.load) freest = worker;
    }
    return freest;
  }

  #takesCalls(worker: Worker): boolean {
    return worker.takesCalls && worker.ledger.charged < this.#maxTasksPerChild;
  }

  /** Gives a worker its share of the queue; says whether it took anything. */
  #fill(worker: Worker): boolean {
    // An even share, or the first worker would take all of a short queue while the others stay idle.
    let takers = 0;
    for (const other of this.#staff.workers) if (this.#takesCalls(other)) takers++;
    const { size } = this.#queue;
    const share = Math.ceil(size / takers);
    let taken = 0;
    let previous: WorkItem | undefined;
    for (let item = this.#queue.peek(); item !== undefined && this.#takesCalls(worker); item = this.#queue.peek()) {
      item.estimate = estimate(item);
      const count = previous !== undefined && item.joins(previous)
        ? item.countWithin(MOST_BYTES_IN_CHUNK - worker.ledger.bytes, item.chunkLeft)
        : roomFor(worker, item, share - taken, size * item.estimate / (2 * takers));
      if (count === 0) break;
      const assigned = this.#queue.take(Math.min(count, this.#maxTasksPerChild - worker.ledger.charged));
      worker.ledger.assign(assigned);
      if (assigned.rules.taskTimeout !== Infinity) this.#onLimited(assigned.rules.taskTimeout);
      previous = assigned;
      taken += assigned.count;
    }
    worker.flush();
    return taken > 0;
  }

  /** Whether a worker could run more at once. */
  get someoneIsFree(): boolean {
    if (this.#staff.mayGrow) return true;
    for (const worker of this.#staff.workers) {
      if (this.#takesCalls(worker) && worker.ledger.outstanding === 0) return true;
    }
    return false;
  }

  /** Whether calls wait in a worker that could be taken back. */
  get someoneHasMore(): boolean {
    for (const worker of this.#staff.workers) if (hasMore(worker)) return true;
    return false;
  }
}

/** What a worker is thought to need for a call, in milliseconds; all that it may have, if its task has not run yet. */
function estimate(item: WorkItem): number {
  return Math.min(Math.max(item.profile.mean, 0.001), item.ahead);
}

/**
 * How many of an item's first calls a worker may have.
 *
 * @param share Calls that are its share of what waits.
 * @param half Milliseconds that half of its share is thought to take: it gets no more ahead, so that towards the end of the
 *   queue less and less is given at a time, and no worker has long to do when the others are done.
 */
function roomFor({ ledger }: Worker, item: WorkItem, share: number, half: number): number {
  const least = ledger.outstanding === 0 ? 1 : 0;
  const ahead = Math.min(item.ahead, Math.max(half, LEAST_AHEAD));
  const most = Math.min(
    share,
    item.mostAhead - ledger.outstanding,
    Math.floor((ahead - ledger.load) / item.estimate + ROUNDING),
  );
  const count = most < 1 ? least : Math.max(least, item.countWithin(MOST_BYTES_AHEAD - ledger.bytes, most));
  // A chunk that the user asked for begins where there is room for one of its calls.
  if (count === 0 || item.chunkLeft === 0) return Math.min(count, item.count);
  return Math.max(1, item.countWithin(MOST_BYTES_IN_CHUNK - ledger.bytes, item.chunkLeft));
}
