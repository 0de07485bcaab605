/** The items of a `map`: collected as they are drawn, and encoded as they are to be sent. */
import {
  ColumnKind,
  columnKindOf,
  type ColumnValue,
  InARow,
  NUMBER_SIZE,
  sizeInColumn,
  writeColumn,
} from "../channel/columns.ts";
import type { FrameWriter } from "../channel/protocol.ts";
import { NO_SEGMENTS } from "../channel/segments.ts";
import { describe } from "../errors.ts";
import type { CopiedArguments } from "./call_arguments.ts";

/**
 * Items of a column: a longer array lies outside of what hosts collect young and cheaply, and costs more in pages of memory
 * than the handling of its items.
 */
const LONGEST_COLUMN = 8192;

/** Items that were drawn in one go; spans are parts of them. */
export interface DrawnItems {
  /** Whether they are sent as a column. */
  readonly isColumn: boolean;
  /** Large buffers of the item, which is the only one if it has any. */
  readonly segments: CopiedArguments["segments"];
  /** Items in it. */
  readonly count: number;
  /** Bytes of `count` items from `at` on. */
  size(at: number, count: number): number;
  /** How many items from `at` on have so many bytes together, `most` at most. */
  countWithin(bytes: number, at: number, most: number): number;
  /** Writes some of them, `id` being the number of the first one's call. */
  write(frame: FrameWriter, at: number, count: number, id: number): void;
}

/** Items that lie, encoded, one behind the other in one block. */
export class EncodedItems implements DrawnItems {
  readonly isColumn = false;
  readonly segments: CopiedArguments["segments"];
  readonly #bytes: Uint8Array;
  /** Where the items begin, and where the last ends. */
  readonly #bounds: number[];

  /** Of one item. */
  constructor({ bytes, start, end, segments }: CopiedArguments) {
    this.#bytes = bytes;
    this.#bounds = [start, end];
    this.segments = segments;
  }

  /** Appends the next item, if its bytes are the next and neither has segments. */
  tryAdd({ bytes, start, end, segments }: CopiedArguments): boolean {
    if (bytes !== this.#bytes || start !== this.#bounds[this.#bounds.length - 1]) return false;
    if (segments.length > 0 || this.segments.length > 0) return false;
    this.#bounds.push(end);
    return true;
  }

  get count(): number {
    return this.#bounds.length - 1;
  }

  size(at: number, count: number): number {
    return this.#bounds[at + count] - this.#bounds[at];
  }

  countWithin(bytes: number, at: number, most: number): number {
    let count = 0;
    while (count < most && this.size(at, count + 1) <= bytes) count++;
    return count;
  }

  write(frame: FrameWriter, at: number, count: number, id: number): void {
    for (let i = at; i < at + count; i++) {
      frame.f64(id++);
      frame.block(this.#bytes, this.#bounds[i], this.#bounds[i + 1]);
    }
  }
}

/** Items that are numbers, or short strings: as they are, for nobody can change them. */
export class ColumnItems implements DrawnItems {
  readonly isColumn = true;
  readonly segments: CopiedArguments["segments"] = NO_SEGMENTS;
  readonly #kind: ColumnKind;
  readonly #values: ColumnValue[];

  /** Of one item. */
  constructor(kind: ColumnKind, value: ColumnValue) {
    this.#kind = kind;
    this.#values = [value];
  }

  /** Appends the next item, if it is of that kind. */
  tryAdd(kind: ColumnKind, value: ColumnValue): boolean {
    if (kind !== this.#kind || this.#values.length === LONGEST_COLUMN) return false;
    this.#values.push(value);
    return true;
  }

  get count(): number {
    return this.#values.length;
  }

  size(at: number, count: number): number {
    if (this.#kind === ColumnKind.NUMBER) return count * NUMBER_SIZE;
    let size = 0;
    for (let i = at; i < at + count; i++) size += sizeInColumn(this.#values[i]);
    return size;
  }

  countWithin(bytes: number, at: number, most: number): number {
    if (this.#kind === ColumnKind.NUMBER) return Math.max(0, Math.min(most, Math.floor(bytes / NUMBER_SIZE)));
    let count = 0;
    for (let left = bytes; count < most; count++) {
      left -= sizeInColumn(this.#values[at + count]);
      if (left < 0) break;
    }
    return count;
  }

  write(frame: FrameWriter, at: number, count: number, id: number): void {
    frame.f64(id);
    writeColumn(frame, this.#values, at, count);
  }
}

/** What an item is. */
export interface ItemForm {
  /** Iterables that items are drawn from: of several an item is a row. */
  readonly width: number;
  /** Each item of the one iterable is a row: the arguments of a call. */
  readonly isStar: boolean;
}

/** Collects what is drawn in one go: a million objects that wait would cost more, in collecting garbage, than all else here. */
export class ItemCollector {
  /** Items that were added, those that cannot cross included. */
  count = 0;
  readonly #form: ItemForm;
  readonly #copy: (row: readonly unknown[], nameOf: (index: number) => string) => CopiedArguments;
  readonly #take: (items: DrawnItems, first: number) => void;
  readonly #inARow = new InARow();
  /** What is collected; the first of these items has the number `#first`. */
  #items: EncodedItems | ColumnItems | undefined;
  #first = 0;

  /**
   * Collects nothing yet.
   *
   * @param form What an item is.
   * @param copy Copies arguments; throws if they cannot cross.
   * @param take Takes items that are collected, and the number of their first.
   */
  constructor(
    form: ItemForm,
    copy: (row: readonly unknown[], nameOf: (index: number) => string) => CopiedArguments,
    take: (items: DrawnItems, first: number) => void,
  ) {
    this.#form = form;
    this.#copy = copy;
    this.#take = take;
  }

  /** Items that were not taken. */
  get size(): number {
    return this.#items?.count ?? 0;
  }

  /** Whether what is collected is a column. */
  get isColumn(): boolean {
    return this.#items instanceof ColumnItems;
  }

  /** Adds an item if it goes on with the column that is collected. */
  tryAddToColumn(item: unknown): boolean {
    if (!(this.#items instanceof ColumnItems && this.#items.tryAdd(columnKindOf(item), item as ColumnValue))) {
      return false;
    }
    this.count++;
    return true;
  }

  /** Whether an item is the one argument of its call. */
  get #isSingle(): boolean {
    return this.#form.width === 1 && !this.#form.isStar;
  }

  /**
   * Adds an item: of one iterable a value, of several a row of them.
   *
   * @throws What says why it cannot cross.
   */
  add(item: unknown): void {
    const kind = this.#isSingle ? columnKindOf(item) : ColumnKind.NONE;
    if (this.#inARow.isColumn(kind, this.#items === undefined)) this.#addToColumn(kind, item as ColumnValue);
    else this.#addEncoded(this.#copy(this.#rowOf(item), this.#nameOf));
    this.count++;
  }

  #rowOf(item: unknown): readonly unknown[] {
    if (this.#isSingle) return [item];
    return this.#form.isStar ? spread(item, this.count) : item as unknown[];
  }

  readonly #nameOf = (index: number): string =>
    this.#isSingle ? `items[${this.count}]` : `items[${this.count}][${index}]`;

  #addToColumn(kind: ColumnKind, value: ColumnValue): void {
    if (this.#items instanceof ColumnItems && this.#items.tryAdd(kind, value)) return;
    this.#begin(new ColumnItems(kind, value));
  }

  #addEncoded(copied: CopiedArguments): void {
    if (this.#items instanceof EncodedItems && this.#items.tryAdd(copied)) return;
    this.#begin(new EncodedItems(copied));
  }

  #begin(items: EncodedItems | ColumnItems): void {
    this.flush();
    this.#items = items;
    this.#first = this.count;
  }

  /** Has all be taken. */
  flush(): void {
    const items = this.#items;
    if (items === undefined) return;
    this.#items = undefined;
    this.#take(items, this.#first);
  }
}

/** The arguments that item number `index` is. */
function spread(item: unknown, index: number): unknown[] {
  if (typeof (item as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] === "function") {
    return Array.from(item as Iterable<unknown>);
  }
  throw new TypeError(
    `Cannot call a task with items[${index}] as it must be an iterable of arguments: current value is ${
      describe(item)
    }`,
  );
}
