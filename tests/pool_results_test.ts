/** `AsyncResult` and callbacks: rows C160 to C181 of CPython's tests, and P75 to P101. Each name begins with its rows. */
import assert from "node:assert/strict";
import { InvalidStateError, PicklingError, TimeoutError } from "../mod.ts";
import { AsyncResult } from "../pool/mod.ts";
import { Latch, until } from "./harness.ts";
import { forEachKind } from "./kinds.ts";
import { poolName, withMultiPool } from "./pool_kinds.ts";
import { forEachKindTogether, range, rejection, reported } from "./pools.ts";
import * as tasks from "./tasks.ts";
import * as more from "./tasks_executor.ts";

forEachKindTogether(
  "C164 C165 P75 P76 P77 P79 P80 P81 P82 P83 C3: get, wait, ready and successful of a call that takes a while",
  (kind) =>
    withMultiPool(kind, { processes: 2 }, async (pool, folder) => {
      const latch = new Latch(folder);
      const result = pool.applyAsync(more.giveAfter, [latch.path, 49]);
      assert(result instanceof AsyncResult);
      assert.equal(result.ready(), false);
      assert.throws(() => result.successful(), InvalidStateError);
      assert.equal(String(result), "<AsyncResult state=pending>");
      await assert.rejects(result.get(5), TimeoutError);
      await assert.rejects(result.get(0), TimeoutError);
      assert.equal(await result.wait(5), undefined); // as it is over, in silence
      assert.throws(() => result.get(-1), RangeError);
      assert.throws(() => result.wait("1" as never), TypeError);
      latch.open();
      assert.equal(await result.get(60_000), 49);
      assert.equal(await result.wait(), undefined);
      assert.deepEqual([result.ready(), result.successful(), await result.get(0)], [true, true, 49]);
      assert.equal(String(result), "<AsyncResult state=finished returned number>");

      const failed = pool.applyAsync(tasks.raise, ["no", "RangeError"]);
      assert.equal(await failed.wait(), undefined);
      assert.deepEqual([failed.ready(), failed.successful()], [true, false]);
      assert.equal(String(failed), "<AsyncResult state=finished raised RangeError>");
      for (let time = 0; time < 2; time++) await assert.rejects(failed.get(), RangeError);

      // P84: several batches, waited for one after the other.
      const batches = [pool.mapAsync(tasks.identity, range(5)), pool.starmapAsync(tasks.pow, [[2, 2]])];
      for (const batch of batches) await batch.wait();
      assert.deepEqual(await Promise.all(batches.map((batch) => batch.get())), [range(5), [4]]);
      // A result can be handed through an async function: it is no promise.
      assert.equal(await (async () => result)(), result);
    }),
);

forEachKind(
  "C160 C180 P51 P87 P88 P89 P90 P91 P95 P96 C4 C15 S42: one callback each, and it has ended before the result is ready",
  (kind) =>
    withMultiPool(kind, { processes: 2 }, async (pool) => {
      const calls: [name: string, value: unknown][] = [];
      function options(name: string) {
        return {
          callback: (value: unknown) => calls.push([name, value]),
          errorCallback: (error: unknown) => calls.push([name, `failed: ${(error as Error).message}`]),
        };
      }
      const all = [
        pool.applyAsync(tasks.pow, [2, 3], options("apply")),
        pool.applyAsync(more.nothing, [], options("nothing")),
        pool.mapAsync(tasks.identity, [1], options("map")),
        pool.mapAsync(tasks.identity, [], options("empty")),
        pool.starmapAsync(tasks.pow, [[2, 2], [3, 2]], options("starmap")),
        pool.applyAsync(tasks.raise, ["a"], options("fails")),
        pool.starmapAsync(tasks.raise, [["first"], ["second"], ["third"]], options("all fail")),
      ];
      const called = await Promise.all(all.map(async (result, index) => {
        await result.wait();
        return calls.some(([name]) => name === ORDER[index]);
      }));
      assert.deepEqual(called, Array(7).fill(true));
      assert.equal(calls.length, 7);
      const byName = Object.fromEntries(calls);
      assert.deepEqual(byName, {
        "apply": 8,
        "nothing": undefined,
        "map": [1],
        "empty": [],
        "starmap": [4, 9],
        "fails": "failed: a",
        "all fail": "failed: first",
      });
      // Row P96: what a callback issues is issued before anybody goes on.
      let readyInside = true;
      const follow: AsyncResult<unknown>[] = [];
      const first: AsyncResult<unknown[]> = pool.mapAsync(tasks.identity, range(4), {
        callback: (values) => {
          readyInside = first.ready();
          for (const value of values) follow.push(pool.applyAsync(tasks.pow, [value as number, 2]));
        },
      });
      await first.wait();
      pool.close();
      assert.deepEqual([readyInside, follow.length], [false, 4]);
      await pool.join();
      assert.deepEqual(await Promise.all(follow.map((result) => result.get(0))), [0, 1, 4, 9]);
    }),
);

const ORDER = ["apply", "nothing", "map", "empty", "starmap", "fails", "all fail"];

forEachKindTogether(
  "P92 P98 P99 P100 P163 S43: a callback that throws is reported, and harms neither its result nor the pool",
  (kind) =>
    withMultiPool(kind, { processes: 2 }, async (pool) => {
      const bad = new Error("Something bad happened!");
      function throws(): never {
        throw bad;
      }
      async function rejects(): Promise<never> {
        throw await bad;
      }
      const seen: unknown[] = [];
      const lines = await reported(async () => {
        const result = pool.applyAsync(tasks.pow, [2, 2], { callback: throws });
        assert.equal(await result.get(), 4);
        assert.equal(result.successful(), true);
        assert.deepEqual(await pool.mapAsync(tasks.identity, [1], { callback: rejects }).get(), [1]);
        const failed = pool.applyAsync(tasks.raise, ["no"], { errorCallback: throws });
        assert.equal((await rejection(failed.get()) as Error).message, "no");
        // Row P99: in JavaScript a callback without a parameter is none of the wrong shape.
        await pool.applyAsync(tasks.pow, [2, 2], { callback: () => seen.push("called") }).wait();
        await until("all is reported", () => seen.length === 1);
      });
      assert.deepEqual(lines, [
        ["exception calling callback for <AsyncResult state=pending>", bad],
        ["exception calling callback for <AsyncResult state=finished returned Array>", bad], // it was a promise
        ["exception calling callback for <AsyncResult state=pending>", bad],
      ]);
      assert.equal(await pool.apply(tasks.identity, [1]), 1);
    }),
);

forEachKind(
  "P19 P97 P102 P103 P104 P183: results may be dropped; all calls and callbacks have ended when join() resolves",
  (kind) =>
    withMultiPool(kind, { processes: 2 }, async (pool) => {
      let dots = 0;
      for (let n = 0; n < 20; n++) pool.applyAsync(tasks.sleep, [n % 3], { callback: () => dots++ });
      for (let n = 0; n < 3; n++) pool.applyAsync(tasks.raise, ["nobody looks"], { errorCallback: () => dots++ });
      pool.applyAsync(tasks.raise, ["nobody looks"]);
      for (const promise of [pool.apply(tasks.raise, ["forgotten"]), pool.map(more.failForThree, [3])]) void promise;
      assert.equal((await rejection(pool.applyAsync(tasks.raise, ["looked at"]).get()) as Error).message, "looked at");
      const failed = pool.mapAsync(more.failForThree, [3]);
      await failed.wait();
      assert.equal(failed.successful(), false);
      pool.mapAsync(tasks.identity, range(10), { callback: ({ length }) => dots += length });
      pool.close();
      const lines = await reported(async () => {
        await pool.join();
        await new Promise((resolve) => setTimeout(resolve, 5));
      });
      assert.equal(dots, 33);
      assert.equal(lines.length, 1);
      assert.match(
        String(lines[0]),
        new RegExp(
          `^3 calls of ${poolName(kind)} failed and nobody looked: the first with \\w*Error: (forgotten|nobody|failed)`,
        ),
      );
    }),
);

forEachKindTogether(
  "C181 S45 S46: a result that cannot cross is a PicklingError of its call, twenty times, and the workers live",
  (kind) =>
    withMultiPool(kind, { processes: 2 }, async (pool) => {
      await Promise.all([pool.apply(tasks.sleep, [20]), pool.apply(tasks.sleep, [20])]);
      const before = kind.workers().sort();
      const told: unknown[] = [];
      const results = range(20).map(() =>
        pool.applyAsync(more.giveUnsendable, [], { errorCallback: (error) => told.push(error) })
      );
      const errors = await Promise.all(results.map((result) => rejection(result.get())));
      for (const error of errors) {
        assert(error instanceof PicklingError);
        assert.deepEqual([error.direction, error.path], ["result", "result.rows[1].open"]);
        assert(told.includes(error));
      }
      assert.deepEqual(kind.workers().sort(), before);
    }),
);
