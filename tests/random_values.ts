/**
 * Random values of every type that structured clone carries, and instances of registered classes: the same values on every
 * runtime for the same numbers.
 *
 * A value grows from a budget of parts, so that it always ends. What was made is kept in a pool, from which references
 * are drawn again: to finished values (sharing) and to those that are still being filled (cycles).
 */

import { CodedFault, Fault, Keeper, NearSpot, Spot, Two } from "./fuzz_classes.ts";

/** Gives numbers in [0, 1), as `randomNumbers` of the harness does. */
export type Random = () => number;

/** Options of {@linkcode RandomValues}. */
export interface RandomValuesOptions {
  /** Containers and primitives of a value at most, give or take a few; 60 unless given. */
  readonly parts?: number;
  /** Whether errors occur, which hosts clone in ways of their own; `true` unless given. */
  readonly errors?: boolean;
  /** Whether instances of registered classes occur, which no host clones; not unless given. */
  readonly classes?: boolean;
  /** Whether buffers of 64 KB and more occur; not unless given. */
  readonly large?: boolean;
}

const KEYS = [
  "a",
  "b",
  "name",
  "id",
  "",
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "valueOf",
  "toJSON",
  "then",
  "length",
  "hasOwnProperty",
  "0",
  "7",
  "01",
  "-1",
  "1.5",
  "4294967294",
  "4294967295",
  "4294967296",
  "é",
  "日本",
  "\ud800",
  "a b",
  "x".repeat(31),
  "x".repeat(32),
  "x".repeat(33),
  "k".repeat(70),
];

/** An array's own keys besides its items; none is an index. */
const EXTRA_KEYS = ["index", "input", "groups", "extra", "-1", "01", "4294967295", "__proto__", "é", "raw"];

const NUMBERS = [
  ...[0, -0, 1, -1, 63, 64, 127, 128, -128, 255, 256, 32767, 65535, 65536, 2 ** 31 - 1, 2 ** 31, -(2 ** 31)],
  ...[-(2 ** 31) - 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53, -(2 ** 53), NaN, Infinity, -Infinity, 0.5, 0.1, 5e-324, 1e308],
];

const BIGINTS = [0n, 1n, -1n, 2n ** 31n, 2n ** 63n - 1n, 2n ** 63n, -(2n ** 63n), -(2n ** 63n) - 1n, 2n ** 64n];

const SOURCES = ["", "a+", "[^x]", "\\/", "(?<word>.)\\k<word>", "é", "^$", "\\u2028", "a|b*?", "(?:)", "/", "\n"];
const FLAGS = ["", "g", "i", "gimsy", "u", "v", "d", "dgimsuy", "y"];

const DATES = [0, -1, 1e12 + 0.5, NaN, 8.64e15, -8.64e15, 8.64e15 + 1];

/** Lengths at which strings are written in another way, and some between. */
const LENGTHS = [0, 1, 2, 15, 16, 17, 39, 40, 41, 63, 64, 65, 127, 128, 300];

/** Sizes of large buffers: below, at and above that of a segment. */
const LARGE_SIZES = [64 * 1024 - 8, 64 * 1024, 70_000];

const VIEWS = [
  "Uint8Array",
  "Int8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "Float16Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
  "DataView",
];

interface ViewClass {
  readonly BYTES_PER_ELEMENT?: number;
  new (buffer: ArrayBuffer, offset?: number, length?: number): ArrayBufferView;
}

const ERRORS = [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError];

/** Sets an own field, `__proto__` too. */
function setOwn(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, configurable: true, enumerable: true, writable: true });
}

/** Makes one random value after the other. */
export class RandomValues {
  readonly #random: Random;
  readonly #parts: number;
  readonly #errors: boolean;
  readonly #classes: boolean;
  readonly #large: boolean;
  /** Parts left for the value that is being made. */
  #left = 0;
  /** The objects of the value that is being made, in the order in which they began. */
  #made: object[] = [];
  #buffers: ArrayBuffer[] = [];

  /** Takes its chances from `random`. */
  constructor(random: Random, options: RandomValuesOptions = {}) {
    this.#random = random;
    this.#parts = options.parts ?? 60;
    this.#errors = options.errors ?? true;
    this.#classes = options.classes ?? false;
    this.#large = options.large ?? false;
  }

  /** Makes a value. */
  next(): unknown {
    this.#left = 1 + Math.floor(this.#random() ** 2 * this.#parts);
    this.#made = [];
    this.#buffers = [];
    return this.#chance(0.02) ? this.#deep() : this.#value();
  }

  #below(top: number): number {
    return Math.floor(this.#random() * top);
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)];
  }

  #keep<T extends object>(value: T): T {
    this.#made.push(value);
    return value;
  }

  #value(): unknown {
    this.#left--;
    if (this.#left <= 0 || this.#chance(0.4)) return this.#primitive();
    if (this.#made.length > 0 && this.#chance(0.12)) return this.#pick(this.#made);
    if (this.#classes && this.#chance(0.1)) return this.#instance();
    const makers = [
      () => this.#object(),
      () => this.#object(),
      () => this.#array(),
      () => this.#array(),
      () => this.#sparse(),
      () => this.#uniform(),
      () => this.#rows(),
      () => this.#map(),
      () => this.#set(),
      () => this.#leaf(),
      () => this.#leaf(),
      () => this.#buffer(),
      () => this.#view(),
      () => this.#errors ? this.#error() : this.#object(),
    ];
    return this.#pick(makers)();
  }

  #primitive(): unknown {
    switch (this.#below(7)) {
      case 0:
        return this.#pick([undefined, null, true, false]);
      case 1:
      case 2:
        return this.#number();
      case 3:
        return this.#bigint();
      default:
        return this.#string();
    }
  }

  #number(): number {
    if (this.#chance(0.3)) return this.#pick(NUMBERS);
    if (this.#chance(0.5)) return this.#below(400) - 100;
    return this.#chance(0.5) ? this.#below(2 ** 33) - 2 ** 32 : (this.#random() - 0.5) * 10 ** (this.#below(600) - 300);
  }

  #bigint(): bigint {
    if (this.#chance(0.5)) return this.#pick(BIGINTS);
    const absolute = BigInt(this.#below(2 ** 53)) ** BigInt(this.#below(this.#chance(0.05) ? 300 : 4));
    return this.#chance(0.5) ? absolute : -absolute;
  }

  #string(): string {
    let length = this.#chance(0.5) ? this.#below(12) : this.#pick(LENGTHS);
    if (this.#chance(0.002)) length = 70_000;
    // Mostly ASCII; else one alphabet, with a chance of the odd ones: lone surrogates, a BOM, zero.
    const top = this.#pick([0x7f, 0x7f, 0x7f, 0x100, 0x800, 0xd800]);
    const odd = this.#chance(0.2);
    let text = "";
    while (text.length < length) {
      if (odd && this.#chance(0.2)) text += this.#pick(["\ud83d", "\ude00", "😀", "\ufeff", "\0", "\u2028", "\uffff"]);
      else text += String.fromCharCode(this.#below(top));
    }
    return text;
  }

  #key(): string {
    if (this.#chance(0.5)) return `key${this.#below(20)}`;
    return this.#chance(0.8) ? this.#pick(KEYS) : this.#string();
  }

  #size(): number {
    return Math.min(this.#left, Math.floor(this.#random() ** 2 * 14));
  }

  #object(): object {
    const object = this.#keep(this.#chance(0.1) ? Object.create(null) as object : {});
    for (let n = this.#size(); n > 0; n--) {
      const key = this.#key();
      const value = this.#value();
      if (this.#chance(0.04)) {
        Object.defineProperty(object, key, { get: () => value, configurable: true, enumerable: true });
      } else setOwn(object, key, value);
    }
    // What does not cross, and does no harm.
    if (this.#chance(0.04)) Object.defineProperty(object, Symbol("s"), { value: () => 1, enumerable: true });
    if (this.#chance(0.04)) Object.defineProperty(object, `hidden${this.#below(9)}`, { value: () => 1 });
    return object;
  }

  #extraKeys(array: unknown[]): void {
    for (let n = 1 + this.#below(3); n > 0; n--) setOwn(array, this.#pick(EXTRA_KEYS), this.#value());
  }

  #array(): unknown[] {
    const array: unknown[] = this.#keep([]);
    for (let n = this.#size(); n > 0; n--) array.push(this.#value());
    if (this.#chance(0.05)) this.#extraKeys(array);
    return array;
  }

  #sparse(): unknown[] {
    const array: unknown[] = this.#keep([]);
    const reach = this.#pick([3, 12, 40, 1500, 5000]);
    for (let n = this.#size(); n > 0; n--) array[this.#below(reach)] = this.#value();
    if (this.#chance(0.3)) array.length += this.#below(reach);
    if (this.#chance(0.2)) this.#extraKeys(array);
    return array;
  }

  /** An array of one kind of items, with a chance of a few others: what may be packed. */
  #uniform(): unknown[] {
    const array: unknown[] = this.#keep([]);
    const makers = [
      () => this.#below(100),
      () => this.#below(2 ** 32) - 2 ** 31,
      () => this.#number(),
      () => this.#string(),
      () => this.#key(),
      () => this.#chance(0.5),
    ];
    const make = this.#pick(makers);
    const length = this.#pick([0, 7, 8, 9, 30, 30, 200]);
    while (array.length < length) array.push(make());
    if (this.#chance(0.1) && length > 0) array[this.#below(length)] = this.#primitive();
    if (this.#chance(0.1) && length > 0) delete array[this.#below(length)];
    if (this.#chance(0.05)) this.#extraKeys(array);
    return array;
  }

  /** Objects with the same keys, more of them than are written with their keys, and a few with others. */
  #rows(): unknown[] {
    const rows: unknown[] = this.#keep([]);
    const keys = Array.from({ length: this.#below(5) }, () => this.#key());
    if (this.#chance(0.2)) keys.push("__proto__");
    for (let n = this.#pick([3, 9, 12, 30]); n > 0; n--) {
      const row = this.#chance(0.05) ? this.#object() : this.#keep({});
      for (const key of keys) setOwn(row, key, this.#chance(0.1) ? this.#value() : this.#primitive());
      if (this.#chance(0.05)) setOwn(row, this.#key(), 1);
      rows.push(row);
    }
    return rows;
  }

  #map(): Map<unknown, unknown> {
    const map = this.#keep(new Map<unknown, unknown>());
    for (let n = this.#size(); n > 0; n--) map.set(this.#value(), this.#value());
    if (this.#chance(0.05)) setOwn(map, "lost", 1);
    return map;
  }

  #set(): Set<unknown> {
    const set = this.#keep(new Set<unknown>());
    for (let n = this.#size(); n > 0; n--) set.add(this.#value());
    return set;
  }

  #leaf(): object {
    switch (this.#below(3)) {
      case 0:
        return this.#keep(new Date(this.#chance(0.5) ? this.#pick(DATES) : this.#below(4e12) - 1e12));
      case 1: {
        const regexp = this.#keep(new RegExp(this.#pick(SOURCES), this.#pick(FLAGS)));
        if (this.#chance(0.3)) regexp.lastIndex = this.#below(9);
        return regexp;
      }
      default:
        return this.#keep(Object(this.#pick([this.#number(), this.#string(), this.#bigint(), this.#chance(0.5)])));
    }
  }

  #buffer(): ArrayBuffer {
    if (this.#buffers.length > 0 && this.#chance(0.5)) return this.#pick(this.#buffers);
    const isLarge = this.#large && this.#chance(0.15);
    const size = this.#pick(isLarge ? LARGE_SIZES : [0, 1, 7, 8, 64, 100, 1000]);
    const isResizable = this.#chance(0.25);
    const buffer = isResizable
      ? new ArrayBuffer(size, { maxByteLength: size + this.#below(3) * 50 })
      : new ArrayBuffer(size);
    const bytes = new Uint8Array(buffer);
    if (isLarge) bytes.fill(this.#below(256));
    for (let i = 0; i < size && i < 1000; i++) bytes[i] = this.#below(256);
    this.#buffers.push(buffer);
    return this.#keep(buffer);
  }

  #view(): ArrayBufferView {
    const host = globalThis as unknown as Record<string, ViewClass | undefined>;
    const View = host[this.#pick(VIEWS)] ?? host.Uint8Array!;
    const buffer = this.#buffer();
    const step = View.BYTES_PER_ELEMENT ?? 1;
    const room = Math.floor(buffer.byteLength / step);
    const from = this.#below(room + 1);
    if (this.#chance(0.3) && (buffer.resizable || buffer.byteLength % step === 0)) {
      return this.#keep(new View(buffer, from * step));
    }
    return this.#keep(new View(buffer, from * step, this.#below(room - from + 1)));
  }

  #error(): Error {
    const cause = this.#chance(0.4) ? { cause: this.#value() } : undefined;
    const message = this.#chance(0.2) ? undefined : this.#string();
    let error: Error;
    if (this.#chance(0.1)) error = new DOMException(message, this.#pick(["AbortError", "Odd", "DataCloneError"]));
    else if (this.#chance(0.2)) error = new AggregateError([this.#value(), this.#value()], message, cause);
    else error = new (this.#pick(ERRORS))(message, cause);
    this.#keep(error);
    if (this.#chance(0.2)) Object.defineProperty(error, "name", { value: "Custom", configurable: true });
    const fields = this.#chance(0.3) ? this.#size() : 0;
    for (let n = 0; n < fields; n++) setOwn(error, this.#pick(["code", "status", "__proto__", "a b"]), this.#value());
    return error;
  }

  #instance(): object {
    switch (this.#below(6)) {
      case 0:
      case 1:
        return this.#fieldsOf(this.#pick([Spot, NearSpot]));
      case 2:
        return this.#keep(new Keeper(this.#state()));
      case 3:
        return this.#keep(new Two([this.#state(), this.#state()]));
      case 4: {
        const fault = this.#keep(new Fault(this.#string(), this.#chance(0.3) ? { cause: this.#value() } : undefined));
        if (this.#chance(0.5)) setOwn(fault, this.#pick(["code", "__proto__", "0"]), this.#value());
        return fault;
      }
      default:
        return this.#keep(new CodedFault(this.#string(), this.#state()));
    }
  }

  #fieldsOf(Class: typeof Spot): object {
    const instance = this.#keep(new Class());
    for (let n = this.#size(); n > 0; n--) setOwn(instance, this.#key(), this.#value());
    return this.#chance(0.1) ? Object.freeze(instance) : instance;
  }

  /** A state: an instance cannot be in its own, so of what was made before only that is in it which holds nothing else. */
  #state(): unknown {
    const made = this.#made;
    this.#made = this.#chance(0.5) ? made.filter((item) => item instanceof Date || item instanceof ArrayBuffer) : [];
    const known = this.#made.length;
    const state = this.#value();
    this.#made = [...made, ...this.#made.slice(known)];
    return state;
  }

  /** Some hundreds of levels, with a small value at the end and the ends shared with the beginning. */
  #deep(): unknown {
    let value = this.#value();
    for (let n = 100 + this.#below(400); n > 0; n--) {
      const inner = value;
      switch (this.#below(4)) {
        case 0:
          value = [inner];
          break;
        case 1:
          value = { inner, again: this.#chance(0.1) ? inner : n };
          break;
        case 2:
          value = new Map([[n, inner]]);
          break;
        default:
          value = new Set([inner]);
      }
    }
    return value;
  }
}
