/**
 * The end of a thread on hosts where its last messages come later than the news of its end, or are lost by ending it; and
 * where it may go on for a while, or for ever, after it was ended.
 */
import type { SlateMemory } from "../channel/slate.ts";
import { setTimeout } from "./host_functions.ts";
import { MappedSlate } from "./mapped_slate.ts";

/** Milliseconds at most in which what has been posted must have come; a busy page takes some. */
const LONGEST_READING = 200;

/** Milliseconds between two looks. */
const LOOK = 4;

/** In place of the slate's `stop`: the thread is to end. */
const OVER = -1;

/** The slate, as the thread has it. */
export class ThreadSlate extends MappedSlate {
  readonly #end: () => void;
  /** What `entered` was before it was written last. */
  #before = 0;

  /** In that memory; `end` ends this thread. */
  constructor(memory: SharedArrayBuffer, end: () => void) {
    super(new Uint8Array(memory));
    this.#end = end;
  }

  override read(word: 0 | 1): number {
    const value = super.read(word);
    if (value === OVER) {
      super.write(0, this.#before); // the call was not entered after all: whoever judges this death may know
      this.#end();
    }
    return value;
  }

  override write(word: 0 | 1, value: number): void {
    if (word === 0) this.#before = super.read(0);
    super.write(word, value);
  }
}

/**
 * Asks a thread to enter no more calls, and to end when it would: that is all there is where `terminate()` does not stop one
 * that is at work.
 */
export function writeOver(slate: SlateMemory): void {
  slate.write(1, OVER);
}

/** How many messages a thread has posted: one word that both sides have, so that its parent knows what is still to come. */
export class Posts {
  /** The word. */
  readonly memory: SharedArrayBuffer;
  readonly #word: Int32Array;

  /** A new one, or the other side's. */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(4)) {
    this.memory = memory;
    this.#word = new Int32Array(memory);
  }

  /** The thread is about to post: a message that is not counted might never be waited for, and its calls be run twice. */
  add(): void {
    Atomics.add(this.#word, 0, 1);
  }

  /** Whether the parent has taken all, being at this count; it wraps, as the word does. */
  areTaken(taken: number): boolean {
    return Atomics.load(this.#word, 0) === (taken | 0);
  }
}

/** Resolves when all that was posted has been taken, or too much time has passed: one may post for ever, or die in a post. */
export async function untilTaken(posts: Posts, taken: () => number): Promise<void> {
  for (let waited = 0; waited < LONGEST_READING && !posts.areTaken(taken()); waited += LOOK) await delay(LOOK);
}

/**
 * Resolves when a thread that was ended, but may be running, enters no more calls. Nothing may be sent to it meanwhile.
 *
 * It was seen at one call for over 2 ms, and is there still after `stop` is written: ARCHITECTURE.md, "Taking calls back".
 */
export async function untilStill(slate: SlateMemory): Promise<void> {
  for (;;) {
    const entered = slate.read(0);
    await delay(LOOK);
    if (slate.read(0) !== entered) continue;
    writeOver(slate);
    if (slate.read(0) === entered) return;
  }
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((go) => void setTimeout(go, milliseconds));
}
