/**
 * A channel over a stream of bytes: frames in, frames out.
 *
 * ```text
 * bytes → [rest of a frame that is still coming] → frames → handler
 *                                                └ notes (segment_notes.ts) → segments of the next frame
 * frames → outbox.ts → bytes, and large segments by shared memory
 * ```
 *
 * A frame that lies whole in what was read is handed on where it lies, without a copy. One that does not is collected
 * in pieces and joined once, when its last byte is there: nothing is ever allocated because a length says so.
 */
import type { ByteStream } from "./byte_stream.ts";
import type { Channel, ChannelEnd, FrameHandler, Ownership } from "./channel.ts";
import { Outbox } from "./outbox.ts";
import { FRAME_HEAD_SIZE, FRAME_MARK, NOTE_MARK, ProtocolError } from "./protocol.ts";
import { NoteKind, NoteWriter, PIECE_SIZE, PIECES, readNote, type SegmentMemory } from "./segment_notes.ts";
import { SegmentReceiver } from "./segment_receiver.ts";
import { NO_SEGMENTS, type Segment, type Segments } from "./segments.ts";

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
  /** Whether the head that was looked at last is a note's. */
  #isNote = false;
  /** Segments of the next frame. */
  #receiver: SegmentReceiver | undefined;
  /** Bytes of them that stand in the stream next. */
  #raw = 0;
  /** Pieces read from the shared memory that the other side was not told of. */
  #read = 0;
  readonly #outbox: Outbox;
  readonly #notes = new NoteWriter();
  #memory: SegmentMemory | undefined;
  /** The other side reads from the shared memory. */
  #shared = false;
  #handler: FrameHandler | undefined;
  #arriving: (() => void) | undefined;
  /** Frames that came before there was a handler. */
  #waiting: { readonly frame: Uint8Array; readonly segments: Segments }[] = [];
  /** To be closed when all is sent. */
  #closing = false;
  /** Why this side closed, if it did. */
  #reason: ChannelEnd;
  #ended = false;
  /** Who waits for `unsent` to be 0; released at the end too. */
  #drains: (() => void)[] = [];

  /** Takes the stream over. */
  constructor(stream: ByteStream) {
    this.#stream = stream;
    this.#outbox = new Outbox(stream, () => this.#emptied());
    const { promise, resolve } = Promise.withResolvers<ChannelEnd>();
    this.closed = promise;
    this.#end = resolve;
    stream.listen({ data: (bytes) => this.#take(bytes), closed: () => this.#finish() });
  }

  get unsent(): number {
    return this.#ended ? 0 : this.#stream.unsent + this.#outbox.size;
  }

  /** Lets large segments go by a memory that the other side is given, too; it is closed with the channel. */
  share(memory: SegmentMemory): void {
    if (this.#ended) return memory.close();
    this.#memory = memory;
    if (this.#shared) this.#outbox.useMemory(memory);
    this.#stream.write(this.#notes.shared());
  }

  send(frame: Uint8Array, segments: readonly Segment[] = NO_SEGMENTS, ownership: Ownership = "kept"): void {
    // Shared memory is refused by the codec, for a process cannot have it.
    if (!this.#ended) this.#outbox.send(frame, segments as readonly ArrayBuffer[], ownership === "lent");
  }

  receive(handler: FrameHandler | undefined, arriving?: () => void): void {
    this.#handler = handler;
    this.#arriving = arriving;
    const waiting = this.#waiting;
    this.#waiting = [];
    // Those that the new handler leaves to another wait again.
    for (const { frame, segments } of waiting) this.#handle(frame, segments);
  }

  drained(): Promise<void> {
    if (this.unsent === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drains.push(resolve);
      if (this.#outbox.size === 0) this.#awaitDrain();
    });
  }

  #awaitDrain(): void {
    this.#stream.onceDrained(() => {
      if (this.#outbox.size > 0) return; // asked again when that is sent
      // The last to ask may find that more was written meanwhile: each asks again.
      const drains = this.#drains;
      this.#drains = [];
      for (const drain of drains) drain();
    });
  }

  #emptied(): void {
    if (this.#drains.length > 0) this.#awaitDrain();
    if (this.#closing) this.#stream.end();
  }

  close(): void {
    this.#closing = true;
    if (!this.#ended && this.#outbox.size === 0) this.#stream.end();
  }

  abort(reason: Error): void {
    this.#reason ??= reason;
    this.#pieces = [];
    this.#receiver = undefined;
    this.#outbox.clear();
    if (!this.#ended) this.#stream.destroy();
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#receiver = undefined;
    this.#outbox.clear();
    this.#memory?.close();
    for (const drain of this.#drains) drain();
    this.#drains = [];
    this.#end(this.#reason);
  }

  #take(bytes: Uint8Array): void {
    if (this.#reason !== undefined) return; // closing because of garbage: what follows it means nothing
    let from = 0;
    while (from < bytes.length) {
      if (this.#raw > 0) {
        const end = Math.min(bytes.length, from + this.#raw);
        this.#receiver!.take(bytes.subarray(from, end));
        this.#raw -= end - from;
        from = end;
        continue;
      }
      if (this.#size === 0) {
        // No rest: frames that lie whole in these bytes are handed on in place.
        const left = bytes.length - from;
        const wanted = left >= FRAME_HEAD_SIZE ? this.#frameSize(bytes, from) : FRAME_HEAD_SIZE;
        if (wanted < 0) return;
        if (left >= FRAME_HEAD_SIZE && left >= wanted) {
          this.#accept(bytes.subarray(from + FRAME_HEAD_SIZE, from + wanted));
          if (this.#reason !== undefined) return;
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
    this.#tellRead();
  }

  /** All wanted bytes are there: a head, whose frame is wanted next, or a frame. */
  #complete(): boolean {
    const joined = join(this.#pieces, this.#size);
    const wanted = this.#frameSize(joined, 0);
    if (wanted < 0) return false;
    if (wanted === joined.length) {
      this.#pieces = [];
      this.#size = 0;
      this.#accept(joined.subarray(FRAME_HEAD_SIZE));
      return this.#reason === undefined;
    } else {
      this.#pieces = [joined];
      this.#wanted = wanted;
    }
    return true;
  }

  /** The size of the frame at `at`, head included; -1 if there is no head, and then the channel is being closed. */
  #frameSize(bytes: Uint8Array, at: number): number {
    const size = u32(bytes, at);
    const mark = (u32(bytes, at + 4) ^ size) >>> 0;
    this.#isNote = mark === NOTE_MARK;
    if ((mark === FRAME_MARK || this.#isNote) && size > 0) return FRAME_HEAD_SIZE + size;
    this.abort(new ProtocolError("Cannot read the channel as its bytes are not a message: something else wrote to it"));
    return -1;
  }

  /** Takes what was read, a note or a message. */
  #accept(body: Uint8Array): void {
    if (!this.#isNote) {
      const receiver = this.#receiver;
      this.#receiver = undefined;
      if (receiver === undefined || receiver.left === 0) return this.#handle(body, receiver?.segments ?? []);
      return this.abort(
        new ProtocolError(`Cannot take a message as ${receiver.left} bytes of its segments are missing`),
      );
    }
    try {
      this.#takeNote(body);
    } catch (error) {
      this.abort(error as Error);
    }
  }

  #takeNote(body: Uint8Array): void {
    const note = readNote(body);
    switch (note.kind) {
      case NoteKind.SHARED:
        this.#shared = true;
        if (this.#memory !== undefined) this.#outbox.useMemory(this.#memory);
        return;
      case NoteKind.SEGMENTS:
        if (this.#receiver !== undefined) break;
        this.#receiver = new SegmentReceiver(note.sizes);
        this.#arriving?.();
        return;
      case NoteKind.PIECE:
        if (this.#receiver === undefined || this.#memory === undefined) break;
        // Memory is taken for a piece as a whole: its size is not believed if no piece can have it.
        if (note.size > Math.min(this.#receiver.left, PIECE_SIZE)) break;
        this.#receiver.read(this.#memory, note.at, note.size);
        // Told before all is read, so that the other side can go on meanwhile.
        if (++this.#read >= PIECES / 4) this.#tellRead();
        return;
      case NoteKind.BYTES:
        if (this.#receiver === undefined || note.size > this.#receiver.left) break;
        this.#raw = note.size;
        return;
      case NoteKind.FREE:
        if (!this.#outbox.freed(note.count)) break;
        return;
    }
    throw new ProtocolError("Cannot take a note on segments as it must belong to what came before: it does not");
  }

  #tellRead(): void {
    if (this.#read === 0) return;
    this.#stream.write(this.#notes.free(this.#read));
    this.#read = 0;
  }

  #handle(frame: Uint8Array, segments: Segments): void {
    if (this.#reason !== undefined) return; // closing because of what came before
    if (this.#handler === undefined) {
      this.#waiting.push({ frame, segments });
      return;
    }
    try {
      this.#handler(frame, segments);
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
