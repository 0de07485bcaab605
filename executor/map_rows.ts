/** The inputs of a `map`: an item of each iterable at a time. */
import { describe } from "../errors.ts";
import type { Items } from "./map_arguments.ts";

/** What there is behind the last row. */
export const END: unique symbol = Symbol("end");

type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>;

/** Rows of items, up to the end of the shortest iterable. */
export class Rows {
  /** Whether one of the iterables is asynchronous. */
  readonly isAsync: boolean;
  /** How many rows there are, if the iterables say it; else 0, and of asynchronous ones: who knows when they give them. */
  readonly knownSize: number;
  /** The only iterable, if it is an array: to read its items needs no iterator, and takes a fraction of the time. */
  readonly array: readonly unknown[] | undefined;
  /** Place of the array's next item. */
  at = 0;
  readonly #iterators: readonly AnyIterator[];
  /** The one that has ended or thrown. */
  #ended: AnyIterator | undefined;
  /** The one that is giving an item: a generator cannot be closed then. */
  #giving: AnyIterator | undefined;
  #isClosed = false;

  /** Begins all of them. */
  constructor(iterables: readonly Items<unknown>[]) {
    this.isAsync = !iterables.every(isSync);
    // NaN if one does not say; and some that are endless say Infinity.
    const size = Math.min(...iterables.map(sizeOf));
    this.knownSize = !this.isAsync && Number.isSafeInteger(size) && size > 0 ? size : 0;
    const [only] = iterables;
    this.array = iterables.length === 1 && isPlainArray(only) ? only : undefined;
    this.#iterators = iterables.map((items) =>
      checkedIterator(isSync(items) ? items[Symbol.iterator]() : items[Symbol.asyncIterator]())
    );
  }

  /** Items in a row. */
  get width(): number {
    return this.#iterators.length;
  }

  /** The next item of the only iterable, if it is not asynchronous; {@linkcode END} at the end. Throws what that throws. */
  nextValue(): unknown {
    if (this.array !== undefined) return this.at < this.array.length ? this.array[this.at++] : END;
    const iterator = this.#iterators[0] as Iterator<unknown>;
    try {
      const { done, value } = this.#nextOf(iterator);
      return done ? this.#end(iterator) : value;
    } catch (error) {
      this.#end(iterator);
      throw error;
    }
  }

  /** The next row, if none of the iterables is asynchronous; {@linkcode END} at the end. Throws what an iterable throws. */
  next(): unknown[] | typeof END {
    const row: unknown[] = [];
    for (const iterator of this.#iterators as readonly Iterator<unknown>[]) {
      try {
        const { done, value } = this.#nextOf(iterator);
        if (done) return this.#end(iterator);
        row.push(value);
      } catch (error) {
        this.#end(iterator);
        throw error;
      }
    }
    return row;
  }

  /** The next row; {@linkcode END} at the end. Rejects with what an iterable throws. */
  async nextAsync(): Promise<unknown[] | typeof END> {
    const row: unknown[] = [];
    for (const iterator of this.#iterators) {
      try {
        const { done, value } = checkedResult(await iterator.next());
        if (done) return this.#end(iterator);
        row.push(await value);
      } catch (error) {
        this.#end(iterator);
        throw error;
      }
    }
    return row;
  }

  #nextOf(iterator: Iterator<unknown>): IteratorResult<unknown> {
    this.#giving = iterator;
    try {
      return checkedResult(iterator.next());
    } finally {
      this.#giving = undefined;
      if (this.#isClosed) closeOne(iterator); // it has come to that itself
    }
  }

  #end(iterator: AnyIterator): typeof END {
    this.#ended = iterator;
    return END;
  }

  /** Lets the iterables know that no more is drawn, except the one that has ended by itself. */
  close(): void {
    this.#isClosed = true;
    for (const iterator of this.#iterators) {
      if (iterator !== this.#ended && iterator !== this.#giving) closeOne(iterator);
    }
  }
}

function closeOne(iterator: AnyIterator): void {
  try {
    // Nobody waits for it: an asynchronous one answers after what it is at, which may be never.
    Promise.resolve(iterator.return?.()).catch(ignore);
  } catch {
    // The results are not less right because an input could not be closed.
  }
}

function isSync(items: Items<unknown>): items is Iterable<unknown> {
  return typeof (items as Partial<Iterable<unknown>>)[Symbol.iterator] === "function";
}

function checkedIterator(iterator: AnyIterator): AnyIterator {
  if ((typeof iterator === "object" && iterator !== null) || typeof iterator === "function") return iterator;
  throw new TypeError(`Cannot map over an iterable as it must give an iterator: it gave ${describe(iterator)}`);
}

/** An array that is iterated as arrays are. */
function isPlainArray(value: Items<unknown>): value is readonly unknown[] {
  return Array.isArray(value) && value[Symbol.iterator] === Array.prototype[Symbol.iterator];
}

/** The number of items, if the iterable says it without being drawn; else `NaN`. */
function sizeOf(value: Items<unknown>): number {
  const { length, size } = value as { readonly length?: unknown; readonly size?: unknown };
  return typeof length === "number" ? length : typeof size === "number" ? size : NaN;
}

/** As the language's own loops do: without it a `next()` that is wrongly `async` would give `undefined` for ever. */
function checkedResult(result: IteratorResult<unknown>): IteratorResult<unknown> {
  if (typeof result === "object" && result !== null && !("then" in result)) return result;
  throw new TypeError(
    `Cannot map over an iterable as its iterator's next() must give { done, value }: it gave ${describe(result)}`,
  );
}

function ignore(): void {}
