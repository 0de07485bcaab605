/**
 * The state of one walk over a list's values: where the bytes go, what was met, what was put off. The encoder is the walk;
 * those that write errors, instances, buffers are handed it, and come back to it for the values inside.
 */
import type { PicklingDirection } from "../errors.ts";
import type { RegisteredClass } from "../tasks/picklable.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { Seen } from "./seen.ts";
import { Shapes } from "./shapes.ts";

/** How values are sent. */
export interface Sending {
  /** Whether instances of unregistered classes lose their class; if not, they are refused. */
  readonly plain: boolean;
  /** Whether the other side is a thread of this process, so that memory can be shared with it; if not, that is refused. */
  readonly shares: boolean;
}

/** To another process, with their classes. */
export const TO_PROCESS: Sending = Object.freeze({ plain: false, shares: false });

/** A place in the walk to which it can go back. */
export interface Mark {
  /** Bytes since the writer's `start`. */
  readonly offset: number;
  /** Containers met. */
  readonly count: number;
  /** Places of {@linkcode Walk.later}. */
  readonly later: number;
  /** Instances whose state is being walked. */
  readonly open: number;
  /** Classes met. */
  readonly classes: number;
  /** Segments written. */
  readonly segments: number;
  /** Places of {@linkcode Walk.sizes}. */
  readonly sizes: number;
  /** Levels below the list's values. */
  readonly depth: number;
}

/** One walk at a time. */
export abstract class Walk {
  /** Where the bytes go. */
  writer!: ByteWriter;
  /** Which way the values go. */
  direction!: PicklingDirection;
  /** How they are sent. */
  sending: Sending = TO_PROCESS;
  /** Names of fields of errors that were left out; `undefined` if one that cannot cross fails the walk. */
  leftOut: string[] | undefined;
  /** Where in the first error the walk is, for `leftOut`. */
  errorPath = "";
  /** Levels below the list's values. */
  depth = 0;
  /** The index of the value that is being walked. */
  index = 0;
  /** The containers that were met. */
  readonly seen: Seen = new Seen();
  /** The keys that objects have. */
  readonly shapes: Shapes = new Shapes();
  /** What was put off: tag, container and the index of the value it is in, one after the other. */
  readonly later: unknown[] = [];
  /** The classes of instances that were met; their places here go into the bytes. */
  readonly classes: RegisteredClass[] = [];
  /** Names of errors whose heads are written and their stacks not yet: a name may be a getter, and is read once. */
  readonly names: Map<object, string> = new Map();
  /** Numbers of the instances whose state is being walked. */
  readonly open: number[] = [];
  /** Of each large buffer: its bytes when it was met, and the index of the value it is in. */
  readonly sizes: { readonly buffer: ArrayBuffer; readonly size: number; readonly index: number }[] = [];

  /** Writes any value. */
  abstract value(value: unknown): void;

  /** Writes an object that looks plain and was not met before. */
  abstract plainObject(value: object): void;

  /** Writes a container that may hold others and was not met before: its body now, or later if it lies too deep. */
  abstract container(kind: number, value: object): void;

  /** Lets go of all that it has met. */
  reset(): void {
    if (this.seen.count > 0) {
      this.seen.clear();
      if (this.later.length > 0) this.later.length = 0;
      if (this.classes.length > 0) this.classes.length = 0;
      if (this.open.length > 0) this.open.length = 0;
      if (this.sizes.length > 0) this.sizes.length = 0;
      if (this.names.size > 0) this.names.clear();
      this.shapes.clear();
    }
    this.depth = 0;
    this.errorPath = "";
    this.leftOut = undefined;
  }

  /** Where the walk is. */
  mark(): Mark {
    return {
      offset: this.writer.length - this.writer.start,
      count: this.seen.count,
      later: this.later.length,
      open: this.open.length,
      classes: this.classes.length,
      segments: this.writer.segments?.length ?? 0,
      sizes: this.sizes.length,
      depth: this.depth,
    };
  }

  /** Takes back what was written since. */
  goBack(mark: Mark): void {
    this.writer.length = this.writer.start + mark.offset;
    this.seen.forget(mark.count);
    this.shapes.clear();
    this.later.length = mark.later;
    this.open.length = mark.open;
    this.classes.length = mark.classes;
    if (this.writer.segments !== undefined) this.writer.segments.length = mark.segments;
    this.sizes.length = mark.sizes;
    this.depth = mark.depth;
  }
}
