/**
 * Segments: large buffers that travel beside the bytes of a message and are never copied into them.
 *
 * ```text
 * encode  ─▶ bytes, with a tag for each      ─▶ decode: the tag becomes the buffer itself,
 *         └▶ [buffer, buffer]  as they are   ─▶         so that views of it still share it
 * ```
 *
 * How they travel is the channel's matter: by memory that both sides share, behind a note on the stream, or (to a thread)
 * as they are. Each arrives once: nothing is ever shared between the two sides.
 */
import { PicklingError } from "../errors.ts";

/**
 * Bytes from which on a buffer is a segment. To copy so much into the bytes, and out again, takes some 20 µs; a segment
 * costs as much in notes and calls of the system.
 */
export const SEGMENT_SIZE: number = 64 * 1024;

/** What came beside the bytes of a message. A buffer that a value has got is no longer in it. */
export type Segments = (ArrayBuffer | undefined)[];

/** Of a message that has none. */
export const NO_SEGMENTS: readonly ArrayBuffer[] = Object.freeze([]) as readonly ArrayBuffer[];

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

/** Bytes of a buffer. */
export function byteLengthOf(buffer: ArrayBuffer): number {
  return GETTERS.byteLength.call(buffer);
}

/** Bytes that a resizable buffer may come to have; `undefined`: it is not resizable. */
export function greatestLengthOf(buffer: ArrayBuffer): number | undefined {
  return GETTERS.resizable.call(buffer) ? GETTERS.maxByteLength.call(buffer) : undefined;
}

const GETTERS = {
  byteLength: getter<number>("byteLength"),
  resizable: getter<boolean>("resizable"),
  maxByteLength: getter<number>("maxByteLength"),
};

function getter<T>(name: keyof ArrayBuffer): { call(buffer: ArrayBuffer): T } {
  return Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, name)!.get as () => T;
}

/** Bytes of segments in all. */
export function sizeOfSegments(segments: readonly ArrayBuffer[]): number {
  let size = 0;
  for (const segment of segments) size += byteLengthOf(segment);
  return size;
}

/**
 * Makes segments the sender's own: copies, or, of what is to be transferred, the very memory, which is gone from the
 * buffer then.
 *
 * @param segments As the encoder gave them.
 * @param transfer What is to be transferred. What is no segment loses its memory all the same, as the platform has it.
 * @param metOnly Whether it keeps it: it may belong to another value.
 * @throws {PicklingError} If a buffer's memory is gone or cannot be taken.
 */
export function ownSegments(
  segments: readonly ArrayBuffer[],
  transfer: ReadonlySet<ArrayBuffer> = NOTHING,
  metOnly = false,
): ArrayBuffer[] {
  if (segments.length === 0 && transfer.size === 0) return segments as ArrayBuffer[];
  // Copies first: if one cannot be made, nothing is gone.
  const own = segments.map((segment) => transfer.has(segment) ? segment : copy(segment));
  for (const [i, segment] of segments.entries()) if (transfer.has(segment)) own[i] = take(segment);
  if (!metOnly) { for (const buffer of transfer) if (!segments.includes(buffer)) take(buffer); }
  return own;
}

function copy(buffer: ArrayBuffer): ArrayBuffer {
  try {
    return ArrayBuffer.prototype.slice.call(buffer, 0);
  } catch (cause) {
    throw gone(cause); // a getter of a value behind it has transferred it
  }
}

/** Takes a buffer's memory away from it. */
function take(buffer: ArrayBuffer): ArrayBuffer {
  try {
    // Not buffer.transfer(): hosts protect memory that is not this buffer's alone from this one only.
    const taken = structuredClone(buffer, { transfer: [buffer] });
    return greatestLengthOf(taken) === undefined ? taken : taken.transferToFixedLength(); // the decoder makes it resizable again
  } catch (cause) {
    throw gone(cause);
  }
}

function gone(cause: unknown): PicklingError {
  return new PicklingError(
    "Cannot send a buffer as its memory must be there to be taken: it was transferred, or is kept",
    {
      path: "buffer",
      direction: "argument",
      cause,
    },
  );
}

const NOTHING: ReadonlySet<ArrayBuffer> = new Set();
