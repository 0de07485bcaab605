/**
 * The watch: it looks at the slates of workers while something hangs on how long a call lasts, and acts on what it sees.
 *
 * ```text
 * the worker has been at one call for 2 ms, and …
 *   … more waits behind it, another worker is free      what waits is taken back
 *   … a call that it has was cancelled by force, or
 *     the call has run for its taskTimeout              what waits is taken back, so that it can enter no other; then the
 *                                                       call that it is held at is told to end, or it is killed
 * … at none for a second, though it has calls, one
 *     with a time limit: something in it loops          what waits is taken back, and it is killed
 * ```
 *
 * A kill names its call: it comes only when the slate shows that the worker is at that call and can enter no other
 * (ARCHITECTURE.md, "Ending a call").
 */
import { clearTimeout, now, setTimeout } from "../runtime/host_functions.ts";
import { CancelledError, isErgateError, TaskTimeoutError } from "../errors.ts";
import { fullName } from "../tasks/registry.ts";
import type { Ending } from "./current_call.ts";
import { ItemState, type WorkItem } from "./work_item.ts";
import type { Worker } from "./worker.ts";

/** Milliseconds at one call after which what waits behind it may be taken back: the slate's protocol needs 2. */
const STALL = 2;

/** Looks within a time limit, and milliseconds between two of them at most: the limit is kept so well. */
const LOOKS_IN_LIMIT = 16;
const LONGEST_PACE = 20;

/** Milliseconds at least in which a worker that has a call with a time limit must enter one: a busy system takes some. */
const STUCK = 1_000;

/** Milliseconds that a call has to end by itself when its signal has aborted, if it has asked for that. */
const ENDING_GRACE = 1_000;

/** What a task throws that throws its signal's reason: it says nothing new. */
const TELLS_END = ["TaskTimeoutError", "CancelledError"];

/** Whose workers are watched. */
export interface Watched {
  /** All that have not ended. */
  readonly workers: Iterable<Worker>;
  /** Whether a worker could run more at once. */
  someoneIsFree(): boolean;
  /** Calls were taken back, in order; the workers that had them take others. */
  tookBack(items: readonly WorkItem[]): void;
}

/** Looks at workers from time to time. */
export class Watch {
  readonly #watched: Watched;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer fires. */
  #due = Infinity;
  /** Workers may have calls with a time limit, or calls that are to end. */
  #namesCalls = false;
  /** At which call a worker was when it was found to be there for too long. */
  readonly #suspects = new WeakMap<Worker, number>();
  /** Until when a worker's call that was told to end may go on. */
  readonly #graces = new WeakMap<Ending, number>();

  /** Watches nothing yet. */
  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** Calls may wait behind one that lasts, while another worker is free. */
  forStalls(): void {
    this.#lookIn(STALL);
  }

  /** A call with a time limit was sent. */
  forLimit(taskTimeout: number): void {
    this.#namesCalls = true;
    this.#lookIn(paceOf(taskTimeout));
  }

  /** A call that was sent is to end. */
  forEnd(): void {
    this.#namesCalls = true;
    this.#lookIn(STALL);
  }

  /** Looks no more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#due = Infinity;
  }

  #lookIn(delay: number): void {
    const due = now() + delay;
    if (due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => {
      this.#due = Infinity;
      this.#look();
    }, delay);
  }

  #look(): void {
    let pace = Infinity;
    let namesCalls = false;
    const taken: WorkItem[] = [];
    for (const worker of this.#watched.workers) {
      if (worker.ledger.outstanding === 0) continue;
      const limit = this.#namesCalls ? limitOf(worker) : Infinity;
      namesCalls ||= limit !== Infinity;
      const stalls = hasMore(worker) && (worker.dismissed || this.#watched.someoneIsFree());
      pace = Math.min(pace, limit === Infinity ? Infinity : paceOf(limit), stalls ? STALL : Infinity);
      this.#lookAt(worker, stalls, limit, taken);
    }
    this.#namesCalls = namesCalls;
    if (pace !== Infinity) this.#lookIn(pace);
    if (taken.length > 0) this.#watched.tookBack(taken);
  }

  /** Looks at one worker; `limit`: the shortest of its calls, 0 if one is to end at once. */
  #lookAt(worker: Worker, stalls: boolean, limit: number, taken: WorkItem[]): void {
    const { ledger } = worker;
    const { sequence, item, time, running, listens } = ledger.current.look();
    if (time < STALL) return;
    const isOver = item !== undefined && (item.state === ItemState.SETTLED ||
      running >= item.rules.taskTimeout || worker.isCondemned);
    // A timer that a call has left behind may loop; what the worker has not entered is not lost.
    const isStuck = item === undefined && limit > 0 && time >= Math.max(STUCK, limit);
    if (!isOver && !isStuck && !stalls && limit > 0) return;
    // This process may have been busy for so long that what the worker says is not read yet: so it is looked at twice.
    if ((isOver || isStuck) && this.#suspects.get(worker) !== sequence) {
      this.#suspects.set(worker, sequence);
      return this.forEnd();
    }
    if (ledger.current.ending === undefined) { for (const back of worker.takeBack()) taken.push(back); }
    if (!ledger.isHeld) return;
    if (isOver) this.#end(worker, item, listens);
    else if (isStuck) worker.killForCall();
  }

  #end(worker: Worker, item: WorkItem, listens: boolean): void {
    const { current } = worker.ledger;
    let { ending } = current;
    if (worker.isCondemned) {
      worker.killForCall();
    } else if (ending === undefined) {
      current.end(ending = endingOf(item));
      if (!listens) return worker.killForCall();
      this.#graces.set(ending, now() + ENDING_GRACE);
      worker.tellEnd(reasonOf(item, ending));
    } else if (now() >= (this.#graces.get(ending) ?? 0)) {
      worker.killForCall();
    }
    this.forEnd();
  }
}

/** Whether calls wait in the worker that could be taken back; also in one that is leaving. */
export function hasMore(worker: Worker): boolean {
  return worker.ledger.outstanding > 1;
}

/** The shortest time limit of a worker's calls; 0: one is to end at once; `Infinity`: they have none. */
function limitOf({ ledger, isCondemned }: Worker): number {
  if (isCondemned) return 0;
  let limit = Infinity;
  for (const { state, rules } of ledger.items()) {
    if (state === ItemState.SETTLED) return 0;
    limit = Math.min(limit, rules.taskTimeout);
  }
  return limit;
}

function paceOf(taskTimeout: number): number {
  return Math.min(Math.max(taskTimeout / LOOKS_IN_LIMIT, STALL), LONGEST_PACE);
}

function endingOf({ profile, rules: { taskTimeout } }: WorkItem): Ending {
  const task = fullName(profile.task);
  return {
    error: (thrown) => {
      const cause = TELLS_END.some((name) => isErgateError(thrown, name)) ? undefined : thrown;
      return new TaskTimeoutError(
        `Cannot finish the call of ${task} as it must not run for longer than its taskTimeout of ${taskTimeout} ms: it did`,
        { task, taskTimeout, ...(cause === undefined ? undefined : { cause }) },
      );
    },
  };
}

/** What the call's own signal is to say. */
function reasonOf({ state, rules: { group } }: WorkItem, ending: Ending): unknown {
  if (state !== ItemState.SETTLED) return ending.error();
  return group?.reason() ??
    new CancelledError("Cannot go on with the call as it must not be cancelled: it was, by force");
}
