/** Buffers and views of them to bytes: small ones among the bytes, large ones beside them (`segments.ts`). */
import * as tag from "./codec_tags.ts";
import { Refusal } from "./refusal.ts";
import { writeByte, writeBytes, writeSize } from "./scalar_writer.ts";
import { byteLengthOf, greatestLengthOf, isBuffer, SEGMENT_SIZE } from "./segments.ts";
import { getter } from "./slots.ts";
import type { Walk } from "./walk.ts";

const TYPED_ARRAY = Object.getPrototypeOf(Uint8Array.prototype) as object;
const ARRAY_SLOTS = {
  buffer: getter(TYPED_ARRAY, "buffer"),
  byteOffset: getter(TYPED_ARRAY, "byteOffset"),
  length: getter(TYPED_ARRAY, "length"),
};
const DATA_VIEW_SLOTS = {
  buffer: getter(DataView.prototype, "buffer"),
  byteOffset: getter(DataView.prototype, "byteOffset"),
  length: getter(DataView.prototype, "byteLength"),
};

/** Writes an ArrayBuffer that was not met before. */
export function writeBuffer(walk: Walk, value: ArrayBuffer): void {
  if (!isBuffer(value)) throw new Refusal("a Proxy cannot be copied: send what it stands for");
  if (value.detached) throw new Refusal("an ArrayBuffer must still have its memory: it was transferred");
  const { segments, transfer } = walk.writer;
  const byteLength = byteLengthOf(value);
  if (segments !== undefined && (byteLength >= SEGMENT_SIZE || (byteLength > 0 && transfer?.has(value) === true))) {
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
function writeSegment(walk: Walk, value: ArrayBuffer, byteLength: number, segments: ArrayBuffer[]): void {
  const most = greatestLengthOf(value);
  writeByte(walk.writer, most === undefined ? tag.SEGMENT : tag.RESIZABLE_SEGMENT);
  writeSize(walk.writer, segments.length);
  writeSize(walk.writer, byteLength);
  if (most !== undefined) writeSize(walk.writer, most);
  segments.push(value);
  walk.sizes.push({ size: byteLength, index: walk.index });
}

/** At the end of the walk: segments are copied, or sent, only after it, and their sizes stand in the bytes already. */
export function checkSizes(walk: Walk): void {
  const segments = walk.writer.segments!;
  const first = segments.length - walk.sizes.length;
  for (const [i, { size, index }] of walk.sizes.entries()) {
    if (byteLengthOf(segments[first + i]) === size) continue;
    walk.index = index;
    throw new Refusal("a large buffer must keep its size while it is copied: a getter, or toPickle(), has changed it");
  }
}

/** Writes a typed array or a DataView; `kind` is the index of its name in VIEW_NAMES. */
export function writeView(walk: Walk, kind: number, value: Uint8Array | DataView): void {
  const slots = kind === tag.DATA_VIEW ? DATA_VIEW_SLOTS : ARRAY_SLOTS;
  const buffer = slots.buffer.call(value) as ArrayBuffer;
  const isTracking = buffer.resizable && tracksLength(kind, value, buffer);
  writeByte(walk.writer, isTracking ? tag.TRACKING_VIEW : tag.VIEW);
  writeByte(walk.writer, kind);
  walk.value(buffer);
  writeSize(walk.writer, slots.byteOffset.call(value) as number);
  if (!isTracking) writeSize(walk.writer, slots.length.call(value) as number);
}

/** Node's Buffer: only its own bytes, for small ones lie in a block that they share with strangers. */
export function writeHostBuffer(walk: Walk, value: Uint8Array): void {
  if (value.byteLength === value.buffer.byteLength) return writeView(walk, 0, value);
  writeByte(walk.writer, tag.VIEW);
  writeByte(walk.writer, 0);
  walk.seen.find({}); // The buffer that it gets on arrival.
  writeByte(walk.writer, tag.BUFFER);
  writeSize(walk.writer, value.byteLength);
  writeBytes(walk.writer, value);
  writeSize(walk.writer, 0);
  writeSize(walk.writer, value.byteLength);
}

/**
 * Whether a view of a resizable buffer follows its length. Nothing says so but the view itself, once the buffer has another
 * length: it gets one for the blink of an eye, which no other code can see.
 */
function tracksLength(kind: number, value: Uint8Array | DataView, buffer: ArrayBuffer): boolean {
  if (isOutOfBounds(kind, value)) throw new Refusal("a view must lie inside of its buffer: that was made smaller");
  const size = kind === tag.DATA_VIEW ? 1 : (value as Uint8Array).BYTES_PER_ELEMENT;
  const { byteLength: length, maxByteLength } = buffer;
  const before = value.byteLength;
  if (value.byteOffset + before + size <= length) return false; // it would reach further
  if (length + size <= maxByteLength) {
    buffer.resize(length + size);
    const isTracking = value.byteLength !== before;
    buffer.resize(length);
    return isTracking;
  }
  if (before < size) return false; // no room to tell by, and none to grow into
  const last = new Uint8Array(buffer, length - size).slice();
  buffer.resize(length - size);
  const isTracking = !isOutOfBounds(kind, value); // one of fixed length no longer fits
  buffer.resize(length);
  new Uint8Array(buffer, length - size).set(last);
  return isTracking;
}

/** Whether a view's buffer was made too small for it. */
function isOutOfBounds(kind: number, value: Uint8Array | DataView): boolean {
  try {
    return kind === tag.DATA_VIEW ? value.byteLength < 0 : Uint8Array.prototype.at.call(value, 0) === null;
  } catch {
    return true;
  }
}
