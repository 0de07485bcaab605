/** Futures of a pool: their states, cancelling, callbacks, and waiting for them. By themselves they are `future_test.ts`. */
import assert from "node:assert/strict";
import { asCompleted, CancelledError, type Future, TimeoutError, wait } from "../mod.ts";
import { Arrivals, Latch } from "./harness.ts";
import { forEachKind } from "./kinds.ts";
import { forEachKindTogether, range, rejection, reported, withPool } from "./pools.ts";
import * as tasks from "./tasks.ts";
import * as more from "./tasks_executor.ts";

/** A future's three answers. */
function statesOf(future: Future<unknown>): { running: boolean; cancelled: boolean; done: boolean } {
  return { running: future.running(), cancelled: future.cancelled(), done: future.done() };
}

// States

forEachKindTogether(
  "E65 E66 E67 E69 future: pending, then running, then done",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const latch = new Latch(folder);
      const future = pool.submit(tasks.meet, arrivals.path, latch.path);
      // Unlike the guide's example (whose outcome is a race): the call is not sent in the turn of its submission.
      assert.deepEqual(statesOf(future), { running: false, cancelled: false, done: false });
      await arrivals.wait(1);
      assert.deepEqual(statesOf(future), { running: true, cancelled: false, done: false });
      latch.open();
      await wait([future]);
      assert.deepEqual(statesOf(future), { running: false, cancelled: false, done: true });
    }),
);

forEachKindTogether(
  "E70 E74 E106 future: a failed one is done, its error an answer of exception()",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const failed = pool.submit(tasks.raise, "doh!", "TypeError");
      const returned = pool.submit(more.sum, 1, 2);
      const { done } = await wait([failed, returned]);
      assert.equal(done.size, 2);
      assert.deepEqual(statesOf(failed), { running: false, cancelled: false, done: true });
      const error = await failed.exception();
      assert.ok(error instanceof TypeError);
      assert.equal(await rejection(failed.result()), error);
      assert.equal(await returned.exception(), undefined);
    }),
);

forEachKindTogether(
  "E72 E75 future: a timeout gives up waiting, and the call goes on",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const latch = new Latch(folder);
      const future = pool.submit(more.giveAfter, latch.path, "all done");
      for (const timeout of [0, 5]) {
        await assert.rejects(future.result(timeout), TimeoutError);
        await assert.rejects(future.exception(timeout), TimeoutError);
      }
      latch.open();
      assert.equal(await future.result(60_000), "all done");
      assert.equal(await future.result(0), "all done");
      assert.equal(await future.exception(60_000), undefined);
    }),
);

forEachKindTogether("E143 future: done() can be polled", (kind) =>
  withPool(kind, { maxWorkers: 2 }, async (pool) => {
    const futures = range(4).map((index) => pool.submit(more.sum, index, index));
    while (!futures.every((future) => future.done())) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.deepEqual(await Promise.all(futures.map((future) => future.result(0))), [0, 2, 4, 6]);
  }));

// Cancelling

forEachKindTogether(
  "E78 E79 E68 E83 cancel: a pending call is cancelled, and never runs",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const latch = new Latch(folder);
      const first = pool.submit(tasks.meet, arrivals.path, latch.path, "first");
      await arrivals.wait(1);
      const second = pool.submit(tasks.leaveMark, arrivals.path, "second");
      const third = pool.submit(tasks.leaveMark, arrivals.path, "third");
      assert.deepEqual([second.cancel(), second.cancel()], [true, true]);
      assert.deepEqual(statesOf(second), { running: false, cancelled: true, done: true });
      assert.equal(pool.pendingCount, 2);
      assert.equal((await wait([second])).done.size, 1);
      latch.open();
      await wait([first, third]);
      assert.deepEqual(arrivals.lines, ["first", "third"]);
    }),
);

forEachKindTogether("E76 cancel: result and exception of a cancelled call reject", (kind) =>
  // As Python does; the guide says that `exception()` would be None.
  withPool(kind, { maxWorkers: 1 }, async (pool) => {
    const future = pool.submit(tasks.workerId);
    assert.equal(future.cancel(), true);
    await assert.rejects(future.result(), CancelledError);
    await assert.rejects(future.exception(), CancelledError);
    await assert.rejects(async () => await future, CancelledError);
  }));

forEachKindTogether(
  "E80 E82 cancel: a running call cannot be cancelled",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const latch = new Latch(folder);
      const future = pool.submit(tasks.meet, arrivals.path, latch.path);
      await arrivals.wait(1);
      assert.equal(future.cancel(), false);
      assert.deepEqual(statesOf(future), { running: true, cancelled: false, done: false });
      latch.open();
      assert.equal(typeof await future, "number");
      assert.deepEqual(statesOf(future), { running: false, cancelled: false, done: true });
    }),
);

forEachKindTogether(
  "E81 cancel: a done call is not changed by it",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const [returned, failed] = [pool.submit(more.sum, 1, 2), pool.submit(tasks.raise, "doh!")];
      await wait([returned, failed]);
      for (const future of [returned, failed]) {
        assert.equal(future.cancel(), false);
        assert.deepEqual(statesOf(future), { running: false, cancelled: false, done: true });
      }
      assert.equal(await returned, 3);
    }),
);

// Callbacks

forEachKindTogether(
  "E86 E87 E90 E97 callbacks: get the future, in their order, in the parent, before who awaits",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const future = pool.submit(more.sum, 1, 2);
      const heard: unknown[] = [];
      const waiter = future.then(() => heard.push("awaited"));
      future.addDoneCallback((done) => {
        assert.equal(done, future);
        heard.push("first");
      });
      future.addDoneCallback((done) => {
        assert.equal(done.done(), true);
        heard.push("second");
      });
      await waiter;
      assert.deepEqual(heard, ["first", "second", "awaited"]);
      future.addDoneCallback(() => heard.push("late"));
      assert.deepEqual(heard.at(-1), "late");
    }),
);

forEachKindTogether(
  "E89 callbacks: of several futures, in the order of completion",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool, folder) => {
      const latches = [new Latch(folder, "0"), new Latch(folder, "1")];
      const heard: string[] = [];
      const futures = latches.map((latch, index) => pool.submit(more.giveAfter, latch.path, index));
      futures.forEach((future, index) => {
        for (const name of ["a", "b"]) future.addDoneCallback(() => void heard.push(`${index}${name}`));
      });
      for (const index of [1, 0]) {
        latches[index].open();
        await futures[index];
      }
      assert.deepEqual(heard, ["1a", "1b", "0a", "0b"]);
    }),
);

forEachKindTogether(
  "E88 E91 E92 callbacks: run when the call is cancelled, when it fails, and at once when it is done",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const heard: string[] = [];
      const failed = pool.submit(tasks.raise, "doh!");
      const cancelled = pool.submit(tasks.workerId);
      failed.addDoneCallback(() => heard.push("failed"));
      cancelled.addDoneCallback(() => heard.push("cancelled"));
      heard.push(`cancel ${cancelled.cancel()}`);
      await wait([failed]);
      assert.deepEqual(heard, ["cancelled", "cancel true", "failed"]);
      cancelled.addDoneCallback(() => heard.push("late"));
      assert.equal(heard.at(-1), "late");
    }),
);

forEachKindTogether(
  "E93 E94 E98 E112 callbacks: one that throws is reported, and harms nothing",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const future = pool.submit(more.sum, 1, 2);
      const heard: string[] = [];
      const doh = new Error("doh!");
      future.addDoneCallback(() => {
        throw doh;
      });
      future.addDoneCallback(() => heard.push("second"));
      const calls = await reported(() => wait([future]));
      assert.deepEqual(calls, [["exception calling callback for <Future state=finished returned number>", doh]]);
      assert.deepEqual(heard, ["second"]);
      assert.equal(await future, 3);
      assert.equal(await pool.submit(more.sum, 3, 4), 7);
    }),
);

forEachKind(
  "E135 callbacks: may submit, cancel, and shut the pool down",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const followUp = Promise.withResolvers<number>();
      const future = pool.submit(more.sum, 1, 2);
      const other = pool.submit(tasks.sleep, 0);
      future.addDoneCallback(() => {
        pool.submit(more.sum, 3, 4).then(followUp.resolve, followUp.reject);
        other.cancel();
        void pool.shutdown({ wait: false });
      });
      assert.equal(await followUp.promise, 7);
      await pool.shutdown();
    }),
);

// Waiting

forEachKindTogether(
  "E125 E126 pendingCount: the calls that are not done, the running ones too",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      assert.equal(pool.pendingCount, 0);
      const latches = range(6).map((index) => new Latch(folder, `${index}`));
      const futures = latches.map((latch) => pool.submit(more.giveAfter, latch.path, 1));
      const counts = [pool.pendingCount];
      for (const [index, latch] of latches.entries()) {
        latch.open();
        await futures[index];
        counts.push(pool.pendingCount);
      }
      assert.deepEqual(counts, [6, 5, 4, 3, 2, 1, 0]);
    }),
);

forEachKind("E99 E142 wait, asCompleted: futures of several pools, side by side", async (kind) => {
  await using one = kind.make({ maxWorkers: 1 });
  await using other = kind.make({ maxWorkers: 1 });
  const futures = [one.submit(more.sum, 1), other.submit(more.sum, 2), one.submit(more.sum, 3)];
  const { done, notDone } = await wait(futures);
  assert.deepEqual([done.size, notDone.size], [3, 0]);
  const values: number[] = [];
  for await (const future of asCompleted(futures)) values.push(await future);
  assert.deepEqual(values.sort(), [1, 2, 3]);
  if (kind.can.processes) assert.notEqual(await one.submit(tasks.workerId), await other.submit(tasks.workerId));
  await one.shutdown();
  assert.equal(await other.submit(more.sum, 1, 2), 3);
});

forEachKindTogether(
  "E101 E103 E105 wait: the first to complete, whichever was submitted first",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool, folder) => {
      const latches = [new Latch(folder, "0"), new Latch(folder, "1")];
      const futures = latches.map((latch, index) => pool.submit(more.giveAfter, latch.path, index));
      latches[1].open();
      const { done, notDone } = await wait(futures, { returnWhen: "FIRST_COMPLETED" });
      assert.deepEqual([[...done], [...notDone]].map((set) => set.map((future) => futures.indexOf(future))), [[1], [
        0,
      ]]);
      latches[0].open();
    }),
);

forEachKind(
  "E104 wait: the first to fail",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const [stays, fails] = [new Latch(folder, "stays"), new Latch(folder, "fails")];
      const blocked = pool.submit(more.giveAfter, stays.path, 1);
      const succeeds = pool.submit(more.sum, 1, 2);
      const failing = pool.submit(more.failAfter, fails.path, arrivals.path);
      await arrivals.wait(1);
      const waiting = wait([blocked, succeeds, failing], { returnWhen: "FIRST_EXCEPTION" });
      fails.open();
      const { done, notDone } = await waiting;
      assert.ok(done.has(failing) && done.has(succeeds) && notDone.has(blocked));
      stays.open();
    }),
);

forEachKindTogether(
  "E107 E108 asCompleted: each future once, as they complete",
  (kind) =>
    withPool(kind, { maxWorkers: 3 }, async (pool, folder) => {
      const order = [2, 0, 1];
      const latches = range(3).map((index) => new Latch(folder, `${index}`));
      const futures = latches.map((latch, index) => pool.submit(more.giveAfter, latch.path, index));
      const seen: unknown[] = [];
      latches[order[0]].open();
      for await (const future of asCompleted(futures)) {
        assert.equal(future.done(), true);
        seen.push(await future.result(0));
        const next = order[seen.length];
        if (next !== undefined) latches[next].open();
      }
      assert.deepEqual(seen, order);
    }),
);

forEachKindTogether(
  "E107 asCompleted: a timeout on a pool, and then the rest",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const latch = new Latch(folder);
      const futures = [pool.submit(more.sum, 1), pool.submit(more.giveAfter, latch.path, 2)];
      await futures[0];
      const completed = asCompleted(futures, { timeout: 1 });
      assert.equal((await completed.next()).value, futures[0]);
      await assert.rejects(completed.next(), { name: "TimeoutError", message: "1 (of 2) futures unfinished" });
      latch.open();
      assert.equal(await futures[1], 2);
    }),
);
