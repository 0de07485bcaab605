/**
 * A fixed set of values, whose bytes lie in `tests/golden/values.txt`: what one version of the codec has written, every
 * later one and every runtime must write and read alike. `deno run -A tests/golden_write.ts` writes the file anew; if lines
 * of it change, the version in `channel/codec_tags.ts` must change too. `tests/golden/aside.txt` has in the same way the
 * bytes of a value beside which its buffers go.
 */
import { readFileSync } from "node:fs";
import { picklable, ShutdownError } from "../mod.ts";
import type { AnyClass } from "./wire.ts";

/** Where the bytes lie: a line for each value, its name, a tab, its bytes in hexadecimal digits. */
export const GOLDEN_FILE: URL = new URL("./golden/values.txt", import.meta.url);

/** Where the bytes of {@linkcode goldenAside} lie. */
export const GOLDEN_ASIDE_FILE: URL = new URL("./golden/aside.txt", import.meta.url);

/** The version of the format that wrote them. */
export const GOLDEN_VERSION = 0x10;

// The text of a class goes into its hash, and hosts strip types in ways of their own: these have the same text everywhere.
const evaluate = globalThis.eval;
const Point = evaluate("(class Point { })") as new () => object;
const Money = evaluate(
  "(class Money { constructor(cents) { this.cents = cents; } toPickle() { return [this.cents]; } " +
    "static fromPickle([cents]) { return new Money(cents); } })",
) as new (cents: number) => object;
const HttpError = evaluate("(class HttpError extends RangeError { })") as new (message: string) => Error;
const CodeError = evaluate(
  "(class CodeError extends Error { toPickle() { return [this.message, this.code]; } " +
    "static fromPickle([message, code]) { return Object.assign(new CodeError(message), { code }); } })",
) as new (message: string) => Error;
const MODULE = { url: "file:///golden.ts" };
for (const Class of [Point, Money, HttpError, CodeError]) picklable(MODULE, Class);

/** The classes of their instances, by name. */
export const GOLDEN_CLASSES: ReadonlyMap<string, AnyClass> = new Map<string, AnyClass>([
  ["Point", Point],
  ["Money", Money],
  ["HttpError", HttpError],
  ["CodeError", CodeError],
]);

function withStack<T extends Error>(error: T, fields: object = {}): T {
  Object.defineProperty(error, "stack", {
    value: `${error.name}: ${error.message}\n    at place (file:///golden.ts:1:2)`,
    configurable: true,
    writable: true,
  });
  return Object.assign(error, fields);
}

function deep(levels: number): unknown {
  let value: unknown = "inmost";
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

/** The values, by name. */
export function goldenValues(): Record<string, unknown> {
  const bytes = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
  const { buffer } = bytes;
  const resizable = new ArrayBuffer(4, { maxByteLength: 8 });
  const shared = { a: 1 };
  const cycle: Record<string, unknown> = {};
  cycle.self = [cycle, cycle];
  const point = Object.assign(new Point(), { x: 1, others: [] as unknown[] });
  point.others.push(point);
  const money = new Money(5);
  return {
    undefined: undefined,
    null: null,
    booleans: [false, true],
    "small integers": [0, 1, 127],
    integers: [128, -1, 2 ** 31 - 1, -(2 ** 31)],
    numbers: [-0, 0.5, NaN, Infinity, -Infinity, 2 ** 31, 5e-324],
    bigints: [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)],
    "large bigints": [2n ** 63n, -(2n ** 64n)],
    "short strings": ["", "a", "x".repeat(40), "x".repeat(41), "x".repeat(64)],
    "strings in UTF-8": ["é", "日本", "😀", "\ufeff"],
    "strings in UTF-16": ["\ud800", "a\udc00"],
    object: { a: 1, "odd key": { b: null }, é: [] },
    "integer keys first": { b: 1, 2: 2, 1: 1 },
    "a key __proto__": JSON.parse('{"__proto__": 1}'),
    array: [1, "a", [2.5], {}],
    holes: Object.assign([], { 1: "a", 300: undefined, 302: 1 }),
    "other keys": Object.assign([[1]], { index: 5, extra: {} }),
    "packed integers": [1, 2, 3, 4, 5, 6, 7, -8],
    "packed numbers": [1, 2, 3, 4, 5, 6, 7, 8.5],
    "packed strings": ["a", "bc", "", "é", "e", "f", "g", "\ud83d", "\ude00"],
    map: new Map<unknown, unknown>([["a", 1], [shared, shared]]),
    set: new Set<unknown>([1, "a", shared]),
    date: [new Date(1e12), new Date(NaN)],
    regexp: /a\/b/giu,
    boxed: [new Number(-0), new String("é"), new Boolean(true), Object(5n)],
    buffer: buffer.slice(0, 4),
    "resizable buffer": resizable,
    views: [
      new Uint8Array(buffer, 3, 5),
      new Int8Array(buffer),
      new Uint8ClampedArray(buffer, 1),
      new Int16Array(buffer, 2, 2),
      new Uint16Array(buffer),
      new Int32Array(buffer, 4, 1),
      new Uint32Array(buffer),
      new Float32Array(buffer),
      new Float64Array(buffer, 8),
      new BigInt64Array(buffer),
      new BigUint64Array(buffer, 8, 1),
      new DataView(buffer, 3, 7),
    ],
    "view of halves": new Float16Array(buffer, 2, 3),
    "views that follow": [new Uint8Array(resizable, 1), new DataView(resizable), new Uint8Array(resizable, 0, 4)],
    sharing: [shared, shared, new Map([["again", shared]])],
    "many containers": [...Array.from({ length: 10 }, (_, i) => ({ i })), shared, shared],
    "objects of one shape": Array.from({ length: 12 }, (_, i) => ({ id: i, name: "n" })),
    cycle,
    "nested deep": deep(130),
    error: withStack(new TypeError("bad")),
    "error with all": withStack(new RangeError("é", { cause: withStack(new Error("why")) }), {
      code: 7,
      list: [shared],
    }),
    "error of an unknown class": withStack(new (class Odd extends SyntaxError {})("odd"), {}),
    "aggregate error": withStack(new AggregateError([1, "a"], "many")),
    "error of ours": withStack(new ShutdownError("Cannot submit")),
    instance: point,
    "instance with a state": [money, money],
    "error of a class": withStack(new HttpError("gone"), { status: 404 }),
    "error of a class with a state": withStack(new CodeError("code"), { code: "E7" }),
  };
}

/** A value whose buffers go beside its bytes, and these. */
export function goldenAside(): [value: unknown, buffers: ReadonlySet<ArrayBuffer>] {
  const { buffer } = new Uint8Array([1, 2, 3, 4]);
  const resizable = new ArrayBuffer(200, { maxByteLength: 300 });
  new Uint8Array(resizable).fill(7);
  const within = new ArrayBuffer(2);
  return [[new Uint8Array(buffer, 1), within, resizable, buffer], new Set([buffer, resizable])];
}

/** The bytes of each, from the file. */
export function goldenBytes(): Map<string, string> {
  const lines = readFileSync(GOLDEN_FILE, "utf8").trimEnd().split("\n");
  return new Map(lines.map((line) => line.split("\t") as [string, string]));
}
