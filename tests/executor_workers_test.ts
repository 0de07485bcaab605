/**
 * The workers of a pool: when they start, how many, which one is used again, and what each does first. Each name begins
 * with its rows.
 */
import assert from "node:assert/strict";
import { BrokenExecutor, Executor, wait } from "../mod.ts";
import { Arrivals, Latch, liveProcesses, withTempFolder } from "./harness.ts";
import { forEachKind } from "./kinds.ts";
import { range, withPool } from "./pools.ts";
import * as tasks from "./tasks.ts";
import * as more from "./tasks_executor.ts";

// Workers

forEachKind(
  "E13 E14 E52 E121 C31 executor: made and shut down, starts nothing before the first call",
  (kind) =>
    withPool(kind, { initializer: tasks.raise as () => never, initargs: ["never run"] }, async (pool) => {
      assert.ok(pool instanceof Executor);
      for (const name of ["submit", "map", "shutdown"] as const) assert.equal(typeof pool[name], "function");
      assert.deepEqual(liveProcesses(), []);
      await pool.shutdown();
      assert.deepEqual(liveProcesses(), []);
    }),
);

forEachKind(
  "C24 C44 C60 E6 E46 E122 workers: sixty blocked calls have four workers, each initialized once",
  (kind) =>
    withFiles(async (starts, arrivals, latch, pids) => {
      const pool = kind.make({ maxWorkers: 4, initializer: more.markStart, initargs: [starts.path] });
      const futures = range(60).map(() => pool.submit(tasks.meet, arrivals.path, latch.path));
      await arrivals.wait(4);
      assert.equal(futures.filter((future) => future.running()).length, 4);
      latch.open();
      for (const future of futures) pids.add(await future);
      await pool.shutdown();
      assert.equal(starts.count, 4);
      assert.equal(pids.size, 4);
    }),
);

forEachKind(
  "C25 C47 C61 E121 E123 workers: an idle one is used again",
  (kind) =>
    withFiles(async (starts, _arrivals, _latch, pids) => {
      const pool = kind.make({ maxWorkers: 5, initializer: more.markStart, initargs: [starts.path] });
      for (let call = 0; call < 3; call++) pids.add(await pool.submit(tasks.workerId));
      await pool.shutdown();
      assert.equal(starts.count, 1);
      assert.equal(pids.size, 1);
    }),
);

forEachKind(
  "C62 workers: at most three for six calls of which at most two are pending",
  (kind) =>
    withFiles(async (starts) => {
      const pool = kind.make({ maxWorkers: 5, initializer: more.markStart, initargs: [starts.path] });
      const results = [
        await pool.submit(more.sum, 12, 7),
        pool.submit(more.sum, 33, 25),
        await pool.submit(more.sum, 25, 26),
        pool.submit(more.sum, 18, 29),
        await pool.submit(more.sum, 1, 2),
        pool.submit(more.sum, 0, 9),
      ];
      assert.deepEqual(await Promise.all(results), [19, 58, 51, 47, 3, 9]);
      await pool.shutdown();
      assert.ok(starts.count <= 3);
    }),
);

forEachKind("C45 C46 workers: ten calls that block their worker's thread all finish", async (kind) => {
  for (const options of [{}, { maxWorkers: 3 }]) {
    await withPool(kind, options, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const latch = new Latch(folder);
      const futures = range(10).map(() => pool.submit(tasks.blockingMeet, arrivals.path, latch.path));
      // As in CPython: not all ten can be expected to be running together.
      await arrivals.wait(Math.min(pool.maxWorkers, 10));
      latch.open();
      await wait(futures);
      assert.equal(arrivals.count, 10);
    });
  }
});

// The initializer

forEachKind(
  "C31 C32 E44 E45 E47 initializer: runs before a worker's first task, with its arguments as they were when the pool was made; what it sets is the worker's, not the parent's",
  (kind) => {
    const list = [1];
    const options = { maxWorkers: 1, initializer: more.setState, initargs: [1, { two: [2] }, list] };
    return withPool(kind, options, async (pool) => {
      list.push(2);
      assert.deepEqual(await pool.submit(more.getState), [1, { two: [2] }, [1]]);
      assert.equal(more.getState(), "uninitialized");
    });
  },
);

forEachKind("C33 C34 initializer: a closure or a bound method is refused when the pool is made", (kind) => {
  // Unlike CPython, where the pool is made, and breaks at its first call.
  const local = 1;
  const owner = {
    method(): number {
      return local;
    },
  };
  for (const initializer of [() => local, owner.method, owner.method.bind(owner), tasks.pow.bind(null, 2)]) {
    assert.throws(() => kind.make({ initializer: initializer as () => unknown }), {
      name: "PicklingError",
      path: "initializer",
      direction: "task",
      message: /^Cannot send (an anonymous )?function.* to a worker as only a registered task can be found there: /,
    });
  }
});

forEachKind(
  "C36 E48 E50 E112 initializer: one that throws breaks the pool, each call with an error of its own",
  (kind) => {
    const options = { maxWorkers: 2, initializer: tasks.raise as () => never, initargs: ["spam", "RangeError"] };
    return withPool(kind, options, async (pool) => {
      const futures = range(4).map(() => pool.submit(tasks.workerId));
      const errors = await Promise.all(futures.map((future) => future.exception())) as BrokenExecutor[];
      for (const error of errors) {
        assert.ok(error instanceof BrokenExecutor);
        const { cause } = error;
        assert.ok(cause instanceof RangeError);
        assert.equal(cause.message, "spam");
        assert.match(String(cause.stack), /tasks\.ts/);
      }
      assert.equal(new Set(errors).size, 4);
      assert.throws(() => pool.submit(tasks.workerId), BrokenExecutor);
      assert.throws(() => pool.map(tasks.identity, [1]), BrokenExecutor);
    });
  },
);

// Helpers

/** Files to count starts and calls by, a latch, and a place for pids. */
function withFiles(
  fn: (starts: Arrivals, arrivals: Arrivals, latch: Latch, pids: Set<number>) => Promise<void>,
): Promise<void> {
  return withTempFolder((folder) =>
    fn(new Arrivals(folder, "starts"), new Arrivals(folder), new Latch(folder), new Set())
  );
}
