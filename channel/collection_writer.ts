/** What maps and sets hold, to bytes. It is taken out first: a getter may change them while they are walked. */
import { describe } from "../errors.ts";
import { toRefusal } from "./refusal.ts";
import { writeSize } from "./scalar_writer.ts";
import type { Walk } from "./walk.ts";

/** Writes a map's entries. */
export function writeEntries(walk: Walk, value: Map<unknown, unknown>): void {
  const entries: unknown[] = [];
  Map.prototype.forEach.call(value, (item, key) => entries.push(key, item));
  writeSize(walk.writer, entries.length / 2);
  let i = 0;
  try {
    for (; i < entries.length; i++) walk.value(entries[i]);
  } catch (caught) {
    const key = entries[i - 1];
    const isShown = typeof key !== "object" && typeof key !== "function";
    throw toRefusal(caught).within(
      i % 2 === 1 && isShown ? `.get(${describe(key)})` : `.${i % 2 === 0 ? "keys" : "values"}()[${i >> 1}]`,
    );
  }
}

/** Writes a set's items. */
export function writeMembers(walk: Walk, value: Set<unknown>): void {
  const items: unknown[] = [];
  Set.prototype.forEach.call(value, (item) => items.push(item));
  writeSize(walk.writer, items.length);
  let i = 0;
  try {
    for (; i < items.length; i++) walk.value(items[i]);
  } catch (caught) {
    throw toRefusal(caught).within(`.values()[${i}]`);
  }
}
