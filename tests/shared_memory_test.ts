/** Shared memory: to a thread it is handed on as it is, to a process it is refused. */
import assert from "node:assert/strict";
import { PicklingError } from "../mod.ts";
import { ByteWriter } from "../channel/byte_writer.ts";
import { DecodeError, decodeList, encodeList, encodeValue, type Sending } from "../channel/codec.ts";
import { decodeFailure, encodeFailure } from "../channel/failure.ts";
import { ownSegments, type Segment, sizeOfSegments } from "../channel/segments.ts";
import { test } from "./harness.ts";
import { kinds } from "./kinds.ts";
import { rejection, withPool } from "./pools.ts";
import { count, failWith, growMemory, keepMemory } from "./tasks_shared.ts";

const TO_THREAD: Sending = { plain: false, shares: true };

// ----- The codec

interface Sent {
  readonly bytes: Uint8Array;
  readonly segments: readonly Segment[];
}

function sent(...values: unknown[]): Sent {
  const writer = new ByteWriter(true);
  writer.begin();
  encodeList(writer, values, (i) => `args[${i}]`, "argument", TO_THREAD);
  return { bytes: writer.bytes.slice(writer.start, writer.length), segments: writer.takeSegments() };
}

function arrived({ bytes, segments }: Sent): unknown[] {
  const left = [...segments];
  const values = decodeList(bytes, 0, bytes.length, left);
  assert.ok(left.every((segment) => segment === undefined), "a segment is left over");
  return values;
}

function cross<T extends unknown[]>(...values: T): T {
  return arrived(sent(...values)) as T;
}

test("shared memory: a thread gets the very SharedArrayBuffer, of any size, once in all places", () => {
  for (const memory of [0, 8, 1 << 20].map((size) => new SharedArrayBuffer(size))) {
    const there = sent(memory, { list: [memory], map: new Map([[memory, new Set([memory])]]) });
    assert.deepEqual(there.segments, [memory]);
    const [one, { list, map }] = arrived(there) as [unknown, { list: unknown[]; map: Map<unknown, Set<unknown>> }];
    const [[key, set]] = map;
    for (const other of [one, list[0], key, ...set]) assert.equal(other, memory);
  }
});

test("shared memory: one that grows", () => {
  const memory = new SharedArrayBuffer(8, { maxByteLength: 64 });
  const there = sent(memory, new Uint8Array(memory), new DataView(memory, 4), new Uint16Array(memory, 0, 2));
  memory.grow(32); // on its way
  const [back, bytes, view, two] = arrived(there) as [SharedArrayBuffer, Uint8Array, DataView, Uint16Array];
  assert.equal(back, memory);
  assert.deepEqual([bytes.length, view.byteLength, two.length], [32, 28, 2]);
  memory.grow(64);
  assert.deepEqual([bytes.length, view.byteLength, two.length], [64, 60, 2]);
});

test("shared memory: a view up to the end of memory that cannot grow any more keeps its length", () => {
  const memory = new SharedArrayBuffer(8, { maxByteLength: 8 });
  const [whole] = cross(new Uint8Array(memory));
  assert.equal(whole.length, 8);
});

test("shared memory: views of each kind, of the same memory", () => {
  const memory = new SharedArrayBuffer(64);
  const [{ ints, floats, view }, again] = cross({
    ints: new Int32Array(memory, 8, 2),
    floats: new Float64Array(memory),
    view: new DataView(memory, 60),
  }, memory);
  for (const { buffer } of [ints, floats, view]) assert.equal(buffer, again);
  assert.equal(again, memory);
  assert.deepEqual([ints.byteOffset, ints.length, floats.length, view.byteOffset, view.byteLength], [8, 2, 8, 60, 4]);
  Atomics.store(ints, 0, 42);
  assert.equal(new Int32Array(memory)[2], 42);
});

test("shared memory: beside large buffers, which are copied as ever", () => {
  const memory = new SharedArrayBuffer(1 << 20);
  const large = new Uint8Array(1 << 20).fill(1);
  const moved = new ArrayBuffer(1 << 20);
  const { bytes, segments } = sent(large, memory, moved, new Uint8Array(memory));
  assert.equal(sizeOfSegments(segments), 2 << 20);
  const own = ownSegments(segments, { transfer: new Set([moved]) });
  assert.deepEqual([own[0] === large.buffer, own[1] === memory, moved.detached], [false, true, true]);
  const [copy, shared, taken, view] = arrived({ bytes, segments: own }) as [
    Uint8Array,
    SharedArrayBuffer,
    ArrayBuffer,
    Uint8Array,
  ];
  assert.deepEqual([copy[5], taken.byteLength], [1, 1 << 20]);
  assert.equal(shared, memory);
  assert.equal(view.buffer, memory);
  assert.equal(ownSegments([memory])[0], memory);
});

test("shared memory: in the fields of an error", () => {
  const memory = new SharedArrayBuffer(8);
  const writer = new ByteWriter(true);
  writer.begin();
  const error = Object.assign(new Error("full", { cause: memory }), { memory, left: [memory, () => {}] });
  encodeFailure(writer, error, "somewhere", TO_THREAD);
  const segments = [...writer.takeSegments()];
  assert.deepEqual(segments, [memory]);
  const back = decodeFailure(writer.bytes, writer.start, writer.length, segments) as typeof error;
  assert.equal(back.cause, memory);
  assert.equal(back.memory, memory);
  assert.match(back.stack!, /left out, as it cannot be copied: left\b/);
});

test("shared memory: a process is refused it, with the place and the ways out", () => {
  for (const make of [(memory: SharedArrayBuffer) => memory, (memory: SharedArrayBuffer) => new DataView(memory)]) {
    const writer = new ByteWriter(true);
    writer.begin();
    assert.throws(() => encodeValue(writer, { a: make(new SharedArrayBuffer(8)) }, "value", "argument"), (error) => {
      assert.ok(error instanceof PicklingError);
      assert.equal(error.path.slice(0, 7), "value.a");
      assert.match(error.message, /cannot be shared with a process: a ThreadPoolExecutor shares it; or send a copy/);
      return true;
    });
    assert.equal(writer.segments!.length, 0);
  }
});

test("shared memory: a proxy of one is refused; another class of it loses that, as the platform has it", () => {
  const memory = new SharedArrayBuffer(8);
  assert.throws(() => sent(new Proxy(memory, {})), /a Proxy cannot be copied/);
  class Named extends SharedArrayBuffer {}
  assert.throws(() => sent(new Named(8)), /an instance of class Named would lose its class/);
  const writer = new ByteWriter(true);
  const named = new Named(8);
  encodeValue(writer, named, "value", "argument", { plain: true, shares: true });
  assert.deepEqual(writer.takeSegments(), [named]);
});

test("shared memory: what came beside the bytes must be that, and each comes once", () => {
  const memory = new SharedArrayBuffer(8);
  const there = sent(memory);
  for (const segments of [[], [new ArrayBuffer(8)]]) {
    assert.throws(() => arrived({ ...there, segments }), /segment 0 must be shared memory/);
  }
  const large = sent(new ArrayBuffer(1 << 20));
  assert.throws(() => arrived({ ...large, segments: [new SharedArrayBuffer(1 << 20)] }), DecodeError);
  const two = sent(memory, new SharedArrayBuffer(8));
  two.bytes[two.bytes.length - 1] = 0; // the place of the second
  assert.throws(() => arrived({ ...two, segments: [memory] }), /segment 0 must be shared memory/);
});

// ----- Threads

const THREADS = kinds.find((kind) => !kind.can.processes)!;

test("shared memory: initargs, calls, maps and results of a thread pool have the program's own", async () => {
  const memory = new SharedArrayBuffer(8);
  await withPool(
    THREADS,
    { maxWorkers: 2, initializer: keepMemory as () => void, initargs: [memory] },
    async (pool) => {
      const all = await Promise.all(Array.from({ length: 20 }, (_, i) => pool.submit(count, i)));
      for (const one of all) assert.deepEqual(new Int32Array(one), Int32Array.of(190, 0));
      await pool.map(count, new Array(100).fill(1)).toArray();
      assert.equal(new Int32Array(memory)[0], 290);
    },
  );
});

test("shared memory: a thread makes it grow, and views of both sides see it", async () => {
  await withPool(THREADS, { maxWorkers: 1 }, async (pool) => {
    const memory = new SharedArrayBuffer(8, { maxByteLength: 64 });
    const ints = new Int32Array(memory);
    const [isOne, length, view] = await pool.submit(growMemory, { memory, ints, map: new Map([["memory", memory]]) });
    assert.deepEqual([isOne, length, view.getInt32(0, true)], [true, 16, 7]);
    assert.deepEqual([memory.byteLength, ints.length, ints[15]], [64, 16, 7]);
    ints[15] = 8;
    assert.equal(view.getInt32(0, true), 8);
    const error = await rejection(pool.submit(failWith, memory)) as RangeError & { memory: SharedArrayBuffer };
    assert.ok(error instanceof RangeError);
    assert.equal(new Int32Array(error.memory)[15], 8);
  });
});
