/**
 * Columns: arguments or results of one kind, one behind the other in a message. A number or a short string then costs a
 * fraction of what it takes by itself: no block, no tags, one decoding for all strings.
 *
 * ```text
 * kind u8 | data
 * INT32     4 bytes each
 * FLOAT64   8 bytes each
 * TEXT      UTF-16 units of each (u32) | bytes of all (u32) | all of them, one behind the other, as UTF-8
 * WIDE      UTF-16 units of each (u32) | all of them, one behind the other, in 2 bytes a unit
 * ```
 *
 * Only what nobody can change any more lies in one, so the values may wait as they are until they are written.
 */
import { type FrameReader, type FrameWriter, ProtocolError } from "./protocol.ts";

/** What values of a column have in common, as they wait. */
export const ColumnKind = {
  /** The value goes by itself. */
  NONE: 0,
  /** Numbers. */
  NUMBER: 1,
  /** Short strings. */
  TEXT: 2,
} as const;
/** One of {@linkcode ColumnKind}. */
export type ColumnKind = typeof ColumnKind[keyof typeof ColumnKind];

/** What may lie in a column. */
export type ColumnValue = number | string;

/** UTF-16 units of a string up to which it goes with others: of a longer one the share of the handling is small. */
const LONGEST_TEXT = 1024;

/** In which column a value may lie. */
export function columnKindOf(value: unknown): ColumnKind {
  if (typeof value === "number") return ColumnKind.NUMBER;
  return typeof value === "string" && value.length <= LONGEST_TEXT ? ColumnKind.TEXT : ColumnKind.NONE;
}

/** Values of one kind in a row from which on they make a column: where kinds take turns each would be a column of its own. */
const ENOUGH = 8;

/** Decides which of the values that follow each other lie in columns. */
export class InARow {
  /** Of the last value, and how many of it there were in a row. */
  #kind: ColumnKind = ColumnKind.NONE;
  #count = 0;
  /** Whether the last value went into a column. */
  #inColumn = false;

  /**
   * Whether the next value is to lie in a column.
   *
   * @param isFirst Whether there is nothing before it that it could go with.
   */
  isColumn(kind: ColumnKind, isFirst: boolean): boolean {
    this.#count = kind === this.#kind ? this.#count + 1 : 1;
    const goesOn = this.#inColumn && kind === this.#kind;
    this.#kind = kind;
    return this.#inColumn = kind !== ColumnKind.NONE && (isFirst || goesOn || this.#count > ENOUGH);
  }
}

/** Bytes that a number takes, at most. */
export const NUMBER_SIZE = 8;

/** About how many bytes a value takes. */
export function sizeInColumn(value: ColumnValue): number {
  return typeof value === "number" ? NUMBER_SIZE : 4 + value.length;
}

/** How the data of a column lie. */
const Layout = { INT32: 1, FLOAT64: 2, TEXT: 3, WIDE: 4 } as const;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/** Writes `count` values of one kind, from `from` on. */
export function writeColumn(frame: FrameWriter, values: readonly ColumnValue[], from: number, count: number): void {
  if (typeof values[from] === "number") writeNumbers(frame, values as readonly number[], from, from + count);
  else writeText(frame, values.slice(from, from + count) as string[]);
}

function writeNumbers(frame: FrameWriter, values: readonly number[], from: number, to: number): void {
  const isInt32 = areInt32(values, from, to);
  frame.u8(isInt32 ? Layout.INT32 : Layout.FLOAT64);
  frame.reserve((to - from) * (isInt32 ? 4 : 8));
  const { view } = frame;
  let at = frame.length;
  if (isInt32) {
    for (let i = from; i < to; i++, at += 4) view.setInt32(at, values[i], true);
  } else {
    for (let i = from; i < to; i++, at += 8) view.setFloat64(at, values[i], true);
  }
  frame.length = at;
}

function areInt32(values: readonly number[], from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const value = values[i];
    if ((value | 0) !== value || (value === 0 && 1 / value < 0)) return false; // -0 is none
  }
  return true;
}

function writeText(frame: FrameWriter, values: readonly string[]): void {
  const text = values.join("");
  const isWide = !text.isWellFormed(); // half of a surrogate pair has no UTF-8
  frame.u8(isWide ? Layout.WIDE : Layout.TEXT);
  for (const value of values) frame.u32(value.length);
  if (isWide) {
    frame.reserve(2 * text.length);
    for (let i = 0; i < text.length; i++, frame.length += 2) {
      frame.view.setUint16(frame.length, text.charCodeAt(i), true);
    }
    return;
  }
  const place = frame.beginBlock();
  frame.reserve(3 * text.length);
  frame.length += ENCODER.encodeInto(text, frame.bytes.subarray(frame.length)).written;
  frame.endBlock(place);
}

/**
 * Reads a column.
 *
 * @throws {ProtocolError} If it is none of so many values.
 */
export function readColumn(frame: FrameReader, count: number): ColumnValue[] {
  const layout = frame.u8();
  switch (layout) {
    case Layout.INT32:
    case Layout.FLOAT64:
      return readNumbers(frame, count, layout === Layout.INT32);
    case Layout.TEXT:
    case Layout.WIDE:
      return readText(frame, count, layout === Layout.WIDE);
    default:
      throw new ProtocolError(`Cannot read a column as its layout must be known: it is ${layout}`);
  }
}

function readNumbers(frame: FrameReader, count: number, isInt32: boolean): number[] {
  let at = frame.skip(count * (isInt32 ? 4 : 8)); // before memory is taken for them
  const { view } = frame;
  const values = new Array<number>(count); // one that grows is copied again and again: three times the time
  if (isInt32) {
    for (let i = 0; i < count; i++, at += 4) values[i] = view.getInt32(at, true);
  } else {
    for (let i = 0; i < count; i++, at += 8) values[i] = view.getFloat64(at, true);
  }
  return values;
}

function readText(frame: FrameReader, count: number, isWide: boolean): string[] {
  const { view } = frame;
  const lengths = frame.skip(count * 4);
  let units = 0;
  for (let i = 0; i < count; i++) units += view.getUint32(lengths + 4 * i, true);
  const size = isWide ? 2 * units : frame.u32();
  const start = frame.skip(size);
  const bytes = frame.bytes.subarray(start, start + size);
  const text = isWide ? wideText(bytes, units) : DECODER.decode(bytes);
  if (text.length !== units) {
    throw new ProtocolError(`Cannot read a column as its text must have ${units} units: it has ${text.length}`);
  }
  const values = new Array<string>(count);
  let at = 0;
  for (let i = 0; i < count; i++) {
    const end = at + view.getUint32(lengths + 4 * i, true);
    values[i] = text.substring(at, end);
    at = end;
  }
  return values;
}

function wideText(bytes: Uint8Array, units: number): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = "";
  for (let i = 0; i < units; i++) text += String.fromCharCode(view.getUint16(2 * i, true));
  return text;
}
