/**
 * Messages over a bare socket: four bytes of length, then JSON; or, with the top bit of the length set, raw bytes, of
 * which only their number is kept.
 */

const RAW = 0x8000_0000;

/** A message as bytes. */
export function frame(message: unknown): Buffer[] {
  const isRaw = message instanceof ArrayBuffer;
  const body = isRaw ? Buffer.from(message) : Buffer.from(JSON.stringify(message));
  const head = Buffer.allocUnsafe(4);
  head.writeUInt32LE((body.length | (isRaw ? RAW : 0)) >>> 0);
  // A small message travels whole; a large one is not copied for its head.
  return body.length < 65_536 ? [Buffer.concat([head, body])] : [head, body];
}

/** Cuts the bytes that come into messages. */
export class Frames {
  #chunks: Buffer[] = [];
  #size = 0;
  #needed = 4;
  readonly #take: (message: unknown) => void;

  /** Gives each message to `take`; of raw bytes their number. */
  constructor(take: (message: unknown) => void) {
    this.#take = take;
  }

  /** Takes what the socket gave. */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size < this.#needed) return;
    let bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    while (bytes.length >= 4) {
      const head = bytes.readUInt32LE();
      const end = 4 + (head & ~RAW);
      this.#needed = end;
      if (bytes.length < end) break;
      this.#take(head & RAW ? end - 4 : JSON.parse(bytes.toString("utf8", 4, end)));
      bytes = bytes.subarray(end);
      this.#needed = 4;
    }
    this.#chunks = bytes.length > 0 ? [bytes] : [];
    this.#size = bytes.length;
  }
}
