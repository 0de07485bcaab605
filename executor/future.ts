/**
 * Futures: the result of a call, later. Python's `concurrent.futures.Future`, and a promise.
 *
 * One rule before changing anything: a pool may hold a million pending futures, so a future is five fields and nothing
 * else until somebody looks. Its promise is made at the first look, its list of callbacks at the second callback, and
 * whoever waits (a promise, `result(timeout)`, {@linkcode wait}) is just one more callback: settling a future that
 * nobody waits for is four writes.
 *
 * The user's end is the class. The engine's end are the functions below it (`setResult` and its like), which reach the
 * private fields through the class's static block; `mod.ts` does not export them.
 */
import { clearTimeout, setTimeout } from "../runtime/host_functions.ts";
import { callBack } from "./callbacks.ts";
import { CancelledError, describe, InvalidStateError, TimeoutError, typeName } from "../errors.ts";

/**
 * Marks the prototype of futures, in every copy of the library; its value is that copy's {@linkcode FutureProtocol}.
 * `wait` and `asCompleted` take futures of all copies, so what they need beyond the public methods is there.
 */
const BRAND: unique symbol = Symbol.for("ergate.future");

/** Proves to the constructor that this module calls it. */
const TOKEN: unique symbol = Symbol("ergate.future.token");

/** The longest delay that `setTimeout` keeps; beyond it, it fires at once. */
const MAX_DELAY = 2 ** 31 - 1;

/**
 * What became of a call.
 *
 * Unlike Python, there is no "cancelled and notified": a cancelled future is done, for all who wait, at once.
 */
export const FutureState = {
  /** Queued; `cancel()` still succeeds. Set at creation, and again when a call that was not begun is taken back. */
  PENDING: "pending",
  /** Sent to a worker; `cancel()` fails. Set by the engine. */
  RUNNING: "running",
  /** Cancelled while pending. Set by `cancel()`; final. */
  CANCELLED: "cancelled",
  /** Ended with a value. Set by the engine; final. */
  RETURNED: "returned",
  /** Ended with something thrown. Set by the engine; final. */
  RAISED: "raised",
} as const;

/** One of the values of {@linkcode FutureState}. */
export type FutureState = (typeof FutureState)[keyof typeof FutureState];

const { PENDING, RUNNING, CANCELLED, RETURNED, RAISED } = FutureState;

/** Options of {@linkcode Future.cancel}. */
export interface CancelOptions {
  /**
   * Whether a call that runs is cancelled, too: its worker is killed and replaced, and no other work. A task that has asked
   * for `currentTask().signal` has a second to end by itself.
   *
   * @default {false}
   */
  readonly force?: boolean;
}

/** Who must hear that a future was cancelled; the engine's work items are such owners. */
export interface FutureOwner {
  /**
   * Hears that the future was cancelled, a running one by force: once, inside `cancel()`, before the future's callbacks
   * run. Must not throw.
   *
   * @param future The future, already in its cancelled state.
   */
  cancelled(future: Future<unknown>): void;
  /**
   * Hears that somebody looks at the outcome, before or after the end: more often than once, and of a cancelled future and one
   * that has returned perhaps not at all. Must not throw.
   */
  seen?(): void;
}

/** What futures tell other copies of the library. Old copies stay in programs for years: extend it, never change it. */
export interface FutureProtocol {
  /** Tells the state of a future of this copy. */
  state(future: Future<unknown>): FutureState;
  /** Takes back one `addDoneCallback(fn)`, if it has not run. */
  removeDoneCallback(future: Future<unknown>, fn: DoneCallback): void;
}

/** What `addDoneCallback` takes. */
export type DoneCallback = (future: Future<unknown>) => unknown;

/** Turns the end of a done future into the end of a promise; throws nothing. */
type Deliver<T> = (future: Future<unknown>, deferred: PromiseWithResolvers<T>) => void;

// The engine's way to the private fields; set by the class's static block.
let create: <T>(owner: FutureOwner | null) => Future<T>;
let start: (future: Future<unknown>) => boolean;
let takeBack: (future: Future<unknown>) => void;
let settle: (future: Future<unknown>, state: typeof RETURNED | typeof RAISED, value: unknown) => void;
let cancelBy: (future: Future<unknown>, force: boolean, error: CancelledError | undefined) => boolean;
let stateOf: (future: Future<unknown>) => FutureState;
let deliverResult: <T>(future: Future<unknown>, deferred: PromiseWithResolvers<T>) => void;
let deliverException: Deliver<unknown>;

/**
 * The result of a submitted call, later: a promise that can also be asked and cancelled.
 *
 * Executors make futures; a program cannot construct or settle one. `await future` gives the call's value or throws
 * what the call threw. A future that fails unseen is never an unhandled rejection, nor is what `result()` and
 * `exception()` return; a promise derived by `then`, `catch` or `finally` is an ordinary promise, the program's own.
 *
 * A future is a thenable: returned from an `async` function, or resolved into a promise, it is replaced by its value.
 *
 * Unlike Python, nothing blocks: `result` and `exception` return promises, and times are milliseconds.
 *
 * @example Usage
 * ```ts
 * import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
 * import assert from "node:assert/strict";
 *
 * export function fib(n: number): number {
 *   return n < 2 ? n : fib(n - 1) + fib(n - 2);
 * }
 * tasks(import.meta, { fib });
 *
 * if (isMain(import.meta)) {
 *   const pool = new ProcessPoolExecutor(2);
 *   const future = pool.submit(fib, 10);
 *   assert.equal(await future, 55);
 *   assert.equal(future.done(), true);
 *   assert.equal(String(future), "<Future state=finished returned number>");
 *   await pool.shutdown();
 * }
 * ```
 *
 * @typeParam T Type of the value.
 */
export class Future<T> implements Promise<T> {
  #state: FutureState = PENDING;
  /** What was returned or thrown, or the error of a cancelled future once somebody asked for it. */
  #value: unknown = undefined;
  /** Dropped when the future is done, if it did not fail unseen: a kept future must not keep its arguments alive. */
  #owner: FutureOwner | null;
  /** The one callback, or the list of them in order; `null` also once they ran. */
  #callbacks: DoneCallback | DoneCallback[] | null = null;
  /** Made at the first look: what most programs wait for, without a callback of its own. */
  #awaited: PromiseWithResolvers<unknown> | null = null;

  static {
    create = <T>(owner: FutureOwner | null) => new Future<T>(TOKEN, owner);
    start = (future) => {
      if (future.#state === CANCELLED) return false;
      if (future.#state !== PENDING) throw invalidState(future);
      future.#state = RUNNING;
      return true;
    };
    takeBack = (future) => {
      if (future.#state !== RUNNING) throw invalidState(future);
      future.#state = PENDING;
    };
    settle = (future, state, value) => {
      if (future.#state !== PENDING && future.#state !== RUNNING) throw invalidState(future);
      future.#state = state;
      future.#value = value;
      if (state === RETURNED || future.#awaited !== null) future.#owner = null;
      if (future.#awaited !== null) deliverResult(future, future.#awaited);
      if (future.#callbacks !== null) future.#runCallbacks();
    };
    cancelBy = (future, force, error) => {
      if (future.#state === CANCELLED) return true;
      const owner = future.#owner;
      if (future.#state !== PENDING && !(force && future.#state === RUNNING && owner !== null)) return false;
      future.#state = CANCELLED;
      future.#value = error;
      future.#owner = null;
      if (owner !== null) owner.cancelled(future);
      if (future.#awaited !== null) deliverResult(future, future.#awaited);
      if (future.#callbacks !== null) future.#runCallbacks();
      return true;
    };
    stateOf = (future) => future.#state;
    const cancellation = (future: Future<unknown>): unknown =>
      // Made when asked for, since cancelling a million futures is quick only without a million stacks; then kept, as
      // every look must give the same error.
      future.#value ??= new CancelledError("Cannot get the result as the call was cancelled");
    deliverResult = <T>(future: Future<unknown>, deferred: PromiseWithResolvers<T>) => {
      if (future.#state === RETURNED) deferred.resolve(future.#value as T);
      else rejectQuietly(deferred, future.#state === CANCELLED ? cancellation(future) : future.#value);
    };
    deliverException = (future, deferred) => {
      if (future.#state === CANCELLED) rejectQuietly(deferred, cancellation(future));
      else deferred.resolve(future.#state === RAISED ? future.#value : undefined);
    };
    const protocol: FutureProtocol = {
      state: stateOf,
      removeDoneCallback: (future, fn) => future.#removeCallback(fn),
    };
    Object.defineProperty(Future.prototype, BRAND, { value: protocol });
    // By symbols that need no import; as they are no part of the types, users see one way to get the text: toString.
    for (const name of ["nodejs.util.inspect.custom", "Deno.customInspect"]) {
      Object.defineProperty(Future.prototype, Symbol.for(name), {
        value(this: Future<unknown>): string {
          return this instanceof Future && #state in this ? this.toString() : "Future {}";
        },
      });
    }
  }

  private constructor(token: typeof TOKEN, owner: FutureOwner | null) {
    if (token !== TOKEN) {
      throw new TypeError("Cannot construct a Future as futures must come from an executor: call submit()");
    }
    this.#owner = owner;
  }

  /** The name that `Object.prototype.toString` shows: `Future`. */
  get [Symbol.toStringTag](): string {
    return "Future";
  }

  /**
   * Calls back, later, with the value or with what was thrown; `await` uses it.
   *
   * @param onFulfilled Gets the value.
   * @param onRejected Gets what the call threw, or a {@linkcode CancelledError}.
   * @returns An ordinary promise of what the callback returns.
   */
  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#look().then(onFulfilled, onRejected);
  }

  /**
   * Calls back, later, if the call failed or was cancelled.
   *
   * @param onRejected Gets what the call threw, or a {@linkcode CancelledError}.
   * @returns An ordinary promise of the value, or of what the callback returns.
   */
  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.#look().catch(onRejected);
  }

  /**
   * Calls back, later, when the call has ended, however it ended.
   *
   * @param onFinally Gets no argument.
   * @returns An ordinary promise that ends as the future does.
   */
  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.#look().finally(onFinally);
  }

  /**
   * Waits for the value.
   *
   * Giving up does not stop the call. Unlike Python, the time is in milliseconds and nothing blocks.
   *
   * @param timeout Milliseconds to wait at most; 0 asks without waiting, no number waits as long as it takes.
   * @returns A promise of the value. It rejects with what the call threw, with {@linkcode CancelledError} if it was
   * cancelled, and with {@linkcode TimeoutError} if the time is over; left alone, it is no unhandled rejection.
   * @throws {TypeError} If the timeout is not a number.
   * @throws {RangeError} If the timeout is negative or `NaN`.
   *
   * @example Usage
   * ```ts
   * import { isMain, ProcessPoolExecutor, tasks, TimeoutError } from "@ergate/ergate";
   * import assert from "node:assert/strict";
   *
   * export function fib(n: number): number {
   *   return n < 2 ? n : fib(n - 1) + fib(n - 2);
   * }
   * tasks(import.meta, { fib });
   *
   * if (isMain(import.meta)) {
   *   const pool = new ProcessPoolExecutor(2);
   *   const future = pool.submit(fib, 10);
   *   await assert.rejects(future.result(0), TimeoutError);
   *   assert.equal(await future.result(60_000), 55);
   *   await pool.shutdown();
   * }
   * ```
   */
  result(timeout?: number): Promise<T> {
    const limit = checkTimeout(timeout, "a future");
    return limit === Infinity || this.done() ? this.#look() : this.#within(limit, deliverResult);
  }

  /**
   * Waits for the end of the call, and gives what it threw.
   *
   * Unlike Python, which gives `None` for a call that returned, this gives `undefined`.
   *
   * @param timeout Milliseconds to wait at most; 0 asks without waiting, no number waits as long as it takes.
   * @returns A promise of what the call threw, or of `undefined` if it returned. It rejects with
   * {@linkcode CancelledError} if the call was cancelled, and with {@linkcode TimeoutError} if the time is over; left
   * alone, it is no unhandled rejection.
   * @throws {TypeError} If the timeout is not a number.
   * @throws {RangeError} If the timeout is negative or `NaN`.
   */
  exception(timeout?: number): Promise<unknown> {
    return this.#within(checkTimeout(timeout, "a future"), deliverException);
  }

  /**
   * Tells whether the call has ended: it returned, threw, or was cancelled.
   *
   * @returns Whether there is nothing left to wait for.
   */
  done(): boolean {
    return this.#state !== PENDING && this.#state !== RUNNING;
  }

  /**
   * Tells whether the call was handed to a worker and has not ended.
   *
   * A call that waits in a worker's own queue counts as running, as in Python.
   *
   * @returns Whether it runs.
   */
  running(): boolean {
    return this.#state === RUNNING;
  }

  /**
   * Tells whether the call was cancelled.
   *
   * @returns Whether `cancel()` succeeded.
   */
  cancelled(): boolean {
    return this.#state === CANCELLED;
  }

  /**
   * Cancels the call if it has not begun, or, by force, if it has not ended; callbacks run before this returns.
   *
   * By force the call's worker is killed and replaced; a task that listens to `currentTask().signal` has a second to end by
   * itself. What waits behind the call runs elsewhere. Only tiny calls that ended in the millisecond before
   * this one began, and whose results had not been sent, may be lost with it, unless it was made with a `taskTimeout` or
   * a `signal`.
   *
   * Unlike Python, where `wait` and `as_completed` may never hear of it, a cancelled future wakes both at once; and Python
   * cannot cancel what runs.
   *
   * @param options Whether to use force.
   * @returns Whether the future is cancelled now: `false` if the call runs, without force, or has ended.
   * @throws {TypeError} If the options are no object, or one is unknown or of a wrong kind.
   *
   * @example Usage
   * ```ts
   * import { CancelledError, isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
   * import assert from "node:assert/strict";
   *
   * export function loop(): never {
   *   for (;;);
   * }
   * tasks(import.meta, { loop });
   *
   * if (isMain(import.meta)) {
   *   await using pool = new ProcessPoolExecutor(1);
   *   const future = pool.submit(loop);
   *   assert.equal(future.cancel({ force: true }), true);
   *   await assert.rejects(future, CancelledError);
   * }
   * ```
   */
  cancel(options: CancelOptions = {}): boolean {
    return cancelBy(this, isForced(options), undefined);
  }

  /**
   * Adds a function to call when the call has ended or is cancelled: synchronously, in the order of adding; at once if
   * the future is done already.
   *
   * What it throws, and a rejected promise that it returns, is reported by `console.error` and harms nothing else.
   *
   * @param fn Gets the future.
   * @throws {TypeError} If `fn` is not a function.
   *
   * @example Usage
   * ```ts
   * import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
   * import assert from "node:assert/strict";
   *
   * export function fib(n: number): number {
   *   return n < 2 ? n : fib(n - 1) + fib(n - 2);
   * }
   * tasks(import.meta, { fib });
   *
   * if (isMain(import.meta)) {
   *   const pool = new ProcessPoolExecutor(2);
   *   const ended: string[] = [];
   *   const future = pool.submit(fib, 10);
   *   future.addDoneCallback((done) => ended.push(String(done)));
   *   await future;
   *   assert.deepEqual(ended, ["<Future state=finished returned number>"]);
   *   await pool.shutdown();
   * }
   * ```
   */
  addDoneCallback(fn: (future: this) => void): void {
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot add a callback as it must be a function: current value is ${describe(fn)}`);
    }
    if (this.done()) this.#call(fn as DoneCallback);
    else this.#addCallback(fn as DoneCallback);
  }

  /**
   * Shows the state: `<Future state=pending>`, `running` or `cancelled`, `<Future state=finished returned number>`,
   * `<Future state=finished raised RangeError>`. Consoles show the same.
   *
   * @returns The text.
   */
  toString(): string {
    switch (this.#state) {
      case RETURNED:
        return `<Future state=finished returned ${typeName(this.#value)}>`;
      case RAISED:
        return `<Future state=finished raised ${errorName(this.#value)}>`;
      default:
        return `<Future state=${this.#state}>`;
    }
  }

  /** The promise of this future, made now if nobody looked before. */
  #look(): Promise<T> {
    if (this.#awaited === null) {
      this.#see();
      this.#awaited = Promise.withResolvers<unknown>();
      if (this.done()) deliverResult(this, this.#awaited);
    }
    return this.#awaited.promise as Promise<T>;
  }

  /** Somebody looks at the outcome. */
  #see(): void {
    const owner = this.#owner;
    if (owner === null) return;
    owner.seen?.();
    if (this.done()) this.#owner = null;
  }

  /** A promise of what `deliver` makes of the end, or of a `TimeoutError`. */
  #within<R>(limit: number, deliver: Deliver<R>): Promise<R> {
    const deferred = Promise.withResolvers<R>();
    this.#see();
    if (this.done()) {
      deliver(this, deferred);
    } else if (limit === Infinity) {
      this.#addCallback(() => deliver(this, deferred));
    } else if (limit === 0) {
      rejectQuietly(deferred, timeoutError(limit, this.#state));
    } else {
      const waiter = (): void => {
        timer.clear();
        deliver(this, deferred);
      };
      const timer = new Timer(limit, () => {
        // Or a program that asks again and again would pile up callbacks.
        this.#removeCallback(waiter);
        rejectQuietly(deferred, timeoutError(limit, this.#state));
      });
      this.#addCallback(waiter);
    }
    return deferred.promise;
  }

  #addCallback(fn: DoneCallback): void {
    const callbacks = this.#callbacks;
    if (callbacks === null) this.#callbacks = fn;
    else if (typeof callbacks === "function") this.#callbacks = [callbacks, fn];
    else callbacks.push(fn);
  }

  #removeCallback(fn: DoneCallback): void {
    const callbacks = this.#callbacks;
    if (callbacks === fn) {
      this.#callbacks = null;
    } else if (Array.isArray(callbacks)) {
      const at = callbacks.indexOf(fn);
      if (at !== -1) callbacks.splice(at, 1);
    }
  }

  #runCallbacks(): void {
    const callbacks = this.#callbacks;
    // Taken off first: a callback may add callbacks, which run at once as the future is done.
    this.#callbacks = null;
    if (typeof callbacks === "function") this.#call(callbacks);
    else for (const fn of callbacks ?? []) this.#call(fn);
  }

  #call(fn: DoneCallback): void {
    callBack(() => fn(this), () => `callback for ${this.toString()}`);
  }
}

/** The executor's end of a future. */
export interface FutureResolver<T> {
  /**
   * Moves a pending future to running.
   *
   * @returns `false` if the future was cancelled and the call must not run.
   * @throws {InvalidStateError} If the future runs already, or has ended.
   */
  setRunningOrNotifyCancel(): boolean;
  /**
   * Ends the future with a value, and runs its callbacks.
   *
   * @param value What the call returned.
   * @throws {InvalidStateError} If the future is done.
   */
  setResult(value: T): void;
  /**
   * Ends the future with what the call threw, falsy values too, and runs its callbacks.
   *
   * @param error What the call threw.
   * @throws {InvalidStateError} If the future is done.
   */
  setException(error: unknown): void;
}

/** Options of {@linkcode newFuture}. */
export interface NewFutureOptions {
  /** Who must hear of a cancel. */
  readonly owner?: FutureOwner;
}

/**
 * Makes a pending future and its resolver; tests and outside executors use it. The engine, which makes a million, uses
 * {@linkcode createFuture} and the functions that take the future.
 *
 * @param options Who must hear of a cancel, if anybody.
 * @returns Both ends.
 *
 * @typeParam T Type of the value.
 */
export function newFuture<T>(options: NewFutureOptions = {}): { future: Future<T>; resolver: FutureResolver<T> } {
  const future = createFuture<T>(options.owner);
  const resolver: FutureResolver<T> = {
    setRunningOrNotifyCancel: () => setRunning(future),
    setResult: (value) => setResult(future, value),
    setException: (error) => setException(future, error),
  };
  return { future, resolver };
}

/**
 * Makes a pending future.
 *
 * @param owner Who must hear of a cancel, if anybody; forgotten when the future is done.
 * @returns The future.
 *
 * @typeParam T Type of the value.
 */
export function createFuture<T>(owner?: FutureOwner): Future<T> {
  return create(owner ?? null);
}

/**
 * Moves a pending future to running. Python's `set_running_or_notify_cancel`.
 *
 * @param future The future.
 * @returns `false` if the future was cancelled and the call must not run.
 * @throws {InvalidStateError} If the future runs already, or has ended.
 */
export function setRunning(future: Future<unknown>): boolean {
  return start(future);
}

/**
 * Moves a running future back to pending: its call was taken back from a worker that had not entered it.
 *
 * @param future The future.
 * @throws {InvalidStateError} If the future does not run.
 */
export function setBackToPending(future: Future<unknown>): void {
  takeBack(future);
}

/**
 * Ends a future with a value, and runs its callbacks.
 *
 * @param future The future, pending or running.
 * @param value What the call returned.
 * @throws {InvalidStateError} If the future is done.
 *
 * @typeParam T Type of the value.
 */
export function setResult<T>(future: Future<T>, value: T): void {
  settle(future, RETURNED, value);
}

/**
 * Ends a future with what its call threw, falsy values too, and runs its callbacks.
 *
 * @param future The future, pending or running.
 * @param error What the call threw.
 * @throws {InvalidStateError} If the future is done.
 */
export function setException(future: Future<unknown>, error: unknown): void {
  settle(future, RAISED, error);
}

/**
 * Cancels a future, running or not, with an error that says why.
 *
 * @param future The future.
 * @param error What its readers get.
 */
export function cancelFuture(future: Future<unknown>, error: CancelledError): void {
  cancelBy(future, true, error);
}

/**
 * Tells whether a value is a future, of any copy of the library.
 *
 * @param value Any value.
 * @returns Whether it is a future.
 */
export function isFuture(value: unknown): value is Future<unknown> {
  return typeof value === "object" && value !== null && BRAND in value;
}

/**
 * Gives what a future tells other copies of the library.
 *
 * @param future A future of any copy.
 * @returns The functions of its own copy, which can read it.
 */
export function protocolOf(future: Future<unknown>): FutureProtocol {
  return (future as unknown as Record<typeof BRAND, FutureProtocol>)[BRAND];
}

/** A timer that keeps delays beyond what `setTimeout` can, some 24.8 days. */
export class Timer {
  #left: number;
  #fn: () => void;
  #handle: ReturnType<typeof setTimeout> | undefined;

  /**
   * Starts the timer.
   *
   * @param delay Milliseconds; `Infinity` never fires and holds no timer of the host.
   * @param fn What to call then.
   */
  constructor(delay: number, fn: () => void) {
    this.#left = delay;
    this.#fn = fn;
    if (delay !== Infinity) this.#arm();
  }

  #arm(): void {
    const delay = Math.min(this.#left, MAX_DELAY);
    this.#left -= delay;
    this.#handle = setTimeout(() => {
      if (this.#left > 0) this.#arm();
      else this.#fn();
    }, delay);
  }

  /** Stops the timer, if it has not fired. */
  clear(): void {
    clearTimeout(this.#handle);
  }
}

/**
 * Checks a timeout that a user gave.
 *
 * @param timeout The value.
 * @param what What is waited for, as the message names it.
 * @returns The milliseconds; `Infinity` if none were given.
 * @throws {TypeError} If it is not a number.
 * @throws {RangeError} If it is negative or `NaN`.
 */
export function checkTimeout(timeout: unknown, what: string): number {
  if (timeout === undefined) return Infinity;
  if (typeof timeout === "number" && timeout >= 0) return timeout;
  const ErrorClass = typeof timeout === "number" ? RangeError : TypeError;
  throw new ErrorClass(
    `Cannot wait for ${what} as 'timeout' must be a non-negative number of milliseconds: current value is ` +
      describe(timeout),
  );
}

function isForced(options: CancelOptions): boolean {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Cannot cancel as the options must be an object: current value is ${describe(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (name === "force") continue;
    throw new TypeError(`Cannot cancel as an option must be 'force': current option is '${name}'`);
  }
  const { force = false } = options;
  if (typeof force === "boolean") return force;
  throw new TypeError(`Cannot cancel as 'force' must be a boolean: current value is ${describe(force)}`);
}

/** Name of what was thrown: an error's own name, or its class where that says more. */
function errorName(error: unknown): string {
  try {
    if (error instanceof Error && typeof error.name === "string" && error.name !== "" && error.name !== "Error") {
      return error.name;
    }
  } catch {
    // A getter or proxy that throws.
  }
  return typeName(error);
}

function invalidState(future: Future<unknown>): InvalidStateError {
  const state = stateOf(future);
  const word = state === RETURNED || state === RAISED ? "FINISHED" : state.toUpperCase();
  return new InvalidStateError(`${word}: ${future.toString()}`);
}

function timeoutError(limit: number, state: FutureState): TimeoutError {
  return new TimeoutError(
    `Cannot get the result within ${limit} ms as the call must have ended: current state is ${state}`,
  );
}

function rejectQuietly<R>(deferred: PromiseWithResolvers<R>, error: unknown): void {
  // First, so that the host never sees a rejection without a handler.
  deferred.promise.catch(ignore);
  deferred.reject(error);
}

function ignore(): void {}
