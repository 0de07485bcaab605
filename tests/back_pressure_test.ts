/** How many calls wait, how many workers there are, how much memory they use; and failures that nobody saw. */
import assert from "node:assert/strict";
import { QueueFullError, ShutdownError, WorkerLostError } from "../mod.ts";
import { Arrivals, Latch, withTempFolder } from "./harness.ts";
import { forEachKind, untilWorkers } from "./kinds.ts";
import { forEachKindTogether, range, reported, withPool } from "./pools.ts";
import * as calls from "./tasks_calls.ts";
import * as tasks from "./tasks.ts";

forEachKind("options: those of back-pressure are checked", (kind) => {
  const wrong: [name: string, value: unknown, errorName: string, must: string][] = [
    ["taskTimeout", 0, "RangeError", "a positive number of milliseconds"],
    ["idleTimeout", -1, "RangeError", "a positive number of milliseconds"],
    ["idleTimeout", "1", "TypeError", "a positive number of milliseconds"],
    ["maxQueued", -1, "RangeError", "an integer, not negative"],
    ["maxQueued", 0.5, "RangeError", "an integer, not negative"],
    ["maxQueued", true, "TypeError", "an integer, not negative"],
    ["reportUnseen", 1, "TypeError", "a boolean"],
  ];
  for (const [name, value, errorName, must] of wrong) {
    assert.throws(() => kind.make({ [name]: value }), {
      name: errorName,
      message: new RegExp(`^Cannot create a pool as '${name}' must be ${must}: current value is `),
    });
  }
});

// How many wait

forEachKind(
  "U6 maxQueued: submit throws when as many wait, beyond one for each worker",
  (kind) =>
    withPool(kind, { maxWorkers: 1, maxQueued: 2 }, async (pool, folder) => {
      const latch = new Latch(folder);
      const arrivals = new Arrivals(folder);
      const futures = range(3).map(() => pool.submit(tasks.meet, arrivals.path, latch.path));
      assert.throws(
        () => pool.submit(tasks.pow, 2, 3),
        (error) =>
          error instanceof QueueFullError && /3 calls are pending, maxWorkers is 1, maxQueued is 2/.test(error.message),
      );
      assert.equal(pool.pendingCount, 3);
      await arrivals.wait(1);
      assert.throws(() => pool.submit(tasks.pow, 2, 3), QueueFullError);
      assert.equal(futures[2].cancel(), true);
      const another = pool.submit(tasks.pow, 2, 3);
      latch.open();
      assert.equal(await another, 8);
    }),
);

forEachKind(
  "U6 maxQueued: 0 takes as many calls as there are workers",
  (kind) =>
    withPool(kind, { maxWorkers: 2, maxQueued: 0 }, async (pool) => {
      const futures = [pool.submit(tasks.pow, 2, 1), pool.submit(tasks.pow, 2, 2)];
      assert.throws(() => pool.submit(tasks.pow, 2, 3), QueueFullError);
      assert.deepEqual(await Promise.all(futures), [2, 4]);
      assert.equal(await pool.submit(tasks.pow, 2, 3), 8);
    }),
);

forEachKindTogether(
  "U6 whenFree: resolves when there is room, for as many as there is room for",
  (kind) =>
    withPool(kind, { maxWorkers: 1, maxQueued: 1 }, async (pool) => {
      await pool.whenFree();
      let most = 0;
      const futures: PromiseLike<number>[] = [];
      await Promise.all(
        range(5).map(async (producer) => {
          for (let i = 0; i < 10; i++) {
            for (;;) {
              await pool.whenFree();
              try {
                futures.push(pool.submit(tasks.pow, producer, i % 3));
                break;
              } catch (error) {
                assert(error instanceof QueueFullError); // another producer was quicker
              }
            }
            most = Math.max(most, pool.pendingCount);
          }
        }),
      );
      const expected = range(5).flatMap((producer) => range(10).map((i) => producer ** (i % 3)));
      assert.deepEqual((await Promise.all(futures)).toSorted(), expected.toSorted());
      assert.equal(most, 2);
    }),
);

forEachKind(
  "U6 whenFree: who does not use his room takes it from nobody; rejects when there will be no room any more",
  async (kind) => {
    const pool = kind.make({ maxWorkers: 1, maxQueued: 0 });
    const first = pool.submit(tasks.pow, 2, 3);
    await Promise.all(range(20).map(() => pool.whenFree()));
    assert.equal(await first, 8);
    const future = pool.submit(tasks.pow, 2, 3);
    const waiting = pool.whenFree();
    const closed = pool.shutdown();
    await assert.rejects(waiting, ShutdownError);
    await assert.rejects(pool.whenFree(), ShutdownError);
    assert.equal(await future, 8);
    await closed;
  },
);

forEachKind(
  "U5 U6 maxQueued: a map draws as far as there is room, and goes on; it never throws",
  (kind) =>
    withPool(kind, { maxWorkers: 2, maxQueued: 3 }, async (pool) => {
      let most = 0;
      function* items(): Generator<number> {
        for (let i = 0; i < 200; i++) {
          yield i;
          most = Math.max(most, pool.pendingCount);
        }
      }
      async function* laterItems(): AsyncGenerator<number> {
        yield* items();
      }
      const squares = range(200).map((i) => i ** 2);
      const twos = range(200).map(() => 2);
      assert.deepEqual(await pool.map(tasks.pow, items(), twos).toArray(), squares);
      assert.deepEqual(await pool.map(tasks.pow, laterItems(), twos).toArray(), squares);
      assert.deepEqual(await pool.map(tasks.pow, range(200), twos).toArray(), squares);
      assert(most <= 5, String(most));
    }),
);

// How many workers

forEachKind(
  "U11 idleTimeout: idle workers leave, and new ones start when there are calls",
  (kind) =>
    withPool(kind, { maxWorkers: 2, idleTimeout: 30 }, async (pool, folder) => {
      const latch = new Latch(folder);
      const arrivals = new Arrivals(folder);
      const futures = range(2).map(() => pool.submit(tasks.meet, arrivals.path, latch.path));
      await arrivals.wait(2);
      assert.equal(kind.workers().length, 2);
      latch.open();
      const ids = await Promise.all(futures);
      await untilWorkers(kind, 0);
      assert(!ids.includes(await pool.submit(tasks.workerId)));
    }),
);

forEachKind(
  "U11 resize: up starts more workers for what waits, down lets them go, at work or idle, when they have finished their call",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const latch = new Latch(folder);
      const arrivals = new Arrivals(folder);
      const futures = range(3).map(() => pool.submit(tasks.meet, arrivals.path, latch.path));
      await arrivals.wait(1);
      assert.equal(kind.workers().length, 1);
      pool.resize(3);
      assert.equal(pool.maxWorkers, 3);
      await arrivals.wait(3);
      pool.resize(2);
      assert.equal(kind.workers().length, 3);
      latch.open();
      assert.equal(new Set(await Promise.all(futures)).size, 3);
      await untilWorkers(kind, 2);
      pool.resize(1);
      await untilWorkers(kind, 1);
      const one = await pool.submit(tasks.workerId);
      assert.deepEqual(await Promise.all(range(3).map(() => pool.submit(tasks.workerId))), [one, one, one]);
      for (const [value, name] of [[0, "RangeError"], [1.5, "RangeError"], ["2", "TypeError"]] as const) {
        assert.throws(() => pool.resize(value as number), { name, message: /^Cannot resize as 'maxWorkers' must be/ });
      }
    }),
);

forEachKind("resize: not after the end", async (kind) => {
  const pool = kind.make({ maxWorkers: 1 });
  await pool.shutdown();
  assert.throws(() => pool.resize(2), ShutdownError);
});

// How much memory

const LIMIT = 250e6;

forEachKind(
  "U12 maxMemoryPerWorker: past it a worker is replaced after its call",
  (kind) =>
    withPool(kind, { maxWorkers: 1, maxMemoryPerWorker: LIMIT }, async (pool) => {
      const before = await pool.submit(tasks.workerId);
      // It ends in time; where the machine is slow, it may be killed. What it holds does not hang on when garbage is collected.
      await pool.submit(calls.keep, LIMIT).exception();
      await kind.untilGone([before]);
      assert.notEqual(await pool.submit(tasks.workerId), before);
    }),
  { needs: { processes: true } },
);

forEachKind(
  "U12 maxMemoryPerWorker: a call that goes on past it is killed, the error says why, and what waits behind it is harmed in no way",
  (kind) =>
    withPool(kind, { maxWorkers: 1, maxMemoryPerWorker: LIMIT }, async (pool, folder) => {
      const [never, open] = [new Latch(folder, "never"), new Latch(folder, "open")];
      const arrivals = new Arrivals(folder);
      const sizes = [LIMIT, ...range(20).map(() => 10)];
      const latches = sizes.map((size) => size === LIMIT ? never.path : open.path);
      open.open();
      const results = pool.map(calls.hold, sizes, sizes.map(() => arrivals.path), latches, { chunksize: 21 });
      const behind = pool.submit(tasks.pow, 2, 3);
      await assert.rejects(results.next(), (error) => {
        assert(error instanceof WorkerLostError);
        assert.match(error.message, /was ended: it used \d+ bytes of memory, and maxMemoryPerWorker is 250000000/);
        return true;
      });
      assert.deepEqual(await results.toArray(), range(20).map(() => 10));
      assert.equal(await behind, 8);
      assert.ok(arrivals.count <= 21, `one ran twice: ${arrivals.count}`); // the first may be killed before it arrives
    }),
  { needs: { processes: true } },
);

// Failures that nobody saw

forEachKind("unseen: failures that nobody looked at are reported once, in one line, at the end", async (kind) => {
  const pool = kind.make({ maxWorkers: 1 });
  const lines = await reported(async () => {
    pool.submit(tasks.raise, "first\nsecond line", "TypeError");
    pool.submit(tasks.raise, "other").addDoneCallback(() => {});
    pool.map(tasks.raise, ["item"]);
    await pool.shutdown();
    await pool.shutdown();
    await new Promise((resolve) => setTimeout(resolve, 20));
  });
  assert.deepEqual(lines, [[
    `3 calls of ${kind.className} failed and nobody looked: the first with TypeError: first`,
  ]]);
});

forEachKind(
  "unseen: one that was looked at, before or after its end, is not reported; nor is a cancelled one",
  async (kind) => {
    const pool = kind.make({ maxWorkers: 1 });
    const lines = await reported(async () => {
      const before = pool.submit(tasks.raise, "caught");
      before.catch(() => {});
      const asked = pool.submit(tasks.raise, "asked");
      void asked.exception();
      const after = pool.submit(tasks.raise, "looked at later");
      const cancelled = pool.submit(tasks.raise, "cancelled");
      cancelled.cancel();
      const read = pool.map(tasks.raise, ["read"]);
      await assert.rejects(read.next());
      const left = pool.map(tasks.raise, ["left"]);
      await pool.submit(tasks.pow, 2, 3);
      await left.return();
      await pool.shutdown();
      await assert.rejects(after);
      await new Promise((resolve) => setTimeout(resolve, 20));
    });
    assert.deepEqual(lines, []);
  },
);

forEachKind("unseen: reportUnseen: false, and killing the pool, report nothing", async (kind) => {
  const lines = await reported(async () => {
    const silent = kind.make({ maxWorkers: 1, reportUnseen: false });
    silent.submit(tasks.raise, "unseen");
    await silent.shutdown();
    const killed = kind.make({ maxWorkers: 1 });
    killed.submit(tasks.sleep, 60_000);
    await killed.killWorkers();
    await new Promise((resolve) => setTimeout(resolve, 20));
  });
  assert.deepEqual(lines, []);
});

forEachKindTogether(
  "U6 whenFree: nobody passes in vain, however many ask at once",
  (kind) =>
    withPool(kind, { maxWorkers: 1, maxQueued: 1 }, async (pool) => {
      const values = await Promise.all(
        range(10).map(async (n) => {
          await pool.whenFree();
          return await pool.submit(tasks.pow, n, 1);
        }),
      );
      assert.deepEqual(values, range(10));
    }),
);

forEachKindTogether(
  "U6 whenFree: what a map holds back after an error takes no room",
  (kind) =>
    withPool(kind, { maxWorkers: 1, maxQueued: 1 }, async (pool) => {
      const items = [() => 1, ...range(100)] as unknown[];
      const results = pool.map(tasks.identity, items);
      await assert.rejects(results.toArray());
      await pool.whenFree();
      assert.equal(await pool.submit(tasks.pow, 2, 3), 8);
      assert.deepEqual(await results.toArray(), range(100));
    }),
);

forEachKind(
  "U11 idleTimeout: may be longer than a timer of the host",
  (kind) =>
    withPool(kind, { maxWorkers: 1, idleTimeout: 2 ** 32 }, async (pool) => {
      const before = await pool.submit(tasks.workerId);
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(await pool.submit(tasks.workerId), before);
    }),
);

forEachKind("U11 resize: a worker that dies with a call while it leaves breaks a pool that breaks", async (kind) => {
  await withTempFolder(async (folder) => {
    const pool = kind.make({ maxWorkers: 2, onWorkerLost: "break" });
    const latch = new Latch(folder);
    const futures = range(2).map((i) =>
      pool.submit(calls.dieWhenOpen, `${folder}/arrivals`, latch.path, Object.keys(kind.deaths)[i])
    );
    await new Arrivals(folder).wait(2);
    pool.resize(1);
    latch.open();
    for (const future of futures) await assert.rejects(future, kind.Broken);
    await pool.shutdown();
  });
});
