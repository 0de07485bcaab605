/**
 * The end of a pool, by `shutdown` and by `await using`, and what is pending until then. Each name begins with its rows.
 */
import assert from "node:assert/strict";
import { type Future, ShutdownError, wait } from "../mod.ts";
import { Arrivals, Latch, liveProcesses, until } from "./harness.ts";
import { forEachKind } from "./kinds.ts";
import { range, withPool } from "./pools.ts";
import * as tasks from "./tasks.ts";

forEachKind(
  "C51 executor: no callback of a cancelled call after the shutdown",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const latch = new Latch(folder);
      const running = pool.submit(tasks.meet, arrivals.path, latch.path);
      await arrivals.wait(1);
      const pending = pool.submit(tasks.leaveMark, arrivals.path, "never");
      const heard: string[] = [];
      running.addDoneCallback(() => heard.push("running"));
      pending.addDoneCallback(() => heard.push("pending"));
      assert.equal(pending.cancel(), true);
      latch.open();
      await pool.shutdown();
      assert.deepEqual(heard, ["pending", "running"]);
      await new Promise((resolve) => setTimeout(resolve, 0));
      assert.deepEqual(heard, ["pending", "running"]);
      assert.equal(arrivals.count, 1);
    }),
);

forEachKind(
  "C105 C108 E53 E56 E61 shutdown: waits for running and queued calls, and takes no more",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const latch = new Latch(folder);
      const futures = range(4).map(() => pool.submit(tasks.meet, arrivals.path, latch.path));
      const fifty = range(50).map((number) => pool.submit(tasks.identity, number));
      await arrivals.wait(1);
      let isOver = false;
      const closed = pool.shutdown().then(() => isOver = true);
      assert.throws(() => pool.submit(tasks.workerId), ShutdownError);
      assert.throws(() => pool.map(tasks.identity, [1]), ShutdownError);
      assert.equal(isOver, false);
      latch.open();
      await closed;
      assert.ok(futures.every((future) => future.done() && !future.cancelled()));
      assert.deepEqual(await Promise.all(fifty), range(50));
      assert.equal(arrivals.count, 4);
      assert.deepEqual(liveProcesses(), []);
    }),
);

forEachKind(
  "E54 shutdown: with wait false it returns at once, and the calls are run",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const latch = new Latch(folder);
      const futures = range(3).map(() => pool.submit(tasks.meet, arrivals.path, latch.path));
      await pool.shutdown({ wait: false });
      assert.ok(futures.every((future) => !future.done()));
      latch.open();
      await wait(futures);
      assert.ok(futures.every((future) => !future.cancelled()));
      await until("the workers are gone", () => liveProcesses().length === 0);
    }),
);

forEachKind(
  "C109 E55 E57 E110 shutdown: cancelFutures cancels what no worker has, and the running call ends",
  async (kind) => {
    for (const wait of [true, false]) {
      await withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
        const arrivals = new Arrivals(folder);
        const latch = new Latch(folder);
        const [running, ...queued] = range(4).map(() => pool.submit(tasks.meet, arrivals.path, latch.path));
        await arrivals.wait(1);
        const closed = pool.shutdown({ wait, cancelFutures: true });
        assert.ok(queued.every((future) => future.cancelled()));
        if (!wait) await closed;
        assert.equal(running.running(), true);
        latch.open();
        await closed;
        assert.equal(typeof await running, "number");
        assert.equal(arrivals.count, 1);
      });
    }
  },
);

forEachKind(
  "E53 shutdown: may be called again, by all ways, at any time; with options of a wrong kind it is a TypeError, and the pool goes on",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      for (const name of ["wait", "cancelFutures"]) {
        await assert.rejects(async () => await pool.shutdown({ [name]: 1 } as never), {
          name: "TypeError",
          message: `Cannot shut down as '${name}' must be a boolean: current value is 1`,
        });
      }
      const future = pool.submit(tasks.workerId);
      await Promise.all([pool.shutdown(), pool.shutdown({ wait: false }), pool.shutdown()]);
      assert.equal(future.done(), true);
      await pool.shutdown({ cancelFutures: true });
      await pool[Symbol.asyncDispose]();
      assert.equal(typeof await future, "number");
    }),
);

forEachKind("E60 E62 E63 E180 await using: waits for all submitted work, and lets an error pass", async (kind) => {
  let future: Future<number> | undefined;
  let seen: unknown;
  try {
    await using pool = kind.make({ maxWorkers: 1 });
    future = pool.submit(tasks.sleep, 1);
    throw new Error("out of the block");
  } catch (error) {
    seen = error;
  }
  assert.equal((seen as Error).message, "out of the block");
  assert.equal(future!.done(), true);
  assert.equal(await future!, 1);
});

forEachKind(
  "E84 E85 E127 cancel: only what a worker has been sent cannot be cancelled",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const latch = new Latch(folder);
      const futures = range(50).map(() => pool.submit(tasks.meet, arrivals.path, latch.path));
      await arrivals.wait(2);
      // Unlike Python, whose call queue holds one more than there are workers: a call that has not proved short is sent
      // to a worker that is free, and to no other.
      assert.equal(futures.filter((future) => future.running()).length, 2);
      assert.equal(futures.filter((future) => future.cancel()).length, 48);
      latch.open();
      await pool.shutdown();
      assert.equal(arrivals.count, 2);
    }),
);
