/** `Process` and the context functions: rows P1 to P4, P41 to P45, P167 to P172 where they speak of processes. */
import assert from "node:assert/strict";
import { InvalidStateError, PicklingError } from "../mod.ts";
import {
  activeChildren,
  cpuCount,
  currentProcess,
  getAllStartMethods,
  getContext,
  getStartMethod,
  Pool,
  Process,
} from "../pool/mod.ts";
import { Arrivals, isAlive, Latch, test, withTempFolder } from "./harness.ts";
import { reported } from "./pools.ts";
import * as tasks from "./tasks.ts";
import * as more from "./tasks_executor.ts";
import * as pooled from "./tasks_pool.ts";
import { WORKER_ID } from "./worker_side.ts";

test("P1 P2 P3 Y1: a process runs its task once, and is seen from outside while it does", () =>
  withTempFolder(async (folder) => {
    const arrivals = new Arrivals(folder);
    const latch = new Latch(folder);
    const one = new Process({ target: pooled.leaveName, args: [arrivals.path, latch.path], name: "worker bee" });
    assert.deepEqual([one.pid, one.exitcode, one.isAlive(), one.name, one.daemon], [
      undefined,
      undefined,
      false,
      "worker bee",
      false,
    ]);
    assert.equal(String(one), "<Process name=worker bee initial>");
    one.start();
    const { pid } = one;
    assert.deepEqual([typeof pid, one.isAlive(), isAlive(pid!)], ["number", true, true]);
    assert.equal(String(one), `<Process name=worker bee pid=${pid} started>`);
    assert.deepEqual(activeChildren(), [one]);
    assert.throws(() => one.start(), InvalidStateError);
    await arrivals.wait(1);
    assert.deepEqual(arrivals.lines, [`worker bee ${pid}`]);
    assert.equal(await one.join(1), undefined);
    assert.equal(one.exitcode, undefined);
    latch.open();
    await one.join();
    assert.deepEqual([one.pid, one.exitcode, one.isAlive(), isAlive(pid!)], [pid, 0, false, false]);
    assert.equal(String(one), `<Process name=worker bee pid=${pid} stopped exitcode=0>`);
    assert.deepEqual(activeChildren(), []);
    await one.join();
    one.terminate();
    one.kill();
    assert.equal(one.exitcode, 0);
  }));

test("P3 P21 P171: the exit code is what the task, process.exit() or a signal made of it", () =>
  withTempFolder(async (folder) => {
    const arrivals = new Arrivals(folder);
    const never = `${folder}/never`;
    const ends: readonly (readonly [Process<never>, number])[] = [
      [new Process({ target: tasks.pow, args: [2, 3] }), 0],
      [new Process({ target: more.nothing }), 0],
      [new Process({ target: more.giveUnsendable }), 0], // what it returns goes nowhere
      [new Process({ target: tasks.raise, args: ["Something bad happened!"] }), 1],
      [new Process({ target: tasks.exitWith, args: [0] }), 0],
      [new Process({ target: tasks.exitWith, args: [7] }), 7],
      [new Process({ target: tasks.killSelf, args: ["SIGABRT"] }), -6],
      [new Process({ target: pooled.leaveName, args: [arrivals.path, never] }), -15],
      [new Process({ target: pooled.leaveName, args: [arrivals.path, never] }), -9],
    ] as unknown as (readonly [Process<never>, number])[];
    const lines = await reported(async () => {
      for (const [one] of ends.slice(0, 7)) one.start();
      await Promise.all(ends.slice(0, 7).map(([one]) => one.join()));
      const [terminated, killed] = ends.slice(7).map(([one]) => one);
      terminated.start();
      killed.start();
      await arrivals.wait(2);
      terminated.terminate();
      killed.kill();
      await Promise.all([terminated.join(), killed.join()]);
    });
    assert.deepEqual(ends.map(([one]) => one.exitcode), ends.map(([, exitcode]) => exitcode));
    assert.deepEqual(lines.map(([text, error]) => [text, (error as Error).message]), [
      [`Process ${ends[3][0].name}:`, "Something bad happened!"],
    ]);
    assert.match(ends[0][0].name, /^Process-\d+$/);
  }));

test("P21 P171: the exit code tells signals apart", async () => {
  for (const number of [16, 26, 27, 29]) {
    const one = new Process({ target: pooled.killByNumber, args: [number] });
    one.start();
    await one.join();
    assert.equal(one.exitcode, -number);
  }
});

test("P2: a process that a getter of its own argument starts is started once", async () => {
  let isInside = false;
  const argument = {
    get number(): number {
      if (!isInside) {
        isInside = true;
        one.start();
      }
      return 1;
    },
  };
  const one: Process<[unknown]> = new Process({ target: tasks.identity, args: [argument] });
  assert.throws(() => one.start(), InvalidStateError);
  assert.deepEqual(activeChildren(), [one]);
  await one.join();
  assert.equal(one.exitcode, 0);
});

test("P2 P171: a process that is ended before it has said hello", async () => {
  const one = new Process({ target: more.nothing });
  one.start();
  one.kill();
  await one.join();
  assert.equal(one.exitcode, -9);
});

test("P3 P159: what is wrong is told before anything is started", async () => {
  assert.throws(() => new Process({ target: () => {} }), PicklingError);
  assert.throws(() => new Process({ target: tasks.pow(2, 3) as never }), TypeError);
  assert.throws(() => new Process(undefined as never), { message: /must be an object with a target/ });
  for (const options of [{ args: 5 }, { name: "" }, { name: 5 }, { daemon: 1 }, { maxWorkers: 1 }, { env: 5 }]) {
    assert.throws(() => new Process({ target: more.nothing, ...options } as never), TypeError);
  }
  const one = new Process({ target: tasks.identity, args: [() => {}] });
  assert.throws(() => one.start(), { name: "PicklingError", path: "args[0]" });
  for (const call of [() => one.join(), () => one.terminate(), () => one.kill()]) {
    assert.throws(call, { name: "InvalidStateError", message: /must have been started: it was not/ });
  }
  assert.deepEqual(activeChildren(), []);
  const failing = new Process({ target: more.nothing, cwd: "/nonexistent/folder" });
  const lines = await reported(async () => {
    try {
      failing.start();
    } catch {
      return; // some hosts know it at once
    }
    await failing.join();
    assert.equal(failing.exitcode, 1);
  });
  assert(lines.length <= 1);
});

test("P41 P42 P43 P44: the context functions, and why nothing can be forked", () => {
  assert.equal(getStartMethod(), "spawn");
  assert.deepEqual(getAllStartMethods(), ["spawn"]);
  const context = getContext("spawn");
  assert.equal(context.getStartMethod(), "spawn");
  assert.equal(String(new context.Pool({ processes: 3, context })), "<Pool state=RUN pool_size=3>");
  assert.equal(String(new context.ThreadPool(3)), "<ThreadPool state=RUN pool_size=3>");
  assert.equal(context.Process, Process);
  assert.equal(context.cpuCount(), cpuCount());
  assert(Number.isInteger(cpuCount()) && cpuCount() > 0);
  assert.match(String(new Pool()), new RegExp(`pool_size=${cpuCount()}>$`)); // row P32
  for (const method of ["fork", "forkserver"]) {
    assert.throws(() => getContext(method), { name: "RangeError", message: /a JavaScript heap cannot be forked/ });
  }
  assert.throws(() => getContext("spwan"), RangeError);
  assert.throws(() => getContext(5 as never), TypeError);
  assert.throws(() => new Pool({ context: "spawn" as never }), TypeError);
  assert.throws(() => new Pool({ context: { getStartMethod: () => "fork" } as never }), RangeError);
  assert.deepEqual(currentProcess(), { name: "MainProcess", pid: WORKER_ID });
});
