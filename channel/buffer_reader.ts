/** Buffers and views of them from bytes. */
import * as tag from "./codec_tags.ts";
import { DecodeError } from "./decode_error.ts";
import type { Reading } from "./reading.ts";
import { isShared } from "./segments.ts";

/** Reads a buffer that lies among the bytes. */
export function readBuffer(reading: Reading, kind: number): ArrayBuffer {
  const size = reading.size();
  const most = kind === tag.RESIZABLE ? reading.size() : 0;
  const at = reading.take(size) + reading.bytes.byteOffset;
  if (kind === tag.BUFFER) return reading.register((reading.bytes.buffer as ArrayBuffer).slice(at, at + size));
  const value = new ArrayBuffer(size, { maxByteLength: most });
  new Uint8Array(value).set(new Uint8Array(reading.bytes.buffer, at, size));
  return reading.register(value);
}

/** A buffer beside the bytes, as it is: it is this value's own from now on. */
export function readSegment(reading: Reading, kind: number): ArrayBuffer {
  const place = reading.size();
  const size = reading.size();
  const most = kind === tag.RESIZABLE_SEGMENT ? reading.size() : 0;
  const segment = reading.segments[place];
  if (!(segment instanceof ArrayBuffer) || segment.byteLength !== size || reading.taken?.has(place)) {
    throw new DecodeError(`Cannot decode as there must be a segment ${place} of ${size} bytes: there is none`);
  }
  (reading.taken ??= new Set()).add(place);
  if (kind === tag.SEGMENT) return reading.register(segment);
  const value = new ArrayBuffer(size, { maxByteLength: most });
  new Uint8Array(value).set(new Uint8Array(segment));
  return reading.register(value);
}

/** Memory that the other side has, too: only threads are sent it. */
export function readShared(reading: Reading): SharedArrayBuffer {
  const place = reading.size();
  const segment = reading.segments[place];
  if (segment === undefined || !isShared(segment) || reading.taken?.has(place)) {
    throw new DecodeError(`Cannot decode as segment ${place} must be shared memory: it is not`);
  }
  (reading.taken ??= new Set()).add(place);
  return reading.register(segment);
}

/** Reads a typed array or a DataView. */
export function readView(reading: Reading, kind: number): object {
  const name = tag.VIEW_NAMES[reading.bytes[reading.take(1)]];
  const at = reading.reserve();
  const buffer = reading.value();
  const host = (globalThis as Record<string, unknown>)[name];
  const isBuffer = buffer instanceof ArrayBuffer || (typeof buffer === "object" && buffer !== null && isShared(buffer));
  if (!isBuffer || typeof host !== "function") {
    throw new DecodeError(`Cannot decode as a view must have a buffer and a class: class is ${name}`);
  }
  const begin = reading.size();
  const place = kind === tag.VIEW ? [buffer, begin, reading.size()] : [buffer, begin];
  return reading.seen[at] = Reflect.construct(host, place) as object;
}
