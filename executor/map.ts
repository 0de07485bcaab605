/**
 * The results of `map`: it draws the inputs, makes a call of each item, and gives the results in their order.
 *
 * ```text
 * #rows ─ draw ─▶ #items ─ spans ─▶ scheduler ─▶ worker ─▶ settled ─▶ #outcomes ─▶ next()
 * ```
 *
 * `#readers` are the calls of `next()` (`map_readers.ts`) that wait for the next outcome (`map_outcomes.ts`). What is drawn in one go
 * (`map_items.ts`) is one span in the queue (`map_span.ts`).
 * Inputs of a known number are drawn to their end whether they are read or not, in slices, so that a long one does not
 * hold up the turn; of others only so many are drawn as there is room for unread results.
 *
 * After a rejected `next()` the map is *paused*: `for await` leaves without a word then, so that nobody may ever read the
 * rest. A paused map's calls are held back when their turn comes, until `next()` is called again.
 */
import { now } from "../runtime/host_functions.ts";
import { CancelledError, ShutdownError } from "../errors.ts";
import type { CopyOptions } from "./call_arguments.ts";
import type { Abortable } from "./abort_group.ts";
import type { CallRules } from "./call_options.ts";
import type { Items, MapOptions } from "./map_arguments.ts";
import { type DrawnItems, ItemCollector } from "./map_items.ts";
import { AsCompleted, Gathered, InOrder, join, type Outcomes } from "./map_outcomes.ts";
import { Readers } from "./map_readers.ts";
import { cancelledError, Failure, type MapOfSpan, MapSpan } from "./map_span.ts";
import { END, Rows } from "./map_rows.ts";
import type { ItemSource } from "./pending_calls.ts";
import type { Scheduler } from "./scheduler.ts";
import type { TaskProfile } from "./task_profile.ts";
import { ItemState } from "./work_item.ts";

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
   * @returns They, in order; rejects with the first error, and those before it are lost. What is left then is held back, as
   *   after a rejected `next()`, until it is read or the executor is shut down; `return()` lets it go.
   */
  toArray(): Promise<R[]>;
  /** Itself. */
  [Symbol.asyncIterator](): MapResults<R>;
}

/** What other faces than `Executor.map` ask of a map. */
export interface MapMode {
  /** Each item of the one iterable is a row: the arguments of a call. */
  readonly isStar?: boolean;
  /** Results come as they complete, in no order; an error of the iterable itself comes last. */
  readonly isUnordered?: boolean;
  /** Results are wanted all together, in order, by {@linkcode MapCalls.gathered}; nothing is held back after an error. */
  readonly isGathered?: boolean;
  /** Called when nothing more will be drawn. */
  onExhausted?(): void;
}

/**
 * Unread results up to which inputs of unknown number are drawn. More keeps more workers busy over a slow reader's pauses;
 * less holds less in memory, and draws less in vain from an endless one.
 */
const UNREAD = 4096;

/** Milliseconds of drawing in one turn, and items between two looks at the clock. */
const SLICE = 1;
const ITEMS_BETWEEN = 256;

/** Items of an array that are drawn without a look at the clock: some tens of microseconds. */
const ITEMS_IN_RUN = 4096;

/** A `map` that was called. */
export class MapCalls implements MapResults<unknown>, ItemSource, MapOfSpan, Abortable {
  readonly #scheduler: Scheduler;
  readonly #profile: TaskProfile;
  readonly #rules: CallRules;
  readonly #rows: Rows;
  readonly chunksize: number;
  /** Unread items up to which is drawn. */
  readonly #room: number;
  /** Items that are drawn whether they are read or not. */
  #drawnAnyway: number;
  readonly #outcomes: Outcomes;
  readonly #readers: Readers;
  /** What was drawn in this go, and is to be queued after it. */
  readonly #items: ItemCollector;
  /** Items that were drawn and have no outcome. */
  #unsettled = 0;
  /** Spans that are not sent: in the queue, or held back. */
  readonly #waiting = new Set<MapSpan>();
  /** A slice of drawing is due, or an asynchronous one under way. */
  #drawing = false;
  /** An item is being drawn or copied: an iterable, or a getter, may do anything, to this map too. */
  #adding = false;
  /** Nothing more is to be drawn: the iterables have ended, or the map has. */
  #exhausted = false;
  /** Why what was not drawn never will be. */
  #undrawn: (() => unknown) | undefined;
  /** An error was delivered, and `next()` not called since. */
  #paused = false;
  #mayPause = true;
  /** Failures that were not delivered, of which the scheduler is told. */
  readonly #unseen = new Set<Failure>();
  /** What came to its turn in that time, in order. */
  #held: MapSpan[] = [];
  /** No more results will be given. */
  #finished = false;
  readonly #onExhausted: (() => void) | undefined;

  /** Draws the first slice. */
  constructor(
    scheduler: Scheduler,
    profile: TaskProfile,
    iterables: readonly Items<unknown>[],
    { timeout = Infinity, chunksize = "auto", buffersize }: MapOptions,
    rules: CallRules,
    mode: MapMode = {},
  ) {
    const check = (): void => {
      // What ends a map takes no buffer away.
      if (this.#exhausted) throw new ShutdownError("Cannot draw an item as its map must go on: it was ended");
    };
    const copyOptions: CopyOptions = { transfer: rules.transfer, metOnly: true, check };
    this.#items = new ItemCollector(
      { width: iterables.length, isStar: mode.isStar ?? false },
      (row, nameOf) => scheduler.arguments.copy(row, nameOf, copyOptions),
      (items, first) => this.#queue(items, first),
    );
    this.#rules = rules;
    this.#outcomes = mode.isGathered ? new Gathered() : mode.isUnordered ? new AsCompleted() : new InOrder();
    this.#onExhausted = mode.onExhausted;
    this.#scheduler = scheduler;
    this.#profile = profile;
    this.chunksize = chunksize === "auto" ? 0 : chunksize;
    this.#room = buffersize ?? UNREAD;
    this.#readers = new Readers(timeout, () => {
      this.#finish();
      this.#serve();
    });
    this.#exhausted = iterables.length === 0;
    this.#rows = new Rows(iterables);
    this.#drawnAnyway = buffersize === undefined ? this.#rows.knownSize : 0;
    if (!this.#exhausted) scheduler.calls.addSource(this);
    this.#draw();
  }

  /** All values, of a map that is gathered. */
  get gathered(): Promise<unknown[]> {
    return (this.#outcomes as Gathered).all;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    return this.nextWithin(Infinity);
  }

  /** {@linkcode MapCalls.next} that waits so many milliseconds at most; what it did not wait for is that of a later one. */
  nextWithin(limit: number): Promise<IteratorResult<unknown, undefined>> {
    this.#resume();
    const result = this.#readers.add(limit);
    this.#serve();
    return result;
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    this.#finish();
    this.#serve();
    return Promise.resolve({ done: true, value: undefined });
  }

  async toArray(): Promise<unknown[]> {
    const all: unknown[][] = [];
    for (;;) {
      // What is there is taken at once: a promise for each of a million results costs more than they do.
      if (this.#readers.size === 0) {
        this.#resume();
        const outcomes = this.#outcomes;
        for (let values = outcomes.takeValues(); values !== undefined; values = outcomes.takeValues()) all.push(values);
        this.#draw();
      }
      const { done, value } = await this.next();
      if (done) return join(all);
      all.push([value]);
    }
  }

  // What calls tell.

  get isFinished(): boolean {
    return this.#finished;
  }

  settled(index: number, outcome: unknown): void {
    this.#unsettled--;
    if (!this.#finished) this.#outcomes.settle(index, outcome);
    this.#afterSettling();
  }

  failed(index: number, error: unknown): void {
    this.settled(index, this.#finished ? undefined : this.#failure(error)); // who wants no more wants no report
  }

  settledAll(index: number, count: number, values: readonly unknown[], from: number): void {
    this.#unsettled -= count;
    if (!this.#finished) this.#outcomes.settleAll(index, count, values, from);
    this.#afterSettling();
  }

  #afterSettling(): void {
    this.#leaveIfDone();
    if (this.#finished) return;
    if (this.#readers.size > 0 && this.#outcomes.hasNext) this.#serve();
    // What is drawn in one go travels together: so it is to be much.
    else if (!this.#outcomes.hasPlaces && this.#unsettled <= this.#room / 2) this.#draw();
  }

  /** The scheduler needs to know of it no longer: nothing more will come of it, read or not. */
  #leaveIfDone(): void {
    if (!this.isDone) return;
    this.#scheduler.calls.removeSource(this);
    this.#rules.group?.delete(this);
    this.#outcomes.end(this.#undrawn);
  }

  dropped(span: MapSpan, count: number, queued: boolean): void {
    this.#scheduler.calls.dropped(span, count, queued);
  }

  sent(span: MapSpan): void {
    this.#waiting.delete(span);
  }

  takenBack(span: MapSpan): void {
    this.#waiting.add(span);
  }

  tryHold(span: MapSpan): boolean {
    if (!this.#paused) return false;
    span.state = ItemState.HELD;
    this.#held.push(span);
    return true;
  }

  // What the scheduler tells.

  roomMade(): void {
    if (this.#hasRoom()) this.#serve();
  }

  stop(): void {
    if (this.#paused) this.cancel();
    // One further than to the last, to see the end; one that goes on past its own size is left there.
    else if (this.#drawnAnyway > 0 && !this.#adding) {
      while (!this.#exhausted && this.#items.count <= this.#drawnAnyway) this.#drawOne();
      this.#items.flush();
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

  /** From now on inputs of a known number are drawn to their end, read or not. */
  drawAnyway(): void {
    this.#drawnAnyway = this.#rows.knownSize;
    this.#draw();
  }

  get isDone(): boolean {
    return this.#exhausted && this.#unsettled === 0;
  }

  cancelBy(error: () => CancelledError): void {
    this.abort(error);
    const failure = new Failure(error);
    let count = 0;
    for (const item of this.#scheduler.sentOf((item) => item instanceof MapSpan && item.isOf(this))) {
      (item as MapSpan).condemn(failure);
      count += item.count;
    }
    if (count > 0) this.#scheduler.calls.condemned(count);
  }

  /** Draws nothing more; if there would have been more, that is an error behind the last result. */
  #cutOff(error: () => Error): void {
    this.#items.flush(); // a getter of the next item may have come to this: what was drawn before it runs
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
      if (this.#outcomes.hasNext) {
        this.#deliver(this.#outcomes.take());
      } else {
        // What is drawn, or settled, next will serve.
        if (!this.#exhausted || (this.#unsettled > 0 && !this.#finished)) break;
        this.#end();
      }
    }
    this.#readers.limit();
  }

  /** What an item is settled with that has failed; of those of a map that is gathered one is told, and that surely. */
  #failure(error: unknown): Failure {
    const failure = new Failure(() => error);
    if (this.#outcomes instanceof Gathered) return failure;
    if (this.#scheduler.calls.unseen.add(failure, error)) this.#unseen.add(failure);
    return failure;
  }

  /** A failure is delivered, or nobody wants it any more. */
  #see(failure: Failure): void {
    if (this.#unseen.delete(failure)) this.#scheduler.calls.unseen.delete(failure);
  }

  #deliver(outcome: unknown): void {
    if (!(outcome instanceof Failure)) return this.#readers.resolve(outcome);
    this.#see(outcome);
    this.#readers.reject(outcome.error());
    // A reader that waits already has asked again, so it is as if next() had been called.
    if (this.#readers.size === 0 && !this.#finished && this.#mayPause) this.#paused = true;
  }

  /** There is nothing more: all readers hear it, the first one also why, if there would have been more. */
  #end(): void {
    this.#finished = true;
    const error = this.#undrawn;
    this.#undrawn = undefined;
    if (error !== undefined) this.#readers.reject(error());
    this.#readers.end();
  }

  /** No more results are wanted. */
  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    for (const failure of Array.from(this.#unseen)) this.#see(failure);
    this.#outcomes.clear(); // first, as those who still wait are to get the end and no error
    this.#dropUnsent(cancelledError);
    this.#exhaust();
    this.#undrawn = undefined;
  }

  /** Settles all that was not sent, wherever it lies. */
  #dropUnsent(error: () => Error): void {
    this.#items.flush(); // an iterable that is being drawn may have come to this
    this.#held = [];
    const failure = new Failure(error);
    const waiting = Array.from(this.#waiting);
    this.#waiting.clear();
    for (const span of waiting) span.drop(failure);
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    for (const span of this.#held.splice(0)) this.#scheduler.calls.resume(span);
  }

  // Drawing.

  #hasRoom(): boolean {
    return this.#roomLeft() > 0;
  }

  /** How many more items may be drawn now. */
  #roomLeft(): number {
    if (this.#exhausted || this.#paused) return 0;
    const unread = this.#outcomes.unread + (this.#outcomes.hasPlaces ? 0 : this.#unsettled);
    const queueable = this.#scheduler.room.left - this.#items.size; // the scheduler tells when there is more
    return Math.min(Math.max(this.#drawnAnyway - this.#items.count, this.#room - unread), queueable);
  }

  #draw(): void {
    if (this.#drawing || !this.#hasRoom()) return;
    if (this.#rows.isAsync) return void this.#drawAsync();
    this.#drawing = true; // what a slice settles at once must not begin another inside it
    const end = now() + SLICE;
    do {
      for (let i = 0; i < ITEMS_BETWEEN && this.#hasRoom(); i++) {
        this.#drawOne();
        if (!this.#items.isColumn || this.#rows.array === undefined) continue;
        this.#drawRun(this.#rows.array);
        break;
      }
    } while (this.#hasRoom() && now() < end);
    this.#items.flush();
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
    this.#adding = true;
    try {
      const item = this.#rows.width === 1 ? this.#rows.nextValue() : this.#rows.next();
      if (item === END) this.#exhaust();
      else if (!this.#exhausted) this.#add(item); // the iterable itself may have ended the map, or the executor
    } catch (error) {
      this.#failDrawing(error);
    } finally {
      this.#adding = false;
    }
  }

  /** Draws of an array what follows and goes on with the column: nine of ten maps draw nothing else. */
  #drawRun(array: readonly unknown[]): void {
    const most = Math.min(this.#roomLeft(), ITEMS_IN_RUN);
    this.#adding = true;
    try {
      for (let i = 0; i < most && this.#rows.at < array.length; i++) {
        const item = array[this.#rows.at++];
        if (this.#exhausted) return; // by a getter, or a proxy
        if (!this.#items.tryAddToColumn(item)) return this.#add(item);
        this.#outcomes.add();
        this.#unsettled++;
      }
    } catch (error) {
      this.#failDrawing(error);
    } finally {
      this.#adding = false;
    }
  }

  async #drawAsync(): Promise<void> {
    this.#drawing = true;
    while (this.#hasRoom()) {
      let row: unknown[] | typeof END;
      try {
        row = await this.#rows.nextAsync();
      } catch (error) {
        this.#failDrawing(error);
        break;
      }
      if (this.#exhausted) break; // the map has ended meanwhile
      if (row === END) this.#exhaust();
      else this.#add(this.#rows.width === 1 ? row[0] : row);
      this.#items.flush();
    }
    this.#drawing = false;
    this.#serve();
  }

  /** An iterable has thrown: the error is the last result. */
  #failDrawing(error: unknown): void {
    if (this.#exhausted) return;
    if (!this.#outcomes.hasPlaces) this.#undrawn = () => error;
    this.#exhaust();
    if (this.#outcomes.hasPlaces) this.#refuse(error);
  }

  #add(item: unknown): void {
    try {
      this.#items.add(item);
    } catch (error) {
      if (this.#exhausted) return; // a getter of the item has ended the map, or the executor
      this.#items.flush();
      return this.#refuse(error);
    }
    this.#outcomes.add();
    this.#unsettled++;
  }

  /** The next item is none, or cannot cross. */
  #refuse(error: unknown): void {
    const failure = this.#failure(error);
    this.#outcomes.add();
    this.#outcomes.settle(this.#items.count++, failure);
  }

  /** Queues what was drawn. */
  #queue(items: DrawnItems, first: number): void {
    const span = new MapSpan(this, this.#profile, this.#rules, items, first);
    this.#waiting.add(span);
    this.#scheduler.submit(span);
  }

  /** Draws nothing more. */
  #exhaust(): void {
    if (this.#exhausted) return;
    this.#exhausted = true;
    this.#leaveIfDone();
    this.#rows.close();
    this.#onExhausted?.();
  }
}
