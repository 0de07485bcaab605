/** The port between a program and its threads, which tasks can reach, too. */

import assert from "node:assert/strict";
import { ThreadPoolExecutor, WorkerLostError } from "../mod.ts";
import { test } from "./harness.ts";
import { rejection } from "./pools.ts";
import { closePort, postGarbage, removeListeners } from "./tasks_threads.ts";

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

test("threads: a task that takes all listeners off its thread's port does no harm", async () => {
  const pool = new ThreadPoolExecutor(1);
  for (let call = 0; call < 3; call++) await pool.submit(removeListeners);
  await pool.shutdown();
});
