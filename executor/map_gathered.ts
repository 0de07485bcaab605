/** The results of a map that are wanted all together: nobody waits for the next one, so each goes straight to its place. */
import { Failure } from "./map_span.ts";

/** An array that fills up, or what failed in its place. */
export class Gathered {
  /** Values up to the last item that has one; `undefined` where a call before it has not returned. */
  readonly #values: unknown[] = [];
  /** The failure of the first item that failed. */
  #failure: { readonly index: number; readonly error: () => unknown } | undefined;
  readonly #all: PromiseWithResolvers<unknown[]> = Promise.withResolvers();

  /** All values; rejects with the failure of the first item that failed, once all calls have ended. */
  get all(): Promise<unknown[]> {
    return this.#all.promise;
  }

  /** Item `index` has its outcome. */
  settle(index: number, outcome: unknown): void {
    if (!(outcome instanceof Failure)) this.#put(index, outcome);
    else if (index < (this.#failure?.index ?? Infinity)) this.#failure = { index, error: outcome.error };
  }

  /** So many items from `index` on have the values that stand in `values` from `from` on. */
  settleAll(index: number, count: number, values: readonly unknown[], from: number): void {
    for (let i = 0; i < count; i++) this.#put(index + i, values[from + i]);
  }

  /** Puts a value into its place: most are the next ones, and an array without holes is quicker to fill, and to read. */
  #put(index: number, value: unknown): void {
    const values = this.#values;
    while (values.length < index) values.push(undefined);
    if (index === values.length) values.push(value);
    else values[index] = value;
  }

  /** There will be nothing more; `undrawn` says why, if there would have been. May be called again. */
  end(undrawn: (() => unknown) | undefined): void {
    const error = this.#failure?.error ?? undrawn;
    if (error === undefined) this.#all.resolve(this.#values);
    else this.#all.reject(error());
  }
}
