/** The pools of `multiprocessing`, made for a kind of `kinds.ts`. No worker imports this file. */
import { Pool, type PoolOptions, ThreadPool } from "../pool/mod.ts";
import { withTempFolder } from "./harness.ts";
import { watchedRuntime } from "./host_doubles.ts";
import type { Kind } from "./kinds.ts";
import { isShareable, sharedPool } from "./pools.ts";
import { identity } from "./tasks.ts";

/** The pool of a kind. */
export function makePool(kind: Kind, options: PoolOptions = {}): Pool {
  return kind.can.processes ? new Pool(options) : new ThreadPool({ runtime: watchedRuntime(), ...options });
}

/** What the pool of a kind is called. */
export function poolName(kind: Kind): string {
  return kind.can.processes ? "Pool" : "ThreadPool";
}

/**
 * Runs `fn` with a pool and with a folder for its latches, and terminates the pool; of tests that are registered by
 * `forEachKindTogether()` when the last has ended.
 */
export function withMultiPool(
  kind: Kind,
  options: PoolOptions,
  fn: (pool: Pool, folder: string) => Promise<void>,
): Promise<void> {
  if (isShareable(options)) {
    const pool = sharedPool(`${poolName(kind)} ${JSON.stringify(options)}`, () => makePool(kind, options), end);
    return withTempFolder(async (folder) => {
      await fn(pool, folder);
      await pool.apply(identity, [0]); // none of them may end it
    });
  }
  return withTempFolder(async (folder) => {
    const pool = makePool(kind, options);
    try {
      await fn(pool, folder);
    } finally {
      await end(pool);
    }
  });
}

function end(pool: Pool): Promise<void> {
  pool.terminate();
  return pool.join();
}
