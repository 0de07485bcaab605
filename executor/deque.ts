/** A queue with two ends over a ring: every operation takes constant time, a million items included. */

/** First in, first out; and what is taken back goes to the front again. */
export class Deque<T> {
  /** A power of two slots; those from `#head` on, `#size` of them round the ring, are live, all others empty. */
  #ring: (T | undefined)[] = new Array(16).fill(undefined);
  #head = 0;
  #size = 0;

  /** Items in it. */
  get size(): number {
    return this.#size;
  }

  /** Appends an item. */
  push(item: T): void {
    if (this.#size === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#size++) & (this.#ring.length - 1)] = item;
  }

  /** Puts an item before all others. */
  unshift(item: T): void {
    if (this.#size === this.#ring.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#ring.length - 1);
    this.#ring[this.#head] = item;
    this.#size++;
  }

  /** The first item. */
  peek(): T | undefined {
    return this.#ring[this.#head];
  }

  /** The item at `index` from the front. */
  at(index: number): T | undefined {
    return index < this.#size ? this.#ring[(this.#head + index) & (this.#ring.length - 1)] : undefined;
  }

  /** Takes the first item. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#size--;
    return item;
  }

  /** Takes all items, in order. */
  takeAll(): T[] {
    const items: T[] = [];
    for (let i = 0; i < this.#size; i++) items.push(this.#ring[(this.#head + i) & (this.#ring.length - 1)]!);
    this.#ring = new Array(16).fill(undefined);
    this.#head = 0;
    this.#size = 0;
    return items;
  }

  #grow(): void {
    const ring = this.#ring;
    const size = ring.length;
    // Pushed one by one, the empty places too: an array that is made with a length has holes, and is slower to read.
    for (let i = 0; i < size; i++) {
      const wrapped = i < this.#head; // what went round the end of the ring now lies behind it
      ring.push(wrapped ? ring[i] : undefined);
      if (wrapped) ring[i] = undefined;
    }
  }
}
