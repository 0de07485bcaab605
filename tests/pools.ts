/** Pools and the things around them that the tests of executors share. No worker imports this file. */
import type { Executor, ProcessPoolExecutorOptions } from "../mod.ts";
import { TestGroup, until, withTempFolder } from "./harness.ts";
import { identity } from "./tasks.ts";
import { type Kind, kindsThat, type KindTestOptions } from "./kinds.ts";

/** A report of failures that a test has left comes after its end: it would be among what the next test looks for. */
const SILENT = { reportUnseen: false };

/** A pool that tests share. */
interface Shared {
  readonly pool: object;
  readonly end: (failed: boolean) => unknown;
}

/** Those that there are, by a key of each. */
const shared = new Map<string, Shared>();
const groups = new Map<Kind, TestGroup>();
let isSharing = false;

/**
 * Registers a test as `forEachKind()` does, to be run in one go with others of its file: for a kind and the same options,
 * of numbers and words, `withPool()` gives them all one pool. Not for tests that look at workers, or end their pool, or
 * leave calls in it, or are about tasks that it has never run.
 */
export function forEachKindTogether(
  name: string,
  fn: (kind: Kind) => void | Promise<void>,
  options: KindTestOptions = {},
): void {
  for (const kind of kindsThat(options.needs)) {
    const group = groups.get(kind) ?? new TestGroup(`tests that share their pools [${kind.name}]`, endShared);
    groups.set(kind, group);
    group.test(`${name} [${kind.name}]`, async () => {
      isSharing = true;
      try {
        await fn(kind);
      } finally {
        isSharing = false;
      }
    }, options);
  }
}

async function endShared(failed: boolean): Promise<void> {
  const pools = [...shared.values()];
  shared.clear();
  for (const { end } of pools) await end(failed);
}

/** Whether the test that runs shares its pools, and one of these options can be shared. */
export function isShareable(options: object): boolean {
  return isSharing && Object.values(options).every((value) => !(value instanceof Object));
}

/** The pool of this key that the tests of `forEachKindTogether()` share, which is made if there is none yet. */
export function sharedPool<P extends object>(
  key: string,
  make: () => P,
  end: (pool: P, failed: boolean) => unknown,
): P {
  const old = shared.get(key);
  if (old !== undefined) return old.pool as P;
  const pool = make();
  shared.set(key, { pool, end: (failed) => end(pool, failed) });
  return pool;
}

/** Runs `fn` with the {@linkcode sharedPool} of this key. */
export async function withSharedPool(
  key: string,
  make: () => Executor,
  fn: (pool: Executor) => Promise<void>,
): Promise<void> {
  const pool = sharedPool(key, make, (pool, failed) => failed ? pool.killWorkers() : pool.shutdown());
  await fn(pool);
  await until("no call is left in the pool that tests share", () => pool.pendingCount === 0);
  await pool.submit(identity, 0); // none of them may end it
}

/** Runs `fn` with a pool and with a folder for its latches, and shuts the pool down. */
export function withPool(
  kind: Kind,
  options: ProcessPoolExecutorOptions,
  fn: (pool: Executor, folder: string) => Promise<void>,
): Promise<void> {
  if (isShareable(options)) {
    const key = `${kind.name} ${JSON.stringify(options)}`;
    return withTempFolder((folder) =>
      withSharedPool(key, () => kind.make({ ...SILENT, ...options }), (pool) => fn(pool, folder))
    );
  }
  return withTempFolder(async (folder) => {
    const pool = kind.make({ ...SILENT, ...options });
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
