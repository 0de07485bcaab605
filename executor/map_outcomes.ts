/** Where the outcomes of a map's items go, until they are read. */
import { Failure } from "./map_span.ts";

/** Outcomes of a map's items: values, or {@linkcode Failure}s. */
export interface Outcomes {
  /** Whether each has a place of its own, an error of the iterable too, which would be the next item's. */
  readonly hasPlaces: boolean;
  /** How many nobody has to read any more. */
  readonly taken: number;
  /** Whether the next one is there. */
  readonly hasNext: boolean;
  /** Takes the next one, which is there. */
  take(): unknown;
  /** Takes all that come next and are values, in arrays that are added to `all`. */
  takeValues(all: unknown[][]): void;
  /** The item of that number has its outcome. */
  settle(index: number, outcome: unknown): void;
  /** So many items from that number on have the values that stand in `values` from `from` on. */
  settleAll(index: number, count: number, values: readonly unknown[], from: number): void;
  /** There will be no more; `undrawn` says why, if there would have been. May be called again. */
  end(undrawn: (() => unknown) | undefined): void;
  /** Nobody wants them any more. */
  clear(): void;
}

/** Outcomes in a run up to which others are put to it: its array is there until all of them are taken. */
const LONGEST_RUN = 1024;

/** Runs of outcomes: what a worker answers together stays together, so that a million results are some hundred arrays. */
class Runs {
  /** Outcomes taken; the number of the next one. */
  taken = 0;
  /** Runs by the number of their first outcome: of values alone, or a single failure. The one that is read is not among them. */
  readonly #runs = new Map<number, unknown[]>();
  /** The run that is read, and the place of its next outcome; it may be the one that grows, too. */
  #reading: unknown[] = [];
  #at = 0;
  /** The run that grows, and the number of the outcome that goes on with it; `undefined`: none does. */
  #growing: unknown[] = [];
  #next: number | undefined;

  put(index: number, outcome: unknown): void {
    const isFailure = outcome instanceof Failure;
    if (index === this.#next && !isFailure && this.#growing.length < LONGEST_RUN) {
      this.#growing.push(outcome);
    } else {
      this.#growing = [outcome];
      this.#runs.set(index, this.#growing);
    }
    this.#next = isFailure ? undefined : index + 1;
  }

  /** Puts values that came together; the array is kept. */
  putAll(index: number, values: unknown[]): void {
    this.#runs.set(index, values);
  }

  get hasNext(): boolean {
    return this.#at < this.#reading.length || this.#runs.has(this.taken);
  }

  /** Takes the next one, which is there. */
  take(): unknown {
    if (this.#at === this.#reading.length) this.#turn();
    const outcome = this.#reading[this.#at];
    if (typeof outcome !== "number") this.#reading[this.#at] = undefined; // it may be large
    this.#at++;
    this.taken++;
    return outcome;
  }

  /** Takes the values that come next, up to a failure, or to what is not there; runs of them are added to `all`. */
  takeValues(all: unknown[][]): void {
    while (this.hasNext) {
      if (this.#at === this.#reading.length) this.#turn();
      if (this.#reading[this.#at] instanceof Failure) return;
      const values = this.#at === 0 ? this.#reading : this.#reading.slice(this.#at);
      this.taken += values.length;
      this.#leave();
      all.push(values);
    }
  }

  /** Goes on to the next run. */
  #turn(): void {
    this.#leave();
    this.#reading = this.#runs.get(this.taken)!;
    this.#runs.delete(this.taken);
  }

  /** Reads this run no further: what comes behind it is to be another. */
  #leave(): void {
    if (this.#reading === this.#growing) this.#next = undefined;
    this.#reading = [];
    this.#at = 0;
  }

  clear(): void {
    this.#leave();
    this.#runs.clear();
    this.#next = undefined;
  }
}

/** What is read one by one. */
abstract class OneByOne {
  protected readonly runs: Runs = new Runs();

  get taken(): number {
    return this.runs.taken;
  }

  get hasNext(): boolean {
    return this.runs.hasNext;
  }

  take(): unknown {
    return this.runs.take();
  }

  takeValues(all: unknown[][]): void {
    this.runs.takeValues(all);
  }

  end(): void {}

  clear(): void {
    this.runs.clear();
  }
}

/** In the order of the items. */
export class InOrder extends OneByOne implements Outcomes {
  readonly hasPlaces = true;

  settle(index: number, outcome: unknown): void {
    this.runs.put(index, outcome);
  }

  settleAll(index: number, count: number, values: readonly unknown[], from: number): void {
    this.runs.putAll(index, cut(values, from, count));
  }
}

/** As they come: each gets the next number. */
export class AsCompleted extends OneByOne implements Outcomes {
  readonly hasPlaces = false;
  /** Outcomes that have come. */
  #count = 0;

  settle(_index: number, outcome: unknown): void {
    this.runs.put(this.#count++, outcome);
  }

  settleAll(_index: number, count: number, values: readonly unknown[], from: number): void {
    this.runs.putAll(this.#count, cut(values, from, count));
    this.#count += count;
  }
}

/** All together: nobody waits for the next one. */
export class Gathered implements Outcomes {
  readonly hasPlaces = false;
  readonly hasNext = false;
  /** All that have come: they are read when all are there. */
  taken = 0;
  readonly #runs = new Runs();
  readonly #all: PromiseWithResolvers<unknown[]> = Promise.withResolvers();

  /** All values; rejects with the failure of the first item that failed, once all calls have ended. */
  get all(): Promise<unknown[]> {
    return this.#all.promise;
  }

  take(): undefined {}

  takeValues(): void {}

  settle(index: number, outcome: unknown): void {
    this.taken++;
    this.#runs.put(index, outcome);
  }

  settleAll(index: number, count: number, values: readonly unknown[], from: number): void {
    this.taken += count;
    this.#runs.putAll(index, cut(values, from, count));
  }

  end(undrawn: (() => unknown) | undefined): void {
    const all: unknown[][] = [];
    this.#runs.takeValues(all);
    if (this.#runs.hasNext) this.#all.reject((this.#runs.take() as Failure).error());
    else if (undrawn !== undefined) this.#all.reject(undrawn());
    else this.#all.resolve(join(all));
  }

  clear(): void {}
}

/** A part of an array, which the array itself may be: whoever took the values out of a message keeps none of them. */
function cut(values: readonly unknown[], from: number, count: number): unknown[] {
  return count === values.length ? values as unknown[] : values.slice(from, from + count);
}

/** Items up to which hosts give an array that is made with its length memory at once. */
const LARGEST = 1 << 25;

/** All items of the arrays, in order. */
export function join(arrays: readonly unknown[][]): unknown[] {
  const size = arrays.reduce((size, { length }) => size + length, 0);
  // One that grows is copied again and again, each time to memory that is new to the process.
  const all: unknown[] = size <= LARGEST ? new Array(size) : [];
  let at = 0;
  for (const values of arrays) for (let i = 0; i < values.length; i++) all[at++] = values[i];
  return all;
}
