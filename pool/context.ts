/** The context functions of `multiprocessing`: how processes are started, and how many are worth while. */
import { runtime } from "../runtime/mod.ts";
import { Pool } from "./pool.ts";
import { activeChildren, currentProcess, Process } from "./process.ts";
import { checkStartMethod, type ContextLike, type StartMethod } from "./start_method.ts";
import { ThreadPool } from "./thread_pool.ts";

/** The names of this module, bound to a start method; see {@linkcode getContext}. */
export interface Context extends ContextLike {
  /** {@linkcode Pool}: `new context.Pool(4)`. */
  readonly Pool: typeof Pool;
  /** {@linkcode ThreadPool}. */
  readonly ThreadPool: typeof ThreadPool;
  /** {@linkcode Process}. */
  readonly Process: typeof Process;
  /** {@linkcode currentProcess}. */
  readonly currentProcess: typeof currentProcess;
  /** {@linkcode activeChildren}. */
  readonly activeChildren: typeof activeChildren;
  /** {@linkcode cpuCount}. */
  readonly cpuCount: typeof cpuCount;
}

/**
 * Gives the context of a start method. Python's `multiprocessing.get_context`.
 *
 * @param method How processes are started: `"spawn"`, as there is no other.
 * @returns The names of this module; also what the option `context` of a pool takes.
 * @throws {TypeError} If the method is no string.
 * @throws {RangeError} If it is `"fork"` or `"forkserver"`, for a JavaScript heap cannot be forked, or any other word.
 *
 * @example Usage
 * ```ts
 * import { getContext } from "@ergate/ergate/pool";
 * import assert from "node:assert/strict";
 *
 * const context = getContext("spawn");
 * assert.equal(String(new context.Pool(4)), "<Pool state=RUN pool_size=4>");
 * assert.throws(() => getContext("fork"), RangeError);
 * ```
 */
export function getContext(method = "spawn"): Context {
  checkStartMethod(method);
  return { Pool, ThreadPool, Process, currentProcess, activeChildren, cpuCount, getStartMethod };
}

/**
 * Tells how processes are started. Python's `multiprocessing.get_start_method`.
 *
 * @returns `"spawn"`.
 */
export function getStartMethod(): StartMethod {
  return "spawn";
}

/**
 * Tells in what ways processes can be started. Python's `multiprocessing.get_all_start_methods`.
 *
 * @returns `["spawn"]`.
 */
export function getAllStartMethods(): StartMethod[] {
  return ["spawn"];
}

/**
 * How many processors the system lets this process keep busy: as many workers a pool has unless told otherwise. Python's
 * `multiprocessing.cpu_count`.
 *
 * Unlike Python, processors that this process may not use do not count.
 *
 * @returns The number.
 */
export function cpuCount(): number {
  return runtime().availableParallelism();
}
