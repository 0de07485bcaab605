/**
 * The state of reading one list: what was read, what is still to come. The decoder is it; those that read errors, instances,
 * buffers are handed it, and come back to it for the values inside.
 */
import type { RegisteredClass } from "../tasks/picklable.ts";
import { ScalarReader } from "./scalar_reader.ts";
import type { Segments } from "./segments.ts";

/** Places for containers that a decoder keeps from one list to the next. */
const KEPT_SEEN = 16;

/** Of a list that came with none. */
export const NONE: Segments = [];

/** The reader of one list at a time. */
export abstract class Reading extends ScalarReader {
  /** Levels below the list's values. */
  depth = 0;
  /** The containers, in the order in which they began; `undefined` for one that is not complete enough to be had. */
  readonly seen: (object | undefined)[] = new Array(KEPT_SEEN).fill(undefined);
  /** How many containers have begun. */
  begun = 0;
  /** What came beside the bytes. */
  segments: Segments = NONE;
  /** Places of those that values have got. */
  taken: Set<number> | undefined;
  /** Containers whose bodies come later: tag and container, one after the other. */
  later: unknown[] | undefined;
  /** Objects with keys under which all objects inherit something. */
  inheriting: Set<object> | undefined;
  /** The classes of the list's table; `undefined` for one that is not registered here. */
  classes: (RegisteredClass | undefined)[] | undefined;
  /** The names of all of them, if one is not. */
  classNames: string[] | undefined;
  /** Gets what the classes that cannot be had cost; without it they are errors. */
  lost: string[] | undefined;
  /** The index of the value that is being read; -1: all are there, but for bodies that come later. */
  index = 0;

  /** Reads any value. */
  abstract value(): unknown;

  /** Gives a container the next number. */
  register<T extends object>(value: T): T {
    this.seen[this.begun++] = value;
    return value;
  }

  /** Takes the number of a container that cannot be had yet. */
  reserve(): number {
    this.seen[this.begun] = undefined;
    return this.begun++;
  }

  /** Lets go of all that it has read. */
  reset(): void {
    this.letGo();
    this.segments = NONE;
    this.depth = 0;
    // Overwritten, not emptied: an array of length 0 gives its memory back.
    for (let i = Math.min(this.begun, KEPT_SEEN) - 1; i >= 0; i--) this.seen[i] = undefined;
    if (this.begun > KEPT_SEEN) this.seen.length = KEPT_SEEN;
    this.begun = 0;
    this.taken =
      this.inheriting =
      this.later =
      this.classes =
      this.classNames =
      this.lost =
        undefined;
  }
}

/** Makes an own property of it, whatever its class has under that name. */
export function define(value: object, key: string, item: unknown, isEnumerable: boolean): void {
  Object.defineProperty(value, key, { value: item, configurable: true, enumerable: isEnumerable, writable: true });
}
