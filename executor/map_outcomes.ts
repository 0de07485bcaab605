/** Where the outcomes of a map's items go, until they are read. */
import { Deque } from "./deque.ts";
import { Failure } from "./map_span.ts";

/** What a slot holds until its call is settled. */
const PENDING = Symbol("pending");

/** Outcomes of a map's items: values, or {@linkcode Failure}s. */
export interface Outcomes {
  /** Whether each has a place of its own, an error of the iterable too, which would be the next item's. */
  readonly hasPlaces: boolean;
  /** Those that are read one by one, and are not read, count; those of items that are not settled, too, if they have places. */
  readonly unread: number;
  /** Whether the next one is there. */
  readonly hasNext: boolean;
  /** The next one, if it is there; it stays. */
  peek(): unknown;
  /** Takes the next one. */
  take(): unknown;
  /** An item was drawn. */
  add(): void;
  /** The item of that number has its outcome. */
  settle(index: number, outcome: unknown): void;
  /** So many items from that number on have the values that stand in `values` from `from` on. */
  settleAll(index: number, count: number, values: readonly unknown[], from: number): void;
  /** There will be no more; `undrawn` says why, if there would have been. May be called again. */
  end(undrawn: (() => unknown) | undefined): void;
  /** Nobody wants them any more. */
  clear(): void;
}

/** In the order of the items: one slot for each that was drawn and not read. */
export class InOrder implements Outcomes {
  readonly hasPlaces = true;
  readonly #slots = new Deque<unknown>();
  /** Outcomes taken: the first slot is that of the item of this number. */
  #taken = 0;

  get unread(): number {
    return this.#slots.size;
  }

  get hasNext(): boolean {
    return this.#slots.size > 0 && this.#slots.peek() !== PENDING;
  }

  peek(): unknown {
    return this.#slots.peek();
  }

  take(): unknown {
    this.#taken++;
    return this.#slots.shift();
  }

  add(): void {
    this.#slots.push(PENDING);
  }

  settle(index: number, outcome: unknown): void {
    this.#slots.replace(index - this.#taken, outcome);
  }

  settleAll(index: number, count: number, values: readonly unknown[], from: number): void {
    const place = index - this.#taken;
    for (let i = 0; i < count; i++) this.#slots.replace(place + i, values[from + i]);
  }

  end(): void {}

  clear(): void {
    this.#slots.takeAll();
  }
}

/** As they come. */
export class AsCompleted implements Outcomes {
  readonly hasPlaces = false;
  readonly #settled = new Deque<unknown>();

  get unread(): number {
    return this.#settled.size;
  }

  get hasNext(): boolean {
    return this.#settled.size > 0;
  }

  peek(): unknown {
    return this.#settled.peek();
  }

  take(): unknown {
    return this.#settled.shift();
  }

  add(): void {}

  settle(_index: number, outcome: unknown): void {
    this.#settled.push(outcome);
  }

  settleAll(_index: number, count: number, values: readonly unknown[], from: number): void {
    for (let i = 0; i < count; i++) this.#settled.push(values[from + i]);
  }

  end(): void {}

  clear(): void {
    this.#settled.takeAll();
  }
}

/** All together: nobody waits for the next one, so each goes straight to its place in an array that fills up. */
export class Gathered implements Outcomes {
  readonly hasPlaces = false;
  readonly unread = 0;
  readonly hasNext = false;
  /** Values up to the last item that has one; `undefined` where a call before it has not returned. */
  readonly #values: unknown[] = [];
  /** The failure of the first item that failed. */
  #failure: { readonly index: number; readonly error: () => unknown } | undefined;
  readonly #all: PromiseWithResolvers<unknown[]> = Promise.withResolvers();

  /** All values; rejects with the failure of the first item that failed, once all calls have ended. */
  get all(): Promise<unknown[]> {
    return this.#all.promise;
  }

  peek(): undefined {}

  take(): undefined {}

  add(): void {}

  clear(): void {}

  settle(index: number, outcome: unknown): void {
    if (!(outcome instanceof Failure)) this.#put(index, outcome);
    else if (index < (this.#failure?.index ?? Infinity)) this.#failure = { index, error: outcome.error };
  }

  settleAll(index: number, count: number, values: readonly unknown[], from: number): void {
    for (let i = 0; i < count; i++) this.#put(index + i, values[from + i]);
  }

  /** Puts a value into its place: most are the next ones, and an array without holes is quicker to fill, and to read. */
  #put(index: number, value: unknown): void {
    const values = this.#values;
    while (values.length < index) values.push(undefined);
    if (index === values.length) values.push(value);
    else values[index] = value;
  }

  end(undrawn: (() => unknown) | undefined): void {
    const error = this.#failure?.error ?? undrawn;
    if (error === undefined) this.#all.resolve(this.#values);
    else this.#all.reject(error());
  }
}
