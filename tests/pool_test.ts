/**
 * The issuing methods of `Pool` and `ThreadPool` but for `imap` (`pool_imap_test.ts`): rows C155 to C176 of CPython's tests, and
 * the P rows that go with them. Each name begins with its rows.
 */
import assert from "node:assert/strict";
import { PicklingError } from "../mod.ts";
import { Latch } from "./harness.ts";
import { withMultiPool } from "./pool_kinds.ts";
import { forEachKindTogether, range, rejection } from "./pools.ts";
import * as tasks from "./tasks.ts";
import * as more from "./tasks_executor.ts";

const PAIRS = range(100).map((n): [number, number] => [n, 2]);
const SQUARES = range(100).map((n) => n ** 2);

forEachKindTogether(
  "C155 C156 C157 C158 C159 C172 P46 P47 P48 P51 P54 P57 P63 P64 P69: the eight methods give what the plain loop gives",
  (kind) =>
    withMultiPool(kind, { processes: 2 }, async (pool) => {
      assert.equal(await pool.apply(tasks.pow, [5, 2]), 25);
      assert.equal(typeof await pool.apply(tasks.workerId), "number");
      assert.equal(await pool.applyAsync(tasks.pow, [7, 2]).get(), 49);
      assert.equal(typeof await pool.applyAsync(tasks.workerId).get(), "number");

      const numbers = range(10);
      assert.deepEqual(await pool.map(tasks.identity, numbers), numbers);
      assert.deepEqual(await pool.map(tasks.identity, range(100), { chunksize: 20 }), range(100));
      assert.deepEqual(await pool.mapAsync(tasks.identity, range(100), { chunksize: 20 }).get(), range(100));
      assert.deepEqual(await pool.map(tasks.identity, new Set(["a", "b"]), { chunksize: "auto" }), ["a", "b"]);

      assert.deepEqual(await pool.starmap(tasks.pow, PAIRS), SQUARES);
      assert.deepEqual(await pool.starmap(tasks.pow, PAIRS, { chunksize: 20 }), SQUARES);
      assert.deepEqual(await pool.starmapAsync(tasks.pow, PAIRS).get(), SQUARES);
      // Rows may be any iterables, of any length that suits the task.
      assert.deepEqual(
        await pool.starmap(tasks.echo, [new Set([1, 2]), [], [undefined], "ab"] as never),
        [[1, 2], [], [undefined], ["a", "b"]],
      );

      assert.deepEqual(await pool.map(tasks.identity, []), []);
      assert.deepEqual(await pool.starmap(tasks.pow, []), []);
      assert.deepEqual(await pool.mapAsync(tasks.identity, [], { chunksize: 1 }).get(60_000), []); // C162
    }),
);

forEachKindTogether(
  "C162 P66: inputs of all kinds, asynchronous ones too",
  (kind) =>
    withMultiPool(kind, { processes: 2 }, async (pool) => {
      async function* later(end: number): AsyncGenerator<number> {
        for (const n of range(end)) yield await Promise.resolve(n);
      }
      assert.deepEqual(await pool.map(tasks.identity, later(10)), range(10));
      assert.deepEqual(await pool.map(tasks.identity, range(5000).values()), range(5000));
      assert.deepEqual(await pool.map(tasks.identity, Float64Array.of(1.5, 2.5)), [1.5, 2.5]);
      async function* rows(): AsyncGenerator<[number, number]> {
        yield [2, 3];
        yield await Promise.resolve([3, 2]);
      }
      assert.deepEqual(await pool.starmap(tasks.pow, rows()), [8, 9]);
    }),
);

forEachKindTogether(
  "C161 C163 C174 P117 P118 P122: what an input throws, and an item that cannot cross, fail the map alone",
  (kind) =>
    withMultiPool(kind, { processes: 2 }, async (pool) => {
      const said = new Error("when");
      function* raisesAt(at: number): Generator<number> {
        for (let n = 0; n < 10; n++) {
          if (n === at) throw said;
          yield n;
        }
      }
      // The error is the very one that was thrown: it did not come from a worker.
      for (const at of [0, 0, 3, 9]) {
        assert.equal(await rejection(pool.map(tasks.identity, raisesAt(at))), said);
        assert.equal(await rejection(pool.mapAsync(tasks.identity, raisesAt(at), { chunksize: 2 }).get()), said);
      }
      const sized = { length: 1, [Symbol.iterator]: () => raisesAt(0) };
      assert.equal(await rejection(pool.map(tasks.identity, sized)), said);

      const secret = {
        get secret(): never {
          throw said;
        },
      };
      for (const item of [secret, { open: () => {} }]) {
        const error = await rejection(pool.map(tasks.identity, [1, { item }, 3] as unknown[]));
        assert(error instanceof PicklingError);
        assert.match(error.path, /^items\[1\]\.item\./);
      }
      const row = await rejection(pool.starmap(tasks.echo, [[1], [2, () => {}]] as never));
      assert.equal((row as PicklingError).path, "items[1][1]");
      const noRow = await rejection(pool.starmap(tasks.echo, [[1], 2] as never));
      assert.match(
        String(noRow),
        /^TypeError: Cannot call a task with items\[1\] as it must be an iterable of arguments/,
      );
      assert.deepEqual(await pool.map(tasks.identity, [1, 2]), [1, 2]);
    }),
);

forEachKindTogether(
  "C176 P118 P122: map fails when all calls have ended, with the failure of the first item",
  (kind) =>
    withMultiPool(kind, { processes: 2 }, async (pool, folder) => {
      const latch = new Latch(folder);
      const marks = `${folder}/marks`;
      const big = "x".repeat(1 << 20);
      const result = pool.starmapAsync(more.failAfter, [[latch.path, marks, big], [`${folder}/open`, marks, "second"]]);
      new Latch(folder, "open").open();
      await pool.apply(tasks.identity, [1]); // the second has failed: its worker is at this
      assert.equal(result.ready(), false);
      latch.open();
      const error = await rejection(result.get());
      assert((error as Error).message === big);
      assert.equal(result.successful(), false);
      assert.deepEqual(await pool.map(tasks.identity, [1]), [1]);
    }),
);

forEachKindTogether(
  "C174 C175 P117 P119 P124: a task's error arrives as what it is, and tells where it was thrown",
  (kind) =>
    withMultiPool(kind, { processes: 2 }, async (pool) => {
      for (
        const error of [
          await rejection(pool.apply(tasks.raise, ["no", "RangeError"])),
          await rejection(pool.applyAsync(tasks.raise, ["no", "RangeError"]).get()),
          await rejection(pool.starmap(tasks.raise, [["no", "RangeError"]])),
          await rejection(pool.starmapAsync(tasks.raise, [["no", "RangeError"]]).get()),
        ]
      ) {
        assert(error instanceof RangeError);
        assert.equal(error.message, "no");
        assert.match(error.stack!, /raise.*in worker (Thread)?Pool-\d, /s);
      }
      // What was thrown need not be an error.
      for (const index of range(7)) {
        let thrown = "nothing";
        await pool.map(more.throwFalsy, [index]).then(() => thrown = "returned", (error) => thrown = `thrown ${error}`);
        assert.match(thrown, /^thrown/);
      }
    }),
);

forEachKindTogether(
  "P56 P160 P161 P162 P71 S44: wrong arguments are told at the call, and nothing is issued",
  (kind) =>
    withMultiPool(kind, { processes: 2 }, async (pool) => {
      const wrong: readonly (readonly [() => unknown, RegExp])[] = [
        // A call where a function is meant: rows P160 and P161.
        [() => pool.applyAsync("all done" as never, []), /^TypeError: Cannot use a value as a task .* is "all done"$/],
        [() => pool.map(tasks.sleep(0) as never, range(5)), /^TypeError: .*it seems to be called already/],
        [() => pool.map(tasks.identity, undefined as never), /^TypeError: Cannot map over iterables\[0\]/],
        [() => pool.mapAsync(tasks.identity, 5 as never), /^TypeError: Cannot map over iterables\[0\].* value is 5$/],
        [() => pool.imap(tasks.identity, null as never), /^TypeError: Cannot map over iterables\[0\].* value is null$/],
        [() => pool.apply(tasks.pow, 5 as never), /^TypeError: .* its arguments must be an array: current value is 5$/],
        [() => pool.applyAsync(tasks.pow, "ab" as never), /^TypeError: .* its arguments must be an array/],
        [() => pool.map(tasks.identity, [1], 20 as never), /^TypeError: .* an object, \{ chunksize: 20 \} say: /],
        [
          () => pool.map(tasks.identity, [1], { chunksize: 0 }),
          /^RangeError: .*'chunksize' must be a positive integer/,
        ],
        [() => pool.imap(tasks.identity, [1], { chunksize: 0 }), /^RangeError: .*'chunksize'/],
        [() => pool.imap(tasks.identity, [1], { buffersize: -1 }), /^RangeError: .*'buffersize'/],
        [() => pool.starmapAsync(tasks.pow, [], { chunksize: 1.5 }), /^TypeError|^RangeError/],
        [
          () => pool.map(tasks.identity, [1], { callback: () => {} } as never),
          /must be one of chunksize: .*'callback'$/,
        ],
        [
          () => pool.mapAsync(tasks.identity, [1], { callback: 5 as never }),
          /^TypeError: .*'callback' must be a function/,
        ],
        [
          () => pool.applyAsync(tasks.workerId, [], { errorCallback: {} as never }),
          /^TypeError: Cannot call a task as 'errorCallback' must be a function: current value is an object of type Object$/,
        ],
        [() => pool.apply(() => 1), /^PicklingError: Cannot send an anonymous function/],
        [() => pool.apply(tasks.identity, [() => {}]), /^PicklingError: Cannot send args\[0\]/],
        // Row P186: a pool is for the program that made it.
        [() => pool.apply(tasks.identity, [pool]), /^PicklingError: Cannot send args\[0\]/],
      ];
      for (const [call, words] of wrong) {
        assert.throws(call, (error) => words.test(String(error)) || assert.fail(`${error} for ${words}`));
      }
      assert.equal(await pool.apply(tasks.identity, [1]), 1);
    }),
);
