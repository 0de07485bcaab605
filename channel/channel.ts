/**
 * A channel: whole messages, in order, between the two sides of a worker. It knows no runtime; what carries the bytes
 * is behind it (`stream_channel.ts`, `port_channel.ts`).
 */
import type { Segment, Segments } from "./segments.ts";

/** Why a channel ended: `undefined` if the other side closed it or died, else what was wrong. */
export type ChannelEnd = Error | undefined;

/**
 * Whose the buffers beside a message are, once it is sent: `"given"`, the channel's, which may take their memory away;
 * `"kept"`, the sender's, who leaves them as they are; `"lent"`, the sender's, and they may change as soon as `send`
 * returns.
 */
export type Ownership = "given" | "kept" | "lent";

/** Takes a message: its frame without the head, and the buffers that came beside it. */
export type FrameHandler = (frame: Uint8Array, segments: Segments) => void;

/** One end of the two-way road between a parent and its worker. */
export interface Channel {
  /**
   * Sends one message. It never throws: what cannot be sent any more is dropped, and {@linkcode Channel.closed} tells.
   *
   * @param frame A frame of `protocol.ts`. Not copied: it must not change any more.
   * @param segments Buffers that travel beside it.
   * @param ownership Whose they are from now on; kept unless given.
   */
  send(frame: Uint8Array, segments?: readonly Segment[], ownership?: Ownership): void;
  /**
   * Gives every message to `handler` from now on, those that came before it first.
   *
   * @param handler Gets a frame without its head, and what came beside it, which is its own. An error that it throws is
   *   taken as garbage on the channel, and nothing more is handed on. `undefined`: messages wait for the next handler.
   * @param arriving Called when a message with segments begins to come, before memory is taken for them; not where they are
   *   there already.
   */
  receive(handler: FrameHandler | undefined, arriving?: () => void): void;
  /** Bytes that were sent and that the operating system has not taken yet, segments included. */
  readonly unsent: number;
  /** Resolves when `unsent` is 0, or the channel has ended. */
  drained(): Promise<void>;
  /** Sends what was sent, then closes. */
  close(): void;
  /** Closes at once. */
  abort(reason: Error): void;
  /** Resolves when the channel has ended **and was read to its end**: no message comes after it. Never rejects. */
  readonly closed: Promise<ChannelEnd>;
}
