/** The task of `pool_random_test.ts`. */
import { tasks } from "../tasks/task.ts";

/** Gives `item` back: most often at once, now and then by a promise, after some milliseconds, or with a large buffer. */
export function work(item: number): number | Promise<number> | [number, Uint8Array] {
  if (item < 0) throw new RangeError(`${item} is negative`);
  if (item % 97 === 13) return Promise.resolve(item);
  if (item % 331 === 7) {
    const end = performance.now() + 3;
    while (performance.now() < end) { /* a call that suddenly lasts */ }
  }
  if (item % 499 === 5) return [item, new Uint8Array(100_000)];
  return item;
}
tasks(import.meta, { work });
