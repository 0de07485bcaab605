/**
 * Values to bytes: one walk that checks, copies and encodes.
 *
 * It is the hottest code of the library. Nothing is allocated for a call of plain numbers and strings, and a path is
 * put together only when the walk fails (see {@linkcode Refusal}). Getters and proxy traps are user code: they may
 * throw, change what is being walked, or submit a call themselves.
 */
import { InvalidStateError, type PicklingDirection } from "../errors.ts";
import { findClass, type RegisteredClass } from "../tasks/picklable.ts";
import { indexOf, otherKeys } from "./array_keys.ts";
import type { ByteWriter } from "./byte_writer.ts";
import * as tag from "./codec_tags.ts";
import { className, errorClassName, isError } from "./error_classes.ts";
import { describe, HINTS, property, Refusal, toRefusal, wouldLoseClass } from "./refusal.ts";
import {
  undo,
  writeBigint,
  writeByte,
  writeBytes,
  writeDouble,
  writeNumber,
  writeNumbers,
  writeSize,
  writeString,
  writeStrings,
} from "./scalar_writer.ts";
import { Seen } from "./seen.ts";
import { byteLengthOf, greatestLengthOf, isBuffer, SEGMENT_SIZE } from "./segments.ts";
import { Shapes } from "./shapes.ts";

/** Keys are only kept, and looked for, behind this many containers: in small values it would cost more than it saves. */
const UNSHAPED = 8;
/** Shorter arrays are written item by item: small integers take one byte there, and nothing is tried in vain. */
const PACKED_LENGTH = 8;

/** Built-in classes and how their instances are written. */
const WRITERS: ReadonlyMap<string, (encoder: Encoder, value: object) => void> = new Map<
  string,
  (encoder: Encoder, value: object) => void
>([
  ["Array", (encoder, value) => encoder.array(value as unknown[])],
  ["Map", (encoder, value) => encoder.container(tag.MAP, value)],
  ["Set", (encoder, value) => encoder.container(tag.SET, value)],
  ["Date", (encoder, value) => encoder.date(value as Date)],
  ["RegExp", (encoder, value) => encoder.regexp(value as RegExp)],
  ["ArrayBuffer", (encoder, value) => encoder.buffer(value as ArrayBuffer)],
  ["Boolean", (encoder, value) => encoder.boxed(Boolean.prototype.valueOf.call(value))],
  ["Number", (encoder, value) => encoder.boxed(Number.prototype.valueOf.call(value))],
  ["String", (encoder, value) => encoder.boxed(String.prototype.valueOf.call(value))],
  ["BigInt", (encoder, value) => encoder.boxed(BigInt.prototype.valueOf.call(value))],
  ...tag.VIEW_NAMES.map((name, index): [string, (encoder: Encoder, value: object) => void] => [
    name,
    (encoder, value) => encoder.view(index, value as Uint8Array),
  ]),
]);

/** The same by this realm's prototypes, which nearly all values have. */
const WRITERS_BY_PROTOTYPE = new Map<object, (encoder: Encoder, value: object) => void>();
for (const [name, write] of WRITERS) {
  const builtin = (globalThis as Record<string, unknown>)[name];
  if (typeof builtin === "function") WRITERS_BY_PROTOTYPE.set(builtin.prototype, write);
}

// What values hold in slots is read by the getters of their classes: own fields of the same names say nothing of it.

type Getter = (this: unknown) => unknown;

function getter(prototype: object, name: string): Getter {
  return Object.getOwnPropertyDescriptor(prototype, name)!.get as Getter;
}

const SOURCE = getter(RegExp.prototype, "source");
const FLAGS: readonly (readonly [string, Getter])[] = [
  ["d", "hasIndices"],
  ["g", "global"],
  ["i", "ignoreCase"],
  ["m", "multiline"],
  ["s", "dotAll"],
  ["u", "unicode"],
  ["v", "unicodeSets"],
  ["y", "sticky"],
].map(([flag, name]) => [flag, getter(RegExp.prototype, name)] as const);

const TYPED_ARRAY = Object.getPrototypeOf(Uint8Array.prototype) as object;
const ARRAY_SLOTS = {
  buffer: getter(TYPED_ARRAY, "buffer"),
  byteOffset: getter(TYPED_ARRAY, "byteOffset"),
  length: getter(TYPED_ARRAY, "length"),
};
const DATA_VIEW_SLOTS = {
  buffer: getter(DataView.prototype, "buffer"),
  byteOffset: getter(DataView.prototype, "byteOffset"),
  length: getter(DataView.prototype, "byteLength"),
};

/** A place in the walk to which it can go back. */
interface Mark {
  readonly offset: number;
  readonly count: number;
  readonly later: number;
  readonly open: number;
  readonly segments: number;
  readonly depth: number;
}

/** One walk at a time: the state of encoding one list. */
class Encoder {
  writer!: ByteWriter;
  direction!: PicklingDirection;
  /** Whether instances of unregistered classes lose their class; if not, they are refused. */
  plain = false;
  /** The encoder whose walk was interrupted by the one of this. */
  outer: Encoder | undefined;
  /** The block and its `start` when the walk began: what `writer.start` must be again after a forbidden call. */
  block!: Uint8Array;
  start = 0;
  depth = 0;
  /** Names of fields of errors that were left out; `undefined` if one that cannot cross fails the walk. */
  leftOut: string[] | undefined;
  /** Where in the first error the walk is, for `leftOut`. */
  errorPath = "";
  readonly #seen = new Seen();
  readonly #shapes = new Shapes();
  /** What was put off: tag, container and the index of the value it is in, one after the other. */
  readonly #later: unknown[] = [];
  /** The index of the value that is being walked. */
  #index = 0;
  /** The classes of instances that were met; their places here go into the bytes. */
  readonly #classes: RegisteredClass[] = [];
  /** Numbers of the instances whose state is being walked. */
  readonly #open: number[] = [];

  run(values: readonly unknown[], nameOf: (index: number) => string): void {
    const writer = this.writer;
    const offset = writer.length - writer.start;
    const segments = writer.segments?.length;
    this.block = writer.bytes;
    this.start = writer.start;
    try {
      writeByte(writer, tag.VERSION);
      writeSize(writer, values.length);
      for (this.#index = 0; this.#index < values.length; this.#index++) this.value(values[this.#index]);
      if (this.#later.length > 0) this.#bodies();
      if (this.#classes.length > 0) this.#table(offset);
    } catch (caught) {
      writer.length = writer.start + offset;
      if (segments !== undefined) writer.segments!.length = segments;
      throw toRefusal(caught).within(nameOf(this.#index)).toError(this.direction);
    } finally {
      this.#reset();
    }
  }

  #reset(): void {
    if (this.#seen.count > 0) {
      this.#seen.clear();
      if (this.#later.length > 0) this.#later.length = 0;
      if (this.#classes.length > 0) this.#classes.length = this.#open.length = 0;
      this.#shapes.clear();
    }
    this.depth = 0;
    this.errorPath = "";
    this.leftOut = undefined;
  }

  /** The bodies that were put off; they may put off others. */
  #bodies(): void {
    const later = this.#later;
    for (let at = 0; at < later.length; at += 3) {
      this.#index = later[at + 2] as number;
      this.depth = 0;
      this.errorPath = "… ";
      try {
        this.#body(later[at] as number, later[at + 1] as object);
      } catch (caught) {
        throw toRefusal(caught).within(" … ");
      }
      later[at + 1] = undefined;
    }
  }

  /** The table of classes, behind all else; the list's head byte is at `offset`. */
  #table(offset: number): void {
    const { writer } = this;
    const begin = writer.length - writer.start;
    writeSize(writer, this.#classes.length);
    for (const { url, name, hash } of this.#classes) for (const text of [url, name, hash]) writeString(writer, text);
    const size = writer.length - writer.start - begin;
    writer.reserve(4);
    writer.view.setUint32(writer.length, size, true);
    writer.length += 4;
    writer.bytes[writer.start + offset] |= tag.HAS_CLASSES;
  }

  value(value: unknown): void {
    switch (typeof value) {
      case "number":
        return writeNumber(this.writer, value);
      case "string":
        return writeString(this.writer, value);
      case "object":
        if (value === null) return writeByte(this.writer, tag.NULL);
        return this.#object(value);
      case "boolean":
        return writeByte(this.writer, value ? tag.TRUE : tag.FALSE);
      case "undefined":
        return writeByte(this.writer, tag.UNDEFINED);
      case "bigint":
        return writeBigint(this.writer, value);
      case "function":
        throw new Refusal(
          "functions cannot be copied: " +
            (this.direction === "result" ? "return data instead" : "register it with tasks()"),
        );
      default:
        throw new Refusal(HINTS.Symbol);
    }
  }

  #object(value: object): void {
    if (this.#wasSeen(value)) return;
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype) return this.#plainObject(value);
    if (prototype === Array.prototype && Array.isArray(value)) return this.array(value);
    if (prototype === null) return this.#plainObject(value);
    if (prototype === Array.prototype) throw new Refusal(wouldLoseClass(""));
    const write = WRITERS_BY_PROTOTYPE.get(prototype);
    if (write !== undefined) return write(this, value);
    this.#other(value, prototype);
  }

  /** What is neither plain nor an instance of one of this realm's built-in classes. */
  #other(value: object, prototype: object): void {
    const registered = findClass(prototype);
    if (registered !== undefined) return this.#instance(value, registered);
    const name = className(prototype);
    if (name === "Object" && Object.getPrototypeOf(prototype) === null) return this.container(tag.OBJECT, value);
    if (name === "Buffer" && value instanceof Uint8Array) return this.#hostBuffer(value);
    if (isError(value)) return this.container(tag.ERROR, value);
    const kind = Object.prototype.toString.call(value).slice(8, -1);
    const write = kind === name && isBuiltin(prototype, name) ? WRITERS.get(name) : undefined;
    if (write !== undefined) return write(this, value);
    if (value instanceof Promise) throw new Refusal(HINTS.Promise);
    if (Object.hasOwn(HINTS, kind) && (this.plain || name === kind || name === "")) throw new Refusal(HINTS[kind]);
    if (/\bIterator\b/.test(kind)) throw new Refusal("iterators cannot be copied: send an array of what it yields");
    const host = ofPlatform(name, kind, prototype);
    if (host !== undefined) {
      throw new Refusal(`an instance of class ${host} cannot be copied: send plain data that it can be made of`);
    }
    if (!this.plain) throw new Refusal(wouldLoseClass(name, prototype));
    this.#stripped(value);
  }

  /** What the platform makes of an instance: what its built-in class makes of it, without its own. */
  #stripped(value: object): void {
    for (const [name, write] of WRITERS) {
      const builtin = (globalThis as Record<string, unknown>)[name];
      if (typeof builtin === "function" && value instanceof builtin) return write(this, value);
    }
    this.container(tag.OBJECT, value);
  }

  // Instances of registered classes.

  #instance(value: object, registered: RegisteredClass): void {
    const isOfError = isError(value);
    if (!registered.hasState) return this.container(isOfError ? tag.ERROR_INSTANCE : tag.INSTANCE, value);
    const { leftOut } = this;
    if (!isOfError || leftOut === undefined) return this.#pickled(value, registered, isOfError);
    // A task's error arrives whatever its class does: at worst as its nearest built-in one.
    const mark = this.#mark();
    try {
      this.#pickled(value, registered, isOfError);
    } catch {
      this.#goBack(mark);
      leftOut.push(`${this.errorPath}toPickle()`);
      this.container(tag.ERROR, value);
    }
  }

  /** What `toPickle` gives. It must be whole when `fromPickle` gets it: nothing in it is put off. */
  #pickled(value: object, registered: RegisteredClass, isOfError: boolean): void {
    this.#open.push(this.#seen.count - 1);
    writeByte(this.writer, isOfError ? tag.PICKLED_ERROR : tag.PICKLED);
    writeSize(this.writer, this.#placeOf(registered));
    let state: unknown;
    try {
      state = (value as { toPickle(): unknown }).toPickle();
    } catch (caught) {
      throw new Refusal(`toPickle() of class ${registered.name} threw: ${describe(caught)}`, [caught]);
    }
    try {
      this.#refuseTooDeep();
      this.depth++;
      this.value(state);
      this.depth--;
    } catch (caught) {
      throw toRefusal(caught).within(".toPickle()");
    }
    if (isOfError) {
      this.#errorHead(value as Error);
      this.value(this.#stack(value as Error));
    }
    this.#open.pop();
    // Its fromPickle may change what it gets, keys too: no later object is told by those.
    this.#shapes.clear();
  }

  #placeOf(registered: RegisteredClass): number {
    if (registered.twins.length > 1) {
      throw new Refusal(
        `class ${registered.name} must be the only one of its name and text that its module registers: there are ` +
          `${registered.twins.length}; give each a name, picklable(import.meta, Class, { name })`,
      );
    }
    const place = this.#classes.indexOf(registered);
    return place < 0 ? this.#classes.push(registered) - 1 : place;
  }

  #refuseTooDeep(): void {
    if (this.depth >= tag.MAX_STATE_DEPTH) {
      throw new Refusal(`what toPickle() gives must be nested less than ${tag.MAX_STATE_DEPTH} levels deep: it is not`);
    }
  }

  /** Writes a REF if the container was met before, else gives it its number. */
  #wasSeen(value: object): boolean {
    const number = this.#seen.find(value);
    return number >= 0 && this.#ref(number);
  }

  #ref(number: number): true {
    if (this.#open.length > 0 && this.#open.includes(number)) {
      throw new Refusal("an instance cannot be inside what its own toPickle() gives: leave that reference out");
    }
    writeByte(this.writer, tag.REF);
    writeSize(this.writer, number);
    return true;
  }

  /** Writes a container that may hold others: its body now, or later if it lies too deep. */
  container(kind: number, value: object): void {
    const isDeep = this.depth >= tag.MAX_DEPTH && this.#mayPutOff();
    if (isDeep) writeByte(this.writer, tag.LATER);
    writeByte(this.writer, kind);
    if (kind >= tag.ERROR) this.#head(kind, value);
    if (isDeep) {
      this.#later.push(kind, value, this.#index);
      return;
    }
    this.depth++;
    this.#body(kind, value);
    this.depth--;
  }

  /** Writes a plain object: its keys and values, or its values alone if one with the same keys went before it. */
  #plainObject(value: object): void {
    const number = this.#seen.count - 1;
    if (number < UNSHAPED || this.depth >= tag.MAX_DEPTH) return this.container(tag.OBJECT, value);
    const keys = Object.keys(value);
    const brother = this.#shapes.find(keys);
    this.depth++;
    if (brother < 0) {
      writeByte(this.writer, tag.OBJECT);
      this.#fields(value as Record<string, unknown>, keys);
      // Only now: the reader knows its keys when it has read them all.
      this.#shapes.add(keys, number);
    } else {
      writeByte(this.writer, tag.SHAPED);
      writeSize(this.writer, brother);
      this.#valuesOf(value as Record<string, unknown>, keys);
    }
    this.depth--;
  }

  #valuesOf(value: Record<string, unknown>, keys: readonly string[]): void {
    let i = 0;
    try {
      for (; i < keys.length; i++) this.value(value[keys[i]]);
    } catch (caught) {
      throw toRefusal(caught).within(property(keys[i]));
    }
  }

  #mayPutOff(): boolean {
    if (this.#open.length === 0) return true;
    this.#refuseTooDeep();
    return false;
  }

  /** What goes with the tag of an error or an instance. */
  #head(kind: number, value: object): void {
    if (kind !== tag.ERROR) writeSize(this.writer, this.#placeOf(findClass(Object.getPrototypeOf(value))!));
    if (kind !== tag.INSTANCE) this.#errorHead(value as Error);
  }

  #body(kind: number, value: object): void {
    if (kind === tag.OBJECT) this.#fields(value as Record<string, unknown>, Object.keys(value));
    else if (kind === tag.ARRAY) this.#items(value as unknown[]);
    else if (kind === tag.MAP) this.#map(value as Map<unknown, unknown>);
    else if (kind === tag.SET) this.#set(value as Set<unknown>);
    else if (kind === tag.KEYED_ARRAY) this.#keyedItems(value as unknown[]);
    else if (kind === tag.INSTANCE) this.#fields(value as Record<string, unknown>, Object.keys(value));
    else this.#errorBody(value as Error);
  }

  #fields(value: Record<string, unknown>, keys: readonly string[]): void {
    writeSize(this.writer, keys.length);
    let i = 0;
    try {
      for (; i < keys.length; i++) {
        const key = keys[i];
        writeString(this.writer, key);
        this.value(value[key]);
      }
    } catch (caught) {
      throw toRefusal(caught).within(property(keys[i]));
    }
  }

  array(value: unknown[]): void {
    const length = value.length;
    if (otherKeys(value, length) !== undefined) return this.container(tag.KEYED_ARRAY, value);
    if (length >= PACKED_LENGTH) {
      const first = typeof value[0];
      if (first === "number" && writeNumbers(this.writer, value, length)) return;
      if (first === "string" && writeStrings(this.writer, value, length)) return;
    }
    this.container(tag.ARRAY, value);
  }

  #items(value: unknown[]): void {
    const length = value.length;
    writeSize(this.writer, length);
    let keys: string[] | undefined;
    let i = 0;
    try {
      for (; i < length; i++) {
        const item = value[i];
        if (item === undefined && !Object.hasOwn(value, i)) {
          keys ??= Object.keys(value);
          const next = Math.min(length, nextIndex(keys, i));
          writeByte(this.writer, tag.HOLES);
          writeSize(this.writer, next - i);
          i = next - 1;
        } else this.value(item);
      }
    } catch (caught) {
      throw toRefusal(caught).within(`[${i}]`);
    }
  }

  #keyedItems(value: unknown[]): void {
    const keys = otherKeys(value, value.length) ?? []; // first, as a getter among the items may bring more
    this.#items(value);
    this.#fields(value as unknown as Record<string, unknown>, keys);
  }

  #map(value: Map<unknown, unknown>): void {
    // Taken out first: a getter may change the map while it is walked.
    const entries: unknown[] = [];
    Map.prototype.forEach.call(value, (item, key) => entries.push(key, item));
    writeSize(this.writer, entries.length / 2);
    let i = 0;
    try {
      for (; i < entries.length; i++) this.value(entries[i]);
    } catch (caught) {
      const key = entries[i - 1];
      const isShown = typeof key !== "object" && typeof key !== "function";
      throw toRefusal(caught).within(
        i % 2 === 1 && isShown ? `.get(${describe(key)})` : `.${i % 2 === 0 ? "keys" : "values"}()[${i >> 1}]`,
      );
    }
  }

  #set(value: Set<unknown>): void {
    const items: unknown[] = [];
    Set.prototype.forEach.call(value, (item) => items.push(item));
    writeSize(this.writer, items.length);
    let i = 0;
    try {
      for (; i < items.length; i++) this.value(items[i]);
    } catch (caught) {
      throw toRefusal(caught).within(`.values()[${i}]`);
    }
  }

  date(value: Date): void {
    const time = Date.prototype.getTime.call(value);
    writeByte(this.writer, tag.DATE);
    writeDouble(this.writer, time);
  }

  regexp(value: RegExp): void {
    const source = SOURCE.call(value) as string;
    let flags = "";
    for (const [flag, isSet] of FLAGS) if (isSet.call(value) === true) flags += flag;
    writeByte(this.writer, tag.REGEXP);
    writeString(this.writer, source);
    writeString(this.writer, flags);
  }

  boxed(primitive: unknown): void {
    writeByte(this.writer, tag.BOXED);
    this.value(primitive);
  }

  buffer(value: ArrayBuffer): void {
    if (!isBuffer(value)) throw new Refusal("a Proxy cannot be copied: send what it stands for");
    if (value.detached) throw new Refusal("an ArrayBuffer must still have its memory: it was transferred");
    const { segments, transfer } = this.writer;
    const byteLength = byteLengthOf(value);
    if (segments !== undefined && (byteLength >= SEGMENT_SIZE || (byteLength > 0 && transfer?.has(value) === true))) {
      return this.#segment(value, byteLength, segments);
    }
    const bytes = new Uint8Array(value);
    const most = greatestLengthOf(value);
    writeByte(this.writer, most === undefined ? tag.BUFFER : tag.RESIZABLE);
    writeSize(this.writer, bytes.length);
    if (most !== undefined) writeSize(this.writer, most);
    writeBytes(this.writer, bytes);
  }

  /** A large buffer: not a byte of it is touched here. */
  #segment(value: ArrayBuffer, byteLength: number, segments: ArrayBuffer[]): void {
    const most = greatestLengthOf(value);
    writeByte(this.writer, most === undefined ? tag.SEGMENT : tag.RESIZABLE_SEGMENT);
    writeSize(this.writer, segments.length);
    writeSize(this.writer, byteLength);
    if (most !== undefined) writeSize(this.writer, most);
    segments.push(value);
  }

  view(kind: number, value: Uint8Array | DataView): void {
    const slots = kind === tag.DATA_VIEW ? DATA_VIEW_SLOTS : ARRAY_SLOTS;
    const buffer = slots.buffer.call(value) as ArrayBuffer;
    const isTracking = buffer.resizable && tracksLength(kind, value, buffer);
    writeByte(this.writer, isTracking ? tag.TRACKING_VIEW : tag.VIEW);
    writeByte(this.writer, kind);
    this.#object(buffer);
    writeSize(this.writer, slots.byteOffset.call(value) as number);
    if (!isTracking) writeSize(this.writer, slots.length.call(value) as number);
  }

  /** Node's Buffer: only its own bytes, for small ones lie in a block that they share with strangers. */
  #hostBuffer(value: Uint8Array): void {
    if (value.byteLength === value.buffer.byteLength) return this.view(0, value);
    writeByte(this.writer, tag.VIEW);
    writeByte(this.writer, 0);
    this.#wasSeen({}); // The buffer that it gets on arrival.
    writeByte(this.writer, tag.BUFFER);
    writeSize(this.writer, value.byteLength);
    writeBytes(this.writer, value);
    writeSize(this.writer, 0);
    writeSize(this.writer, value.byteLength);
  }

  #errorHead(value: Error): void {
    const kind = errorClassName(value);
    const name = this.#errorName(value, kind);
    const message = this.#text(value, "message");
    writeString(this.writer, kind);
    this.value(name === kind ? undefined : name);
    this.value(message === "" && !Object.hasOwn(value, "message") ? undefined : message);
  }

  #errorName(value: Error, kind: string): string {
    const name = this.#text(value, "name") ?? kind;
    const prototype = Object.getPrototypeOf(value);
    // A class that does not arrive, and gives its instances no name, shall at least be told by its own.
    const isTold = name !== kind || Object.hasOwn(prototype, "name") || findClass(prototype) !== undefined;
    return isTold ? name : className(prototype) || name;
  }

  /** The stack, with the error's name at its head: engines write the head before a constructor can set the name. */
  #stack(value: Error): string | undefined {
    const stack = this.#text(value, "stack");
    const kind = errorClassName(value);
    const name = this.#errorName(value, kind);
    return stack !== undefined && name !== kind && /^[:\n]/.test(stack.slice(kind.length)) && stack.startsWith(kind)
      ? name + stack.slice(kind.length)
      : stack;
  }

  /** A string that an error should have. */
  #text(value: Error, key: "message" | "name" | "stack"): string | undefined {
    try {
      const text: unknown = value[key];
      return text === undefined ? undefined : String(text);
    } catch (caught) {
      if (this.leftOut === undefined) throw toRefusal(caught).within(property(key));
      this.leftOut.push(this.errorPath + key);
      return undefined;
    }
  }

  #errorBody(value: Error): void {
    this.value(this.#stack(value));
    const keys = Object.keys(value).filter((key) => key !== "message" && key !== "name" && key !== "stack");
    const hidden = tag.HIDDEN_ERROR_FIELDS.filter((key) => Object.hasOwn(value, key) && !keys.includes(key));
    const fields = value as unknown as Record<string, unknown>;
    this.#errorFields(fields, hidden);
    this.#errorFields(fields, keys);
  }

  /** Fields of an error. With `leftOut`, what cannot cross is left out, and its name noted. */
  #errorFields(value: Record<string, unknown>, keys: readonly string[]): void {
    const { errorPath, leftOut } = this;
    for (const key of keys) {
      const mark = this.#mark();
      const noted = leftOut?.length ?? 0;
      this.errorPath = `${errorPath}${key}.`;
      try {
        writeByte(this.writer, tag.TRUE);
        writeString(this.writer, key);
        this.value(value[key]);
      } catch (caught) {
        if (leftOut === undefined) throw toRefusal(caught).within(property(key));
        this.#goBack(mark);
        leftOut.length = noted;
        leftOut.push(errorPath + key);
      }
    }
    this.errorPath = errorPath;
    writeByte(this.writer, tag.FALSE);
  }

  /** Where the walk is. */
  #mark(): Mark {
    return {
      offset: this.writer.length - this.writer.start,
      count: this.#seen.count,
      later: this.#later.length,
      open: this.#open.length,
      segments: this.writer.segments?.length ?? 0,
      depth: this.depth,
    };
  }

  /** Takes back what was written since. */
  #goBack(mark: Mark): void {
    undo(this.writer, mark.offset);
    this.#seen.forget(mark.count);
    this.#shapes.clear();
    this.#later.length = mark.later;
    this.#open.length = mark.open;
    if (this.writer.segments !== undefined) this.writer.segments.length = mark.segments;
    this.depth = mark.depth;
  }
}

/** Kept between calls, so that a call allocates none. */
const IDLE: Encoder[] = [new Encoder()];
/** The innermost encoder at work: there is more than one only while a getter or a proxy trap runs. */
let working: Encoder | undefined;

/**
 * Appends values as one list. Puts `writer` back as it was if it throws.
 *
 * @param writer Where to; what it holds from `start` on moves with the list when the block is full.
 * @param values The values.
 * @param direction Which way they go.
 * @param nameOf Gives the root of the path of value i; called on failure only.
 * @param leftOut Gets the names of fields of errors that cannot cross and are left out; without it they fail the walk.
 * @param plain Whether instances of unregistered classes lose their class; if not, they are refused.
 * @throws {PicklingError} If a value cannot cross.
 */
export function encode(
  writer: ByteWriter,
  values: readonly unknown[],
  direction: PicklingDirection,
  nameOf: (index: number) => string,
  leftOut?: string[],
  plain = false,
): void {
  const outer = working;
  if (outer !== undefined) refuseToInterrupt(writer, outer);
  const encoder = IDLE.pop() ?? new Encoder();
  encoder.writer = writer;
  encoder.direction = direction;
  encoder.leftOut = leftOut;
  encoder.plain = plain;
  encoder.outer = outer;
  working = encoder;
  try {
    encoder.run(values, nameOf);
  } finally {
    working = outer;
    encoder.outer = undefined;
    IDLE.push(encoder);
  }
}

/** A getter that makes a call of its own would write it into the middle of the value that is being read. */
function refuseToInterrupt(writer: ByteWriter, innermost: Encoder): void {
  for (let encoder: Encoder | undefined = innermost; encoder !== undefined; encoder = encoder.outer) {
    if (encoder.writer !== writer) continue;
    // The caller has begun a value of its own there: that is taken back.
    writer.start = writer.bytes === encoder.block ? encoder.start : 0;
    throw new InvalidStateError("Cannot make a call as a value of another call is being copied: a getter made it");
  }
}

/** The name of the platform's class that a prototype belongs to: its instances hold what no copy of their fields has. */
function ofPlatform(name: string, kind: string, prototype: object): string | undefined {
  if (/^(Intl|Temporal|WebAssembly)\./.test(kind)) return kind;
  const host = (globalThis as Record<string, unknown>)[name];
  return typeof host === "function" && host.prototype === prototype ? name : undefined;
}

/** Whether a prototype with a built-in class's name is of such a class, of any realm: no class stands between it and Object. */
function isBuiltin(prototype: object, name: string): boolean {
  let levels = 0;
  for (let at = prototype; at !== null; at = Object.getPrototypeOf(at)) levels++;
  return levels === (tag.VIEW_NAMES.includes(name) && name !== "DataView" ? 3 : 2);
}

/**
 * Whether a view of a resizable buffer follows its length. Nothing says so but the view itself, once the buffer has another
 * length: it gets one for the blink of an eye, which no other code can see.
 */
function tracksLength(kind: number, value: Uint8Array | DataView, buffer: ArrayBuffer): boolean {
  if (isOutOfBounds(kind, value)) throw new Refusal("a view must lie inside of its buffer: that was made smaller");
  const size = kind === tag.DATA_VIEW ? 1 : (value as Uint8Array).BYTES_PER_ELEMENT;
  const { byteLength: length, maxByteLength } = buffer;
  const before = value.byteLength;
  if (value.byteOffset + before + size <= length) return false; // it would reach further
  if (length + size <= maxByteLength) {
    buffer.resize(length + size);
    const isTracking = value.byteLength !== before;
    buffer.resize(length);
    return isTracking;
  }
  if (before < size) return false; // no room to tell by, and none to grow into
  const last = new Uint8Array(buffer, length - size).slice();
  buffer.resize(length - size);
  const isTracking = !isOutOfBounds(kind, value); // one of fixed length no longer fits
  buffer.resize(length);
  new Uint8Array(buffer, length - size).set(last);
  return isTracking;
}

/** Whether a view's buffer was made too small for it. */
function isOutOfBounds(kind: number, value: Uint8Array | DataView): boolean {
  try {
    return kind === tag.DATA_VIEW ? value.byteLength < 0 : Uint8Array.prototype.at.call(value, 0) === null;
  } catch {
    return true;
  }
}

/** The first index among an array's keys (which stand in order, before its other keys) that is greater than `index`. */
function nextIndex(keys: readonly string[], index: number): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const found = indexOf(keys[middle]);
    if (found >= 0 && found <= index) low = middle + 1;
    else high = middle;
  }
  return low < keys.length && indexOf(keys[low]) >= 0 ? indexOf(keys[low]) : 0xffff_ffff;
}
