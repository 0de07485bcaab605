/** So many places for work, which all steps share: the first of one run beside the last of another. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** That many. */
  constructor(width: number) {
    this.#free = width;
  }

  /** Calls `fn` for each item as there is a place, in the order in which all of them were asked for. */
  async each<T>(items: readonly T[], fn: (item: T) => Promise<void>): Promise<void> {
    await Promise.all(items.map((item) => this.#run(() => fn(item))));
  }

  async #run(fn: () => Promise<void>): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      await fn();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next(); // it has this one's place
    }
  }
}
