/**
 * The answers of a worker that wait to go out: one message, which is being built.
 *
 * Answers travel together, for a message of its own costs more than a tiny call. But they go out before a millisecond has
 * passed, and before a call that may be long: so a long call holds no finished one back, and a death loses no more than the
 * last millisecond of tiny ones.
 */
import { now, setTimeout } from "../runtime/host_functions.ts";
import type { Channel, Ownership } from "../channel/channel.ts";
import { ColumnKind, columnKindOf, type ColumnValue, InARow, sizeInColumn, writeColumn } from "../channel/columns.ts";
import { encodeValue, type Sending } from "../channel/codec.ts";
import { encodeFailure } from "../channel/failure.ts";
import { ownSegments } from "../channel/segments.ts";
import { marksOf } from "../tasks/transfer.ts";
import { Answer, FrameWriter, MessageKind } from "../channel/protocol.ts";

/** Milliseconds after which answers go out, whatever comes next. */
const GREATEST_AGE = 1;

/** Bytes at which answers go out, whatever their age. */
const GREATEST_SIZE = 64 * 1024;

/** Collects answers. */
export class Answers {
  readonly #channel: Channel;
  readonly #frame = new FrameWriter(true);
  /** Answers in the message. */
  #waiting = 0;
  /** Bytes of the message up to the end of the last whole answer; 0: there is none. */
  #size = 0;
  /** Segments of the message up to there. */
  #segments = 0;
  /** When the first of them was made. */
  #since = 0;
  /** How they are sent. */
  sending: Sending | undefined;
  /** Results that are to be written as a column, all of one kind and of calls of one task; what they took together. */
  #column: ColumnValue[] = [];
  #columnKind: ColumnKind = ColumnKind.NONE;
  #columnTask: unknown;
  #columnTime = 0;
  readonly #inARow = new InARow();
  /** Bytes that they will take, about. */
  #columnSize = 0;
  /** They go out by a timer, if not before. */
  #timed = false;

  /** For a channel. */
  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Whether they must go out now, if they would else wait until `time`. */
  areDue(time: number): boolean {
    return this.#waiting > 0 &&
      (time - this.#since >= GREATEST_AGE || this.#frame.frameSize + this.#columnSize >= GREATEST_SIZE);
  }

  /**
   * The call has returned.
   *
   * @param task Its task.
   * @param where What a failure to send the value says of its place.
   */
  returned(sequence: number, task: unknown, milliseconds: number, value: unknown, where: () => string): void {
    const columnKind = columnKindOf(value);
    if (this.#inARow.isColumn(columnKind, this.#waiting === 0)) {
      return this.#addToColumn(sequence, task, milliseconds, columnKind, value as ColumnValue);
    }
    const frame = this.#frame;
    const kind = this.#begin(sequence, Answer.RESULT, milliseconds);
    const place = frame.beginBlock();
    let ownership: Ownership = "lent";
    try {
      ownership = this.#writeResult(value);
    } catch (error) {
      frame.bytes[frame.start + kind] = Answer.FAILURE;
      frame.length = frame.start + place;
      frame.segments = [];
      encodeFailure(frame, error, where(), this.sending);
    }
    this.#end(place, ownership);
  }

  #addToColumn(sequence: number, task: unknown, milliseconds: number, kind: ColumnKind, value: ColumnValue): void {
    if (kind !== this.#columnKind || task !== this.#columnTask) {
      this.#endColumn();
      this.#columnKind = kind;
      this.#columnTask = task;
    }
    if (this.#waiting++ === 0) this.#beginMessage(sequence);
    this.#column.push(value);
    this.#columnTime += milliseconds;
    this.#columnSize += sizeInColumn(value);
  }

  /** Writes the column. */
  #endColumn(): void {
    const count = this.#column.length;
    if (count === 0) return;
    const frame = this.#frame;
    frame.u8(Answer.COLUMN);
    frame.f32(this.#columnTime / count);
    frame.u32(count);
    writeColumn(frame, this.#column, 0, count);
    this.#size = frame.frameSize;
    this.#column = [];
    this.#columnKind = ColumnKind.NONE;
    this.#columnTime = this.#columnSize = 0;
  }

  #beginMessage(sequence: number): void {
    this.#frame.beginFrame(MessageKind.RESULTS);
    this.#frame.f64(sequence);
    this.#since = now();
    this.#size = 0;
  }

  /** Writes a result; says whose the buffers in it are. */
  #writeResult(value: unknown): Ownership {
    const frame = this.#frame;
    const transfer = frame.transfer = marksOf(value);
    try {
      encodeValue(frame, value, "result", "result", this.sending);
    } finally {
      frame.transfer = undefined;
    }
    if (transfer === undefined) return "lent";
    frame.segments = [...ownSegments(frame.segments!, { transfer, direction: "result" })];
    return "given";
  }

  /** The call has thrown, or its task was not found. */
  failed(
    sequence: number,
    answer: typeof Answer.FAILURE | typeof Answer.NOT_FOUND,
    milliseconds: number,
    error: unknown,
    where: string,
  ): void {
    this.#begin(sequence, answer, milliseconds);
    const place = this.#frame.beginBlock();
    encodeFailure(this.#frame, error, where, this.sending);
    this.#end(place);
  }

  /** The call was taken back. */
  skipped(sequence: number): void {
    this.#begin(sequence, Answer.SKIPPED, 0);
    this.#end(this.#frame.beginBlock());
  }

  /** A newer worker may know the call's task. */
  stale(sequence: number): void {
    this.#begin(sequence, Answer.STALE, 0);
    this.#end(this.#frame.beginBlock());
  }

  /** Begins an answer; gives the place of its kind. */
  #begin(sequence: number, answer: Answer, milliseconds: number): number {
    const frame = this.#frame;
    this.#endColumn();
    if (this.#waiting++ === 0) this.#beginMessage(sequence);
    const place = frame.frameSize;
    frame.u8(answer);
    frame.f32(milliseconds);
    return place;
  }

  /**
   * Ends an answer.
   *
   * @param ownership Whose its buffers are: the task may still have them.
   */
  #end(place: number, ownership: Ownership = "lent"): void {
    this.#frame.endBlock(place);
    this.#size = this.#frame.frameSize;
    // At once, while the buffers are as the task returned them.
    this.#segments = this.#frame.segments!.length;
    if (this.#segments > 0) this.send(ownership);
  }

  /** Sends them within a millisecond: a call waits, nobody knows for how long. */
  sendSoon(): void {
    if (this.#waiting === 0 || this.#timed) return;
    this.#timed = true;
    setTimeout(() => {
      this.#timed = false;
      this.send();
    }, GREATEST_AGE);
  }

  /** Sends them. */
  send(ownership: Ownership = "lent"): void {
    if (this.#waiting === 0) return;
    this.#waiting = 0;
    this.#endColumn();
    const segments = this.#frame.takeSegments().slice(0, this.#segments);
    this.#segments = 0;
    // Cut at the last whole answer: a getter of a result may have crashed this worker in the middle of one.
    if (this.#size === 0) return this.#frame.rollback();
    this.#frame.length = this.#frame.start + this.#size;
    this.#channel.send(this.#frame.endFrame(), segments, ownership);
  }
}
