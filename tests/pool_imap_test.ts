/** `imap` and `imapUnordered`: rows C166 to C169 of CPython's tests, and the P rows that go with them. */
import assert from "node:assert/strict";
import { ShutdownError, TimeoutError } from "../mod.ts";
import { Arrivals, Latch, until } from "./harness.ts";
import { forEachKind } from "./kinds.ts";
import { makePool, withMultiPool } from "./pool_kinds.ts";
import { count, forEachKindTogether, range, rejection, reported, Watched } from "./pools.ts";
import * as tasks from "./tasks.ts";
import * as more from "./tasks_executor.ts";

forEachKindTogether(
  "C166 C168 C172 P58 P61 P65 P70: imap gives values in order, imapUnordered the same ones",
  (kind) =>
    withMultiPool(kind, { processes: 2 }, async (pool) => {
      const results = pool.imap(tasks.identity, [1, 2, 3]);
      for (const value of [1, 2, 3]) assert.deepEqual(await results.next(), { done: false, value });
      assert.deepEqual(await results.next(), { done: true, value: undefined });
      const values: unknown[] = [];
      for await (const value of pool.imap(tasks.identity, range(1000), { chunksize: 100 })) values.push(value);
      assert.deepEqual(values, range(1000));

      for (const options of [{}, { chunksize: 100 }, { buffersize: 3 }, { chunksize: 100, buffersize: 7 }]) {
        const found = await pool.imapUnordered(tasks.identity, range(1000), options).toArray() as number[];
        assert.deepEqual(found.sort((a, b) => a - b), range(1000));
        assert.deepEqual(await pool.imap(tasks.identity, range(1000).values(), options).toArray(), range(1000));
      }
      assert.deepEqual(await pool.imap(tasks.identity, []).toArray(), []);
      assert.deepEqual(await pool.imapUnordered(tasks.identity, new Set()).toArray(), []);
      assert.deepEqual(await pool.imapUnordered(tasks.identity, range(10_000)).next().then(({ done }) => done), false);
    }),
);

forEachKindTogether(
  "P18 P58 P61 P62 P106 P174: imapUnordered gives what is there first; imap waits for the first",
  (kind) =>
    withMultiPool(kind, { processes: 2 }, async (pool, folder) => {
      const latch = new Latch(folder);
      const rows = [latch.path, undefined, undefined];
      const unordered = pool.imapUnordered(more.giveIfOpen, rows.map((path, index) => [path, index] as const));
      assert.equal((await unordered.next()).value, 1);
      assert.equal((await unordered.next()).value, 2);
      const ordered = pool.imap(more.giveIfOpen, rows.map((path, index) => [path, index] as const));
      const first = ordered.next();
      await assert.rejects(unordered.next(20), TimeoutError);
      latch.open();
      assert.equal((await first).value, 0);
      assert.deepEqual([...await ordered.toArray()], [1, 2]);
      assert.deepEqual(await unordered.toArray(), [0]); // what the limited next() had asked for
    }),
);

forEachKindTogether(
  "C5 P80: next(timeout) rejects in time, and the value is that of a later next()",
  (kind) =>
    withMultiPool(kind, { processes: 2 }, async (pool, folder) => {
      const latch = new Latch(folder);
      const results = pool.imap(more.giveIfOpen, [[latch.path, 0], [undefined, 1]] as const);
      for (const timeout of [0, 5]) {
        await assert.rejects(results.next(timeout), {
          name: "TimeoutError",
          message: /the next result within [05] ms/,
        });
      }
      assert.throws(() => results.next(-1), RangeError);
      assert.throws(() => results.next("1" as never), TypeError);
      latch.open();
      const values = [await results.next(60_000), await results.next(), await results.next(0)];
      assert.deepEqual(values.map(({ value }) => value), [0, 1, undefined]);
    }),
);

forEachKindTogether(
  "P58 C5: a next(timeout) that is over leaves its place to the next one, and its result to whoever asks then",
  (kind) =>
    withMultiPool(kind, { processes: 2 }, async (pool, folder) => {
      const latch = new Latch(folder);
      const rows = [latch.path, undefined, undefined, undefined];
      const results = pool.imap(more.giveIfOpen, rows.map((path, index) => [path, index] as const));
      const [first, second, third] = [results.next(200), results.next(10), results.next()];
      await assert.rejects(second, TimeoutError);
      await assert.rejects(first, TimeoutError);
      const rest = results.toArray();
      for (let i = 0; i < 100; i++) await assert.rejects(results.next(0), TimeoutError);
      latch.open();
      assert.equal((await third).value, 0);
      assert.deepEqual(await rest, [1, 2, 3]);
    }),
);

forEachKind(
  "P80: a failure for which a next(timeout) did not wait is reported at the end, if nobody takes it",
  async (kind) => {
    const pool = makePool(kind, { processes: 1 });
    const results = pool.imap(tasks.raise, ["unseen"]);
    await assert.rejects(results.next(0), TimeoutError); // its worker is not even there
    const lines = await reported(async () => {
      pool.close();
      await pool.join();
      await new Promise((resolve) => setTimeout(resolve, 20)); // a turn later
    });
    assert.deepEqual(lines.map((line) => /1 call of .* failed/.test(String(line))), [true]);
  },
);

forEachKindTogether(
  "C167 C169 P123 C5: an item's error comes at its own next(), and the iterator goes on; whatever the chunks",
  (kind) =>
    withMultiPool(kind, { processes: 2 }, async (pool) => {
      for (const chunksize of [1, 3] as const) {
        const results = pool.imap(more.failForThree, range(6), { chunksize });
        const seen: string[] = [];
        for (let index = 0; index < 7; index++) {
          seen.push(
            await results.next().then(({ done, value }) => done ? "end" : `${value}`, ({ message }) => message),
          );
        }
        assert.deepEqual(seen, ["0", "1", "2", "failed at 3", "4", "5", "end"]);
      }
      const unordered = pool.imapUnordered(more.failForThree, range(6));
      const seen: string[] = [];
      for (let index = 0; index < 6; index++) {
        seen.push(await unordered.next().then(({ value }) => `${value}`, ({ message }) => message));
      }
      assert.deepEqual(seen.sort(), ["0", "1", "2", "4", "5", "failed at 3"]);
      assert.equal((await unordered.next()).done, true);
    }),
);

forEachKindTogether(
  "C167 C169 C163: an iterable's error comes behind the values of all items before it, then the end",
  (kind) =>
    withMultiPool(kind, { processes: 2 }, async (pool) => {
      const said = new RangeError("when");
      function* raisesAt(at: number): Generator<number> {
        yield* range(at);
        throw said;
      }
      for (const [at, chunksize] of [[0, 1], [3, 1], [7, 2], [7, 4]] as const) {
        for (const isOrdered of [true, false]) {
          const results = pool[isOrdered ? "imap" : "imapUnordered"](tasks.identity, raisesAt(at), { chunksize });
          const values: unknown[] = [];
          const error = await rejection((async () => {
            for await (const value of results) values.push(value);
          })());
          assert.equal(error, said);
          assert.deepEqual(isOrdered ? values : values.sort(), range(at));
          assert.equal((await results.next()).done, true);
        }
      }
    }),
);

forEachKindTogether(
  "P59 C6 C40: imap draws as there is room for results, and leaving it cancels the rest and closes the input",
  (kind) =>
    withMultiPool(kind, { processes: 2 }, async (pool) => {
      for (const method of ["imap", "imapUnordered"] as const) {
        const input = new Watched();
        const results = pool[method](tasks.identity, input, { buffersize: 5 });
        assert.equal(input.drawn, 5);
        await pool.apply(tasks.identity, [1]);
        assert.equal(input.drawn, 5);
        await results.next();
        await until("one more is drawn", () => input.drawn === 6);
        await results.return();
        assert.deepEqual([input.closed, (await results.next()).done], [1, true]);
        let last: unknown;
        for await (const value of pool[method](tasks.identity, count())) if ((last = value) === 5_000) break;
        assert.equal(last, 5_000);
        const sized = {
          length: 1_000_000,
          drawn: 0,
          *[Symbol.iterator]() {
            for (;;) yield this.drawn++;
          },
        };
        const unread = pool[method](tasks.identity, sized);
        assert(sized.drawn <= 4097, `${sized.drawn}`);
        await unread.return();
      }
    }),
);

forEachKind(
  "P20 P22 P25 P106: close() lets an imap be read to its end; join() runs what is of known size, and cuts off the rest",
  async (kind) => {
    await withMultiPool(kind, { processes: 1 }, async (pool, folder) => {
      const marks = new Arrivals(folder);
      const generator = pool.imap(tasks.identity, range(20).values(), { buffersize: 2 });
      pool.close();
      assert.deepEqual(await generator.toArray(), range(20));
      await pool.join();
      assert.deepEqual(marks.lines, []);
    });
    await withMultiPool(kind, { processes: 1 }, async (pool, folder) => {
      const marks = new Arrivals(folder);
      const sized = pool.imap(more.markArrival, range(20).map((n) => [marks.path, `${n}`] as const), { buffersize: 2 });
      const unsized = pool.imap(tasks.identity, count(), { buffersize: 2 });
      pool.close();
      await pool.join();
      assert.deepEqual(marks.lines, range(20).map(String));
      assert.equal((await sized.toArray()).length, 20);
      assert.deepEqual([(await unsized.next()).value, (await unsized.next()).value], [0, 1]);
      assert(await rejection(unsized.next()) instanceof ShutdownError);
      assert.equal((await unsized.next()).done, true);
    });
  },
);
