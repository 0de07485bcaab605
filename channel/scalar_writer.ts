/**
 * Values without inner values, to bytes: what the encoder writes into a {@linkcode ByteWriter} without knowing where
 * in the walk it is.
 */
import type { ByteWriter } from "./byte_writer.ts";
import * as tag from "./codec_tags.ts";

/** Longer strings are written by TextEncoder: a call of it costs what a loop over 40 characters costs. */
const LOOP_LENGTH = 40;

const TEXT_ENCODER = new TextEncoder();

/** Appends a byte. */
export function writeByte(writer: ByteWriter, byte: number): void {
  writer.reserve(1);
  writer.bytes[writer.length++] = byte;
}

/** Appends a count or length, as a varint of up to 53 bits. */
export function writeSize(writer: ByteWriter, size: number): void {
  writer.reserve(8);
  while (size > 0x7f) {
    writer.bytes[writer.length++] = (size % 0x80) | 0x80;
    size = Math.floor(size / 0x80);
  }
  writer.bytes[writer.length++] = size;
}

/** Appends a tag and a count. */
export function writeHead(writer: ByteWriter, kind: number, size: number): void {
  if (size > 0x7f) {
    writeByte(writer, kind);
    return writeSize(writer, size);
  }
  writer.reserve(2);
  const at = writer.length;
  writer.bytes[at] = kind;
  writer.bytes[at + 1] = size;
  writer.length = at + 2;
}

/** Appends a number. */
export function writeNumber(writer: ByteWriter, value: number): void {
  writer.reserve(9);
  const bytes = writer.bytes;
  const int = value | 0;
  if (int === value && (int !== 0 || 1 / value > 0)) {
    if (int >= 0 && int < 0x80) {
      bytes[writer.length++] = tag.SMALL_INT | int;
    } else {
      const at = writer.length;
      bytes[at] = tag.INT32;
      bytes[at + 1] = int;
      bytes[at + 2] = int >> 8;
      bytes[at + 3] = int >> 16;
      bytes[at + 4] = int >> 24;
      writer.length = at + 5;
    }
  } else {
    const at = writer.length;
    bytes[at] = tag.DOUBLE;
    writer.view.setFloat64(at + 1, value, true);
    writer.length = at + 9;
  }
}

/** Appends the 8 bytes of a number. */
export function writeDouble(writer: ByteWriter, value: number): void {
  writer.reserve(8);
  writer.view.setFloat64(writer.length, value, true);
  writer.length += 8;
}

/** Appends a bigint. */
export function writeBigint(writer: ByteWriter, value: bigint): void {
  if (BigInt.asIntN(64, value) === value) {
    writer.reserve(9);
    writer.bytes[writer.length] = tag.BIGINT64;
    writer.view.setBigInt64(writer.length + 1, value, true);
    writer.length += 9;
  } else {
    writeByte(writer, tag.BIGINT);
    writeByte(writer, value < 0n ? 1 : 0);
    writeString(writer, (value < 0n ? -value : value).toString(16));
  }
}

/** Appends a string. */
export function writeString(writer: ByteWriter, value: string): void {
  const length = value.length;
  if (length > LOOP_LENGTH) return writeLongString(writer, value);
  writer.reserve(length + 1);
  const bytes = writer.bytes;
  let at = writer.length;
  bytes[at++] = tag.SHORT_STRING | length;
  for (let i = 0; i < length; i++) {
    const code = value.charCodeAt(i);
    if (code > 0x7f) return writeLongString(writer, value);
    bytes[at++] = code;
  }
  writer.length = at;
}

function writeLongString(writer: ByteWriter, value: string): void {
  if (!value.isWellFormed()) return writeBrokenString(writer, value);
  writer.reserve(5 + value.length);
  const head = writer.length - writer.start;
  writer.length += 5;
  let rest = value;
  let written = 0;
  // Room for the characters is enough for ASCII; for the rest of others there is room for the longest.
  for (;;) {
    const result = TEXT_ENCODER.encodeInto(rest, writer.bytes.subarray(writer.length));
    writer.length += result.written;
    written += result.written;
    if (result.read === rest.length) break;
    rest = rest.slice(result.read);
    writer.reserve(3 * rest.length);
  }
  const at = writer.start + head;
  writer.bytes[at] = written === value.length ? tag.ASCII : tag.UTF8;
  writer.view.setUint32(at + 1, written, true);
}

/** A string with lone surrogates, which UTF-8 cannot hold. */
function writeBrokenString(writer: ByteWriter, value: string): void {
  writer.reserve(5 + 2 * value.length);
  const { view } = writer;
  let at = writer.length;
  view.setUint8(at, tag.UTF16);
  view.setUint32(at + 1, 2 * value.length, true);
  at += 5;
  for (let i = 0; i < value.length; i++, at += 2) view.setUint16(at, value.charCodeAt(i), true);
  writer.length = at;
}

/** Appends bytes as they are. */
export function writeBytes(writer: ByteWriter, bytes: Uint8Array): void {
  writer.reserve(bytes.length);
  writer.bytes.set(bytes, writer.length);
  writer.length += bytes.length;
}
