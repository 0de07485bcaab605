/** A stream of bytes, as a channel asks a host for one. */

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
