/** Calls that have failed and are tried again: whether, and when. */
import { isErgateError } from "../errors.ts";
import { callBack } from "./callbacks.ts";
import { Timer } from "./future.ts";
import { ItemState, type WorkItem } from "./work_item.ts";

/** Milliseconds before an attempt at most, before the random part. */
const LONGEST_DELAY = 60_000;

/** Doublings at most: of the shortest delay they make more than the longest, and of none they must not make infinity. */
const MOST_DOUBLINGS = 60;

/** Errors that come again with every attempt. */
const HOPELESS = ["TaskNotFoundError", "PicklingError", "CancelledError"];

/** Where calls wait for their next attempt. */
export interface RetryQueue {
  /** Whether calls may be tried again. */
  readonly triesAgain: boolean;
  /** The call, which was sent, waits, but not yet for a worker. */
  hold(item: WorkItem): void;
  /** It waits for a worker. */
  resume(item: WorkItem): void;
}

/** Calls between two attempts. */
export class Retrying {
  readonly #queue: RetryQueue;
  readonly #waiting = new Map<WorkItem, Timer>();

  /** Of calls that go back to that queue. */
  constructor(queue: RetryQueue) {
    this.#queue = queue;
  }

  /**
   * Tries a call again, if that is worth it.
   *
   * @param item A single call, which has been sent.
   * @param error What it failed with.
   * @param isLoss Whether its worker died.
   * @returns Whether it is tried again, or done for otherwise.
   */
  tryAgain(item: WorkItem, error: unknown, isLoss: boolean): boolean {
    if (!item.mayRunAgain(isLoss) || !isWorthIt(item, error)) return false;
    // What was asked may have done anything: cancelled the call, or killed the pool.
    if (item.state === ItemState.SETTLED) return true;
    if (!this.#queue.triesAgain) return false;
    item.attemptFailed(isLoss);
    this.#queue.hold(item);
    this.#waiting.set(
      item,
      new Timer(delayOf(item), () => {
        this.#waiting.delete(item);
        this.#queue.resume(item);
      }),
    );
    return true;
  }

  /** The call waits no more, if it did. */
  forget(item: WorkItem): void {
    this.#waiting.get(item)?.clear();
    this.#waiting.delete(item);
  }

  /** Calls that wait for their next attempt. */
  waiting(): WorkItem[] {
    return Array.from(this.#waiting.keys());
  }

  /** Takes them all. */
  takeAll(): WorkItem[] {
    const items = this.waiting();
    for (const item of items) this.forget(item);
    return items;
  }
}

function isWorthIt({ rules: { retryIf } }: WorkItem, error: unknown): boolean {
  if (HOPELESS.some((name) => isErgateError(error, name))) return false;
  return retryIf === undefined || callBack(() => retryIf(error), () => "retryIf") === true;
}

function delayOf({ rules: { retryDelay }, attempt }: WorkItem): number {
  const doubled = retryDelay * 2 ** Math.min(attempt - 2, MOST_DOUBLINGS);
  const delay = Math.min(doubled, Math.max(retryDelay, LONGEST_DELAY));
  return delay * (1 - Math.random() / 2);
}
