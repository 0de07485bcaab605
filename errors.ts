/**
 * Every error class of ergate.
 *
 * Inside the engine an error is recognised by {@linkcode isErgateError}, never by `instanceof`: a program may hold
 * several copies of the library, and an error of one copy must be understood by the others.
 */

/** Marks the prototypes of ergate's errors; its value is the class's name, the same in every copy of the library. */
const BRAND: symbol = Symbol.for("ergate.error");

function brand(errorClass: { readonly name: string; readonly prototype: object }, name: string): void {
  // The name is written out at each call: a minifier renames classes, and `error.name` must survive it.
  Object.defineProperty(errorClass.prototype, BRAND, { value: name });
  Object.defineProperty(errorClass.prototype, "name", { value: name, configurable: true, writable: true });
}

/**
 * Tells whether a value is an error of the given ergate class itself, made by any copy of the library.
 *
 * @param value What was thrown.
 * @param name The class's name.
 * @returns Whether `value` is an instance of that class, subclasses apart.
 */
export function isErgateError(value: unknown, name: string): boolean {
  return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[BRAND] === name;
}

/** Which way a value was going when it could not cross. */
export type PicklingDirection = "argument" | "result" | "initarg" | "task";

/** Where and which way a value could not cross. */
export interface PicklingErrorOptions {
  /** The place of the value, as `args[0].user.callback`. */
  readonly path: string;
  /** Which way it was going. */
  readonly direction: PicklingDirection;
  /** What a getter or proxy in the value threw, if that is the reason. */
  readonly cause?: unknown;
}

/**
 * A value, or a function given as a task, cannot cross to or from a worker.
 *
 * Thrown by `submit` itself for arguments and functions, before anything is queued; the call's future fails with it
 * for results. Unlike Python, where it arrives in the future (`concurrent.futures` pickles in a thread of its own).
 *
 * @example Usage
 * ```ts
 * import { isMain, PicklingError, ProcessPoolExecutor, tasks } from "@ergate/ergate";
 * import assert from "node:assert/strict";
 *
 * export function keysOf(settings: Record<string, unknown>): string[] {
 *   return Object.keys(settings);
 * }
 * tasks(import.meta, { keysOf });
 *
 * if (isMain(import.meta)) {
 *   await using pool = new ProcessPoolExecutor(1);
 *   try {
 *     await pool.submit(keysOf, { size: 3, log: console.log });
 *   } catch (error) {
 *     assert(error instanceof PicklingError);
 *     assert.equal(error.path, "args[0].log");
 *   }
 * }
 * ```
 */
export class PicklingError extends TypeError {
  /** The place of the value that cannot cross, as `args[0].user.callback` or `result.rows[3]`. */
  readonly path: string;
  /** Which way the value was going. */
  readonly direction: PicklingDirection;

  /**
   * Makes the error.
   *
   * @param message What was tried, what must hold, what is.
   * @param options The path, the direction, and the cause if there is one.
   */
  constructor(message: string, options: PicklingErrorOptions) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.path = options.path;
    this.direction = options.direction;
  }
}

/** The call was cancelled before it ran. Python's `concurrent.futures.CancelledError`. */
export class CancelledError extends Error {}

/** The operation is not allowed in this state. Python's `concurrent.futures.InvalidStateError`. */
export class InvalidStateError extends Error {}

/** The executor was shut down and takes no more calls. Unlike Python, which raises a bare `RuntimeError`. */
export class ShutdownError extends Error {}

/**
 * The wait is over; the work may go on.
 *
 * Not to be confused with the `DOMException` of the same name with which `AbortSignal.timeout()` aborts.
 */
export class TimeoutError extends Error {}

/** The executor is unusable; `cause` says why where a cause is known. Python's `concurrent.futures.BrokenExecutor`. */
export class BrokenExecutor extends Error {}

/** A process pool is unusable; each pending call fails with an error of its own. */
export class BrokenProcessPool extends BrokenExecutor {}

/** A thread pool is unusable; each pending call fails with an error of its own. */
export class BrokenThreadPool extends BrokenExecutor {}

/** Who died, and what it was at. */
export interface WorkerLostErrorOptions {
  /** Name of the worker, as `ProcessPoolExecutor-1`. */
  readonly workerName: string;
  /** Its process id; `undefined` of a thread. */
  readonly pid: number | undefined;
  /** Its exit code; `null` if a signal ended it. */
  readonly exitCode: number | null;
  /** The signal that ended it, as `SIGKILL`; `null` if it exited. */
  readonly signal: string | null;
  /** The task that the call was of, as `file:///app/tasks.ts#fib`. */
  readonly task: string;
  /** Whether the task's function may have begun to run. */
  readonly mayHaveRun: boolean;
  /** The uncaught error that ended the worker, if it could tell. */
  readonly cause?: unknown;
}

/**
 * The worker died while it was at this call; the other calls go on.
 *
 * Unlike Python, where one death breaks the whole pool; it extends {@linkcode BrokenExecutor}, so that what Python's
 * users catch still catches.
 */
export class WorkerLostError extends BrokenExecutor {
  /** Name of the worker, as `ProcessPoolExecutor-1`. */
  readonly workerName: string;
  /** Process id of the worker; `undefined` of a thread, which has none of its own. */
  readonly pid: number | undefined;
  /** Exit code of the worker; `null` if a signal ended it. */
  readonly exitCode: number | null;
  /** The signal that ended the worker, as `SIGKILL`; `null` if it exited. */
  readonly signal: string | null;
  /** The task that the call was of, as `file:///app/tasks.ts#fib`. */
  readonly task: string;
  /**
   * Whether the task's function may have begun to run; `false` if the worker died while it imported or decoded. `true` also
   * for tiny calls of a map next to the one that the worker was at, which it had taken up together with that.
   */
  readonly mayHaveRun: boolean;

  /**
   * Makes the error.
   *
   * @param message What happened, in a sentence.
   * @param options Who died, and what it was at.
   */
  constructor(message: string, options: WorkerLostErrorOptions) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.workerName = options.workerName;
    this.pid = options.pid;
    this.exitCode = options.exitCode;
    this.signal = options.signal;
    this.task = options.task;
    this.mayHaveRun = options.mayHaveRun;
  }
}

/** What ran too long. */
export interface TaskTimeoutErrorOptions {
  /** The task that the call was of, as `file:///app/tasks.ts#fib`. */
  readonly task: string;
  /** The limit, in milliseconds. */
  readonly taskTimeout: number;
  /** What the task threw when it was told to end, if it listened and threw. */
  readonly cause?: unknown;
}

/**
 * The call has run for longer than its `taskTimeout`, and was ended, with its worker unless it ended by itself when its signal
 * aborted. Unlike a {@linkcode TimeoutError}, which only ends a wait.
 */
export class TaskTimeoutError extends TimeoutError {
  /** The task that the call was of, as `file:///app/tasks.ts#fib`. */
  readonly task: string;
  /** The limit, in milliseconds. */
  readonly taskTimeout: number;

  /**
   * Makes the error.
   *
   * @param message What happened, in a sentence.
   * @param options What ran too long.
   */
  constructor(message: string, options: TaskTimeoutErrorOptions) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.task = options.task;
    this.taskTimeout = options.taskTimeout;
  }
}

/** As many calls wait as may: `whenFree()` of the executor resolves when there is room. Python's `queue.Full`. */
export class QueueFullError extends Error {}

/** The worker cannot import the task's module (`cause` says why), or the module does not register that name. */
export class TaskNotFoundError extends Error {}

/** The host cannot do this, or may not: the message names the permission or the feature that lacks. */
export class NotSupportedError extends Error {}

brand(PicklingError, "PicklingError");
brand(CancelledError, "CancelledError");
brand(InvalidStateError, "InvalidStateError");
brand(ShutdownError, "ShutdownError");
brand(TimeoutError, "TimeoutError");
brand(BrokenExecutor, "BrokenExecutor");
brand(BrokenProcessPool, "BrokenProcessPool");
brand(BrokenThreadPool, "BrokenThreadPool");
brand(WorkerLostError, "WorkerLostError");
brand(TaskTimeoutError, "TaskTimeoutError");
brand(QueueFullError, "QueueFullError");
brand(TaskNotFoundError, "TaskNotFoundError");
brand(NotSupportedError, "NotSupportedError");

/**
 * Shows a value in a message: a primitive by its value, a function by its name, an error by its message, another object by its
 * type. Never throws, whatever the value does when it is looked at.
 *
 * @param value The value.
 * @returns The text; of a string, 60 UTF-16 units at most.
 */
export function describe(value: unknown): string {
  try {
    if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
    if (typeof value === "function") return value.name === "" ? "a function" : `function ${value.name}`;
    if (typeof value !== "object" || value === null || value instanceof Error) return String(value);
    return `an object of type ${typeName(value)}`;
  } catch {
    return "a value that cannot be shown";
  }
}

/**
 * Names a value's type: that of an object is its class.
 *
 * @param value The value.
 * @returns The name.
 */
export function typeName(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value;
  try {
    const name: unknown = value.constructor.name;
    if (typeof name === "string" && name !== "") return name;
  } catch {
    // A getter or proxy that throws, or no prototype.
  }
  return "object";
}
