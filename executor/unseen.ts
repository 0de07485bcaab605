/** Failures that nobody has looked at: a forgotten `await` is JavaScript's most common slip. */
import { describe } from "../errors.ts";

/** Failures of which the error is kept, for the report's sake. */
const KEPT = 16;

/** Counts failures until somebody looks at them. */
export class Unseen {
  /** The first ones, by what failed. */
  readonly #first = new Map<object, unknown>();
  #count = 0;
  /** What fails now is no news to anybody. */
  #isSilent = false;

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** Counts nothing that fails while `fn` runs. */
  silently(fn: () => void): void {
    this.#isSilent = true;
    try {
      fn();
    } finally {
      this.#isSilent = false;
    }
  }

  /** Something has failed; says whether it counts, and is to be taken out when somebody looks. */
  add(failed: object, error: unknown): boolean {
    if (this.#isSilent) return false;
    this.#count++;
    if (this.#first.size < KEPT) this.#first.set(failed, error);
    return true;
  }

  /** Somebody has looked at one that counts, or does not want to. */
  delete(failed: object): void {
    this.#count--;
    this.#first.delete(failed);
  }

  /** Reports them, once, in a line. */
  report(pool: string): void {
    if (this.#count === 0) return;
    const [first] = this.#first.values();
    const calls = this.#count === 1 ? "1 call" : `${this.#count} calls`;
    const which = this.#first.size === 0 ? "" : `${this.#count === 1 ? "" : "the first "}with ${nameOf(first)}`;
    console.error(`${calls} of ${pool} failed and nobody looked${which === "" ? "" : `: ${which}`}`);
    this.#count = 0;
    this.#first.clear();
  }
}

function nameOf(error: unknown): string {
  // An error's text may have many lines, and a getter of it may throw: describe() bears both.
  const text = describe(error).split("\n", 1)[0];
  return text === "" ? "an error without a message" : text;
}
