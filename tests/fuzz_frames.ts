/**
 * Fuzzers of channels: changed streams of frames and notes against a plain reading of them, and two channels that send each
 * other segments, with a change on the way or none.
 */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import type { ByteStream, ByteStreamEvents } from "../channel/byte_stream.ts";
import type { ChannelEnd } from "../channel/channel.ts";
import {
  FRAME_HEAD_SIZE,
  FRAME_MARK,
  FrameWriter,
  type MessageKind,
  NOTE_MARK,
  ProtocolError,
} from "../channel/protocol.ts";
import { MEMORY_SIZE, NoteKind, NoteWriter, PIECE_SIZE, type SegmentMemory } from "../channel/segment_notes.ts";
import { StreamChannel } from "../channel/stream_channel.ts";
import { below, mutated } from "./fuzz_cases.ts";
import type { Random } from "./random_values.ts";

// ----- A shared memory

/** The bytes of every memory: they are only read where they were written before, or where a changed note says. */
const MEMORY_BYTES = new Uint8Array(MEMORY_SIZE);

/** One side of a memory that has room for so many bytes of what this side writes. */
export function memorySide(base: number, room: number = MEMORY_SIZE): SegmentMemory {
  return {
    base,
    write(at, bytes) {
      assert.ok(at >= base && at + bytes.length <= base + MEMORY_SIZE / 2, "a side writes into its own half only");
      if (at - base + bytes.length > room) return false;
      MEMORY_BYTES.set(bytes, at);
      return true;
    },
    read(at, bytes) {
      if (at + bytes.length > MEMORY_SIZE) return false;
      bytes.set(MEMORY_BYTES.subarray(at, at + bytes.length));
      return true;
    },
    close() {},
  };
}

// ----- One channel, fed with changed bytes

/** A stream that only gives what the test feeds it. */
class FedStream implements ByteStream {
  readonly unsent = 0;
  destroyed = false;
  events!: ByteStreamEvents;

  listen(events: ByteStreamEvents): void {
    this.events = events;
  }

  write(): void {}

  onceDrained(fn: () => void): void {
    fn();
  }

  end(): void {}

  destroy(): void {
    this.destroyed = true;
  }
}

/** A message that was taken, and its segments. */
type Message = readonly Uint8Array[];

/** What is garbage. */
class Garbage extends Error {}

function must(holds: boolean): void {
  if (!holds) throw new Garbage();
}

/** Reads frames and notes in the plainest way: all bytes are there. */
class PlainReader {
  readonly messages: Message[] = [];
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #hasMemory: boolean;
  /** Sizes of the segments of the next message, and their bytes so far. */
  #sizes: number[] | undefined;
  #come: number[] = [];

  constructor(bytes: Uint8Array, hasMemory: boolean) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#hasMemory = hasMemory;
  }

  /** Says whether it came to garbage. */
  run(): boolean {
    try {
      for (let at = 0; at + FRAME_HEAD_SIZE <= this.#bytes.length;) at = this.#frame(at);
      return false;
    } catch (error) {
      if (!(error instanceof Garbage)) throw error;
      return true;
    }
  }

  get #left(): number {
    return (this.#sizes ?? []).reduce((sum, size) => sum + size, 0) - this.#come.length;
  }

  #frame(at: number): number {
    const size = this.#view.getUint32(at, true);
    const mark = (this.#view.getUint32(at + 4, true) ^ size) >>> 0;
    must(size > 0 && (mark === FRAME_MARK || mark === NOTE_MARK));
    at += FRAME_HEAD_SIZE;
    if (at + size > this.#bytes.length) return Infinity;
    if (mark === NOTE_MARK) return this.#note(at, at + size);
    must(this.#left === 0);
    const segments = (this.#sizes ?? []).map((length) => Uint8Array.from(this.#come.splice(0, length)));
    this.#sizes = undefined;
    this.messages.push([this.#bytes.slice(at, at + size), ...segments]);
    return at + size;
  }

  /** Reads a note; gives where the next frame begins. */
  #note(at: number, end: number): number {
    const size = end - at - 1;
    switch (this.#bytes[at]) {
      case NoteKind.SHARED:
        must(size === 0);
        return end;
      case NoteKind.FREE: // nothing was sent that could be freed
        must(size === 4 && this.#view.getUint32(at + 1, true) === 0);
        return end;
      case NoteKind.SEGMENTS:
        must(size % 8 === 0 && this.#sizes === undefined);
        this.#sizes = Array.from({ length: size / 8 }, (_, i) => this.#size(at + 1 + 8 * i));
        return end;
      case NoteKind.PIECE: {
        must(size === 8);
        const [place, length] = [this.#view.getUint32(at + 1, true), this.#view.getUint32(at + 5, true)];
        must(this.#sizes !== undefined && this.#hasMemory && length <= Math.min(this.#left, PIECE_SIZE));
        must(length === 0 || place + length <= MEMORY_SIZE);
        for (let i = 0; i < length; i++) this.#come.push(MEMORY_BYTES[place + i]);
        return end;
      }
      case NoteKind.BYTES: {
        must(size === 8);
        const length = this.#size(at + 1);
        must(this.#sizes !== undefined && length <= this.#left);
        for (let i = end; i < Math.min(this.#bytes.length, end + length); i++) this.#come.push(this.#bytes[i]);
        return end + length;
      }
      default:
        throw new Garbage();
    }
  }

  #size(at: number): number {
    const size = this.#view.getFloat64(at, true);
    must(Number.isSafeInteger(size) && size > 0);
    return size;
  }
}

function randomBytes(random: Random, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, () => below(random, 256));
}

/** Notes and bytes of segments, as they come before a message. */
function* randomSegments(random: Random): Generator<Uint8Array> {
  const notes = new NoteWriter();
  const sizes = Array.from({ length: 1 + below(random, 3) }, () => 1 + below(random, random() < 0.1 ? 2_000 : 50));
  yield notes.segments(sizes.map((size) => new ArrayBuffer(size)));
  for (let left = sizes.reduce((sum, size) => sum + size, 0); left > 0;) {
    const size = 1 + below(random, left);
    left -= size;
    if (random() < 0.5) yield notes.piece(below(random, 5_000), size);
    else {
      yield notes.bytes(size);
      yield randomBytes(random, size);
    }
  }
}

/** Frames of random messages, one behind the other, with notes between them; now and then one is missing, or there twice. */
function randomFrames(random: Random): Uint8Array {
  const pieces: Uint8Array[] = [];
  const notes = new NoteWriter();
  for (let n = 1 + below(random, 5); n > 0; n--) {
    if (random() < 0.1) pieces.push(notes.shared());
    if (random() < 0.1) pieces.push(notes.free(0));
    if (random() < 0.4) pieces.push(...randomSegments(random));
    const frame = new FrameWriter();
    frame.beginFrame(1 + below(random, 12) as MessageKind);
    for (const byte of randomBytes(random, below(random, random() < 0.1 ? 5_000 : 40))) frame.u8(byte);
    pieces.push(frame.endFrame());
  }
  if (random() < 0.3) {
    const at = below(random, pieces.length);
    pieces.splice(at, 1, ...[[], [pieces[at], pieces[at]]][below(random, 2)]);
  }
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
}

/**
 * A channel hands on the whole messages before the first garbage, with their segments, however they are cut, and then ends
 * with an error.
 */
export async function mutatedFrames(random: Random): Promise<void> {
  MEMORY_BYTES.set(randomBytes(random, 64), below(random, 5_000));
  const sent = randomFrames(random);
  const bytes = random() < 0.2 ? sent : mutated(random, sent, randomFrames(random));
  const stream = new FedStream();
  const channel = new StreamChannel(stream);
  const hasMemory = random() < 0.8;
  if (hasMemory) channel.share(memorySide(0));
  const taken: Message[] = [];
  channel.receive((frame, segments) => {
    taken.push([frame.slice(), ...segments.map((segment) => new Uint8Array(segment!))]);
  });
  for (let at = 0; at < bytes.length;) {
    const size = 1 + below(random, random() < 0.5 ? 12 : bytes.length);
    stream.events.data(bytes.slice(at, at + size));
    at += size;
  }
  stream.events.closed();
  const end: ChannelEnd = await channel.closed;
  const reader = new PlainReader(bytes, hasMemory);
  const isGarbage = reader.run();
  if (end !== undefined) assert.ok(end instanceof ProtocolError && stream.destroyed, inspect(end));
  try {
    assert.equal(end !== undefined, isGarbage, inspect(end));
    assert.deepEqual(taken, reader.messages);
  } catch (cause) {
    throw new Error(`${cause}\nfor the bytes ${bytes.join(", ")}`, { cause });
  }
}
