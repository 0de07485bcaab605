/**
 * The containers of one walk, numbered in the order in which they begin.
 *
 * The first few are looked for one by one. From there on each is added to a Set, whose size tells whether it was there:
 * half the price of asking a Map for its number and then telling it. Numbers are only asked for when a container is met
 * again; then a Map learns those of all that came so far.
 */

/** Containers up to this many are looked for one by one; from there on in a Set, which costs 20 to 30 ns each. */
const LINEAR = 8;
/** What has held more than this is dropped, not cleared: its table would stay. */
const KEPT = 10_000;

/** The containers of a walk. */
export class Seen {
  /** How many there are. */
  count = 0;
  /** All of them, in order. The first places are overwritten, never given back. */
  #all: (object | undefined)[] = new Array(LINEAR).fill(undefined);
  /** The same, once they are too many for a search. */
  #set: Set<object> | undefined;
  /** The numbers of the first {@linkcode Seen.#numbered}. */
  #numbers: Map<object, number> | undefined;
  #numbered = 0;

  /** The number of a container that was met before; else -1, and it gets the next. */
  find(value: object): number {
    const { count } = this;
    const all = this.#all;
    if (count < LINEAR) {
      for (let i = 0; i < count; i++) if (all[i] === value) return i;
      all[count] = value;
    } else {
      const set = this.#set ??= new Set();
      if (count === LINEAR) { for (let i = 0; i < count; i++) set.add(all[i]!); }
      set.add(value);
      if (set.size === count) return this.#numberOf(value);
      all.push(value);
    }
    this.count = count + 1;
    return -1;
  }

  #numberOf(value: object): number {
    const numbers = this.#numbers ??= new Map();
    for (; this.#numbered < this.count; this.#numbered++) numbers.set(this.#all[this.#numbered]!, this.#numbered);
    return numbers.get(value)!;
  }

  /** Forgets all but the first `count`. */
  forget(count: number): void {
    for (let i = count; i < this.count; i++) {
      this.#set?.delete(this.#all[i]!);
      this.#numbers?.delete(this.#all[i]!);
      this.#all[i] = undefined;
    }
    if (count <= LINEAR) this.#set?.clear();
    this.#all.length = Math.max(LINEAR, count);
    this.#numbered = Math.min(this.#numbered, count);
    this.count = count;
  }

  /** Forgets all. */
  clear(): void {
    const { count } = this;
    for (let i = Math.min(count, LINEAR) - 1; i >= 0; i--) this.#all[i] = undefined;
    this.count = 0;
    if (count >= LINEAR) {
      this.#all.length = LINEAR;
      if (count > KEPT) this.#set = undefined;
      else this.#set?.clear();
    }
    if (this.#numbered === 0) return;
    if (count > KEPT) this.#numbers = undefined;
    else this.#numbers!.clear();
    this.#numbered = 0;
  }
}
