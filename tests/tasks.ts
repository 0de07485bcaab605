/**
 * The tasks of the tests. A module of their own, as the README advises: a worker imports this file and no test.
 *
 * Latches are files (`latch.ts`): a path is all that a task in another process needs. Modules of tasks import what they use,
 * not `mod.ts`: its executors, of no use in these workers, would be a quarter of each one's start.
 */
import { currentTask } from "../tasks/current_task.ts";
import { tasks } from "../tasks/task.ts";
import { arrive, blockUntilFile, waitForFile } from "./latch.ts";
import { die, loop, WORKER_ID } from "./worker_side.ts";

/** `base ** exponent`: CPython's `pow`. */
export function pow(base: number, exponent: number): number {
  return base ** exponent;
}

/** Gives back what it gets. */
export function echo(...values: unknown[]): unknown[] {
  return values;
}

/** Gives back its one argument. */
export function identity(value: unknown): unknown {
  return value;
}

/** The worker's number: the id of its process, or the number of its thread. */
export function workerId(): number {
  return WORKER_ID;
}

/** Sleeps, and lets other things of the worker go on. */
export async function sleep(milliseconds: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return milliseconds;
}

/** Computes for so long, and lets nothing else of the worker go on. */
export function spin(milliseconds: number): number {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
  return milliseconds;
}

/** Never ends, and lets nothing else of the worker go on. */
export function loopForever(started?: string): never {
  if (started !== undefined) arrive(started);
  loop();
}

/** Adds a line to `arrivals`, then waits for `latch`; gives its worker's number. */
export async function meet(arrivals: string, latch: string, line?: string): Promise<number> {
  arrive(arrivals, line);
  await waitForFile(latch);
  return WORKER_ID;
}

/** The same, without a turn of the event loop. */
export function blockingMeet(arrivals: string, latch: string, line?: string): number {
  arrive(arrivals, line);
  blockUntilFile(latch);
  return WORKER_ID;
}

/** Adds a line to `arrivals`: that it ran. */
export function leaveMark(arrivals: string, line: string): string {
  arrive(arrivals, line);
  return line;
}

/** Throws what it is told to. */
export function raise(message: string, kind: "Error" | "TypeError" | "RangeError" = "Error"): never {
  throw new { Error, TypeError, RangeError }[kind](message);
}

/** `divmod(a, b)`, which throws for 0. */
export function divmod(a: number, b: number): [number, number] {
  if (b === 0) throw new RangeError("division by zero");
  return [Math.floor(a / b), a % b];
}

/** Ends the worker by an exit code. */
export function exitWith(code: number): void {
  die(`exit ${code}`);
}

/** Ends the worker as `die()` does it. */
export function killSelf(how: string): never {
  die(how);
}

/** Number of its call. */
export function callId(): number | undefined {
  return currentTask()?.id;
}

/** The same, of an item of a map. */
export function itemId(_item: number): number | undefined {
  return currentTask()?.id;
}

tasks(import.meta, {
  pow,
  echo,
  identity,
  workerId,
  sleep,
  spin,
  loopForever,
  meet,
  blockingMeet,
  leaveMark,
  raise,
  divmod,
  exitWith,
  killSelf,
  callId,
  itemId,
});
