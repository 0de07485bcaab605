/** What a running task knows of itself, and who may use an executor in a worker. */
import { InvalidStateError } from "../errors.ts";

/** The call that is running. */
export interface CurrentTask {
  /** Number of the call in its executor, counted from 1 in the order of submission. */
  readonly id: number;
  /** Full name of the task, as `file:///app/tasks.ts#fib`. */
  readonly name: string;
  /** Which attempt this is, counted from 1. */
  readonly attempt: number;
  /**
   * Aborts when the call is to end: its `taskTimeout` is over, its caller's `signal` has aborted, or `cancel({ force: true })`
   * was called. A task that has asked for its signal has a second from then on to end by itself, and its worker lives
   * on; of one that has not, the worker is killed at once.
   *
   * Ask for it again wherever you look (`currentTask()!.signal.aborted`): a loop that never gives way to the event loop hears of
   * the end by this alone.
   */
  readonly signal: AbortSignal;
  /**
   * Tells the caller how far the call has come: its `onProgress` gets the same two numbers. What comes within 10 ms of the
   * report before waits, and the newest is sent; the last comes in any case, before the result.
   *
   * @param done What is done, in any unit.
   * @param total All that there is to do, in the same unit.
   * @throws {TypeError} If one is not a number.
   */
  reportProgress(done: number, total: number): void;
}

/** What makes a process a worker; there is at most one such object in a process, whatever the copies of the library. */
export interface WorkerMark {
  /** The worker's name, as `ProcessPoolExecutor-1`; empty until its parent has told it. */
  name?: string;
  /** In how many workers, one started by a task of the other, it is: 1 in those of the program itself. */
  depth?: number;
  /** The call around the caller, if there is one. */
  currentTask(): CurrentTask | undefined;
  /** Hears that code outside a task used an executor. */
  misused(error: Error): void;
}

/**
 * How deep pools may be nested: each level multiplies the workers by its pool's size, so a task that makes a pool for itself would
 * soon fill the machine; what is meant needs two or three.
 */
const DEEPEST = 5;

const KEY: symbol = Symbol.for("ergate.worker.1");
const holder = globalThis as unknown as Record<symbol, WorkerMark | undefined>;

/** Makes this process a worker. */
export function markAsWorker(mark: WorkerMark): void {
  holder[KEY] = mark;
}

/** Whether this process is a worker. */
export function isWorker(): boolean {
  return holder[KEY] !== undefined;
}

/**
 * What the running task knows of itself.
 *
 * @returns The call, inside a task or an initializer and in all that they await or start; `undefined` elsewhere.
 *
 * @example Usage
 * ```ts
 * import { currentTask, isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
 * import assert from "node:assert/strict";
 *
 * export function whoAmI(): string {
 *   return currentTask()!.name;
 * }
 * tasks(import.meta, { whoAmI });
 *
 * if (isMain(import.meta)) {
 *   await using pool = new ProcessPoolExecutor(1);
 *   assert.match(await pool.submit(whoAmI), /#whoAmI$/);
 *   assert.equal(currentTask(), undefined);
 * }
 * ```
 */
export function currentTask(): CurrentTask | undefined {
  return holder[KEY]?.currentTask();
}

/** The worker that this is; `undefined`: the program itself. */
export function currentWorker(): { readonly name: string; readonly depth: number } | undefined {
  const mark = holder[KEY];
  return mark === undefined ? undefined : { name: mark.name ?? "", depth: mark.depth ?? 1 };
}

/**
 * Holds the rule that stops fork bombs: in a worker an executor may be used only from inside a task or initializer.
 * A worker imports the modules of its tasks; if the program's own module is one of them, it runs from its top again.
 *
 * @throws {InvalidStateError} If this is a worker and no task is around the caller, or pools are nested too deep.
 */
export function checkMayUseExecutor(): void {
  const mark = holder[KEY];
  if (mark === undefined) return;
  if (mark.currentTask() !== undefined) {
    if ((mark.depth ?? 1) < DEEPEST) return;
    throw new InvalidStateError(
      `Cannot start workers in a task as pools must not be nested more than ${DEEPEST} deep: this is a worker of level ` +
        `${mark.depth}; does a task make a pool for itself again?`,
    );
  }
  const error = new InvalidStateError(
    "Cannot start workers while a worker imports this module as an executor may be used there only inside a task: " +
      "the program's main part must stand behind its guard\n\n" +
      "    if (isMain(import.meta)) {\n" +
      "      …\n" +
      "    }\n\n" +
      "or its tasks in a module of their own, which needs no guard.",
  );
  mark.misused(error);
  throw error;
}
