/** Functions of the user's that the engine calls: whatever they do is reported, and harms nothing. */

/**
 * Calls a function of the user's.
 *
 * @param fn Calls it.
 * @param what Names it in the report of what it throws, or of what a promise that it returns rejects with.
 * @returns What it returns; `undefined` if it throws.
 */
export function callBack<T>(fn: () => T, what: () => string): T | undefined {
  const report = (error: unknown): void => reportError(`exception calling ${what()}`, error);
  try {
    const returned = fn();
    // A future among them is left alone: it is no unhandled rejection, and to look at it would count as seen.
    // By the built-in `then`, as the one of a lazy promise (of a query, of a shell command) would start its work.
    if (returned instanceof Promise) Promise.prototype.then.call(returned, undefined, report);
    return returned;
  } catch (error) {
    report(error);
    return undefined;
  }
}

/** Prints an error, whatever it does when it is looked at. */
export function reportError(text: string, error: unknown): void {
  try {
    console.error(text, error);
  } catch {
    // Showing it ran code of its own, and that threw: the engine must not hear of it.
    console.error(text);
  }
}
