/**
 * The notes of a stream channel: short frames under a mark of their own, from one channel to the other, that no handler
 * sees. They say how segments travel.
 *
 * ```text
 * sender                            receiver
 *   SEGMENTS size, size …    ──────▶   the next message has segments of so many bytes: here they come, in order
 *   PIECE at, size           ──────▶     the next bytes lie in the shared memory: they are read at once
 *                            ◀──────     FREE count: so many pieces were read, their places may be written again
 *   BYTES size, the bytes    ──────▶     or the next bytes stand behind the note
 *   the message              ──────▶
 * ```
 *
 * The shared memory holds a few pieces for each direction (`PIECES`), whatever the size of a message: pieces go round in
 * it. A side that has that memory says so by SHARED; before it has, segments come to it by the stream.
 */
import { byteLengthOf } from "./segments.ts";
import { FrameReader, FrameWriter, NOTE_MARK, ProtocolError } from "./protocol.ts";

/** What a note is. */
export const NoteKind = {
  /** This side has the shared memory and reads from it. */
  SHARED: 1,
  /** Segments come: the size of each (8 bytes, a double). */
  SEGMENTS: 2,
  /** The next bytes of the segments lie in the shared memory: where (4 bytes), how many (4 bytes). */
  PIECE: 3,
  /** So many pieces (4 bytes) were read. */
  FREE: 4,
  /** The next bytes of the segments stand behind this note: how many (8 bytes, a double). */
  BYTES: 5,
} as const;

/** Bytes of a piece at most: some tenths of a millisecond, for which neither side stands still. */
export const PIECE_SIZE: number = 512 * 1024;

/**
 * Bytes up to which small segments are written, and read, together: a call of the system takes longer than their copy.
 */
export const JOINED_SIZE: number = 64 * 1024;

/** Pieces of each direction in the shared memory: as much as the other side may be behind. */
export const PIECES = 8;

/** Bytes of the shared memory: first the parent's pieces, then the child's. */
export const MEMORY_SIZE: number = 2 * PIECES * PIECE_SIZE;

/** Memory that both sides of a channel share. Each writes one half of it and reads the other. */
export interface SegmentMemory {
  /** Where this side's half begins. */
  readonly base: number;
  /** Writes bytes at a place; says whether there was room for all of them. */
  write(at: number, bytes: Uint8Array): boolean;
  /** Fills `bytes` from a place; says whether there was so much. */
  read(at: number, bytes: Uint8Array): boolean;
  /** Lets go of it. */
  close(): void;
}

/** Writes notes. */
export class NoteWriter {
  readonly #frame = new FrameWriter();

  /** This side reads from the shared memory. */
  shared(): Uint8Array {
    return this.#note(NoteKind.SHARED);
  }

  /** Segments come. */
  segments(segments: readonly ArrayBuffer[]): Uint8Array {
    this.#begin(NoteKind.SEGMENTS);
    for (const segment of segments) this.#frame.f64(byteLengthOf(segment));
    return this.#frame.endFrame(NOTE_MARK);
  }

  /** So many bytes stand behind this note. */
  bytes(size: number): Uint8Array {
    this.#begin(NoteKind.BYTES);
    this.#frame.f64(size);
    return this.#frame.endFrame(NOTE_MARK);
  }

  /** A piece lies there. */
  piece(at: number, size: number): Uint8Array {
    return this.#note(NoteKind.PIECE, at, size);
  }

  /** So many pieces were read. */
  free(count: number): Uint8Array {
    return this.#note(NoteKind.FREE, count);
  }

  #begin(kind: number): void {
    this.#frame.beginFrame(kind);
  }

  #note(kind: number, ...numbers: number[]): Uint8Array {
    this.#begin(kind);
    for (const number of numbers) this.#frame.u32(number);
    return this.#frame.endFrame(NOTE_MARK);
  }
}

/** A note that was read. */
export type Note =
  | { readonly kind: typeof NoteKind.SHARED }
  | { readonly kind: typeof NoteKind.SEGMENTS; readonly sizes: readonly number[] }
  | { readonly kind: typeof NoteKind.BYTES; readonly size: number }
  | { readonly kind: typeof NoteKind.PIECE; readonly at: number; readonly size: number }
  | { readonly kind: typeof NoteKind.FREE; readonly count: number };

/**
 * Reads a note.
 *
 * @param body The frame without its head.
 * @throws {ProtocolError} If it is none.
 */
export function readNote(body: Uint8Array): Note {
  const reader = new FrameReader(body);
  const note = readBody(reader);
  if (!reader.ended) throw new ProtocolError("Cannot read a note on segments as bytes are left over");
  return note;
}

function readBody(reader: FrameReader): Note {
  const kind = reader.u8();
  switch (kind) {
    case NoteKind.SHARED:
      return { kind };
    case NoteKind.SEGMENTS: {
      const sizes: number[] = [];
      while (!reader.ended) sizes.push(readSize(reader));
      return { kind, sizes };
    }
    case NoteKind.BYTES:
      return { kind, size: readSize(reader) };
    case NoteKind.PIECE:
      return { kind, at: reader.u32(), size: reader.u32() };
    case NoteKind.FREE:
      return { kind, count: reader.u32() };
    default:
      throw new ProtocolError(`Cannot take a note on segments as its kind must be known: current kind is ${kind}`);
  }
}

function readSize(reader: FrameReader): number {
  const size = reader.f64();
  if (Number.isSafeInteger(size) && size > 0) return size;
  throw new ProtocolError(
    `Cannot take a note on segments as a size must be a positive integer: current size is ${size}`,
  );
}
