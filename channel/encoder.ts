/**
 * Values to bytes: one walk that checks, copies and encodes.
 *
 * It is the hottest code of the library. Nothing is allocated for a call of plain numbers and strings, and a path is
 * put together only when the walk fails (see {@linkcode Refusal}). Getters and proxy traps are user code: they may
 * throw, change what is being walked, or submit a call themselves.
 */
import { InvalidStateError, type PicklingDirection } from "../errors.ts";
import type { ByteWriter } from "./byte_writer.ts";
import * as tag from "./codec_tags.ts";
import { className, errorClassName, isError } from "./error_classes.ts";
import { describe, HINTS, OWN_PROTOTYPE, property, Refusal, toRefusal } from "./refusal.ts";
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

/** Containers up to this many are looked for one by one; from there on in a Map, which costs 20 to 30 ns each. */
const LINEAR_SEEN = 8;
/** A seen-Map that has held more than this is dropped, not cleared: its table would stay. */
const KEPT_SEEN = 10_000;
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

/** One walk at a time: the state of encoding one list. */
class Encoder {
  writer!: ByteWriter;
  direction!: PicklingDirection;
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
  /** How many containers were met. */
  #count = 0;
  /** The first of them; `undefined` behind these. */
  readonly #first: (object | undefined)[] = new Array(LINEAR_SEEN).fill(undefined);
  /** All of them and their numbers, once they are too many for a search. */
  #numbers: Map<object, number> | undefined;
  /** What was put off: tag, container and the index of the value it is in, one after the other. */
  readonly #later: unknown[] = [];
  /** The index of the value that is being walked. */
  #index = 0;

  run(values: readonly unknown[], nameOf: (index: number) => string): void {
    const writer = this.writer;
    const offset = writer.length - writer.start;
    this.block = writer.bytes;
    this.start = writer.start;
    try {
      writeSize(this.writer, values.length);
      for (this.#index = 0; this.#index < values.length; this.#index++) this.value(values[this.#index]);
      if (this.#later.length > 0) this.#bodies();
    } catch (caught) {
      writer.length = writer.start + offset;
      throw toRefusal(caught).within(nameOf(this.#index)).toError(this.direction);
    } finally {
      this.#reset();
    }
  }

  #reset(): void {
    if (this.#count > 0) {
      // Overwritten, not emptied: an array of length 0 gives its memory back.
      for (let i = Math.min(this.#count, LINEAR_SEEN) - 1; i >= 0; i--) this.#first[i] = undefined;
      if (this.#numbers !== undefined) {
        if (this.#count > KEPT_SEEN) this.#numbers = undefined;
        else this.#numbers.clear();
      }
      if (this.#later.length > 0) this.#later.length = 0;
      this.#count = 0;
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
    if (this.#seen(value)) return;
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype) return this.container(tag.OBJECT, value);
    if (prototype === Array.prototype && Array.isArray(value)) return this.array(value);
    if (prototype === null) return this.container(tag.OBJECT, value);
    if (prototype === Array.prototype) throw new Refusal(OWN_PROTOTYPE);
    const write = WRITERS_BY_PROTOTYPE.get(prototype);
    if (write !== undefined) return write(this, value);
    this.#other(value, prototype);
  }

  /** What is neither plain nor an instance of one of this realm's built-in classes. */
  #other(value: object, prototype: object): void {
    const name = className(prototype);
    if (name === "Object" && Object.getPrototypeOf(prototype) === null) return this.container(tag.OBJECT, value);
    if (name === "Buffer" && value instanceof Uint8Array) return this.#hostBuffer(value);
    if (isError(value)) return this.container(tag.ERROR, value);
    const kind = Object.prototype.toString.call(value).slice(8, -1);
    const write = kind === name ? WRITERS.get(name) : undefined;
    if (write !== undefined) return write(this, value);
    if (value instanceof Promise) throw new Refusal(HINTS.Promise);
    if (Object.hasOwn(HINTS, kind) && (name === kind || name === "")) throw new Refusal(HINTS[kind]);
    if (kind.endsWith(" Iterator")) throw new Refusal("iterators cannot be copied: send an array of what it yields");
    throw new Refusal(
      name === "" ? OWN_PROTOTYPE : `an instance of class ${name} would lose its class: send a plain object`,
    );
  }

  /** Writes a REF if the container was met before, else gives it its number. */
  #seen(value: object): boolean {
    const first = this.#first;
    const count = this.#count;
    if (count < LINEAR_SEEN) {
      for (let i = 0; i < count; i++) if (first[i] === value) return this.#ref(i);
      first[count] = value;
    } else {
      const numbers = this.#numbers ??= new Map();
      if (count === LINEAR_SEEN) { for (let i = 0; i < count; i++) numbers.set(first[i]!, i); }
      const number = numbers.get(value);
      if (number !== undefined) return this.#ref(number);
      numbers.set(value, count);
    }
    this.#count = count + 1;
    return false;
  }

  #ref(number: number): true {
    writeByte(this.writer, tag.REF);
    writeSize(this.writer, number);
    return true;
  }

  /** Writes a container that may hold others: its body now, or later if it lies too deep. */
  container(kind: number, value: object): void {
    const isDeep = this.depth >= tag.MAX_DEPTH;
    if (isDeep) writeByte(this.writer, tag.LATER);
    writeByte(this.writer, kind);
    if (kind === tag.ERROR) this.#errorHead(value as Error);
    if (isDeep) {
      this.#later.push(kind, value, this.#index);
      return;
    }
    this.depth++;
    this.#body(kind, value);
    this.depth--;
  }

  #body(kind: number, value: object): void {
    if (kind === tag.OBJECT) this.#fields(value as Record<string, unknown>, Object.keys(value));
    else if (kind === tag.ARRAY) this.#items(value as unknown[]);
    else if (kind === tag.MAP) this.#map(value as Map<unknown, unknown>);
    else if (kind === tag.SET) this.#set(value as Set<unknown>);
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
    // Asking an array for its keys costs more than copying it. The result of a match is what has other keys in practice.
    if ((value as unknown as RegExpMatchArray).index !== undefined) keys ??= Object.keys(value);
    if (keys !== undefined && keys.length > 0 && indexOf(keys[keys.length - 1]) < 0) {
      writeByte(this.writer, tag.EXTRA);
      this.#fields(value as unknown as Record<string, unknown>, keys.filter((key) => indexOf(key) < 0));
    }
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
    const { source, flags } = value;
    writeByte(this.writer, tag.REGEXP);
    writeString(this.writer, String(source));
    writeString(this.writer, String(flags));
  }

  boxed(primitive: unknown): void {
    writeByte(this.writer, tag.BOXED);
    this.value(primitive);
  }

  buffer(value: ArrayBuffer): void {
    if (value.detached) throw new Refusal("an ArrayBuffer must still have its memory: it was transferred");
    const bytes = new Uint8Array(value);
    writeByte(this.writer, value.resizable ? tag.RESIZABLE : tag.BUFFER);
    writeSize(this.writer, bytes.length);
    if (value.resizable) writeSize(this.writer, value.maxByteLength);
    writeBytes(this.writer, bytes);
  }

  view(kind: number, value: Uint8Array | DataView): void {
    writeByte(this.writer, tag.VIEW);
    writeByte(this.writer, kind);
    this.#object(value.buffer);
    writeSize(this.writer, value.byteOffset);
    writeSize(this.writer, kind === tag.DATA_VIEW ? value.byteLength : (value as Uint8Array).length);
  }

  /** Node's Buffer: only its own bytes, for small ones lie in a block that they share with strangers. */
  #hostBuffer(value: Uint8Array): void {
    if (value.byteLength === value.buffer.byteLength) return this.view(0, value);
    writeByte(this.writer, tag.VIEW);
    writeByte(this.writer, 0);
    this.#seen({}); // The buffer that it gets on arrival.
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
    // A class that gives its instances no name shall at least be told by its own.
    return name === kind && !Object.hasOwn(prototype, "name") ? className(prototype) || name : name;
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
    const { depth, errorPath, leftOut, writer } = this;
    for (const key of keys) {
      const offset = writer.length - writer.start;
      const count = this.#count;
      const later = this.#later.length;
      const noted = leftOut?.length ?? 0;
      this.errorPath = `${errorPath}${key}.`;
      try {
        writeByte(this.writer, tag.TRUE);
        writeString(this.writer, key);
        this.value(value[key]);
      } catch (caught) {
        if (leftOut === undefined) throw toRefusal(caught).within(property(key));
        undo(this.writer, offset);
        this.#forget(count);
        this.#later.length = later;
        this.depth = depth;
        leftOut.length = noted;
        leftOut.push(errorPath + key);
      }
    }
    this.errorPath = errorPath;
    writeByte(this.writer, tag.FALSE);
  }

  /** Forgets all containers but the first `count`. */
  #forget(count: number): void {
    this.#count = count;
    if (this.#numbers === undefined) return;
    if (count <= LINEAR_SEEN) this.#numbers.clear();
    else for (const [value, number] of this.#numbers) if (number >= count) this.#numbers.delete(value);
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
 * @throws {PicklingError} If a value cannot cross.
 */
export function encode(
  writer: ByteWriter,
  values: readonly unknown[],
  direction: PicklingDirection,
  nameOf: (index: number) => string,
  leftOut?: string[],
): void {
  const outer = working;
  if (outer !== undefined) refuseToInterrupt(writer, outer);
  const encoder = IDLE.pop() ?? new Encoder();
  encoder.writer = writer;
  encoder.direction = direction;
  encoder.leftOut = leftOut;
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

/** The number of an array's key; -1 if it is not an index. */
function indexOf(key: string): number {
  const index = Number(key) >>> 0;
  return String(index) === key && index !== 0xffff_ffff ? index : -1;
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
