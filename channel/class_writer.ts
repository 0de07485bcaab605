/**
 * Objects that are neither plain nor arrays: each is written as its class is, or refused, with what to do instead. Classes of
 * other realms are known by their names.
 */
import { builtinBase, findClass } from "../tasks/picklable.ts";
import { writeArray } from "./array_writer.ts";
import { writeBuffer, writeHostBuffer, writeShared, writeView } from "./buffer_writer.ts";
import * as tag from "./codec_tags.ts";
import { className, isError } from "./error_classes.ts";
import { hiddenClass } from "./hidden_class.ts";
import { writeInstance } from "./instance_writer.ts";
import { HINTS, ITERATORS, Refusal, wouldLoseClass } from "./refusal.ts";
import { writeByte, writeDouble, writeString } from "./scalar_writer.ts";
import { type Getter, getter } from "./slots.ts";
import type { Walk } from "./walk.ts";

type Write = (walk: Walk, value: object) => void;

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

/** Built-in classes and how their instances are written. */
const WRITERS: ReadonlyMap<string, Write> = new Map<string, Write>([
  ["Array", (walk, value) => writeArray(walk, value as unknown[])],
  ["Map", (walk, value) => walk.container(tag.MAP, value)],
  ["Set", (walk, value) => walk.container(tag.SET, value)],
  ["Date", (walk, value) => writeDate(walk, value as Date)],
  ["RegExp", (walk, value) => writeRegexp(walk, value as RegExp)],
  ["ArrayBuffer", (walk, value) => writeBuffer(walk, value as ArrayBuffer)],
  ["SharedArrayBuffer", (walk, value) => writeShared(walk, value as SharedArrayBuffer)],
  ["Boolean", (walk, value) => writeBoxed(walk, Boolean.prototype.valueOf.call(value))],
  ["Number", (walk, value) => writeBoxed(walk, Number.prototype.valueOf.call(value))],
  ["String", (walk, value) => writeBoxed(walk, String.prototype.valueOf.call(value))],
  ["BigInt", (walk, value) => writeBoxed(walk, BigInt.prototype.valueOf.call(value))],
  ...tag.VIEW_NAMES.map((name, index): [string, Write] => [
    name,
    (walk, value) => writeView(walk, index, value as Uint8Array),
  ]),
]);

/** The same by this realm's prototypes, which nearly all values have. */
const WRITERS_BY_PROTOTYPE = new Map<object, Write>();
for (const [name, write] of WRITERS) {
  const builtin = (globalThis as Record<string, unknown>)[name];
  if (typeof builtin === "function") WRITERS_BY_PROTOTYPE.set(builtin.prototype, write);
}

/** Writes what is neither plain nor an array and was not met before. */
export function writeByClass(walk: Walk, value: object, prototype: object): void {
  const write = WRITERS_BY_PROTOTYPE.get(prototype);
  if (write !== undefined) return write(walk, value);
  writeOther(walk, value, prototype);
}

/** Writes what is of none of this realm's built-in classes. */
function writeOther(walk: Walk, value: object, prototype: object): void {
  const registered = findClass(prototype);
  if (registered !== undefined) return writeInstance(walk, value, registered);
  const name = className(prototype);
  if (name === "Object" && Object.getPrototypeOf(prototype) === null) return walk.plainObject(value);
  if (name === "Buffer" && value instanceof Uint8Array) return writeHostBuffer(walk, value);
  if (isError(value)) return walk.container(tag.ERROR, value);
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  const write = kind === name && isBuiltin(prototype, name) ? WRITERS.get(name) : undefined;
  if (write !== undefined) return write(walk, value);
  if (value instanceof Promise) throw new Refusal(HINTS.Promise);
  if (Object.hasOwn(HINTS, kind) && (walk.sending.plain || name === kind || name === "")) {
    throw new Refusal(HINTS[kind]);
  }
  if (/\bIterator\b/.test(kind)) throw new Refusal(ITERATORS);
  const host = ofPlatform(name, kind, prototype);
  if (host !== undefined) throw cannotBeCopied(host);
  if (!walk.sending.plain) throw new Refusal(wouldLoseClass(name, prototype));
  writeStripped(walk, value, prototype);
}

/** Writes what looks plain as what it was made as, if that is something else: says whether it is. */
export function writeHidden(walk: Walk, value: object): boolean {
  const name = hiddenClass(value);
  if (name === undefined) return false;
  const write = WRITERS.get(name);
  if (write !== undefined) write(walk, value);
  else if (name === "Error") walk.container(tag.ERROR, value);
  else if (Object.hasOwn(HINTS, name)) throw new Refusal(HINTS[name]);
  else throw new Refusal(ITERATORS);
  return true;
}

function cannotBeCopied(name: string): Refusal {
  const what = name === "" ? "it" : `an instance of class ${name}`;
  return new Refusal(`${what} cannot be copied: send plain data that it can be made of`);
}

/** The name of the platform's class that a prototype belongs to: its instances hold what no copy of their fields has. */
function ofPlatform(name: string, kind: string, prototype: object): string | undefined {
  if (/^(Intl|Temporal|WebAssembly)\./.test(kind)) return kind;
  const host = (globalThis as Record<string, unknown>)[name];
  if (typeof host !== "function") return undefined;
  // Node's keys have a prototype of their own between them and the CryptoKey that they say they are.
  const isOne = host.prototype === prototype || (!WRITERS.has(name) && builtinBase(prototype) === name);
  return isOne ? name : undefined;
}

/** What the platform makes of an instance: what its built-in class makes of it, without its own. */
function writeStripped(walk: Walk, value: object, prototype: object): void {
  let write = STRIPPED.get(prototype);
  if (write === undefined) STRIPPED.set(prototype, write = strippedWriter(prototype));
  write(walk, value);
}

/** How the instances of classes are written without their class, by prototype. */
const STRIPPED = new WeakMap<object, Write>();

function strippedWriter(prototype: object): Write {
  const base = builtinBase(prototype);
  const write = base === undefined ? writeFields : WRITERS.get(base);
  if (write !== undefined) return write;
  return () => {
    throw cannotBeCopied(base!);
  };
}

/** An instance of a class that extends none of the platform's, as its prototype has it. */
function writeFields(walk: Walk, value: object): void {
  if (Array.isArray(value)) return writeArray(walk, value);
  // Whatever it holds, it is not in fields.
  const write = Object.keys(value).length === 0 ? bySlots(value) : undefined;
  if (write !== undefined) return write(walk, value);
  walk.container(tag.OBJECT, value);
}

/** How an object without fields is written, if it is of a built-in class, whatever its prototype says: the host knows. */
function bySlots(value: object): Write | undefined {
  for (const [name, size] of SIZES) if (has(size, value)) return WRITERS.get(name);
  let copy: object;
  try {
    copy = structuredClone(value); // nothing of the user's runs: of what has contents only those two have them in it
  } catch {
    throw cannotBeCopied(className(Object.getPrototypeOf(value)));
  }
  const prototype = Object.getPrototypeOf(copy);
  if (prototype === Object.prototype) return undefined;
  const write = WRITERS_BY_PROTOTYPE.get(prototype);
  if (write === undefined) throw cannotBeCopied(className(prototype));
  return write;
}

const SIZES: readonly (readonly [string, Getter])[] = [
  ["Map", getter(Map.prototype, "size")],
  ["Set", getter(Set.prototype, "size")],
];

/** Whether an object has the slot that a getter reads. */
function has(slot: Getter, value: object): boolean {
  try {
    slot.call(value);
    return true;
  } catch {
    return false;
  }
}

/** Whether a prototype with a built-in class's name is of such a class, of any realm: no class stands between it and Object. */
function isBuiltin(prototype: object, name: string): boolean {
  let levels = 0;
  for (let at = prototype; at !== null; at = Object.getPrototypeOf(at)) levels++;
  return levels === (tag.VIEW_NAMES.includes(name) && name !== "DataView" ? 3 : 2);
}

function writeDate(walk: Walk, value: Date): void {
  const time = Date.prototype.getTime.call(value);
  writeByte(walk.writer, tag.DATE);
  writeDouble(walk.writer, time);
}

function writeRegexp(walk: Walk, value: RegExp): void {
  const source = SOURCE.call(value) as string;
  let flags = "";
  for (const [flag, isSet] of FLAGS) if (isSet.call(value) === true) flags += flag;
  writeByte(walk.writer, tag.REGEXP);
  writeString(walk.writer, source);
  writeString(walk.writer, flags);
}

function writeBoxed(walk: Walk, primitive: unknown): void {
  writeByte(walk.writer, tag.BOXED);
  walk.value(primitive);
}
