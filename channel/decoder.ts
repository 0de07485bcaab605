/**
 * Bytes to values. The bytes are not trusted: each read is checked against the end, a claimed size against what is
 * left before anything is allocated, and whatever else goes wrong is a {@linkcode DecodeError}. Only the classes of
 * instances are the user's: if one is not registered here, or its `fromPickle` fails, it is an {@linkcode UnpicklingError}.
 */
import { lookUpClass, type RegisteredClass } from "../tasks/picklable.ts";
import * as tag from "./codec_tags.ts";
import { makeError, setStack } from "./error_classes.ts";
import { describe } from "./refusal.ts";
import { UnpicklingError } from "./unpickling_error.ts";
import type { Segments } from "./segments.ts";

/** The bytes are not what the codec writes. */
export class DecodeError extends Error {}
Object.defineProperty(DecodeError.prototype, "name", { value: "DecodeError", configurable: true, writable: true });

/** Longer strings are read by TextDecoder: a call of it costs some 100 ns. */
const LOOP_LENGTH = 16;
/** Longer keys are not looked for in the cache. */
const CACHED_KEY_LENGTH = 32;
/** Places in the cache of keys; a power of two. A key that finds its place taken takes it. */
const CACHED_KEYS = 1024;
/** Places for containers that a decoder keeps from one list to the next. */
const KEPT_SEEN = 16;
/** Arrays up to this length are made at once. */
const PRESET_LENGTH = 4;
/** A run of holes longer than this makes an array a dictionary, so that it costs nothing. */
const DENSE_HOLES = 1024;

/** For ASCII, where there can be no BOM: the options make Deno's three times slower. */
const ASCII_DECODER = new TextDecoder();
const UTF8_DECODER = new TextDecoder("utf-8", { ignoreBOM: true });
const FLOAT64 = new Float64Array(1);
const INT64 = new BigInt64Array(FLOAT64.buffer);
const EIGHT_BYTES = new Uint8Array(FLOAT64.buffer);
const KEYS: string[] = new Array(CACHED_KEYS).fill("");
const NO_KEYS: readonly string[] = [];
const NO_BYTES = new Uint8Array(0);
const fromCharCode = String.fromCharCode;

/**
 * A frame without a function, as Bun writes it. Bun prints an error whose stack was set by parsing it, and stops at the
 * first line that is not `at name (place)`, so at each of these.
 */
const BARE_FRAME = /^ {4}at ((?:\/|[A-Z]:).*:\d+:\d+)$/gm;

const NONE: Segments = [];

/** The reader of one list at a time. */
class Decoder {
  #bytes: Uint8Array = NO_BYTES;
  #at = 0;
  #end = 0;
  #depth = 0;
  /** The containers, in the order in which they began; `undefined` for one that is not complete enough to be had. */
  #seen: (object | undefined)[] = new Array(KEPT_SEEN).fill(undefined);
  /** How many containers have begun. */
  #begun = 0;
  #segments: Segments = NONE;
  /** Places of those that values have got. */
  #taken: Set<number> | undefined;
  /** Containers whose bodies come later: tag and container, one after the other. */
  #later: unknown[] | undefined;
  /** The classes of the list's table; `undefined` for one that is not registered here. */
  #classes: (RegisteredClass | undefined)[] | undefined;
  /** Gets what the classes that cannot be had cost; without it they are errors. */
  #lost: string[] | undefined;
  /** The object whose keys were last asked for, and these. */
  #model = -1;
  #modelKeys: readonly string[] = NO_KEYS;
  /** The index of the value that is being read; -1: all are there, but for bodies that come later. */
  #index = 0;

  run(bytes: Uint8Array, start: number, end: number, segments: Segments, lost: string[] | undefined): unknown[] {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = Math.min(end, bytes.length);
    this.#segments = segments;
    this.#lost = lost;
    try {
      return this.#list();
    } finally {
      this.#reset();
    }
  }

  /** Lets go of all that it has read. */
  #reset(): void {
    this.#bytes = NO_BYTES;
    this.#segments = NONE;
    this.#depth = 0;
    // Overwritten, not emptied: an array of length 0 gives its memory back.
    for (let i = Math.min(this.#begun, KEPT_SEEN) - 1; i >= 0; i--) this.#seen[i] = undefined;
    if (this.#begun > KEPT_SEEN) this.#seen.length = KEPT_SEEN;
    this.#begun = 0;
    this.#taken =
      this.#later =
      this.#classes =
      this.#lost =
        undefined;
    this.#model = -1;
    this.#modelKeys = NO_KEYS;
  }

  #list(): unknown[] {
    const head = this.#bytes[this.#take(1)];
    if (head !== tag.VERSION) this.#readHead(head);
    const count = this.#count(1);
    const values = count >= 1 && count <= PRESET_LENGTH ? preset(count) : [];
    for (this.#index = 0; this.#index < count; this.#index++) values[this.#index] = this.#value();
    if (this.#later !== undefined) this.#bodies(this.#later);
    if (this.#at !== this.#end) throw new DecodeError(`Cannot decode as ${this.#end - this.#at} bytes are left over`);
    if (this.#taken !== undefined) { for (const place of this.#taken) this.#segments[place] = undefined; }
    return values;
  }

  #readHead(head: number): void {
    if (head !== (tag.VERSION | tag.HAS_CLASSES)) {
      throw new DecodeError(
        `Cannot decode as a list must begin with ${tag.VERSION}, this version of the format: it begins with ${head}`,
      );
    }
    const begin = this.#at;
    this.#at = Math.max(begin, this.#end - 4);
    const size = this.#int32() >>> 0;
    this.#end -= 4;
    if (size > this.#end - begin) {
      throw new DecodeError("Cannot decode as the table of classes is larger than its list");
    }
    this.#at = this.#end - size;
    this.#readTable();
    this.#end -= size;
    this.#at = begin;
  }

  #readTable(): void {
    const classes: (RegisteredClass | undefined)[] = this.#classes = [];
    const missing = [];
    const count = this.#count(3);
    for (let i = 0; i < count; i++) {
      const address = { url: this.#string(), name: this.#string(), hash: this.#string() };
      const found = lookUpClass(address);
      classes.push(found);
      if (found === undefined) missing.push(address);
    }
    if (this.#at !== this.#end) throw new DecodeError("Cannot decode as the table of classes is smaller than it says");
    if (missing.length === 0) return;
    if (this.#lost === undefined) {
      const [{ name, url }] = missing;
      throw new UnpicklingError(
        `class ${name} must be registered here by picklable() when its module ${url} is imported: it is not`,
        { index: -1, missing },
      );
    }
    for (const { name } of missing) this.#lost.push(`class ${name}, which is not registered here`);
  }

  #bodies(later: unknown[]): void {
    this.#index = -1;
    for (let at = 0; at < later.length; at += 2) {
      this.#depth = 0;
      this.#body(later[at] as number, later[at + 1] as object);
    }
  }

  /** Takes `size` bytes; gives where they begin. */
  #take(size: number): number {
    const at = this.#at;
    if (size > this.#end - at) throw new DecodeError(`Cannot decode as the bytes end too early, at ${this.#end}`);
    this.#at = at + size;
    return at;
  }

  #size(): number {
    let size = 0;
    for (let factor = 1; factor <= 2 ** 49; factor *= 0x80) {
      const byte = this.#bytes[this.#take(1)];
      size += (byte & 0x7f) * factor;
      if (byte < 0x80) return size;
    }
    throw new DecodeError("Cannot decode as a size has too many bytes");
  }

  /** How many items follow, if there is room for them. */
  #count(itemSize: number): number {
    const count = this.#size();
    if (count * itemSize > this.#end - this.#at) {
      throw new DecodeError(`Cannot decode as ${count} items are claimed where ${this.#end - this.#at} bytes are left`);
    }
    return count;
  }

  #value(): unknown {
    const kind = this.#bytes[this.#take(1)];
    if (kind >= tag.SMALL_INT) return kind & 0x7f;
    if (kind >= tag.SHORT_STRING) return this.#ascii(kind & 0x3f);
    switch (kind) {
      case tag.OBJECT:
      case tag.MAP:
      case tag.SET:
      case tag.ERROR:
      case tag.INSTANCE:
      case tag.KEYED_ARRAY:
        return this.#container(kind);
      case tag.ARRAY:
        return this.#array();
      case tag.SHAPED:
        return this.#shaped();
      case tag.INT32:
        return this.#int32();
      case tag.DOUBLE:
        return this.#double();
      case tag.UNDEFINED:
        return undefined;
      case tag.NULL:
        return null;
      case tag.FALSE:
        return false;
      case tag.TRUE:
        return true;
      case tag.ASCII:
      case tag.UTF8:
      case tag.UTF16:
        return this.#longString(kind);
      case tag.REF:
        return this.#ref();
      case tag.INTS:
      case tag.DOUBLES:
        return this.#numbers(kind);
      case tag.STRINGS:
        return this.#strings();
      case tag.LATER:
        return this.#postponed();
      default:
        return this.#rare(kind);
    }
  }

  #rare(kind: number): unknown {
    switch (kind) {
      case tag.BIGINT64:
        this.#double();
        return INT64[0];
      case tag.BIGINT:
        return this.#bigint();
      case tag.DATE:
        return this.#register(new Date(this.#double()));
      case tag.REGEXP:
        return this.#register(new RegExp(this.#string(), this.#string()));
      case tag.BOXED:
        return this.#boxed();
      case tag.BUFFER:
      case tag.RESIZABLE:
        return this.#buffer(kind);
      case tag.SEGMENT:
      case tag.RESIZABLE_SEGMENT:
        return this.#segment(kind);
      case tag.VIEW:
      case tag.TRACKING_VIEW:
        return this.#view(kind);
      case tag.ERROR_INSTANCE:
        return this.#container(kind);
      case tag.PICKLED:
      case tag.PICKLED_ERROR:
        return this.#pickled(kind);
      default:
        throw new DecodeError(`Cannot decode as there is no tag ${kind}`);
    }
  }

  #register<T extends object>(value: T): T {
    this.#seen[this.#begun++] = value;
    return value;
  }

  /** Takes the number of a container that cannot be had yet. */
  #reserve(): number {
    this.#seen[this.#begun] = undefined;
    return this.#begun++;
  }

  #ref(): object {
    const value = this.#seen[this.#size()];
    if (value === undefined) throw new DecodeError("Cannot decode as a reference leads nowhere");
    return value;
  }

  #int32(): number {
    const at = this.#take(4);
    const bytes = this.#bytes;
    return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24;
  }

  /** Eight bytes as a number; INT64 has them too. A DataView would cost an allocation per list. */
  #double(): number {
    const at = this.#take(8);
    const bytes = this.#bytes;
    for (let i = 0; i < 8; i++) EIGHT_BYTES[i] = bytes[at + i];
    return FLOAT64[0];
  }

  #bigint(): bigint {
    const isNegative = this.#bytes[this.#take(1)] === 1;
    const absolute = BigInt("0x" + this.#string());
    return isNegative ? -absolute : absolute;
  }

  #string(): string {
    const kind = this.#bytes[this.#take(1)];
    if (kind >= tag.SHORT_STRING && kind < tag.SMALL_INT) return this.#ascii(kind & 0x3f);
    if (kind === tag.ASCII || kind === tag.UTF8 || kind === tag.UTF16) return this.#longString(kind);
    throw new DecodeError(`Cannot decode as a string is expected: tag is ${kind}`);
  }

  #ascii(length: number): string {
    const at = this.#take(length);
    const bytes = this.#bytes;
    if (length > LOOP_LENGTH) return ASCII_DECODER.decode(bytes.subarray(at, at + length));
    return shortText(bytes, at, length);
  }

  #longString(kind: number): string {
    const size = this.#int32() >>> 0;
    const at = this.#take(size);
    if (kind === tag.UTF16) return this.#utf16(at, size);
    return (kind === tag.ASCII ? ASCII_DECODER : UTF8_DECODER).decode(this.#bytes.subarray(at, at + size));
  }

  #utf16(at: number, size: number): string {
    const units: number[] = [];
    let text = "";
    for (let i = 0; i + 1 < size; i += 2) {
      units.push(this.#bytes[at + i] | this.#bytes[at + i + 1] << 8);
      if (units.length === 4096) text += fromCharCode(...units.splice(0));
    }
    return text + fromCharCode(...units);
  }

  /** A string that is a key: most are met again and again, and kept as the very string that engines compare fast. */
  #key(): string {
    const at = this.#at;
    const bytes = this.#bytes;
    const length = at < this.#end ? bytes[at] - tag.SHORT_STRING : 0;
    if (length <= 0 || length > CACHED_KEY_LENGTH) return this.#string();
    this.#take(1 + length);
    const last = at + length;
    const hash = (bytes[at + 1] * 31 + bytes[at + 1 + (length >> 1)] * 17 + bytes[last] * 7 + length * 131) &
      (CACHED_KEYS - 1);
    const cached = KEYS[hash];
    if (cached.length === length) {
      let i = 0;
      while (i < length && cached.charCodeAt(i) === bytes[at + 1 + i]) i++;
      if (i === length) return cached;
    }
    return KEYS[hash] = Object.keys({ [shortText(bytes, at + 1, length)]: 0 })[0];
  }

  #container(kind: number): object {
    const value = this.#shell(kind);
    if (++this.#depth > tag.MAX_STATE_DEPTH) throw new DecodeError("Cannot decode as values are nested too deep");
    this.#body(kind, value);
    this.#depth--;
    return value;
  }

  #postponed(): object {
    const kind = this.#bytes[this.#take(1)];
    const value = this.#shell(kind);
    (this.#later ??= []).push(kind, value);
    return value;
  }

  /** The container, empty. */
  #shell(kind: number): object {
    switch (kind) {
      case tag.OBJECT:
        return this.#register({});
      case tag.ARRAY:
      case tag.KEYED_ARRAY:
        return this.#register([]);
      case tag.MAP:
        return this.#register(new Map());
      case tag.SET:
        return this.#register(new Set());
      case tag.ERROR:
        return this.#register(this.#errorShell());
      case tag.INSTANCE: {
        const found = this.#class();
        return this.#register(found === undefined ? {} : Object.create(found.prototype) as object);
      }
      case tag.ERROR_INSTANCE: {
        const found = this.#class();
        return this.#register(this.#errorShell(found));
      }
      default:
        throw new DecodeError(`Cannot decode as a container is expected: tag is ${kind}`);
    }
  }

  #errorShell(found?: RegisteredClass): Error {
    const className = this.#string();
    const name = this.#text();
    return makeError(className, this.#text(), name, found?.prototype);
  }

  #class(): RegisteredClass | undefined {
    const place = this.#size();
    if (place >= (this.#classes?.length ?? 0)) throw new DecodeError("Cannot decode as a class is not in the table");
    return this.#classes![place];
  }

  #pickled(kind: number): object {
    const found = this.#class();
    const at = this.#reserve();
    if (++this.#depth > tag.MAX_STATE_DEPTH) throw new DecodeError("Cannot decode as states are nested too deep");
    const state = this.#value();
    this.#depth--;
    let twin: Error | undefined;
    if (kind === tag.PICKLED_ERROR) {
      twin = this.#errorShell();
      this.#stack(twin);
    }
    return this.#seen[at] = found === undefined ? twin ?? bare(state) : this.#revive(found, state, twin);
  }

  /** Calls `fromPickle`. The twin of an error has its stack, and stands in for it in a failure, which must arrive. */
  #revive(found: RegisteredClass, state: unknown, twin: Error | undefined): object {
    try {
      const value: unknown = (found.target as unknown as { fromPickle(state: unknown): unknown }).fromPickle(state);
      if (typeof value !== "object" || value === null || value instanceof Promise) {
        throw new TypeError(`it must return an instance: it returned ${describe(value)}`);
      }
      if (twin !== undefined) setStack(value, twin.stack);
      return value;
    } catch (error) {
      const reason = `fromPickle() threw: ${describe(error)}`;
      if (this.#lost === undefined) {
        throw new UnpicklingError(`class ${found.name}'s ${reason}`, {
          index: this.#index,
          cause: error,
        });
      }
      this.#lost.push(`class ${found.name}, as its ${reason}`);
      return twin ?? bare(state);
    }
  }

  #body(kind: number, value: object): void {
    if (kind === tag.OBJECT) this.#fields(value as Record<string, unknown>);
    else if (kind === tag.ARRAY) this.#items(value as unknown[]);
    else if (kind === tag.KEYED_ARRAY) this.#keyedItems(value as unknown[]);
    else if (kind === tag.MAP) this.#map(value as Map<unknown, unknown>);
    else if (kind === tag.SET) this.#set(value as Set<unknown>);
    else if (kind === tag.INSTANCE) this.#ownFields(value);
    else this.#error(value as Error);
  }

  /** Fields of an instance: its class may have accessors of the same name, which must not be called. */
  #shaped(): object {
    const keys = this.#keysOf(this.#size());
    const value: Record<string, unknown> = this.#register({});
    if (++this.#depth > tag.MAX_STATE_DEPTH) throw new DecodeError("Cannot decode as values are nested too deep");
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (key === "__proto__") define(value, key, this.#value(), true);
      else value[key] = this.#value();
    }
    this.#depth--;
    return value;
  }

  /** The keys of an object that was read. */
  #keysOf(number: number): readonly string[] {
    if (number === this.#model) return this.#modelKeys;
    const model = this.#seen[number];
    if (model === undefined || Object.getPrototypeOf(model) !== Object.prototype) {
      throw new DecodeError("Cannot decode as there is no object whose keys are meant");
    }
    this.#model = number;
    return this.#modelKeys = Object.keys(model);
  }

  #ownFields(value: object): void {
    for (let left = this.#count(2); left > 0; left--) {
      const key = this.#key();
      if (key in value) define(value, key, this.#value(), true);
      else (value as Record<string, unknown>)[key] = this.#value();
    }
  }

  #fields(value: Record<string, unknown>): void {
    const count = this.#count(2);
    for (let i = 0; i < count; i++) {
      const key = this.#key();
      // An array's length is no field: set to a claimed size it would allocate.
      if (key === "length" && Array.isArray(value)) throw new DecodeError("Cannot decode as a length is set twice");
      if (key === "__proto__") define(value, key, this.#value(), true);
      else value[key] = this.#value();
    }
  }

  /** A short array, made at its length: one that grows by its items has room for sixteen, on Node and Deno. */
  #array(): unknown[] {
    const length = this.#bytes[this.#at];
    if (!(length >= 1 && length <= PRESET_LENGTH)) return this.#container(tag.ARRAY) as unknown[];
    this.#at++;
    const value = this.#register(preset(length));
    if (++this.#depth > tag.MAX_STATE_DEPTH) throw new DecodeError("Cannot decode as values are nested too deep");
    let i = 0;
    for (; i < length && this.#bytes[this.#at] !== tag.HOLES; i++) value[i] = this.#value();
    if (i < length) value.length = i;
    this.#itemsUpTo(length, value);
    this.#depth--;
    return value;
  }

  #items(value: unknown[]): void {
    this.#itemsUpTo(this.#size(), value);
  }

  /** The items that an array of that length lacks. */
  #itemsUpTo(length: number, value: unknown[]): void {
    const bytes = this.#bytes;
    while (value.length < length) {
      if (bytes[this.#at] === tag.HOLES) this.#holes(value, length);
      else value.push(this.#value());
    }
  }

  #keyedItems(value: unknown[]): void {
    this.#items(value);
    this.#fields(value as unknown as Record<string, unknown>);
  }

  #holes(value: unknown[], length: number): void {
    this.#take(1);
    const run = this.#size();
    if (run === 0 || run > length - value.length || length > 0xffff_ffff) {
      throw new DecodeError(`Cannot decode as ${run} holes do not fit into an array of ${length}`);
    }
    const next = value.length + run;
    // An item far away turns the array into a dictionary; only setting its length would allocate for every hole.
    if (run > DENSE_HOLES) value[0xffff_fffe] = undefined;
    value.length = next;
    if (next === 0xffff_ffff && run > DENSE_HOLES) delete value[0xffff_fffe]; // the greatest length does not take it away
  }

  #numbers(kind: number): number[] {
    const size = kind === tag.INTS ? 4 : 8;
    const count = this.#count(size);
    const at = this.#take(count * size);
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, count * size);
    const value: number[] = this.#register([]);
    if (kind === tag.INTS) { for (let i = 0; i < count; i++) value.push(view.getInt32(4 * i, true)); }
    else for (let i = 0; i < count; i++) value.push(view.getFloat64(8 * i, true));
    return value;
  }

  #strings(): string[] {
    const count = this.#count(1);
    const lengths: number[] = [];
    let total = 0;
    for (let i = 0; i < count; i++) total += lengths[lengths.push(this.#size()) - 1];
    const text = this.#string();
    if (text.length !== total) throw new DecodeError("Cannot decode as an array of strings has not their length");
    const value: string[] = this.#register([]);
    let at = 0;
    for (let i = 0; i < count; i++) value.push(text.slice(at, at += lengths[i]));
    return value;
  }

  #map(value: Map<unknown, unknown>): void {
    const count = this.#count(2);
    for (let i = 0; i < count; i++) {
      const key = this.#value();
      value.set(key, this.#value());
    }
  }

  #set(value: Set<unknown>): void {
    const count = this.#count(1);
    for (let i = 0; i < count; i++) value.add(this.#value());
  }

  #boxed(): object {
    const at = this.#reserve();
    const kind = this.#bytes[this.#at];
    const value = Object(kind === tag.BOXED ? undefined : this.#value());
    return this.#seen[at] = value;
  }

  #buffer(kind: number): ArrayBuffer {
    const size = this.#size();
    const most = kind === tag.RESIZABLE ? this.#size() : 0;
    const at = this.#take(size) + this.#bytes.byteOffset;
    if (kind === tag.BUFFER) return this.#register((this.#bytes.buffer as ArrayBuffer).slice(at, at + size));
    const value = new ArrayBuffer(size, { maxByteLength: most });
    new Uint8Array(value).set(new Uint8Array(this.#bytes.buffer, at, size));
    return this.#register(value);
  }

  /** A buffer beside the bytes, as it is: it is this value's own from now on. */
  #segment(kind: number): ArrayBuffer {
    const place = this.#size();
    const size = this.#size();
    const most = kind === tag.RESIZABLE_SEGMENT ? this.#size() : 0;
    const segment = this.#segments[place];
    if (segment === undefined || segment.byteLength !== size || this.#taken?.has(place)) {
      throw new DecodeError(`Cannot decode as there must be a segment ${place} of ${size} bytes: there is none`);
    }
    (this.#taken ??= new Set()).add(place);
    if (kind === tag.SEGMENT) return this.#register(segment);
    const value = new ArrayBuffer(size, { maxByteLength: most });
    new Uint8Array(value).set(new Uint8Array(segment));
    return this.#register(value);
  }

  #view(kind: number): object {
    const name = tag.VIEW_NAMES[this.#bytes[this.#take(1)]];
    const at = this.#reserve();
    const buffer = this.#value();
    const host = (globalThis as Record<string, unknown>)[name];
    if (!(buffer instanceof ArrayBuffer) || typeof host !== "function") {
      throw new DecodeError(`Cannot decode as a view must have a buffer and a class: class is ${name}`);
    }
    const begin = this.#size();
    const place = kind === tag.VIEW ? [buffer, begin, this.#size()] : [buffer, begin];
    return this.#seen[at] = Reflect.construct(host, place) as object;
  }

  #text(): string | undefined {
    if (this.#at < this.#end && this.#bytes[this.#at] === tag.UNDEFINED) {
      this.#at++;
      return undefined;
    }
    return this.#string();
  }

  #stack(value: Error): void {
    // Without one of its own it would have the stack of this place.
    const stack = this.#text() ?? `${value.name}: ${value.message}`;
    define(value, "stack", stack.replace(BARE_FRAME, "    at <anonymous> ($1)"), false);
  }

  #error(value: Error): void {
    this.#stack(value);
    this.#errorFields(value, false);
    this.#errorFields(value, true);
  }

  #errorFields(value: Error, isEnumerable: boolean): void {
    while (this.#value() === true) define(value, this.#key(), this.#value(), isEnumerable);
  }
}

/** What stands in for an instance whose class cannot be had. */
function bare(state: unknown): object {
  return typeof state === "object" && state !== null ? state : { state };
}

/** An array of a length from 1 to PRESET_LENGTH, with no hole. */
function preset(length: number): unknown[] {
  if (length === 1) return [undefined];
  if (length === 2) return [undefined, undefined];
  return length === 3 ? [undefined, undefined, undefined] : [undefined, undefined, undefined, undefined];
}

/** A short ASCII string. Eight at a time: each call and each string that is put to another costs an allocation. */
function shortText(b: Uint8Array, at: number, length: number): string {
  let text = "";
  for (; length >= 8; at += 8, length -= 8) {
    text += fromCharCode(b[at], b[at + 1], b[at + 2], b[at + 3], b[at + 4], b[at + 5], b[at + 6], b[at + 7]);
  }
  switch (length) {
    case 0:
      return text;
    case 1:
      return text + fromCharCode(b[at]);
    case 2:
      return text + fromCharCode(b[at], b[at + 1]);
    case 3:
      return text + fromCharCode(b[at], b[at + 1], b[at + 2]);
    case 4:
      return text + fromCharCode(b[at], b[at + 1], b[at + 2], b[at + 3]);
    case 5:
      return text + fromCharCode(b[at], b[at + 1], b[at + 2], b[at + 3], b[at + 4]);
    case 6:
      return text + fromCharCode(b[at], b[at + 1], b[at + 2], b[at + 3], b[at + 4], b[at + 5]);
    default:
      return text + fromCharCode(b[at], b[at + 1], b[at + 2], b[at + 3], b[at + 4], b[at + 5], b[at + 6]);
  }
}

function define(value: object, key: string, item: unknown, isEnumerable: boolean): void {
  Object.defineProperty(value, key, { value: item, configurable: true, enumerable: isEnumerable, writable: true });
}

/** Kept between lists, so that a list costs no more than its values. There is more than one while `fromPickle` decodes. */
const IDLE: Decoder[] = [new Decoder()];

/**
 * Reads a list that `encode` has written.
 *
 * @param bytes Where it lies.
 * @param start Where it begins.
 * @param end Where it ends.
 * @param segments What came beside the bytes; each that a value has is taken out.
 * @param lost Gets a word about each class that cannot be had; its instances come as plain objects, errors as those of the
 *   nearest built-in class. Without it they are an {@linkcode UnpicklingError}.
 * @returns The values.
 * @throws {DecodeError} If the bytes are no list.
 * @throws {UnpicklingError} If a class is not registered here, or its `fromPickle` throws.
 */
export function decode(
  bytes: Uint8Array,
  start: number,
  end: number,
  segments?: Segments,
  lost?: string[],
): unknown[] {
  const decoder = IDLE.pop() ?? new Decoder();
  try {
    return decoder.run(bytes, start, end, segments ?? NONE, lost);
  } catch (error) {
    if (error instanceof DecodeError || error instanceof UnpicklingError) throw error;
    throw new DecodeError("Cannot decode as a value is not valid", { cause: error });
  } finally {
    IDLE.push(decoder);
  }
}
