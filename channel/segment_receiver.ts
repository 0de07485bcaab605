/** Collects the segments that come before a message. */
import { ProtocolError } from "./protocol.ts";
import { JOINED_SIZE, type SegmentMemory } from "./segment_notes.ts";

/**
 * Memory for a segment is taken at once only up to this many bytes, and up to so many times of what has come: a size is
 * believed as far as there are bytes to show for it. To move what has come to a larger buffer costs a copy of that; the
 * host gives memory only as it is written, so that a buffer which is too large costs nothing.
 */
const TRUSTED_SIZE = 32 << 20;
const TRUSTED_TIMES = 16;

/** The segments of one message, as they come. */
export class SegmentReceiver {
  /** Those that have come whole. */
  readonly segments: ArrayBuffer[] = [];
  /** Bytes that have not come. */
  left: number;
  readonly #sizes: readonly number[];
  /** The one that is coming, as far as there is memory for it, and how much of it has come. */
  #bytes = new Uint8Array(0);
  #filled = 0;
  /** Small ones are read together. */
  #joinedBytes: Uint8Array | undefined;

  /** Of so many bytes each. */
  constructor(sizes: readonly number[]) {
    this.#sizes = sizes;
    this.left = sizes.reduce((sum, size) => sum + size, 0);
  }

  /** Takes bytes from a stream, not more than are left. */
  take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const room = this.#room(bytes.length - at);
      room.set(bytes.subarray(at, at + room.length));
      at += room.length;
      this.#filledUp(room.length);
    }
  }

  /**
   * Takes bytes from shared memory, not more than are left.
   *
   * @throws {ProtocolError} If they are not there.
   */
  read(memory: SegmentMemory, start: number, size: number): void {
    for (let at = 0; at < size;) {
      const room = this.#room(size - at);
      const isSmall = room.length < JOINED_SIZE && room.length < size - at;
      const bytes = isSmall ? (this.#joinedBytes ??= new Uint8Array(JOINED_SIZE)).subarray(0, size - at) : room;
      if (!memory.read(start + at, bytes)) {
        throw new ProtocolError(`Cannot take a piece of a segment as ${size} bytes must be at ${start}: they are not`);
      }
      at += bytes.length;
      if (isSmall) this.take(bytes);
      else this.#filledUp(room.length);
    }
  }

  /** Memory for the next bytes of the segment that is coming, `size` at most. */
  #room(size: number): Uint8Array {
    const whole = this.#sizes[this.segments.length];
    const end = Math.min(whole, this.#filled + size);
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(whole, Math.max(end, TRUSTED_SIZE, TRUSTED_TIMES * this.#filled)));
      grown.set(this.#bytes.subarray(0, this.#filled));
      this.#bytes.buffer.transfer(0); // given back now, not when garbage is collected
      this.#bytes = grown;
    }
    return this.#bytes.subarray(this.#filled, end);
  }

  #filledUp(size: number): void {
    this.left -= size;
    this.#filled += size;
    if (this.#filled < this.#sizes[this.segments.length]) return;
    this.segments.push(this.#bytes.buffer);
    this.#bytes = new Uint8Array(0);
    this.#filled = 0;
  }
}
