/**
 * Which keys the objects of one walk have, so that the second of a kind is written without its keys. A place for each
 * pair of first and last key's beginnings: what finds its place taken takes it, for the objects that matter come often.
 */

/** Places; a power of two. */
const PLACES = 32;
/** Objects with more keys are dictionaries, and have no brothers. */
const MOST_KEYS = 32;

/** The keys of a walk's objects. */
export class Shapes {
  readonly #keys: (readonly string[])[] = new Array(PLACES).fill([]);
  /** The container with those keys. */
  readonly #numbers: number[] = new Array(PLACES).fill(0);
  /** The walk that a place belongs to: what others have left there is of no use, and costs nothing. */
  readonly #walks: number[] = new Array(PLACES).fill(0);
  #walk = 1;

  /** Forgets all. */
  clear(): void {
    this.#walk++;
  }

  /** The number of a container with these keys; -1 if none is known. */
  find(keys: readonly string[]): number {
    const length = keys.length;
    if (length === 0) return -1;
    const place = placeOf(keys, length);
    if (this.#walks[place] !== this.#walk) return -1;
    const known = this.#keys[place];
    if (known.length !== length) return -1;
    for (let i = 0; i < length; i++) if (known[i] !== keys[i]) return -1;
    return this.#numbers[place];
  }

  /** Takes up a container's keys, which are all written. */
  add(keys: readonly string[], number: number): void {
    const length = keys.length;
    if (length === 0 || length > MOST_KEYS) return;
    const place = placeOf(keys, length);
    this.#keys[place] = keys;
    this.#numbers[place] = number;
    this.#walks[place] = this.#walk;
  }
}

function placeOf(keys: readonly string[], length: number): number {
  return (keys[0].charCodeAt(0) + 3 * keys[length - 1].charCodeAt(0) + 5 * length) & (PLACES - 1);
}
