/**
 * Values as bytes in hexadecimal digits, and back; and a second decoder. {@linkcode WireReader} was written from
 * `docs/wire.md` alone and shares nothing with the library's decoder: what it reads is what that page says, so that the
 * page is known to be enough. It trusts its bytes; what a decoder must refuse is tested elsewhere.
 */
import { ByteWriter } from "../channel/byte_writer.ts";
import { decodeValue, encodeValue } from "../channel/codec.ts";
import { encodeFailure } from "../channel/failure.ts";
import * as ergate from "../mod.ts";

const writer = new ByteWriter();
const asideWriter = new ByteWriter(true);

/** The bytes of a value. */
export function hexOf(value: unknown): string {
  return encode(writer, value);
}

/** The bytes of a failure. */
export function hexOfFailure(thrown: unknown, where: string): string {
  writer.begin();
  encodeFailure(writer, thrown, where);
  return written(writer);
}

/** The bytes of a value beside which `buffers` go, and these in the order of their places. */
export function hexAside(value: unknown, buffers: ReadonlySet<ArrayBuffer>): [hex: string, segments: ArrayBuffer[]] {
  asideWriter.transfer = buffers;
  const hex = encode(asideWriter, value);
  return [hex, (asideWriter.takeSegments() as readonly ArrayBuffer[]).map((segment) => segment.slice(0))];
}

/** The value of bytes. */
export function valueOf(hex: string, segments?: (ArrayBuffer | undefined)[]): unknown {
  const bytes = bytesOf(hex);
  return decodeValue(bytes, 0, bytes.length, segments);
}

function encode(writer: ByteWriter, value: unknown): string {
  writer.begin();
  encodeValue(writer, value, "value", "argument");
  return written(writer);
}

function written(writer: ByteWriter): string {
  const bytes = writer.bytes.subarray(writer.start, writer.length);
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex;
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

// The second decoder

/** A class of the user's. */
// deno-lint-ignore no-explicit-any
export type AnyClass = (new (...args: any[]) => object) & { fromPickle?(state: unknown): unknown };
type Fields = Record<string, unknown>;

/** Options of {@linkcode WireReader}. */
export interface WireReaderOptions {
  /** The classes whose instances may be in the list, by name. */
  readonly classes?: ReadonlyMap<string, AnyClass>;
  /** The buffers beside it. */
  readonly segments?: readonly (ArrayBuffer | undefined)[];
}

/** A container, and how its body is read: at once, or behind the list's values. */
interface Container {
  readonly object: object;
  readonly body?: () => void;
}

const SMALL_INT = 0x80;
const SHORT_STRING = 0x40;
const LATER = 0x1c;
const HOLES = 0x0e;
const TRUE = 0x03;

const VIEWS = [
  ...["Uint8Array", "Int8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array"],
  ...["Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array", "Float16Array", "DataView"],
];

const HOST = globalThis as unknown as Record<string, AnyClass>;

/** Reads one list. */
export class WireReader {
  /** The tags that were met; of small integers and short strings the tag of 0. */
  readonly tags: Set<number> = new Set();
  /** The kinds of views that were met. */
  readonly kinds: Set<number> = new Set();
  readonly #view: DataView;
  readonly #classesByName: ReadonlyMap<string, AnyClass>;
  readonly #segments: readonly (ArrayBuffer | undefined)[];
  readonly #containers: object[] = [];
  readonly #later: (() => void)[] = [];
  #classes: AnyClass[] = [];
  #at = 0;

  /**
   * Begins to read.
   *
   * @param hex The list.
   * @param options What belongs to it.
   */
  constructor(hex: string, options: WireReaderOptions = {}) {
    this.#view = new DataView(bytesOf(hex).buffer as ArrayBuffer);
    this.#classesByName = options.classes ?? new Map();
    this.#segments = options.segments ?? [];
  }

  /** The values of the list. */
  list(): unknown[] {
    const head = this.#byte();
    if (head >> 4 !== 1) throw new Error(`The list is of version ${head >> 4}`);
    const end = (head & 1) === 1 ? this.#table() : this.#view.byteLength;
    const values = Array.from({ length: this.#size() }, () => this.#value());
    for (let body = this.#later.shift(); body !== undefined; body = this.#later.shift()) body();
    if (this.#at !== end) throw new Error(`The list is read up to ${this.#at} and ends at ${end}`);
    return values;
  }

  /** Reads the table of classes at the list's end; gives its begin. */
  #table(): number {
    const begin = this.#at;
    const size = this.#view.getUint32(this.#view.byteLength - 4, true);
    const table = this.#view.byteLength - 4 - size;
    this.#at = table;
    this.#classes = Array.from({ length: this.#size() }, () => {
      const [url, name] = [this.#string(), this.#string(), this.#string()];
      const Class = this.#classesByName.get(name!);
      if (Class === undefined) throw new Error(`There is no class ${name} of ${url}`);
      return Class;
    });
    if (this.#at !== this.#view.byteLength - 4) throw new Error("The table has another size");
    this.#at = begin;
    return table;
  }

  // Numbers and strings

  #skip(size: number): number {
    const at = this.#at;
    this.#at += size;
    return at;
  }

  #byte(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  #u32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  #i32(): number {
    return this.#view.getInt32(this.#skip(4), true);
  }

  #f64(): number {
    return this.#view.getFloat64(this.#skip(8), true);
  }

  #size(): number {
    let size = 0;
    for (let factor = 1;; factor *= 128) {
      const byte = this.#byte();
      size += (byte & 0x7f) * factor;
      if (byte < 0x80) return size;
    }
  }

  #bytes(size: number): Uint8Array<ArrayBuffer> {
    const at = this.#skip(size);
    return new Uint8Array((this.#view.buffer as ArrayBuffer).slice(at, at + size));
  }

  /** A value that is a string, or `undefined` where one may stand for it. */
  #string(): string | undefined {
    const value = this.#value();
    if (typeof value !== "string" && value !== undefined) throw new Error("There is no string where one must be");
    return value;
  }

  #utf16(): string {
    const bytes = this.#bytes(this.#u32());
    const view = new DataView(bytes.buffer);
    let text = "";
    for (let i = 0; i < bytes.length; i += 2) text += String.fromCharCode(view.getUint16(i, true));
    return text;
  }

  #bigint(): bigint {
    const isNegative = this.#byte() === 1;
    const absolute = BigInt(`0x${this.#string()}`);
    return isNegative ? -absolute : absolute;
  }

  // Values

  #value(): unknown {
    const tag = this.#byte();
    if (tag >= SMALL_INT) {
      this.tags.add(SMALL_INT);
      return tag - SMALL_INT;
    }
    if (tag >= SHORT_STRING) {
      this.tags.add(SHORT_STRING);
      return ascii(this.#bytes(tag - SHORT_STRING));
    }
    this.tags.add(tag);
    return this.#primitive(tag);
  }

  #primitive(tag: number): unknown {
    switch (tag) {
      case 0x00:
        return undefined;
      case 0x01:
        return null;
      case 0x02:
        return false;
      case TRUE:
        return true;
      case 0x04:
        return this.#i32();
      case 0x05:
        return this.#f64();
      case 0x06:
        return this.#view.getBigInt64(this.#skip(8), true);
      case 0x07:
        return this.#bigint();
      case 0x08:
        return ascii(this.#bytes(this.#u32()));
      case 0x09:
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.#bytes(this.#u32()));
      case 0x0a:
        return this.#utf16();
      case 0x0b:
        return this.#containers[this.#size()];
      default:
        return this.#container(tag);
    }
  }

  /** A container gets its number where its tag stands: before what is inside it. */
  #container(tag: number): unknown {
    if (tag === LATER) {
      const inner = this.#byte();
      this.tags.add(inner);
      const { object, body } = this.#begin(inner, this.#containers.push({}) - 1);
      if (body === undefined) throw new Error(`A container of tag ${inner} has no body that could come later`);
      this.#later.push(body);
      return object;
    }
    const { object, body } = this.#begin(tag, this.#containers.push({}) - 1);
    body?.();
    return object;
  }

  #begin(tag: number, number: number): Container {
    const begun = this.#withBody(tag) ?? this.#whole(tag);
    this.#containers[number] = begun.object;
    return begun;
  }

  /** Reads the head of a container whose body may come later. */
  #withBody(tag: number): Container | undefined {
    switch (tag) {
      case 0x0c:
        return this.#filled({}, (object) => this.#fields(object));
      case 0x0d:
        return this.#filled([], (array: unknown[]) => this.#items(array));
      case 0x0f:
        return this.#filled([], (array: unknown[]) => {
          this.#items(array);
          this.#fields(array);
        });
      case 0x13:
        return this.#filled(new Map(), (map) => this.#times(() => map.set(this.#value(), this.#value())));
      case 0x14:
        return this.#filled(new Set(), (set) => this.#times(() => set.add(this.#value())));
      case 0x1b:
        return this.#filled(this.#error(), (error) => this.#errorBody(error));
      case 0x1d:
        return this.#filled(Object.create(this.#class().prototype), (object) => this.#fields(object));
      case 0x1e:
        return this.#filled(this.#error(this.#class()), (error) => this.#errorBody(error));
      case 0x23: {
        const keys = Object.keys(this.#containers[this.#size()]);
        return this.#filled({}, (object) => keys.forEach((key) => define(object, key, this.#value())));
      }
      default:
        return undefined;
    }
  }

  #filled<T extends object>(object: T, fill: (object: T) => void): Container {
    return { object, body: () => fill(object) };
  }

  /** Reads a container that has no body. */
  #whole(tag: number): Container {
    return { object: this.#wholeObject(tag) };
  }

  #wholeObject(tag: number): object {
    switch (tag) {
      case 0x10:
        return this.#times(() => this.#i32());
      case 0x11:
        return this.#times(() => this.#f64());
      case 0x12:
        return this.#strings();
      case 0x15:
        return new Date(this.#f64());
      case 0x16:
        return new RegExp(this.#string()!, this.#string());
      case 0x17:
        return Object(this.#value());
      case 0x1f:
      case 0x20:
        return this.#pickled(tag === 0x20);
      default:
        return this.#memory(tag);
    }
  }

  #memory(tag: number): object {
    switch (tag) {
      case 0x18:
        return this.#bytes(this.#size()).buffer;
      case 0x19: {
        const [length, maxByteLength] = [this.#size(), this.#size()];
        return resizable(this.#bytes(length), maxByteLength);
      }
      case 0x1a:
        return this.#viewOf(() => this.#size());
      case 0x24:
        return this.#viewOf(() => undefined);
      case 0x21:
        return this.#segment().buffer;
      case 0x22: {
        const bytes = this.#segment();
        return resizable(bytes, this.#size());
      }
      default:
        throw new Error(`There is no tag ${tag}`);
    }
  }

  // Parts of containers

  #times<T>(read: () => T): T[] {
    return Array.from({ length: this.#size() }, read);
  }

  #fields(object: object): void {
    this.#times(() => define(object, this.#string()!, this.#value()));
  }

  #items(array: unknown[]): void {
    const length = this.#size();
    let index = 0;
    while (index < length) {
      if (this.#view.getUint8(this.#at) === HOLES) {
        this.tags.add(this.#byte());
        index += this.#size();
      } else define(array, String(index++), this.#value());
    }
    array.length = length;
  }

  #strings(): string[] {
    const lengths = this.#times(() => this.#size());
    const text = this.#string()!;
    let end = 0;
    return lengths.map((length) => text.slice(end, end += length));
  }

  #viewOf(readLength: () => number | undefined): object {
    const kind = this.#byte();
    this.kinds.add(kind);
    const buffer = this.#value();
    return new HOST[VIEWS[kind]](buffer, this.#size(), readLength());
  }

  #segment(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#segments[this.#size()]!);
    if (bytes.length !== this.#size()) throw new Error("A segment has another length");
    return bytes;
  }

  #class(): AnyClass {
    return this.#classes[this.#size()];
  }

  #pickled(isError: boolean): object {
    const Class = this.#class();
    const object = Class.fromPickle!(this.#value()) as object;
    if (isError) {
      for (const _ of ["class", "name", "message"]) this.#string();
      this.#stack(object as Error);
    }
    return object;
  }

  #error(Class?: AnyClass): object {
    const [className, name, message] = [this.#string()!, this.#string(), this.#string()];
    const error = makeError(className, { name, message, Class }) as Error;
    const told = name ?? (Class === undefined ? error.name : className);
    if (error.name !== told) hide(error, "name", told);
    return error;
  }

  #stack(error: Error): void {
    hide(error, "stack", this.#string() ?? `${error.name}: ${error.message}`);
  }

  #errorBody(error: object): void {
    this.#stack(error as Error);
    while (this.#value() === true) hide(error, this.#string()!, this.#value());
    while (this.#value() === true) define(error, this.#string()!, this.#value());
  }
}

function makeError(
  className: string,
  { name, message, Class }: { name?: string; message?: string; Class?: AnyClass },
): object {
  const own = (ergate as unknown as Record<string, AnyClass | undefined>)[className];
  const target = Class ?? own ?? HOST[className] ?? Error;
  if (className === "DOMException") return Reflect.construct(HOST[className], [message, name], target);
  // Those of ergate take more than a message, and need none of it here.
  const base = own === undefined ? HOST[className] ?? Error : Error;
  if (className === "AggregateError") return Reflect.construct(base, [[], message], target);
  if (className === "SuppressedError") return Reflect.construct(base, [undefined, undefined, message], target);
  return Reflect.construct(base, [message], target);
}

function ascii(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

function resizable(bytes: Uint8Array, maxByteLength: number): ArrayBuffer {
  const buffer = new ArrayBuffer(bytes.length, { maxByteLength });
  new Uint8Array(buffer).set(bytes);
  return buffer;
}

function define(object: object, key: string, value: unknown, enumerable = true): void {
  Object.defineProperty(object, key, { value, enumerable, configurable: true, writable: true });
}

function hide(object: object, key: string, value: unknown): void {
  define(object, key, value, false);
}
