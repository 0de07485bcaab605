/** How processes are started: in one way. */
import { describe } from "../errors.ts";

/** How processes are started: a new process of the same runtime, which imports the modules of its tasks. Python's `spawn`. */
export type StartMethod = "spawn";

/** What tells how processes are started; see {@linkcode getContext}. */
export interface ContextLike {
  /**
   * Tells how processes are started.
   *
   * @returns `"spawn"`.
   */
  getStartMethod(): StartMethod;
}

/**
 * Checks a start method.
 *
 * @param method What the user gave.
 * @throws {TypeError} If it is no string.
 * @throws {RangeError} If it is not `"spawn"`.
 */
export function checkStartMethod(method: unknown): void {
  if (method === "spawn") return;
  const must = `Cannot start processes by ${describe(method)} as the method must be "spawn"`;
  if (method === "fork" || method === "forkserver") {
    throw new RangeError(
      `${must}: a JavaScript heap cannot be forked, for the threads of its garbage collector, compiler and event loop would ` +
        "be missing in the copy",
    );
  }
  if (typeof method !== "string") throw new TypeError(`${must}: current value is ${describe(method)}`);
  throw new RangeError(`${must}: there is no such method`);
}

/**
 * Checks the option `context`.
 *
 * @param context What the user gave.
 * @throws {TypeError} If it is no context.
 * @throws {RangeError} If it is one of another start method.
 */
export function checkContext(context: unknown): void {
  if (context === undefined) return;
  const { getStartMethod } = Object(context) as Partial<ContextLike>;
  if (typeof getStartMethod !== "function") {
    throw new TypeError(
      `Cannot create a pool as 'context' must come from getContext(): current value is ${describe(context)}`,
    );
  }
  checkStartMethod(getStartMethod.call(context));
}
