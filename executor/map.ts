/**
 * The results of `map`: it draws the inputs, makes a call of each item, and gives the results in their order.
 *
 * ```text
 * iterables ─ draw ─▶ #slots, one a drawn item, in order ─▶ next(), once the first is settled
 *                └──▶ scheduler ─▶ worker ─▶ settles the slot
 * ```
 *
 * A slot is the call itself. The first slot is the next result; `#readers` are the calls of `next()` that wait for it.
 * Inputs of a known number are drawn to their end whether they are read or not, in slices, so that a long one does not
 * hold up the turn; of others only so many are drawn as there is room for unread results.
 *
 * After a rejected `next()` the map is *paused*: `for await` leaves without a word then, so that nobody may ever read the
 * rest. A paused map's calls are held back when their turn comes, until `next()` is called again.
 */
import { encodeList } from "../channel/codec.ts";
import { CancelledError, describe, ShutdownError, TimeoutError } from "../errors.ts";
import { Deque } from "./deque.ts";
import { Timer } from "./future.ts";
import type { ItemSource, Scheduler } from "./scheduler.ts";
import { ItemState, type TaskProfile, WorkItem } from "./work_item.ts";

/** What can be mapped over. */
export type Items<T> = Iterable<T> | AsyncIterable<T>;
/** One iterable for each parameter. */
export type Zipped<Args extends unknown[]> = { [K in keyof Args]: Items<Args[K]> };
/** The parameters that must be given. */
export type RequiredHead<Args extends unknown[]> = Args extends [infer First, ...infer Rest]
  ? [First, ...RequiredHead<Rest>]
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

/** Results in the order of the inputs. */
export interface MapResults<R> extends AsyncIterableIterator<R, undefined, unknown> {
  /**
   * The next result.
   *
   * @returns It; rejects with what the item's call threw, and goes on with the next item after that.
   */
  next(): Promise<IteratorResult<R, undefined>>;
  /**
   * Cancels what has not started, and ends.
   *
   * @returns The end.
   */
  return(): Promise<IteratorResult<R, undefined>>;
  /**
   * All results that are left.
   *
   * @returns They, in order; rejects with the first error.
   */
  toArray(): Promise<R[]>;
  /** Itself. */
  [Symbol.asyncIterator](): MapResults<R>;
}

/**
 * Unread results up to which inputs of unknown number are drawn. More keeps more workers busy over a slow reader's pauses;
 * less holds less in memory, and draws less in vain from an endless one.
 */
const UNREAD = 4096;

/** Items drawn at a time: about a millisecond of small ones. */
const SLICE = 2048;

const NO_BYTES = new Uint8Array(0);

/** Options and iterables of a call of `map`, told apart: what has no iterator is the options. */
export function splitMapArguments(rest: readonly unknown[]): { iterables: Items<unknown>[]; options: MapOptions } {
  const last = rest.at(-1);
  const hasOptions = typeof last === "object" && last !== null && !isIterable(last);
  const iterables = hasOptions ? rest.slice(0, -1) : rest;
  iterables.forEach((value, index) => {
    if (isIterable(value)) return;
    throw new TypeError(
      `Cannot map over iterables[${index}] as it must be iterable: current value is ${describe(value)}`,
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

function isIterable(value: unknown): value is Items<unknown> {
  return value !== null && value !== undefined &&
    (typeof (value as Iterable<unknown>)[Symbol.iterator] === "function" ||
      typeof (value as AsyncIterable<unknown>)[Symbol.asyncIterator] === "function");
}

/** The number of items, if the iterable says it without being drawn. */
function hasKnownSize(value: Items<unknown>): boolean {
  const { length, size } = value as { readonly length?: unknown; readonly size?: unknown };
  return typeof length === "number" || typeof size === "number";
}

/** What became of an item. */
const Outcome = { NONE: 0, VALUE: 1, ERROR: 2 } as const;
type Outcome = typeof Outcome[keyof typeof Outcome];

/** The call of one item, and the place of its result. */
class MapCall extends WorkItem {
  readonly #map: MapCalls;
  /** Place among the items. */
  readonly index: number;
  outcome: Outcome = Outcome.NONE;
  value: unknown;

  constructor(map: MapCalls, index: number, profile: TaskProfile, bytes: Uint8Array, start: number, end: number) {
    super(profile, bytes, start, end);
    this.#map = map;
    this.index = index;
  }

  override get slices(): boolean {
    return true;
  }

  override hold(): boolean {
    return this.#map.holds(this);
  }

  override joins(previous: WorkItem): boolean {
    return previous instanceof MapCall && previous.#map === this.#map && this.#map.sameChunk(previous, this);
  }

  /** A failure that needs no worker: its item could not be drawn or sent. */
  failNow(error: unknown): void {
    this.finish();
    this.onFailure(error);
  }

  cancel(): boolean {
    if (this.state === ItemState.SENT || this.state === ItemState.SETTLED) return false;
    const queued = this.state === ItemState.QUEUED;
    this.failNow(new CancelledError("Cannot get a result as its call must not be cancelled: it was"));
    this.#map.dropped(queued);
    return true;
  }

  protected onSent(): void {}
  protected onTakenBack(): void {}

  protected onSuccess(value: unknown): void {
    this.outcome = Outcome.VALUE;
    this.value = value;
    this.#map.settled(this);
  }

  protected onFailure(error: unknown): void {
    this.outcome = Outcome.ERROR;
    this.value = error;
    this.#map.settled(this);
  }
}

type Reader = PromiseWithResolvers<IteratorResult<unknown, undefined>>;
type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>;

/** A `map` that was called. */
export class MapCalls implements MapResults<unknown>, ItemSource {
  readonly #scheduler: Scheduler;
  readonly #profile: TaskProfile;
  readonly #iterators: AnyIterator[];
  readonly #isAsync: boolean;
  /** Items in a message; 0: as the scheduler finds best. */
  readonly #chunksize: number;
  /** Unread items up to which is drawn. */
  readonly #room: number;
  readonly #deadline: number;
  readonly #timeout: number;
  #timer: Timer | undefined;
  readonly #slots = new Deque<MapCall>();
  readonly #readers = new Deque<Reader>();
  #drawn = 0;
  /** A slice of drawing is due, or an asynchronous one under way. */
  #drawing = false;
  /** Nothing more is to be drawn: the iterables have ended, or the map has. */
  #exhausted = false;
  /** Why what was not drawn never will be. */
  #undrawn: (() => Error) | undefined;
  /** An error was delivered, and `next()` not called since. */
  #paused = false;
  /** Calls that came to their turn in that time, in order. */
  #held: MapCall[] = [];
  /** No more results will be given. */
  #finished = false;

  /** Draws the first slice. */
  constructor(scheduler: Scheduler, profile: TaskProfile, iterables: readonly Items<unknown>[], options: MapOptions) {
    const { timeout = Infinity, chunksize = "auto", buffersize } = options;
    this.#scheduler = scheduler;
    this.#profile = profile;
    this.#chunksize = chunksize === "auto" ? 0 : chunksize;
    this.#isAsync = iterables.some((items) => !(Symbol.iterator in Object(items)));
    this.#room = buffersize ?? (!this.#isAsync && iterables.every(hasKnownSize) ? Infinity : UNREAD);
    this.#timeout = timeout;
    this.#deadline = performance.now() + timeout;
    this.#exhausted = iterables.length === 0;
    this.#iterators = iterables.map((items) =>
      Symbol.iterator in Object(items)
        ? (items as Iterable<unknown>)[Symbol.iterator]()
        : (items as AsyncIterable<unknown>)[Symbol.asyncIterator]()
    );
    scheduler.addSource(this);
    this.#draw();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    this.#resume();
    const reader = Promise.withResolvers<IteratorResult<unknown, undefined>>();
    this.#readers.push(reader);
    this.#serve();
    return reader.promise;
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    this.#finish();
    this.#serve();
    return Promise.resolve({ done: true, value: undefined });
  }

  async toArray(): Promise<unknown[]> {
    const values: unknown[] = [];
    for (;;) {
      // What is there is taken at once: a promise for each of a million results costs more than they do.
      if (this.#readers.size === 0) {
        this.#resume();
        for (let call = this.#slots.peek(); call?.outcome === Outcome.VALUE; call = this.#slots.peek()) {
          this.#slots.shift();
          values.push(call.value);
        }
        this.#draw();
      }
      const { done, value } = await this.next();
      if (done) return values;
      values.push(value);
    }
  }

  // What calls tell.

  /** A call has settled. */
  settled(call: MapCall): void {
    if (this.#readers.size > 0 && call === this.#slots.peek()) this.#serve();
  }

  /** A call that was not sent was cancelled. */
  dropped(queued: boolean): void {
    this.#scheduler.dropped(queued);
  }

  /** Whether a call whose turn has come is to be held back. */
  holds(call: MapCall): boolean {
    if (!this.#paused) return false;
    call.state = ItemState.HELD;
    this.#held.push(call);
    return true;
  }

  /** Whether two calls travel in one message. */
  sameChunk(one: MapCall, other: MapCall): boolean {
    return this.#chunksize > 0 && Math.floor(one.index / this.#chunksize) === Math.floor(other.index / this.#chunksize);
  }

  // What the scheduler tells.

  stop(): void {
    if (this.#paused) this.cancel();
    else if (this.#room === Infinity) { while (!this.#exhausted) this.#drawOne(); }
    this.#undrawn ??= () => new ShutdownError("Cannot get more results as the executor must be open: it was shut down");
    this.#exhaust();
    this.#serve();
  }

  cancel(): void {
    this.#cancelUnsent();
    this.#undrawn ??= () => new CancelledError("Cannot get more results as the map must not be cancelled: it was");
    this.#exhaust();
    this.#serve();
  }

  abort(error: () => Error): void {
    this.#undrawn ??= error;
    for (const call of this.#held.splice(0)) {
      if (call.state !== ItemState.HELD) continue;
      call.failNow(error());
      this.#scheduler.dropped(false);
    }
    this.#exhaust();
    this.#serve();
  }

  // Reading.

  /** Gives the first slots to the first readers, as far as both are there and settled. */
  #serve(): void {
    while (this.#readers.size > 0) {
      const call = this.#slots.peek();
      if (call === undefined) {
        if (!this.#exhausted) break; // what is drawn next will serve
        this.#end();
      } else if (call.outcome === Outcome.NONE) {
        break;
      } else {
        this.#slots.shift();
        this.#deliver(this.#readers.shift()!, call);
      }
    }
    this.#limit();
    this.#draw();
  }

  #deliver(reader: Reader, call: MapCall): void {
    if (call.outcome === Outcome.VALUE) return reader.resolve({ done: false, value: call.value });
    // A reader that waits already has asked again, so it is as if next() had been called.
    if (this.#readers.size === 0 && !this.#finished) this.#paused = true;
    reader.reject(call.value);
  }

  /** There is nothing more: all readers hear it, the first one also why, if there would have been more. */
  #end(): void {
    this.#finished = true;
    this.#scheduler.removeSource(this);
    const error = this.#undrawn;
    this.#undrawn = undefined;
    if (error !== undefined) this.#readers.shift()!.reject(error());
    for (const reader of this.#readers.takeAll()) reader.resolve({ done: true, value: undefined });
  }

  /** Limits the time of the reader that waits, if one does. */
  #limit(): void {
    if (this.#readers.size === 0) {
      this.#timer?.clear();
      this.#timer = undefined;
    } else if (this.#timer === undefined && this.#timeout !== Infinity) {
      this.#timer = new Timer(Math.max(0, this.#deadline - performance.now()), () => this.#expire());
    }
  }

  #expire(): void {
    const reader = this.#readers.shift();
    this.#finish();
    reader?.reject(
      new TimeoutError(
        `Cannot get the next result as it must be there within ${this.#timeout} ms of the call of map: it is not`,
      ),
    );
    this.#serve();
  }

  /** No more results are wanted. */
  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#cancelUnsent();
    this.#slots.takeAll();
    this.#exhaust();
    this.#undrawn = undefined;
    this.#scheduler.removeSource(this);
  }

  #cancelUnsent(): void {
    this.#held = [];
    for (let i = 0; i < this.#slots.size; i++) this.#slots.at(i)!.cancel();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    for (const call of this.#held.splice(0)) {
      if (call.state !== ItemState.HELD) continue;
      call.state = ItemState.QUEUED;
      this.#scheduler.requeue(call);
    }
  }

  // Drawing.

  #hasRoom(): boolean {
    return !this.#exhausted && !this.#paused && this.#slots.size < this.#room;
  }

  #draw(): void {
    if (this.#drawing || !this.#hasRoom()) return;
    if (this.#isAsync) return void this.#drawAsync();
    for (let i = 0; i < SLICE && this.#hasRoom(); i++) this.#drawOne();
    if (!this.#hasRoom()) {
      if (this.#exhausted) this.#serve();
      return;
    }
    this.#drawing = true;
    this.#scheduler.nextTurn(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  /** Draws an item of each iterable, none of which is asynchronous. */
  #drawOne(): void {
    const row: unknown[] = [];
    try {
      for (const iterator of this.#iterators as Iterator<unknown>[]) {
        const { done, value } = iterator.next();
        if (done) return this.#exhaust(iterator);
        row.push(value);
      }
    } catch (error) {
      return this.#failDrawing(error);
    }
    this.#add(row);
  }

  async #drawAsync(): Promise<void> {
    this.#drawing = true;
    while (this.#hasRoom()) {
      const row: unknown[] = [];
      let ended: AnyIterator | undefined;
      try {
        for (const iterator of this.#iterators) {
          const { done, value } = await iterator.next();
          if (done) {
            ended = iterator;
            break;
          }
          row.push(await value);
        }
      } catch (error) {
        this.#failDrawing(error);
        break;
      }
      if (this.#exhausted) break; // the map has ended meanwhile
      if (ended !== undefined) this.#exhaust(ended);
      else this.#add(row);
    }
    this.#drawing = false;
    this.#serve();
  }

  /** An iterable has thrown: the error is the last result. */
  #failDrawing(error: unknown): void {
    if (this.#exhausted) return;
    this.#exhausted = true; // one that has thrown is closed already
    const call = new MapCall(this, this.#drawn++, this.#profile, NO_BYTES, 0, 0);
    this.#slots.push(call);
    call.failNow(error);
  }

  readonly #nameOf = (index: number): string =>
    this.#iterators.length === 1 ? `items[${this.#drawn}]` : `items[${this.#drawn}][${index}]`;

  #add(row: unknown[]): void {
    const { arguments: writer } = this.#scheduler;
    writer.begin();
    let failure: { readonly error: unknown } | undefined;
    try {
      encodeList(writer, row, this.#nameOf, "argument");
    } catch (error) {
      failure = { error };
    }
    const call = new MapCall(this, this.#drawn++, this.#profile, writer.bytes, writer.start, writer.length);
    this.#slots.push(call);
    if (failure === undefined) this.#scheduler.submit(call);
    else call.failNow(failure.error);
  }

  /** Draws nothing more, and lets the iterables know, except the one that has ended by itself. */
  #exhaust(ended?: AnyIterator): void {
    if (this.#exhausted) return;
    this.#exhausted = true;
    for (const iterator of this.#iterators) {
      if (iterator === ended || iterator.return === undefined) continue;
      try {
        // Nobody waits for it: an asynchronous one answers after what it is at, which may be never.
        Promise.resolve(iterator.return()).catch(ignore);
      } catch {
        // The results are not less right because an input could not be closed.
      }
    }
  }
}

function ignore(): void {}
