/** Options of calls that `with()` binds: attempts, priorities, progress; and what is refused. */
import assert from "node:assert/strict";
import { type Executor, type Future, PicklingError, WorkerLostError } from "../mod.ts";
import { Arrivals, Latch, withTempFolder } from "./harness.ts";
import { forEachKind } from "./kinds.ts";
import { forEachKindTogether, range, rejection, reported, withPool } from "./pools.ts";
import * as calls from "./tasks_calls.ts";
import * as tasks from "./tasks.ts";
import * as more from "./tasks_executor.ts";

// What is refused

/** An option, a value of it, the class of the error, and what it must be. */
type Wrong = [name: string, value: unknown, errorName: "TypeError" | "RangeError", must: string, is: string];

const WRONG: readonly Wrong[] = [
  ["taskTimeout", 0, "RangeError", "a positive number of milliseconds", "0"],
  ["taskTimeout", NaN, "RangeError", "a positive number of milliseconds", "NaN"],
  ["taskTimeout", "1", "TypeError", "a positive number of milliseconds", '"1"'],
  ["signal", {}, "TypeError", "an AbortSignal", "an object of type Object"],
  ["signal", null, "TypeError", "an AbortSignal", "null"],
  ["priority", Infinity, "RangeError", "a finite number", "Infinity"],
  ["priority", "high", "TypeError", "a finite number", '"high"'],
  ["retries", -1, "RangeError", "an integer, not negative, or Infinity", "-1"],
  ["retries", 0.5, "RangeError", "an integer, not negative, or Infinity", "0.5"],
  ["retries", "2", "TypeError", "a number or { errors, losses }", '"2"'],
  ["retryDelay", -1, "RangeError", "a finite number of milliseconds, not negative", "-1"],
  ["retryDelay", Infinity, "RangeError", "a finite number of milliseconds, not negative", "Infinity"],
  ["retryIf", true, "TypeError", "a function", "true"],
  ["onProgress", 1, "TypeError", "a function", "1"],
];

forEachKind("with: one out of range is a RangeError, one of a wrong kind a TypeError", (kind) => {
  const pool = kind.make();
  for (const [name, value, errorName, must, is] of WRONG) {
    assert.throws(() => pool.with({ [name]: value }), {
      name: errorName,
      message: `Cannot bind options of calls as '${name}' must be ${must}: current value is ${is}`,
    });
  }
  assert.throws(() => pool.with({ retries: { errors: -1 } }), { name: "RangeError", message: /'retries\.errors'/ });
  assert.throws(() => pool.with({ retries: { error: 1 } as never }), {
    name: "TypeError",
    message: /current field is 'error'/,
  });
});

// Attempts

forEachKindTogether(
  "retries: a call that fails is tried again so often, and knows which attempt it is",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const enough = new Arrivals(folder, "enough");
      assert.equal(await pool.with({ retries: 2 }).submit(calls.succeedAt, enough.path, 3), 3);
      assert.deepEqual(enough.lines, ["1", "2", "3"]);
      const tooFew = new Arrivals(folder, "too-few");
      const future = pool.with({ retries: 2 }).submit(calls.succeedAt, tooFew.path, 4);
      await assert.rejects(future, { name: "RangeError", message: "attempt 3" });
      assert.deepEqual(tooFew.lines, ["1", "2", "3"]);
      const none = new Arrivals(folder, "none");
      await assert.rejects(pool.submit(calls.succeedAt, none.path, 2), RangeError);
      assert.deepEqual(none.lines, ["1"]);
    }),
);

forEachKindTogether(
  "retries: a call that kills its worker again and again stops at its limit, and the pool lives",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const [how] = Object.keys(kind.deaths);
      const tooFew = new Arrivals(folder, "too-few");
      const error = await rejection(pool.with({ retries: 1 }).submit(calls.surviveAt, tooFew.path, 9, how));
      assert(error instanceof WorkerLostError);
      assert.deepEqual(tooFew.lines, ["1", "2"]);
      const enough = new Arrivals(folder, "enough");
      assert.equal(await pool.with({ retries: 2 }).submit(calls.surviveAt, enough.path, 3, how), 3);
      assert.deepEqual(enough.lines, ["1", "2", "3"]);
    }),
);

forEachKindTogether(
  "retries: errors and lost workers count apart",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const [how] = Object.keys(kind.deaths);
      const table: [retries: { errors?: number; losses?: number } | number, name: string, attempts: number][] = [
        [{ errors: 1 }, "WorkerLostError", 2],
        [{ losses: 1 }, "RangeError", 1],
        [{ errors: 1, losses: 1 }, "RangeError", 3],
        [{ errors: 2, losses: 1 }, "WorkerLostError", 4],
        [1, "WorkerLostError", 2],
      ];
      for (const [i, [retries, name, attempts]] of table.entries()) {
        const arrivals = new Arrivals(folder, `arrivals-${i}`);
        await assert.rejects(pool.with({ retries }).submit(calls.failOrDie, arrivals.path, how), { name });
        assert.equal(arrivals.count, attempts, JSON.stringify(retries));
      }
    }),
);

forEachKindTogether(
  "retries: each item of a map has them; its arguments go again, large buffers too",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const paths = range(4).map((i) => new Arrivals(folder, `item-${i}`).path);
      const bound = pool.with({ retries: 1 });
      assert.deepEqual(await bound.map(calls.succeedAt, paths, [1, 2, 1, 2]).toArray(), [1, 2, 1, 2]);
      const values = new Float64Array(200_000).fill(2);
      const again = new Arrivals(folder, "again");
      const moved = pool.with({ retries: 1, transfer: [values.buffer] });
      assert.equal(await moved.submit(calls.sumAgain, again.path, values), 400_000);
      assert.deepEqual(again.lines, ["200000", "200000"]);
    }),
);

forEachKindTogether(
  "retryIf: says which errors are worth an attempt; what it throws counts as no",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const seen: unknown[] = [];
      const picky = pool.with({ retries: 5, retryIf: (error) => seen.push(error) < 3 });
      const arrivals = new Arrivals(folder);
      await assert.rejects(picky.submit(calls.succeedAt, arrivals.path, 9), { message: "attempt 3" });
      assert.deepEqual(seen.map((error) => (error as Error).message), ["attempt 1", "attempt 2", "attempt 3"]);
      const throwing = pool.with({
        retries: 5,
        retryIf: () => {
          throw new TypeError("no idea");
        },
      });
      const lines = await reported(() =>
        assert.rejects(throwing.submit(calls.succeedAt, new Arrivals(folder, "other").path, 9), {
          message: "attempt 1",
        })
      );
      assert.equal(lines.length, 1);
      assert.match(String(lines[0]), /^exception calling retryIf/);
    }),
);

forEachKindTogether(
  "retries: what would fail again for certain is not tried again",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      let asked = 0;
      const bound = pool.with({ retries: 3, retryIf: () => ++asked > 0 });
      await assert.rejects(bound.submit(more.giveUnsendable), PicklingError);
      assert.equal(asked, 0);
    }),
);

forEachKind(
  "retryDelay: a call waits before its next attempt, can be cancelled then, and holds shutdown up",
  async (kind) => {
    const pool = kind.make({ maxWorkers: 1 });
    const patient = pool.with({ retries: 1, retryDelay: 60_000 });
    const quick = pool.with({ retries: 1, retryDelay: 50 });
    const waiting = patient.submit(tasks.raise, "first");
    await pool.submit(tasks.pow, 2, 3);
    assert.deepEqual([waiting.running(), waiting.done(), pool.pendingCount], [false, false, 1]);
    assert.equal(waiting.cancel(), true);
    assert.equal(pool.pendingCount, 0);
    const cancelled = patient.submit(tasks.raise, "second");
    await pool.submit(tasks.pow, 2, 3);
    const last = quick.submit(tasks.raise, "last");
    const error = last.exception();
    await pool.shutdown({ cancelFutures: true });
    assert.equal(cancelled.cancelled(), true);
    assert.equal(last.done(), true);
    await error.catch(() => {});
  },
);

forEachKind("retryDelay: killing the pool ends the wait", async (kind) => {
  const pool = kind.make({ maxWorkers: 1 });
  const waiting = pool.with({ retries: 1, retryDelay: 60_000 }).submit(tasks.raise, "first");
  const items = pool.with({ retries: 1, retryDelay: 60_000 }).map(tasks.raise, ["item"]);
  await pool.submit(tasks.pow, 2, 3);
  await pool.killWorkers();
  await assert.rejects(waiting, kind.Broken);
  await assert.rejects(items.next(), kind.Broken);
});

forEachKindTogether(
  "retryIf: may cancel its call, and harms no other",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const future: Future<number> = pool.with({ retries: 3, retryIf: () => future.cancel({ force: true }) })
        .submit(calls.succeedAt, arrivals.path, 9);
      const others = range(50).map((n) => pool.submit(tasks.pow, n, 1));
      assert.deepEqual(await Promise.all(others), range(50));
      await assert.rejects(future, { name: "CancelledError" });
      assert.equal(arrivals.count, 1);
    }),
);

forEachKind("retryIf: may kill the pool, which stays dead", async (kind) => {
  await withTempFolder(async (folder) => {
    const arrivals = new Arrivals(folder);
    const pool = kind.make({ maxWorkers: 1 });
    let killed: Promise<void> | undefined;
    const bound = pool.with({ retries: Infinity, retryIf: () => (killed ??= pool.killWorkers()) instanceof Promise });
    await assert.rejects(bound.submit(calls.succeedAt, arrivals.path, 9), { message: "attempt 1" });
    await killed;
    assert.equal(arrivals.count, 1);
    assert.deepEqual(kind.workers(), []);
  });
});

forEachKindTogether(
  "retryIf, onProgress: an asynchronous one that fails is reported, and ends nothing",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const fail = (): Promise<never> => Promise.reject(new RangeError("later"));
      const lines = await reported(async () => {
        assert.equal(await pool.with({ onProgress: fail }).submit(calls.reportSteps, 1), "done");
        const bound = pool.with({ retries: 1, retryIf: fail as never });
        await assert.rejects(bound.submit(calls.succeedAt, new Arrivals(folder).path, 2), RangeError);
        await new Promise((resolve) => setTimeout(resolve, 1));
      });
      assert.deepEqual(lines.map(([text]) => text), ["exception calling onProgress", "exception calling retryIf"]);
    }),
);

forEachKindTogether(
  "retries: thousands without a delay",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      assert.equal(await pool.with({ retries: Infinity }).submit(calls.succeedLate, 1_100), 1_100);
    }),
);

forEachKind("retries: shutdown with cancelFutures lets a call that runs end, and tries it no more", async (kind) => {
  await withTempFolder(async (folder) => {
    const arrivals = new Arrivals(folder);
    const latch = new Latch(folder);
    const pool = kind.make({ maxWorkers: 1 });
    const future = pool.with({ retries: Infinity }).submit(more.failAfter, latch.path, arrivals.path);
    const failed = assert.rejects(future, { message: "doh!" });
    while (!future.running()) await new Promise((resolve) => setTimeout(resolve, 1));
    const closed = pool.shutdown({ cancelFutures: true });
    latch.open();
    await Promise.all([failed, closed]);
    assert.equal(arrivals.count, 1);
  });
});

// Priorities

forEachKindTogether(
  "U16 priority: higher ones are sent first, equal ones in order, negative ones last",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const marks = new Arrivals(folder, "marks");
      const latch = new Latch(folder);
      const first = pool.submit(tasks.meet, arrivals.path, latch.path);
      await arrivals.wait(1);
      const at = (priority: number): Executor => pool.with({ priority });
      const futures = [
        pool.submit(tasks.leaveMark, marks.path, "none"),
        at(-1).submit(tasks.leaveMark, marks.path, "low"),
        at(2).submit(tasks.leaveMark, marks.path, "high 1"),
        at(0.5).submit(tasks.leaveMark, marks.path, "half"),
        at(2).submit(tasks.leaveMark, marks.path, "high 2"),
      ];
      const mapped = at(1).map(tasks.leaveMark, [marks.path, marks.path], ["map 1", "map 2"]).toArray();
      latch.open();
      await Promise.all([first, ...futures, mapped]);
      assert.deepEqual(marks.lines, ["high 1", "high 2", "map 1", "map 2", "half", "none", "low"]);
    }),
);

// Progress

forEachKindTogether(
  "U13 onProgress: gets what the task reports, in order, the last before the result",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const seen: [number, number][] = [];
      let doneAt = -1;
      const future = pool.with({ onProgress: (done, total) => seen.push([done, total]) }).submit(
        calls.reportSteps,
        10_000,
      );
      future.addDoneCallback(() => doneAt = seen.length);
      assert.equal(await future, "done");
      assert.deepEqual(seen.at(-1), [10_000, 10_000]);
      assert.equal(doneAt, seen.length);
      assert(seen.length < 5_000, `${seen.length} messages`);
      assert.deepEqual(seen, seen.toSorted(([one], [other]) => one - other));
    }),
);

forEachKindTogether(
  "U13 onProgress: comes while the task runs; what it throws is reported and harms nothing",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const latch = new Latch(folder);
      const lines = await reported(async () => {
        const bound = pool.with({
          onProgress: (done) => {
            if (done === 1) latch.open();
            else throw new RangeError("two");
          },
        });
        assert.equal(await bound.submit(calls.reportAround, latch.path), "done");
      });
      assert.equal(lines.length, 1);
      assert.match(String(lines[0]), /^exception calling onProgress/);
      assert.equal(await pool.submit(calls.reportSteps, 3), "done"); // nobody listens
      await assert.rejects(pool.submit(calls.reportNonsense), {
        name: "TypeError",
        message: "Cannot report progress as 'done' must be a number: current value is \"half\"",
      });
    }),
);
