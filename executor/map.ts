/**
 * The results of `map`: it draws the inputs, makes a call of each item, and gives the results in their order.
 *
 * ```text
 * iterables ─ draw ─▶ #slots, one a drawn item, in order ─▶ next(), once the first is settled
 *                └──▶ scheduler ─▶ worker ─▶ settles the slot
 * ```
 *
 * A slot is {@linkcode PENDING}, then the result, or a {@linkcode Failure}. The first slot is the next result; `#readers`
 * are the calls of `next()` that wait for it. What is drawn in one go lies in the queue as one run, and a call is made of
 * an item only when it is sent: a million objects that wait would cost more, in collecting garbage, than all else here.
 * Inputs of a known number are drawn to their end whether they are read or not, in slices, so that a long one does not
 * hold up the turn; of others only so many are drawn as there is room for unread results.
 *
 * After a rejected `next()` the map is *paused*: `for await` leaves without a word then, so that nobody may ever read the
 * rest. A paused map's calls are held back when their turn comes, until `next()` is called again.
 */
import { now } from "../runtime/host_functions.ts";
import { CancelledError, ShutdownError, TimeoutError } from "../errors.ts";
import type { CopiedArguments, CopyOptions } from "./call_arguments.ts";
import { Deque } from "./deque.ts";
import { Timer } from "./future.ts";
import type { CheckedCallOptions } from "./call_options.ts";
import type { Items, MapOptions } from "./map_arguments.ts";
import { cancelledError, Failure, type MapCall, type MapOfCall, MapRun } from "./map_call.ts";
import type { ItemSource, Scheduler } from "./scheduler.ts";
import { Rows } from "./map_rows.ts";
import { ItemState, type TaskProfile } from "./work_item.ts";

/** Results in the order of the inputs. */
export interface MapResults<R> extends AsyncIterableIterator<R, undefined, unknown> {
  /**
   * The next result.
   *
   * @returns It; rejects with what the item's call threw, and goes on with the next item after that. Rejects with
   *   `TimeoutError` when the time of the map is over, with `ShutdownError` past what was drawn when the executor was shut
   *   down, with `CancelledError` where that cancelled the call.
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
   * @returns They, in order; rejects with the first error. What is left then is held back, as after a rejected `next()`,
   *   until it is read or the executor is shut down; `return()` lets it go.
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

/** What a slot holds until its call is settled. */
const PENDING = Symbol("pending");

type Reader = PromiseWithResolvers<IteratorResult<unknown, undefined>>;

/** A `map` that was called. */
export class MapCalls implements MapResults<unknown>, ItemSource, MapOfCall {
  readonly #scheduler: Scheduler;
  readonly #profile: TaskProfile;
  readonly #rows: Rows;
  /** Items in a message; 0: as the scheduler finds best. */
  readonly #chunksize: number;
  /** Unread items up to which is drawn. */
  readonly #room: number;
  /** Items that are drawn whether they are read or not. */
  readonly #drawnAnyway: number;
  readonly #deadline: number;
  readonly #timeout: number;
  #timer: Timer | undefined;
  readonly #slots = new Deque<unknown>();
  /** Results given: the first slot is that of the item of this number. */
  #given = 0;
  readonly #readers = new Deque<Reader>();
  #drawn = 0;
  /** Slots that are pending. */
  #unsettled = 0;
  /** What was drawn in this go, and is to be queued after it. */
  #run: MapRun | undefined;
  /** Runs of which not all calls were sent. */
  readonly #runs = new Set<MapRun>();
  /** Calls that workers gave back. */
  readonly #returned = new Set<MapCall>();
  /** A slice of drawing is due, or an asynchronous one under way. */
  #drawing = false;
  /** An item is being copied: its getters may do anything, to this map too. */
  #copying = false;
  /** Nothing more is to be drawn: the iterables have ended, or the map has. */
  #exhausted = false;
  /** Why what was not drawn never will be. */
  #undrawn: (() => Error) | undefined;
  /** An error was delivered, and `next()` not called since. */
  #paused = false;
  #mayPause = true;
  /** What came to its turn in that time, in order. */
  #held: (MapRun | MapCall)[] = [];
  /** No more results will be given. */
  #finished = false;

  /** Buffers that move with the item that has them. */
  readonly #copyOptions: CopyOptions;

  /** Draws the first slice. */
  constructor(
    scheduler: Scheduler,
    profile: TaskProfile,
    iterables: readonly Items<unknown>[],
    options: MapOptions & CheckedCallOptions,
  ) {
    const { timeout = Infinity, chunksize = "auto", buffersize, transfer } = options;
    const check = (): void => {
      // What ends a map takes no buffer away.
      if (this.#exhausted) throw new ShutdownError("Cannot draw an item as its map must go on: it was ended");
    };
    this.#copyOptions = { transfer, metOnly: true, check };
    this.#scheduler = scheduler;
    this.#profile = profile;
    this.#chunksize = chunksize === "auto" ? 0 : chunksize;
    this.#room = buffersize ?? UNREAD;
    this.#timeout = timeout;
    this.#deadline = now() + timeout;
    this.#exhausted = iterables.length === 0;
    this.#rows = new Rows(iterables);
    this.#drawnAnyway = buffersize === undefined ? this.#rows.knownSize : 0;
    if (!this.#exhausted) scheduler.addSource(this);
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
        while (this.#isSettled() && !(this.#slots.peek() instanceof Failure)) values.push(this.#shift());
        this.#draw();
      }
      const { done, value } = await this.next();
      if (done) return values;
      values.push(value);
    }
  }

  // What calls tell.

  settled(index: number, outcome: unknown): void {
    this.#unsettled--;
    this.#leaveIfDone();
    if (this.#finished) return;
    this.#slots.replace(index - this.#given, outcome);
    if (this.#readers.size > 0 && index === this.#given) this.#serve();
  }

  /** The scheduler needs to know of it no longer: nothing more will come of it, read or not. */
  #leaveIfDone(): void {
    if (this.#exhausted && this.#unsettled === 0) this.#scheduler.removeSource(this);
  }

  dropped(count: number, queued: boolean): void {
    this.#scheduler.dropped(count, queued);
  }

  sent(call: MapCall): void {
    if (this.#returned.size > 0) this.#returned.delete(call);
  }

  takenBack(call: MapCall): void {
    this.#returned.add(call);
  }

  exhausted(run: MapRun): void {
    this.#runs.delete(run);
  }

  tryHold(entry: MapRun | MapCall): boolean {
    if (!this.#paused) return false;
    entry.state = ItemState.HELD;
    this.#held.push(entry);
    return true;
  }

  sameChunk(one: MapCall, other: MapCall): boolean {
    return this.#chunksize > 0 && Math.floor(one.index / this.#chunksize) === Math.floor(other.index / this.#chunksize);
  }

  // What the scheduler tells.

  stop(): void {
    if (this.#paused) this.cancel();
    // One further than to the last, to see the end; one that goes on past its own size is left there.
    else if (this.#drawnAnyway > 0 && !this.#copying) {
      while (!this.#exhausted && this.#drawn <= this.#drawnAnyway) this.#drawOne();
      this.#queueRun();
    }
    this.#cutOff(() => new ShutdownError("Cannot get more results as the executor must be open: it was shut down"));
  }

  cancel(): void {
    this.#cutOff(() => new CancelledError("Cannot get more results as the map must not be cancelled: it was"));
    this.#dropUnsent(cancelledError);
  }

  abort(error: () => Error): void {
    this.#cutOff(error);
    this.#dropUnsent(error);
  }

  /** Draws nothing more; if there would have been more, that is an error behind the last result. */
  #cutOff(error: () => Error): void {
    // From now on nobody resumes what is held back: a pause would have the executor wait for ever.
    this.#mayPause = false;
    this.#paused = false;
    if (!this.#exhausted) this.#undrawn ??= error;
    this.#exhaust();
    this.#serve();
  }

  // Reading.

  /** Gives what there is, and draws what there is room for then. */
  #serve(): void {
    this.#deliverSettled();
    this.#draw();
  }

  /** Gives the first slots to the first readers, as far as both are there and settled. */
  #deliverSettled(): void {
    while (this.#readers.size > 0) {
      if (this.#isSettled()) {
        this.#deliver(this.#readers.shift()!, this.#shift());
      } else {
        if (this.#slots.size > 0 || !this.#exhausted) break; // what is drawn next will serve
        this.#end();
      }
    }
    this.#limit();
  }

  /** Whether the first slot is there, and settled. */
  #isSettled(): boolean {
    return this.#slots.size > 0 && this.#slots.peek() !== PENDING;
  }

  /** Takes the first slot. */
  #shift(): unknown {
    this.#given++;
    return this.#slots.shift();
  }

  #deliver(reader: Reader, outcome: unknown): void {
    if (!(outcome instanceof Failure)) return reader.resolve({ done: false, value: outcome });
    // A reader that waits already has asked again, so it is as if next() had been called.
    if (this.#readers.size === 0 && !this.#finished && this.#mayPause) this.#paused = true;
    reader.reject(outcome.error());
  }

  /** There is nothing more: all readers hear it, the first one also why, if there would have been more. */
  #end(): void {
    this.#finished = true;
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
      this.#timer = new Timer(Math.max(0, this.#deadline - now()), () => this.#expire());
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
    this.#slots.takeAll(); // first, as those who still wait are to get the end and no error
    this.#dropUnsent(cancelledError);
    this.#exhaust();
    this.#undrawn = undefined;
  }

  /** Settles all that was not sent, wherever it lies. */
  #dropUnsent(error: () => Error): void {
    this.#queueRun(); // an iterable that is being drawn may have come to this
    this.#held = [];
    const failure = new Failure(error);
    for (const run of Array.from(this.#runs)) run.drop(failure);
    for (const call of Array.from(this.#returned)) call.drop(failure);
    this.#returned.clear();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    for (const entry of this.#held.splice(0)) {
      entry.state = ItemState.QUEUED;
      this.#scheduler.resume(entry);
    }
  }

  // Drawing.

  #hasRoom(): boolean {
    if (this.#exhausted || this.#paused) return false;
    return this.#drawn < this.#drawnAnyway || this.#slots.size < this.#room;
  }

  #draw(): void {
    if (this.#drawing || !this.#hasRoom()) return;
    if (this.#rows.isAsync) return void this.#drawAsync();
    this.#drawing = true; // what a slice settles at once must not begin another inside it
    for (let i = 0; i < SLICE && this.#hasRoom(); i++) this.#drawOne();
    this.#queueRun();
    if (this.#hasRoom()) {
      this.#scheduler.nextTurn(() => {
        this.#drawing = false;
        this.#serve();
      });
    } else {
      this.#drawing = false;
    }
    this.#deliverSettled();
  }

  #drawOne(): void {
    let row: unknown[] | undefined;
    try {
      row = this.#rows.next();
    } catch (error) {
      return this.#failDrawing(error);
    }
    if (row === undefined) this.#exhaust();
    else if (!this.#exhausted) this.#add(row); // the iterable itself may have ended the map, or the executor
  }

  async #drawAsync(): Promise<void> {
    this.#drawing = true;
    while (this.#hasRoom()) {
      let row: unknown[] | undefined;
      try {
        row = await this.#rows.nextAsync();
      } catch (error) {
        this.#failDrawing(error);
        break;
      }
      if (this.#exhausted) break; // the map has ended meanwhile
      if (row === undefined) this.#exhaust();
      else this.#add(row);
      this.#queueRun();
    }
    this.#drawing = false;
    this.#serve();
  }

  /** An iterable has thrown: the error is the last result. */
  #failDrawing(error: unknown): void {
    if (this.#exhausted) return;
    this.#exhaust();
    this.#drawn++;
    this.#slots.push(new Failure(() => error));
  }

  readonly #nameOf = (index: number): string =>
    this.#rows.width === 1 ? `items[${this.#drawn}]` : `items[${this.#drawn}][${index}]`;

  #add(row: unknown[]): void {
    const copied = this.#copy(row);
    if (this.#exhausted) return; // a getter of the item has ended the map, or the executor
    const index = this.#drawn++;
    if (copied instanceof Failure) {
      this.#queueRun();
      this.#slots.push(copied);
      return;
    }
    if (this.#run?.tryAdd(copied) !== true) {
      this.#queueRun();
      this.#run = new MapRun(this, index, this.#profile, copied);
    }
    this.#slots.push(PENDING);
    this.#unsettled++;
  }

  /** Copies a row, or says why it cannot cross. */
  #copy(row: unknown[]): CopiedArguments | Failure {
    this.#copying = true;
    try {
      return this.#scheduler.arguments.copy(row, this.#nameOf, this.#copyOptions);
    } catch (error) {
      return new Failure(() => error);
    } finally {
      this.#copying = false;
    }
  }

  /** Queues what was drawn. */
  #queueRun(): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    this.#runs.add(run);
    this.#scheduler.submit(run);
  }

  /** Draws nothing more. */
  #exhaust(): void {
    if (this.#exhausted) return;
    this.#exhausted = true;
    this.#leaveIfDone();
    this.#rows.close();
  }
}
