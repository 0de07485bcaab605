/** Options of calls, which `with()` binds to an executor. */
import { describe } from "../errors.ts";
import { checkTransfer } from "../tasks/transfer.ts";
import { type AbortGroup, groupOf } from "./abort_group.ts";
import { checkNames } from "./options.ts";

/** How often a call is tried again, told apart by what failed. */
export interface Retries {
  /**
   * Times after an error of the task, or its time limit.
   *
   * @default {0}
   */
  readonly errors?: number;
  /**
   * Times after the death of the worker that was at the call.
   *
   * @default {0}
   */
  readonly losses?: number;
}

/** Options of calls; see {@linkcode Executor.with}. */
export interface CallOptions {
  /**
   * Milliseconds for which the task may run, counted from the moment at which its function is called in the worker. Past it
   * the call fails with `TaskTimeoutError`, its worker is killed and replaced, and no other call is harmed. A task that
   * has asked for `currentTask().signal` is told first, and has a second to end by itself.
   *
   * The limit is watched from outside, in steps of a sixteenth of it, of 20 ms at most: a call is never ended too early,
   * and so much too late.
   *
   * @default The executor's `taskTimeout`; `Infinity`: no limit.
   */
  readonly taskTimeout?: number;
  /**
   * Cancels the calls when it aborts, queued and running ones: `CancelledError`, whose `cause` is the signal's reason. A
   * running call's worker is killed and replaced, as by `cancel({ force: true })`.
   *
   * @default None.
   */
  readonly signal?: AbortSignal;
  /**
   * Calls of a higher priority are sent to workers first, equal ones in their order. Any number; what has been sent is not
   * called back for it.
   *
   * @default {0}
   */
  readonly priority?: number;
  /**
   * How often a call that has failed is tried again: a number for all that may fail, or two, told apart. A call whose
   * worker died has perhaps done its work, or half of it: `losses` are for tasks that may do it twice. A cancelled
   * call is never tried again, nor one whose task is not found or whose result cannot cross.
   *
   * @default {0}
   */
  readonly retries?: number | Retries;
  /**
   * Milliseconds before the second attempt; doubles with each further one, up to a minute, and a random half of it is left
   * out, so that calls which failed together do not come back together.
   *
   * @default {0}
   */
  readonly retryDelay?: number;
  /**
   * Whether a failed attempt is worth another. Gets what the task threw, a `TaskTimeoutError` or a `WorkerLostError`. What it
   * throws itself is reported by `console.error`, and counts as no.
   *
   * @default Every one is.
   */
  readonly retryIf?: (error: unknown) => boolean;
  /**
   * Buffers that move to the worker instead of being copied. Here they have no bytes any more when `submit` has returned,
   * or when `map` has drawn the item that has them: as with `structuredClone` and `postMessage`.
   *
   * @default {[]}
   */
  readonly transfer?: readonly ArrayBufferLike[];
  /**
   * Gets what the tasks say by `currentTask().reportProgress(done, total)`, always before the call's result. What it throws is
   * reported by `console.error`.
   *
   * @default None.
   */
  readonly onProgress?: (done: number, total: number) => void;
}

/** The same, checked: what is to be with calls. */
export interface CallRules {
  /** What is to be transferred, if anything is. */
  readonly transfer?: ReadonlySet<ArrayBuffer>;
  /** Milliseconds of running time; `Infinity`: no limit. */
  readonly taskTimeout: number;
  /** Higher ones first. */
  readonly priority: number;
  /** Attempts after the first, by what failed, and in all. */
  readonly retries: { readonly errors: number; readonly losses: number; readonly all: number };
  /** Milliseconds before the second attempt. */
  readonly retryDelay: number;
  /** Whether an error is worth another attempt. */
  readonly retryIf?: CallOptions["retryIf"];
  /** Hears of progress. */
  readonly onProgress?: CallOptions["onProgress"];
  /** What ends when the signal aborts. */
  readonly group?: AbortGroup;
}

/** How calls are made without options. */
export const NO_RULES: CallRules = {
  taskTimeout: Infinity,
  priority: 0,
  retries: { errors: 0, losses: 0, all: 0 },
  retryDelay: 0,
};

const OPTIONS: readonly string[] = [
  "taskTimeout",
  "signal",
  "priority",
  "retries",
  "retryDelay",
  "retryIf",
  "transfer",
  "onProgress",
];

/**
 * Checks options of calls.
 *
 * @param options They.
 * @param rules What holds for the options that are not there.
 * @throws {TypeError} If one is unknown or of a wrong kind.
 * @throws {RangeError} If one is out of range.
 */
export function checkCallOptions(options: CallOptions, rules: CallRules): CallRules {
  checkNames(options, OPTIONS, "bind options of calls");
  const { taskTimeout, signal, priority, retries, retryDelay, retryIf, transfer, onProgress } = options;
  checkSignal(signal);
  checkFunction("retryIf", retryIf);
  checkFunction("onProgress", onProgress);
  checkNumber("taskTimeout", taskTimeout, "a positive number of milliseconds", (value) => value > 0);
  checkNumber("retryDelay", retryDelay, "a finite number of milliseconds, not negative", isFiniteDelay);
  checkNumber("priority", priority, "a finite number", Number.isFinite);
  return {
    taskTimeout: taskTimeout ?? rules.taskTimeout,
    priority: priority ?? rules.priority,
    retries: retries === undefined ? rules.retries : checkRetries(retries),
    retryDelay: retryDelay ?? rules.retryDelay,
    retryIf: retryIf ?? rules.retryIf,
    onProgress: onProgress ?? rules.onProgress,
    transfer: transfer === undefined ? rules.transfer : checkTransfer(transfer),
    group: signal === undefined ? rules.group : groupOf(signal),
  };
}

function isFiniteDelay(value: number): boolean {
  return value >= 0 && value !== Infinity;
}

function checkRetries(retries: NonNullable<CallOptions["retries"]>): CallRules["retries"] {
  if (typeof retries === "number") {
    const all = checkCount("retries", retries);
    return { errors: all, losses: all, all };
  }
  if (typeof retries !== "object" || retries === null || Array.isArray(retries)) {
    throw wrong(TypeError, "retries", "a number or { errors, losses }", retries);
  }
  for (const name of Object.keys(retries)) {
    if (name === "errors" || name === "losses") continue;
    throw new TypeError(
      `Cannot bind options of calls as 'retries' must have 'errors' and 'losses' alone: current field is '${name}'`,
    );
  }
  const errors = checkCount("retries.errors", retries.errors === undefined ? 0 : retries.errors);
  const losses = checkCount("retries.losses", retries.losses === undefined ? 0 : retries.losses);
  return { errors, losses, all: errors + losses };
}

function checkCount(name: string, value: unknown): number {
  checkNumber(name, value, "an integer, not negative, or Infinity", (value) => {
    return value >= 0 && (Number.isInteger(value) || value === Infinity);
  });
  return value as number;
}

function checkNumber(name: string, value: unknown, must: string, holds: (value: number) => boolean): void {
  if (value === undefined) return;
  if (typeof value !== "number") throw wrong(TypeError, name, must, value);
  if (!holds(value)) throw wrong(RangeError, name, must, value);
}

function checkFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function") throw wrong(TypeError, name, "a function", value);
}

/** By what it does, as it may be of another realm. */
function checkSignal(value: unknown): void {
  if (value === undefined) return;
  const signal = value as Partial<AbortSignal> | null;
  if (
    typeof signal === "object" && signal !== null && typeof signal.aborted === "boolean" &&
    typeof signal.addEventListener === "function"
  ) return;
  throw wrong(TypeError, "signal", "an AbortSignal", value);
}

function wrong(ErrorClass: ErrorConstructor, name: string, must: string, value: unknown): Error {
  return new ErrorClass(
    `Cannot bind options of calls as '${name}' must be ${must}: current value is ${describe(value)}`,
  );
}
