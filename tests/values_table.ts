/**
 * The types of values: what crosses and how it arrives, what is refused and with what advice. `docs/values.md` shows these very
 * rows, and `values_test.ts` tries each value.
 */
import { Socket } from "node:net";
import { currentTask, picklable, PicklingError, TimeoutError } from "../mod.ts";

/** A type that crosses. */
export interface Crossing {
  readonly type: string;
  /** How it arrives. */
  readonly arrives: string;
  readonly values: () => readonly unknown[];
  /** What each value arrives as; the value itself unless given, but for what the standard leaves behind. */
  readonly as?: (value: never) => unknown;
  /** Whether the platform's clone gives something else: then that is not asked. */
  readonly unlikePlatform?: boolean;
}

/** A type that is refused. */
export interface Refused {
  readonly type: string;
  /** What the error advises. */
  readonly instead: string;
  readonly values: () => readonly unknown[];
}

class Point {
  x = 1;
  y = 2;
}
picklable({ url: "file:///values_table.ts" }, Point);

class Temperature {
  readonly #kelvin: number;
  constructor(kelvin: number) {
    this.#kelvin = kelvin;
  }
  toPickle(): number {
    return this.#kelvin;
  }
  static fromPickle(kelvin: number): Temperature {
    return new Temperature(kelvin);
  }
}
picklable({ url: "file:///values_table.ts" }, Temperature);

class NotFound extends RangeError {
  status = 404;
}
picklable({ url: "file:///values_table.ts" }, NotFound);

class Unknown {
  a = 1;
}

const VIEWS = [
  "Int8Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
];
const MORE_VIEWS = ["Float16Array", "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array", "DataView"];

function views(
  names: readonly string[],
  make: (View: new (buffer: ArrayBuffer, begin?: number) => object) => object,
): object[] {
  return names.map((name) => make((globalThis as unknown as Record<string, new () => object>)[name]));
}

/** The same objects, with the prototype of plain objects and with none. */
function disguised(make: () => readonly object[]): object[] {
  return [Object.prototype, null].flatMap((prototype) =>
    make().map((value) => Object.setPrototypeOf(value, prototype))
  );
}

function cyclic(): unknown {
  const ring: Record<string, unknown> = { list: [] };
  (ring.list as unknown[]).push(ring, ring.list);
  const map = new Map<unknown, unknown>();
  return [ring, map.set(map, new Set([map]))];
}

function withGetter(): object {
  let reads = 0;
  return {
    get read(): number {
      return ++reads;
    },
  };
}

function deep(): unknown {
  let value: unknown = 1;
  for (let i = 0; i < 200_000; i++) value = i % 2 === 0 ? [value] : { value };
  return value;
}

/** What crosses. */
export const CROSSING: readonly Crossing[] = [
  { type: "`undefined`, `null`, booleans", arrives: "the same", values: () => [undefined, null, true, false] },
  { type: "numbers", arrives: "the same, `-0` and `NaN` too", values: () => [0, -0, NaN, Infinity, 0.1, 2 ** 53, -7] },
  { type: "bigints", arrives: "the same, of any size", values: () => [0n, -1n, 2n ** 64n, -(3n ** 500n)] },
  {
    type: "strings",
    arrives: "the same, lone surrogates too",
    values: () => ["", "a", "é😀", "\ud800", "x".repeat(1e5)],
  },
  {
    type: "`Boolean`, `Number`, `String`, `BigInt` objects",
    arrives: "such an object",
    values: () => [new Boolean(false), new Number(-0), new String("é"), Object(5n)],
  },
  { type: "`Date`", arrives: "a `Date`, an invalid one too", values: () => [new Date(1e12 + 0.5), new Date(NaN)] },
  {
    type: "`RegExp`",
    arrives: "a `RegExp` whose `lastIndex` is 0",
    values: () => [/a\/b/giu, new RegExp(""), Object.assign(/a/g, { lastIndex: 5 })],
  },
  {
    type: "plain objects",
    arrives: "a plain object with the own enumerable fields, in their order; `__proto__` is a key like others",
    values: () => [{}, { b: 1, a: { 2: 1, 1: 2 } }, JSON.parse('{"__proto__": {"a": 1}}'), { [Symbol("s")]: 1, a: 1 }],
  },
  {
    type: "objects without a prototype",
    arrives: "a plain object",
    values: () => [Object.assign(Object.create(null), { a: 1 })],
  },
  {
    type: "getters",
    arrives: "a field with what they gave; each is read once",
    values: () => [withGetter()],
    as: () => ({ read: 1 }),
  },
  {
    type: "arrays",
    arrives: "an array, with its holes and its other keys",
    values: () => [
      [],
      [1, "a", [{}]],
      Object.assign([], { 1: 1, 3: undefined, length: 5 }),
      Object.assign([1], { key: 1 }),
      /(a)/.exec("a"),
      new Array(9),
    ],
  },
  {
    type: "`arguments`",
    arrives: "a plain object; unlike `structuredClone`, which refuses it on some hosts",
    values: () => [argumentsOf(1, 2)],
    as: () => ({ 0: 1, 1: 2 }),
    unlikePlatform: true,
  },
  { type: "`Map`, `Set`", arrives: "the same, in order", values: () => [new Map([[{}, 1]]), new Set([NaN, "a", {}])] },
  {
    type: "`ArrayBuffer`",
    arrives: "a copy; a resizable one stays resizable",
    values: () => [new Uint8Array([1, 2]).buffer, new ArrayBuffer(0), new ArrayBuffer(3, { maxByteLength: 9 })],
  },
  {
    type: "typed arrays, `DataView`",
    arrives: "a view of the same part of the copy of their buffer; those that follow its length still do",
    values: () => [
      views([...VIEWS, ...MORE_VIEWS], (View) => new View(new ArrayBuffer(16), 8)),
      views([...VIEWS, ...MORE_VIEWS], (View) => new View(new ArrayBuffer(16, { maxByteLength: 32 }))),
    ],
  },
  {
    type: "Node's `Buffer`",
    arrives: "a `Uint8Array` of its bytes alone, whatever else lies in its block",
    values: () => [(globalThis as unknown as { Buffer: { from(text: string): Uint8Array } }).Buffer.from("abc")],
    as: () => new TextEncoder().encode("abc"),
    unlikePlatform: true,
  },
  {
    type: "errors of the built-in classes",
    arrives: "the same class, with message, name, `cause`, `errors`, the own fields and the stack",
    values: () => [
      new Error("e", { cause: new TypeError("t", { cause: [1] }) }),
      ...[RangeError, SyntaxError, ReferenceError, EvalError, URIError].map((Class) => new Class("é")),
      new AggregateError([new Error("one"), 2], "many"),
      Object.assign(new Error("e"), { code: 7 }),
      Object.assign(new Error("e", { cause: undefined }), { name: "Own" }),
    ],
    unlikePlatform: true,
  },
  {
    type: "`DOMException`",
    arrives: "the same, with its name and code",
    values: () => [new DOMException("m", "AbortError")],
    unlikePlatform: true,
  },
  {
    type: "errors of ergate",
    arrives: "the same class, with its fields",
    values: () => [new PicklingError("why", { path: "args[0]", direction: "argument" }), new TimeoutError("late")],
    unlikePlatform: true,
  },
  {
    type: "errors of other classes",
    arrives: "the nearest built-in class, with the name of their own",
    values: () => [new (class OddError extends TypeError {})("odd")],
    as: (error: Error) => Object.assign(new TypeError("odd"), { name: "OddError", stack: error.stack }),
    unlikePlatform: true,
  },
  {
    type: "instances of classes registered with `picklable()`",
    arrives: "an instance: of its own fields, or of what `toPickle()` gave; errors too",
    values: () => [new Point(), new Map([["t", [new Temperature(3)]]]), new NotFound("gone")],
    unlikePlatform: true,
  },
  {
    type: "all of these but those with a class of yours, with the prototype of plain objects, or with none",
    arrives: "what they were made as, if they have no fields of their own: else a plain object of those",
    values: () =>
      disguised(() => [
        new Map([[{}, 1]]),
        new Set([1]),
        new Date(5),
        /a/g,
        new ArrayBuffer(2),
        new Uint8Array(2),
        new DataView(new ArrayBuffer(2)),
        new Boolean(false),
        new Number(-0),
        new String("é"),
        Object(5n),
        [1, { a: [] }],
        [],
      ]),
    as: (value) => structuredClone(value),
  },
  { type: "cycles, shared references", arrives: "the same", values: () => [cyclic(), [{}].flatMap((x) => [x, x])] },
  {
    type: "deep nesting",
    arrives: "the same; 200,000 levels are no matter",
    values: () => [deep()],
    unlikePlatform: true,
  },
  {
    type: "proxies of objects and arrays",
    arrives: "what they show; unlike `structuredClone`, which refuses them",
    values: () => [new Proxy({ a: [1] }, {}), new Proxy([1, 2], {})],
    unlikePlatform: true,
  },
];

function argumentsOf(..._: unknown[]): unknown {
  return arguments;
}

function* numbers(): Generator<number> {
  yield 1;
}

/** What is refused. */
export const REFUSED: readonly Refused[] = [
  {
    type: "functions, classes, methods",
    instead: "register it with tasks()",
    values: () => [() => 1, Point, { method() {} }, new Proxy(() => 1, {}), currentTask],
  },
  { type: "symbols", instead: "send a string", values: () => [Symbol("s"), Object(Symbol("s")), Symbol.iterator] },
  {
    type: "promises, futures",
    instead: "await it first",
    values: () => [Promise.resolve(1), ...disguised(() => [Promise.resolve(1)])],
  },
  { type: "`WeakMap`", instead: "send a Map", values: () => [new WeakMap(), ...disguised(() => [new WeakMap()])] },
  { type: "`WeakSet`", instead: "send a Set", values: () => [new WeakSet(), ...disguised(() => [new WeakSet()])] },
  { type: "`WeakRef`", instead: "send what it holds", values: () => [new WeakRef({})] },
  {
    type: "generators, iterators",
    instead: "send an array of what it yields",
    values: () => [
      ...[numbers(), [1].values(), new Map().keys(), "a"[Symbol.iterator](), (async function* () {})()],
      ...disguised(() => [numbers(), new Map().keys(), new Set().values()]),
    ],
  },
  {
    type: "instances of other classes",
    instead: "or send a plain object",
    values: () => [
      new Unknown(),
      new (class Bag extends Map {})(),
      new (class Day extends Date {})(),
      new (class Sub extends Point {})(),
    ],
  },
  {
    type: "open files, sockets, processes",
    instead: "open it in the task",
    values: () => [new Socket(), new (class FileHandle {})()],
  },
  {
    type: "objects made by `Object.create(prototype)`",
    instead: "send a plain object",
    values: () => [Object.create({ a: 1 }), Object.create(Array.prototype)],
  },
  { type: "`URL`", instead: "send its href", values: () => [new URL("https://example.org")] },
  { type: "`URLSearchParams`", instead: "send it as a string", values: () => [new URLSearchParams("a=1")] },
  {
    type: "`Headers`, `FormData`",
    instead: "send an array of its entries",
    values: () => [new Headers(), new FormData()],
  },
  {
    type: "`Blob`, `File`, `Request`, `Response`",
    instead: "send its arrayBuffer()",
    values: () => [new Blob([]), new File([], "f"), new Request("https://example.org"), new Response()],
  },
  {
    type: "other objects of the platform",
    instead: "send plain data that it can be made of",
    values: () => [
      new ReadableStream(),
      new AbortController(),
      new AbortController().signal,
      new Event("e"),
      new Intl.NumberFormat(),
    ],
  },
  {
    type: "`SharedArrayBuffer`, views of one",
    instead: "SharedArrayBuffer memory cannot be shared with a process",
    values: () => [
      ...[new SharedArrayBuffer(4), new Uint8Array(new SharedArrayBuffer(4))],
      ...disguised(() => [new SharedArrayBuffer(4)]),
    ],
  },
  { type: "transferred buffers", instead: "an ArrayBuffer must still have its memory", values: () => [transferred()] },
  {
    type: "views that no longer fit into their buffer",
    instead: "a view must lie inside of its buffer",
    values: () => [unfit()],
  },
  {
    type: "getters and traps that throw",
    instead: "reading it threw",
    values: () => [{
      get a(): number {
        throw 1;
      },
    }],
  },
];

function transferred(): ArrayBuffer {
  const buffer = new ArrayBuffer(4);
  buffer.transfer();
  return buffer;
}

function unfit(): Uint8Array {
  const buffer = new ArrayBuffer(8, { maxByteLength: 8 });
  const view = new Uint8Array(buffer, 4, 4);
  buffer.resize(4);
  return view;
}
