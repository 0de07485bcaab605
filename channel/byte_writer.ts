/**
 * A growing run of bytes: frames are built in one, and the arguments of waiting calls lie one behind the other in
 * another, so that a million waiting calls cost their bytes and no object each.
 */

import { NO_SEGMENTS, type Segment, SEGMENT_SIZE } from "./segments.ts";

/** Bytes of a fresh block. Large enough that blocks are rare, small enough that one live call pins little. */
const BLOCK_SIZE = 64 * 1024;

/** A block of more bytes is made for one value, and goes with it. */
const LARGE = 1 << 20;

/**
 * Appends bytes to a block.
 *
 * Only what lies from {@linkcode ByteWriter.start} on belongs to the value being written. When the block is full that
 * part moves to a new block, and what was written before stays in the old one, where its readers have it.
 */
export class ByteWriter {
  /** The block. Written up to `length`. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(BLOCK_SIZE);
  /** A view of the whole block. */
  view: DataView<ArrayBuffer> = new DataView(this.bytes.buffer);
  /** Bytes of a value at most: lengths on the wire have 32 bits, and a frame has more in it than one value. */
  readonly greatestSize: number = 2 ** 32 - 2 ** 28;
  /** Where the value being written begins. */
  start = 0;
  /** Where the next byte goes. */
  length = 0;
  /** Takes large buffers, which then travel beside the bytes; `undefined`: they go into the bytes as all else. */
  segments: Segment[] | undefined;
  /** Bytes from which on they are large. */
  segmentSize: number = SEGMENT_SIZE;
  /** Buffers that are taken aside however small they are, as they are to be transferred. */
  transfer: ReadonlySet<ArrayBuffer> | undefined;

  /**
   * Makes a writer.
   *
   * @param aside Whether large buffers are taken aside.
   */
  constructor(aside = false) {
    this.segments = aside ? [] : undefined;
  }

  /** Begins a new value at the end of the last. */
  begin(): void {
    this.start = this.length;
  }

  /** Takes the value being written back. */
  rollback(): void {
    this.length = this.start;
  }

  /**
   * Makes room.
   *
   * After it `bytes` and `view` may be other objects and `length` another number: read them anew.
   *
   * @param size Bytes that are about to be written at `length`.
   */
  reserve(size: number): void {
    if (this.length + size > this.bytes.length) this.#grow(size);
  }

  /** Takes the segments of what was written out. */
  takeSegments(): readonly Segment[] {
    const { segments } = this;
    if (segments === undefined || segments.length === 0) return NO_SEGMENTS;
    this.segments = [];
    return segments;
  }

  /** Ends the value: the block of a large one goes with it, and is not kept for the next. */
  end(): void {
    if (this.bytes.length > LARGE) this.#renew(BLOCK_SIZE);
  }

  #grow(size: number): void {
    const kept = this.bytes.subarray(this.start, this.length);
    const wanted = kept.length + size;
    if (wanted > this.greatestSize) {
      throw new RangeError(
        `Cannot send a value as it must have less than 4 GiB encoded: current size is ${wanted} bytes`,
      );
    }
    this.#renew(Math.max(BLOCK_SIZE, wanted > LARGE ? Math.ceil(1.25 * wanted) : 2 * wanted));
    this.bytes.set(kept);
    this.length = kept.length;
  }

  #renew(size: number): void {
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
    this.start = 0;
    this.length = 0;
  }
}
