/**
 * The worker's side of the slate: it writes which call it enters, and learns from which on it must enter none.
 * ARCHITECTURE.md, "Who is lost?", has the protocol and its reasons.
 */
import { now } from "../runtime/host_functions.ts";
import { RunFlag } from "../channel/protocol.ts";
import { Phase, readAborted, readStop, type SlateMemory, writeEntered } from "../channel/slate.ts";
import { PROOF, type Run } from "./inbox.ts";

/**
 * Milliseconds below which calls of a map may share an entry in the slate and a context. What shares one is lost together,
 * and cannot be taken back behind a call that suddenly lasts: the less of it the better. But an entry costs one to two
 * microseconds where the slate is a file, and a context up to one: a tenth of a call of twenty.
 */
const TINY = 0.02;
/** Milliseconds of calls that share them. */
const SLICE = 0.05;
/** Calls in a slice at most: the shortest cannot be told apart from nothing by every host's clock. */
const MOST_CALLS_IN_SLICE = 64;

/** Milliseconds since an entry after which `stop` is read: half of what the parent waits for before it writes it. */
const STOP_READING_AGE = 1;

/** Arguments of this many bytes may take a while to decode, so that a death in it can be told from one of the task. */
export const LARGE: number = 64 * 1024;

/** Where calls are entered, one by one or in slices. */
export class Entrance {
  /** Sequence number of the last call of the slice that has been entered. */
  last = 0;
  /** Calls in that slice. */
  size = 1;
  /** The clock, as read behind that entry. */
  clock = 0;
  readonly #slate: SlateMemory;
  /** The clock, as read before the last entry. */
  #enteredAt = -Infinity;
  /** Calls from this one on are skipped; 0: none. */
  #stop = 0;

  /** Of a worker with that slate. */
  constructor(slate: SlateMemory) {
    this.#slate = slate;
  }

  /** Calls may be entered again. */
  resume(): void {
    this.#stop = 0;
  }

  /**
   * Enters the next call, or a slice of them.
   *
   * @param sequence Sequence number of the call before it.
   * @param run The next call's.
   * @param time The clock, as read just now.
   * @returns Whether it may be entered; else it is to be skipped.
   */
  tryEnter(sequence: number, run: Run, time: number): boolean {
    if (this.#stop !== 0) return false;
    const { task } = run;
    const last = sequence +
      ((run.flags & RunFlag.SLICES) !== 0 && task.measured >= PROOF ? sliceOf(task.mean, run.left) : 1);
    const isSmall = run.column !== undefined || run.frame.peekBlockSize() < LARGE;
    writeEntered(this.#slate, last, task.found !== undefined && isSmall ? Phase.RUNNING : Phase.PREPARING);
    this.clock = now();
    // The parent writes `stop` only 2 ms after it has seen an entry: an entry that follows another within 1 ms is safe.
    if (this.clock - this.#enteredAt > STOP_READING_AGE) this.#stop = readStop(this.#slate);
    this.#enteredAt = time;
    if (this.#stop !== 0) {
      writeEntered(this.#slate, sequence, Phase.RUNNING); // not entered after all: whoever reads it now may know
      return false;
    }
    this.last = last;
    this.size = last - sequence;
    return true;
  }

  /** Says how far the call has come; of the slice's last call, as at the entry: `entered` never goes back. */
  setPhase(phase: Phase): void {
    writeEntered(this.#slate, this.last, phase);
  }

  /** Whether the call that was entered is to end. */
  isAborted(): boolean {
    return readAborted(this.#slate) === this.last;
  }
}

/** How many calls, of those left of their task, share an entry; 1 if they are not tiny. */
function sliceOf(mean: number, left: number): number {
  if (mean >= TINY) return 1;
  return Math.min(left, Math.max(1, Math.floor(SLICE / Math.max(mean, SLICE / MOST_CALLS_IN_SLICE))));
}
