/** Registered classes for random values: one of each way in which instances cross. */
import { picklable } from "../tasks/picklable.ts";
import type { AnyClass } from "../tasks/picklable.ts";

/** Crosses by its own fields, some of them with the names of accessors that must not be called. */
export class Spot {
  get a(): unknown {
    throw new Error("a getter of a class was called");
  }
  set a(_value: unknown) {
    throw new Error("a setter of a class was called");
  }
  get name(): string {
    return "spot";
  }
}

/** A subclass with a registration of its own. */
export class NearSpot extends Spot {}

/** Crosses by its state, of any kind. */
export class Keeper {
  readonly #state: unknown;
  constructor(state: unknown) {
    this.#state = state;
  }
  toPickle(): unknown {
    return this.#state;
  }
  static fromPickle(state: unknown): Keeper {
    return new Keeper(state);
  }
}

/** Refuses a state that is not its own, and changes what it gets, as it may: the array is its own. */
export class Two {
  readonly #items: unknown[];
  constructor(items: unknown[]) {
    this.#items = items;
  }
  toPickle(): unknown[] {
    return [...this.#items];
  }
  static fromPickle(items: unknown[]): Two {
    if (!Array.isArray(items) || items.length !== 2) throw new TypeError("Cannot make a Two of something else");
    return new Two(items.splice(0));
  }
}

/** An error that crosses by its fields. */
export class Fault extends RangeError {}

/** An error that crosses by its state. */
export class CodedFault extends Error {
  readonly #code: unknown;
  constructor(message: string, code: unknown) {
    super(message);
    this.#code = code;
  }
  toPickle(): unknown[] {
    return [this.message, this.#code];
  }
  static fromPickle([message, code]: [string, unknown]): CodedFault {
    return new CodedFault(message, code);
  }
}

/** All of them. */
export const FUZZ_CLASSES: readonly AnyClass[] = [Spot, NearSpot, Keeper, Two, Fault, CodedFault];
for (const Class of FUZZ_CLASSES) picklable(import.meta, Class);
