/**
 * The messages that a stream channel sends, in their order; those with segments may take a while.
 *
 * By shared memory, pieces are written as far as there are free places; when they are all taken, everything waits here
 * until the other side has read some (FREE). So a side never stands still for long, and a message of any size takes no
 * more of that memory than a small one.
 */
import type { ByteStream } from "./byte_stream.ts";
import { JOINED_SIZE, NoteWriter, PIECE_SIZE, PIECES, type SegmentMemory } from "./segment_notes.ts";
import { byteLengthOf, sizeOfSegments } from "./segments.ts";

/**
 * Bytes of segments, in one message, from which on they go by shared memory. At 64 KB that takes as long as the socket or
 * less (0.2 ms both), at 256 KB two thirds, at 8 MB a half; smaller ones come here only if they are to be transferred.
 */
const MEMORY_ROAD_SIZE = 64 * 1024;

/** A message that waits. */
interface Outgoing {
  readonly frame: Uint8Array;
  /** Its segments; they may change when the caller goes on, if they are lent. */
  segments: readonly ArrayBuffer[];
  lent: boolean;
  /** Whether the other side knows that its segments come. */
  begun: boolean;
  /** Whether they are worth the shared memory. */
  readonly large: boolean;
  /** The segment that is being sent, and where in it. */
  segment: number;
  at: number;
}

/** Sends messages over a stream and a memory. */
export class Outbox {
  /** Bytes of messages that wait. */
  size = 0;
  readonly #stream: ByteStream;
  readonly #notes = new NoteWriter();
  readonly #emptied: () => void;
  #waiting: Outgoing[] = [];
  #memory: SegmentMemory | undefined;
  /** Places in this side's half of the memory; fewer if there was no room for all when they were first written. */
  #places = PIECES;
  /** The next one to write. */
  #place = 0;
  /** Places written and not read. */
  #unread = 0;

  /**
   * Sends over a stream.
   *
   * @param emptied Called when messages have waited, and none does any more.
   */
  constructor(stream: ByteStream, emptied: () => void) {
    this.#stream = stream;
    this.#emptied = emptied;
  }

  /** Lets segments go by a memory that the other side reads from. */
  useMemory(memory: SegmentMemory): void {
    this.#memory = memory;
  }

  /** Sends a message, behind those that wait; see {@linkcode Channel.send}. */
  send(frame: Uint8Array, segments: readonly ArrayBuffer[], lent: boolean): void {
    if (segments.length === 0 && this.#waiting.length === 0) return this.#stream.write(frame);
    const size = sizeOfSegments(segments);
    const large = size >= MEMORY_ROAD_SIZE;
    const message: Outgoing = { frame, segments, lent, begun: segments.length === 0, large, segment: 0, at: 0 };
    this.#waiting.push(message);
    this.size += frame.length + size;
    if (this.#waiting.length === 1 && this.#sendAll()) return;
    if (lent) keepRest(message);
  }

  /** The other side has read so many places; says whether that can be. */
  freed(count: number): boolean {
    if (count > this.#unread) return false;
    this.#unread -= count;
    if (this.#waiting.length > 0 && this.#sendAll()) this.#emptied();
    return true;
  }

  /** Forgets what waits. */
  clear(): void {
    this.#waiting = [];
    this.size = 0;
    this.#memory = undefined;
  }

  /** Sends what can be sent now; says whether that is all. */
  #sendAll(): boolean {
    for (const message of this.#waiting) {
      if (!this.#sendSegments(message)) {
        this.#waiting.splice(0, this.#waiting.indexOf(message));
        return false;
      }
      this.#stream.write(message.frame);
    }
    this.#waiting = [];
    this.size = 0;
    return true;
  }

  /** Says whether all are sent. */
  #sendSegments(message: Outgoing): boolean {
    const { segments } = message;
    if (!message.begun) this.#stream.write(this.#notes.segments(segments));
    message.begun = true;
    while (message.segment < segments.length) {
      if (!message.large || this.#memory === undefined) this.#sendByStream(message);
      else if (this.#unread >= this.#places) return false;
      else this.#sendPiece(message, this.#memory);
    }
    return true;
  }

  /** Sends all that is left. */
  #sendByStream(message: Outgoing): void {
    if (message.lent) keepRest(message);
    const rest = message.segments.slice(message.segment);
    this.#stream.write(this.#notes.bytes(sizeOfSegments(rest) - message.at));
    while (message.segment < message.segments.length) this.#stream.write(takeBytes(message, Infinity));
  }

  /** Fills the next place. */
  #sendPiece(message: Outgoing, memory: SegmentMemory): void {
    const start = memory.base + this.#place * PIECE_SIZE;
    const { segment, at } = message;
    let size = 0;
    while (message.segment < message.segments.length && size < PIECE_SIZE) {
      const bytes = takeBytes(message, PIECE_SIZE - size);
      if (!memory.write(start + size, bytes)) {
        Object.assign(message, { segment, at });
        return this.#shrinkTo(this.#place);
      }
      size += bytes.length;
    }
    this.size -= size;
    this.#place = (this.#place + 1) % this.#places;
    this.#unread++;
    this.#stream.write(this.#notes.piece(start, size));
  }

  /** The memory has no more than `places`: it goes on with these, or by the stream if there are none. */
  #shrinkTo(places: number): void {
    this.#places = places;
    this.#place = 0;
    if (places === 0) this.#memory = undefined;
  }
}

/** Takes the next bytes of a message's segments, `most` at most: of one of them, or of several small ones, joined. */
function takeBytes(message: Outgoing, most: number): Uint8Array {
  const first = nextPart(message, most);
  const { segments } = message;
  if (first.length >= Math.min(most, JOINED_SIZE) || message.segment === segments.length - 1) {
    pass(message, first.length);
    return first;
  }
  const joined = new Uint8Array(Math.min(most, JOINED_SIZE));
  let size = 0;
  while (size < joined.length && message.segment < segments.length) {
    const part = nextPart(message, joined.length - size);
    joined.set(part, size);
    size += part.length;
    pass(message, part.length);
  }
  return joined.subarray(0, size);
}

/** What is left of the segment that is being sent, up to so many bytes. */
function nextPart({ segments, segment, at }: Outgoing, most: number): Uint8Array {
  return new Uint8Array(segments[segment], at, Math.min(most, byteLengthOf(segments[segment]) - at));
}

function pass(message: Outgoing, size: number): void {
  message.at += size;
  if (message.at < byteLengthOf(message.segments[message.segment])) return;
  message.segment++;
  message.at = 0;
}

/** Copies what has not gone of segments that are lent. */
function keepRest(message: Outgoing): void {
  const { segments, segment, at } = message;
  message.lent = false;
  // The bytes before `at` have gone, and are not worth a copy.
  message.segments = segments.slice(segment).map((rest, i) => ArrayBuffer.prototype.slice.call(rest, i === 0 ? at : 0));
  message.segment = 0;
  message.at = 0;
}
