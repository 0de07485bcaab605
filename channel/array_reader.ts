/** Arrays from bytes, packed ones and others. A claimed length allocates nothing: an array grows by its items. */
import * as tag from "./codec_tags.ts";
import { DecodeError } from "./decode_error.ts";
import type { Reading } from "./reading.ts";

/** Arrays up to this length are made at once: one that grows by its items has room for sixteen, on Node and Deno. */
export const PRESET_LENGTH = 4;
/** More holes than this, and than so many for each item before them, make an array a dictionary, in which they cost nothing. */
const DENSE_HOLES = 1024;
const HOLES_PER_ITEM = 8;

/** An array of a length from 1 to {@linkcode PRESET_LENGTH}, with no hole. */
export function preset(length: number): unknown[] {
  if (length === 1) return [undefined];
  if (length === 2) return [undefined, undefined];
  return length === 3 ? [undefined, undefined, undefined] : [undefined, undefined, undefined, undefined];
}

/** Reads the items of an array that was made by {@linkcode preset}. */
export function readPreset(reading: Reading, value: unknown[]): void {
  const { length } = value;
  let i = 0;
  for (; i < length && reading.bytes[reading.at] !== tag.HOLES; i++) value[i] = reading.value();
  if (i === length) return;
  value.length = i;
  readItems(reading, value, length);
}

/** Reads the items that an array of that length lacks. */
export function readItems(reading: Reading, value: unknown[], length: number): void {
  const bytes = reading.bytes;
  let holes = 0;
  while (value.length < length) {
    if (bytes[reading.at] === tag.HOLES) holes = readHoles(reading, value, length, holes);
    else value.push(reading.value());
  }
}

/** A run of holes. `holes` are those before it, Infinity if they have made the array a dictionary; gives them with these. */
function readHoles(reading: Reading, value: unknown[], length: number, holes: number): number {
  reading.take(1);
  const run = reading.size();
  if (run === 0 || run > length - value.length || length > 0xffff_ffff) {
    throw new DecodeError(`Cannot decode as ${run} holes do not fit into an array of ${length}`);
  }
  const next = value.length + run;
  const all = holes + run;
  const isDense = all <= DENSE_HOLES + HOLES_PER_ITEM * (next - all);
  if (isDense || all === Infinity) {
    value.length = next;
    return all;
  }
  // An item far away turns the array into a dictionary; only setting its length would allocate for every hole.
  value[0xffff_fffe] = undefined;
  value.length = next;
  if (next === 0xffff_ffff) delete value[0xffff_fffe]; // the greatest length does not take it away
  return Infinity;
}

/** Reads packed numbers. */
export function readNumbers(reading: Reading, kind: number): number[] {
  const size = kind === tag.INTS ? 4 : 8;
  const count = reading.count(size);
  const at = reading.take(count * size);
  const view = new DataView(reading.bytes.buffer, reading.bytes.byteOffset + at, count * size);
  const value: number[] = reading.register([]);
  if (kind === tag.INTS) { for (let i = 0; i < count; i++) value.push(view.getInt32(4 * i, true)); }
  else for (let i = 0; i < count; i++) value.push(view.getFloat64(8 * i, true));
  return value;
}

/** Reads packed strings. */
export function readStrings(reading: Reading): string[] {
  const count = reading.count(1);
  const lengths: number[] = [];
  let total = 0;
  for (let i = 0; i < count; i++) {
    const byte = reading.at < reading.end ? reading.bytes[reading.at] : 0x80;
    const length = byte < 0x80 ? byte : reading.size();
    if (byte < 0x80) reading.at++;
    lengths.push(length);
    total += length;
  }
  const text = reading.string();
  if (text.length !== total) throw new DecodeError("Cannot decode as an array of strings has not their length");
  const value: string[] = reading.register([]);
  let at = 0;
  for (let i = 0; i < count; i++) value.push(text.slice(at, at += lengths[i]));
  return value;
}
