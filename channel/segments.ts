/**
 * Segments: large buffers that travel beside the bytes of a message and are never copied into them.
 *
 * ```text
 * encode  ─▶ bytes, with a tag for each      ─▶ decode: the tag becomes the buffer itself,
 *         └▶ [buffer, buffer]  as they are   ─▶         so that views of it still share it
 * ```
 *
 * How they travel is the channel's matter: by memory that both sides share, behind a note on the stream, or (to a thread)
 * as they are. Each arrives once: no buffer is ever shared between the two sides, but for SharedArrayBuffers, which only
 * threads are sent. Those are segments of any size, and nothing here copies, moves or counts them.
 */
import { type PicklingDirection, PicklingError } from "../errors.ts";
import { getter } from "./slots.ts";

/**
 * Bytes from which on a buffer is a segment. To copy so much into the bytes, and out again, takes some 20 µs; a segment
 * costs as much in notes and calls of the system.
 */
export const SEGMENT_SIZE: number = 64 * 1024;

/** What travels beside the bytes. */
export type Segment = ArrayBuffer | SharedArrayBuffer;

/** What came beside the bytes of a message. A buffer that a value has got is no longer in it. */
export type Segments = (Segment | undefined)[];

/** Of a message that has none. */
export const NO_SEGMENTS: readonly Segment[] = Object.freeze([]) as readonly Segment[];

// What a buffer is, not what it says: an own property, or a proxy, may say anything.

/** Whether it is a buffer itself, not a proxy of one. */
export function isBuffer(value: object): value is ArrayBuffer {
  try {
    byteLengthOf(value as ArrayBuffer);
    return true;
  } catch {
    return false;
  }
}

/** Whether it is shared memory itself, of any realm, not a proxy of one. */
export function isShared(value: object): value is SharedArrayBuffer {
  if (SHARED === undefined || (value instanceof ArrayBuffer && isBuffer(value))) return false; // a throw costs microseconds
  try {
    SHARED.byteLength.call(value);
    return true;
  } catch {
    return false;
  }
}

/** Bytes of shared memory. */
export function byteLengthOfShared(memory: SharedArrayBuffer): number {
  return SHARED!.byteLength.call(memory) as number;
}

/** Bytes that shared memory may come to have; `undefined`: it cannot grow. */
export function greatestLengthOfShared(memory: SharedArrayBuffer): number | undefined {
  return SHARED!.growable.call(memory) ? SHARED!.maxByteLength.call(memory) as number : undefined;
}

/** Bytes of a buffer. */
export function byteLengthOf(buffer: ArrayBuffer): number {
  return GETTERS.byteLength.call(buffer);
}

/** Whether its memory is gone. */
export function isDetached(buffer: ArrayBuffer): boolean {
  return GETTERS.detached.call(buffer);
}

/** Bytes that a resizable buffer may come to have; `undefined`: it is not resizable. */
export function greatestLengthOf(buffer: ArrayBuffer): number | undefined {
  return GETTERS.resizable.call(buffer) ? GETTERS.maxByteLength.call(buffer) : undefined;
}

const GETTERS = {
  byteLength: getterOf<number>("byteLength"),
  detached: getterOf<boolean>("detached"),
  resizable: getterOf<boolean>("resizable"),
  maxByteLength: getterOf<number>("maxByteLength"),
};

function getterOf<T>(name: string): { call(buffer: ArrayBuffer): T } {
  return getter(ArrayBuffer.prototype, name) as () => T;
}

/** Of shared memory; a page in a browser that is not isolated has no such class. */
const SHARED = typeof SharedArrayBuffer === "function"
  ? {
    byteLength: getter(SharedArrayBuffer.prototype, "byteLength"),
    growable: getter(SharedArrayBuffer.prototype, "growable"),
    maxByteLength: getter(SharedArrayBuffer.prototype, "maxByteLength"),
  }
  : undefined;

/** Bytes of segments in all; shared memory takes none. */
export function sizeOfSegments(segments: readonly Segment[]): number {
  let size = 0;
  for (const segment of segments) if (!isShared(segment)) size += byteLengthOf(segment);
  return size;
}

/** How segments become the sender's own. */
export interface OwnOptions {
  /** Buffers that move instead of being copied. What is no segment loses its memory all the same, as the platform has it. */
  readonly transfer?: ReadonlySet<ArrayBuffer>;
  /** Whether buffers of `transfer` that were not met keep their memory: another item of the map may have them. */
  readonly metOnly?: boolean;
  /** Which way they go. */
  readonly direction?: PicklingDirection;
}

/**
 * Makes segments the sender's own: copies, or, of what is to be transferred, the very memory, which is gone from the
 * buffer then.
 *
 * @param segments As the encoder gave them.
 * @param options What is to be transferred.
 * @throws {PicklingError} If the memory of a buffer is gone or cannot be taken; then, of up to a thousand, all keep it.
 */
export function ownSegments(segments: readonly Segment[], options: OwnOptions = {}): readonly Segment[] {
  const { transfer = NOTHING, metOnly = false, direction = "argument" } = options;
  if (transfer.size === 0 || (metOnly && segments.length === 0)) {
    return segments.length === 0 ? NO_SEGMENTS : segments.map(copy);
  }
  // Copies first: if one cannot be made, nothing is gone.
  const moves = (segment: Segment): segment is ArrayBuffer => transfer.has(segment as ArrayBuffer);
  const own = segments.map((segment) => moves(segment) ? segment : copy(segment));
  const moving = metOnly ? segments.filter(moves) : Array.from(transfer);
  const taken = take(moving, (buffer, cause) =>
    new PicklingError(
      "Cannot send a buffer as its memory must be there to be taken: it was transferred, or is kept",
      {
        path: buffer === undefined ? "transfer" : `transfer[${Array.from(transfer).indexOf(buffer)}]`,
        direction,
        cause,
      },
    ));
  return own.length === 0 ? NO_SEGMENTS : own.map((segment) => taken.get(segment as ArrayBuffer) ?? segment);
}

function copy(segment: Segment): Segment {
  return isShared(segment) ? segment : ArrayBuffer.prototype.slice.call(segment, 0);
}

/**
 * Buffers that are taken at once: all or none. Node's time grows with the square of their number: a minute for
 * 200,000 in one.
 */
const TAKEN_AT_ONCE = 1_000;

/** Takes the memory of buffers away from them. `refuse` makes the error, of a buffer if it is known. */
function take(
  buffers: readonly ArrayBuffer[],
  refuse: (buffer: ArrayBuffer | undefined, cause?: unknown) => Error,
): Map<ArrayBuffer, ArrayBuffer> {
  const gone = buffers.find((buffer) => !isBuffer(buffer) || isDetached(buffer));
  if (gone !== undefined) throw refuse(gone);
  const taken = new Map<ArrayBuffer, ArrayBuffer>();
  for (let at = 0; at < buffers.length; at += TAKEN_AT_ONCE) {
    const some = buffers.slice(at, at + TAKEN_AT_ONCE);
    try {
      // Not buffer.transfer(): hosts protect memory that is not this buffer's alone from this one only.
      const moved = structuredClone(some, { transfer: some });
      for (const [i, buffer] of some.entries()) taken.set(buffer, fixed(moved[i]));
    } catch (cause) {
      throw refuse(some.length === 1 ? some[0] : undefined, cause); // no host says which it was
    }
  }
  return taken;
}

/** The same memory; the decoder makes it resizable again. */
function fixed(buffer: ArrayBuffer): ArrayBuffer {
  return greatestLengthOf(buffer) === undefined ? buffer : buffer.transferToFixedLength();
}

const NOTHING: ReadonlySet<ArrayBuffer> = new Set();
