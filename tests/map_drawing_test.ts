/**
 * What `map` draws of its inputs, and when; what it does after an error, at its end, and when nobody reads it. Rows C10 to
 * C16 of CPython's tests (`buffersize`), and the rules of our own.
 */
import assert from "node:assert/strict";
import { type Executor, type MapResults, PicklingError, ShutdownError } from "../mod.ts";
import { Arrivals, Latch, until } from "./harness.ts";
import { forEachKind } from "./kinds.ts";
import { count, forEachKindTogether, range, rejection, Watched, withPool } from "./pools.ts";
import * as tasks from "./tasks.ts";
import * as more from "./tasks_executor.ts";

const END = { done: true, value: undefined };

function idle(pool: Executor): Promise<void> {
  return until("nothing is pending", () => pool.pendingCount === 0);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

// buffersize

forEachKindTogether(
  "C10 map: complete and in order, whatever the buffersize",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool) => {
      for (const buffersize of [1, 2, 10, 20]) {
        assert.deepEqual(await pool.map(more.toText, range(10), { buffersize }).toArray(), range(10).map(String));
      }
    }),
);

forEachKindTogether(
  "C11 map: the same with two iterables, and with chunks",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool) => {
      const expected = range(10).map((number) => 3 * number);
      for (const buffersize of [1, 2, 10, 20]) {
        for (const chunksize of ["auto", 1, 3] as const) {
          const results = pool.map(more.sum, range(10), range(10).map((number) => 2 * number), {
            buffersize,
            chunksize,
          });
          assert.deepEqual(await results.toArray(), expected);
        }
      }
    }),
);

forEachKindTogether(
  "C12 C13 map: endless iterables with a buffersize",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      for (
        const results of [
          pool.map(more.toText, count(), { buffersize: 2 }),
          pool.map(tasks.echo, count(), count(), { buffersize: 2 }),
        ]
      ) {
        const seen = [await results.next(), await results.next(), await results.next()].map(({ value }) => value);
        assert.deepEqual(seen.map(String), seen[0] === "0" ? ["0", "1", "2"] : ["0,0", "1,1", "2,2"]);
        await results.return();
      }
    }),
);

forEachKindTogether(
  "C14 map: an empty iterable with a buffersize",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      assert.deepEqual(await pool.map(more.toText, [], { buffersize: 2 }).next(), END);
      assert.deepEqual(await pool.map(more.toText, new Watched(0), { buffersize: 2 }).toArray(), []);
    }),
);

forEachKind(
  "C16 map: draws as much as the buffersize says, and at shutdown no more",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const items = new Watched(4);
      const results = pool.map(tasks.leaveMark, Array(4).fill(arrivals.path), textsOf(items), { buffersize: 2 });
      await pool.shutdown();
      assert.equal(items.drawn, 2);
      assert.deepEqual(arrivals.lines, ["0", "1"]);
      // What was drawn has run, and can be read; then the reason why there is no more, and the end.
      assert.deepEqual([(await results.next()).value, (await results.next()).value], ["0", "1"]);
      await assert.rejects(results.next(), ShutdownError);
      assert.deepEqual(await results.next(), END);
    }),
);

forEachKindTogether(
  "C16 map: never draws more than the buffersize ahead of its reader",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool) => {
      const items = new Watched(50);
      const results = pool.map(more.sum, items, { buffersize: 3 });
      for (let read = 0; read < 50; read++) {
        assert.equal(items.drawn, Math.min(read + 3, 50));
        assert.equal((await results.next()).value, read);
      }
      assert.deepEqual(await results.next(), END);
    }),
);

forEachKindTogether(
  "map: a buffersize holds for inputs of a known number too",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const results = pool.map(more.sum, range(100), { buffersize: 5 });
      assert.equal(pool.pendingCount, 5);
      assert.deepEqual(await results.toArray(), range(100));
    }),
);

// What is drawn without it

forEachKindTogether(
  "E24 map: inputs of a known number are drawn to the end, read or not",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const latch = new Latch(folder);
      const blocked = pool.submit(more.giveAfter, latch.path, 1);
      pool.map(more.sum, range(20_000));
      pool.map(more.sum, new Set(range(10_000)), new Int32Array(10_000));
      await until("all are drawn", () => pool.pendingCount === 30_001);
      latch.open();
      await blocked;
      await idle(pool);
    }),
);

forEachKind(
  "E24 map: of a known number, what was not drawn yet is drawn at shutdown",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool) => {
      const results = pool.map(more.sum, range(20_000));
      await pool.shutdown();
      const values = await results.toArray();
      assert.equal(values.length, 20_000);
      assert.equal(values.at(-1), 19_999);
    }),
);

forEachKindTogether(
  "map: of an endless iterable some thousands are drawn ahead, and more as it is read",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool) => {
      const items = new Watched();
      const results = pool.map(more.sum, items);
      await until("some are drawn", () => items.drawn >= 1_000);
      await idle(pool);
      const drawn = items.drawn;
      assert.ok(drawn < 10_000, `${drawn} were drawn`);
      for (let read = 0; read < 10_000; read++) assert.equal((await results.next()).value, read);
      assert.ok(items.drawn > 10_000);
      await results.return();
      assert.equal(items.closed, 1);
    }),
);

forEachKind(
  "map: an endless one that nobody reads ends well at shutdown",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool) => {
      const items = new Watched();
      const results = pool.map(more.sum, items);
      await pool.shutdown();
      assert.equal(items.closed, 1);
      // What was drawn was run.
      for (let read = 0; read < items.drawn; read++) assert.equal((await results.next()).value, read);
      await assert.rejects(results.next(), ShutdownError);
      assert.deepEqual(await results.next(), END);
    }),
);

forEachKind(
  "map: an endless one whose reader waits at shutdown",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const seen: number[] = [];
      async function read(): Promise<void> {
        for await (const value of pool.map(more.sum, count())) seen.push(value);
      }
      const reading = read();
      await until("some are read", () => seen.length > 10);
      const [error] = await Promise.all([rejection(reading), pool.shutdown()]);
      assert.ok(error instanceof ShutdownError);
      assert.deepEqual(seen, range(seen.length));
    }),
);

forEachKind(
  "map: a pool that is only killed ends an endless map",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const items = new Watched();
      const results = pool.map(more.sum, items);
      assert.equal((await results.next()).value, 0);
      await pool.killWorkers();
      assert.equal(items.closed, 1);
      await rejection(results.toArray());
    }),
);

// Asynchronous inputs

async function* later(end: number): AsyncGenerator<number, void, unknown> {
  for (let number = 0; number < end; number++) {
    if (number % 3 === 0) await turn();
    yield number;
  }
}

forEachKindTogether(
  "map: asynchronous iterables, alone and beside others",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool) => {
      assert.deepEqual(await pool.map(more.sum, later(10)).toArray(), range(10));
      const expected = range(10).map((number) => 2 * number);
      assert.deepEqual(await pool.map(more.sum, later(10), count()).toArray(), expected);
      assert.deepEqual(await pool.map(more.sum, count(), later(10)).toArray(), expected);
      assert.deepEqual(await pool.map(more.sum, range(10), later(1_000_000), { buffersize: 2 }).toArray(), expected);
      assert.deepEqual(await pool.map(more.sum, later(0)).toArray(), []);
    }),
);

forEachKind("map: a generator that ends its own map is closed after the item that it is at", async (kind) => {
  const pool = kind.make({ maxWorkers: 1 });
  let ends = 0;
  function* items(end: () => unknown): Generator<number> {
    try {
      yield 1;
      end();
      yield 2;
      yield 3;
    } finally {
      ends++;
    }
  }
  const results: MapResults<unknown> = pool.map(tasks.identity, items(() => results.return()), { buffersize: 1 });
  assert.equal((await results.next()).value, 1);
  assert.equal((await results.next()).done, true);
  assert.equal(ends, 1);
  pool.map(tasks.identity, items(() => void pool.killWorkers()));
  assert.equal(ends, 2);
  await pool.killWorkers();
});

forEachKindTogether(
  "map: an endless asynchronous iterable is drawn ahead in measure, and closed",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      let drawn = 0;
      let closed = false;
      async function* endless(): AsyncGenerator<number, void, unknown> {
        try {
          for (;;) yield drawn++;
        } finally {
          closed = true;
        }
      }
      const results = pool.map(more.sum, endless());
      assert.deepEqual([(await results.next()).value, (await results.next()).value], [0, 1]);
      await until("some are drawn", () => drawn >= 1_000);
      await idle(pool);
      assert.ok(drawn < 10_000, `${drawn} were drawn`);
      await results.return();
      await until("it is closed", () => closed);
    }),
);

forEachKind(
  "map: an asynchronous iterable that never answers does not hold up the shutdown",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const silent = {
        [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<number>>(() => {}) }),
      };
      const results = pool.map(more.sum, silent);
      const waiting = rejection(results.next());
      await pool.shutdown();
      assert.ok(await waiting instanceof ShutdownError);
      assert.deepEqual(await results.next(), END);
    }),
);

forEachKindTogether(
  "map: an item that cannot cross is told at once, though its asynchronous iterable waits for that",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const told = Promise.withResolvers<void>();
      async function* items(): AsyncGenerator<unknown, void, unknown> {
        yield () => {};
        await told.promise;
        yield 1;
      }
      const results = pool.map(tasks.identity, items());
      assert.ok(await rejection(results.next()) instanceof PicklingError);
      told.resolve();
      assert.deepEqual(await results.toArray(), [1]);
    }),
);

/** Texts of numbers, drawn as they are asked for. */
function* textsOf(numbers: Iterable<number>): Generator<string, void, unknown> {
  for (const number of numbers) yield String(number);
}
