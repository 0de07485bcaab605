/** How fast the programs of this folder go: the one place that says how long a second is. */

/** Milliseconds that a second of the guides takes here. With 1000 the programs take as long as they do there. */
export const SECOND = 50;

/**
 * Does nothing for a while, as tasks of examples do.
 *
 * @param seconds Seconds of the guides.
 * @returns Resolves when they are over.
 */
export function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * SECOND));
}
