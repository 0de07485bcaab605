/** The callbacks of calls: checked when they are given, and called so that what they throw harms nothing. */
import { describe } from "../errors.ts";
import { checkNames } from "../executor/options.ts";

/** Callbacks of {@linkcode Pool.applyAsync}. */
export interface CallbackOptions<T> {
  /**
   * Called with the value, before the result is ready for anybody else. What it throws is reported by `console.error` and harms
   * nothing else; what it returns is not waited for.
   */
  readonly callback?: (value: T) => unknown;
  /** The same if the call fails: called with what was thrown. */
  readonly errorCallback?: (error: unknown) => unknown;
}

/** Names of the options. */
export const CALLBACK_OPTIONS: readonly string[] = ["callback", "errorCallback"];

/**
 * Checks the options of a method of `Pool`, and callbacks among them.
 *
 * @param options What the user gave.
 * @param names All options that there are.
 * @throws {TypeError} If they are no object, one is unknown, or a callback is no function.
 */
export function checkMethodOptions(options: unknown, names: readonly string[]): void {
  const isChunksize = typeof options === "number" && names.includes("chunksize"); // as Python has it
  checkNames(
    options,
    names,
    "call a task",
    isChunksize ? `the options must be an object, { chunksize: ${options} } say` : undefined,
  );
  for (const name of CALLBACK_OPTIONS) {
    const callback = (options as Record<string, unknown>)[name];
    if (callback === undefined || typeof callback === "function") continue;
    throw new TypeError(
      `Cannot call a task as '${name}' must be a function: current value is ${describe(callback)}`,
    );
  }
}
