/**
 * Compares a copy with what it should be, strictly: prototypes, own keys in their order, holes, `-0`, bytes, and that
 * references are shared in the one exactly where they are in the other. It does not recurse, so nesting has no limit.
 *
 * What structured clone leaves behind may differ, so that the copy can be compared with its original as well: symbol keys,
 * fields that are not enumerable, getters, a missing prototype, and the own fields of maps, sets, dates and the like.
 */

import { findClass } from "../tasks/picklable.ts";

/** A pair that is still to be compared, and where it is. */
type Pair = readonly [actual: unknown, wanted: unknown, path: string];

/** By kind, as `Object.prototype.toString` names it; in this order what a kind holds is compared. */
const BOXES: ReadonlyMap<string, (box: object) => unknown> = new Map<string, (box: object) => unknown>([
  ["Number", (box) => Number.prototype.valueOf.call(box)],
  ["String", (box) => String.prototype.valueOf.call(box)],
  ["Boolean", (box) => Boolean.prototype.valueOf.call(box)],
  ["BigInt", (box) => BigInt.prototype.valueOf.call(box)],
  ["Date", (box) => Date.prototype.getTime.call(box)],
]);

/** Fields of an error that are compared by themselves. */
const ERROR_FIELDS = ["name", "message", "stack"];
const HIDDEN_ERROR_FIELDS = ["cause", "errors"];

class Comparison {
  readonly #wantedToActual = new Map<object, object>();
  readonly #actualToWanted = new Map<object, object>();
  readonly #pairs: Pair[] = [];

  run(actual: unknown, wanted: unknown): string | undefined {
    this.#pairs.push([actual, wanted, "value"]);
    for (let pair = this.#pairs.pop(); pair !== undefined; pair = this.#pairs.pop()) {
      const problem = this.#pair(...pair);
      if (problem !== undefined) return `${shorten(pair[2])}: ${problem}`;
    }
    return undefined;
  }

  #pair(actual: unknown, wanted: unknown, path: string): string | undefined {
    if (typeof wanted !== "object" || wanted === null) {
      return Object.is(actual, wanted) ? undefined : `is ${show(actual)} instead of ${show(wanted)}`;
    }
    if (typeof actual !== "object" || actual === null) return `is ${show(actual)} instead of ${show(wanted)}`;
    const known = this.#wantedToActual.get(wanted);
    if (known !== undefined) return known === actual ? undefined : "is another object than where it was met before";
    if (this.#actualToWanted.has(actual)) return "is an object that was met before, and should be another";
    this.#wantedToActual.set(wanted, actual);
    this.#actualToWanted.set(actual, wanted);
    const prototype = Object.getPrototypeOf(wanted) ?? Object.prototype;
    if (Object.getPrototypeOf(actual) !== prototype) return "has another prototype";
    return this.#contents(actual, wanted, path);
  }

  #contents(actual: object, wanted: object, path: string): string | undefined {
    if (findClass(Object.getPrototypeOf(wanted) ?? {})?.hasState) return this.#state(actual, wanted, path);
    if (isError(wanted)) return this.#error(actual as Error, wanted, path);
    if (ArrayBuffer.isView(wanted)) return this.#view(actual as ArrayBufferView, wanted, path);
    const kind = Object.prototype.toString.call(wanted).slice(8, -1);
    if (Object.prototype.toString.call(actual).slice(8, -1) !== kind) return `is no ${kind}`;
    const box = BOXES.get(kind);
    if (box !== undefined) return this.#pair(box(actual), box(wanted), path) ?? noFields(actual, kind);
    if (wanted instanceof RegExp) return compareRegExps(actual as RegExp, wanted);
    if (wanted instanceof ArrayBuffer) return compareBuffers(actual as ArrayBuffer, wanted);
    if (wanted instanceof Map) return this.#map(actual as Map<unknown, unknown>, wanted, path);
    if (wanted instanceof Set) return this.#set(actual as Set<unknown>, wanted, path);
    if (Array.isArray(wanted) !== Array.isArray(actual)) return "is an array, or should be one";
    if (Array.isArray(wanted) && wanted.length !== (actual as unknown[]).length) return "has another length";
    return this.#fields(actual, wanted, Object.keys(wanted), path);
  }

  /** The own fields: those keys and no others, all of them plain. */
  #fields(actual: object, wanted: object, keys: readonly string[], path: string): string | undefined {
    const own = Reflect.ownKeys(actual).filter((key) => !(Array.isArray(actual) && key === "length"));
    if (own.length !== keys.length || own.some((key, i) => key !== keys[i])) {
      return `has the keys ${show(own)} instead of ${show(keys)}`;
    }
    for (const key of keys) {
      const field = Object.getOwnPropertyDescriptor(actual, key)!;
      if (!("value" in field && field.writable && field.enumerable && field.configurable)) return `${key} is not plain`;
      this.#pairs.push([field.value, (wanted as Record<string, unknown>)[key], `${path}.${key}`]);
    }
    return undefined;
  }

  #map(actual: Map<unknown, unknown>, wanted: Map<unknown, unknown>, path: string): string | undefined {
    if (actual.size !== wanted.size) return `has ${actual.size} entries instead of ${wanted.size}`;
    const entries = [...actual];
    let i = 0;
    for (const [key, value] of wanted) {
      this.#pairs.push([entries[i][0], key, `${path}.keys()[${i}]`], [entries[i][1], value, `${path}.values()[${i}]`]);
      i++;
    }
    return noFields(actual, "map");
  }

  #set(actual: Set<unknown>, wanted: Set<unknown>, path: string): string | undefined {
    if (actual.size !== wanted.size) return `has ${actual.size} items instead of ${wanted.size}`;
    const items = [...actual];
    let i = 0;
    for (const value of wanted) this.#pairs.push([items[i], value, `${path}.values()[${i++}]`]);
    return noFields(actual, "set");
  }

  #view(actual: ArrayBufferView, wanted: ArrayBufferView, path: string): string | undefined {
    const isSame = actual.byteOffset === wanted.byteOffset && actual.byteLength === wanted.byteLength;
    if (!isSame) {
      return `is bytes ${actual.byteOffset}+${actual.byteLength}, not ${wanted.byteOffset}+${wanted.byteLength}`;
    }
    if (followsLength(actual) !== followsLength(wanted)) return "follows the length of its buffer, or should";
    this.#pairs.push([actual.buffer, wanted.buffer, `${path}.buffer`]);
    return undefined;
  }

  /** Instances of a registered class with a state. */
  #state(actual: object, wanted: object, path: string): string | undefined {
    const [state, model] = [actual, wanted].map((instance) => (instance as { toPickle(): unknown }).toPickle());
    this.#pairs.push([state, model, `${path}.toPickle()`]);
    if (!isError(wanted)) return undefined;
    const [stack, modelStack] = [actual as Error, wanted].map(plainStack);
    return stack === modelStack ? undefined : `stack is ${show(stack)}, not ${show(modelStack)}`;
  }

  #error(actual: Error, wanted: Error, path: string): string | undefined {
    if (!isError(actual)) return "is no error";
    for (const key of ["name", "message"] as const) {
      if (actual[key] !== wanted[key]) return `${key} is ${show(actual[key])} instead of ${show(wanted[key])}`;
    }
    if (Object.hasOwn(actual, "message") !== Object.hasOwn(wanted, "message")) {
      return "has a message, or should have one";
    }
    // Bun's DOMException has none; the copy's is then its name and message.
    if (wanted.stack !== undefined && plainStack(actual) !== plainStack(wanted)) {
      return `stack is ${show(actual.stack)}, not ${show(wanted.stack)}`;
    }
    for (const key of HIDDEN_ERROR_FIELDS) {
      const field = Object.getOwnPropertyDescriptor(actual, key);
      const model = Object.getOwnPropertyDescriptor(wanted, key);
      if (field?.enumerable !== model?.enumerable) return `${key} is there, or should be`;
      if (field !== undefined) this.#pairs.push([field.value, model!.value, `${path}.${key}`]);
    }
    const keys = Object.keys(wanted).filter((key) => !ERROR_FIELDS.includes(key));
    const own = Object.keys(actual).filter((key) => !ERROR_FIELDS.includes(key));
    if (own.join("\n") !== keys.join("\n")) return `has the fields ${show(own)} instead of ${show(keys)}`;
    for (const key of keys) {
      const value = Object.getOwnPropertyDescriptor(actual, key)!.value;
      this.#pairs.push([value, Object.getOwnPropertyDescriptor(wanted, key)!.value, `${path}.${key}`]);
    }
    return undefined;
  }
}

/** Whether a view grows with its buffer, as far as that can grow: it is tried. */
function followsLength(view: ArrayBufferView): boolean {
  const buffer = view.buffer as ArrayBuffer;
  const { byteLength: length } = buffer;
  if (!buffer.resizable || length + 8 > buffer.maxByteLength) return false;
  const before = view.byteLength;
  buffer.resize(length + 8);
  const follows = view.byteLength !== before;
  buffer.resize(length);
  return follows;
}

function isError(value: object): value is Error {
  return value instanceof Error || value instanceof DOMException;
}

/** Without what the codec changes so that Bun can print it: a frame without a function, the error's name at its head. */
function plainStack(error: Error): string {
  return String(error.stack).replace(/at <anonymous> \((.*)\)$/gm, "at $1").replace(/^[A-Za-z]+(?=[:\n]|$)/, "");
}

function compareRegExps(actual: RegExp, wanted: RegExp): string | undefined {
  if (actual.source !== wanted.source || actual.flags !== wanted.flags) return `is ${actual} instead of ${wanted}`;
  if (actual.lastIndex !== 0) return "has kept its lastIndex";
  return noFields(actual, "RegExp");
}

function compareBuffers(actual: ArrayBuffer, wanted: ArrayBuffer): string | undefined {
  if (actual.resizable !== wanted.resizable) return "is resizable, or should be";
  if (actual.maxByteLength !== wanted.maxByteLength) return "has another greatest length";
  if (actual.byteLength !== wanted.byteLength) return `has ${actual.byteLength} bytes instead of ${wanted.byteLength}`;
  const [one, other] = [new Uint8Array(actual), new Uint8Array(wanted)];
  const at = one.findIndex((byte, i) => byte !== other[i]);
  return at < 0 ? noFields(actual, "buffer") : `byte ${at} is ${one[at]} instead of ${other[at]}`;
}

/** The copy of such a kind has no fields, whatever the original has. */
function noFields(actual: object, kind: string): string | undefined {
  const keys = Object.keys(actual);
  return keys.length === 0 || kind === "String" ? undefined : `the copy of a ${kind} has the fields ${show(keys)}`;
}

function shorten(path: string): string {
  return path.length > 200 ? `${path.slice(0, 100)} … ${path.slice(-100)}` : path;
}

function show(value: unknown): string {
  const text = Array.isArray(value) ? value.map((item) => JSON.stringify(String(item))).join(", ") : showOne(value);
  return text.length > 300 ? `${text.slice(0, 300)} …` : text;
}

function showOne(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  return Object.is(value, -0)
    ? "-0"
    : typeof value === "object"
    ? Object.prototype.toString.call(value)
    : String(value);
}

/**
 * Tells how a copy differs from what it should be.
 *
 * @param actual The copy.
 * @param wanted What it should be: another copy, or the original.
 * @returns Where and how; `undefined` if it does not.
 */
export function difference(actual: unknown, wanted: unknown): string | undefined {
  return new Comparison().run(actual, wanted);
}
