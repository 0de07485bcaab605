/**
 * Two connected sockets of Node's API as a stream of bytes: one to read from, one to write to.
 *
 * One would do, but for a death: a write to a peer that is dead fails, and the host then destroys the socket, with all that
 * the dead one had written and nobody has read. So a failed write must not reach the socket that is read.
 */
import type { ByteStream, ByteStreamEvents } from "../channel/byte_stream.ts";
import type { NodeSocket } from "./node_api.ts";

/** Wraps two sockets. They never keep the program alive. */
export class SocketStream implements ByteStream {
  readonly #reader: NodeSocket;
  #writer: NodeSocket | undefined;
  /** Ends it, once; the first of several ends is told. */
  #close: (error?: Error) => void = () => {
    this.#writer?.destroy();
    this.#reader.destroy();
  };
  /** What waits behind a piece that is being written; the first may be a rest. */
  #backlog: Uint8Array[] = [];
  #backlogSize = 0;
  /** What is to happen after the backlog. */
  #whenWritten: (() => void)[] = [];

  /** Takes the sockets over; the one to write to may come later. */
  constructor(reader: NodeSocket, writer?: NodeSocket) {
    this.#reader = reader;
    reader.unref();
    if (writer !== undefined) this.writeTo(writer);
  }

  /** Takes the socket to write to over. */
  writeTo(writer: NodeSocket): void {
    this.#writer = writer;
    writer.unref();
    writer.on("error", ignore); // the reader's end tells
    writer.resume(); // or its end is never seen
  }

  listen(events: ByteStreamEvents): void {
    this.#reader.on("data", (bytes) => events.data(bytes));
    // A peer that dies with bytes unread resets the connection. What came before is read all the same, so the error
    // says no more than the end does. Whichever comes first counts: Bun's 'close' hangs on the global setImmediate, which a
    // program may replace.
    let ended = false;
    this.#close = (error?: Error): void => {
      if (ended) return;
      ended = true;
      this.#reader.destroy();
      this.#writer?.destroy();
      this.#abandon();
      events.closed(error);
    };
    for (const event of ["error", "close", "end"] as const) this.#reader.on(event as "error", this.#close);
  }

  write(bytes: Uint8Array): void {
    if (!this.#isOpen()) return;
    if (this.#backlog.length === 0 && bytes.length <= PIECE_SIZE) {
      this.#writer!.write(bytes);
      return;
    }
    this.#backlog.push(bytes);
    this.#backlogSize += bytes.length;
    if (this.#backlog.length === 1) this.#writePiece();
  }

  /** Writes a piece of the backlog, and the next when that is taken. */
  #writePiece(): void {
    const [first] = this.#backlog;
    if (first === undefined) {
      for (const fn of this.#whenWritten.splice(0)) fn();
      return;
    }
    const piece = first.subarray(0, PIECE_SIZE);
    if (piece.length === first.length) this.#backlog.shift();
    else this.#backlog[0] = first.subarray(PIECE_SIZE);
    this.#backlogSize -= piece.length;
    if (!this.#isOpen()) return this.#abandon();
    this.#writer!.write(piece, () => this.#writePiece());
  }

  #abandon(): void {
    this.#backlog = [];
    this.#backlogSize = 0;
    for (const fn of this.#whenWritten.splice(0)) fn();
  }

  #isOpen(): boolean {
    return this.#writer?.destroyed === false;
  }

  get unsent(): number {
    return this.#isOpen() ? this.#writer!.writableLength + this.#backlogSize : 0;
  }

  onceDrained(fn: () => void): void {
    if (!this.#isOpen()) return fn();
    // 'drain' comes only after a write() that said false, so the end of an empty write is asked for instead: writes end
    // in their order.
    const last = (): void => void this.#writer!.write(EMPTY, () => fn());
    if (this.#backlog.length === 0) last();
    else this.#whenWritten.push(last);
  }

  end(): void {
    const end = (): void => {
      this.#writer?.end();
      this.#reader.end();
    };
    if (this.#backlog.length === 0) end();
    else this.#whenWritten.push(end);
  }

  destroy(): void {
    this.#close();
  }
}

/**
 * Bytes of a write at most: Bun 1.4 copies all that is left of a write each time that the system has taken some of it, so
 * that 200 MB in one take it 6 s, and in pieces 0.1 s.
 */
const PIECE_SIZE = 256 * 1024;

const EMPTY = new Uint8Array(0);

function ignore(): void {}
