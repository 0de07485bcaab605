/**
 * The life of a pool: options, `close`, `terminate`, `join`, workers that are replaced or die, and what CPython's pools hang in: rows
 * C170 to C191, and the P rows that go with them. Each name begins with its rows.
 */
import assert from "node:assert/strict";
import { InvalidStateError, ShutdownError, WorkerLostError } from "../mod.ts";
import { Pool, ThreadPool } from "../pool/mod.ts";
import { Arrivals, Latch } from "./harness.ts";
import { runtimeWith } from "./host_doubles.ts";
import { assertBroken, forEachKind, untilWorkers } from "./kinds.ts";
import { makePool, poolName, withMultiPool } from "./pool_kinds.ts";
import { range, rejection } from "./pools.ts";
import * as tasks from "./tasks.ts";
import * as more from "./tasks_executor.ts";

forEachKind(
  "C170 C184 C186 P30 P31 P32 P35 P36 P37 P40 C2 C13 C17: options, their checks, and the printed form",
  (kind) => {
    const name = poolName(kind);
    assert.match(String(makePool(kind)), new RegExp(`^<${name} state=RUN pool_size=\\d+>$`));
    assert.equal(String(makePool(kind, { processes: 3 })), `<${name} state=RUN pool_size=3>`);
    assert.equal(String(kind.can.processes ? new Pool(3) : new ThreadPool(3)), `<${name} state=RUN pool_size=3>`);
    assert(makePool(kind) instanceof Pool);
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ processes: 0 }, /^RangeError: .*'processes' must be a positive integer: current value is 0$/],
      [{ processes: -1 }, /^RangeError/],
      [{ processes: "3" }, /^TypeError/],
      [{ maxtasksperchild: 0 }, /^RangeError: .*'maxtasksperchild' must be a positive integer/],
      [{ maxtasksperchild: -1 }, /^RangeError/],
      [{ maxtasksperchild: 0.5 }, /^RangeError/],
      [{ maxtasksperchild: "12" }, /^TypeError/],
      [{ initializer: 123 }, /^TypeError: Cannot use a value as an initializer .* current value is 123$/],
      [{ initializer: () => {} }, /^PicklingError: Cannot send/],
      [{ initargs: [1] }, /^TypeError: .*'initargs' must come with an 'initializer'/],
      [
        { maxQueued: 3 },
        /current option is 'maxQueued'$/,
      ],
      [
        { maxWorkers: 3 },
        /^TypeError: .*must be one of processes, maxtasksperchild, .*current option is 'maxWorkers'$/,
      ],
      [{ context: kind.can.processes ? "spawn" : {} }, /^TypeError/],
    ];
    for (const [options, words] of wrong) {
      assert.throws(() => makePool(kind, options), (error) => words.test(String(error)) || assert.fail(String(error)));
    }
  },
);

forEachKind(
  "C173 C178 C1 P20 P22 P23 P24 P25 P27 P29: close, then join; and what is refused when",
  (kind) =>
    withMultiPool(kind, { processes: 1 }, async (pool, folder) => {
      assert.throws(() => pool.join(), {
        name: "InvalidStateError",
        message: "Cannot join a pool as it must be closed or terminated: it is still running",
      });
      const latch = new Latch(folder);
      const result = pool.applyAsync(more.giveAfter, [latch.path, 1]);
      const later = pool.mapAsync(tasks.identity, range(5000).values());
      pool.close();
      pool.close();
      assert.equal(String(pool), `<${poolName(kind)} state=CLOSE pool_size=1>`);
      for (
        const issue of [
          () => pool.apply(tasks.workerId),
          () => pool.applyAsync(tasks.workerId),
          () => pool.map(tasks.identity, []),
          () => pool.mapAsync(tasks.identity, []),
          () => pool.starmap(tasks.pow, []),
          () => pool.starmapAsync(tasks.pow, []),
          () => pool.imap(tasks.identity, []),
          () => pool.imapUnordered(tasks.identity, []),
        ]
      ) assert.throws(issue, ShutdownError);
      latch.open();
      await pool.join();
      assert.equal(await result.get(0), 1);
      assert.equal((await later.get(0)).length, 5000); // also of unknown size: it was issued as a whole
      await untilWorkers(kind, 0);
      await pool.join();
    }),
);

forEachKind(
  "P20 S49: after close() the workers end by themselves, once all is done",
  (kind) =>
    withMultiPool(kind, { processes: 1 }, async (pool) => {
      const result = pool.mapAsync(tasks.identity, range(5000).values());
      pool.close();
      assert.equal((await result.get()).length, 5000);
      await untilWorkers(kind, 0);
    }),
);

forEachKind(
  "C171 S50 S51 P21 P24 P26 P28 P170 P172 C9: terminate ends what runs, at once; all that was pending fails, and is told",
  (kind) =>
    withMultiPool(kind, { processes: 2 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const told: unknown[] = [];
      const results = [
        pool.starmapAsync(tasks.meet, range(1000).map(() => [arrivals.path, `${folder}/never`] as [string, string]), {
          chunksize: 1,
          errorCallback: (error) => told.push(error),
        }),
        pool.applyAsync(tasks.sleep, [100_000]),
      ];
      const lazy = pool.imap(tasks.sleep, range(10));
      const waits = rejection(lazy.next());
      await arrivals.wait(2);
      pool.terminate();
      pool.terminate();
      assert.equal(String(pool), `<${poolName(kind)} state=TERMINATE pool_size=2>`);
      await pool.join();
      for (const result of results) assertBroken(kind, await rejection(result.get(0)));
      assertBroken(kind, await waits);
      assert.equal(told.length, 1);
      assert.throws(() => pool.map(tasks.identity, []), ShutdownError);
      await untilWorkers(kind, 0);
      assert.equal(arrivals.lines.length, 2);
    }),
);

forEachKind(
  "C178 P23 P24 P153: the end of an `await using` block terminates, after whatever was thrown in it",
  async (kind) => {
    const error = new Error("in the block");
    let kept: Pool | undefined;
    const thrown = await rejection((async () => {
      await using pool = makePool(kind, { processes: 4 });
      kept = pool;
      pool.applyAsync(tasks.sleep, [100_000]);
      for (const promise of [pool.apply(tasks.sleep, [100_000]), pool.map(tasks.sleep, [100_000])]) void promise;
      assert.equal((await pool.map(tasks.identity, [1])).length, 1);
      throw error;
    })());
    assert.equal(thrown, error);
    assert.throws(() => kept!.apply(tasks.workerId), ShutdownError);
    await untilWorkers(kind, 0);
    await using unused = makePool(kind);
    void unused;
  },
);

forEachKind(
  "C182 C183 P38 P40 C11: maxtasksperchild counts calls, replaces workers, and the initializer runs in each",
  (kind) =>
    withMultiPool(kind, { processes: 2, maxtasksperchild: 5 }, async (_, folder) => {
      const arrivals = new Arrivals(folder);
      const pool = makePool(kind, {
        processes: 2,
        maxtasksperchild: 5,
        initializer: more.markStart,
        initargs: [arrivals.path],
      });
      const ids = await pool.map(more.giveId, range(20), { chunksize: 10 });
      const counts = Object.values(Object.groupBy(ids, String)).map((same) => same!.length);
      assert.equal(ids.length, 20);
      assert(counts.length >= 4 && counts.every((number) => number <= 5), `${counts}`);
      const early = range(4).map(() => pool.applyAsync(tasks.sleep, [20]));
      pool.close();
      await pool.join();
      assert.deepEqual(await Promise.all(early.map((result) => result.get(0))), [20, 20, 20, 20]);
      assert(arrivals.lines.length >= 5);
    }),
);

forEachKind(
  "C186 P36 P37 P39 P175: the initializer runs once in each worker, and what it keeps is there for every task",
  (kind) =>
    withMultiPool(kind, { processes: 1, initializer: more.setState, initargs: ["a", 2] as never }, async (pool) => {
      assert.deepEqual(await pool.map(more.getStateFor, [1, 2, 3]), Array(3).fill(["a", 2]));
      assert.equal(String((await rejection(pool.apply(tasks.exitWith, [3])) as WorkerLostError).exitCode), "3");
      assert.deepEqual(await pool.apply(more.getState), ["a", 2]); // of the replacement, too
    }),
);

forEachKind(
  "P115 P116 S47 C8: an initializer that fails breaks the pool, once; all that waits is told why",
  (kind) =>
    withMultiPool(kind, {}, async (_, folder) => {
      const arrivals = new Arrivals(folder);
      const pool = makePool(kind, { processes: 2, initializer: more.failStart, initargs: [arrivals.path] });
      const results = [
        pool.applyAsync(tasks.workerId),
        pool.mapAsync(tasks.identity, range(10)),
        pool.starmapAsync(tasks.pow, [[1, 2]]),
      ];
      const lazy = pool.imap(tasks.identity, range(10));
      for (const result of results) assertBroken(kind, await rejection(result.get()), /initializer/);
      assertBroken(kind, await rejection(lazy.next()), /initializer/);
      const error = await rejection((async () => await pool.apply(tasks.workerId))());
      assertBroken(kind, error);
      assert.equal((error.cause as Error).message, "Something bad happened!");
      assert(arrivals.lines.length <= 2, "no worker was started anew");
      pool.close();
      await pool.join();
    }),
);

forEachKind(
  "S44 U1 P117: a worker that dies, or a task that exits, fails that call alone, and the pool works on",
  (kind) =>
    withMultiPool(kind, { processes: 2 }, async (pool) => {
      // The others are in losses_test.ts.
      for (const death of Object.keys(kind.deaths).slice(-2)) {
        const told: unknown[] = [];
        const result = pool.applyAsync(tasks.killSelf, [death], { errorCallback: (error) => told.push(error) });
        const error = await rejection(result.get());
        assert(error instanceof WorkerLostError);
        assert.deepEqual([error.exitCode, error.signal], Object.values(kind.deaths[death]));
        assert.match(error.workerName, new RegExp(`^${poolName(kind)}-\\d+$`)); // row P45
        assert.deepEqual(told, [error]);
      }
      const mapped = pool.mapAsync(more.exitIf, [0, 0, 7, 0]);
      assert(await rejection(mapped.get()) instanceof WorkerLostError);
      const results = pool.imap(more.exitIf, [0, 5, 0], { chunksize: 3 });
      const seen = [];
      for (let n = 0; n < 3; n++) seen.push(await results.next().then(({ value }) => value, ({ name }) => name));
      assert.deepEqual(seen.filter((value) => value === "WorkerLostError").length, 1);
      assert.deepEqual(await pool.map(tasks.identity, range(10)), range(10));
    }),
);

forEachKind("C189: a pool whose workers cannot be started fails its calls, and leaves none behind", async (kind) => {
  const runtime = runtimeWith((go, count) => {
    if (count >= 1) throw new RangeError(`no more processes (${count})`);
    return go();
  });
  const pool = kind.can.processes ? new Pool({ processes: 2, runtime }) : new ThreadPool({ processes: 2, runtime });
  assertBroken(kind, await rejection(pool.map(tasks.identity, [1, 2])), /no more processes/);
  pool.terminate();
  await pool.join();
  await untilWorkers(kind, 0);
});

forEachKind(
  "C191 P130: a pool of many workers",
  (kind) =>
    withMultiPool(kind, { processes: 5 }, async (pool) => {
      const values = await pool.map(tasks.identity, range(1000)) as number[];
      assert.equal(values.reduce((sum, value) => sum + value), 499_500);
    }),
);

forEachKind(
  "C1 P27: join() or terminate() of a pool that was never used, and results of one that is gone",
  async (kind) => {
    const pool = makePool(kind);
    pool.close();
    await pool.join();
    const other = makePool(kind);
    other.terminate();
    await other.join();
    assert.throws(() => other.imap(tasks.identity, []), ShutdownError);
    assert.throws(() => makePool(kind).join(), InvalidStateError);
  },
);
