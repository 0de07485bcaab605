/** The call that a worker is at, as it is seen from outside, by the worker's slate; and why that call is to end, if it is. */
import { now } from "../runtime/host_functions.ts";
import { Phase, readEntered, type SlateMemory, writeStop } from "../channel/slate.ts";
import type { WorkItem } from "./work_item.ts";

/** Why a call is to end before it returns. */
export interface Ending {
  /** Its error; `cause` is what the task threw when it was told, if it listened and threw. */
  error(cause?: unknown): unknown;
}

/** What is seen of a worker: for how long, at least, it has been at one call. */
export interface Look {
  /** The number of that call. */
  readonly sequence: number;
  /** What that call is in; `undefined`: it is at none, or at one that was answered. */
  readonly item: WorkItem | undefined;
  /** Milliseconds at that call. */
  readonly time: number;
  /** Milliseconds since its function may have begun to run. */
  readonly running: number;
  /** Whether it has asked for its signal. */
  readonly listens: boolean;
}

/** The call that a worker is at. */
export class CurrentCall {
  readonly #slate: SlateMemory;
  readonly #itemOf: (sequence: number) => WorkItem | undefined;
  /** The call that was entered when the slate was last looked at, since when that has been so, and since when it runs. */
  #seen = -1;
  #seenAt = 0;
  #runningAt = Infinity;
  /** Why the call that was seen is to end, and its number. */
  #ending: Ending | undefined;
  #endingAt = 0;

  /**
   * Of a worker that was not looked at yet.
   *
   * @param slate Its slate.
   * @param itemOf Gives what the call of a number is in; `undefined`: it was answered, or taken back.
   */
  constructor(slate: SlateMemory, itemOf: (sequence: number) => WorkItem | undefined) {
    this.#slate = slate;
    this.#itemOf = itemOf;
  }

  /** The number of the call that the worker has entered last. */
  get entered(): number {
    return readEntered(this.#slate).sequence;
  }

  /** The number of the call that the worker had entered when it was last looked at. */
  get seen(): number {
    return this.#seen;
  }

  /** A worker that was idle gets a call: the time at the one before it counts no more. */
  begin(): void {
    this.#seen = -1;
  }

  /**
   * Looks at which call the worker is, as the slate says.
   *
   * @returns What is seen; times from the end of the look that first saw it to the begin of this one, so that both looks lie
   *   outside of them: this process may have been halted in the middle of either.
   */
  look(): Look {
    const time = now();
    const { sequence, phase } = readEntered(this.#slate);
    const isSame = sequence === this.#seen;
    const isRunning = phase !== Phase.PREPARING;
    const look: Look = {
      sequence,
      item: this.#itemOf(sequence),
      time: isSame ? time - this.#seenAt : 0,
      running: isSame && isRunning ? Math.max(0, time - this.#runningAt) : 0,
      listens: phase === Phase.LISTENING,
    };
    if (!isSame) {
      this.#seen = sequence;
      this.#seenAt = now();
      this.#runningAt = Infinity;
    }
    if (!isRunning) this.#runningAt = Infinity;
    else if (this.#runningAt === Infinity) this.#runningAt = now();
    return look;
  }

  /** The call that was seen is to end. */
  end(ending: Ending): void {
    this.#ending = ending;
    this.#endingAt = this.#seen;
  }

  /** Why the call that was seen is to end, once it was said. */
  get ending(): Ending | undefined {
    return this.endingOf(this.#seen);
  }

  /** Why the call of that number is to end, if it is the one of which that was said. */
  endingOf(sequence: number): Ending | undefined {
    return sequence === this.#endingAt ? this.#ending : undefined;
  }

  /** Lets the call that is to end see that, whatever it does; gives its number. */
  showEnd(): number {
    writeStop(this.#slate, this.#endingAt + 1, true);
    return this.#endingAt;
  }

  /** No call is to end any more. */
  resume(): void {
    this.#ending = undefined;
  }
}
