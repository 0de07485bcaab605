/**
 * The calls of a `map`: in runs as long as they wait, each an object of its own from when it is sent.
 */
import { CancelledError } from "../errors.ts";
import type { Segment } from "../channel/segments.ts";
import type { CopiedArguments } from "./call_arguments.ts";
import { ItemState, type QueueEntry, type TaskProfile, WorkItem } from "./work_item.ts";

/**
 * Milliseconds of work ahead of a worker for items of a map, which nobody cancels one by one: more than the 3 to 4 for which
 * a system halts a process where cores are shared, as workers would run dry in that time.
 */
const AHEAD = 16;

/** What calls ask their map, and tell it. */
export interface MapOfCall {
  /** The item of that number has its outcome: a value, or a {@linkcode Failure}. */
  settled(index: number, outcome: unknown): void;
  /** So many calls that were not sent have settled; `queued`: they may still lie in the queue. */
  dropped(count: number, queued: boolean): void;
  /** A call was sent. */
  sent(call: MapCall): void;
  /** A call that was sent lies in the queue again. */
  takenBack(call: MapCall): void;
  /** All calls of a run were sent or dropped. */
  exhausted(run: MapRun): void;
  /** Whether they are to be held back, their turn having come. */
  tryHold(entry: MapRun | MapCall): boolean;
  /** Whether two calls travel in one message. */
  sameChunk(one: MapCall, other: MapCall): boolean;
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

/** Items that follow each other and lie, encoded, one behind the other in one block. */
export class MapRun implements QueueEntry {
  id = 0;
  /** Whether it is queued or held back. */
  state: ItemState = ItemState.QUEUED;
  readonly #map: MapOfCall;
  /** Number of the first item among all of the map. */
  readonly #index: number;
  readonly #profile: TaskProfile;
  readonly #bytes: Uint8Array;
  /** Where the items begin, and where the last ends. */
  readonly #bounds: number[];
  /** Large buffers of its item, which is the only one if it has any. */
  readonly #segments: readonly Segment[];
  /** Items that were taken out. */
  #taken = 0;

  /** Of one item. */
  constructor(map: MapOfCall, index: number, profile: TaskProfile, { bytes, start, end, segments }: CopiedArguments) {
    this.#map = map;
    this.#index = index;
    this.#profile = profile;
    this.#bytes = bytes;
    this.#bounds = [start, end];
    this.#segments = segments;
  }

  /** Appends the next item, if its bytes are the next and neither has segments. */
  tryAdd({ bytes, start, end, segments }: CopiedArguments): boolean {
    if (bytes !== this.#bytes || start !== this.#bounds[this.#bounds.length - 1]) return false;
    if (segments.length > 0 || this.#segments.length > 0) return false;
    this.#bounds.push(end);
    return true;
  }

  get size(): number {
    return this.#bounds.length - 1 - this.#taken;
  }

  first(): MapCall | undefined {
    if (this.size === 0) return undefined;
    const [at, bounds] = [this.#taken, this.#bounds];
    const call = new MapCall(this.#map, this.#index + at, this.#profile, this.#bytes, bounds[at], bounds[at + 1]);
    call.id = this.id + at;
    call.segments = this.#segments;
    return call;
  }

  takeFirst(): boolean {
    this.#taken++;
    if (this.size > 0) return false;
    this.#map.exhausted(this);
    return true;
  }

  tryHold(): boolean {
    return this.#map.tryHold(this);
  }

  /** Settles all that is left in it. */
  drop(outcome: Failure): void {
    const { size } = this;
    const first = this.#index + this.#taken;
    this.#taken += size;
    this.#map.exhausted(this);
    for (let i = 0; i < size; i++) this.#map.settled(first + i, outcome);
    this.#map.dropped(size, this.state === ItemState.QUEUED);
  }
}

/** The call of one item. */
export class MapCall extends WorkItem {
  readonly #map: MapOfCall;
  /** Number of the item. */
  readonly index: number;

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

  cancel(): boolean {
    if (this.state === ItemState.SENT || this.state === ItemState.SETTLED) return false;
    this.drop(new Failure(cancelledError));
    return true;
  }

  /** Settles it, which was taken back, if the pool's end has not done so already. */
  drop(outcome: Failure): void {
    if (this.state === ItemState.SETTLED) return;
    const queued = this.state === ItemState.QUEUED;
    this.finish();
    this.#map.settled(this.index, outcome);
    this.#map.dropped(1, queued);
  }

  protected onSent(): void {
    this.#map.sent(this);
  }

  protected onTakenBack(): void {
    this.#map.takenBack(this);
  }

  protected onSuccess(value: unknown): void {
    this.#map.settled(this.index, value);
  }

  protected onFailure(error: unknown): void {
    this.#map.settled(this.index, new Failure(() => error));
  }
}
