/**
 * How workers begin: the initializer, and starts that fail. A pool whose workers cannot begin breaks, with the reason, after
 * a few tries; it never tries for ever, and every future settles. Rows C101 to C103 of CPython's `test_init.py`.
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync } from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { type Executor, tasks as registerTasks, WorkerLostError } from "../mod.ts";
import { Arrivals, Latch, until, withTempFolder } from "./harness.ts";
import { runtimeWith } from "./host_doubles.ts";
import { assertBroken, forEachKind, type Kind, wordsOf } from "./kinds.ts";
import { range, rejection, reported, withPool } from "./pools.ts";
import * as tasks from "./tasks.ts";
import * as deadly from "./tasks_losses.ts";

/** Flags, folders. */
const NEEDS = { needs: { processes: true } } as const;

/** Holds that the pool is broken for this reason: what was submitted, what is submitted, and what is mapped. */
async function assertAllBroken(kind: Kind, pool: Executor, pending: readonly Promise<unknown>[], reason: RegExp) {
  const errors = await Promise.all(pending.map(rejection));
  assert.equal(new Set(errors).size, pending.length);
  for (const error of errors) {
    assertBroken(kind, error, reason);
  }
  assert.throws(() => pool.submit(tasks.workerId), kind.Broken);
  assert.throws(() => pool.map(tasks.identity, [1]), kind.Broken);
  assert.equal(pool.pendingCount, 0);
}

forEachKind("C101 initializer: runs in each worker before its first task", (kind) =>
  withPool(kind, {
    maxWorkers: 2,
    initializer: deadly.initialize as (...args: unknown[]) => void,
    initargs: ["initialized"],
  }, async (pool, folder) => {
    const arrivals = new Arrivals(folder);
    const latch = new Latch(folder);
    const blocked = range(2).map(() => pool.submit(tasks.meet, arrivals.path, latch.path));
    const seen = range(2).map(() => pool.submit(deadly.whatWasInitialized));
    await arrivals.wait(2);
    latch.open();
    assert.equal(new Set(await Promise.all(blocked)).size, 2);
    assert.deepEqual(await Promise.all(seen), ["initialized", "initialized"]);
  }));

forEachKind(
  "C102 initializer: one that throws breaks the pool, with its error as the cause",
  (kind) =>
    withTempFolder((folder) => {
      const arrivals = new Arrivals(folder);
      return withPool(kind, {
        maxWorkers: 1,
        initializer: deadly.initializeOrDie as (...args: unknown[]) => unknown,
        initargs: [arrivals.path, 1, "throw"],
      }, async (pool) => {
        // CPython logs it in the worker; here it is the cause of every error, so nothing is printed.
        const reports = await reported(async () => {
          const future = pool.submit(tasks.workerId);
          const other = pool.submit(tasks.workerId);
          const error = await rejection(future) as Error;
          assert((error.cause as Error) instanceof RangeError);
          assert.equal((error.cause as Error).message, "the initializer's own error");
          await assertAllBroken(
            kind,
            pool,
            [future, other],
            new RegExp(`the initializer failed in worker ${kind.className}-1`),
          );
        });
        assert.deepEqual(reports, []);
        assert.equal(arrivals.count, 1); // at once, not after some tries
        await kind.untilGone(arrivals.lines.map(Number));
      });
    }),
);

forEachKind(
  "C103 initializer: one that throws leaks no process and no file",
  (kind) =>
    withTempFolder(async (folder) => {
      const { TMPDIR } = process.env;
      mkdirSync(`${folder}/tmp`);
      process.env.TMPDIR = `${folder}/tmp`;
      try {
        await withPool(kind, {
          maxWorkers: 2,
          initializer: deadly.initializeOrDie as (...args: unknown[]) => unknown,
          initargs: [`${folder}/arrivals`, 1, "throw"],
        }, (pool) =>
          assertAllBroken(
            kind,
            pool,
            range(10).map(() => pool.submit(tasks.workerId)),
            /the initializer failed/,
          ));
      } finally {
        if (TMPDIR === undefined) delete process.env.TMPDIR;
        else process.env.TMPDIR = TMPDIR;
      }
      // Caches of the hosts themselves lie there, too.
      assert.deepEqual(readdirSync(`${folder}/tmp`).filter((name) => name.startsWith("ergate")), []);
      await kind.untilGone(new Arrivals(folder).lines.map(Number));
    }),
);

for (const ways of [["exit 0", "exit 3", "kill"], ["kill", "exit 0", "reject"]]) {
  forEachKind(
    `initializer: one that ends its worker breaks the pool, after three tries: by ${ways.join(", ")}`,
    (kind) =>
      withTempFolder((folder) => {
        const arrivals = new Arrivals(folder);
        return withPool(kind, {
          maxWorkers: 1,
          initializer: deadly.initializeOrDie as (...args: unknown[]) => unknown,
          initargs: [arrivals.path, 1, ...ways],
        }, async (pool) => {
          const how = ways[2];
          const death = how === "kill" ? kind.killed : kind.deaths[how];
          const reason = new RegExp(`3 times in a row: .*${death === undefined ? "stray" : wordsOf(death)}`);
          await assertAllBroken(kind, pool, range(5).map(() => pool.submit(tasks.workerId)), reason);
          assert.equal(arrivals.count, 3);
        });
      }),
  );
}

forEachKind("initializer: one that throws in a replacement breaks the pool, too", (kind) =>
  withTempFolder((folder) => {
    const arrivals = new Arrivals(folder);
    return withPool(kind, {
      maxWorkers: 1,
      initializer: deadly.initializeOrDie as (...args: unknown[]) => unknown,
      initargs: [arrivals.path, 2, "throw"],
    }, async (pool) => {
      assert.equal(await pool.submit(tasks.pow, 2, 5), 32);
      const lost = pool.submit(deadly.die, "exit 3");
      const behind = pool.submit(tasks.workerId);
      assert(await rejection(lost) instanceof WorkerLostError);
      await assertAllBroken(kind, pool, [behind], new RegExp(`the initializer failed in worker ${kind.className}-2`));
      assert.equal(arrivals.count, 2);
    });
  }));

forEachKind(
  "initializer: a replacement whose initializer dies once is replaced itself",
  (kind) =>
    withTempFolder((folder) => {
      const arrivals = new Arrivals(folder);
      return withPool(kind, {
        maxWorkers: 1,
        initializer: deadly.initializeOrDieOnce as (...args: unknown[]) => unknown,
        initargs: [arrivals.path, 2, "exit 3"],
      }, async (pool) => {
        const lost = pool.submit(deadly.die, "exit 3");
        const behind = range(5).map((n) => pool.submit(tasks.identity, n));
        assert(await rejection(lost) instanceof WorkerLostError);
        assert.deepEqual(await Promise.all(behind), range(5));
        assert.equal(arrivals.count, 3);
      });
    }),
);

forEachKind(
  `initializer: deaths at start do not break a "break" pool that recovers`,
  (kind) =>
    withTempFolder((folder) => {
      const arrivals = new Arrivals(folder);
      return withPool(kind, {
        maxWorkers: 1,
        onWorkerLost: "break",
        initializer: deadly.initializeOrDieOnce as (...args: unknown[]) => unknown,
        initargs: [arrivals.path, 1, "kill"],
      }, async (pool) => {
        assert.equal(await pool.submit(tasks.pow, 2, 5), 32);
        assert.equal(arrivals.count, 2);
      });
    }),
);

forEachKind(
  "initializer: while one worker lives, others that die at start are tried again with back-off",
  (kind) =>
    withTempFolder((folder) => {
      const arrivals = new Arrivals(folder);
      return withPool(kind, {
        maxWorkers: 2,
        initializer: deadly.initializeOrDie as (...args: unknown[]) => unknown,
        initargs: [arrivals.path, 2, "exit 3"],
      }, async (pool) => {
        const first = await pool.submit(tasks.workerId);
        const latch = new Latch(folder);
        const started = new Arrivals(folder, "started");
        const blocked = pool.submit(tasks.meet, started.path, latch.path);
        const behind = range(20).map(() => pool.submit(tasks.workerId));
        await arrivals.wait(5); // the fourth death in a row, and the pool is whole
        latch.open();
        assert.equal(await blocked, first);
        assert.deepEqual(new Set(await Promise.all(behind)), new Set([first]));
        assert(arrivals.count < 20, `${arrivals.count} starts`);
      });
    }),
);

forEachKind(
  "initializer: one that cannot be imported breaks the pool, and says so",
  (kind) =>
    withTempFolder((folder) => {
      const { gone } = registerTasks({ url: pathToFileURL(`${folder}/gone.ts`).href }, { gone: () => {} });
      return withPool(kind, { maxWorkers: 1, initializer: gone }, async (pool) => {
        const future = pool.submit(tasks.workerId);
        assert.equal(((await rejection(future) as Error).cause as Error).name, "TaskNotFoundError");
        await assertAllBroken(kind, pool, [future], /the initializer failed/);
      });
    }),
);

forEachKind("initializer: one that does not end can be ended by force", (kind) =>
  withPool(kind, {
    maxWorkers: 1,
    initializer: tasks.loopForever as (...args: unknown[]) => unknown,
    initargs: [],
  }, async (pool) => {
    const future = pool.submit(tasks.workerId);
    await pool.killWorkers();
    const error = await rejection(future);
    assert(error instanceof kind.Broken);
    assert.match(error.message, /forcefully shut down/);
  }));

// Workers that do not start.

forEachKind(
  "start: in a folder that does not exist: the pool breaks, with the reason",
  (kind) =>
    withTempFolder((folder) =>
      withPool(kind, { maxWorkers: 2, cwd: `${folder}/nowhere` }, async (pool) => {
        const results = pool.map(tasks.identity, range(5));
        await assertAllBroken(
          kind,
          pool,
          range(10).map(() => pool.submit(tasks.workerId)),
          /a worker could not be started, \d+ times in a row: .*(nowhere|ENOENT|No such)/,
        );
        assert(await rejection(results.next()) instanceof kind.Broken);
      })
    ),
  NEEDS,
);

forEachKind("start: with flags that the runtime refuses: the pool breaks, with the reason", (kind) =>
  withPool(
    kind,
    { maxWorkers: 1, execArgv: ["--preload=/no/such/file.ts"] },
    (pool) =>
      assertAllBroken(
        kind,
        pool,
        range(3).map(() => pool.submit(tasks.workerId)),
        /a worker could not be started, 3 times in a row: .*exit code [1-9]/,
      ),
  ), NEEDS);

forEachKind("C71 start: a host that cannot start anything breaks the pool after three tries, no hang", (kind) => {
  const reason = new RangeError("no more processes");
  const runtime = runtimeWith(() => {
    throw reason;
  });
  return withPool(kind, { maxWorkers: 4, runtime }, async (pool) => {
    const results = pool.map(tasks.identity, range(5));
    const future = pool.submit(tasks.workerId);
    const error = await rejection(results.next());
    assert(error instanceof kind.Broken);
    assert.equal(error.cause, reason);
    await assertAllBroken(kind, pool, [future], /could not be started, 3 times in a row: no more processes/);
    assert.equal(runtime.starts, 3);
  });
});

forEachKind("start: two failures and then a worker: the pool works", (kind) => {
  const runtime = runtimeWith((go, count) => {
    if (count < 3) throw new RangeError("not yet");
    return go();
  });
  return withPool(kind, { maxWorkers: 1, runtime }, async (pool) => {
    assert.deepEqual(await pool.map(tasks.identity, range(5)).toArray(), range(5));
    assert.equal(runtime.starts, 3);
  });
});

forEachKind("start: children that are killed before they say hello count as failures, too", (kind) => {
  function killed(upTo: number) {
    return runtimeWith((go, count) => {
      const process = go();
      if (count <= upTo) process.kill("SIGKILL");
      return process;
    });
  }
  return withPool(kind, { maxWorkers: 1, runtime: killed(2) }, async (pool) => {
    assert.equal(await pool.submit(tasks.pow, 2, 5), 32);
    const runtime = killed(Infinity);
    await withPool(kind, { maxWorkers: 1, runtime }, async (pool) => {
      await assertAllBroken(
        kind,
        pool,
        [pool.submit(tasks.workerId), pool.submit(tasks.workerId)],
        kind.can.processes ? /3 times in a row: .*SIGKILL/ : /3 times in a row: .*exit code [01]/,
      );
      assert.equal(runtime.starts, 3);
    });
  });
});

forEachKind("start: while one worker lives, failures do not break the pool; its calls are run there", (kind) => {
  const runtime = runtimeWith((go, count) => {
    if (count > 1) throw new RangeError("one is enough");
    return go();
  });
  return withPool(kind, { maxWorkers: 4, runtime }, async (pool, folder) => {
    const pid = await pool.submit(tasks.workerId);
    const latch = new Latch(folder);
    const arrivals = new Arrivals(folder);
    const blocked = range(4).map(() => pool.submit(tasks.meet, arrivals.path, latch.path));
    await until("five starts have failed", () => runtime.starts >= 6);
    latch.open();
    assert.deepEqual(await Promise.all(blocked), [pid, pid, pid, pid]);
    assert(runtime.starts < 20, `${runtime.starts} starts`);
    // The last worker's death leaves none; then the next failure breaks it.
    const lost = pool.submit(deadly.die, "exit 3");
    const behind = pool.submit(tasks.workerId);
    assert(await rejection(lost) instanceof WorkerLostError);
    await assertAllBroken(kind, pool, [behind], /one is enough/);
  });
});

forEachKind("start: a shutdown does not wait for tries that nobody needs", (kind) => {
  const failed = Promise.withResolvers<void>();
  const runtime = runtimeWith((go, count) => {
    if (count > 1) return go();
    failed.resolve();
    throw new RangeError("not yet");
  });
  return withPool(kind, { maxWorkers: 2, runtime }, async (pool) => {
    const futures = range(3).map(() => pool.submit(tasks.workerId));
    await failed.promise; // the next try comes 50 ms later
    await pool.shutdown({ cancelFutures: true });
    assert(futures.every((future) => future.cancelled()));
    assert.equal(runtime.starts, 1);
  });
});
