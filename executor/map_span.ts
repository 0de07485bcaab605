/**
 * The calls of a `map`, in spans: items that follow each other, as they wait, as they are sent, as they are taken back. What is
 * drawn in one go is one span; the scheduler cuts off it what a worker is to have, and of that is cut off what is answered.
 */
import { CancelledError } from "../errors.ts";
import type { FrameWriter } from "../channel/protocol.ts";
import type { CallRules } from "./call_options.ts";
import type { DrawnItems } from "./map_items.ts";
import type { TaskProfile } from "./task_profile.ts";
import { ItemState, WorkItem } from "./work_item.ts";

/**
 * Milliseconds of work ahead of a worker for items of a map, which nobody cancels one by one: more than the 3 to 4 for which
 * a system halts a process where cores are shared, as workers would run dry in that time; and the more calls travel in one
 * message, the less each costs.
 */
const AHEAD = 16;

/** Calls that a worker has at most: of a tenth of a microsecond a thousand are done before the next thousand can come. */
const MOST_AHEAD = 16_384;

/** What spans ask their map, and tell it. */
export interface MapOfSpan {
  /** Items in a message; 0: as the scheduler finds best. */
  readonly chunksize: number;
  /** Nobody will read its results. */
  readonly isFinished: boolean;
  /** The item of that number has its outcome: a value, or a {@linkcode Failure}. */
  settled(index: number, outcome: unknown): void;
  /** The item of that number has failed. */
  failed(index: number, error: unknown): void;
  /** So many items from that number on have the values that stand in `values` from `from` on. */
  settledAll(index: number, count: number, values: readonly unknown[], from: number): void;
  /** Calls that were not sent have settled, so many; `queued`: they may still lie in the queue. */
  dropped(span: MapSpan, count: number, queued: boolean): void;
  /** A span was sent, as a whole. */
  sent(span: MapSpan): void;
  /** A span that was sent lies in the queue again. */
  takenBack(span: MapSpan): void;
  /** Whether it is to be held back, its turn having come. */
  tryHold(span: MapSpan): boolean;
}

/** The outcome of an item that has no value. */
export class Failure {
  /** Gives what was thrown. */
  readonly error: () => unknown;

  /** Of what `error` gives when it is delivered. */
  constructor(error: () => unknown) {
    this.error = error;
  }
}

/** What a call that was cancelled has instead of a value. */
export function cancelledError(): Error {
  return new CancelledError("Cannot get a result as its call must not be cancelled: it was");
}

/** Calls of items that follow each other. */
export class MapSpan extends WorkItem {
  override count: number;
  readonly #map: MapOfSpan;
  /** Number of the first item among all of the map. */
  #index: number;
  readonly #items: DrawnItems;
  /** Place of the first item among the drawn ones. */
  #at: number;

  /**
   * Of drawn items.
   *
   * @param index Number of the first item among all of the map.
   * @param at Its place among the drawn ones.
   * @param count How many there are.
   */
  constructor(
    map: MapOfSpan,
    profile: TaskProfile,
    rules: CallRules,
    items: DrawnItems,
    index: number,
    at = 0,
    count: number = items.count,
  ) {
    super(profile, rules);
    this.#map = map;
    this.#items = items;
    this.#index = index;
    this.#at = at;
    this.count = count;
    this.segments = items.segments;
  }

  override take(count: number): MapSpan {
    const first = new MapSpan(this.#map, this.profile, this.rules, this.#items, this.#index, this.#at, count);
    first.id = this.id;
    first.state = this.state;
    first.estimate = this.estimate;
    first.failed = this.failed;
    this.id += count;
    this.#index += count;
    this.#at += count;
    this.count -= count;
    return first;
  }

  get argumentsSize(): number {
    return this.#items.size(this.#at, this.count);
  }

  override countWithin(bytes: number, most: number): number {
    return this.#items.countWithin(bytes, this.#at, Math.min(most, this.count));
  }

  override mayRunAgain(isLoss: boolean): boolean {
    return !this.#map.isFinished && super.mayRunAgain(isLoss);
  }

  override get isColumn(): boolean {
    return this.#items.isColumn;
  }

  write(frame: FrameWriter): void {
    this.#items.write(frame, this.#at, this.count, this.id);
  }

  override get ahead(): number {
    return AHEAD;
  }

  override get mostAhead(): number {
    return MOST_AHEAD;
  }

  override get slices(): boolean {
    return !this.isAlone;
  }

  override tryHold(): boolean {
    return this.#map.tryHold(this);
  }

  override get chunkLeft(): number {
    const { chunksize } = this.#map;
    return chunksize === 0 ? 0 : chunksize - this.#index % chunksize;
  }

  override joins(previous: WorkItem): boolean {
    const { chunksize } = this.#map;
    if (chunksize === 0 || !(previous instanceof MapSpan) || previous.#map !== this.#map) return false;
    const last = previous.#index + previous.count - 1;
    return Math.floor(last / chunksize) === Math.floor(this.#index / chunksize);
  }

  cancel(): boolean {
    if (this.state === ItemState.SENT || this.state === ItemState.SETTLED) return false;
    this.drop(new Failure(cancelledError));
    return true;
  }

  /** Whether it is of that map. */
  isOf(map: MapOfSpan): boolean {
    return this.#map === map;
  }

  /** Settles it, which was sent: the worker that is at one of its calls is to end that. */
  condemn(outcome: Failure): void {
    this.finish();
    for (let i = 0; i < this.count; i++) this.#map.settled(this.#index + i, outcome);
  }

  /** Settles it, which is not sent, if the pool's end has not done so already. */
  drop(outcome: Failure): void {
    if (this.state === ItemState.SETTLED) return;
    const queued = this.state === ItemState.QUEUED;
    const { count } = this;
    this.finish();
    for (let i = 0; i < count; i++) this.#map.settled(this.#index + i, outcome);
    this.#map.dropped(this, count, queued);
  }

  override succeedAll(values: readonly unknown[], from: number): void {
    this.finish();
    this.#map.settledAll(this.#index, this.count, values, from);
  }

  protected onSent(): void {
    this.#map.sent(this);
  }

  protected onTakenBack(): void {
    this.#map.takenBack(this);
  }

  protected onSuccess(value: unknown): void {
    this.#map.settled(this.#index, value);
  }

  protected onFailure(error: unknown): void {
    this.#map.failed(this.#index, error);
  }
}
