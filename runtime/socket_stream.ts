/**
 * Two connected sockets of Node's API as a stream of bytes: one to read from, one to write to.
 *
 * One would do, but for a death: a write to a peer that is dead fails, and the host then destroys the socket, with all that
 * the dead one had written and nobody has read. So a failed write must not reach the socket that is read.
 */
import type { ByteStream, ByteStreamEvents } from "../channel/stream_channel.ts";
import type { NodeSocket } from "./node_api.ts";

/** Wraps two sockets. They never keep the program alive. */
export class SocketStream implements ByteStream {
  readonly #reader: NodeSocket;
  #writer: NodeSocket | undefined;

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
    let failure: Error | undefined;
    this.#reader.on("data", (bytes) => events.data(bytes));
    this.#reader.on("error", (error) => failure = error);
    this.#reader.on("close", () => {
      this.#writer?.destroy();
      events.closed(failure);
    });
    this.#reader.on("end", () => this.#reader.destroy());
  }

  write(bytes: Uint8Array): void {
    if (this.#writer?.destroyed === false) this.#writer.write(bytes);
  }

  get unsent(): number {
    return this.#writer?.destroyed === false ? this.#writer.writableLength : 0;
  }

  onceDrained(fn: () => void): void {
    // 'drain' comes only after a write() that said false, so the end of an empty write is asked for instead: writes end
    // in their order.
    if (this.#writer?.destroyed === false) this.#writer.write(EMPTY, () => fn());
    else fn();
  }

  end(): void {
    this.#writer?.end();
    this.#reader.end();
  }

  destroy(): void {
    this.#writer?.destroy();
    this.#reader.destroy();
  }
}

const EMPTY = new Uint8Array(0);

function ignore(): void {}
