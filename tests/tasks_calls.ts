/** The tasks of tests on what happens to a call: time limits, cancelling by force, attempts, progress. */
import process from "node:process";
import { currentTask } from "../tasks/current_task.ts";
import { tasks } from "../tasks/task.ts";
import { arrive, countLines, waitForFile } from "./latch.ts";
import { die, loop as loopForEver } from "./worker_side.ts";

/** Marks its start, and loops. */
export function loop(started: string): never {
  arrive(started, "loop");
  loopForEver();
}

/** Marks its start, and never ends. */
export function hang(started: string): Promise<never> {
  arrive(started, "hang");
  return new Promise(() => {});
}

/** Ignores SIGTERM, and loops. */
export function loopUntilKilled(started: string): never {
  process.on("SIGTERM", () => {});
  return loop(started);
}

/** Ignores SIGTERM, and ends by itself some time after its limit. */
export async function outliveSignal(started: string, milliseconds: number): Promise<void> {
  process.on("SIGTERM", () => {});
  arrive(started, "wait");
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Loops until its signal aborts, and throws the signal's reason. */
export function loopUntilAborted(started: string): never {
  const task = currentTask()!;
  arrive(started, "loop");
  while (!task.signal.aborted);
  throw task.signal.reason;
}

/** Waits until its signal aborts; gives what it has done by then. */
export async function waitUntilAborted(started: string): Promise<string> {
  const { signal } = currentTask()!;
  arrive(started, "wait");
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  const { name, message } = signal.reason;
  return `${name}: ${message}`;
}

/** Waits until its signal aborts, and fails in its own way. */
export async function failWhenAborted(started: string): Promise<never> {
  await waitUntilAborted(started);
  throw new RangeError("tidied up");
}

/** Asks for its signal, and goes on for ever. */
export function hangInSpite(started: string): Promise<never> {
  currentTask()!.signal.addEventListener("abort", () => {});
  return hang(started);
}

/** Marks each attempt; fails before the attempt of that number. */
export function succeedAt(attempts: string, number: number): number {
  arrive(attempts, String(currentTask()!.attempt));
  if (countLines(attempts) < number) throw new RangeError(`attempt ${countLines(attempts)}`);
  return currentTask()!.attempt;
}

/** Fails before the attempt of that number. */
export function succeedLate(number: number): number {
  const { attempt } = currentTask()!;
  if (attempt < number) throw new RangeError(`attempt ${attempt}`);
  return attempt;
}

/** Marks each attempt; dies before the attempt of that number. */
export function surviveAt(attempts: string, number: number, how: string): number {
  arrive(attempts, String(currentTask()!.attempt));
  return countLines(attempts) < number ? die(how) : currentTask()!.attempt;
}

/** Marks its start, and dies once its latch is open. */
export async function dieWhenOpen(started: string, latch: string, how: string): Promise<never> {
  arrive(started, "waits");
  await waitForFile(latch);
  return die(how);
}

/** Marks each attempt; fails in the first, dies in the second, and so on. */
export function failOrDie(attempts: string, how: string): never {
  arrive(attempts, String(currentTask()!.attempt));
  if (countLines(attempts) % 2 === 1) throw new RangeError("odd");
  return die(how);
}

/** The sum of a large array, from the second attempt on. */
export function sumAgain(attempts: string, values: Float64Array): number {
  arrive(attempts, String(values.length));
  if (countLines(attempts) === 1) throw new RangeError("again");
  return values.reduce((sum, value) => sum + value, 0);
}

/** Reports each step. */
export function reportSteps(steps: number): string {
  for (let step = 1; step <= steps; step++) currentTask()!.reportProgress(step, steps);
  return "done";
}

/** Reports, and waits for a latch between. */
export async function reportAround(latch: string): Promise<string> {
  const task = currentTask()!;
  task.reportProgress(1, 2);
  await waitForFile(latch);
  task.reportProgress(2, 2);
  return "done";
}

/** Reports what is no number. */
export function reportNonsense(): void {
  currentTask()!.reportProgress("half" as never, 1);
}

/** Holds so many bytes, until its latch opens. */
export async function hold(bytes: number, started: string, latch: string): Promise<number> {
  const memory = new Uint8Array(bytes).fill(1);
  arrive(started, "held");
  await waitForFile(latch);
  return memory.length;
}

let kept: Uint8Array | undefined;

/** Holds so many bytes, and goes on to do so when it has ended. */
export function keep(bytes: number): number {
  kept = new Uint8Array(bytes).fill(1);
  return kept.length;
}

tasks(import.meta, {
  loop,
  hang,
  loopUntilKilled,
  outliveSignal,
  loopUntilAborted,
  waitUntilAborted,
  failWhenAborted,
  hangInSpite,
  succeedAt,
  succeedLate,
  surviveAt,
  dieWhenOpen,
  failOrDie,
  sumAgain,
  reportSteps,
  reportAround,
  reportNonsense,
  hold,
  keep,
});
