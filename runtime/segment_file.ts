/**
 * The memory by which large segments travel between a parent and its child, as a file in memory (`/dev/shm`): to write a
 * piece there and read it takes a third to a half of the time of a socket.
 *
 * Both sides open it as the child starts, and then it is unlinked: it is gone with the last of them, however they end. It
 * takes memory only as it is written, and is written only when a large segment travels.
 */
import { MEMORY_SIZE, type SegmentMemory } from "../channel/segment_notes.ts";
import { nodeModule } from "./node_api.ts";

/** A file in memory. */
export class SegmentFile implements SegmentMemory {
  readonly base: number;
  readonly #fs = nodeModule("node:fs");
  #fd: number;

  /**
   * Opens it.
   *
   * @param path Where it is.
   * @param create Whether it is to be made: by the parent.
   */
  constructor(path: string, create: boolean) {
    this.base = create ? 0 : MEMORY_SIZE / 2;
    this.#fd = this.#fs.openSync(path, create ? "wx+" : "r+", 0o600);
  }

  write(at: number, bytes: Uint8Array): boolean {
    try {
      for (let done = 0; done < bytes.length;) {
        done += this.#fs.writeSync(this.#fd, bytes, done, bytes.length - done, at + done);
      }
      return true;
    } catch {
      return false; // there is no room: a container has 64 MB in all
    }
  }

  read(at: number, bytes: Uint8Array): boolean {
    for (let done = 0; done < bytes.length;) {
      const size = this.#fs.readSync(this.#fd, bytes, done, bytes.length - done, at + done);
      if (size === 0) return false;
      done += size;
    }
    return true;
  }

  close(): void {
    if (this.#fd >= 0) this.#fs.closeSync(this.#fd);
    this.#fd = -1;
  }
}
