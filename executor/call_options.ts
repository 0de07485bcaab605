/** Options of calls, which `with()` binds to an executor. */
import { describe } from "../errors.ts";
import { checkTransfer } from "../tasks/transfer.ts";

/** Options of calls; see {@linkcode Executor.with}. */
export interface CallOptions {
  /**
   * Buffers that move to the worker instead of being copied. Here they have no bytes any more when `submit` has returned,
   * or when `map` has drawn the item that has them: as with `structuredClone` and `postMessage`.
   *
   * @default {[]}
   */
  readonly transfer?: readonly ArrayBufferLike[];
}

/** The same, checked. */
export interface CheckedCallOptions {
  /** What is to be transferred, if anything is. */
  readonly transfer?: ReadonlySet<ArrayBuffer>;
}

/**
 * Checks options of calls.
 *
 * @throws {TypeError} If one is unknown or of a wrong kind.
 */
export function checkCallOptions(options: CallOptions): CheckedCallOptions {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(
      `Cannot bind options of calls as they must be an object: current value is ${describe(options)}`,
    );
  }
  for (const name of Object.keys(options)) {
    if (name === "transfer") continue;
    throw new TypeError(`Cannot bind options of calls as an option must be 'transfer': current option is '${name}'`);
  }
  const { transfer } = options;
  return transfer === undefined ? {} : { transfer: checkTransfer(transfer) };
}
