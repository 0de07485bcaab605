/** Tasks that need no more than the web has. */
import { currentTask, tasks, ThreadPoolExecutor, transfer } from "../mod.ts";
import { BrowserRuntime } from "../runtime/browser.ts";

export function add(a: number, b: number): number {
  return a + b;
}

export async function addLater(a: number, b: number): Promise<number> {
  await new Promise((go) => setTimeout(go, 5));
  return a + b;
}

export function fail(message: string): never {
  throw new RangeError(message);
}

/** Fills the buffer, and moves it back. */
export function fill(buffer: ArrayBuffer, value: number): ArrayBuffer {
  new Uint8Array(buffer).fill(value);
  return transfer(buffer, [buffer]);
}

/** Adds one to a place of shared memory; says what it was. */
export function bump(counters: Int32Array, index: number): number {
  return Atomics.add(counters, index, 1);
}

/** Adds one to a place; blocks, if there is an `end`, until that is asked for at that place. */
export function bumpAndWait(counters: Int32Array, index: number, end: number): void {
  Atomics.add(counters, index, 1);
  if (end > 0) Atomics.wait(counters, end, 0, 30_000);
}

/** Gives a buffer that is large enough to be posted by itself; dies instead, if it is to. */
export function bufferOrDie(counters: Int32Array, size: number): ArrayBuffer {
  if (size > 0) return new ArrayBuffer(size);
  Atomics.store(counters, 0, 1);
  Atomics.notify(counters, 0);
  (globalThis as unknown as { exitOfHost(code: number): never }).exitOfHost(3);
  for (;;) Atomics.load(counters, 0); // until the host has ended it
}

/** How a worker can die. */
export type Death = "close" | "exit" | "throw" | "reject";

/** Dies; does not return, or throws where the host has no such way. */
export function die(how: Death): Promise<void> {
  const host = globalThis as unknown as { close(): void; exitOfHost(code: number): void };
  if (how === "close") host.close();
  else if (how === "exit") host.exitOfHost(3);
  else if (how === "throw") setTimeout(() => fail("left behind"));
  else Promise.reject(new RangeError("left behind"));
  return new Promise(() => {});
}

/** Adds one to a place, and dies. */
export function bumpAndDie(counters: Int32Array, index: number, how: Death): Promise<void> {
  bump(counters, index);
  return die(how);
}

/** What the running call is called, at its begin, behind an await, and in a timer that it awaits. */
export async function names(): Promise<(string | undefined)[]> {
  const found = [currentTask()?.name];
  await undefined;
  found.push(currentTask()?.name);
  await new Promise<void>((go) => setTimeout(() => go(void found.push(currentTask()?.name)), 5));
  found.push(currentTask()?.name);
  return found.map((name) => name?.replace(/.*#/, ""));
}

let leftBehind: unknown = "nothing";

/** Leaves something behind that looks for its call when that has ended, and then writes 1 to a place. */
export function leaveBehind(counters: Int32Array, index: number): void {
  setTimeout(() => {
    leftBehind = currentTask()?.name;
    Atomics.store(counters, index, 1);
  }, 5);
}

/** What it found. */
export function whatWasLeft(): unknown {
  return leftBehind;
}

/** Uses a pool of its own when nothing is at work. */
export function misuseLater(): void {
  setTimeout(() => void new ThreadPoolExecutor(1).submit(add, 1, 2), 5);
}

/** Adds by a pool of its own. */
export async function addDeeper(a: number, b: number): Promise<number> {
  const runtime = new BrowserRuntime({ workerUrl: new URL("./browser_entry.ts", import.meta.url) });
  const pool = new ThreadPoolExecutor({ maxWorkers: 1, runtime });
  const sum = await pool.submit(add, a, b);
  await pool.shutdown();
  return sum;
}

tasks(import.meta, {
  add,
  addDeeper,
  addLater,
  bump,
  bufferOrDie,
  bumpAndDie,
  bumpAndWait,
  die,
  fail,
  fill,
  leaveBehind,
  misuseLater,
  names,
  whatWasLeft,
});
