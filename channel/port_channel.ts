/**
 * A channel over anything that posts messages: to a thread, and from it.
 *
 * ```text
 * frame            → its bytes                      → postMessage → handler
 * frame, segments  → [its bytes, segment, segment …] ┘
 * ```
 *
 * Nothing is ever on its way in pieces, and the host takes every message at once: there is nothing to drain.
 */
import type { Channel, ChannelEnd, FrameHandler, Ownership } from "./channel.ts";
import { FRAME_HEAD_SIZE, ProtocolError } from "./protocol.ts";
import { isShared, NO_SEGMENTS, type Segment, type Segments } from "./segments.ts";

/** Bytes from which on it is cheaper to move a buffer than to copy it; of 100 bytes a copy takes half as long. */
const MOVED_SIZE = 4096;

/** Buffers that move with one message: Node's time grows with the square of their number, half a second for 40,000. */
const MOST_MOVED = 1_000;

/** What posts. */
export interface Port {
  /**
   * Posts a message to the other side. What is in it is copied as `structuredClone` does, but for the buffers in `transfer`,
   * which move.
   */
  postMessage(message: unknown, transfer: readonly ArrayBuffer[]): void;
}

/** Frames over a {@linkcode Port}. Who listens to it hands on what comes, and tells the end. */
export class PortChannel implements Channel {
  readonly closed: Promise<ChannelEnd>;
  /** Nothing waits here: the host has taken it. */
  readonly unsent = 0;
  readonly #port: Port;
  readonly #onAbort: () => void;
  readonly #end: (end: ChannelEnd) => void;
  #ended = false;
  #handler: FrameHandler | undefined;
  /** Messages that came before there was a handler. */
  #waiting: Segment[][] = [];

  /**
   * Sends by a port.
   *
   * @param onAbort Called when this side ends the channel: the other side is to be ended, too.
   */
  constructor(port: Port, onAbort: () => void) {
    this.#port = port;
    this.#onAbort = onAbort;
    const { promise, resolve } = Promise.withResolvers<ChannelEnd>();
    this.closed = promise;
    this.#end = resolve;
  }

  send(frame: Uint8Array, segments: readonly Segment[] = NO_SEGMENTS, ownership: Ownership = "kept"): void {
    if (this.#ended) return;
    // Its own buffer, never an array over one: the frame lies in a block with others, all of which would be copied, and
    // Deno walks an array index by index.
    const { buffer } = frame.slice(FRAME_HEAD_SIZE) as Uint8Array<ArrayBuffer>;
    const moved = buffer.byteLength < MOVED_SIZE ? [] : [buffer];
    if (ownership === "given") addMoved(moved, segments);
    this.#port.postMessage(segments.length === 0 ? buffer : [buffer, ...segments], moved);
  }

  receive(handler: FrameHandler | undefined): void {
    this.#handler = handler;
    const waiting = this.#waiting;
    this.#waiting = [];
    // Those that the new handler leaves to another wait again.
    for (const message of waiting) this.#handle(message);
  }

  /** Takes a message of the other side. */
  take(message: unknown): void {
    if (this.#ended) return;
    if (message instanceof ArrayBuffer) return this.#handle([message]);
    if (isMessage(message)) return this.#handle(message);
    this.abort(
      new ProtocolError("Cannot read the channel as its messages must be buffers: something else posted to it"),
    );
  }

  #handle(message: Segment[]): void {
    if (this.#ended) return;
    if (this.#handler === undefined) return void this.#waiting.push(message);
    const [frame, ...segments] = message;
    try {
      this.#handler(new Uint8Array(frame), segments as Segments);
    } catch (error) {
      this.abort(error instanceof Error ? error : new ProtocolError(String(error)));
    }
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.finish(undefined);
    this.#onAbort();
  }

  abort(reason: Error): void {
    this.finish(reason);
    this.#onAbort();
  }

  /** The other side has ended, and all its messages were taken. */
  finish(end?: ChannelEnd): void {
    this.#ended = true;
    this.#end(end);
  }
}

/** Appends the buffers that are to move. */
function addMoved(moved: ArrayBuffer[], segments: readonly Segment[]): void {
  for (const segment of segments) {
    if (moved.length === MOST_MOVED) return;
    if (!isShared(segment) && segment.byteLength >= MOVED_SIZE) moved.push(segment);
  }
}

function isMessage(message: unknown): message is Segment[] {
  return Array.isArray(message) && message.length > 0 && message[0] instanceof ArrayBuffer &&
    message.every((part) => part instanceof ArrayBuffer || isShared(part));
}
