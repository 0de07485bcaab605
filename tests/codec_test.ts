/** The codec: what crosses and how it arrives, what is refused and where, and that no bytes can harm the reader. */
import assert from "node:assert/strict";
import process from "node:process";
import { ByteWriter } from "../channel/byte_writer.ts";
import { DecodeError, decodeList, decodeValue, encodeList, encodeValue } from "../channel/codec.ts";
import { ARRAY, HOLES, STRINGS } from "../channel/codec_tags.ts";
import { InvalidStateError, PicklingError } from "../errors.ts";
import { writeFileSync } from "node:fs";
import { difference } from "./difference.ts";
import { randomNumbers, runProgram, test, withTempFolder } from "./harness.ts";
import { RandomValues } from "./random_values.ts";
import "../runtime/mod.ts"; // long arrays are asked for their keys as the host can

const writer = new ByteWriter();

/** The first byte of every list: the version of the format. */
const HEAD = 0x10;

/** A value through the codec. */
function cross(value: unknown): unknown {
  writer.begin();
  encodeValue(writer, value, "args[0]", "argument");
  return decodeValue(writer.bytes, writer.start, writer.length);
}

/** The bytes of a value. */
function bytesOf(value: unknown): Uint8Array {
  writer.begin();
  encodeValue(writer, value, "args[0]", "argument");
  return writer.bytes.slice(writer.start, writer.length);
}

/** A size as the bytes have it. */
function sizeBytes(size: number): number[] {
  return size < 0x80 ? [size] : [size % 0x80 | 0x80, ...sizeBytes(Math.floor(size / 0x80))];
}

/** Asserts that two values are copies of one another, sharing and cycles included. */
function assertSame(actual: unknown, expected: unknown, what = "value"): void {
  const problem = difference(actual, expected);
  assert.ok(problem === undefined, `${what}: ${problem}`);
}

function table(): Record<string, unknown> {
  const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]).buffer;
  const shared = { shared: true };
  const cycle: Record<string, unknown> = { a: [1] };
  cycle.self = cycle;
  cycle.list = [cycle, [cycle]];
  const ring = new Map<unknown, unknown>();
  ring.set(ring, new Set([ring]));
  const lateHoles = Array.from({ length: 20 }, (_, i) => i) as unknown[];
  lateHoles.length = 30;
  const failure = new TypeError("bad", { cause: new RangeError("worse") });
  // deno-lint-ignore no-sparse-arrays
  const holes = [, 1, , undefined, , ,];
  return {
    undefined: undefined,
    null: null,
    booleans: [true, false],
    integers: [0, 1, 127, 128, -1, -128, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 53],
    numbers: [-0, 0, NaN, Infinity, -Infinity, 0.1, 5e-324, 1.7976931348623157e308],
    "packed integers": Array.from({ length: 5000 }, (_, i) => i * 1000 - 7),
    "packed numbers": Array.from({ length: 5000 }, (_, i) => i / 3),
    "integers, then -0": [1, 2, 3, 4, 5, 6, 7, 8, -0],
    "integers, then others": [1, 2, 3, 4, 5, 6, 7, 8, "x", { a: 1 }],
    "numbers, then others": [1, 2, 3, 4, 5, 6, 7, 8.5, null],
    bigints: [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n, -(2n ** 64n), 3n ** 5000n, -(7n ** 999n)],
    "an ASCII string of each length": Array.from({ length: 130 }, (_, i) => ({ text: "x".repeat(i) })),
    strings: [
      "",
      "é",
      "日本語",
      "😀",
      "\ud800",
      "a\udc00b",
      "\ufeffbom",
      "\0",
      "é".repeat(5000),
      "\ud83d".repeat(5000),
    ],
    "a string longer than a block": "0123456789é".repeat(20_000),
    "strings packed": Array.from({ length: 1000 }, (_, i) => `word ${i} ${i % 7 === 0 ? "é😀" : ""}`),
    "strings packed, pairs cut": ["\ud83d", "\ude00", "a", "b", "c", "d", "e", "f", ""],
    "strings, then others": ["a", "b", "c", "d", "e", "f", "g", "h", 1, { a: 1 }],
    "long strings": Array.from({ length: 20 }, (_, i) => "abc".repeat(100 + i)),
    boxed: [new Number(-0), new String("é"), new Boolean(false), Object(5n)],
    dates: [new Date(0), new Date(1e12 + 0.5), new Date(NaN)],
    regexps: [/a\/b[/]+/giu, new RegExp(""), /\p{L}/v],
    buffers: [buffer, new ArrayBuffer(0), new ArrayBuffer(3, { maxByteLength: 10 })],
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
      buffer,
    ],
    maps: [new Map<unknown, unknown>([["a", 1], [{ k: 1 }, [2]], [NaN, undefined]]), new Map(), ring],
    sets: [new Set<unknown>([1, "a", { b: 1 }, undefined]), new Set()],
    holes,
    "many holes": Object.assign([], { 5: "five", 50_000: { last: true } }),
    "holes at the end": lateHoles,
    "only holes": new Array(100),
    // deno-lint-ignore no-sparse-arrays
    "holes and other keys": Object.assign([1, , 3], { other: "key" }),
    "dense and other keys": Object.assign([1, 2], { other: "key" }),
    "packed and other keys": Object.assign(Array.from({ length: 20 }, (_, i) => i), { other: "key", 30: 1 }),
    "many and other keys": ["a", "b", {}].map((item) =>
      Object.assign(Array.from({ length: 1000 }, () => item), { other: "key", "01": [], "4294967295": 1 })
    ),
    "other keys around arrays": Object.assign([[1]], { index: 5, [Symbol("s")]: 1 }),
    "no items but other keys": Object.assign([], { other: "key" }),
    "a match": /e (?<word>t)(x)?/.exec("some text"),
    objects: [{}, { a: 1, "odd key": { b: null } }, { 2: "b", 1: "a", z: 1, a: 2 }, {
      "": 0,
      é: 1,
      [`k${"x".repeat(99)}`]: 2,
    }],
    "__proto__ is a key": JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}'),
    "many keys": Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`key${i}`, i])),
    "shared references": [shared, { again: shared }, new Map([[shared, shared]]), [shared, shared]],
    "more shared references": Array.from({ length: 50 }, (_, i) => i % 3 === 0 ? shared : { i, shared }),
    cycle,
    errors: [
      new Error("e"),
      new TypeError(),
      new RangeError("é"),
      new SyntaxError("s"),
      new EvalError(""),
      new URIError("u"),
    ],
    "an error's cause": failure,
  };
}

test("codec: what structuredClone copies arrives as from structuredClone", () => {
  for (const [name, value] of Object.entries(table())) {
    // Each host clones errors in a way of its own.
    assertSame(cross(value), name.includes("error") ? value : structuredClone(value), name);
  }
});

test("codec: values of one list share what they share", () => {
  const shared = { list: [1] };
  writer.begin();
  encodeList(writer, [shared, 1, [shared], shared.list], (i) => `args[${i}]`, "argument");
  const [first, one, [inner], list] = decodeList(writer.bytes, writer.start, writer.length) as [
    typeof shared,
    number,
    [typeof shared],
    number[],
  ];
  assert.equal(one, 1);
  assert.equal(inner, first);
  assert.equal(list, first.list);
  assert.notEqual(first, shared);
});

test("codec: an empty list, and as many values as there are", () => {
  for (const count of [0, 1, 200, 20_000]) {
    const values = Array.from({ length: count }, (_, i) => `${i}`);
    writer.begin();
    encodeList(writer, values, String, "argument");
    assert.deepEqual(decodeList(writer.bytes, writer.start, writer.length), values);
  }
});

test("codec: fields are defined, whatever objects inherit under their names", () => {
  const shared = Object.prototype as unknown as Record<string, unknown>;
  const value = [
    { shout: 1, whisper: 2, toString: 3 },
    ...Array.from({ length: 12 }, () => ({ shout: 1, whisper: 2 })),
  ];
  const bytes = bytesOf(value);
  Object.defineProperty(shared, "whisper", { value: 0, configurable: true, writable: false });
  Object.defineProperty(shared, "shout", { configurable: true, set: () => assert.fail("a setter was called") });
  try {
    const copy = decodeValue(bytes, 0, bytes.length) as Record<string, unknown>[];
    for (const item of copy) assert.deepEqual([item.shout, item.whisper], [1, 2]);
    assert.equal(copy[0].toString, 3);
  } finally {
    delete shared.whisper;
    delete shared.shout;
  }
});

test("codec: what all objects inherit stays behind", () => {
  const shared = Object.prototype as unknown as Record<string, unknown>;
  shared.everywhere = 1;
  try {
    for (const value of [{ a: 1 }, new Proxy({ a: 1 }, {}), Object.assign(Object.create(null), { a: 1 })]) {
      const copy = cross(value);
      assert.deepEqual(Object.keys(copy as object), ["a"]);
    }
  } finally {
    delete shared.everywhere;
  }
});

test("codec: a program that has sent a dictionary writes small objects as one that has not", async () => {
  const random = new RandomValues(randomNumbers());
  const values = Array.from({ length: 50 }, () => random.next());
  const nested = { id: 17, user: { name: "Ada", tags: ["admin"] }, size: { width: 3, height: 4.5 }, at: [{ a: {} }] };
  const sizes = [0, 1, 16, 17, 127, 128, 129, 20_000];
  const dictionaries = sizes.map((size) =>
    Object.fromEntries(Array.from({ length: size }, (_, i) => [`k${i}`, { i }]))
  );
  const badProxy = new Proxy({}, {
    ownKeys() {
      throw new RangeError("no keys");
    },
  });
  const views = [new Uint8Array(3), new Map([[1, 2]]), [1, {}], /a/g].map((value) =>
    Object.setPrototypeOf(value, null)
  );
  cross(dictionaries[7]);
  for (const [i, value] of [nested, ...dictionaries, ...views, { 7: 1, 3: { 1: [] } }, ...values].entries()) {
    // A copy of the module has met none.
    const { encode } = await import(`../channel/encoder.ts?copy=${i}`) as typeof import("../channel/encoder.ts");
    const fresh = new ByteWriter();
    assert.throws(() => encode(fresh, [[badProxy]], "argument", String), { path: "0[0]" });
    encode(fresh, [value], "argument", String);
    assert.deepEqual(fresh.bytes.slice(fresh.start, fresh.length), bytesOf(value));
  }
});

test("codec: values arrive where the prototypes of objects and arrays are frozen", async () => {
  const program = `
    import { ByteWriter } from "${new URL("../channel/byte_writer.ts", import.meta.url)}";
    import { decodeValue, encodeValue } from "${new URL("../channel/codec.ts", import.meta.url)}";
    const record = () => ({ toString: 1, constructor: 2, ["__proto__"]: 3, valueOf: 4, a: 5 });
    const list = Object.assign([1], { map: 1, toString: 2 });
    const error = Object.assign(new RangeError("e"), { toString: 1, constructor: 2 });
    const value = { list, error, date: new Date(0), many: Array.from({ length: 20 }, record) };
    for (const host of [Object, Array, Map, Error, Date]) Object.freeze(host.prototype);
    const writer = new ByteWriter();
    writer.begin();
    encodeValue(writer, value, "value", "argument");
    const copy = decodeValue(writer.bytes, writer.start, writer.length) as typeof value;
    const keys = (value: object) => Object.entries(value).join();
    console.log(copy.many.every((item) => keys(item) === keys(record())), keys(copy.list), keys(copy.error));
  `;
  await withTempFolder(async (folder) => {
    writeFileSync(`${folder}/frozen.ts`, program);
    const { code, stdout, stderr } = await runProgram(`${folder}/frozen.ts`);
    assert.deepEqual([code, stdout, stderr], [0, "true 0,1,map,1,toString,2 toString,1,constructor,2\n", ""]);
  });
});

test("codec: what structuredClone does not keep", () => {
  const bare = Object.assign(Object.create(null), { a: 1 });
  assertSame(cross(bare), { a: 1 });
  assertSame(cross({ [Symbol("s")]: 1, a: 1 }), { a: 1 });
  assertSame(cross(Object.defineProperty({}, "hidden", { value: 1 })), {});
  assertSame(cross(new Proxy({ a: [1] }, {})), { a: [1] });
  assertSame(cross(new Proxy([1, 2], {})), [1, 2]);
  const { Float16Array } = globalThis as { Float16Array?: new (items: number[]) => ArrayBufferView };
  if (Float16Array) assertSame(cross(new Float16Array([1.5, 2])), new Float16Array([1.5, 2]));
  const { Buffer } = globalThis as unknown as { Buffer: { from(text: string): Uint8Array } };
  assertSame(cross(Buffer.from("pooled")), new TextEncoder().encode("pooled"));
  const aggregate = cross(new AggregateError([new TypeError("a"), 1], "all", { cause: "why" })) as AggregateError;
  assert.ok(aggregate instanceof AggregateError && aggregate.errors[0] instanceof TypeError);
  assert.deepEqual([aggregate.errors[1], aggregate.cause, aggregate.message], [1, "why", "all"]);
  assert.deepEqual(Object.keys(aggregate), []);
  const error = new (class HttpError extends RangeError {
    status = 404;
  })("gone");
  const copy = cross(error) as typeof error;
  assert.equal(Object.getPrototypeOf(copy), RangeError.prototype);
  assert.deepEqual([copy.name, copy.message, copy.status, Object.keys(copy)], ["HttpError", "gone", 404, ["status"]]);
  assert.match(copy.stack ?? "", /^HttpError: gone\n|\n\s+at .*codec_test/);
});

test("codec: a view that follows its resizable buffer's length still does; others do not", () => {
  for (const [length, most] of [[8, 16], [8, 8], [0, 16], [9, 10], [16, 17]]) {
    const buffer = new ArrayBuffer(length, { maxByteLength: most });
    new Uint8Array(buffer).fill(7);
    const fixed = new Uint8Array(buffer, 0, length);
    const views: ArrayBufferView[] = [
      new Uint8Array(buffer),
      new DataView(buffer),
      fixed,
      new DataView(buffer, 0, length),
    ];
    if (length >= 8) views.push(new Float64Array(buffer, 8), new Uint16Array(buffer, 2, 1));
    const copies = cross(views) as typeof views;
    assertSame(copies, views);
    assert.deepEqual(new Uint8Array(buffer), new Uint8Array(length).fill(7));
    const copy = copies[0].buffer as ArrayBuffer;
    for (const each of [buffer, copy]) each.resize(most);
    assert.deepEqual(
      copies.map((view) => view.byteLength),
      views.map((view) => view.byteLength),
      `${length} of ${most}`,
    );
  }
});

test("codec: own fields with the names of slots say nothing of resizable buffers, which are as they were", () => {
  const lies = { byteLength: 4, maxByteLength: 4, resizable: false, detached: true, resize: undefined };
  for (const most of [16, 32]) {
    const buffer = new ArrayBuffer(16, { maxByteLength: most });
    new Uint8Array(buffer).fill(7);
    const views = [
      new Uint8Array(buffer),
      new DataView(buffer),
      new Uint16Array(buffer, 4),
      new Uint8Array(buffer, 0, 16),
    ];
    for (const [name, value] of Object.entries(lies)) {
      for (const each of [buffer, ...views]) Object.defineProperty(each, name, { value, configurable: true });
    }
    for (const view of views) {
      for (const name of ["byteOffset", "BYTES_PER_ELEMENT"]) Object.defineProperty(view, name, { value: 1 });
    }
    const copies = cross(views) as Uint8Array[];
    assert.deepEqual(copies.map((copy) => copy.byteLength), [16, 16, 12, 16]);
    const copy = copies[0].buffer as ArrayBuffer;
    assert.deepEqual([copy.byteLength, copy.maxByteLength, copy.resizable], [16, most, true]);
    for (const each of [new Uint8Array(buffer), copies[0]]) assert.deepEqual([...each], new Array(16).fill(7));
    copy.resize(most - 2);
    assert.deepEqual(copies.map((each) => each.byteLength), most === 16 ? [14, 14, 10, 0] : [30, 30, 26, 16]);
  }
  const fixed = Object.defineProperty(new ArrayBuffer(8), "resizable", { value: true });
  assert.equal((cross(new Uint8Array(fixed)) as Uint8Array).length, 8);
});

test("codec: a view out of bounds of a buffer that was made smaller is refused", () => {
  const buffer = new ArrayBuffer(8, { maxByteLength: 8 });
  for (const view of [new Uint8Array(buffer, 4, 4), new Float64Array(buffer, 0, 1), new DataView(buffer, 2, 6)]) {
    buffer.resize(3);
    assert.throws(() => cross({ view }), PicklingError);
    buffer.resize(8);
    assertSame(cross(view), view);
  }
});

test("codec: own fields with the names of slots say nothing of patterns and views", () => {
  const pattern = Object.defineProperty(/a/gi, "flags", { value: "zz" });
  assert.equal((cross(Object.defineProperty(pattern, "source", { value: "(" })) as RegExp).toString(), "/a/gi");
  const view = new Uint8Array([1, 2, 3]);
  for (const name of ["length", "byteOffset", "buffer"]) Object.defineProperty(view, name, { value: 1e6 });
  assert.deepEqual(Array.from(cross(view) as Uint8Array), [1, 2, 3]);
});

test("codec: the longest array of holes has no items", () => {
  const copy = cross(new Array(4_294_967_295)) as unknown[];
  assert.deepEqual([copy.length, Object.keys(copy)], [4_294_967_295, []]);
});

test("codec: a string that the host cannot decode at once arrives", () => {
  const text = "€".repeat(24e6) + "end"; // in pieces of 64 MB, the first of which ends inside of a character
  assert.ok(cross(text) === text);
});

test("codec: so many strings that none could hold them all are not joined", () => {
  const strings = new Array(1_100_000).fill("abcdefgh".repeat(8)); // 70 million characters
  const bytes = bytesOf(strings);
  assert.equal(bytes[2], ARRAY);
  const copy = decodeValue(bytes, 0, bytes.length) as string[];
  assert.ok(copy.length === strings.length && copy.every((item) => item === strings[0]));
  assert.equal(bytesOf(strings.slice(0, 1000))[2], STRINGS);
});

test("codec: arguments objects, own names and odd messages of errors, a cause that is undefined", () => {
  assertSame(
    cross((function (..._: number[]) {
      return arguments;
    })(1, 2)),
    { 0: 1, 1: 2 },
  );
  const odd = new Error("e");
  Object.defineProperty(odd, "message", { value: { toString: () => "odd" } });
  assert.equal((cross(odd) as Error).message, "odd");
  const inherited = Object.create(TypeError.prototype, { message: { value: "m" } });
  assert.ok(cross(inherited) instanceof TypeError);
  assert.deepEqual(Object.getOwnPropertyNames(cross(new Error("e", { cause: undefined }))).includes("cause"), true);
  assert.equal("cause" in (cross(new Error("e")) as Error), false);
  assert.equal(Object.hasOwn(cross(new Error()) as Error, "message"), false);
  const pattern = /a/g;
  pattern.lastIndex = 5;
  assert.equal((cross(pattern) as RegExp).lastIndex, 0);
  const aborted = cross(new DOMException("stop", "AbortError")) as DOMException;
  assert.deepEqual([aborted instanceof DOMException, aborted.name, aborted.code], [true, "AbortError", 20]);
});

test("codec: objects of another realm arrive as this one's", async () => {
  const { runInNewContext } = await import("node:vm");
  const foreign = runInNewContext(
    `({ list: [1, { a: 2 }], map: new Map([["k", new Set([3])]]), date: new Date(4), bytes: new Uint8Array([5]), error: new TypeError("t") })`,
  );
  const copy = cross(foreign) as { error: unknown };
  assert.ok(copy.error instanceof TypeError);
  assertSame({ ...copy, error: 0 }, {
    list: [1, { a: 2 }],
    map: new Map([["k", new Set([3])]]),
    date: new Date(4),
    bytes: new Uint8Array([5]),
    error: 0,
  });
});

test("codec: an array of four thousand million holes costs what its items cost", () => {
  const sparse: unknown[] = [];
  sparse[5] = "five";
  sparse[4_294_967_294] = sparse;
  assert.ok(bytesOf(sparse).length < 40);
  const copy = cross(sparse) as unknown[];
  assert.deepEqual([copy.length, copy[5], Object.keys(copy)], [4_294_967_295, "five", ["5", "4294967294"]]);
  assert.equal(copy[4_294_967_294], copy);
});

test("codec: many runs of holes, one behind the other, allocate nothing", () => {
  const runs = 20_000;
  const bytes = [HEAD, 1, ARRAY, ...sizeBytes(1024 * runs)];
  for (let i = 0; i < runs; i++) bytes.push(HOLES, ...sizeBytes(1024));
  const before = process.cpuUsage();
  const value = decodeValue(Uint8Array.from(bytes), 0, bytes.length) as unknown[];
  assert.ok(process.cpuUsage(before).user < 1_000_000, "twenty million holes were made");
  assert.deepEqual([value.length, Object.keys(value)], [1024 * runs, []]);
  const holey: number[] = [];
  for (let i = 0; i < 500; i++) holey[i * (i % 2 === 0 ? 3 : 700)] = i;
  assertSame(cross(holey), holey);
});

test("codec: each getter is read once", () => {
  let reads = 0;
  const value = {
    get a(): number {
      return ++reads;
    },
  };
  const wanted = { a: 1 };
  assertSame(cross({ value, list: [value] }), { value: wanted, list: [wanted] });
  assert.equal(reads, 1);
});

/** A copy of an array without those of its items. */
function withHoles(items: readonly unknown[], ...holes: number[]): unknown[] {
  const copy = items.slice();
  for (const i of holes) delete copy[i];
  return copy;
}

/** An array with the same items, all of them getters; `reads` counts for each how often it was read. */
function ofGetters(items: readonly unknown[], reads: number[]): unknown[] {
  const value: unknown[] = [];
  value.length = items.length;
  items.forEach((item, i) => {
    reads[i] = 0;
    const get = () => {
      reads[i]++;
      return item;
    };
    Object.defineProperty(value, i, { get, enumerable: true, configurable: true });
  });
  return value;
}

test("codec: each getter among the items of an array is read once, whatever it is packed as in the end", () => {
  const range = Array.from({ length: 4200 }, (_, i) => i);
  const short = range.slice(0, 10);
  const words = range.map(String);
  const long = "x".repeat(1000);
  const lists: readonly (readonly unknown[])[] = [
    [1, 2, 3],
    short,
    range,
    range.map((i) => i / 2),
    [...range, 0.5, ...range],
    [...range, -0],
    [-0, ...short],
    [...short, "a", 1],
    [...range, 0.5, "a", ...range],
    withHoles([...range, undefined, 0, 0, 1], 4201, 4202),
    [0.5, ...range, null],
    [NaN, ...short, { a: 1 }],
    words,
    [...words, 1, "a"],
    ["a", ...short],
    [long, ...words.slice(0, 9)],
    [...words.slice(0, 9), long, long],
    [{ a: 1 }, ...range],
    withHoles(short, 0, 5),
    [undefined, ...short],
    [5n, ...short],
    [true, ...short],
    Object.assign([...short], { key: 1 }),
  ];
  for (const list of lists) {
    let nested: unknown = list;
    for (const depth of [0, 127, 200]) {
      const reads: number[] = [];
      let value: unknown = ofGetters(list, reads);
      for (const key of Object.keys(list)) if (!(key in reads)) (value as Record<string, unknown>)[key] = 1;
      nested = list;
      for (let i = 0; i < depth; i++) [value, nested] = [{ in: value }, { in: nested }];
      assertSame(cross(value), nested);
      assert.deepEqual(reads.filter((count) => count !== 1), []);
    }
  }
});

test("codec: packed strings, some of them long, arrive as they were", () => {
  for (const longer of [[0], [1, 2], [4095], [4096], [4095, 4096, 4097], [9999], [0, 5000, 8191, 8192]]) {
    const list = Array.from({ length: 10_000 }, (_, i) => `${i}`);
    for (const i of longer) list[i] = "long ".repeat(i % 2 === 0 ? 100 : 5000);
    assert.deepEqual(cross(list), list);
    assert.equal(bytesOf(list)[2], STRINGS);
  }
});

test("codec: an item that throws is refused with its place, in packed arrays too", () => {
  for (const items of [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], new Array(10).fill(0.5), new Array(10).fill("a")]) {
    for (const place of [0, 1, 7, 9]) {
      const list = [...items];
      Object.defineProperty(list, place, {
        enumerable: true,
        get() {
          throw new Error("no");
        },
      });
      assert.throws(() => cross(list), { name: "PicklingError", path: `args[0][${place}]` });
      list.length = 0;
    }
  }
});

test("codec: an array that a getter among its items makes longer or shorter arrives at the length that it had", () => {
  for (const length of [2, 20]) {
    const list: unknown[] = ofGetters(new Array(10).fill(1), []);
    Object.defineProperty(list, 5, {
      enumerable: true,
      get() {
        list.length = length;
        return "five";
      },
    });
    const copy = cross(list) as unknown[];
    assert.deepEqual([copy.length, copy[5], 6 in copy], [10, "five", length === 20]);
  }
});

test("codec: what changes while it is walked does no harm", () => {
  const map = new Map<string, unknown>([["a", 1]]);
  map.set("b", {
    get grow(): number {
      map.set("c", 1).delete("a");
      return 1;
    },
  });
  assertSame(cross(map), new Map<string, unknown>([["a", 1], ["b", { grow: 1 }]]));
  const list: unknown[] = [
    {
      get shrink(): number {
        list.length = 1;
        return 1;
      },
    },
    2,
    3,
  ];
  assert.deepEqual((cross(list) as unknown[])[0], { shrink: 1 });
});

class Point {
  x = 1;
}

function* count(): Generator<number> {
  yield 1;
}

/** What is refused, the rest of its path behind `args[0]`, and the sentence behind the path. */
const REFUSED: [() => unknown, string, RegExp][] = [
  [() => () => 1, "", /^ to a worker as functions cannot be copied: register it with tasks\(\)$/],
  [() => ({ user: { callback() {} } }), ".user.callback", /^ to a worker as functions cannot be copied: register/],
  [() => new Proxy(() => 1, {}), "", / functions cannot be copied/],
  [() => Point, "", / functions cannot be copied/],
  [() => [1, Symbol("s")], "[1]", / symbols cannot be copied: send a string$/],
  [() => Object(Symbol("s")), "", / symbols cannot be copied/],
  [() => ({ "odd key": [Promise.resolve()] }), '["odd key"][0]', / promises cannot be copied: await it first$/],
  [
    () => ({ user: new Point() }),
    ".user",
    / as an instance of class Point would lose its class: register Point with picklable\(\), or send a plain object$/,
  ],
  [() => new (class extends Map {})(), "", / would lose/],
  [() => new (class Vector extends Array {})(), "", / class Vector would lose/],
  [() => Object.create({ inherited: 1 }), "", / an object with a prototype of its own would lose it/],
  [() => new Map([["key", () => 1]]), '.get("key")', / functions/],
  [() => new Map([[1, [() => 1]]]), ".get(1)[0]", / functions/],
  [() => new Map<unknown, unknown>([["a", 1], [() => 1, 2]]), ".keys()[1]", / functions/],
  [() => new Map([[{}, () => 1]]), ".values()[0]", / functions/],
  [() => new Set([1, { f() {} }]), ".values()[1].f", / functions/],
  [() => new WeakMap(), "", / a WeakMap cannot be copied/],
  [() => new WeakSet(), "", / a WeakSet cannot be copied/],
  [() => new WeakRef({}), "", / a WeakRef cannot be copied/],
  [
    () => new SharedArrayBuffer(4),
    "",
    / as SharedArrayBuffer memory cannot be shared with a process: a ThreadPoolExecutor shares it; or send a copy, .*SharedMemory$/,
  ],
  [() => ({ a: new Uint8Array(new SharedArrayBuffer(4)) }), ".a", / SharedArrayBuffer memory cannot be shared/],
  [() => count(), "", / generators cannot be copied/],
  [() => [1].values(), "", / iterators cannot be copied/],
  [() => new Map().entries(), "", / iterators cannot be copied/],
  [() => new URL("https://example.org"), "", / class URL cannot be copied: send its href$/],
  [() => new Blob(["x"]), "", / class Blob cannot be copied/],
  [() => new Headers(), "", / class Headers cannot be copied/],
  [() => new Response("x"), "", / class Response cannot be copied/],
  [() => new AbortController().signal, "", / class AbortSignal cannot be copied/],
  [() => new ReadableStream(), "", / class ReadableStream cannot be copied: send plain data/],
  [() => new Event("x"), "", / class Event cannot be copied/],
  [() => new Intl.NumberFormat(), "", / class Intl.NumberFormat cannot be copied/],
  [() => new TextEncoder(), "", / class TextEncoder cannot be copied/],
  [() => new EventTarget(), "", / class EventTarget cannot be copied/],
  [() => new FormData(), "", / class FormData cannot be copied/],
  [() => new (class Map extends globalThis.Map {})(), "", / an instance of class Map\w* would lose/],
  [() => new (class Day extends Date {})(), "", / class Day would lose/],
  [() => new (class Bytes extends Uint8Array {})(), "", / class Bytes would lose/],
  [() => (async function* () {})(), "", / generators cannot be copied/],
  [() => [1][Symbol.iterator](), "", / iterators cannot be copied/],
  [() => new Error("e", { cause: { f() {} } }), ".cause.f", / functions/],
  [() => Object.assign(new Error("e"), { f() {} }), ".f", / functions/],
  [() => Object.assign(Array.from({ length: 9 }, (_, i) => i), { 8: () => 1 }), "[8]", / functions/],
  [() => Object.create(Array.prototype), "", / an object with a prototype of its own/],
  [() => Object.create(Map.prototype), "", / reading it threw: TypeError/],
  [
    () => {
      const buffer = new ArrayBuffer(8);
      buffer.transfer();
      return { buffer };
    },
    ".buffer",
    / an ArrayBuffer must still have its memory: it was transferred$/,
  ],
];

test("codec: what cannot cross is refused with its path and a sentence", () => {
  for (const [make, path, sentence] of REFUSED) {
    const value = make();
    const { length } = writer;
    assert.throws(() => cross(value), (error) => {
      assert.ok(error instanceof PicklingError, String(error));
      assert.equal(error.path, `args[0]${path}`);
      assert.equal(error.direction, "argument");
      const begin = `Cannot send args[0]${path} to a worker as `;
      assert.ok(error.message.startsWith(begin), error.message);
      assert.match(error.message.slice(begin.length - " to a worker as ".length), sentence);
      return true;
    });
    assert.equal(writer.length, length);
  }
});

test("codec: the words for results", () => {
  writer.begin();
  assert.throws(() => encodeValue(writer, { callback() {} }, "result", "result"), {
    name: "PicklingError",
    message: "Cannot send result.callback back from the worker as functions cannot be copied: return data instead",
    path: "result.callback",
    direction: "result",
  });
});

test("codec: a getter, a proxy trap and a revoked proxy that throw are refused with the cause", () => {
  const boom = new Error("boom");
  const thrower = {
    get x(): number {
      throw boom;
    },
  };
  const trap = new Proxy({}, {
    ownKeys() {
      throw boom;
    },
  });
  const revocable = Proxy.revocable({}, {});
  revocable.revoke();
  const cases: [unknown, string][] = [[{ a: thrower }, ".a.x"], [[trap], "[0]"], [{ r: revocable.proxy }, ".r"]];
  for (const [value, path] of cases) {
    assert.throws(() => cross(value), (error) => {
      assert.ok(error instanceof PicklingError);
      assert.equal(error.path, `args[0]${path}`);
      if (path !== ".r") assert.equal(error.cause, boom);
      return true;
    });
  }
  assert.throws(() =>
    cross({
      get x(): number {
        throw undefined;
      },
    }), PicklingError);
});

test("codec: a refusal leaves no trace, in the middle of a frame and in a new block too", () => {
  const own = new ByteWriter();
  own.begin();
  own.reserve(3);
  own.bytes.set([1, 2, 3], own.length);
  own.length += 3;
  assert.throws(() => encodeValue(own, ["x".repeat(200_000), () => 1], "result", "result"), PicklingError);
  assert.deepEqual([...own.bytes.subarray(own.start, own.length)], [1, 2, 3]);
  const shared = { a: 1 };
  const begin = own.length - own.start;
  encodeValue(own, [shared, shared], "result", "result");
  const [first, second] = decodeValue(own.bytes, own.start + begin, own.length) as [unknown, unknown];
  assert.equal(first, second);
});

test("codec: a call made by a getter goes into another writer, and is refused in the same one", () => {
  const other = new ByteWriter();
  const own = new ByteWriter();
  let inner: unknown;
  const value = {
    text: "x".repeat(50_000),
    get sub(): number {
      other.begin();
      encodeValue(other, [this.text, { a: 1 }], "args[0]", "argument");
      inner = decodeValue(other.bytes, other.start, other.length);
      assert.throws(() => {
        own.begin();
        encodeValue(own, { b: 1 }, "args[0]", "argument");
      }, InvalidStateError);
      return 1;
    },
    rest: "y".repeat(50_000),
  };
  own.begin();
  encodeValue(own, value, "args[0]", "argument");
  assert.deepEqual(decodeValue(own.bytes, own.start, own.length), { text: value.text, sub: 1, rest: value.rest });
  assert.deepEqual(inner, [value.text, { a: 1 }]);
});

/** A value nested deep, by turns of all containers. */
function deep(levels: number, inmost: unknown): unknown {
  let value = inmost;
  for (let i = 0; i < levels; i++) {
    value = i % 4 === 0 ? [value] : i % 4 === 1 ? { value } : i % 4 === 2 ? new Map([[i, value]]) : new Set([value]);
  }
  return value;
}

/** The levels of it, and what is inmost. */
function inmostOf(value: unknown): [number, unknown] {
  for (let levels = 0;; levels++) {
    if (value instanceof Map || value instanceof Set) [value] = value.values();
    else if (Array.isArray(value)) [value] = value;
    else if (typeof value === "object" && value !== null && "value" in value) ({ value } = value);
    else return [levels, value];
  }
}

test("codec: values cross however deep they are nested", () => {
  for (const levels of [126, 127, 128, 129, 130, 260, 60_000]) {
    assert.deepEqual(inmostOf(cross(deep(levels, "inmost"))), [levels, "inmost"]);
  }
  let error: unknown = "first";
  for (let i = 0; i < 3_000; i++) error = new Error(`${i}`, { cause: error });
  let copy = cross(error);
  for (let i = 2999; i >= 0; i--) {
    assert.equal((copy as Error).message, `${i}`);
    copy = (copy as Error).cause;
  }
  assert.equal(copy, "first");
  let list: unknown = null;
  for (let i = 0; i < 1000; i++) list = { next: list };
  assert.throws(() => cross({ list, last: { f() {} } }), { path: "args[0].last.f" });
});

test("codec: a refusal deep down shows both ends of the path", () => {
  const near = deep(5, () => 1);
  assert.throws(() => cross(near), { path: "args[0][0].values()[0].get(2).value[0]" });
  for (const levels of [100, 1000]) {
    let value: unknown = { callback() {} };
    for (let i = 0; i < levels; i++) value = { next: value };
    assert.throws(() => cross(value), (error) => {
      assert.ok(error instanceof PicklingError);
      assert.match(error.path, /^args\[0\].* … .*\.next\.callback$/);
      assert.ok(error.path.length < 200);
      return true;
    });
  }
});

test("codec: values cross from far down the stack", () => {
  let deepest = 0;
  let copy: unknown;
  // It adds, so that no host makes a loop of it.
  function descend(levels: number, level = 0): number {
    deepest = level;
    if (level < levels) return 1 + descend(levels, level + 1);
    copy = cross(deep(1000, 1));
    return 0;
  }
  // How deep it goes is asked of that very function: another's frames may be of another size, by when it is compiled.
  assert.throws(() => descend(Infinity), RangeError);
  const third = Math.floor(deepest / 3);
  assert.equal(descend(third), third);
  assert.deepEqual(inmostOf(copy), [1000, 1]);
});

/** Decodes bytes that may be anything. */
function tryDecode(bytes: Uint8Array): boolean {
  try {
    decodeList(bytes, 0, bytes.length);
    return true;
  } catch (error) {
    assert.ok(error instanceof DecodeError, `${error}: ${[...bytes.subarray(0, 300)]}`);
    return false;
  }
}

test("codec: truncated bytes are a DecodeError", () => {
  const { "a string longer than a block": _, "packed integers": _ints, "packed numbers": _numbers, ...rest } = table();
  for (const [name, value] of Object.entries(rest)) {
    const bytes = bytesOf(value);
    const step = Math.ceil(bytes.length / 60);
    for (let end = 0; end < bytes.length; end += step) assert.ok(!tryDecode(bytes.slice(0, end)), name);
    assert.equal(tryDecode(new Uint8Array([...bytes, 0])), false);
    // What lies behind the end belongs to others.
    assert.throws(() => decodeList(bytes, 0, bytes.length - 1), DecodeError);
  }
});

test("codec: changed and random bytes are a DecodeError or a value", () => {
  const random = randomNumbers();
  const { "packed integers": _ints, "packed numbers": _numbers, ...rest } = table();
  const samples = Object.values(rest).map(bytesOf).filter((bytes) => bytes.length < 5000);
  let refused = 0;
  for (let i = 0; i < 1_500; i++) {
    const bytes = samples[i % samples.length].slice();
    for (let n = Math.floor(random() * 4); n >= 0; n--) {
      // Most tags are small numbers.
      bytes[Math.floor(random() * bytes.length)] = random() < 0.5 ? random() * 256 : random() * 32;
    }
    if (!tryDecode(bytes)) refused++;
  }
  for (let i = 0; i < 1_500; i++) {
    const top = random() < 0.5 ? 256 : 32;
    tryDecode(
      Uint8Array.from(
        { length: Math.floor(random() * 60) },
        (_, i) => i === 0 ? HEAD + random() * 1.2 : random() * top,
      ),
    );
  }
  assert.ok(refused > 75);
});

test("codec: bytes that claim much allocate nothing", () => {
  const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
  for (let kind = 0; kind < 0x28; kind++) {
    for (const size of [huge, [0xff, 0xff, 0xff, 0xff, 0x0f], [0x80, 0x80, 0x80, 0x0f]]) {
      tryDecode(new Uint8Array([HEAD, 1, kind, ...size]));
      tryDecode(new Uint8Array([HEAD, 1, 0x0d, ...size, 0x0e, ...size]));
      tryDecode(new Uint8Array([HEAD, 1, kind, ...size, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    }
  }
  for (let kind = 0; kind < 0x28; kind++) tryDecode(new Uint8Array(300_000).fill(kind).fill(HEAD, 0, 1).fill(1, 1, 2));
  for (const pair of [[0x0d, 1], [0x0c, 0x81], [0x13, 1], [0x14, 1], [0x1a, 0], [0x17, 0x17], [0x1c, 0x0d]]) {
    tryDecode(Uint8Array.from({ length: 300_000 }, (_, i) => i === 0 ? HEAD : i === 1 ? 1 : pair[i % 2]));
  }
});
