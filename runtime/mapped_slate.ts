/**
 * The worker's slate as mapped memory: a word is written in nanoseconds. The parent reads the file; both are the same page
 * of the system's cache, and it outlives the worker.
 */
import { SLATE_SIZE, type SlateMemory } from "../channel/slate.ts";

/** A slate in memory that is mapped from its file. */
export class MappedSlate implements SlateMemory {
  readonly #words: Float64Array;
  readonly #barrier = new Int32Array(new SharedArrayBuffer(4));

  /**
   * Takes the memory over.
   *
   * @param bytes The file, mapped and shared.
   */
  constructor(bytes: Uint8Array) {
    this.#words = new Float64Array(bytes.buffer, bytes.byteOffset, SLATE_SIZE / 8);
  }

  read(word: 0 | 1): number {
    return this.#words[word];
  }

  write(word: 0 | 1, value: number): void {
    this.#words[word] = value;
    // A processor may read `stop` before others see `entered`; the parent does it the other way round, and both could miss
    // what the other wrote. A write to a file orders them by itself, a plain store needs a barrier.
    Atomics.add(this.#barrier, 0, 1);
  }

  close(): void {} // unmapped with the worker
}
