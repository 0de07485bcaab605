/**
 * The kinds of executor, as data: what each is called, what it can do, how one is made. A behaviour is written once
 * and registered for each of them; a new kind joins the list and brings no test of its own.
 */

import { type Executor, ProcessPoolExecutor, type ProcessPoolExecutorOptions } from "../mod.ts";
import { test, type TestOptions } from "./harness.ts";

/** What a kind can do. Tests ask this, never for a kind or a runtime by name. */
export interface Abilities {
  /** Each worker is a process with a pid of its own, which can be killed from outside. */
  readonly processes: boolean;
}

/** A kind of executor. */
export interface Kind {
  readonly name: string;
  readonly can: Abilities;
  make(options?: ProcessPoolExecutorOptions): Executor;
}

/** Every kind there is. */
export const kinds: readonly Kind[] = [
  { name: "process", can: { processes: true }, make: (options) => new ProcessPoolExecutor(options) },
];

/** Registers a test once for each kind that can do what the test `needs`. */
export function forEachKind(
  name: string,
  fn: (kind: Kind) => void | Promise<void>,
  options: TestOptions & { readonly needs?: Partial<Abilities> } = {},
): void {
  for (const kind of kinds) {
    const needs = Object.entries(options.needs ?? {}) as [keyof Abilities, boolean][];
    if (needs.every(([ability, wanted]) => kind.can[ability] === wanted)) {
      test(`${name} [${kind.name}]`, () => fn(kind), options);
    }
  }
}
