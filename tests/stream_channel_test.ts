/**
 * Frames over a stream of bytes: the stream is a fake here, which tells what the channel asks of it and says what the
 * test wants. What real sockets and dying processes do to a channel is in `workers_test.ts`.
 */
import assert from "node:assert/strict";
import type { ChannelEnd } from "../channel/channel.ts";
import {
  FRAME_HEAD_SIZE,
  FRAME_MARK,
  FrameReader,
  FrameWriter,
  MessageKind,
  ProtocolError,
} from "../channel/protocol.ts";
import type { ByteStream, ByteStreamEvents } from "../channel/byte_stream.ts";
import { StreamChannel } from "../channel/stream_channel.ts";
import { sleep, test } from "./harness.ts";

/** A stream that keeps what it is told. */
class FakeStream implements ByteStream {
  readonly written: Uint8Array[] = [];
  unsent = 0;
  ended = false;
  destroyed = false;
  #events: ByteStreamEvents | undefined;
  #drains: (() => void)[] = [];

  listen(events: ByteStreamEvents): void {
    this.#events = events;
  }

  write(bytes: Uint8Array): void {
    this.written.push(bytes);
    this.unsent += bytes.length;
  }

  onceDrained(fn: () => void): void {
    this.#drains.push(fn);
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    this.destroyed = true;
  }

  /** The other side has written. */
  feed(bytes: Uint8Array): void {
    this.#events!.data(bytes);
  }

  /** The stream is over. */
  finish(error?: Error): void {
    this.#events!.closed(error);
  }

  /** The system has taken so many bytes. */
  take(bytes: number): void {
    this.unsent -= bytes;
    if (this.unsent > 0) return;
    for (const drain of this.#drains.splice(0)) drain();
  }
}

function frameOf(body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEAD_SIZE + body.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, body.length, true);
  view.setUint32(4, (body.length ^ FRAME_MARK) >>> 0, true);
  frame.set(body, FRAME_HEAD_SIZE);
  return frame;
}

function bodyOf(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (i * 7 + size) & 255);
}

/** Bodies whose frames lie across every boundary: shorter than a head, as long as one, longer. */
const BODIES = [1, 2, FRAME_HEAD_SIZE - 1, FRAME_HEAD_SIZE, FRAME_HEAD_SIZE + 1, 70].map(bodyOf);
const STREAM = concat(BODIES.map(frameOf));

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
}

interface Opened {
  readonly stream: FakeStream;
  readonly channel: StreamChannel;
  readonly frames: Uint8Array[];
}

function open(): Opened {
  const stream = new FakeStream();
  const channel = new StreamChannel(stream);
  const frames: Uint8Array[] = [];
  channel.receive((frame) => frames.push(frame));
  return { stream, channel, frames };
}

/** What a promise has become after all microtasks, or "pending". */
async function stateOf<T>(promise: Promise<T>): Promise<T | "pending"> {
  const pending = sleep(0).then(() => "pending" as const);
  const state = await Promise.race([promise, pending]);
  await pending; // Deno complains of a timer that is left
  return state;
}

async function endOf({ stream, channel }: Opened): Promise<ChannelEnd> {
  assert.equal(await stateOf(channel.closed), "pending", "closed before the stream was read to its end");
  stream.finish();
  return await channel.closed;
}

test("stream channel: frames cut once at every byte", () => {
  for (let cut = 0; cut <= STREAM.length; cut++) {
    const { stream, frames } = open();
    stream.feed(STREAM.slice(0, cut));
    stream.feed(STREAM.slice(cut));
    assert.deepEqual(frames, BODIES, `cut at ${cut}`);
  }
});

test("stream channel: frames cut into pieces of every size", () => {
  for (let size = 1; size <= STREAM.length; size++) {
    const { stream, frames } = open();
    for (let at = 0; at < STREAM.length; at += size) stream.feed(STREAM.slice(at, at + size));
    assert.deepEqual(frames, BODIES, `pieces of ${size}`);
  }
});

test("stream channel: a frame is handed on with its last byte, not with the next frame's first", () => {
  const { stream, frames } = open();
  const frame = frameOf(BODIES[5]);
  stream.feed(frame.slice(0, -1));
  assert.equal(frames.length, 0);
  stream.feed(frame.slice(-1));
  assert.deepEqual(frames, [BODIES[5]]);
});

test("stream channel: ten thousand frames in one piece come in order, each where it lies", () => {
  const { stream, frames } = open();
  const bytes = concat(Array.from({ length: 10_000 }, (_, i) => frameOf(Uint8Array.of(i & 255, i >> 8))));
  stream.feed(bytes);
  assert.deepEqual(frames.map((frame) => frame[0] | frame[1] << 8), Array.from({ length: 10_000 }, (_, i) => i));
  assert(frames.every((frame) => frame.buffer === bytes.buffer));
});

test("stream channel: empty pieces mean nothing", () => {
  const { stream, frames } = open();
  for (const byte of STREAM) {
    stream.feed(new Uint8Array(0));
    stream.feed(Uint8Array.of(byte));
  }
  assert.deepEqual(frames, BODIES);
});

test("stream channel: what comes before there is a handler is kept for it, in order", () => {
  const stream = new FakeStream();
  const channel = new StreamChannel(stream);
  const half = STREAM.length >> 1;
  stream.feed(STREAM.slice(0, half));
  const frames: Uint8Array[] = [];
  channel.receive((frame) => frames.push(frame));
  const early = frames.length;
  assert(early > 0 && early < BODIES.length);
  stream.feed(STREAM.slice(half));
  assert.deepEqual(frames, BODIES);
});

test("stream channel: a second handler takes over", () => {
  const { stream, channel, frames } = open();
  stream.feed(frameOf(BODIES[0]));
  const others: Uint8Array[] = [];
  channel.receive((frame) => others.push(frame));
  stream.feed(frameOf(BODIES[1]));
  assert.deepEqual([frames, others], [[BODIES[0]], [BODIES[1]]]);
});

test("stream channel: a handler may hand over to another in the middle of a piece", () => {
  const stream = new FakeStream();
  const channel = new StreamChannel(stream);
  const frames: string[] = [];
  channel.receive((first) => {
    frames.push(`first ${first.length}`);
    channel.receive((frame) => frames.push(`then ${frame.length}`));
  });
  stream.feed(concat([frameOf(bodyOf(1)), frameOf(bodyOf(2)), frameOf(bodyOf(3))]));
  assert.deepEqual(frames, ["first 1", "then 2", "then 3"]);
});

test("stream channel: the other side's end ends it, without an error, after all that came", async () => {
  const opened = open();
  opened.stream.feed(STREAM);
  assert.equal(await endOf(opened), undefined);
  assert.deepEqual(opened.frames, BODIES);
});

test("stream channel: a frame that never came whole is never handed on", async () => {
  for (const cut of [1, FRAME_HEAD_SIZE - 1, FRAME_HEAD_SIZE, FRAME_HEAD_SIZE + 1]) {
    const opened = open();
    opened.stream.feed(frameOf(BODIES[5]).slice(0, cut));
    assert.equal(await endOf(opened), undefined);
    assert.deepEqual(opened.frames, []);
  }
});

// Garbage.

const GARBAGE: Readonly<Record<string, Uint8Array>> = {
  "text": new TextEncoder().encode("console.log was here\n"),
  "zeros": new Uint8Array(64),
  "a head without its mark": Uint8Array.of(5, 0, 0, 0, 5, 0, 0, 0, 1, 2, 3, 4, 5),
  "a frame of no bytes": frameOf(new Uint8Array(0)),
  "a head with one bit wrong": frameOf(bodyOf(3)).map((byte, i) => i === 6 ? byte ^ 1 : byte),
};

for (const [name, garbage] of Object.entries(GARBAGE)) {
  test(`stream channel: ${name} is garbage, at its first eight bytes, wherever it is cut`, async () => {
    for (let cut = 0; cut <= FRAME_HEAD_SIZE; cut++) {
      const opened = open();
      opened.stream.feed(concat([frameOf(BODIES[1]), garbage.slice(0, cut)]));
      if (cut > 0) opened.stream.feed(garbage.slice(cut, FRAME_HEAD_SIZE));
      else opened.stream.feed(garbage.slice(0, FRAME_HEAD_SIZE));
      assert(opened.stream.destroyed, `cut at ${cut}`);
      opened.stream.feed(STREAM);
      assert(await endOf(opened) instanceof ProtocolError);
      assert.deepEqual(opened.frames, [BODIES[1]]);
    }
  });
}

test("stream channel: a length alone makes nobody allocate", async () => {
  const opened = open();
  const head = new Uint8Array(FRAME_HEAD_SIZE);
  new DataView(head.buffer).setUint32(0, 0xffff_fff0, true);
  new DataView(head.buffer).setUint32(4, (0xffff_fff0 ^ FRAME_MARK) >>> 0, true);
  const allocations: number[] = [];
  const { Uint8Array: original } = globalThis;
  // The class is put back before anything else of this test runs.
  globalThis.Uint8Array = new Proxy(original, {
    construct(target, args, made) {
      if (typeof args[0] === "number") allocations.push(args[0]);
      return Reflect.construct(target, args, made === globalThis.Uint8Array ? target : made);
    },
  });
  try {
    opened.stream.feed(head);
    for (let i = 0; i < 100; i++) opened.stream.feed(original.of(1, 2, 3));
  } finally {
    globalThis.Uint8Array = original;
  }
  assert(allocations.every((size) => size <= FRAME_HEAD_SIZE), String(allocations));
  assert.equal(await endOf(opened), undefined);
  assert.deepEqual(opened.frames, []);
});

test("stream channel: a handler that throws closes it with that error and hears no more", async () => {
  const stream = new FakeStream();
  const channel = new StreamChannel(stream);
  const error = new ProtocolError("not in this order");
  let calls = 0;
  channel.receive(() => {
    calls++;
    throw error;
  });
  stream.feed(STREAM); // six frames in one piece
  stream.feed(STREAM);
  assert(stream.destroyed);
  assert.equal(calls, 1);
  assert.equal(await endOf({ stream, channel, frames: [] }), error);
});

test("stream channel: a late handler that throws hears no more of what waited", async () => {
  const stream = new FakeStream();
  const channel = new StreamChannel(stream);
  stream.feed(STREAM);
  let calls = 0;
  channel.receive(() => {
    calls++;
    throw new RangeError("no");
  });
  assert.equal(calls, 1);
  assert(await endOf({ stream, channel, frames: [] }) instanceof RangeError);
});

test("stream channel: what a handler throws is an error, whatever it is", async () => {
  const stream = new FakeStream();
  const channel = new StreamChannel(stream);
  channel.receive(() => {
    throw null;
  });
  stream.feed(frameOf(BODIES[0]));
  assert(await endOf({ stream, channel, frames: [] }) instanceof ProtocolError);
});

// Abort and close.

test("stream channel: abort closes at once, hands nothing on, and keeps its first reason", async () => {
  const opened = open();
  const { stream, channel, frames } = opened;
  stream.feed(STREAM.slice(0, 5));
  const reason = new Error("enough");
  channel.abort(reason);
  channel.abort(new Error("again"));
  assert(stream.destroyed);
  stream.feed(STREAM.slice(5));
  assert.equal(await endOf(opened), reason);
  assert.deepEqual(frames, []);
});

test("stream channel: an abort after the end changes nothing", async () => {
  const opened = open();
  assert.equal(await endOf(opened), undefined);
  opened.channel.abort(new Error("late"));
  assert(!opened.stream.destroyed);
  assert.equal(await opened.channel.closed, undefined);
});

test("stream channel: close ends the stream after what was sent", async () => {
  const opened = open();
  opened.channel.send(frameOf(BODIES[2]));
  opened.channel.close();
  assert.deepEqual(opened.stream.written, [frameOf(BODIES[2])]);
  assert(opened.stream.ended && !opened.stream.destroyed);
  assert.equal(await endOf(opened), undefined);
});

test("stream channel: what is sent after the end is dropped, without an error", async () => {
  const opened = open();
  await endOf(opened);
  opened.channel.send(frameOf(BODIES[0]));
  opened.channel.close();
  assert.deepEqual(opened.stream.written, []);
  assert(!opened.stream.ended);
});

test("stream channel: the stream's error is an end like any other: the process's exit says more", async () => {
  const { stream, channel } = open();
  stream.finish(new Error("ECONNRESET"));
  assert.equal(await channel.closed, undefined);
});

// Unsent and drained.

test("stream channel: unsent is what the system has not taken; drained waits for that", async () => {
  const { stream, channel } = open();
  assert.equal(channel.unsent, 0);
  assert.equal(await stateOf(channel.drained()), undefined);
  channel.send(frameOf(bodyOf(10)));
  assert.equal(channel.unsent, FRAME_HEAD_SIZE + 10);
  const drained = channel.drained();
  stream.take(4);
  assert.equal(await stateOf(drained), "pending");
  stream.take(FRAME_HEAD_SIZE + 6);
  assert.equal(await stateOf(drained), undefined);
  assert.equal(channel.unsent, 0);
});

test("stream channel: all who wait are told", async () => {
  const { stream, channel } = open();
  channel.send(frameOf(bodyOf(10)));
  const all = Promise.all([channel.drained(), channel.drained(), channel.drained()]);
  stream.take(FRAME_HEAD_SIZE + 10);
  assert.equal((await all).length, 3);
});

test("stream channel: the end lets go those who wait for drained, and nothing is unsent then", async () => {
  const { stream, channel } = open();
  channel.send(frameOf(bodyOf(10)));
  const drained = channel.drained();
  stream.finish();
  assert.equal(await stateOf(drained), undefined);
  assert.equal(channel.unsent, 0);
  assert.equal(await stateOf(channel.drained()), undefined);
});

// Frames themselves.

test("frame writer: frames built one behind the other do not touch each other", () => {
  const writer = new FrameWriter();
  const frames: Uint8Array[] = [];
  for (let i = 0; i < 2_000; i++) {
    writer.beginFrame(MessageKind.CALLS);
    writer.f64(i);
    const body = bodyOf(i % 300);
    writer.block(body, 0, body.length);
    frames.push(writer.endFrame());
  }
  const { stream, frames: got } = open();
  for (const frame of frames) stream.feed(frame);
  assert.equal(got.length, 2_000);
  got.forEach((bytes, i) => {
    const frame = new FrameReader(bytes);
    assert.equal(frame.u8(), MessageKind.CALLS);
    assert.equal(frame.f64(), i);
    const size = frame.u32();
    assert.deepEqual(bytes.subarray(frame.skip(size), frame.at), bodyOf(i % 300));
    assert(frame.ended);
  });
});

test("frame reader: no read goes past the end", () => {
  for (const read of ["u8", "u32", "f32", "f64"] as const) {
    const frame = new FrameReader(new Uint8Array(read === "u8" ? 0 : 3));
    assert.throws(() => frame[read](), ProtocolError);
  }
  const frame = new FrameReader(Uint8Array.of(255, 255, 255, 255, 1));
  assert.throws(() => frame.skip(frame.u32()), ProtocolError);
});
