/** A connected socket of Node's API as a stream of bytes. */
import type { ByteStream, ByteStreamEvents } from "../channel/stream_channel.ts";
import type { NodeSocket } from "./node_api.ts";

/** Wraps a socket. It never keeps the program alive. */
export class SocketStream implements ByteStream {
  readonly #socket: NodeSocket;

  /** Takes the socket over. */
  constructor(socket: NodeSocket) {
    this.#socket = socket;
    socket.unref();
  }

  listen(events: ByteStreamEvents): void {
    let failure: Error | undefined;
    this.#socket.on("data", (bytes) => events.data(bytes));
    // A peer that dies with bytes unread resets the connection. What came before is read all the same, so the error
    // says no more than the end does.
    this.#socket.on("error", (error) => failure = error);
    this.#socket.on("close", () => events.closed(failure));
    this.#socket.on("end", () => this.#socket.destroy());
  }

  write(bytes: Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
  }

  get unsent(): number {
    return this.#socket.writableLength;
  }

  onceDrained(fn: () => void): void {
    // 'drain' comes only after a write() that said false, so the end of an empty write is asked for instead: writes end
    // in their order.
    if (this.#socket.destroyed) fn();
    else this.#socket.write(EMPTY, () => fn());
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

const EMPTY = new Uint8Array(0);
