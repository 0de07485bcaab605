/** The arguments of `map`: iterables, then options, told apart and checked. */
import { describe } from "../errors.ts";
import type { Sendable } from "../tasks/sendable.ts";

/** What can be mapped over. Arrays are named for the compiler's sake: in one it points at the very item that is wrong. */
export type Items<T> = readonly T[] | Iterable<T> | AsyncIterable<T>;
/** One iterable for each parameter, of items that can cross. */
export type Zipped<Args extends unknown[]> = { [K in keyof Args]: Items<Sendable<Args[K]>> };
/** The parameters up to the end, or to one that may be left out; without rest parameters. */
export type Heads<Args extends unknown[]> = Args extends [infer First, ...infer Rest] ? [First, ...Heads<Rest>]
  : Args extends [] ? []
  : number extends Args["length"] ? []
  : Args extends [(infer First)?, ...infer Rest] ? [] | [First, ...Heads<Rest>]
  : [];

/** Options of `map`. */
export interface MapOptions {
  /**
   * Milliseconds from the call of `map`. A `next()` that would wait longer rejects with `TimeoutError`, what has not
   * started is cancelled, and the iterator ends.
   *
   * @default No limit.
   */
  readonly timeout?: number;
  /**
   * Items in one message to a worker. A chunk is only a message: each item is a call of its own.
   *
   * @default {"auto"} Tuned from measured times.
   */
  readonly chunksize?: number | "auto";
  /**
   * Items drawn ahead of the reader, at most.
   *
   * @default All, if their number is known; else some thousands.
   */
  readonly buffersize?: number;
}

/** Options and iterables of a call of `map`, told apart: what has no iterator is the options. */
export function splitMapArguments(rest: readonly unknown[]): { iterables: Items<unknown>[]; options: MapOptions } {
  const last = rest.at(-1);
  const hasOptions = isPlainObject(last) && !isIterable(last);
  const iterables = hasOptions ? rest.slice(0, -1) : rest;
  iterables.forEach((value, index) => {
    if (isIterable(value)) return;
    throw new TypeError(
      `Cannot map over iterables[${index}] as it must be iterable: current value is ${describe(value)}` +
        (isThenable(value) ? "; await it first" : ""),
    );
  });
  const options = hasOptions ? last as MapOptions : {};
  for (const key of Object.keys(options)) {
    if (key === "timeout" || key === "chunksize" || key === "buffersize") continue;
    throw new TypeError(
      `Cannot map as its options must be 'timeout', 'chunksize' or 'buffersize', and iterables have an iterator: ` +
        `current option is '${key}'`,
    );
  }
  checkSize("chunksize", options.chunksize, "auto");
  checkSize("buffersize", options.buffersize, undefined);
  const { timeout } = options;
  if (timeout !== undefined) {
    if (typeof timeout !== "number") {
      throw wrong(TypeError, "timeout", "a non-negative number of milliseconds", timeout);
    }
    if (!(timeout >= 0)) throw wrong(RangeError, "timeout", "a non-negative number of milliseconds", timeout);
  }
  return { iterables: iterables as Items<unknown>[], options };
}

function checkSize(name: string, value: unknown, other: unknown): void {
  if (value === undefined || value === other) return;
  if (typeof value !== "number" || !Number.isInteger(value) && Number.isFinite(value)) {
    throw wrong(TypeError, name, "a positive integer", value);
  }
  if (!Number.isInteger(value) || value < 1) throw wrong(RangeError, name, "a positive integer", value);
}

function wrong(ErrorClass: ErrorConstructor, name: string, must: string, value: unknown): Error {
  return new ErrorClass(`Cannot map as '${name}' must be ${must}: current value is ${describe(value)}`);
}

/** Also one of another realm. */
function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function isThenable(value: unknown): boolean {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === "function";
}

function isIterable(value: unknown): value is Items<unknown> {
  return value !== null && value !== undefined &&
    (typeof (value as Iterable<unknown>)[Symbol.iterator] === "function" ||
      typeof (value as AsyncIterable<unknown>)[Symbol.asyncIterator] === "function");
}
