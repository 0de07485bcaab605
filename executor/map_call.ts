/** The call of one item of a `map`. */
import { CancelledError } from "../errors.ts";
import { ItemState, type TaskProfile, WorkItem } from "./work_item.ts";

/**
 * Milliseconds of work ahead of a worker for items of a map, which nobody cancels one by one: more than the 3 to 4 for which
 * a system halts a process where cores are shared, as workers would run dry in that time.
 */
const AHEAD = 8;

/** What a call asks its map, and tells it. */
export interface MapOfCall {
  /** It has settled. */
  settled(call: MapCall): void;
  /** It was cancelled, and had not been sent; `queued`: it may still lie in the queue. */
  dropped(queued: boolean): void;
  /** Whether it is to be held back, its turn having come. */
  tryHold(call: MapCall): boolean;
  /** Whether two calls travel in one message. */
  sameChunk(one: MapCall, other: MapCall): boolean;
}

/** What became of an item. */
export const Outcome = { NONE: 0, VALUE: 1, ERROR: 2 } as const;
/** One of {@linkcode Outcome}. */
export type Outcome = typeof Outcome[keyof typeof Outcome];

/** The call of one item, and the place of its result. */
export class MapCall extends WorkItem {
  readonly #map: MapOfCall;
  /** Place among the items. */
  readonly index: number;
  /** What became of it. */
  outcome: Outcome = Outcome.NONE;
  /** What was returned or thrown. */
  value: unknown;

  /** Holds the encoded item. */
  constructor(map: MapOfCall, index: number, profile: TaskProfile, bytes: Uint8Array, start: number, end: number) {
    super(profile, bytes, start, end);
    this.#map = map;
    this.index = index;
  }

  override get ahead(): number {
    return AHEAD;
  }

  override get slices(): boolean {
    return true;
  }

  override tryHold(): boolean {
    return this.#map.tryHold(this);
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
