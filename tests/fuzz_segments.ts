/**
 * A fuzzer of two channels that send each other messages with segments, by a shared memory as far as they have one. In half
 * of the cases one write is changed on its way.
 */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import type { ByteStream, ByteStreamEvents } from "../channel/byte_stream.ts";
import {
  FRAME_HEAD_SIZE,
  FRAME_MARK,
  FrameWriter,
  MessageKind,
  NOTE_MARK,
  ProtocolError,
} from "../channel/protocol.ts";
import { MEMORY_SIZE, PIECE_SIZE } from "../channel/segment_notes.ts";
import type { Segments } from "../channel/segments.ts";
import { StreamChannel } from "../channel/stream_channel.ts";
import { below, mutated } from "./fuzz_cases.ts";
import { memorySide } from "./fuzz_frames.ts";
import type { Random } from "./random_values.ts";

/** A changed piece: a frame or a note, which is garbage as a whole, or whose body is; or bytes of segments. */
export function changedWrite(random: Random, bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isWhole = bytes.length > FRAME_HEAD_SIZE && view.getUint32(0, true) === bytes.length - FRAME_HEAD_SIZE;
  if (!isWhole || random() < 0.3) return mutated(random, bytes, bytes);
  const mark = (view.getUint32(4, true) ^ view.getUint32(0, true)) >>> 0;
  const body = mutated(random, bytes.slice(FRAME_HEAD_SIZE), bytes);
  const frame = new FrameWriter();
  frame.beginFrame(body[0] as MessageKind);
  for (const byte of body.subarray(1)) frame.u8(byte);
  return frame.endFrame(mark === NOTE_MARK ? NOTE_MARK : FRAME_MARK);
}

/** One end of a line; what is written waits until it is carried to the other. */
class LineEnd implements ByteStream {
  readonly unsent = 0;
  peer!: LineEnd;
  /** What was written; `undefined` is the end. */
  readonly written: (Uint8Array | undefined)[] = [];
  readonly #onTheWay: (bytes: Uint8Array) => Uint8Array;
  #events!: ByteStreamEvents;
  #closed = false;

  constructor(onTheWay: (bytes: Uint8Array) => Uint8Array) {
    this.#onTheWay = onTheWay;
  }

  listen(events: ByteStreamEvents): void {
    this.#events = events;
  }

  write(bytes: Uint8Array): void {
    this.written.push(this.#onTheWay(bytes.slice()));
  }

  onceDrained(fn: () => void): void {
    fn();
  }

  end(): void {
    this.written.push(undefined);
  }

  destroy(): void {
    for (const end of [this, this.peer]) {
      if (end.#closed) continue;
      end.#closed = true;
      end.#events.closed();
    }
  }

  /** Carries the next write over, in pieces. */
  carry(random: Random): void {
    const bytes = this.written.shift();
    if (bytes === undefined) return this.destroy();
    for (let at = 0; at < bytes.length && !this.peer.#closed;) {
      const size = random() < 0.8 ? bytes.length : 1 + below(random, Math.min(bytes.length, random() < 0.5 ? 12 : 1e5));
      this.peer.#events.data(bytes.slice(at, at + size));
      at += size;
    }
  }
}

/** A message as it should arrive. */
interface Message {
  readonly frame: Uint8Array;
  readonly segments: Segments;
}

/** One side, and what it sends. */
interface Side {
  readonly stream: LineEnd;
  readonly channel: StreamChannel;
  readonly base: number;
  readonly sent: Message[];
  readonly got: Message[];
  shared: boolean;
}

function makeSide(stream: LineEnd, base: number): Side {
  const side: Side = { stream, channel: new StreamChannel(stream), base, sent: [], got: [], shared: false };
  side.channel.receive((frame, segments) => side.got.push({ frame: frame.slice(), segments }));
  return side;
}

/** Sizes of segments: from those that go by the stream to some that take several places of the memory. */
function randomSize(random: Random, isLarge: boolean): number {
  if (random() < 0.3) return 1 + below(random, 200);
  if (isLarge && random() < 0.4) return PIECE_SIZE * (1 + below(random, 5)) + below(random, 20);
  return 64 * 1024 - 10 + below(random, 30);
}

function sendMessage(random: Random, { channel, sent }: Side, isLarge: boolean): void {
  const writer = new FrameWriter();
  writer.beginFrame(MessageKind.CALLS);
  for (let n = below(random, 20); n > 0; n--) writer.u8(below(random, 256));
  const frame = writer.endFrame();
  const count = random() < 0.3 ? 0 : 1 + below(random, 3);
  const segments = Array.from({ length: count }, () => {
    const bytes = new Uint8Array(randomSize(random, isLarge)).fill(below(random, 256));
    for (let at = below(random, 50); at < bytes.length; at += 1 + below(random, 5_000)) bytes[at] = below(random, 256);
    return bytes.buffer;
  });
  const lent = random() < 0.5;
  sent.push({
    frame: frame.slice(FRAME_HEAD_SIZE),
    segments: segments.map((segment) => lent ? segment.slice(0) : segment),
  });
  channel.send(frame, segments, lent ? "lent" : "kept");
  if (lent) { for (const segment of segments) new Uint8Array(segment).fill(0); } // the sender goes on
}

function assertSame(got: readonly Message[], sent: readonly Message[]): void {
  assert.equal(got.length, sent.length, "messages are missing, or were never sent");
  for (const [i, { frame, segments }] of sent.entries()) {
    assert.deepEqual(got[i].frame, frame);
    assert.deepEqual(got[i].segments.map((segment) => segment!.byteLength), segments.map((item) => item!.byteLength));
    for (const [j, segment] of segments.entries()) {
      const [bytes, wanted] = [new Uint8Array(got[i].segments[j]!), new Uint8Array(segment!)];
      let at = 0;
      while (at < wanted.length && bytes[at] === wanted[at]) at++;
      assert.equal(at, wanted.length, `byte ${at} of segment ${j} of message ${i} is another`);
    }
  }
}

/** All messages arrive in order with their segments; if bytes are changed, the two end or go on. */
export async function segmentsBothWays(random: Random): Promise<void> {
  const changedPiece = random() < 0.5 ? -1 : below(random, 30);
  let piece = 0;
  const onTheWay = (bytes: Uint8Array) => piece++ === changedPiece ? changedWrite(random, bytes) : bytes;
  const streams = [new LineEnd(onTheWay), new LineEnd(onTheWay)] as const;
  streams[0].peer = streams[1];
  streams[1].peer = streams[0];
  const sides = [makeSide(streams[0], 0), makeSide(streams[1], MEMORY_SIZE / 2)] as const;
  const room = [MEMORY_SIZE, MEMORY_SIZE, PIECE_SIZE * 2.5, 70_000, 0][below(random, 5)];
  const isLarge = random() < 0.1;
  const hasMemory = random() < 0.9;
  for (let left = 2 + below(random, 25); left > 0 || streams.some(({ written }) => written.length > 0);) {
    const side = sides[below(random, 2)];
    if (hasMemory && !side.shared && random() < 0.3) {
      side.shared = true;
      side.channel.share(memorySide(side.base, room));
    }
    if (left > 0 && random() < 0.4) {
      left--;
      sendMessage(random, side, isLarge);
    } else if (side.stream.written.length > 0) side.stream.carry(random);
  }
  const isChanged = piece > changedPiece && changedPiece >= 0;
  if (!isChanged) {
    assertSame(sides[1].got, sides[0].sent);
    assertSame(sides[0].got, sides[1].sent);
    for (const { channel } of sides) {
      assert.equal(channel.unsent, 0);
      await channel.drained();
    }
    sides[0].channel.close();
    streams[0].carry(random);
  }
  streams[0].destroy();
  for (const { channel } of sides) {
    const end = await channel.closed;
    assert.ok(end === undefined || (isChanged && end instanceof ProtocolError), inspect(end));
  }
}
