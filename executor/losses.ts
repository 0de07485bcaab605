/** What is said of a worker that died: to the caller of a lost call, of a broken pool, of a worker that never started. */
import { WorkerLostError } from "../errors.ts";
import { describeExit } from "../runtime/output.ts";
import { fullName } from "../tasks/registry.ts";
import type { WorkItem } from "./work_item.ts";
import type { Worker, WorkerCrash, WorkerEnd } from "./worker.ts";

/** The error of a call that died with its worker. */
export function callLost(worker: Worker, end: WorkerEnd, item: WorkItem): WorkerLostError {
  const task = fullName(item.profile.task);
  return lostError(`Cannot finish the call of ${task} as its worker must live: ${deathOf(worker, end)}`, worker, end, {
    task,
    mayHaveRun: end.lastMayHaveRun || item !== end.lost.at(-1),
  });
}

/** Why a pool that breaks when it loses a worker is broken. */
export function brokenBy(worker: Worker, end: WorkerEnd): { why: string; cause: WorkerLostError } {
  const item = end.lost.at(-1);
  const task = item === undefined ? "" : fullName(item.profile.task);
  const at = item === undefined ? "while it was idle" : `while it was at ${task}`;
  const why = `${deathOf(worker, end)} ${at}`;
  const mayHaveRun = item !== undefined && end.lastMayHaveRun;
  return { why, cause: lostError(`A worker was lost: ${why}`, worker, end, { task, mayHaveRun }) };
}

/** Why a worker did not come so far as to run a call. */
export function startError(worker: Worker, end: WorkerEnd): Error {
  const cause = end.crash?.error ?? end.reason;
  const said = cause instanceof Error ? cause.message : undefined;
  return new Error(said ?? deathOf(worker, end), { cause });
}

/** Tells, once and at once, of an error that nobody caught in a worker that was at no call: no future can. */
export function reportCrash(worker: Worker, crash: WorkerCrash): void {
  const task = crash.task === "" ? "" : `, ${crash.isOrigin ? "from" : "after a call of"} ${crash.task}`;
  console.error(`Uncaught error in worker ${worker.name} (${worker.place})${task}:`, crash.error);
}

function lostError(
  message: string,
  worker: Worker,
  end: WorkerEnd,
  call: { readonly task: string; readonly mayHaveRun: boolean },
): WorkerLostError {
  const cause = end.crash === undefined ? end.reason : end.crash.error;
  return new WorkerLostError(message, {
    workerName: worker.name,
    pid: worker.pid,
    exitCode: end.exit.code,
    signal: end.exit.signal,
    ...call,
    ...(cause === undefined ? undefined : { cause }),
  });
}

function deathOf(worker: Worker, end: WorkerEnd): string {
  const who = `worker ${worker.name} (${worker.place})`;
  if (end.crash !== undefined) {
    const { error, task, isOrigin } = end.crash;
    const from = isOrigin ? ` from ${task}` : "";
    return `${who} ended by an error that nobody caught${from}: ${
      error instanceof Error ? error.message : String(error)
    }`;
  }
  if (end.reason instanceof Error) return `${who} was ended: ${end.reason.message}`;
  return `${who} terminated abruptly with ${describeExit(end.exit)}`;
}
