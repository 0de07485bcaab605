/** The pools of `multiprocessing`, made for a kind of `kinds.ts`. No worker imports this file. */
import { Pool, type PoolOptions, ThreadPool } from "../pool/mod.ts";
import { withTempFolder } from "./harness.ts";
import { watchedRuntime } from "./host_doubles.ts";
import type { Kind } from "./kinds.ts";

/** The pool of a kind. */
export function makePool(kind: Kind, options: PoolOptions = {}): Pool {
  return kind.can.processes ? new Pool(options) : new ThreadPool({ runtime: watchedRuntime(), ...options });
}

/** What the pool of a kind is called. */
export function poolName(kind: Kind): string {
  return kind.can.processes ? "Pool" : "ThreadPool";
}

/** Runs `fn` with a pool and with a folder for its latches, and terminates the pool. */
export function withMultiPool(
  kind: Kind,
  options: PoolOptions,
  fn: (pool: Pool, folder: string) => Promise<void>,
): Promise<void> {
  return withTempFolder(async (folder) => {
    const pool = makePool(kind, options);
    try {
      await fn(pool, folder);
    } finally {
      pool.terminate();
      await pool.join();
    }
  });
}
