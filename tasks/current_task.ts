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
}

/** What makes a process a worker; there is at most one such object in a process, whatever the copies of the library. */
export interface WorkerMark {
  /** The call around the caller, if there is one. */
  currentTask(): CurrentTask | undefined;
  /** Hears that code outside a task used an executor. */
  misused(error: Error): void;
}

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

/**
 * Holds the rule that stops fork bombs: in a worker an executor may be used only from inside a task or initializer.
 * A worker imports the modules of its tasks; if the program's own module is one of them, it runs from its top again.
 *
 * @throws {InvalidStateError} If this is a worker and no task is around the caller.
 */
export function checkMayUseExecutor(): void {
  const mark = holder[KEY];
  if (mark === undefined || mark.currentTask() !== undefined) return;
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
