/** The port between a program and its threads, which tasks can reach, too. */

import assert from "node:assert/strict";
import { parentPort } from "node:worker_threads";
import { tasks, ThreadPoolExecutor, WorkerLostError } from "../mod.ts";
import { test } from "./harness.ts";
import { rejection } from "./pools.ts";

/** Posts what is none of the engine's messages. */
export function postGarbage(message: unknown): Promise<void> {
  parentPort!.postMessage(message);
  return new Promise(() => {});
}

/** Closes the port, or, on a host whose port cannot be closed, ends the thread. */
export function closePort(): Promise<void> {
  const port = parentPort as unknown as { close?(): void };
  if (port.close === undefined) (globalThis as unknown as { close(): void }).close();
  else port.close();
  return new Promise(() => {});
}

tasks(import.meta, { postGarbage, closePort });

const GARBAGE: readonly unknown[] = [
  5,
  null,
  "text",
  [],
  [new ArrayBuffer(1)],
  new ArrayBuffer(3),
  new Uint8Array(3),
  { stream: "x", bytes: new ArrayBuffer(1) },
  { stream: "toString" },
  { stream: "stdout", bytes: 1e18 },
];

test("threads: what a task posts on its thread's port, and is no message, costs its call only", async () => {
  const pool = new ThreadPoolExecutor(1);
  for (const garbage of GARBAGE) {
    assert.ok(await rejection(pool.submit(postGarbage, garbage)) instanceof WorkerLostError, String(garbage));
  }
  await pool.shutdown();
});

test("threads: a task that closes its thread's port costs its call only", async () => {
  const pool = new ThreadPoolExecutor(1);
  assert.ok(await rejection(pool.submit(closePort)) instanceof WorkerLostError);
  await pool.shutdown();
});
