/**
 * Errors in a `map`: of its items, of its inputs, and what becomes of it after one. Rows C4 and C5 of CPython's tests, and
 * the rules of our own.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { BrokenExecutor, type Executor, PicklingError, WorkerLostError } from "../mod.ts";
import { Arrivals, Latch, runProgram, withTempFolder } from "./harness.ts";
import { forEachKind } from "./kinds.ts";
import { count, forEachKindTogether, range, rejection, Watched, withPool } from "./pools.ts";
import * as tasks from "./tasks.ts";
import * as more from "./tasks_executor.ts";

const CHUNKSIZES = ["auto", 1, 3] as const;
const END = { done: true, value: undefined };

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

// Errors of items

for (const chunksize of CHUNKSIZES) {
  forEachKindTogether(
    `C4 E114 map: an item's error does not end the iterator, chunksize ${chunksize}`,
    (kind) =>
      withPool(kind, { maxWorkers: 1 }, async (pool) => {
        const results = pool.map(tasks.divmod, [5, 5, 5, 5], [2, 3, 0, 5], { chunksize });
        assert.deepEqual((await results.next()).value, [2, 1]);
        assert.deepEqual((await results.next()).value, [1, 2]);
        await assert.rejects(results.next(), { name: "RangeError", message: "division by zero" });
        assert.deepEqual((await results.next()).value, [1, 0]);
        assert.deepEqual(await results.next(), END);
        assert.deepEqual(await results.next(), END);
      }),
  );
}

forEachKindTogether(
  "C4 E114 map: a loop ends at the error, and another one goes on behind it",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const results = pool.map(tasks.divmod, [5, 5, 6, 7], [2, 0, 5, 5]);
      const seen: unknown[] = [];
      async function read(): Promise<void> {
        for await (const value of results) seen.push(value);
      }
      await assert.rejects(read(), RangeError);
      assert.deepEqual(seen, [[2, 1]]);
      await read();
      assert.deepEqual(seen, [[2, 1], [1, 1], [1, 2]]);
    }),
);

forEachKindTogether(
  "C4 map: toArray rejects with the first error, and gives what is left when called again",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const results = pool.map(tasks.divmod, [5, 5, 6, 7], [2, 0, 5, 5]);
      await assert.rejects(results.toArray(), RangeError);
      assert.deepEqual(await results.toArray(), [[1, 1], [1, 2]]);
    }),
);

forEachKindTogether(
  "C5 map: a TimeoutError of the task itself is that item's error only",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      for (const options of [{}, { timeout: 50_000 }]) {
        const results = pool.map(more.timeOutAt, [1, 2, 3], [2, 2, 2], options);
        assert.equal((await results.next()).value, 1);
        await assert.rejects(results.next(), { name: "TimeoutError", message: "the task's own" });
        assert.equal((await results.next()).value, 3);
        assert.deepEqual(await results.next(), END);
      }
    }),
);

forEachKindTogether(
  "E118 map: an item whose worker dies fails alone",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const results = pool.map(more.exitIf, [0, 1, 0], { chunksize: 3 });
      assert.equal((await results.next()).value, 0);
      assert.ok(await rejection(results.next()) instanceof WorkerLostError);
      assert.equal((await results.next()).value, 0);
      assert.deepEqual(await results.next(), END);
    }),
);

forEachKindTogether(
  "E114 E117 map: on a pool that breaks each item fails",
  (kind) =>
    withPool(kind, { maxWorkers: 1, initializer: tasks.raise as () => never, initargs: ["spam"] }, async (pool) => {
      const results = pool.map(tasks.identity, range(3));
      const errors = [
        await rejection(results.next()),
        await rejection(results.next()),
        await rejection(results.next()),
      ];
      for (const error of errors) assert.ok(error instanceof BrokenExecutor);
      assert.equal(new Set(errors).size, 3);
      assert.deepEqual(await results.next(), END);
    }),
);

// Errors of the inputs

forEachKindTogether(
  "E151 map: an item that cannot cross fails at its own next(), with its path; the others go on",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const items: unknown[] = range(10);
      items[7] = { user: { callback: () => {} } };
      const results = pool.map(tasks.identity, items);
      for (let index = 0; index < 10; index++) {
        if (index !== 7) {
          assert.equal((await results.next()).value, index);
          continue;
        }
        const error = await rejection(results.next());
        assert.ok(error instanceof PicklingError);
        assert.equal(error.path, "items[7].user.callback");
        assert.equal(error.direction, "argument");
        assert.match(
          error.message,
          /^Cannot send items\[7\]\.user\.callback to a worker as functions cannot be copied/,
        );
      }
      assert.deepEqual(await results.next(), END);
      const rows = pool.map(tasks.echo, [1], [Symbol("s")]);
      assert.equal((await rejection(rows.next()) as PicklingError).path, "items[0][1]");
      assert.equal(pool.pendingCount, 0);
    }),
);

forEachKind(
  "map: an item that cannot cross, alone and with nobody reading, is nobody's unhandled rejection",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const results = pool.map(tasks.identity, [() => {}]);
      await pool.shutdown();
      assert.ok(await rejection(results.next()) instanceof PicklingError);
    }),
);

forEachKindTogether(
  "map: an iterable that throws: its error comes behind the results, and then the end",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const doh = new Error("doh!");
      function* failing(): Generator<number, void, unknown> {
        yield* [0, 1];
        throw doh;
      }
      async function* failingLater(): AsyncGenerator<number, void, unknown> {
        yield* failing();
      }
      for (const iterable of [failing(), failingLater()]) {
        const other = new Watched();
        const results = pool.map(more.sum, iterable, other);
        assert.deepEqual([(await results.next()).value, (await results.next()).value], [0, 2]);
        assert.equal(await rejection(results.next()), doh);
        assert.deepEqual(await results.next(), END);
        assert.equal(other.closed, 1, "the other iterable was to be closed");
      }
    }),
);

forEachKindTogether(
  "map: an iterable that cannot begin throws at the call",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const doh = new Error("doh!");
      const broken = {
        [Symbol.iterator](): never {
          throw doh;
        },
      };
      assert.throws(() => pool.map(more.sum, broken), doh);
      assert.equal(await pool.submit(more.sum, 1), 1);
    }),
);

forEachKindTogether(
  "E25 map: the longer iterable is closed when the shorter one ends",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const items = new Watched();
      assert.deepEqual(await pool.map(more.sum, items, [1, 1]).toArray(), [1, 2]);
      assert.equal(items.closed, 1);
    }),
);

forEachKindTogether(
  "map: an iterable that uses the pool while it is drawn",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const inner: PromiseLike<number>[] = [];
      function* items(): Generator<number, void, unknown> {
        for (const number of range(3)) {
          inner.push(pool.submit(more.sum, number, 10));
          yield number;
        }
      }
      assert.deepEqual(await pool.map(more.sum, items()).toArray(), [0, 1, 2]);
      assert.deepEqual(await Promise.all(inner), [10, 11, 12]);
    }),
);

// After an error

/** A map of ten items whose first fails when `latch` opens; the others leave marks. */
async function pausedMap(
  pool: Executor,
  folder: string,
): Promise<{ results: AsyncIterableIterator<unknown>; marks: Arrivals }> {
  const started = new Arrivals(folder, "started");
  const marks = new Arrivals(folder, "marks");
  const latch = new Latch(folder);
  const results = pool.map(more.failFirst, range(10), Array(10).fill([latch.path, started.path, marks.path]));
  const first = rejection(results.next());
  await started.wait(1);
  latch.open();
  assert.ok(await first instanceof RangeError);
  return { results, marks };
}

forEachKindTogether(
  "E114 map: after a rejected next() nothing more is sent until next() is called again",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const { results, marks } = await pausedMap(pool, folder);
      // Other calls pass it by.
      await pool.submit(tasks.leaveMark, marks.path, "other");
      assert.deepEqual(await pool.map(more.sum, [1, 2]).toArray(), [1, 2]);
      assert.deepEqual(marks.lines, ["other"]);
      assert.equal(pool.pendingCount, 9);
      assert.deepEqual(await results.next(), { done: false, value: 1 });
      const rest: unknown[] = [];
      for await (const value of results) rest.push(value);
      assert.deepEqual(rest, [2, 3, 4, 5, 6, 7, 8, 9]);
      assert.deepEqual(marks.lines.slice(1), range(10).slice(1).map(String));
    }),
);

forEachKind(
  "E114 map: what is left of it after an error is cancelled at shutdown",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const { results, marks } = await pausedMap(pool, folder);
      await pool.shutdown();
      assert.equal(marks.count, 0);
      assert.equal(pool.pendingCount, 0);
      for (let item = 1; item < 10; item++) await assert.rejects(results.next(), { name: "CancelledError" });
      assert.deepEqual(await results.next(), END);
    }),
);

forEachKind(
  "E114 map: what is left of it after an error is cancelled by return()",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const { results, marks } = await pausedMap(pool, folder);
      await results.return!();
      assert.equal(pool.pendingCount, 0);
      assert.deepEqual(await results.next(), END);
      assert.equal(marks.count, 0);
    }),
);

forEachKind(
  "E114 map: an endless one whose loop ended by an error draws no more, and ends at shutdown",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const items = new Watched();
      const results = pool.map(tasks.divmod, items, count());
      await assert.rejects(results.toArray(), { message: "division by zero" });
      const { drawn } = items;
      await pool.submit(tasks.workerId);
      await turn();
      assert.equal(items.drawn, drawn);
      await pool.shutdown();
      assert.equal(items.closed, 1);
      assert.equal(pool.pendingCount, 0);
    }),
);

forEachKind("E114 map: a block that an item's error leaves ends without running the rest", async (kind) => {
  const items = new Watched();
  async function run(): Promise<void> {
    await using pool = kind.make({ maxWorkers: 1 });
    for await (const _ of pool.map(tasks.divmod, items, count())) { /* never: 0 / 0 fails */ }
  }
  await assert.rejects(run(), { message: "division by zero" });
  assert.equal(items.closed, 1);
});

forEachKind(
  "E58 E114 map: a program that a loop's error, or a map that nobody reads, has left ends without a shutdown",
  (kind) =>
    withTempFolder(async (folder) => {
      const file = `${folder}/program.mjs`;
      const from = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
      writeFileSync(
        file,
        `import { ${kind.make().constructor.name} as Pool } from ${from("../mod.ts")};
        import * as tasks from ${from("tasks.ts")};
        function* count() { for (let number = 0;; number++) yield number; }
        ${LEFT_MAPS.map((code) => `{ const pool = new Pool(1); ${code} }`).join("\n")}
        console.log("main has ended");`,
      );
      const { stdout, stderr, code: exitCode, timedOut } = await runProgram(file);
      assert.deepEqual({ stdout, stderr, exitCode, timedOut }, {
        stdout: `1\n2\nmain has ended\n`,
        stderr: "",
        exitCode: 0,
        timedOut: false,
      });
    }),
);

/** How a program leaves a pool; it ends only if each lets it. */
const LEFT_MAPS: readonly string[] = [
  "try { for await (const _ of pool.map(tasks.divmod, Array(50).fill(1), Array(50).fill(0))); } catch { console.log(1); }",
  "try { for await (const _ of pool.map(tasks.divmod, count(), count())); } catch { console.log(2); }",
  "for await (const value of pool.map(tasks.identity, count())) if (value === 9) break;",
  "await pool.map(tasks.identity, count()).next();",
  "pool.map(tasks.identity, (async function* () { yield* count(); })());",
];
