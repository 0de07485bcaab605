/**
 * `submit` on a pool, what a task sees around it, and pools that break: rows C1 to C62 of CPython's executor tests, and
 * the E rows that go with them. The others of those rows are in the files beside this: `executor_workers_test.ts` (and
 * the initializer), `executor_shutdown_test.ts`, `executor_options_test.ts`, `executor_values_test.ts` (and errors),
 * `executor_future_test.ts`, `map_test.ts`, `map_drawing_test.ts`. Each name begins with its rows.
 */
import assert from "node:assert/strict";
import { currentTask, Future, wait, WorkerLostError } from "../mod.ts";
import { Arrivals, Latch } from "./harness.ts";
import { assertBroken, forEachKind, wordsOf } from "./kinds.ts";
import { forEachKindTogether, range, rejection, withPool } from "./pools.ts";
import * as tasks from "./tasks.ts";
import * as more from "./tasks_executor.ts";

// Submitting

forEachKindTogether(
  "C1 C50 E15 submit: gives a future of what the task returns",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const future = pool.submit(tasks.pow, 2, 8);
      assert.ok(future instanceof Future);
      assert.equal(future.done(), false);
      assert.equal(await future.result(), 256);
      // C50, `run_in_executor`: to await the future is all that it takes.
      assert.equal(await pool.submit(tasks.pow, 2, 10), 1024);
    }),
);

forEachKindTogether(
  "C2 E17 submit: arguments arrive as they are, one that looks like options too",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      // Python: keyword arguments named `self` and `fn`. JavaScript has none: an object is an object.
      const args = [1, "two", { self: 3, fn: 4 }, { timeout: 1, chunksize: 2 }];
      assert.deepEqual(await pool.submit(tasks.echo, ...args), args);
      assert.deepEqual(await pool.submit(tasks.echo, ...range(300)), range(300));
      assert.deepEqual(await pool.submit(tasks.echo, undefined, null), [undefined, null]);
    }),
);

forEachKindTogether(
  "C2 E158 submit: what is no function is a TypeError of submit itself",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      for (const fn of [undefined, null, 42, "pow", { fn: tasks.pow }, [tasks.pow]]) {
        assert.throws(() => pool.submit(fn as never), {
          name: "TypeError",
          message:
            /^Cannot use a value as a task as it must be a function registered with tasks\(\): current value is /,
        });
      }
      assert.throws(() => (pool.submit as unknown as () => void).call(pool), TypeError);
      assert.equal(pool.pendingCount, 0);
    }),
);

forEachKindTogether(
  "E16 E71 submit: a task without parameters, and one that returns nothing",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      assert.equal(typeof await pool.submit(tasks.workerId), "number");
      assert.equal(await pool.submit(more.nothing), undefined);
    }),
);

forEachKindTogether(
  "E18 E20 submit: different tasks in one pool, one future for each call",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool) => {
      const futures = [pool.submit(more.sum, 1, 2), pool.submit(more.sum, 1, 2), pool.submit(more.toText, 3)] as const;
      assert.equal(new Set<unknown>(futures).size, 3);
      assert.deepEqual(await Promise.all(futures), [3, 3, "3"]);
    }),
);

forEachKindTogether(
  "E8 E19 E144 E179 submit: calls do not wait for one another; each worker is a process, or a thread, of its own",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const latch = new Latch(folder);
      // Neither ends before both have begun.
      const futures = range(2).map(() => pool.submit(more.meetId, arrivals.path, latch.path));
      await arrivals.wait(2);
      const ids = arrivals.lines.map(Number);
      assert.notEqual(ids[0], ids[1]);
      for (const id of ids) assert.ok(kind.workers().includes(id));
      latch.open();
      await Promise.all(futures);
    }),
);

forEachKindTogether(
  "E32 submit: calls beyond the number of workers wait their turn, in order",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const futures = range(20).map((index) => pool.submit(tasks.leaveMark, arrivals.path, `${index}`));
      await wait(futures);
      assert.deepEqual(arrivals.lines, range(20).map(String));
    }),
);

forEachKind(
  "E15 submit: a hundred thousand pending calls, each cancelled at a constant cost",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const latch = new Latch(folder);
      const first = pool.submit(tasks.meet, arrivals.path, latch.path);
      await arrivals.wait(1);
      const futures = range(120_000).map((index) => pool.submit(tasks.identity, index));
      assert.equal(pool.pendingCount, 120_001);
      // From the back: what is cancelled is not searched for.
      for (let index = 119_999; index > 0; index -= 2) futures[index].cancel();
      assert.equal(pool.pendingCount, 60_001);
      const closed = pool.shutdown({ cancelFutures: true });
      assert.equal(pool.pendingCount, 1);
      assert.ok(futures.every((future) => future.cancelled()));
      latch.open();
      await closed;
      assert.equal(first.done(), true);
    }),
);

forEachKindTogether(
  "E145 submit: tens of thousands of calls are run",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool) => {
      const futures = range(30_000).map((index) => pool.submit(more.sum, index, 1));
      const { done } = await wait(futures);
      assert.equal(done.size, 30_000);
      assert.equal(pool.pendingCount, 0);
      assert.equal(await futures[29_999], 30_000);
    }),
);

forEachKindTogether(
  "C41 submit: a task sees the globals of its own module",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      assert.deepEqual(await pool.submit(more.whichModule), {
        url: new URL("tasks_executor.ts", import.meta.url).href,
        atImport: undefined,
      });
      // Its state outlives the call.
      assert.deepEqual([await pool.submit(more.countUp), await pool.submit(more.countUp)], [1, 2]);
    }),
);

// What a call knows of itself

forEachKindTogether(
  "currentTask: number, name and attempt, in all that the call awaits and starts",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const name = new URL("tasks_executor.ts#tellTask", import.meta.url).href;
      const first = await pool.submit(more.tellTask);
      assert.equal(first.length, 3);
      const { id } = first[0]!;
      for (const call of first) assert.deepEqual(call, { id, name, attempt: 1 });
      const second = await pool.submit(more.tellTask);
      assert.deepEqual(second[2], { id: id + 1, name, attempt: 1 });
      assert.equal(currentTask(), undefined);
    }),
);

forEachKindTogether(
  "currentTask: what outlives a call still belongs to it",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const latch = new Latch(folder);
      await pool.submit(more.tellTaskLater, latch.path, arrivals.path);
      const other = pool.submit(more.giveAfter, `${folder}/other`, 1);
      latch.open();
      await arrivals.wait(1);
      new Latch(folder, "other").open();
      assert.equal(await other, 1);
      assert.match(arrivals.lines[0], /#tellTaskLater$/);
    }),
);

forEachKind(
  "currentTask: in an initializer it is the initializer",
  (kind) =>
    withPool(kind, { maxWorkers: 1, initializer: more.keepTask }, async (pool) => {
      const { name, attempt } = await pool.submit(more.getState) as { name: string; attempt: number };
      assert.match(name, /tasks_executor\.ts#keepTask$/);
      assert.equal(attempt, 1);
    }),
);

// Broken pools

forEachKind("C54 E117 broken pool: a worker killed from outside, and every future fails", (kind) =>
  // As `"break"` asks for it: by default one worker's death is one call's affair.
  withPool(kind, { maxWorkers: 2, onWorkerLost: "break" }, async (pool, folder) => {
    const arrivals = new Arrivals(folder);
    const latch = new Latch(folder);
    const futures = range(6).map(() => pool.submit(more.meetId, arrivals.path, latch.path));
    await arrivals.wait(2);
    const workers = arrivals.lines.map(Number);
    kind.kill(workers[0]);
    for (const future of futures) assertBroken(kind, await rejection(future), new RegExp(wordsOf(kind.killed)));
    assert.throws(() => pool.submit(tasks.workerId), kind.Broken);
    await pool.shutdown();
    await kind.untilGone(workers);
  }));

forEachKind(
  "C55 broken pool: each pending future has an error of its own",
  (kind) =>
    withPool(kind, { maxWorkers: 1, onWorkerLost: "break" }, async (pool, folder) => {
      const latch = new Latch(folder);
      const futures = [
        pool.submit(tasks.killSelf, "kill"),
        pool.submit(tasks.meet, `${folder}/x`, latch.path),
        pool.submit(tasks.workerId),
      ];
      const errors = await Promise.all(futures.map((future) => future.exception()));
      assert.equal(new Set(errors).size, 3);
      for (const error of errors) assert.ok(error instanceof kind.Broken);
    }),
);

forEachKind(
  "C58 E49 broken pool: the error tells the exit code",
  (kind) =>
    withPool(kind, { maxWorkers: 1, onWorkerLost: "break" }, async (pool) => {
      const error = await rejection(pool.submit(tasks.exitWith, 99));
      assert.ok(error instanceof kind.Broken);
      assert.match(error.message, /terminated abruptly with exit code 99/);
      const { cause } = error;
      assert.ok(cause instanceof WorkerLostError);
      assert.equal(cause.exitCode, 99);
      assert.match(cause.task, /tasks\.ts#exitWith$/);
    }),
);
