/**
 * Latches and counters made of files, for tests that need an order among processes.
 *
 * A path is all that one side needs of the other, so these functions work in a task in any kind of worker: pass the
 * path as an argument. Nothing here may import the harness, for workers import this file through `tests/tasks.ts`.
 */

import { isOver } from "./worker_side.ts";

interface FileSystem {
  existsSync(path: string): boolean;
  readFileSync(path: string, encoding: "utf8"): string;
  writeFileSync(path: string, text: string): void;
  appendFileSync(path: string, text: string): void;
}

/** Longer than any test waits in good order, shorter than a test's limit: the error then names the file. */
const LIMIT = 45_000;

function fs(): FileSystem {
  const host = globalThis as unknown as { process: { getBuiltinModule(name: string): unknown } };
  return host.process.getBuiltinModule("node:fs") as FileSystem;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function blockFor(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** A limit of the time in which this process runs: a machine that halts it for a while halts this clock, too. */
export class Patience {
  #left: number;
  #last = Date.now();

  /** Of so many milliseconds; is to be asked every few. */
  constructor(limit: number) {
    this.#left = limit;
  }

  /** Whether they are over. */
  get isOver(): boolean {
    const now = Date.now();
    this.#left -= Math.min(now - this.#last, 100);
    this.#last = now;
    return this.#left < 0;
  }
}

async function waitUntil(what: string, holds: () => boolean): Promise<void> {
  const patience = new Patience(LIMIT);
  while (!holds()) {
    if (patience.isOver) throw new Error(`Waited ${LIMIT} ms for ${what} in vain`);
    await sleep(2);
  }
}

/** Makes the file, so that everyone who waits for it goes on. */
export function openFile(path: string): void {
  fs().writeFileSync(path, "");
}

/** Tells whether the file is there. */
export function fileIsOpen(path: string): boolean {
  return fs().existsSync(path);
}

/** Waits until the file is there; the event loop turns meanwhile. */
export function waitForFile(path: string): Promise<void> {
  return waitUntil(path, () => fileIsOpen(path));
}

/** Waits until the file is there and lets nothing else run in this thread, as a long computation would. */
export function blockUntilFile(path: string): void {
  const patience = new Patience(LIMIT);
  while (!fileIsOpen(path)) {
    if (patience.isOver) throw new Error(`Blocked ${LIMIT} ms for ${path} in vain`);
    if (isOver()) throw new Error("This thread was ended");
    blockFor(1);
  }
}

/** Adds a line to the file: one arrival. Appends of one line are atomic, also between processes. */
export function arrive(path: string, line = "arrived"): void {
  fs().appendFileSync(path, `${line}\n`);
}

/** The lines that arrived so far, in order. */
export function readLines(path: string): string[] {
  if (!fs().existsSync(path)) return [];
  return fs().readFileSync(path, "utf8").split("\n").slice(0, -1);
}

/** How many lines arrived so far. */
export function countLines(path: string): number {
  return readLines(path).length;
}

/** Waits until at least `count` lines have arrived. */
export function waitForLines(path: string, count: number): Promise<void> {
  return waitUntil(`${count} lines in ${path}`, () => countLines(path) >= count);
}
