/**
 * The ledger: the calls that a worker has, in the order in which they were sent.
 *
 * A call's *sequence number* is its place among all that the worker was ever sent, from 1. `#sent` holds those that are not
 * answered: the first has number `#answered + 1`. A place whose call was taken back stays, empty, until the worker has
 * answered it as skipped; only then do both sides count alike again.
 */
import { now } from "../runtime/host_functions.ts";
import type { Channel } from "../channel/channel.ts";
import { decodeValue, encodeValue, UnpicklingError } from "../channel/codec.ts";
import { decodeFailure } from "../channel/failure.ts";
import {
  Answer,
  CallsFlag,
  type FrameReader,
  type FrameWriter,
  MessageKind,
  ProtocolError,
  RunFlag,
} from "../channel/protocol.ts";
import { isDetached, isShared, NO_SEGMENTS, type Segment, type Segments, sizeOfSegments } from "../channel/segments.ts";
import { readEntered, type SlateMemory, writeStop } from "../channel/slate.ts";
import { type RegisteredTask, registrationCount } from "../tasks/registry.ts";
import { Deque } from "./deque.ts";
import type { WorkItem } from "./work_item.ts";

/** What a worker's death means for its calls. */
export interface Account {
  /** Whether it ever came so far as to enter a call. */
  readonly enteredAny: boolean;
  /** The calls that died with it, in order. */
  readonly lost: readonly WorkItem[];
  /** Whether the last of them may have begun to run; those before it may in any case. */
  readonly lastMayHaveRun: boolean;
  /** The calls that it never entered, in order. */
  readonly notEntered: readonly WorkItem[];
}

/** Hears of a call's answer: settles the work item, or queues it again. */
export type AnswerListener = (item: WorkItem, answer: Answer, value: unknown) => void;

/** The calls of one worker. */
export class Ledger {
  /** Registrations of tasks when the worker was started: what was registered later it may not know. */
  readonly registrations: number = registrationCount();
  /** Milliseconds that the calls are thought to take. */
  load = 0;
  /** Bytes of their arguments, with the buffers beside them. */
  bytes = 0;
  /** Calls that were sent and not taken back, the answered ones too: what `maxTasksPerChild` counts. */
  charged = 0;
  /** Calls that are neither answered nor taken back. */
  outstanding = 0;
  readonly #slate: SlateMemory;
  /** Numbers of the tasks that the worker was told of. */
  readonly #tasks = new Map<RegisteredTask, number>();
  readonly #sent = new Deque<WorkItem | undefined>();
  /** Sequence number of the last call answered. */
  #answered = 0;
  /** Assigned and not written: the last so many of `#sent`. */
  #unwritten = 0;
  /** The slate's `stop` is written: no call goes out until all are answered. */
  #stopped = false;
  /** The next `CALLS` must say that calls may be entered again. */
  #resume = false;
  #abandoned = false;
  /** What `entered` was when it was last looked at, and since when it has been that. */
  #seen = -1;
  #seenAt = 0;

  /** Of a worker with that slate. */
  constructor(slate: SlateMemory) {
    this.#slate = slate;
  }

  /** Whether calls may be assigned. */
  get isOpen(): boolean {
    return !this.#stopped;
  }

  /** Gives the worker a call; it goes out with the next {@linkcode Ledger.write}. */
  assign(item: WorkItem): void {
    item.send();
    this.#sent.push(item);
    this.outstanding++;
    this.#unwritten++;
    this.charged++;
    this.load += item.estimate;
    this.bytes += item.byteSize;
  }

  /** Writes what was assigned, in one message, after messages of the tasks that the worker does not know. */
  write(frame: FrameWriter, send: Channel["send"]): void {
    if (this.#unwritten === 0) return;
    const first = this.#sent.size - this.#unwritten;
    const ownership = this.#sent.size === 1 && !this.#mayBeStale(this.#sent.at(0)!.profile.task) ? "given" : "kept";
    let last: RegisteredTask | undefined;
    for (let i = first; i < this.#sent.size; i++) {
      const { task } = this.#sent.at(i)!.profile;
      if (task === last) continue;
      if (!this.#tasks.has(task)) send(this.#writeTask(frame, task));
      last = task;
    }
    frame.beginFrame(MessageKind.CALLS);
    frame.u8(this.#resume ? CallsFlag.RESUME : 0);
    this.#resume = false;
    frame.f64(this.#answered + 1 + first);
    const segments: Segment[] = [];
    for (let i = first; i < this.#sent.size;) i = this.#writeRun(frame, i, segments);
    this.#unwritten = 0;
    const size = sizeOfSegments(segments);
    send(frame.endFrame(), segments, ownership);
    this.bytes -= size - sizeOfSegments(segments); // those that have moved to a thread have none any more
  }

  /** A worker that was started before the task was registered may have imported an older text of its module. */
  #mayBeStale(task: RegisteredTask): boolean {
    return task.order >= this.registrations;
  }

  #writeTask(frame: FrameWriter, task: RegisteredTask): Uint8Array {
    this.#tasks.set(task, this.#tasks.size);
    frame.beginFrame(MessageKind.TASK);
    frame.u8(this.#mayBeStale(task) ? 1 : 0);
    encodeValue(frame, [task.url, task.name, task.hash], "task", "task");
    return frame.endFrame();
  }

  /** Writes the calls from `from` on that are of one task; gives the place of the next. */
  #writeRun(frame: FrameWriter, from: number, segments: Segment[]): number {
    const { profile, slices, segments: own } = this.#sent.at(from)!;
    const isSegmented = own.length > 0;
    frame.u32(this.#tasks.get(profile.task)!);
    frame.u8((slices ? RunFlag.SLICES : 0) | (isSegmented ? RunFlag.SEGMENTS : 0));
    const place = frame.frameSize;
    frame.u32(0);
    let next = from;
    for (
      let item = this.#sent.at(next);
      item?.profile === profile && item.slices === slices && item.segments.length > 0 === isSegmented;
      item = this.#sent.at(++next)
    ) {
      frame.f64(item.id);
      frame.block(item.bytes, item.start, item.end);
      if (!isSegmented) continue;
      frame.u32(item.segments.length);
      for (const segment of item.segments) segments.push(segment); // not spread: there may be any number
    }
    frame.view.setUint32(frame.start + place, next - from, true);
    return next;
  }

  /**
   * Takes a message of answers.
   *
   * @throws {ProtocolError} If they are not the next ones.
   */
  takeAnswers(frame: FrameReader, segments: Segments, answered: AnswerListener): void {
    if (frame.f64() !== this.#answered + 1) {
      throw new ProtocolError(`Cannot take answers as they must begin at call ${this.#answered + 1}: they do not`);
    }
    while (!frame.ended && !this.#abandoned) {
      let answer = frame.u8() as Answer;
      const milliseconds = frame.f32();
      const size = frame.u32();
      const start = frame.skip(size);
      if (this.#sent.size === 0) throw new ProtocolError("Cannot take an answer as no call waits for one");
      const item = this.#sent.peek();
      if (item === undefined && answer !== Answer.SKIPPED) {
        throw new ProtocolError("Cannot take an answer as its call was taken back");
      }
      let value: unknown;
      try {
        // May throw, and then the call must still be here to be accounted for.
        value = decodeAnswer(answer, frame, start, segments);
      } catch (error) {
        if (!(error instanceof UnpicklingError)) throw error;
        value = error.toPicklingError({ all: "result", nameOf: () => "result" }, "result");
        answer = Answer.FAILURE;
      }
      if (this.#abandoned) return; // by a fromPickle that has killed the pool
      this.#sent.shift();
      this.#answered++;
      if (item === undefined) continue;
      this.#takeOff(item);
      if (answer === Answer.RESULT || answer === Answer.FAILURE) item.profile.record(milliseconds);
      else if (answer !== Answer.NOT_FOUND) this.charged--;
      answered(item, answer, value);
    }
    if (this.#stopped && this.#sent.size === 0) {
      writeStop(this.#slate, 0);
      this.#stopped = false;
      this.#resume = true;
    }
  }

  /**
   * Gives back the memory of what the worker has got: the segments of the call that it runs, which never goes back to the
   * queue. A large result is on the way, and both at once would be more than need be. (What may run again must keep
   * them.)
   */
  freeEntered(): void {
    if (this.#stopped) return; // the worker may have entered it and still find `stop`, and skip it
    const { sequence, running } = readEntered(this.#slate);
    const place = sequence - this.#answered - 1;
    const item = running && place >= 0 && place < this.#sent.size ? this.#sent.at(place) : undefined;
    if (item === undefined || item.segments === NO_SEGMENTS) return;
    this.bytes -= sizeOfSegments(item.segments);
    for (const segment of item.segments) {
      if (!isShared(segment) && !isDetached(segment)) segment.transfer(0); // now, not when garbage is collected
    }
    item.segments = NO_SEGMENTS;
  }

  #takeOff(item: WorkItem): void {
    this.outstanding--;
    this.load = this.outstanding === 0 ? 0 : this.load - item.estimate;
    this.bytes -= item.byteSize;
  }

  /**
   * For how long the worker has been at the call that it is at, as far as was looked.
   *
   * @returns Milliseconds from the end of the look that first saw it there to the begin of this one, so that both looks lie
   *   outside of them: this process may have been halted in the middle of either.
   */
  atSameCallFor(): number {
    const time = now();
    const { sequence } = readEntered(this.#slate);
    if (sequence === this.#seen) return time - this.#seenAt;
    this.#seen = sequence;
    this.#seenAt = now();
    return 0;
  }

  /**
   * Takes back the calls behind the one that the worker is at. Only to be asked when that has been seen for 2 ms: then the
   * worker is bound to look at `stop` before it enters another (ARCHITECTURE.md, "Who is lost?").
   *
   * @returns What surely was not entered, in order. If the worker has moved on meanwhile it is empty, and the worker
   *   answers each call that it skips.
   */
  takeBack(): WorkItem[] {
    const entered = this.#seen;
    if (entered === this.#answered && this.#sent.size > 0 && isGone(this.#sent.at(0))) return []; // it must run here
    writeStop(this.#slate, entered + 1);
    this.#stopped = true;
    if (readEntered(this.#slate).sequence !== entered) return [];
    const taken: WorkItem[] = [];
    for (let i = Math.max(0, entered - this.#answered); i < this.#sent.size; i++) {
      const item = this.#sent.at(i);
      if (item === undefined) continue;
      this.#sent.replace(i, undefined);
      this.#takeOff(item);
      this.charged--;
      taken.push(item);
    }
    return taken;
  }

  /** Gives up the calls, whatever has become of them. */
  abandon(): WorkItem[] {
    this.#abandoned = true;
    this.outstanding = 0;
    return this.#sent.takeAll().filter((item) => item !== undefined);
  }

  /** The worker is dead: tells the calls that died with it from those that it never entered. */
  account(): Account {
    const { sequence, running } = readEntered(this.#slate);
    const lost: WorkItem[] = [];
    const notEntered: WorkItem[] = [];
    let lastMayHaveRun = running;
    let place = this.#answered;
    for (const item of this.#sent.takeAll()) {
      place++;
      if (item === undefined) continue;
      const isLost = place <= sequence || isGone(item);
      (isLost ? lost : notEntered).push(item);
      if (isLost && place > sequence) lastMayHaveRun = false;
    }
    this.outstanding = 0;
    return { enteredAny: sequence > 0, lost, lastMayHaveRun, notEntered };
  }
}

/**
 * Whether a call cannot be sent again, as its buffers have moved to a thread. Only one that was sent alone to an idle worker
 * can be that: it is entered at once, unless the thread dies in that very moment, or is not idle at all (a timer loops).
 */
function isGone(item: WorkItem | undefined): boolean {
  return item !== undefined && item.segments.some((segment) => !isShared(segment) && isDetached(segment));
}

function decodeAnswer(answer: Answer, { bytes, at }: FrameReader, start: number, segments: Segments): unknown {
  switch (answer) {
    case Answer.RESULT:
      return decodeValue(bytes, start, at, segments);
    case Answer.FAILURE:
    case Answer.NOT_FOUND:
      return decodeFailure(bytes, start, at, segments);
    case Answer.SKIPPED:
    case Answer.STALE:
      return undefined;
    default:
      throw new ProtocolError(`Cannot take an answer as its kind must be known: current kind is ${answer}`);
  }
}
