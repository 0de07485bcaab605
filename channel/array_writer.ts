/** Arrays to bytes: packed if all items are numbers or short strings, else item by item, with holes and other keys. */
import { indexOf, otherKeys } from "./array_keys.ts";
import * as tag from "./codec_tags.ts";
import { writePacked } from "./packed_writer.ts";
import { toRefusal } from "./refusal.ts";
import { writeByte, writeHead, writeSize } from "./scalar_writer.ts";
import type { Walk } from "./walk.ts";

/** Shorter arrays are written item by item: small integers take one byte there, and nothing is tried in vain. */
const PACKED_LENGTH = 8;

/** Of an array of which nothing was read. */
const NOTHING: readonly unknown[] = [];

/** Writes an array that was not met before. */
export function writeArray(walk: Walk, value: unknown[]): void {
  const length = value.length;
  if (otherKeys(value, length) !== undefined) return walk.container(tag.KEYED_ARRAY, value);
  if (walk.depth >= tag.MAX_DEPTH) return walk.container(tag.ARRAY, value);
  const read = length < PACKED_LENGTH ? NOTHING : writePacked(walk.writer, value, length);
  if (read === undefined) return;
  writeHead(walk.writer, tag.ARRAY, length);
  walk.depth++;
  itemsOf(walk, value, length, read);
  walk.depth--;
}

/** Writes the length of an array and its items. */
export function writeItems(walk: Walk, value: unknown[], length: number): void {
  writeSize(walk.writer, length);
  itemsOf(walk, value, length, NOTHING);
}

/** Writes items; the first of them may have been read. */
function itemsOf(walk: Walk, value: unknown[], length: number, read: readonly unknown[]): void {
  let keys: string[] | undefined;
  let i = 0;
  try {
    for (; i < length; i++) {
      const item = i < read.length ? read[i] : value[i];
      if (item === undefined && !Object.hasOwn(value, i)) {
        keys ??= Object.keys(value);
        const next = Math.min(length, nextIndex(keys, i));
        writeByte(walk.writer, tag.HOLES);
        writeSize(walk.writer, next - i);
        i = next - 1;
      } else walk.value(item);
    }
  } catch (caught) {
    throw toRefusal(caught).within(`[${i}]`);
  }
}

/** The first index among an array's keys (which stand in order, before its other keys) that is greater than `index`. */
function nextIndex(keys: readonly string[], index: number): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const found = indexOf(keys[middle]);
    if (found >= 0 && found <= index) low = middle + 1;
    else high = middle;
  }
  return low < keys.length && indexOf(keys[low]) >= 0 ? indexOf(keys[low]) : 0xffff_ffff;
}
