/**
 * A channel over a stream of bytes: frames in, frames out.
 *
 * ```text
 * bytes → [rest of a frame that is still coming] → frames → handler
 * ```
 *
 * A frame that lies whole in what was read is handed on where it lies, without a copy. One that does not is collected
 * in pieces and joined once, when its last byte is there: nothing is ever allocated because a length says so.
 */
import type { Channel, ChannelEnd } from "./channel.ts";
import { FRAME_HEAD_SIZE, FRAME_MARK, ProtocolError } from "./protocol.ts";

/** What a stream of bytes tells. */
export interface ByteStreamEvents {
  /** Bytes came. They belong to the receiver. */
  data(bytes: Uint8Array): void;
  /** The stream has ended, and all that came was given to `data`. Called once. */
  closed(error?: Error): void;
}

/** A connected stream of bytes, as a host has it. */
export interface ByteStream {
  /** Begins to read. */
  listen(events: ByteStreamEvents): void;
  /** Writes; never throws. */
  write(bytes: Uint8Array): void;
  /** Bytes written that the operating system has not taken. */
  readonly unsent: number;
  /** Calls `fn` once `unsent` is 0. */
  onceDrained(fn: () => void): void;
  /** Closes after what was written. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}

/** Frames over a {@linkcode ByteStream}. */
export class StreamChannel implements Channel {
  readonly closed: Promise<ChannelEnd>;
  readonly #stream: ByteStream;
  readonly #end: (end: ChannelEnd) => void;
  /** Pieces of the frame that is still coming, head included. */
  #pieces: Uint8Array[] = [];
  /** Bytes in `#pieces`. */
  #size = 0;
  /** Bytes that the frame in `#pieces` has, head included; the size of a head until that is known. */
  #wanted = FRAME_HEAD_SIZE;
  #handler: ((frame: Uint8Array) => void) | undefined;
  /** Frames that came before there was a handler. */
  #waiting: Uint8Array[] = [];
  /** Why this side closed, if it did. */
  #reason: ChannelEnd;
  #ended = false;
  /** Who waits for `unsent` to be 0; released at the end too. */
  #drains: (() => void)[] = [];

  /** Takes the stream over. */
  constructor(stream: ByteStream) {
    this.#stream = stream;
    const { promise, resolve } = Promise.withResolvers<ChannelEnd>();
    this.closed = promise;
    this.#end = resolve;
    stream.listen({ data: (bytes) => this.#take(bytes), closed: () => this.#finish() });
  }

  get unsent(): number {
    return this.#ended ? 0 : this.#stream.unsent;
  }

  send(frame: Uint8Array): void {
    if (!this.#ended) this.#stream.write(frame);
  }

  receive(handler: ((frame: Uint8Array) => void) | undefined): void {
    this.#handler = handler;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const frame of waiting) this.#handle(frame); // those that the new handler leaves to another wait again
  }

  drained(): Promise<void> {
    if (this.unsent === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drains.push(resolve);
      this.#stream.onceDrained(() => {
        // The last to ask may find that more was written meanwhile: each asks again.
        const drains = this.#drains;
        this.#drains = [];
        for (const drain of drains) drain();
      });
    });
  }

  close(): void {
    if (!this.#ended) this.#stream.end();
  }

  abort(reason: Error): void {
    this.#reason ??= reason;
    this.#pieces = [];
    if (!this.#ended) this.#stream.destroy();
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const drain of this.#drains) drain();
    this.#drains = [];
    this.#end(this.#reason);
  }

  #take(bytes: Uint8Array): void {
    if (this.#reason !== undefined) return; // closing because of garbage: what follows it means nothing
    let from = 0;
    while (from < bytes.length) {
      if (this.#size === 0) {
        // No rest: frames that lie whole in these bytes are handed on in place.
        const left = bytes.length - from;
        const wanted = left >= FRAME_HEAD_SIZE ? this.#frameSize(bytes, from) : FRAME_HEAD_SIZE;
        if (wanted < 0) return;
        if (left >= FRAME_HEAD_SIZE && left >= wanted) {
          this.#handle(bytes.subarray(from + FRAME_HEAD_SIZE, from + wanted));
          from += wanted;
          continue;
        }
        this.#wanted = wanted;
      }
      const piece = bytes.subarray(from, from + this.#wanted - this.#size);
      this.#pieces.push(piece);
      this.#size += piece.length;
      from += piece.length;
      if (this.#size === this.#wanted && !this.#complete()) return;
    }
  }

  /** All wanted bytes are there: a head, whose frame is wanted next, or a frame. */
  #complete(): boolean {
    const joined = join(this.#pieces, this.#size);
    const wanted = this.#frameSize(joined, 0);
    if (wanted < 0) return false;
    if (wanted === joined.length) {
      this.#pieces = [];
      this.#size = 0;
      this.#handle(joined.subarray(FRAME_HEAD_SIZE));
    } else {
      this.#pieces = [joined];
      this.#wanted = wanted;
    }
    return true;
  }

  /** The size of the frame at `at`, head included; -1 if there is no head, and then the channel is being closed. */
  #frameSize(bytes: Uint8Array, at: number): number {
    const size = u32(bytes, at);
    if (u32(bytes, at + 4) === (size ^ FRAME_MARK) >>> 0 && size > 0) return FRAME_HEAD_SIZE + size;
    this.abort(new ProtocolError("Cannot read the channel as its bytes are not a message: something else wrote to it"));
    return -1;
  }

  #handle(frame: Uint8Array): void {
    if (this.#reason !== undefined) return; // closing because of what came before
    if (this.#handler === undefined) {
      this.#waiting.push(frame);
      return;
    }
    try {
      this.#handler(frame);
    } catch (error) {
      this.abort(error instanceof Error ? error : new ProtocolError(String(error)));
    }
  }
}

function u32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24) >>> 0;
}

function join(pieces: Uint8Array[], size: number): Uint8Array {
  if (pieces.length === 1) return pieces[0];
  const joined = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
