/** The tasks that end their workers; for `losses_test.ts` and its neighbours. */
import { Socket } from "node:net";
import process from "node:process";
import { parentPort } from "node:worker_threads";
import { tasks } from "../tasks/task.ts";
import { arrive, blockUntilFile, countLines, fileIsOpen, waitForFile } from "./latch.ts";
import * as workerSide from "./worker_side.ts";

const { WORKER_ID } = workerSide;

/** Ends its worker, as `die()` of `worker_side.ts` does it. Never goes on. */
export function die(how: string): never {
  workerSide.die(how);
}

/** A result that throws when it is encoded. */
export function throwInResult(): unknown {
  return {
    before: 1,
    get here(): unknown {
      throw new RangeError("from a getter");
    },
  };
}

/** Gives its worker's number; dies, or throws where nobody catches, once the file is there. */
export function dieWhenOpen(how: string, latch: string): number {
  function look(): void {
    if (!fileIsOpen(latch)) return void setTimeout(look, 2);
    if (how === "throw") throw new RangeError("stray");
    if (how === "throw null") throw null;
    if (how === "reject") void Promise.reject(new RangeError("stray"));
    else die(how);
  }
  setTimeout(look, 2);
  return WORKER_ID;
}

/** Waits for ever, and throws from a timer meanwhile. */
export function throwStray(how: "throw" | "throw null" | "reject"): Promise<never> {
  setTimeout(() => {
    if (how === "reject") void Promise.reject(new RangeError("stray"));
    else throw how === "throw" ? new RangeError("stray") : null;
  }, 1);
  return new Promise(() => {});
}

/** Leaves a line, then dies if it is told how. */
export function markOrDie(path: string, line: string, how?: string): string {
  arrive(path, line);
  if (how !== undefined) die(how);
  return line;
}

/** Leaves a line with its worker's number. */
export function markId(path: string, line: string): string {
  arrive(path, `${line} ${WORKER_ID}`);
  return line;
}

/**
 * Leaves a line, then blocks until the file is there, if there is one; beside it lies the worker's number then. Short, but not
 * so short that the items of a map share an entry in the slate: those could not be taken back from behind each other.
 */
export function markAndBlock(path: string, line: string, latch?: string): string {
  arrive(path, line);
  const end = performance.now() + 0.08;
  while (performance.now() < end);
  if (latch === undefined) return line;
  arrive(`${latch}.worker`, `${WORKER_ID}`);
  blockUntilFile(latch);
  return line;
}

/** The same, but lets its worker's other things go on while it waits. */
export async function markAndWait(path: string, line: string, latch?: string): Promise<string> {
  arrive(path, line);
  if (latch !== undefined) await waitForFile(latch);
  return line;
}

/** Leaves a line and computes for so long; may die then. */
export function markAndSpin(path: string, line: string, milliseconds: number, how?: string): string {
  arrive(path, line);
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
  if (how !== undefined) die(how);
  return line;
}

/** Takes two microseconds, on the quickest machine too, and gives `value`; or dies at one value. */
export function dieAt(value: number, deadly: number): number {
  if (value === deadly) die("kill");
  const end = performance.now() + 0.002;
  while (performance.now() < end);
  return value;
}

/** Closes the channel under its result. */
export function closeChannel(): void {
  if (parentPort !== null) return void (parentPort.close ?? globalThis.close).call(parentPort); // Deno has the other one alone
  const prototype = Socket.prototype as unknown as { write(): boolean };
  prototype.write = function (this: Socket): boolean {
    return this.destroy() as unknown as boolean;
  };
}

/** Takes any number of bytes and gives their number. */
export function sizeOf(bytes: Uint8Array): number {
  return bytes.length;
}

/** Dies, whatever it is given. */
export function dieWith(how: string, _bytes: Uint8Array): never {
  die(how);
}

/** Leaves a timer that never lets go of the worker once it has fired. */
export function loopWhenIdle(started: string): number {
  setTimeout(() => {
    arrive(started);
    workerSide.loop();
  }, 1);
  return WORKER_ID;
}

/** Says that it has begun, waits for the file, says that it has finished. */
export async function startAndFinish(started: string, latch: string, finished: string): Promise<void> {
  arrive(started);
  await waitForFile(latch);
  arrive(finished);
}

/** The worker's number, whatever it is given. */
export function idOf(_item: unknown): number {
  return WORKER_ID;
}

/** Ends at SIGKILL alone: says that it has begun, then takes no notice of SIGTERM. */
export async function ignoreTermination(started: string): Promise<void> {
  process.on("SIGTERM", () => {});
  arrive(started);
  await new Promise(() => {});
}

// Initializers.

let initialized = "";

/** Keeps its argument. */
export function initialize(value: string): void {
  initialized = value;
}

/** What the initializer kept. */
export function whatWasInitialized(): string {
  return initialized;
}

/** Leaves a line; the worker that leaves the `from`th and all after it end as they are told: all by one way, or each by its own. */
export async function initializeOrDie(path: string, from: number, ...ways: string[]): Promise<void> {
  arrive(path, String(WORKER_ID));
  const count = countLines(path);
  if (count < from) return;
  const how = ways[(count - from) % ways.length];
  await new Promise((resolve) => setTimeout(resolve, 1));
  if (how === "throw") throw new RangeError("the initializer's own error");
  if (how === "reject") {
    void Promise.reject(new RangeError("stray"));
    await new Promise(() => {});
  }
  die(how);
}

/** The same, but only the `at`th. */
export function initializeOrDieOnce(path: string, at: number, how: string): void {
  arrive(path, String(WORKER_ID));
  if (countLines(path) === at) die(how);
}

tasks(import.meta, {
  die,
  throwInResult,
  dieWhenOpen,
  throwStray,
  markOrDie,
  markId,
  markAndBlock,
  markAndWait,
  markAndSpin,
  dieAt,
  closeChannel,
  sizeOf,
  dieWith,
  loopWhenIdle,
  startAndFinish,
  idOf,
  ignoreTermination,
  initialize,
  whatWasInitialized,
  initializeOrDie,
  initializeOrDieOnce,
});
