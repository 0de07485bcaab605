/** Why a value cannot be read though its bytes are right: its class is not known here, or its `fromPickle` has failed. */
import { type PicklingDirection, PicklingError } from "../errors.ts";
import type { ClassAddress } from "../tasks/picklable.ts";

/** What is wrong, and with which value. */
export interface UnpicklingErrorOptions {
  /** The place of the value in its list; -1: not known. */
  readonly index: number;
  /** Classes that are not registered here; nothing was made of the bytes yet, so that they can be read again. */
  readonly missing?: readonly ClassAddress[];
  /** What was thrown, if that is the reason. */
  readonly cause?: unknown;
}

/** Thrown inside the engine; the user sees the {@linkcode PicklingError} that it makes. */
export class UnpicklingError extends Error {
  /** The place of the value in its list; -1: not known. */
  readonly index: number;
  /** Classes that are not registered here. */
  readonly missing: readonly ClassAddress[];

  /** Makes the error; `reason` is the end of the sentence that begins "Cannot read … as". */
  constructor(reason: string, options: UnpicklingErrorOptions) {
    super(reason, "cause" in options ? { cause: options.cause } : undefined);
    this.index = options.index;
    this.missing = options.missing ?? [];
  }

  /** The same with a cause, if there is one: why a module could not be imported. */
  because(why: { readonly cause?: unknown } | undefined): UnpicklingError {
    if (why === undefined || !("cause" in why) || this.missing.length === 0) return this;
    return new UnpicklingError(this.message, { index: this.index, missing: this.missing, cause: why.cause });
  }

  /**
   * The error that the user sees.
   *
   * @param names What the list is called, as `args`, and its value i, as `args[0]`.
   * @param direction Which way it went.
   */
  toPicklingError(
    names: { readonly all: string; nameOf(index: number): string },
    direction: PicklingDirection,
  ): PicklingError {
    const path = this.index < 0 ? names.all : names.nameOf(this.index);
    const where = direction === "result" ? "from the worker" : "in the worker";
    const options = "cause" in this ? { path, direction, cause: this.cause } : { path, direction };
    return new PicklingError(`Cannot read ${path} ${where} as ${this.message}`, options);
  }
}
