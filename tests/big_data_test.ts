/**
 * Large buffers: what the codec does with them, how a channel carries them, and what executors make of both. Executors are
 * tested by each road that their segments may take.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { Buffer } from "node:buffer";
import process from "node:process";
import { type Executor, PicklingError, transfer, WorkerLostError } from "../mod.ts";
import type { ByteStream, ByteStreamEvents } from "../channel/byte_stream.ts";
import { ByteWriter } from "../channel/byte_writer.ts";
import { decodeList, encodeList } from "../channel/codec.ts";
import { decodeFailure, encodeFailure } from "../channel/failure.ts";
import { FrameWriter, MessageKind, NOTE_MARK, ProtocolError } from "../channel/protocol.ts";
import { MEMORY_SIZE, NoteKind, NoteWriter, PIECE_SIZE, PIECES, type SegmentMemory } from "../channel/segment_notes.ts";
import { NO_SEGMENTS, ownSegments, SEGMENT_SIZE, type Segments } from "../channel/segments.ts";
import { StreamChannel } from "../channel/stream_channel.ts";
import { runtime } from "../runtime/mod.ts";
import { Arrivals, kill, sleep, test, until, withTempFolder } from "./harness.ts";
import { forEachKind, type Kind } from "./kinds.ts";
import { forEachKindTogether, range, rejection, withPool, withSharedPool } from "./pools.ts";
import {
  bytes,
  bytesLater,
  echo,
  ends,
  failsMarked,
  lying,
  manyMoved,
  marksKept,
  moved,
  pid,
  pidOfAll,
  reused,
  shrinks,
  sizeOf,
  sizeOfMoved,
} from "./tasks_big.ts";
import { withProject } from "./user_project.ts";

const MB = 1 << 20;

// ----- The codec

interface Encoded {
  readonly bytes: Uint8Array;
  readonly segments: Segments;
}

function encoded(...values: unknown[]): Encoded {
  const writer = new ByteWriter();
  writer.segments = [];
  writer.begin();
  encodeList(writer, values, (i) => `args[${i}]`, "argument");
  return { bytes: writer.bytes.slice(writer.start, writer.length), segments: [...writer.takeSegments()] };
}

function decoded({ bytes, segments }: Encoded): unknown[] {
  return decodeList(bytes, 0, bytes.length, segments);
}

test("codec: an 8 MB Float64Array is neither copied nor touched, there and back", () => {
  const array = new Float64Array(MB);
  const there = encoded(array);
  assert.ok(there.bytes.length < 32);
  assert.equal(there.segments.length, 1);
  assert.equal(there.segments[0], array.buffer);
  const [back] = decoded(there) as [Float64Array];
  assert.equal(back.buffer, array.buffer);
  assert.equal(back.length, MB);
});

test("codec: views of one large buffer share it again, and other values lie around them", () => {
  const { buffer } = new Uint8Array(MB);
  const value = { a: new Uint8Array(buffer, 8, 100), b: new Map([["c", new DataView(buffer)]]), d: buffer, e: "e" };
  const there = encoded(value, [buffer]);
  assert.equal(there.segments.length, 1);
  const [back, [again]] = decoded(there) as [typeof value, [ArrayBuffer]];
  assert.equal(back.a.byteOffset, 8);
  assert.equal(back.a.length, 100);
  for (const other of [back.a.buffer, back.b.get("c")!.buffer, again]) assert.equal(other, back.d);
});

test("codec: a buffer becomes a segment from its size on, and only where there is a list for them", () => {
  assert.equal(encoded(new Uint8Array(SEGMENT_SIZE - 1)).segments.length, 0);
  assert.equal(encoded(new Uint8Array(SEGMENT_SIZE)).segments.length, 1);
  const writer = new ByteWriter();
  writer.begin();
  encodeList(writer, [new Uint8Array(MB)], String, "argument");
  assert.ok(writer.length > MB);
});

test("codec: a large resizable buffer stays resizable", () => {
  const buffer = new ArrayBuffer(MB, { maxByteLength: 2 * MB });
  new Uint8Array(buffer).fill(3);
  const there = encoded(buffer);
  const [back] = decoded({ ...there, segments: [buffer.slice()] }) as [ArrayBuffer];
  assert.deepEqual([back.byteLength, back.maxByteLength, back.resizable], [MB, 2 * MB, true]);
  assert.equal(new Uint8Array(back)[MB - 1], 3);
});

test("codec: each segment arrives once, and none that is not there or has another size", () => {
  const there = encoded(new Uint8Array(MB));
  decoded(there);
  assert.throws(() => decoded(there), /there must be a segment 0/);
  assert.throws(() => decoded({ ...there, segments: [] }), /there must be a segment 0/);
  assert.throws(() => decoded({ ...there, segments: [new ArrayBuffer(MB - 1)] }), /there must be a segment 0/);
  const two = encoded(new Uint8Array(MB), new Uint8Array(MB));
  const second = two.bytes.lastIndexOf(1, two.bytes.length - 6); // its place among the segments
  two.bytes[second] = 0;
  assert.throws(() => decoded(two), /there must be a segment 0/);
});

test("codec: a value that is refused, and a field that is left out, leave no segment behind", () => {
  const writer = new ByteWriter();
  writer.segments = [];
  writer.begin();
  const refused = [new Uint8Array(MB), () => {}];
  assert.throws(() => encodeList(writer, refused, String, "argument"), PicklingError);
  assert.equal(writer.segments.length, 0);
  const error = Object.assign(new Error("large"), { left: [new Uint8Array(MB), () => {}], kept: new Uint8Array(MB) });
  encodeFailure(writer, error, "somewhere");
  assert.equal(writer.segments.length, 1);
  const back = decodeFailure(writer.bytes, writer.start, writer.length, writer.segments) as typeof error;
  assert.equal(back.kept.length, MB);
  assert.equal("left" in back, false);
});

test("codec: a buffer is what it is, not what it says; a proxy of one is refused, large or small", () => {
  for (const size of [8, MB]) {
    const buffer = new ArrayBuffer(size);
    const lies = {
      byteLength: { value: 5 },
      resizable: { value: true },
      maxByteLength: { value: 1 },
      slice: { value: 0 },
    };
    Object.defineProperties(buffer, lies);
    const there = encoded(buffer);
    const [back] = decoded({ ...there, segments: [...ownSegments(there.segments as ArrayBuffer[])] }) as [ArrayBuffer];
    assert.equal(new Uint8Array(back).length, size);
    const proxy = new Proxy(new ArrayBuffer(size), {
      get: (target, key) => {
        const value = Reflect.get(target, key);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    assert.throws(() => encoded([proxy]), /args\[0\]\[0\] .* a Proxy cannot be copied/);
  }
});

test("codec: a large buffer that a getter resizes or detaches behind the walk is refused, with its place", () => {
  for (const change of [(b: ArrayBuffer) => b.resize(0), (b: ArrayBuffer) => b.resize(2 * MB), transferAway]) {
    const buffer = new ArrayBuffer(MB, { maxByteLength: 2 * MB });
    const changes = {
      get changed(): number {
        change(buffer);
        return 1;
      },
    };
    assert.throws(() => encoded(new Uint8Array(MB), { buffer }, changes), /args\[1\] .* must keep its size/);
    const error = Object.assign(new Error("resized"), { buffer: new ArrayBuffer(MB, { maxByteLength: MB }) });
    const writer = new ByteWriter(true);
    writer.begin();
    Object.defineProperty(error, "changed", { enumerable: true, get: () => error.buffer.resize(8) });
    encodeFailure(writer, error, "somewhere");
    const back = decodeFailure(writer.bytes, writer.start, writer.length, writer.segments) as Error;
    assert.deepEqual([back.message, String(back.cause).includes("must keep its size")], ["resized", true]);
  }
});

function transferAway(buffer: ArrayBuffer): void {
  buffer.transfer();
}

test("segments: of what has none the list is always the same one, so that small items of a map lie in one run", () => {
  const transfer = new Set([new ArrayBuffer(8)]);
  assert.equal(ownSegments([], { transfer, metOnly: true }), NO_SEGMENTS);
  assert.equal(ownSegments([], { transfer }), NO_SEGMENTS);
  assert.equal(Array.from(transfer)[0].detached, true);
});

// ----- Channels

/** Memory that two channels share. */
class Memory {
  readonly #bytes = new Uint8Array(MEMORY_SIZE);
  /** Bytes that it has room for. */
  room = MEMORY_SIZE;
  /** Bytes that were written. */
  written = 0;
  closed = 0;

  side(base: number): SegmentMemory {
    return {
      base,
      write: (at, bytes) => {
        if (at - base + bytes.length > this.room) return false;
        this.#bytes.set(bytes, at);
        this.written += bytes.length;
        return true;
      },
      read: (at, bytes) => {
        if (at + bytes.length > this.#bytes.length) return false;
        bytes.set(this.#bytes.subarray(at, at + bytes.length));
        return true;
      },
      close: () => void this.closed++,
    };
  }
}

/** A stream to another one. What is written waits until it is carried. */
class Wire implements ByteStream {
  readonly sent: Uint8Array[] = [];
  other!: Wire;
  unsent = 0;
  events!: ByteStreamEvents;
  #drains: (() => void)[] = [];

  listen(events: ByteStreamEvents): void {
    this.events = events;
  }

  write(bytes: Uint8Array): void {
    this.sent.push(bytes);
    this.unsent += bytes.length;
  }

  onceDrained(fn: () => void): void {
    if (this.unsent === 0) fn();
    else this.#drains.push(fn);
  }

  end(): void {
    this.sent.push(new Uint8Array(0)); // the end
  }

  destroy(): void {
    this.events.closed();
  }

  /** Carries one write over; says whether there was one. */
  carry(): boolean {
    const bytes = this.sent.shift();
    if (bytes === undefined) return false;
    this.unsent -= bytes.length;
    if (bytes.length === 0) this.other.events.closed();
    else this.other.events.data(bytes.slice());
    if (this.unsent === 0) { for (const drain of this.#drains.splice(0)) drain(); }
    return true;
  }
}

interface Received {
  readonly text: string;
  readonly segments: Segments;
}

/** Two channels, and what the second gets. */
function pair(memory?: Memory): { one: StreamChannel; two: StreamChannel; got: Received[]; wires: [Wire, Wire] } {
  const wires: [Wire, Wire] = [new Wire(), new Wire()];
  wires[0].other = wires[1];
  wires[1].other = wires[0];
  const [one, two] = wires.map((wire) => new StreamChannel(wire));
  const got: Received[] = [];
  two.receive((frame, segments) => got.push({ text: new TextDecoder().decode(frame.subarray(1)), segments }));
  if (memory !== undefined) {
    one.share(memory.side(0));
    two.share(memory.side(MEMORY_SIZE / 2));
    carry(wires);
  }
  return { one, two, got, wires };
}

function carry([one, two]: [Wire, Wire]): void {
  while (one.carry() || two.carry());
}

function message(text: string): Uint8Array {
  const frame = new FrameWriter();
  frame.beginFrame(MessageKind.CALLS);
  for (const byte of new TextEncoder().encode(text)) frame.u8(byte);
  return frame.endFrame();
}

/** To loop over all bytes would take most of a test's time. */
const STRETCH = Uint32Array.from({ length: 1021 }, (_, i) => i * 2654435761);

/** Bytes that tell where they are. */
function pattern(size: number): ArrayBuffer {
  const words = new Uint32Array(size / 4);
  for (let at = 0; at < words.length; at += STRETCH.length) {
    words.set(STRETCH.subarray(0, words.length - at), at);
    words[at] = at;
  }
  return words.buffer;
}

/** Asserts that all bytes are this one; a loop over them would take most of a test's time. */
function assertFull(bytes: Uint8Array, byte: number): void {
  assert.equal(Buffer.compare(bytes, new Uint8Array(bytes.length).fill(byte)), 0);
}

function assertSame(actual: ArrayBufferLike | undefined, expected: ArrayBuffer): void {
  assert.equal(actual?.byteLength, expected.byteLength);
  assert.equal(Buffer.compare(new Uint8Array(actual!), new Uint8Array(expected)), 0);
}

for (const road of ["memory", "stream"] as const) {
  test(`channel: segments of any size come with their message, in order, by ${road}`, async () => {
    const memory = new Memory();
    const { one, got, wires } = pair(road === "memory" ? memory : undefined);
    const small = range(3000).map((i) => pattern(4 + 4 * (i % 90)));
    const segments = [pattern(24 * MB), pattern(68), pattern(PIECE_SIZE), pattern(70_000), ...small, pattern(MB)];
    one.send(message("before"));
    one.send(message("large"), segments);
    one.send(message("small"));
    one.send(message("again"), [segments[3]]);
    one.send(message("last"));
    assert.ok(one.unsent > 0);
    const drained = one.drained();
    one.close();
    carry(wires);
    await drained;
    assert.equal(one.unsent, 0);
    assert.deepEqual(got.map(({ text }) => text), ["before", "large", "small", "again", "last"]);
    assert.deepEqual(got.map((each) => each.segments.length), [0, segments.length, 0, 1, 0]);
    for (const [i, segment] of segments.entries()) assertSame(got[1].segments[i], segment);
    assertSame(got[3].segments[0], segments[3]);
    assert.equal(memory.written > 24 * MB, road === "memory");
  });
}

test("channel: small segments go by the stream, and so do all before the other side has the memory", () => {
  const memory = new Memory();
  const { one, got, wires } = pair(memory);
  one.send(message("small"), [pattern(1_000)]);
  carry(wires);
  assert.equal(memory.written, 0);
  const early = pair();
  early.one.share(memory.side(0));
  early.one.send(message("early"), [pattern(4 * MB)]);
  carry(early.wires);
  assert.equal(memory.written, 0);
  assertSame(got[0].segments[0], pattern(1_000));
  assertSame(early.got[0].segments[0], pattern(4 * MB));
});

for (const [room, words] of [[0, "none"], [2.5 * PIECE_SIZE, "some"]] as const) {
  test(`channel: with ${words} of the memory's room left segments arrive all the same`, () => {
    const memory = new Memory();
    memory.room = room;
    const { one, got, wires } = pair(memory);
    for (let i = 0; i < 3; i++) one.send(message(`${i}`), [pattern(5 * MB), pattern(100_000)]);
    carry(wires);
    assert.equal(got.length, 3);
    for (const { segments } of got) {
      assertSame(segments[0], pattern(5 * MB));
      assertSame(segments[1], pattern(100_000));
    }
    assert.equal(memory.written > 15 * MB, room > 0);
  });
}

test("channel: lent buffers arrive as they were when they were sent", () => {
  for (const memory of [undefined, new Memory()]) {
    const { one, got, wires } = pair(memory);
    const [first, second] = [pattern(10 * MB), pattern(10 * MB)];
    one.send(message("one"), [first], "lent");
    one.send(message("two"), [second], "lent");
    for (const buffer of [first, second]) new Uint8Array(buffer).fill(9);
    carry(wires);
    for (const { segments } of got) assertSame(segments[0], pattern(10 * MB));
    assert.equal(got.length, 2);
  }
});

test("channel: the other side's end, or an abort, ends what waits, and the memory is let go once", async () => {
  for (const end of ["closed", "abort"]) {
    const memory = new Memory();
    const { one, wires } = pair(memory);
    one.send(message("large"), [pattern(20 * MB)]);
    const drained = one.drained();
    if (end === "closed") wires[0].events.closed();
    else one.abort(new Error("enough"));
    await drained;
    assert.equal((await one.closed)?.message, end === "closed" ? undefined : "enough");
    assert.equal(one.unsent, 0);
    assert.equal(memory.closed, 1);
    one.send(message("late"), [pattern(MB)]);
  }
});

const notes = new NoteWriter();
const claim = (...sizes: number[]): Uint8Array => rawNote(NoteKind.SEGMENTS, ...sizes);

function rawNote(kind: number, ...numbers: number[]): Uint8Array {
  const frame = new FrameWriter();
  frame.beginFrame(kind);
  for (const number of numbers) frame.f64(number);
  return frame.endFrame(NOTE_MARK);
}

/** What is garbage among notes. */
const GARBAGE: readonly [string, readonly Uint8Array[]][] = [
  ["a note of no kind", [rawNote(77)]],
  ["a size that is no number", [rawNote(NoteKind.SEGMENTS, NaN)]],
  ["a size below one", [rawNote(NoteKind.SEGMENTS, -8)]],
  ["a broken size", [rawNote(NoteKind.SEGMENTS, 1e300)]],
  ["a note with bytes left over", [rawNote(NoteKind.SHARED, 1)]],
  ["a piece of nothing", [notes.piece(0, 100)]],
  ["bytes of nothing", [notes.bytes(100)]],
  ["segments twice", [claim(100), claim(100)]],
  ["more bytes than claimed", [claim(100), notes.bytes(101)]],
  ["a larger piece than claimed", [claim(100), notes.piece(0, 101)]],
  ["a larger piece than there can be", [claim(MB), notes.piece(0, PIECE_SIZE + 1)]],
  ["a piece that is not there", [claim(MB), notes.piece(MEMORY_SIZE, 100)]],
  ["a piece that ends outside", [claim(MB), notes.piece(MEMORY_SIZE - 10, 100)]],
  ["a message before its segments", [claim(100), message("early")]],
  ["a message in the middle of its segments", [claim(100), notes.bytes(50), new Uint8Array(50), message("early")]],
  ["more pieces read than written", [notes.free(1)]],
  ["as many pieces as there can be", [notes.free(0xffff_ffff)]],
];

for (const [what, frames] of GARBAGE) {
  test(`channel: ${what} ends it with a ProtocolError, and no message comes`, async () => {
    const got: Uint8Array[] = [];
    const wire = new Wire();
    const channel = new StreamChannel(wire);
    channel.share(new Memory().side(0));
    channel.receive((frame) => got.push(frame));
    for (const frame of frames) wire.events.data(frame.slice());
    assert.ok(await channel.closed instanceof ProtocolError);
    assert.deepEqual(got, []);
  });
}

test("channel: a claim of a size takes no memory before there are bytes to show for it", () => {
  const wire = new Wire();
  const channel = new StreamChannel(wire);
  channel.receive(() => {});
  const sizes: number[] = [];
  const { ArrayBuffer, Uint8Array: Bytes } = globalThis;
  globalThis.Uint8Array = new Proxy(Bytes, {
    construct(target, args, as): Uint8Array {
      if (typeof args[0] === "number") sizes.push(args[0]);
      return Reflect.construct(target, args, as);
    },
  });
  try {
    wire.events.data(claim(2 ** 45, 2 ** 40));
    wire.events.data(notes.bytes(2 ** 45));
    for (let i = 0; i < 20; i++) wire.events.data(new Bytes(new ArrayBuffer(MB)));
  } finally {
    globalThis.Uint8Array = Bytes;
  }
  assert.ok(Math.max(...sizes) <= 20 * 16 * MB, `${sizes}`);
  channel.abort(new Error("over"));
});

// ----- Executors

/** How segments travel: by the memory that the host has, or by the socket, as where there is none. */
const ROADS = ["memory", "socket"] as const;
type Road = typeof ROADS[number];

/** The host, without a folder whose files lie in memory. */
function withoutMemory(): unknown {
  const host = runtime();
  const other = new (host.constructor as new () => object)();
  return Object.assign(other, { memoryFolder: () => undefined });
}

/** Registers a test for each kind and road, with one pool for all tests of those. */
function forEachRoadTogether(
  name: string,
  fn: (pool: Executor) => Promise<void>,
  options: { readonly ofProcessesAlone?: boolean } = {},
): void {
  for (const road of ROADS) {
    const key = (kind: Kind): string => `${kind.name} by ${road}`;
    forEachKindTogether(
      `${name}, by ${road}`,
      (kind) => withSharedPool(key(kind), () => makePool(kind, road), fn),
      { needs: { processes: true } },
    );
  }
  if (options.ofProcessesAlone) return;
  // To a thread they are posted.
  forEachKindTogether(
    name,
    (kind) => withSharedPool(kind.name, () => makePool(kind, "memory"), fn),
    { needs: { processes: false } },
  );
}

function makePool(kind: Kind, road: Road): Executor {
  return kind.make(road === "memory" ? { maxWorkers: 1 } : { maxWorkers: 1, runtime: withoutMemory() as never });
}

forEachRoadTogether("big data: buffers of many sizes go there and come back", async (pool) => {
  for (const size of [SEGMENT_SIZE - 8, SEGMENT_SIZE, 200_000, PIECE_SIZE * PIECES + 8, 9 * MB]) {
    const value = new Uint32Array(pattern(size));
    const back = await pool.submit(echo, value) as Uint32Array;
    assertSame(back.buffer as ArrayBuffer, value.buffer);
  }
  assert.deepEqual(await pool.submit(ends, new Float64Array(MB).fill(0.5)), [MB, 1]);
});

forEachRoadTogether("big data: what shares a buffer shares it there and here, whatever holds it", async (pool) => {
  const buffer = pattern(3 * MB);
  const resizable = new ArrayBuffer(MB, { maxByteLength: 2 * MB });
  const value = {
    list: [new Uint8Array(buffer, 1), new DataView(buffer, 2, 5)],
    map: new Map([[1, new Set([new BigInt64Array(buffer, 8, 1)])]]),
    small: new Uint8Array(10).fill(1),
    error: Object.assign(new Error("with data"), { data: new Float32Array(buffer) }),
    resizable,
  };
  const back = await pool.submit(echo, value) as typeof value;
  const shared = back.list[0].buffer;
  assertSame(shared as ArrayBuffer, buffer);
  const [item] = back.map.get(1)!;
  for (const view of [back.list[1], item, back.error.data]) assert.equal(view.buffer, shared);
  assert.deepEqual(back.small, value.small);
  assert.deepEqual([back.resizable.maxByteLength, back.resizable.byteLength], [2 * MB, MB]);
});

forEachRoadTogether("big data: many segments in one call, and in one message of a map", async (pool) => {
  const many = range(300).map((i) => new Uint8Array(SEGMENT_SIZE).fill(i));
  const back = await pool.submit(echo, many) as Uint8Array[];
  assert.ok(back.every((bytes, i) => bytes.length === SEGMENT_SIZE && bytes[7] === i % 256));
  const items = range(40).map((i) => i % 3 === 0 ? new Uint8Array([i, i]) : new Uint8Array(100_000 + i).fill(i));
  const results = await pool.map(ends, items, { chunksize: 7 }).toArray();
  assert.deepEqual(results, items.map((item, i) => [item.length, 2 * i]));
});

forEachRoadTogether("big data: what the caller changes after submit is not seen", async (pool) => {
  const value = new Uint8Array(6 * MB).fill(1);
  const future = pool.submit(ends, value);
  value.fill(2);
  assert.deepEqual(await future, [6 * MB, 2]);
});

forEachRoadTogether("big data: what a task changes after it has returned is not seen", async (pool) => {
  const sizes = [SEGMENT_SIZE, 5 * MB];
  for (const size of sizes) {
    const results = await Promise.all([1, 2].map((byte) => pool.submit(reused, byte, size)));
    for (const [i, result] of results.entries()) assertFull(result, i + 1);
  }
});

forEachRoadTogether("big data: buffers that lie about themselves go both ways as they are", async (pool) => {
  const buffer = new ArrayBuffer(MB);
  Object.defineProperties(buffer, { byteLength: { value: 5 }, slice: { value: 0 } });
  assert.equal(new Uint8Array(await pool.submit(echo, buffer) as ArrayBuffer).length, MB);
  assert.equal(new Uint8Array(await pool.submit(lying, MB)).length, MB);
});

forEachRoadTogether("big data: with transfer the caller's buffer has moved when submit returns", async (pool) => {
  for (const size of [100, MB, 6 * MB]) {
    const value = new Uint8Array(size).fill(3);
    const future = pool.with({ transfer: [value.buffer] }).submit(echo, { value });
    assert.deepEqual([value.buffer.detached, value.length], [true, 0]);
    const back = await future as { readonly value: Uint8Array };
    assert.deepEqual([back.value.length, back.value[size - 1]], [size, 3]);
  }
});

forEachRoadTogether("big data: transfer() moves a task's result", async (pool) => {
  for (const size of [100, MB, 6 * MB]) {
    const { bytes } = await pool.submit(moved, size);
    assert.deepEqual([bytes.length, bytes[size - 1]], [size, 7]);
    assert.equal(await pool.submit(sizeOfMoved), 0);
  }
});

forEachRoadTogether("big data: 20 MB both ways", async (pool) => {
  const value = pattern(20 * MB);
  assertSame(await pool.submit(echo, value) as ArrayBuffer, value);
});

forEachRoadTogether(
  "big data: a buffer that a getter resizes is refused here, and as a result; the pool lives",
  async (pool) => {
    const buffer = new ArrayBuffer(MB, { maxByteLength: MB });
    const value = {
      buffer,
      get resized(): number {
        buffer.resize(0);
        return 1;
      },
    };
    assert.throws(() => pool.submit(echo, value), /Cannot send args\[0\] .* must keep its size/);
    const results = pool.map(echo, [shrinks(MB), 7]);
    await assert.rejects(() => results.next(), /Cannot send items\[0\] .* must keep its size/);
    assert.equal((await results.next()).value, 7);
    const failure = await rejection(pool.submit(shrinks, MB)) as PicklingError;
    assert.ok(failure instanceof PicklingError && /must keep its size/.test(failure.message), String(failure));
    assert.equal(await pool.submit(echo, 1), 1);
  },
);

forEachRoadTogether("transfer: many small buffers go both ways", async (pool) => {
  const buffers = range(3_000).map(() => new ArrayBuffer(8));
  assert.equal(await pool.with({ transfer: buffers }).submit(sizeOf, buffers), 8 * 3_000);
  assert.equal(buffers.every((buffer) => buffer.detached), true);
  assert.equal((await pool.submit(manyMoved, 3_000)).length, 3_000);
});

forEachKindTogether(
  "transfer: a call may have tens of thousands of buffers",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const count = kind.can.processes ? 70_000 : 10_000; // Node's time to post so many grows with their square
      const buffers = range(count).map(() => new ArrayBuffer(8));
      assert.equal(await pool.with({ transfer: buffers }).submit(sizeOf, buffers), 8 * count);
    }),
);

forEachRoadTogether(
  "transfer: what a task changes after reading its marked result has failed is not seen",
  async (pool) => {
    const failure = await rejection(pool.submit(failsMarked, 3, 20 * MB)) as Error & { cause: { data: Uint8Array } };
    assert.ok(failure instanceof PicklingError, String(failure));
    assertFull(failure.cause.data, 3);
    assert.equal(failure.cause.data.length, 20 * MB);
  },
);

forEachKindTogether(
  "transfer: of memory that cannot move nothing moves, and the error says which and which way",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const good = new ArrayBuffer(MB);
      const gone = new ArrayBuffer(8);
      gone.transfer();
      const kept = new WebAssembly.Memory({ initial: 1 }).buffer as ArrayBuffer;
      const refused = (buffers: ArrayBuffer[], of: string): void => {
        const path = new RegExp(`^transfer${of}$`);
        assert.throws(() => pool.with({ transfer: buffers }).submit(echo, good), { name: "PicklingError", path });
        assert.equal(good.detached, false);
      };
      refused([good, gone], "\\[1\\]");
      refused([kept], "\\[0\\]");
      refused([good, kept], ""); // no host says which
      const failure = await rejection(pool.submit(marksKept)) as PicklingError;
      assert.ok(failure instanceof PicklingError, String(failure));
      assert.deepEqual([failure.path, failure.direction], ["transfer", "result"]);
      assert.equal(await pool.submit(echo, 1), 1);
    }),
);

forEachKindTogether(
  "transfer: moves what is not among the arguments, too; a refused call moves nothing",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const [used, other] = [new ArrayBuffer(MB), new ArrayBuffer(8)];
      const bound = pool.with({ transfer: [used, other] });
      assert.throws(() => bound.submit(echo, [used, () => {}] as unknown), PicklingError);
      assert.deepEqual([used.detached, other.detached], [false, false]);
      const future = bound.submit(echo, used);
      assert.deepEqual([used.detached, other.detached], [true, true]);
      assert.equal((await future as ArrayBuffer).byteLength, MB);
      assert.throws(() => bound.submit(echo, 1), /memory must be there/);
      assert.throws(() => bound.submit(echo, used), PicklingError);
    }),
);

forEachKindTogether(
  "transfer: map moves each buffer with its item",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const items = range(5).map((i) => new Uint8Array(i === 2 ? 10 : MB).fill(i));
      const unused = new ArrayBuffer(10);
      const buffers = [...items.map((item) => item.buffer), unused];
      const results = await pool.with({ transfer: buffers }).map(ends, items).toArray();
      assert.deepEqual(results, range(5).map((i) => [i === 2 ? 10 : MB, 2 * i]));
      assert.deepEqual(buffers.map((buffer) => buffer.detached), [true, true, true, true, true, false]);
    }),
);

forEachKindTogether(
  "with: the same pool; unknown options and what cannot move are refused",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const bound: Executor = pool.with({});
      assert.equal(bound.maxWorkers, 1);
      assert.equal(await bound.submit(pid), await pool.submit(pid));
      for (const options of [null, 1, [], { onError: 1 }, { transfer: 1 }, { transfer: [new Uint8Array(1)] }]) {
        assert.throws(() => pool.with(options as never), TypeError, JSON.stringify(options));
      }
      const buffer = new ArrayBuffer(1);
      assert.throws(() => pool.with({ transfer: [buffer, buffer] }), /it is there twice/);
      assert.throws(() => pool.with({ transfer: [new SharedArrayBuffer(1)] }), /memory that is shared cannot move/);
      assert.throws(() => transfer(1, []), TypeError);
      const value = { buffer };
      assert.equal(transfer(value, [buffer]), value);
      assert.equal(buffer.detached, false);
      const another = kind.make({ maxWorkers: 1 });
      await another.with({}).shutdown();
      assert.throws(() => another.submit(pid), /shut down/);
    }),
);

forEachKind("big data: shared memory is refused, and the sentence says what to do", async (kind) => {
  await using pool = kind.make({ maxWorkers: 1 });
  const shared = new Uint8Array(new SharedArrayBuffer(MB));
  assert.throws(() => pool.submit(echo, { shared }), /args\[0\]\.shared to a worker as .* send a copy.*SharedMemory/);
}, { needs: { processes: true } });

forEachRoadTogether(
  "big data: a worker that is killed while it gets a call has not entered it: a new one runs it",
  async (pool) => {
    const first = await pool.submit(pid);
    process.kill(first, "SIGSTOP");
    const value = pattern(24 * MB);
    const futures = [pool.submit(echo, value), pool.submit(echo, 1), pool.submit(pid)] as const;
    await sleep(30); // as far as it gets
    process.kill(first, "SIGKILL");
    assertSame(await futures[0] as ArrayBuffer, value);
    assert.equal(await futures[1], 1);
    assert.notEqual(await futures[2], first);
  },
  { ofProcessesAlone: true },
);

forEachRoadTogether("big data: a worker that is killed while it sends a result costs that call only", async (pool) => {
  await withTempFolder(async (folder) => {
    const started = new Arrivals(folder, "started");
    const lost = pool.submit(bytesLater, 24 * MB, 1, started.path);
    const others = [pool.submit(echo, 2), pool.submit(bytes, MB, 3)] as const;
    const failure = rejection(lost);
    await started.wait(1);
    // Nothing is read here meanwhile, so that it comes to stand still in the middle. (If it has not come so far, it is lost as well.)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    process.kill(Number(started.lines[0]), "SIGKILL");
    assert.ok(await failure instanceof WorkerLostError);
    assert.equal(await others[0], 2);
    assert.equal((await others[1]).length, MB);
  });
}, { ofProcessesAlone: true });

/** The descriptors of a process that lead to files in memory. */
function memoryFds(pid: number | "self"): string[] {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => linkOf(pid, fd).includes("/dev/shm/ergate-"));
}

function linkOf(pid: number | "self", fd: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return ""; // closed meanwhile
  }
}

/** What they lead to. */
function memoryFiles(pid: number | "self"): string[] {
  return memoryFds(pid).map((fd) => linkOf(pid, fd));
}

if (existsSync("/dev/shm") && existsSync("/proc/self/fd")) {
  forEachKind(
    "big data: the file in memory has no name while the pool works, and nothing is left of it",
    async (kind) => {
      const before = memoryFiles("self").length;
      let folder = "";
      await withPool(kind, { maxWorkers: 2 }, async (pool, path) => {
        const arrivals = new Arrivals(path);
        // Neither ends before both have begun: so both workers are there.
        const [worker] = await Promise.all(range(2).map(() => pool.submit(pidOfAll, arrivals.path, 2)));
        assert.equal((await pool.submit(echo, new Uint8Array(2 * MB)) as Uint8Array).length, 2 * MB);
        const files = (): string[] => memoryFiles("self").slice(before);
        await until("all workers have it", () => files().every((link) => link.endsWith(" (deleted)")));
        assert.equal(files().length, 2);
        assert.equal(memoryFiles(worker).length, 1);
        folder = files()[0].slice(0, files()[0].lastIndexOf("/"));
        assert.deepEqual(readdirSync(folder), []);
        assert.ok(memoryFds("self").some((fd) => statSync(`/proc/self/fd/${fd}`).size >= 2 * MB), "one was used");
        kill(worker, "SIGKILL");
        await until("a dead worker's file is closed", () => files().length === 1);
      });
      assert.equal(memoryFiles("self").length, before);
      assert.equal(existsSync(folder), false);
    },
    { needs: { processes: true } },
  );

  test("big data: without the permission for files in memory, here or in the worker, the socket serves in silence", () =>
    withProject({
      "tasks.ts": `
        import { tasks } from "@ergate/ergate";
        export function echo(value: unknown): unknown { return value; }
        tasks(import.meta, { echo });
      `,
      "main.ts": `
        import { ProcessPoolExecutor } from "@ergate/ergate";
        import { echo } from "./tasks.ts";
        for (const permissions of ["inherit", "none"] as const) {
          await using pool = new ProcessPoolExecutor({ maxWorkers: 1, permissions });
          const back = await pool.submit(echo, new Uint8Array(5 << 20).fill(4)) as Uint8Array;
          console.log(back.length, back[back.length - 1]);
        }
      `,
    }, async (project) => {
      const scoped = ["--allow-run", "--allow-read", "--allow-write", "--allow-net"];
      for (const denoFlags of "Deno" in globalThis ? [["-A"], scoped] : [[]]) {
        const { stdout, stderr, code } = await project.run("main.ts", { denoFlags });
        assert.deepEqual({ stdout, stderr, code }, { stdout: "5242880 4\n5242880 4\n", stderr: "", code: 0 });
      }
    }));

  test("big data: 64 MB both ways take the memory of two copies on each side, by the socket somewhat more", () =>
    withProject({
      "tasks.ts": `
        import { tasks } from "@ergate/ergate";
        import { readFileSync } from "node:fs";
        export function echo(value: unknown): unknown { return value; }
        export function peak(): number { return Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]) / 1024; }
        tasks(import.meta, { echo, peak });
      `,
      "main.ts": `
        import { ProcessPoolExecutor } from "@ergate/ergate";
        import { echo, peak } from "./tasks.ts";
        const { runtime } = await import(process.env.RUNTIME!);
        if (process.argv[2] === "socket") runtime().memoryFolder = () => undefined;
        await using pool = new ProcessPoolExecutor(1);
        await pool.submit(echo, new Uint8Array(1 << 20));
        const before = [peak(), await pool.submit(peak)];
        const value = new Uint8Array(64 << 20).fill(1);
        const back = await pool.submit(echo, value) as Uint8Array;
        if (back[back.length - 1] !== 1 || value[0] !== 1) throw new Error("wrong");
        console.log(JSON.stringify([peak() - before[0], await pool.submit(peak) - before[1]]));
      `,
    }, async (project) => {
      for (const road of ROADS) {
        // Beside the copies some 5 MB are taken. Bun's allocator keeps up to a copy that was given back for a while; by the
        // socket what the host has read lies there until garbage is collected, on a busy machine more than a copy.
        const copies = road === "memory" && runtime().name !== "bun" ? 2 : 3;
        const most = copies * 64 + 55;
        const tries: string[] = [];
        const isMet = async (): Promise<boolean> => {
          const env = { RUNTIME: new URL("../runtime/mod.ts", import.meta.url).href };
          const { stdout, stderr, code } = await project.run("main.ts", { args: [road], env });
          assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
          const [parent, worker] = JSON.parse(stdout) as number[];
          tries.push(`${parent} and ${worker} MB`);
          return parent < most && worker < most;
        };
        // What an allocator and a collector keep for a while is luck; a copy too many is there each time.
        assert.ok(
          await isMet() || await isMet() || await isMet(),
          `${road}: not below ${most} MB: ${tries.join("; ")}`,
        );
      }
    }));

  test("big data: a program that is killed in the middle of a transfer leaves nothing in memory", () =>
    withProject({
      "tasks.ts": `
        import { tasks } from "@ergate/ergate";
        export function echo(value: unknown): unknown { return value; }
        tasks(import.meta, { echo });
      `,
      "main.ts": `
        import { ProcessPoolExecutor } from "@ergate/ergate";
        import { echo } from "./tasks.ts";
        const pool = new ProcessPoolExecutor(1);
        const value = new Uint8Array(32 << 20);
        for (let i = 0;; i++) {
          await pool.submit(echo, value);
          if (i === 2) console.log("under way");
        }
      `,
    }, async (project) => {
      const program = project.start("main.ts");
      await program.untilPrinted("under way");
      const [name] = project.temporary;
      assert.ok(existsSync(`/dev/shm/${name}`));
      program.kill("SIGKILL");
      await program.ended;
      await project.untilClean();
      await until("nothing is left in memory", () => !existsSync(`/dev/shm/${name}`));
    }));
}
