/** The slate as a file of sixteen bytes: a positional read or write of one word takes less than a microsecond. */
import { SLATE_SIZE, type SlateMemory } from "../channel/slate.ts";
import { nodeModule } from "./node_api.ts";

/** Opens a slate. Both sides may write at once, each its own word. */
export class SlateFile implements SlateMemory {
  readonly #fs = nodeModule("node:fs");
  readonly #word = new Float64Array(1);
  readonly #bytes = new Uint8Array(this.#word.buffer);
  #fd: number;

  /**
   * Opens the file.
   *
   * @param path Where it is.
   * @param create Whether it is to be made.
   */
  constructor(path: string, create: boolean) {
    this.#fd = this.#fs.openSync(path, create ? "wx+" : "r+", 0o600);
    if (create) this.#fs.writeSync(this.#fd, new Uint8Array(SLATE_SIZE), 0, SLATE_SIZE, 0);
  }

  read(word: 0 | 1): number {
    if (this.#fd < 0) return 0;
    this.#fs.readSync(this.#fd, this.#bytes, 0, 8, 8 * word);
    return this.#word[0];
  }

  write(word: 0 | 1, value: number): void {
    if (this.#fd < 0) return;
    this.#word[0] = value;
    this.#fs.writeSync(this.#fd, this.#bytes, 0, 8, 8 * word);
  }

  close(): void {
    if (this.#fd >= 0) this.#fs.closeSync(this.#fd);
    this.#fd = -1;
  }
}
