/**
 * The drawing of a `map`'s inputs: it takes items of them as there is room, and has each go turned into calls.
 *
 * Inputs of a known number are drawn to their end whether they are read or not, in slices, so that a long one does not
 * hold up the turn; of others only so many are drawn as there is room for unread results.
 *
 * Iterables, and getters of items, are code of the user's: while one gives an item (`#adding`), the map, or the executor, may
 * come to its end.
 */
import { now } from "../runtime/host_functions.ts";
import { ShutdownError } from "../errors.ts";
import type { CopyOptions } from "./call_arguments.ts";
import type { CallRules } from "./call_options.ts";
import type { Items } from "./map_arguments.ts";
import { type DrawnItems, ItemCollector } from "./map_items.ts";
import type { Outcomes } from "./map_outcomes.ts";
import { END, Rows } from "./map_rows.ts";
import type { Scheduler } from "./scheduler.ts";

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

/** What the drawing asks its map, and tells it. Items are numbered as they are drawn. */
export interface MapOfDrawing {
  /** Whether nothing is to be drawn now. */
  readonly isPaused: boolean;
  /** Items were drawn in one go, and are to be queued; the first of them has the number `first`. */
  drew(items: DrawnItems, first: number): void;
  /** The item of that number cannot cross. */
  refused(index: number, error: unknown): void;
  /** An iterable has thrown instead of giving the item of that number, and nothing more is drawn. */
  threw(index: number, error: unknown): void;
  /** Nothing more will be drawn. */
  exhausted(): void;
  /** It pauses: what was drawn may have outcomes already. */
  rested(): void;
}

/** How inputs are drawn. */
export interface DrawingOptions {
  /** Takes the calls. */
  readonly scheduler: Scheduler;
  /** How calls are made. */
  readonly rules: CallRules;
  /** The outcomes of the items: those that were not taken take room. */
  readonly outcomes: Outcomes;
  /** Items ahead of the reader at most, if the user has said it. */
  readonly buffersize: number | undefined;
  /** Each item of the one iterable is a row: the arguments of a call. */
  readonly isStar: boolean;
}

/** Draws the items of a map. */
export class Drawing {
  readonly #map: MapOfDrawing;
  readonly #scheduler: Scheduler;
  readonly #outcomes: Outcomes;
  readonly #rows: Rows;
  /** What was drawn in this go, and is to be queued after it. */
  readonly #items: ItemCollector;
  /** Unread items up to which is drawn. */
  readonly #room: number;
  /** Items that are drawn whether they are read or not. */
  #drawnAnyway: number;
  /** A slice of drawing is due, or an asynchronous one under way. */
  #drawing = false;
  /** An item is being drawn or copied. */
  #adding = false;
  #isExhausted: boolean;

  /**
   * Begins the iterables, and draws nothing yet.
   *
   * @throws What says that one of them gives no iterator.
   */
  constructor(map: MapOfDrawing, iterables: readonly Items<unknown>[], options: DrawingOptions) {
    const { scheduler, rules, outcomes, buffersize, isStar } = options;
    const check = (): void => {
      // What ends a map takes no buffer away.
      if (this.#isExhausted) throw new ShutdownError("Cannot draw an item as its map must go on: it was ended");
    };
    const copyOptions: CopyOptions = { transfer: rules.transfer, metOnly: true, check };
    this.#items = new ItemCollector(
      { width: iterables.length, isStar },
      (row, nameOf) => scheduler.arguments.copy(row, nameOf, copyOptions),
      (items, first) => map.drew(items, first),
    );
    this.#map = map;
    this.#scheduler = scheduler;
    this.#outcomes = outcomes;
    this.#rows = new Rows(iterables);
    this.#room = buffersize ?? UNREAD;
    this.#drawnAnyway = buffersize === undefined ? this.#rows.knownSize : 0;
    this.#isExhausted = iterables.length === 0;
  }

  /** Items that were drawn, those that cannot cross included. */
  get count(): number {
    return this.#items.count;
  }

  /** Nothing more is to be drawn: the iterables have ended, or the map has. */
  get isExhausted(): boolean {
    return this.#isExhausted;
  }

  /** Draws what there is room for. */
  draw(): void {
    if (this.#drawing || this.#adding || !this.#hasRoom()) return;
    if (this.#rows.isAsync) return void this.#drawAsync();
    this.#drawing = true; // what a slice settles at once must not begin another inside it
    this.#drawSlice();
    this.#items.flush();
    if (this.#hasRoom()) {
      this.#scheduler.nextTurn(() => {
        this.#drawing = false;
        this.draw();
      });
    } else {
      this.#drawing = false;
    }
    this.#map.rested();
  }

  /**
   * Draws where much is to be drawn: what is drawn in one go travels together.
   *
   * @param unsettled Items that were drawn and have no outcome.
   */
  refill(unsettled: number): void {
    if (unsettled <= this.#room / 2) this.draw();
  }

  /** From now on inputs of a known number are drawn to their end, read or not. */
  drawAnyway(): void {
    this.#drawnAnyway = this.#rows.knownSize;
    this.draw();
  }

  /** Draws inputs of a known number to their end, at once. */
  drawToEnd(): void {
    if (this.#drawnAnyway === 0 || this.#adding) return;
    // One further than to the last, to see the end; one that goes on past its own size is left there.
    while (!this.#isExhausted && this.#items.count <= this.#drawnAnyway) this.#drawOne();
    this.#items.flush();
  }

  /** Has what was drawn be queued. */
  flush(): void {
    this.#items.flush();
  }

  /** Draws nothing more. */
  exhaust(): void {
    if (this.#isExhausted) return;
    this.#isExhausted = true;
    this.#rows.close();
    this.#map.exhausted();
  }

  #hasRoom(): boolean {
    return this.#roomLeft() > 0;
  }

  /** How many more items may be drawn now. */
  #roomLeft(): number {
    if (this.#isExhausted || this.#map.isPaused) return 0;
    const { count, size } = this.#items;
    const queueable = this.#scheduler.room.left - size; // the scheduler tells when there is more
    return Math.min(Math.max(this.#drawnAnyway - count, this.#room - (count - this.#outcomes.taken)), queueable);
  }

  #drawSlice(): void {
    const end = now() + SLICE;
    do {
      for (let i = 0; i < ITEMS_BETWEEN && this.#hasRoom(); i++) {
        this.#drawOne();
        if (!this.#items.isColumn || this.#rows.array === undefined) continue;
        this.#drawRun(this.#rows.array);
        break;
      }
    } while (this.#hasRoom() && now() < end);
  }

  #drawOne(): void {
    this.#adding = true;
    try {
      const item = this.#rows.width === 1 ? this.#rows.nextValue() : this.#rows.next();
      if (item === END) this.exhaust();
      else if (!this.#isExhausted) this.#add(item); // the iterable itself may have ended the map, or the executor
    } catch (error) {
      this.#fail(error);
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
        if (this.#isExhausted) return; // by a getter, or a proxy
        if (!this.#items.tryAddToColumn(item)) return this.#add(item);
      }
    } catch (error) {
      this.#fail(error);
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
        this.#fail(error);
        break;
      }
      if (this.#isExhausted) break; // the map has ended meanwhile
      if (row === END) this.exhaust();
      else this.#add(this.#rows.width === 1 ? row[0] : row);
      this.#items.flush();
      this.#map.rested();
    }
    this.#drawing = false;
    this.#map.rested();
    this.draw();
  }

  #add(item: unknown): void {
    try {
      this.#items.add(item);
    } catch (error) {
      if (this.#isExhausted) return; // a getter of the item has ended the map, or the executor
      this.#items.flush();
      this.#map.refused(this.#items.count++, error);
    }
  }

  /** An iterable has thrown. */
  #fail(error: unknown): void {
    if (this.#isExhausted) return;
    this.#map.threw(this.#items.count++, error);
    this.exhaust();
  }
}
