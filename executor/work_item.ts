/** A work item: a call, or some of a `map`, from submission to answer. */
import type { CancelledError } from "../errors.ts";
import type { FrameWriter } from "../channel/protocol.ts";
import { NO_SEGMENTS, type Segment, sizeOfSegments } from "../channel/segments.ts";
import type { Abortable } from "./abort_group.ts";
import type { Unseen } from "./unseen.ts";
import type { CopiedArguments } from "./call_arguments.ts";
import type { CallRules } from "./call_options.ts";
import {
  cancelFuture,
  createFuture,
  type Future,
  setBackToPending,
  setException,
  setResult,
  setRunning,
} from "./future.ts";
import type { TaskProfile } from "./task_profile.ts";

/** Where a work item is. */
export const ItemState = {
  /** In the scheduler's queue. */
  QUEUED: 0,
  /** Sent to a worker. */
  SENT: 1,
  /**
   * Answered, failed or cancelled; final. One that is still in the queue is passed over when its turn comes, and one that a
   * worker still has is ended there.
   */
  SETTLED: 2,
  /** It waits, but not for a worker: its source holds it back, or it is not yet time for its next attempt. */
  HELD: 3,
} as const;
/** One of {@linkcode ItemState}. */
export type ItemState = typeof ItemState[keyof typeof ItemState];

/** Hears that a call was cancelled. */
export interface ItemQueue {
  /** Calls that were not sent have settled, so many; `queued`: they may still lie in the queue. */
  dropped(item: WorkItem, count: number, queued: boolean): void;
  /** So many calls that were sent have settled, and the worker that is at one is to end it. */
  condemned(count: number): void;
  /** Failures that nobody has looked at. */
  readonly unseen: Unseen;
}

/** Attempts of a call that have failed. */
interface FailedAttempts {
  /** By an error of the task, or its time limit. */
  readonly errors: number;
  /** By its worker's death. */
  readonly losses: number;
}

const NONE_FAILED: FailedAttempts = { errors: 0, losses: 0 };

/** Who has seen the outcome of a call. */
const Sight = {
  /** Nobody, yet. */
  NONE: 0,
  /** Nobody, and it has failed: that is to be reported. */
  MISSED: 1,
  /** Somebody has looked at the future. */
  SEEN: 2,
} as const;
type Sight = typeof Sight[keyof typeof Sight];

const NO_BYTES = new Uint8Array(0);

/**
 * Milliseconds of work that a worker has at most, beyond its first call, when another is sent to it. More hides the round
 * trip better when the parent is busy; less leaves fewer calls that can no longer be cancelled.
 */
const AHEAD = 2;

/** Calls that a worker has at most when another is sent to it. */
const MOST_AHEAD = 1024;

/** A call, or calls of a `map` that follow each other. */
export abstract class WorkItem {
  /** Number of its first call in the executor; those behind it have the next ones. */
  id = 0;
  /** Calls in it. */
  count = 1;
  /** Its task. */
  readonly profile: TaskProfile;
  /** Options of its calls. */
  readonly rules: CallRules;
  /** Attempts that have failed; `undefined`: none has. */
  failed: FailedAttempts | undefined;
  /** Large buffers beside its arguments, which are its own; only a single call has any. */
  segments: readonly Segment[] = NO_SEGMENTS;
  /** Where it is. */
  state: ItemState = ItemState.QUEUED;
  /** What its worker was thought to need for a call when it was sent, in milliseconds. */
  estimate = 0;

  /** Of calls of a task. */
  constructor(profile: TaskProfile, rules: CallRules) {
    this.profile = profile;
    this.rules = rules;
  }

  /** Whether its calls may be ended alone, so that nothing else must hang on them. */
  get isAlone(): boolean {
    return this.rules.taskTimeout !== Infinity || this.rules.group !== undefined;
  }

  /** Whether a failed attempt may be followed by another; `isLoss`: its worker died. */
  mayRunAgain(isLoss: boolean): boolean {
    const { retries } = this.rules;
    if (retries.all === 0) return false;
    const { errors, losses } = this.failed ?? NONE_FAILED;
    return errors + losses < retries.all && (isLoss ? losses < retries.losses : errors < retries.errors);
  }

  /** Counts an attempt that has failed; `isLoss`: its worker died. */
  attemptFailed(isLoss: boolean): void {
    const { errors, losses } = this.failed ?? NONE_FAILED;
    this.failed = isLoss ? { errors, losses: losses + 1 } : { errors: errors + 1, losses };
  }

  /** Which attempt this is, or will be, from 1. */
  get attempt(): number {
    return this.failed === undefined ? 1 : 1 + this.failed.errors + this.failed.losses;
  }

  /** Bytes of its arguments, without the buffers beside them. */
  abstract get argumentsSize(): number;

  /** Bytes of its arguments, with the buffers beside them. */
  get byteSize(): number {
    return this.segments === NO_SEGMENTS ? this.argumentsSize : this.argumentsSize + sizeOfSegments(this.segments);
  }

  /** How many of its first calls have so many bytes together, `most` at most. */
  countWithin(bytes: number, _most: number): number {
    return this.byteSize <= bytes ? 1 : 0;
  }

  /** Milliseconds of work that its worker may have with it, if it is not to be its only call. */
  get ahead(): number {
    return AHEAD;
  }

  /** Calls that its worker may have with it: the shortest are bound by their handling, which no estimate counts. */
  get mostAhead(): number {
    return MOST_AHEAD;
  }

  /** Whether tiny calls of it may share an entry in the slate with their neighbours. */
  get slices(): boolean {
    return false;
  }

  /** Whether its arguments are a column. */
  get isColumn(): boolean {
    return false;
  }

  /** Calls up to the end of the chunk that the user asked for; 0: none was. */
  get chunkLeft(): number {
    return 0;
  }

  /** Whether it travels in one message with the item before it, however long that takes. */
  joins(_previous: WorkItem): boolean {
    return false;
  }

  /**
   * Cuts off its first calls.
   *
   * @param count How many; fewer than there are.
   */
  take(_count: number): WorkItem {
    throw new RangeError("Cannot take calls as there must be several: it is one");
  }

  /** Whether it must not be sent now; then whoever holds it queues it again. Asked when its turn has come. */
  tryHold(): boolean {
    return false;
  }

  /** Writes its arguments. */
  abstract write(frame: FrameWriter): void;

  /** Moves it to a worker. */
  send(): void {
    this.state = ItemState.SENT;
    this.onSent();
  }

  /** Moves it back to the queue. */
  takeBack(): void {
    this.state = ItemState.QUEUED;
    this.onTakenBack();
  }

  /** Ends it, a single call, with a value. */
  succeed(value: unknown): void {
    this.finish();
    this.onSuccess(value);
  }

  /** Ends it with the values that stand in `values` from `from` on. */
  succeedAll(values: readonly unknown[], from: number): void {
    this.succeed(values[from]);
  }

  /** Ends it, a single call, with what was thrown. */
  fail(error: unknown): void {
    this.finish();
    this.onFailure(error);
  }

  /** Cancels it if it is still queued. */
  abstract cancel(): boolean;

  /** Marks it as settled and lets its arguments go. */
  protected finish(): void {
    this.state = ItemState.SETTLED;
    this.segments = NO_SEGMENTS;
  }

  /** It was sent. */
  protected abstract onSent(): void;
  /** It was taken back. */
  protected abstract onTakenBack(): void;
  /** It has a value. */
  protected abstract onSuccess(value: unknown): void;
  /** It has failed. */
  protected abstract onFailure(error: unknown): void;
}

/** A call made by `submit`: what becomes of it becomes of its future. */
export class SubmittedCall extends WorkItem implements Abortable {
  /** Its future. */
  readonly future: Future<unknown>;
  readonly #queue: ItemQueue;
  /** A block that holds its encoded arguments, where they begin, and where they end. */
  #bytes: Uint8Array;
  readonly #start: number;
  readonly #end: number;
  #sight: Sight = Sight.NONE;

  /** Makes the future. */
  constructor(
    queue: ItemQueue,
    profile: TaskProfile,
    rules: CallRules,
    { bytes, start, end, segments }: CopiedArguments,
  ) {
    super(profile, rules);
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.segments = segments;
    this.#queue = queue;
    this.future = createFuture(this);
  }

  get argumentsSize(): number {
    return this.#end - this.#start;
  }

  write(frame: FrameWriter): void {
    frame.f64(this.id);
    frame.block(this.#bytes, this.#start, this.#end);
  }

  cancel(): boolean {
    return this.future.cancel();
  }

  get isDone(): boolean {
    return this.state === ItemState.SETTLED;
  }

  cancelBy(error: () => CancelledError): void {
    cancelFuture(this.future, error());
  }

  protected override finish(): void {
    super.finish();
    this.#bytes = NO_BYTES;
    this.rules.group?.delete(this);
  }

  /** Somebody looks at the future. */
  seen(): void {
    if (this.#sight === Sight.MISSED) this.#queue.unseen.delete(this);
    this.#sight = Sight.SEEN;
  }

  /** The future was cancelled, by force if this was sent. */
  cancelled(): void {
    const { state } = this;
    this.finish();
    if (state === ItemState.SENT) this.#queue.condemned(1);
    else this.#queue.dropped(this, 1, state === ItemState.QUEUED);
  }

  protected onSent(): void {
    setRunning(this.future);
  }

  protected onTakenBack(): void {
    setBackToPending(this.future);
  }

  protected onSuccess(value: unknown): void {
    setResult(this.future, value);
  }

  protected onFailure(error: unknown): void {
    // First, as a callback of the future may look.
    if (this.#sight === Sight.NONE && this.#queue.unseen.add(this, error)) this.#sight = Sight.MISSED;
    setException(this.future, error);
  }
}
