/** Pools and the things around them that the tests of executors share. No worker imports this file. */
import type { Executor, ProcessPoolExecutorOptions } from "../mod.ts";
import { withTempFolder } from "./harness.ts";
import type { Kind } from "./kinds.ts";

/** Runs `fn` with a pool and with a folder for its latches, and shuts the pool down. */
export function withPool(
  kind: Kind,
  options: ProcessPoolExecutorOptions,
  fn: (pool: Executor, folder: string) => Promise<void>,
): Promise<void> {
  return withTempFolder(async (folder) => {
    const pool = kind.make(options);
    try {
      await fn(pool, folder);
    } catch (error) {
      // Calls that wait at a latch which nobody opens any more must not hide why the test failed.
      await pool.killWorkers();
      throw error;
    }
    await pool.shutdown();
  });
}

/** What `console.error` is given while `fn` runs. */
export async function reported(fn: () => unknown): Promise<unknown[][]> {
  const calls: unknown[][] = [];
  const original = console.error;
  console.error = (...args: unknown[]) => void calls.push(args);
  try {
    await fn();
  } finally {
    console.error = original;
  }
  return calls;
}

/** What a promise rejects with. */
export async function rejection(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("The promise was to reject: it did not");
}

/** The numbers from 0 up to `end`. */
export function range(end: number): number[] {
  return Array.from({ length: end }, (_, index) => index);
}

/** 0, 1, 2, and so on without an end: CPython's `count()`. */
export function* count(): Generator<number, void, unknown> {
  for (let number = 0;; number++) yield number;
}

/** An iterable without a size that tells how far it was drawn, and whether it was closed. */
export class Watched implements Iterable<number> {
  drawn = 0;
  closed = 0;
  readonly #end: number;

  constructor(end: number = Infinity) {
    this.#end = end;
  }

  [Symbol.iterator](): Iterator<number> {
    return {
      next: () => this.drawn < this.#end ? { done: false, value: this.drawn++ } : { done: true, value: undefined },
      return: () => {
        this.closed++;
        return { done: true, value: undefined };
      },
    };
  }
}
