/** Buffers and views of them to bytes: small ones among the bytes, large ones beside them (`segments.ts`). */
import * as tag from "./codec_tags.ts";
import { NOT_SHARED, Refusal } from "./refusal.ts";
import { writeByte, writeBytes, writeSize } from "./scalar_writer.ts";
import {
  byteLengthOf,
  byteLengthOfShared,
  greatestLengthOf,
  greatestLengthOfShared,
  isBuffer,
  isDetached,
  isShared,
  type Segment,
} from "./segments.ts";
import { type Getter, getter } from "./slots.ts";
import type { Walk } from "./walk.ts";

interface Slots {
  readonly buffer: Getter;
  readonly byteOffset: Getter;
  readonly byteLength: Getter;
  /** In elements. */
  readonly length: Getter;
}

function slotsOf(prototype: object, length: string): Slots {
  return {
    buffer: getter(prototype, "buffer"),
    byteOffset: getter(prototype, "byteOffset"),
    byteLength: getter(prototype, "byteLength"),
    length: getter(prototype, length),
  };
}

const ARRAY_SLOTS = slotsOf(Object.getPrototypeOf(Uint8Array.prototype) as object, "length");
const DATA_VIEW_SLOTS = slotsOf(DataView.prototype, "byteLength");
/** Bytes of an element, by index in VIEW_NAMES. */
const ELEMENT_SIZES: readonly number[] = tag.VIEW_NAMES.map((name) => {
  return (globalThis as unknown as Record<string, { BYTES_PER_ELEMENT?: number } | undefined>)[name]
    ?.BYTES_PER_ELEMENT ?? 1;
});
const { resize } = ArrayBuffer.prototype;

/** Writes an ArrayBuffer that was not met before. */
export function writeBuffer(walk: Walk, value: ArrayBuffer): void {
  if (!isBuffer(value)) throw new Refusal("a Proxy cannot be copied: send what it stands for");
  if (isDetached(value)) throw new Refusal("an ArrayBuffer must still have its memory: it was transferred");
  const { segments, segmentSize, transfer } = walk.writer;
  const byteLength = byteLengthOf(value);
  if (segments !== undefined && (byteLength >= segmentSize || (byteLength > 0 && transfer?.has(value) === true))) {
    return writeSegment(walk, value, byteLength, segments);
  }
  const bytes = new Uint8Array(value);
  const most = greatestLengthOf(value);
  writeByte(walk.writer, most === undefined ? tag.BUFFER : tag.RESIZABLE);
  writeSize(walk.writer, bytes.length);
  if (most !== undefined) writeSize(walk.writer, most);
  writeBytes(walk.writer, bytes);
}

/** A large buffer: not a byte of it is touched here. */
function writeSegment(walk: Walk, value: ArrayBuffer, byteLength: number, segments: Segment[]): void {
  const most = greatestLengthOf(value);
  writeByte(walk.writer, most === undefined ? tag.SEGMENT : tag.RESIZABLE_SEGMENT);
  writeSize(walk.writer, segments.length);
  writeSize(walk.writer, byteLength);
  if (most !== undefined) writeSize(walk.writer, most);
  segments.push(value);
  walk.sizes.push({ buffer: value, size: byteLength, index: walk.index });
}

/** Writes shared memory that was not met before: a thread gets the very same. */
export function writeShared(walk: Walk, value: SharedArrayBuffer): void {
  const { segments } = walk.writer;
  if (!isShared(value)) throw new Refusal("a Proxy cannot be copied: send what it stands for");
  if (!walk.sending.shares || segments === undefined) throw new Refusal(NOT_SHARED);
  writeByte(walk.writer, tag.SHARED);
  writeSize(walk.writer, segments.length);
  segments.push(value);
}

/** At the end of the walk: segments are copied, or sent, only after it, and their sizes stand in the bytes already. */
export function checkSizes(walk: Walk): void {
  for (const { buffer, size, index } of walk.sizes) {
    if (byteLengthOf(buffer) === size) continue;
    walk.index = index;
    throw new Refusal("a large buffer must keep its size while it is copied: a getter, or toPickle(), has changed it");
  }
}

/** Writes a typed array or a DataView; `kind` is the index of its name in VIEW_NAMES. */
export function writeView(walk: Walk, kind: number, value: Uint8Array | DataView): void {
  const slots = kind === tag.DATA_VIEW ? DATA_VIEW_SLOTS : ARRAY_SLOTS;
  const buffer = slots.buffer.call(value) as ArrayBuffer;
  const most = isBuffer(buffer) ? greatestLengthOf(buffer) : undefined;
  const isTracking = isShared(buffer)
    ? mayTrackLength(kind, value, buffer)
    : most !== undefined && tracksLength(kind, value, most);
  writeByte(walk.writer, isTracking ? tag.TRACKING_VIEW : tag.VIEW);
  writeByte(walk.writer, kind);
  walk.value(buffer);
  writeSize(walk.writer, slots.byteOffset.call(value) as number);
  if (!isTracking) writeSize(walk.writer, slots.length.call(value) as number);
}

/** Node's Buffer: only its own bytes, for small ones lie in a block that they share with strangers. */
export function writeHostBuffer(walk: Walk, value: Uint8Array): void {
  const buffer = ARRAY_SLOTS.buffer.call(value) as ArrayBuffer;
  const byteLength = ARRAY_SLOTS.byteLength.call(value) as number;
  if (!isBuffer(buffer) || byteLengthOf(buffer) === byteLength) return writeView(walk, 0, value);
  writeByte(walk.writer, tag.VIEW);
  writeByte(walk.writer, 0);
  walk.seen.find({}); // The buffer that it gets on arrival.
  writeByte(walk.writer, tag.BUFFER);
  writeSize(walk.writer, byteLength);
  writeBytes(walk.writer, new Uint8Array(buffer, ARRAY_SLOTS.byteOffset.call(value) as number, byteLength));
  writeSize(walk.writer, 0);
  writeSize(walk.writer, byteLength);
}

/**
 * Whether a view of a resizable buffer follows its length. Nothing says so but the view itself, once the buffer has another
 * length: it gets one for the blink of an eye, which no other code can see.
 */
function tracksLength(kind: number, value: Uint8Array | DataView, most: number): boolean {
  if (isOutOfBounds(kind, value)) throw new Refusal("a view must lie inside of its buffer: that was made smaller");
  const slots = kind === tag.DATA_VIEW ? DATA_VIEW_SLOTS : ARRAY_SLOTS;
  const size = ELEMENT_SIZES[kind];
  const buffer = slots.buffer.call(value) as ArrayBuffer;
  const length = byteLengthOf(buffer);
  const before = slots.byteLength.call(value) as number;
  if ((slots.byteOffset.call(value) as number) + before + size <= length) return false; // it would reach further
  if (length + size <= most) return withLength(buffer, length + size, () => slots.byteLength.call(value) !== before);
  if (before < size) return false; // no room to tell by, and none to grow into
  const last = new Uint8Array(buffer, length - size).slice();
  try {
    return withLength(buffer, length - size, () => !isOutOfBounds(kind, value)); // one of fixed length no longer fits
  } finally {
    new Uint8Array(buffer, length - size).set(last);
  }
}

/**
 * Whether a view of shared memory that grows may follow its length: it reaches to the end. Which of those do nothing tells,
 * for the memory could not be made smaller again; most do.
 */
function mayTrackLength(kind: number, value: Uint8Array | DataView, memory: SharedArrayBuffer): boolean {
  const most = greatestLengthOfShared(memory);
  const length = byteLengthOfShared(memory); // first: another thread may make it grow, and then the view is longer
  if (most === undefined || length === most) return false;
  const slots = kind === tag.DATA_VIEW ? DATA_VIEW_SLOTS : ARRAY_SLOTS;
  const end = (slots.byteOffset.call(value) as number) + (slots.byteLength.call(value) as number);
  return end + ELEMENT_SIZES[kind] > length;
}

/** Asks while a buffer has another length. */
function withLength(buffer: ArrayBuffer, length: number, ask: () => boolean): boolean {
  const before = byteLengthOf(buffer);
  resize.call(buffer, length);
  try {
    return ask();
  } finally {
    resize.call(buffer, before);
  }
}

/** Whether a view's buffer was made too small for it. */
function isOutOfBounds(kind: number, value: Uint8Array | DataView): boolean {
  try {
    if (kind === tag.DATA_VIEW) DATA_VIEW_SLOTS.byteLength.call(value);
    else Uint8Array.prototype.at.call(value, 0);
    return false;
  } catch {
    return true;
  }
}
