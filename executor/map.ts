/**
 * The results of `map`: a call of each item, and what they return in the items' order.
 *
 * ```text
 * Drawing ─ drew ─▶ spans ─▶ scheduler ─▶ worker ─▶ settled ─▶ #outcomes ─▶ #readers: next()
 * ```
 *
 * What the inputs have given in one go (`map_drawing.ts`) is one span in the queue (`map_span.ts`). `#readers` are the calls of
 * `next()` (`map_readers.ts`) that wait for the next outcome (`map_outcomes.ts`).
 *
 * After a rejected `next()` the map is *paused*: `for await` leaves without a word then, so that nobody may ever read the
 * rest. A paused map's calls are held back when their turn comes, until `next()` is called again.
 */
import { CancelledError, ShutdownError } from "../errors.ts";
import type { Abortable } from "./abort_group.ts";
import type { CallRules } from "./call_options.ts";
import type { Items, MapOptions } from "./map_arguments.ts";
import { Drawing, type MapOfDrawing } from "./map_drawing.ts";
import type { DrawnItems } from "./map_items.ts";
import { AsCompleted, Gathered, InOrder, join, type Outcomes } from "./map_outcomes.ts";
import { Readers } from "./map_readers.ts";
import { cancelledError, Failure, type MapOfSpan, MapSpan } from "./map_span.ts";
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

/** A `map` that was called. */
export class MapCalls implements MapResults<unknown>, ItemSource, MapOfDrawing, MapOfSpan, Abortable {
  readonly #scheduler: Scheduler;
  readonly #profile: TaskProfile;
  readonly #rules: CallRules;
  readonly chunksize: number;
  readonly #drawing: Drawing;
  readonly #outcomes: Outcomes;
  readonly #readers: Readers;
  /** Items that were drawn and have their outcome, read or not. */
  #settledCount = 0;
  /** Spans that are not sent: in the queue, or held back. */
  readonly #waiting = new Set<MapSpan>();
  /** Why what was not drawn never will be. */
  #undrawn: (() => unknown) | undefined;
  /** An error was delivered, and `next()` not called since. */
  #paused = false;
  /** What came to its turn in that time, in order. */
  #held: MapSpan[] = [];
  #mayPause = true;
  /** Failures that were not delivered, of which the scheduler is told. */
  readonly #unseen = new Set<Failure>();
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
    this.#scheduler = scheduler;
    this.#profile = profile;
    this.#rules = rules;
    this.chunksize = chunksize === "auto" ? 0 : chunksize;
    this.#onExhausted = mode.onExhausted;
    this.#outcomes = mode.isGathered ? new Gathered() : mode.isUnordered ? new AsCompleted() : new InOrder();
    this.#readers = new Readers(timeout, () => {
      this.#finish();
      this.#serve();
    });
    this.#drawing = new Drawing(this, iterables, {
      scheduler,
      rules,
      outcomes: this.#outcomes,
      buffersize,
      isStar: mode.isStar ?? false,
    });
    if (!this.#drawing.isExhausted) scheduler.calls.addSource(this);
    this.#drawing.draw();
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
        this.#outcomes.takeValues(all);
        this.#drawing.draw();
      }
      const { done, value } = await this.next();
      if (done) return join(all);
      all.push([value]);
    }
  }

  // What its drawing asks and tells.

  get isPaused(): boolean {
    return this.#paused;
  }

  drew(items: DrawnItems, first: number): void {
    const span = new MapSpan(this, this.#profile, this.#rules, items, first);
    this.#waiting.add(span);
    this.#scheduler.submit(span);
  }

  refused(index: number, error: unknown): void {
    this.#settledCount++;
    this.#outcomes.settle(index, this.#failure(error));
  }

  threw(index: number, error: unknown): void {
    if (this.#outcomes.hasPlaces) return this.refused(index, error);
    this.#settledCount++;
    this.#undrawn = () => error;
  }

  exhausted(): void {
    this.#leaveIfDone();
    this.#onExhausted?.();
  }

  rested(): void {
    this.#deliverSettled();
  }

  // What calls tell.

  get isFinished(): boolean {
    return this.#finished;
  }

  settled(index: number, outcome: unknown): void {
    this.#settledCount++;
    if (!this.#finished) this.#outcomes.settle(index, outcome);
    this.#afterSettling();
  }

  failed(index: number, error: unknown): void {
    this.settled(index, this.#finished ? undefined : this.#failure(error)); // who wants no more wants no report
  }

  settledAll(index: number, count: number, values: readonly unknown[], from: number): void {
    this.#settledCount += count;
    if (!this.#finished) this.#outcomes.settleAll(index, count, values, from);
    this.#afterSettling();
  }

  #afterSettling(): void {
    this.#leaveIfDone();
    if (this.#finished) return;
    if (this.#readers.size > 0 && this.#outcomes.hasNext) this.#serve();
    else if (!this.#outcomes.hasPlaces) this.#drawing.refill(this.#unsettled);
  }

  /** Items that were drawn and have no outcome. */
  get #unsettled(): number {
    return this.#drawing.count - this.#settledCount;
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
    this.#drawing.draw();
  }

  stop(): void {
    if (this.#paused) this.cancel();
    else this.#drawing.drawToEnd();
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
    this.#drawing.drawAnyway();
  }

  get isDone(): boolean {
    return this.#drawing.isExhausted && this.#unsettled === 0;
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
    this.#drawing.flush(); // a getter of the next item may have come to this: what was drawn before it runs
    // From now on nobody resumes what is held back: a pause would have the executor wait for ever.
    this.#mayPause = false;
    this.#paused = false;
    if (!this.#drawing.isExhausted) this.#undrawn ??= error;
    this.#drawing.exhaust();
    this.#serve();
  }

  // Reading.

  /** Gives what there is, and draws what there is room for then. */
  #serve(): void {
    this.#deliverSettled();
    this.#drawing.draw();
  }

  /** Gives the first readers the next outcomes, as far as both are there. */
  #deliverSettled(): void {
    while (this.#readers.size > 0) {
      if (this.#outcomes.hasNext) {
        this.#deliver(this.#outcomes.take());
      } else {
        // What is drawn, or settled, next will serve.
        if (!this.#drawing.isExhausted || (this.#unsettled > 0 && !this.#finished)) break;
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
    this.#drawing.exhaust();
    this.#undrawn = undefined;
  }

  /** Settles all that was not sent, wherever it lies. */
  #dropUnsent(error: () => Error): void {
    this.#drawing.flush(); // an iterable that is being drawn may have come to this
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
}
