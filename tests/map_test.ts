/**
 * `map`: rows C3 to C17, C22, C28 and C56 of CPython's tests, and the E rows that go with them. What `map` draws of its
 * inputs, and when, is `map_drawing_test.ts`.
 */
import assert from "node:assert/strict";
import { ShutdownError, TimeoutError } from "../mod.ts";
import { Arrivals, Latch, until } from "./harness.ts";
import { forEachKind } from "./kinds.ts";
import { count, forEachKindTogether, range, rejection, withPool } from "./pools.ts";
import * as tasks from "./tasks.ts";
import * as more from "./tasks_executor.ts";

const CHUNKSIZES = ["auto", 1, 3] as const;
const END = { done: true, value: undefined };

// Results and their order

forEachKindTogether(
  "C3 E21 E23 map: gives the values, as a loop would",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool) => {
      const expected = range(10).map((number) => number ** number);
      assert.deepEqual(await pool.map(tasks.pow, range(10), range(10)).toArray(), expected);
      for (const chunksize of CHUNKSIZES) {
        const values: number[] = [];
        for await (const value of pool.map(tasks.pow, range(10), range(10), { chunksize })) values.push(value);
        assert.deepEqual(values, expected);
      }
    }),
);

forEachKindTogether(
  "E22 map: results in the order of the items, whichever is completed first",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const first = new Latch(folder);
      // Item 0 is completed after item 1: only then does its latch open.
      const results = pool.map(more.markAfter, [first.path, undefined], [arrivals.path, arrivals.path], ["0", "1"]);
      await arrivals.wait(1);
      first.open();
      assert.deepEqual(await results.toArray(), ["0", "1"]);
      assert.deepEqual(arrivals.lines, ["1", "0"]);
    }),
);

forEachKindTogether(
  "E25 S24 map: several iterables, the shortest ends it",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const results = pool.map(tasks.echo as (a: string, b: number, c: string) => unknown[], "abc", count(), [
        "x",
        "y",
      ]);
      assert.deepEqual(await results.toArray(), [["a", 0, "x"], ["b", 1, "y"]]);
      assert.deepEqual(await pool.map(more.sum, [], range(3)).toArray(), []);
    }),
);

forEachKindTogether(
  "E26 E31 C15 map: without an iterable there is nothing, and nothing is run",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const fn = more.toText as () => string;
      assert.deepEqual(await pool.map(fn).toArray(), []);
      assert.deepEqual(await pool.map(fn, { buffersize: 2 }).next(), END);
      assert.equal(pool.pendingCount, 0);
    }),
);

forEachKindTogether(
  "C56 E28 E29 E146 map: any chunk size gives the same",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool) => {
      const expected = range(40).map((number) => number ** 2);
      for (const chunksize of [1, 6, 40, 50, "auto"] as const) {
        assert.deepEqual(await pool.map(tasks.pow, range(40), Array(40).fill(2), { chunksize }).toArray(), expected);
      }
    }),
);

forEachKindTogether(
  "E145 E147 E148 map: a hundred thousand items, with all sorts of chunks",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool) => {
      for (const [chunksize, count] of [["auto", 100_000], [1, 10_000], [1_000, 20_000], [50_000, 100_000]] as const) {
        const items = range(count);
        const expected = items.map(String);
        const texts = await pool.map(more.toText, items, { chunksize }).toArray();
        // Not `deepEqual`, which would print them all.
        assert.ok(texts.length === expected.length && texts.every((text, index) => text === expected[index]));
      }
    }),
);

forEachKindTogether(
  "E30 map: any iterable, and the results are an iterator of their own",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const results = pool.map(more.toText, new Set([1, 2]));
      assert.equal(results[Symbol.asyncIterator](), results);
      assert.deepEqual(await results.next(), { done: false, value: "1" });
      // `toArray` and loops take what is left.
      assert.deepEqual(await results.toArray(), ["2"]);
      assert.deepEqual(await results.toArray(), []);
      assert.deepEqual(await results.next(), END);
      assert.deepEqual(await pool.map(more.toText, "äb").toArray(), ["ä", "b"]);
      assert.deepEqual(await pool.map(more.toText, new Uint8Array([7])).toArray(), ["7"]);
      assert.deepEqual(await pool.map(tasks.echo, new Map([[1, 2]])).toArray(), [[[1, 2]]]);
    }),
);

forEachKindTogether(
  "map: several calls of next() at a time get the results in order, the surplus the end",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool, folder) => {
      const latch = new Latch(folder);
      const results = pool.map(more.giveAfter, [latch.path, undefined, undefined], range(3));
      const readers = range(5).map(() => results.next());
      latch.open();
      const values = (await Promise.all(readers)).map(({ value }) => value);
      assert.deepEqual(values, [0, 1, 2, undefined, undefined]);
      assert.deepEqual(await results.next(), END);
    }),
);

forEachKindTogether(
  "map: an error goes to its own of several calls of next()",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const results = pool.map(tasks.divmod, [5, 5, 5], [2, 0, 5]);
      const settled = await Promise.allSettled(range(4).map(() => results.next()));
      assert.deepEqual(settled.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled", "fulfilled"]);
      assert.deepEqual(settled[2], { status: "fulfilled", value: { done: false, value: [1, 0] } });
      assert.deepEqual(settled[3], { status: "fulfilled", value: END });
    }),
);

// Time

forEachKindTogether(
  "C6 E27 S7 map: a result that is there is given past the deadline, the next is a TimeoutError, then the end",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const latch = new Latch(folder);
      const results = pool.map(more.giveAfter, [undefined, undefined, latch.path, undefined], range(4), { timeout: 0 });
      await until("two are done, and two are not", () => pool.pendingCount === 2);
      assert.deepEqual(await results.next(), { done: false, value: 0 });
      assert.deepEqual(await results.next(), { done: false, value: 1 });
      const error = await rejection(results.next());
      assert.ok(error instanceof TimeoutError);
      assert.match(error.message, /within 0 ms of the call of map/);
      // The rest is cancelled (C28), so there is nothing more.
      assert.deepEqual(await results.next(), END);
      latch.open();
    }),
);

forEachKindTogether(
  "C6 map: the time counts from the call, and ends a next() that waits",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const latch = new Latch(folder);
      const results = pool.map(more.giveAfter, [latch.path, undefined], range(2), { timeout: 20 });
      const readers = await Promise.allSettled([results.next(), results.next(), results.next()]);
      assert.ok(readers[0].status === "rejected" && readers[0].reason instanceof TimeoutError);
      assert.deepEqual(readers.slice(1), [1, 2].map(() => ({ status: "fulfilled", value: END })));
      latch.open();
      assert.deepEqual(await pool.map(more.sum, range(3), { timeout: Infinity }).toArray(), range(3));
    }),
);

forEachKind(
  "C28 map: a timeout cancels what has not started, the awaited item too",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const latch = new Latch(folder);
      const first = pool.submit(tasks.meet, arrivals.path, latch.path, "first");
      await arrivals.wait(1);
      const results = pool.map(tasks.leaveMark, [arrivals.path, arrivals.path], ["second", "third"], { timeout: 0 });
      await assert.rejects(results.next(), TimeoutError);
      assert.equal(pool.pendingCount, 1);
      latch.open();
      await pool.shutdown();
      assert.equal(first.done(), true);
      assert.deepEqual(arrivals.lines, ["first"]);
    }),
);

// Ending it

for (const chunksize of CHUNKSIZES) {
  forEachKindTogether(
    `C7 map: return() ends it, and cancels what has not started, chunksize ${chunksize}`,
    (kind) =>
      withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
        const arrivals = new Arrivals(folder);
        const results = pool.map(tasks.leaveMark, Array(10).fill(arrivals.path), range(10).map(String), { chunksize });
        assert.equal((await results.next()).value, "0");
        assert.deepEqual(await results.return(), END);
        assert.deepEqual(await results.next(), END);
        assert.deepEqual(await results.return(), END);
        assert.deepEqual(await results.toArray(), []);
      }),
  );
}

forEachKindTogether(
  "C7 map: return() before the first item is sent, and no item runs",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const results = pool.map(tasks.leaveMark, [arrivals.path, arrivals.path], ["0", "1"]);
      await results.return();
      assert.equal(pool.pendingCount, 0);
      await pool.submit(tasks.leaveMark, arrivals.path, "other");
      assert.deepEqual(arrivals.lines, ["other"]);
    }),
);

forEachKindTogether(
  "C7 map: return() ends the calls of next() that wait; break calls it",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const latch = new Latch(folder);
      const results = pool.map(more.giveAfter, [latch.path, latch.path], range(2));
      const readers = [results.next(), results.next()];
      await results.return();
      assert.deepEqual(await Promise.all(readers), [END, END]);
      latch.open();
      const broken = pool.map(more.sum, count());
      for await (const value of broken) if (value === 3) break;
      assert.deepEqual(await broken.next(), END);
      await until("nothing is pending", () => pool.pendingCount === 0);
    }),
);

// Shutdown

forEachKind("C17 map: a shutdown right behind a map of one item more than there are workers", async (kind) => {
  await withPool(kind, { maxWorkers: 2 }, async (pool) => {
    const results = pool.map(more.toText, range(3));
    await pool.shutdown();
    assert.deepEqual(await results.toArray(), ["0", "1", "2"]);
  });
});

forEachKind(
  "C22 E24 map: all items are run, read or not",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      pool.map(tasks.leaveMark, Array(10).fill(arrivals.path), range(10).map(String));
      await pool.shutdown();
      assert.deepEqual(arrivals.lines.map(Number).sort((a, b) => a - b), range(10));
    }),
);

forEachKind(
  "E55 map: a shutdown that cancels ends it with a CancelledError",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const latch = new Latch(folder);
      const results = pool.map(tasks.meet, Array(5).fill(arrivals.path), Array(5).fill(latch.path));
      await arrivals.wait(1);
      const closed = pool.shutdown({ cancelFutures: true });
      latch.open();
      await closed;
      assert.equal(arrivals.count, 1);
      assert.equal(typeof (await results.next()).value, "number");
      for (let item = 1; item < 5; item++) await assert.rejects(results.next(), { name: "CancelledError" });
      assert.deepEqual(await results.next(), END);
    }),
);

forEachKind(
  "E53 map: after shutdown it throws at the call",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      await pool.shutdown();
      assert.throws(() => pool.map(tasks.identity, [1]), ShutdownError);
    }),
);

// What is refused at the call

forEachKindTogether(
  "C8 C9 C56 map: options of a wrong kind are a TypeError, those out of range a RangeError, at the call",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, (pool) => {
      for (const name of ["chunksize", "buffersize"]) {
        for (
          const [value, errorName] of [
            ["foo", "TypeError"],
            [2.5, "TypeError"],
            [null, "TypeError"],
            [0, "RangeError"],
            [-1, "RangeError"],
            [Infinity, "RangeError"],
          ]
        ) {
          assert.throws(() => pool.map(tasks.identity, [1], { [name as "chunksize"]: value as number }), {
            name: errorName as string,
            message: new RegExp(`^Cannot map as '${name}' must be a positive integer: current value is `),
          });
        }
      }
      assert.throws(() => pool.map(tasks.identity, [1], { buffersize: "auto" as never }), TypeError);
      for (
        const [timeout, errorName] of [["1", "TypeError"], [null, "TypeError"], [-1, "RangeError"], [NaN, "RangeError"]]
      ) {
        assert.throws(() => pool.map(tasks.identity, [1], { timeout: timeout as number }), {
          name: errorName as string,
          message: /^Cannot map as 'timeout' must be a non-negative number of milliseconds: current value is /,
        });
      }
      assert.throws(() => pool.map(tasks.identity, [1], { chunkSize: 3 } as never), {
        name: "TypeError",
        message: /current option is 'chunkSize'$/,
      });
      assert.equal(pool.pendingCount, 0);
      return Promise.resolve();
    }),
);

forEachKindTogether(
  "S7 E159 map: what is no iterable, and a task that was called, are a TypeError at the call",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, (pool) => {
      for (const value of [5, undefined, null, () => {}]) {
        assert.throws(() => pool.map(tasks.identity, value as never), {
          name: "TypeError",
          message: /^Cannot map over iterables\[0\] as it must be iterable: current value is /,
        });
      }
      for (const value of [Promise.resolve([1]), new Date(), new URL("file:///tasks.ts")]) {
        assert.throws(() => pool.map(tasks.identity, value as never), {
          name: "TypeError",
          message: value instanceof Promise
            ? /\[0\] as it must be iterable: .*; await it first$/
            : /must be iterable: [^;]+$/,
        });
      }
      assert.throws(() => pool.map(tasks.identity, { [Symbol.iterator]: () => undefined } as never), {
        name: "TypeError",
        message: "Cannot map over an iterable as it must give an iterator: it gave undefined",
      });
      assert.throws(() => pool.map(more.sum(1, 2) as never, [1]), {
        name: "TypeError",
        message: /current value is 3$/,
      });
      assert.throws(() => pool.map(more.giveAfter(undefined, 1) as never, [1]), {
        name: "TypeError",
        message: /it seems to be called already: pass the function, then its arguments$/,
      });
      assert.equal(pool.pendingCount, 0);
      return Promise.resolve();
    }),
);

forEachKindTogether(
  "currentTask: each of thousands of tiny items of a map sees its own number",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool) => {
      const ids = await pool.map(tasks.itemId, range(20_000)).toArray();
      const [first] = ids as number[];
      assert.deepEqual(ids, range(20_000).map((index) => first + index));
    }),
);
