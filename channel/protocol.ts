/**
 * The messages between a parent and its worker, and how they lie in a frame.
 *
 * ```text
 * frame   length u32 | length ^ FRAME_MARK u32 | kind u8 | body
 *
 * worker → parent                          parent → worker
 * HELLO    the child proves itself         START    its name, its initializer
 * READY    the initializer is done         TASK     a number for a task
 * RESULTS  answers, in the calls' order    CALLS    calls, in runs of one task
 * FAILED   the initializer failed          BYE      answer what you have, then exit
 * CRASH    uncaught error, about to die
 * DOWN     what the parent writes on
 * PROGRESS how far a call has come        ABORT    the call that is to end
 * GUARD    a connection to watch
 * ```
 *
 * Calls have no ids on the wire. A worker answers every call exactly once, in the order in which they were sent, so the
 * *sequence number* of a call is its place in that order, counted from 1; both sides count, and the numbers in `CALLS`
 * and `RESULTS` only let them check each other. All numbers are little-endian.
 */
import { ByteWriter } from "./byte_writer.ts";

/** Goes with the first message; the two sides must agree. */
export const PROTOCOL_VERSION = 4;

/** Bytes before the body of a frame: its length, and the same again under a mark. */
export const FRAME_HEAD_SIZE = 8;

/** The second word of a head is the first one under this mark, so that garbage is known at its first eight bytes. */
export const FRAME_MARK = 0x65726761;

/** The mark of a note of the channel itself (`segment_notes.ts`), which no handler sees. */
export const NOTE_MARK = 0x65726e6f;

/** What a frame is. */
export const MessageKind = {
  /** Child to parent, first: token, protocol version, process id. */
  HELLO: 1,
  /** Parent to child, first: worker's name, how it sends values, how deep it is, initializer or nothing, its arguments. */
  START: 2,
  /** Child to parent: the initializer has run. Only sent if there is one. */
  READY: 3,
  /** Child to parent: the initializer failed, with what it threw. */
  FAILED: 4,
  /** Parent to child: from now on `index` means this task. */
  TASK: 5,
  /** Parent to child: calls to run in order. */
  CALLS: 6,
  /** Child to parent: answers in order. */
  RESULTS: 7,
  /** Child to parent: an error that nobody caught; the worker is about to exit. */
  CRASH: 8,
  /** Parent to child: there will be no more calls; exit when all are answered. */
  BYE: 9,
  /** Child to parent, on a connection of its own, instead of a hello: whoever ends it ends the child. */
  GUARD: 10,
  /** Child to parent, first on the connection by which the parent writes: token, protocol version. */
  DOWN: 11,
  /** Parent to child: the call that the child is at is to end, and why. */
  ABORT: 12,
  /** Child to parent: what the call that it is at says of its progress. */
  PROGRESS: 13,
} as const;
/** One of {@linkcode MessageKind}. */
export type MessageKind = typeof MessageKind[keyof typeof MessageKind];

/** How a call was answered. */
export const Answer = {
  /** The task returned; a value follows. */
  RESULT: 0,
  /** The task threw; a failure follows. */
  FAILURE: 1,
  /** The task could not be found or imported; a failure follows. */
  NOT_FOUND: 2,
  /** The call was taken back before it was entered (the slate's `stop`); nothing follows. */
  SKIPPED: 3,
  /** This worker is too old to know the task; a newer one may. Nothing follows. */
  STALE: 4,
  /** The task returned, several times: how often, and a column of values, follow (`columns.ts`). */
  COLUMN: 5,
} as const;
/** One of {@linkcode Answer}. */
export type Answer = typeof Answer[keyof typeof Answer];

/** Flags of a `CALLS` message. */
export const CallsFlag = {
  /** The calls that were taken back are all answered: begin to enter calls again. */
  RESUME: 1,
} as const;

/** Flags of a run of calls. */
export const RunFlag = {
  /** Tiny calls of this run may share one entry in the slate. */
  SLICES: 1,
  /** Each call of this run has segments: behind its block stands how many of the message's next ones are its own. */
  SEGMENTS: 2,
  /** Its arguments, one a call, are a column (`columns.ts`) behind the number of the first; the others have the next ones. */
  COLUMN: 4,
  /** Each of its calls may be ended alone: it shares no entry, and the answers before it go out before it is entered. */
  ALONE: 8,
  /** It has one call, which ran before: which attempt this is stands before the number of calls. */
  AGAIN: 16,
  /** Somebody wants to hear how far its calls have come. */
  PROGRESS: 32,
} as const;

/** Flags of a `CRASH` message. */
export const CrashFlag = {
  /** Code outside a task used an executor. */
  MISUSE: 1,
  /** The task named is the one that the error comes from, not only the one that was entered last. */
  ORIGIN: 2,
} as const;

/** Bytes that are no message of this protocol. */
export class ProtocolError extends Error {}

/** Builds frames, one behind the other in shared blocks. */
export class FrameWriter extends ByteWriter {
  override readonly greatestSize: number = 2 ** 32 - 1;

  /** Begins a frame of a kind of message, or, under another mark, of note. */
  beginFrame(kind: number): void {
    this.begin();
    this.reserve(FRAME_HEAD_SIZE + 1);
    this.length += FRAME_HEAD_SIZE;
    this.u8(kind);
  }

  /** Ends the frame; what is returned is final. */
  endFrame(mark: number = FRAME_MARK): Uint8Array {
    const size = this.length - this.start - FRAME_HEAD_SIZE;
    this.view.setUint32(this.start, size, true);
    this.view.setUint32(this.start + 4, (size ^ mark) >>> 0, true);
    const frame = this.bytes.subarray(this.start, this.length);
    this.begin();
    this.end();
    return frame;
  }

  /** Bytes in the frame so far. */
  get frameSize(): number {
    return this.length - this.start;
  }

  /** Appends a byte. */
  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** Appends a 32-bit number. */
  u32(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.length, value, true);
    this.length += 4;
  }

  /** Appends a 32-bit float: enough for a duration. */
  f32(value: number): void {
    this.reserve(4);
    this.view.setFloat32(this.length, value, true);
    this.length += 4;
  }

  /** Appends a number of any size up to 2^53. */
  f64(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** Appends bytes after their length. */
  block(bytes: Uint8Array, start: number, end: number): void {
    const size = end - start;
    this.reserve(4 + size);
    this.view.setUint32(this.length, size, true);
    this.length += 4;
    if (size <= 48) { // a call's usual size: the loop is over before subarray() has made its object
      for (let i = start; i < end; i++) this.bytes[this.length++] = bytes[i];
    } else {
      this.bytes.set(bytes.subarray(start, end), this.length);
      this.length += size;
    }
  }

  /**
   * Begins a block whose size is not known yet.
   *
   * @returns What {@linkcode FrameWriter.endBlock} wants: the block's place in the frame.
   */
  beginBlock(): number {
    this.u32(0);
    return this.length - this.start;
  }

  /** Ends the block. */
  endBlock(place: number): void {
    const at = this.start + place;
    this.view.setUint32(at - 4, this.length - at, true);
  }
}

/** The first message of a connection: who comes. */
export function introduction(kind: MessageKind, token: string): Uint8Array {
  const frame = new FrameWriter();
  frame.beginFrame(kind);
  frame.u32(PROTOCOL_VERSION);
  for (const byte of new TextEncoder().encode(token)) frame.u8(byte);
  return frame.endFrame();
}

/** Reads a frame's body; every step is checked against its end. */
export class FrameReader {
  /** The frame, without its head. */
  readonly bytes: Uint8Array;
  /** Where the next read begins. */
  at = 0;
  /** The same bytes. */
  readonly view: DataView;

  /** Begins to read. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Whether the frame is read to its end. */
  get ended(): boolean {
    return this.at === this.bytes.length;
  }

  /** The size of the block that follows a number, both still to be read. */
  peekBlockSize(): number {
    return this.at + 12 <= this.bytes.length ? this.view.getUint32(this.at + 8, true) : 0;
  }

  /**
   * Passes over `size` bytes.
   *
   * @returns Where they begin.
   */
  skip(size: number): number {
    const at = this.at;
    if (at + size > this.bytes.length) {
      throw new ProtocolError("Cannot read a message as it ends in the middle of a field");
    }
    this.at = at + size;
    return at;
  }

  /** Reads a byte. */
  u8(): number {
    return this.bytes[this.skip(1)];
  }

  /** Reads a 32-bit number. */
  u32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  /** Reads a 32-bit float. */
  f32(): number {
    return this.view.getFloat32(this.skip(4), true);
  }

  /** Reads a number of any size up to 2^53. */
  f64(): number {
    return this.view.getFloat64(this.skip(8), true);
  }
}
