/**
 * The ledger: the calls that a worker has, in the order in which they were sent.
 *
 * A call's *sequence number* is its place among all that the worker was ever sent, from 1. `#sent` holds those that are not
 * answered, an item having one or several: the first call has number `#answered + 1`. Where calls were taken back a gap stays,
 * until the worker has answered that it skipped them; only then do both sides count alike again.
 */
import type { Channel } from "../channel/channel.ts";
import { decodeValue, UnpicklingError } from "../channel/codec.ts";
import { readColumn } from "../channel/columns.ts";
import { decodeFailure } from "../channel/failure.ts";
import { Answer, type FrameReader, type FrameWriter, ProtocolError } from "../channel/protocol.ts";
import { isDetached, isShared, NO_SEGMENTS, type Segments, sizeOfSegments } from "../channel/segments.ts";
import { Phase, readEntered, type SlateMemory, writeStop } from "../channel/slate.ts";
import { CallsWriter } from "./calls_writer.ts";
import { CurrentCall, type Ending } from "./current_call.ts";
import { Deque } from "./deque.ts";
import { WorkItem } from "./work_item.ts";

/** What a worker's death means for its calls. */
export interface Account {
  /** Whether it ever came so far as to enter a call. */
  readonly enteredAny: boolean;
  /** The calls that died with it, in order. */
  readonly lost: readonly WorkItem[];
  /** Whether the last of them may have begun to run; those before it may in any case. */
  readonly lastMayHaveRun: boolean;
  /** Why the worker was killed for the last of them, if it was. */
  readonly ending: Ending | undefined;
  /** The calls that it never entered, in order. */
  readonly notEntered: readonly WorkItem[];
}

/** Hears of answers: settles the work item, or queues it again. */
export interface AnswerListener {
  /** A single call has its answer. */
  answered(item: WorkItem, answer: Answer, value: unknown): void;
  /** All calls of an item have returned what stands in `values` from `from` on. */
  answeredColumn(item: WorkItem, values: readonly unknown[], from: number): void;
}

/** Calls that were taken back; the worker has not answered that it skipped them. */
class Gap {
  /** How many. */
  count: number;

  /** Of so many. */
  constructor(count: number) {
    this.count = count;
  }
}

/** The calls of one worker. */
export class Ledger {
  /** The call that the worker is at. */
  readonly current: CurrentCall;
  readonly #callsWriter = new CallsWriter();
  /** Milliseconds that the calls are thought to take. */
  load = 0;
  /** Bytes of their arguments, with the buffers beside them. */
  bytes = 0;
  /** Calls that were sent and not taken back, the answered ones too: what `maxTasksPerChild` counts. */
  charged = 0;
  /** Calls that are neither answered nor taken back. */
  outstanding = 0;
  readonly #slate: SlateMemory;
  readonly #sent = new Deque<WorkItem | Gap>();
  /** Calls in it, those in gaps too. */
  #calls = 0;
  /** Sequence number of the last call answered. */
  #answered = 0;
  /** Assigned and not written: the last so many of `#sent`, and their calls. */
  #unwritten = 0;
  #unwrittenCalls = 0;
  /** The slate's `stop` is written: no call goes out until all are answered. */
  #stopped = false;
  #closed = false;
  /** The next `CALLS` must say that calls may be entered again. */
  #resume = false;
  #abandoned = false;

  /** Of a worker with that slate. */
  constructor(slate: SlateMemory) {
    this.#slate = slate;
    this.current = new CurrentCall(slate, (sequence) => this.itemOf(sequence));
  }

  /** Whether calls may be assigned. */
  get isOpen(): boolean {
    return !this.#stopped && !this.#closed;
  }

  /** The worker is being killed: nothing more is sent to it, and its slate is no longer this side's to write. */
  close(): void {
    this.#closed = true;
  }

  /** Registrations of tasks when the worker was started: what was registered later it may not know. */
  get registrations(): number {
    return this.#callsWriter.registrations;
  }

  /** Gives the worker calls; they go out with the next {@linkcode Ledger.write}. */
  assign(item: WorkItem): void {
    item.send();
    if (this.outstanding === 0) this.current.begin(); // its time at that call begins now, not when it became idle
    this.#sent.push(item);
    this.#calls += item.count;
    this.outstanding += item.count;
    this.#unwritten++;
    this.#unwrittenCalls += item.count;
    this.charged += item.count;
    this.load += item.count * item.estimate;
    this.bytes += item.byteSize;
  }

  /** Writes what was assigned, in one message, after messages of the tasks that the worker does not know. */
  write(frame: FrameWriter, send: Channel["send"]): void {
    const count = this.#unwritten;
    if (count === 0) return;
    const from = this.#sent.size - count;
    const items = Array.from({ length: count }, (_, i) => this.#sent.at(from + i) as WorkItem);
    const sequence = this.#answered + 1 + this.#calls - this.#unwrittenCalls;
    const moved = this.#callsWriter.write(
      frame,
      items,
      { sequence, resume: this.#resume, alone: this.#calls === 1 },
      send,
    );
    this.bytes -= moved;
    this.#resume = false;
    this.#unwritten = this.#unwrittenCalls = 0;
  }

  /**
   * Takes a message of answers.
   *
   * @throws {ProtocolError} If they are not the next ones.
   */
  takeAnswers(frame: FrameReader, segments: Segments, listener: AnswerListener): void {
    if (frame.f64() !== this.#answered + 1) {
      throw new ProtocolError(`Cannot take answers as they must begin at call ${this.#answered + 1}: they do not`);
    }
    while (!frame.ended && !this.#abandoned) {
      const answer = frame.u8() as Answer;
      const milliseconds = frame.f32();
      if (answer === Answer.COLUMN) this.#takeColumn(frame, milliseconds, listener);
      else this.#takeAnswer(frame, answer, milliseconds, segments, listener);
    }
    if (this.#stopped && this.#sent.size === 0 && !this.#closed) {
      writeStop(this.#slate, 0);
      this.#stopped = false;
      this.#resume = true;
      this.current.resume();
    }
  }

  #takeColumn(frame: FrameReader, milliseconds: number, listener: AnswerListener): void {
    const count = frame.u32();
    const values = readColumn(frame, count);
    for (let from = 0; from < count && !this.#abandoned;) {
      const item = this.#takeFirst(this.#nextToAnswer(), count - from);
      item.profile.record(milliseconds);
      listener.answeredColumn(item, values, from);
      from += item.count;
    }
  }

  #takeAnswer(
    frame: FrameReader,
    answer: Answer,
    milliseconds: number,
    segments: Segments,
    listener: AnswerListener,
  ): void {
    const size = frame.u32();
    const start = frame.skip(size);
    const entry = this.#sent.peek();
    if (entry instanceof Gap && answer === Answer.SKIPPED) return this.#leaveOut(entry);
    const waiting = this.#nextToAnswer();
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
    const item = this.#takeFirst(waiting, 1);
    if (answer === Answer.FAILURE) value = this.current.endingOf(this.#answered)?.error(value) ?? value;
    if (answer === Answer.RESULT || answer === Answer.FAILURE) item.profile.record(milliseconds);
    else if (answer !== Answer.NOT_FOUND) this.charged--;
    listener.answered(item, answer, value);
  }

  #nextToAnswer(): WorkItem {
    const entry = this.#sent.peek();
    if (entry === undefined) throw new ProtocolError("Cannot take an answer as no call waits for one");
    if (entry instanceof WorkItem) return entry;
    throw new ProtocolError("Cannot take an answer as its call was taken back");
  }

  /** Takes the first item out, or its first calls. */
  #takeFirst(first: WorkItem, most: number): WorkItem {
    const item = first.count > most ? first.take(most) : this.#sent.shift() as WorkItem;
    this.#answered += item.count;
    this.#calls -= item.count;
    this.#takeOff(item);
    return item;
  }

  /** The worker has skipped a call of a gap. */
  #leaveOut(gap: Gap): void {
    this.#answered++;
    this.#calls--;
    if (--gap.count === 0) this.#sent.shift();
  }

  /**
   * Gives back the memory of what the worker has got: the segments of the call that it runs, which never goes back to the
   * queue. A large result is on the way, and both at once would be more than need be. (What may run again must keep
   * them.)
   */
  freeEntered(): void {
    if (this.#stopped) return; // the worker may have entered it and still find `stop`, and skip it
    const { sequence, phase } = readEntered(this.#slate);
    const item = phase === Phase.PREPARING ? undefined : this.itemOf(sequence);
    if (item === undefined || item.segments === NO_SEGMENTS || item.mayRunAgain(true) || item.mayRunAgain(false)) {
      return;
    }
    this.bytes -= sizeOfSegments(item.segments);
    for (const segment of item.segments) {
      if (!isShared(segment) && !isDetached(segment)) segment.transfer(0); // now, not when garbage is collected
    }
    item.segments = NO_SEGMENTS;
  }

  /** What the call of that number is in; `undefined`: it was answered, or taken back. */
  itemOf(sequence: number): WorkItem | undefined {
    let last = this.#answered;
    for (let i = 0; i < this.#sent.size && sequence > this.#answered; i++) {
      const entry = this.#sent.at(i)!;
      last += entry.count;
      if (last >= sequence) return entry instanceof Gap ? undefined : entry;
    }
    return undefined;
  }

  #takeOff(item: WorkItem): void {
    this.outstanding -= item.count;
    this.load = this.outstanding === 0 ? 0 : this.load - item.count * item.estimate;
    this.bytes = this.outstanding === 0 ? 0 : this.bytes - item.byteSize;
  }

  /** What the worker has, in order. */
  items(): WorkItem[] {
    const items: WorkItem[] = [];
    for (let i = 0; i < this.#sent.size; i++) {
      const entry = this.#sent.at(i)!;
      if (entry instanceof WorkItem) items.push(entry);
    }
    return items;
  }

  /**
   * Whether the worker can enter no other call than the one at which it was seen for 2 ms, and surely is at that, or has
   * just ended it: so it may be killed for it.
   */
  get isHeld(): boolean {
    return this.#stopped && this.current.entered === this.current.seen;
  }

  /**
   * Takes back the calls behind the one that the worker is at. Only to be asked when that has been seen for 2 ms: then the
   * worker is bound to look at `stop` before it enters another (ARCHITECTURE.md, "Who is lost?"). May be asked again, as the
   * worker may have moved on the last time.
   *
   * @returns What surely was not entered, in order. If the worker has moved on meanwhile it is empty, and the worker
   *   answers each call that it skips.
   */
  takeBack(): WorkItem[] {
    const entered = this.current.seen;
    if (this.#closed || (entered === this.#answered && isGone(this.#sent.peek()))) return []; // it must run here
    writeStop(this.#slate, entered + 1);
    this.#stopped = true;
    if (this.current.entered !== entered) return [];
    const taken: WorkItem[] = [];
    let left = Math.max(0, entered - this.#answered);
    for (const entry of this.#sent.takeAll()) {
      const kept = Math.min(left, entry.count);
      left -= kept;
      if (entry instanceof Gap || kept === entry.count) {
        this.#sent.push(entry);
        continue;
      }
      if (kept > 0) this.#sent.push(entry.take(kept));
      this.#sent.push(new Gap(entry.count));
      this.#takeOff(entry);
      this.charged -= entry.count;
      taken.push(entry);
    }
    return taken;
  }

  /** Gives up the calls, whatever has become of them. */
  abandon(): WorkItem[] {
    this.#abandoned = true;
    this.outstanding = 0;
    return this.#sent.takeAll().flatMap((entry) => entry instanceof Gap ? [] : single(entry));
  }

  /** The worker is dead: tells the calls that died with it from those that it never entered. */
  account(): Account {
    const { sequence, phase } = readEntered(this.#slate);
    const lost: WorkItem[] = [];
    const notEntered: WorkItem[] = [];
    let lastMayHaveRun = phase !== Phase.PREPARING;
    let left = Math.max(0, sequence - this.#answered);
    for (const entry of this.#sent.takeAll()) {
      const entered = Math.min(left, entry.count);
      left -= entered;
      if (entry instanceof Gap) continue;
      if (entered === entry.count) lost.push(...single(entry));
      else if (isGone(entry)) {
        lost.push(entry);
        lastMayHaveRun = false;
      } else {
        if (entered > 0) lost.push(...single(entry.take(entered)));
        notEntered.push(entry);
      }
    }
    this.outstanding = 0;
    return { enteredAny: sequence > 0, lost, lastMayHaveRun, ending: this.current.endingOf(sequence), notEntered };
  }
}

/** The calls of an item, each by itself. */
function single(item: WorkItem): WorkItem[] {
  const calls: WorkItem[] = [];
  while (item.count > 1) calls.push(item.take(1));
  calls.push(item);
  return calls;
}

/**
 * Whether a call cannot be sent again, as its buffers have moved to a thread. Only one that was sent alone to an idle worker
 * can be that: it is entered at once, unless the thread dies in that very moment, or is not idle at all (a timer loops).
 */
function isGone(entry: WorkItem | Gap | undefined): boolean {
  return entry instanceof WorkItem && entry.segments.some((segment) => !isShared(segment) && isDetached(segment));
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
