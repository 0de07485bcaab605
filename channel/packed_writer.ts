/**
 * Arrays of numbers and of strings, packed. That they are such is known when all their items were read, and no item is read
 * twice, as it may be a getter: where another kind of item is found, those that were read are handed back.
 */
import type { ByteWriter } from "./byte_writer.ts";
import * as tag from "./codec_tags.ts";
import { toRefusal } from "./refusal.ts";
import { writeByte, writeSize, writeString } from "./scalar_writer.ts";

/** Items for which room is made at once. */
const STEP = 4096;
/**
 * Arrays of strings are joined if the strings are shorter than this on average: one call of TextDecoder for all is
 * several times faster, but engines may keep the whole text for the sake of one piece that lives on.
 */
const JOINED_LENGTH = 64;
/** Characters that are joined at most: V8 has no strings of more than some 500 million. */
const MOST_JOINED = 2 ** 26;

/** The first items of an array. */
type ReadItems = readonly unknown[];

/** An array that is being written, and how far. */
interface Packing {
  readonly writer: ByteWriter;
  readonly value: readonly unknown[];
  readonly length: number;
  /** Where its tag is, and where its items begin, both counted from the writer's `start`: the block may move. */
  readonly head: number;
  readonly body: number;
  /** Items that are written. */
  count: number;
  /** The next item, which was read. */
  item: unknown;
}

/**
 * Appends an array of numbers, or of short strings: first as integers, up to an item that is none.
 *
 * @param writer Where to.
 * @param value The array.
 * @param length Its length, 1 at least.
 * @returns `undefined` if it is written; else nothing is, and these are its first items, as they were read.
 */
export function writePacked(writer: ByteWriter, value: readonly unknown[], length: number): ReadItems | undefined {
  const head = writer.length - writer.start;
  writeByte(writer, tag.INTS);
  writeSize(writer, length);
  const body = writer.length - writer.start;
  const packing: Packing = { writer, value, length, head, body, count: 0, item: undefined };
  writeInts(packing);
  if (packing.count === length) return undefined;
  if (typeof packing.item === "number") {
    widen(packing);
    writeDoubles(packing);
    return packing.count === length ? undefined : takeBack(packing, 8);
  }
  if (packing.count > 0) return takeBack(packing, 4);
  writer.length = writer.start + head;
  return typeof packing.item === "string" ? writeStrings(packing, packing.item) : [packing.item];
}

/** Writes integers up to an item that is none. */
function writeInts(packing: Packing): void {
  const { writer, value, length } = packing;
  let i = 0; // also the first item is read in here: it costs Bun a quarter more to begin with the second
  try {
    while (i < length) {
      const stop = Math.min(length, i + STEP);
      writer.reserve(4 * (stop - i));
      const { view } = writer;
      let at = writer.length;
      for (; i < stop; i++, at += 4) {
        const item = value[i];
        if (typeof item !== "number") return stopAt(packing, i, item);
        const int = item | 0;
        if (int !== item || (int === 0 && 1 / item < 0)) return stopAt(packing, i, item);
        view.setInt32(at, int, true);
      }
      writer.length = at;
    }
  } catch (caught) {
    throw toRefusal(caught).within(`[${i}]`);
  }
  packing.count = length;
}

/** An item is found that is not to be written so. */
function stopAt(packing: Packing, i: number, item: unknown): void {
  packing.item = item;
  packing.count = i;
}

/** Makes the integers that are written doubles. */
function widen({ writer, head, body, count }: Packing): void {
  writer.bytes[writer.start + head] = tag.DOUBLES;
  writer.length = writer.start + body + 4 * count;
  writer.reserve(4 * count);
  writer.length += 4 * count;
  const { view } = writer;
  const start = writer.start + body;
  for (let i = count - 1; i >= 0; i--) view.setFloat64(start + 8 * i, view.getInt32(start + 4 * i, true), true);
}

/** Writes numbers up to an item that is none. */
function writeDoubles(packing: Packing): void {
  const { writer, value, length } = packing;
  writer.reserve(8);
  writer.view.setFloat64(writer.length, packing.item as number, true);
  writer.length += 8;
  let i = packing.count + 1;
  try {
    while (i < length) {
      const stop = Math.min(length, i + STEP);
      writer.reserve(8 * (stop - i));
      const { view } = writer;
      let at = writer.length;
      for (; i < stop; i++, at += 8) {
        const item = value[i];
        if (typeof item !== "number") return stopAt(packing, i, item);
        view.setFloat64(at, item, true);
      }
      writer.length = at;
    }
  } catch (caught) {
    throw toRefusal(caught).within(`[${i}]`);
  }
  packing.count = length;
}

/** Takes back what is written; gives the items that were read. */
function takeBack({ writer, head, body, count, item }: Packing, size: number): ReadItems {
  const { view } = writer;
  const items: unknown[] = [];
  const end = writer.start + body + size * count;
  for (let at = writer.start + body; at < end; at += size) {
    items.push(size === 4 ? view.getInt32(at, true) : view.getFloat64(at, true));
  }
  items.push(item);
  writer.length = writer.start + head;
  return items;
}

/** Writes short strings as one. */
function writeStrings({ writer, value, length }: Packing, first: string): ReadItems | undefined {
  const limit = Math.min(JOINED_LENGTH * length, MOST_JOINED);
  const parts: string[] = [first];
  let total = first.length;
  let i = 1;
  try {
    for (; i < length && total <= limit; i++) {
      const item = value[i];
      parts.push(item as string);
      if (typeof item !== "string") return parts;
      total += item.length;
    }
  } catch (caught) {
    throw toRefusal(caught).within(`[${i}]`);
  }
  if (total > limit) return parts;
  writeByte(writer, tag.STRINGS);
  writeSize(writer, length);
  writeLengths(writer, parts);
  writeString(writer, parts.join(""));
  return undefined;
}

/** The length of each string: one byte for nearly all. */
function writeLengths(writer: ByteWriter, parts: readonly string[]): void {
  for (let i = 0; i < parts.length;) {
    const stop = Math.min(parts.length, i + STEP);
    writer.reserve(stop - i);
    const { bytes } = writer;
    let at = writer.length;
    for (; i < stop && parts[i].length <= 0x7f; i++) bytes[at++] = parts[i].length;
    writer.length = at;
    if (i < stop) writeSize(writer, parts[i++].length);
  }
}
