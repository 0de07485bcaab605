/**
 * How pools end: by `shutdown`, by force, with the program; and how workers are replaced at their limit meanwhile. Rows C63 to
 * C78 of CPython's `test_process_pool.py` and, with `executor_shutdown_test.ts`, C105 to C124 of its `test_shutdown.py`.
 */
import assert from "node:assert/strict";
import { type Executor, ShutdownError, WorkerLostError } from "../mod.ts";
import { Arrivals, Latch, type ProgramResult } from "./harness.ts";
import { runtimeWith, withoutPatience } from "./host_doubles.ts";
import { type Abilities, forEachKind, inKind, untilWorkers } from "./kinds.ts";
import { range, rejection, withPool } from "./pools.ts";
import * as tasks from "./tasks.ts";
import * as deadly from "./tasks_losses.ts";
import { withProject } from "./user_project.ts";

/** Signals. */
const NEEDS = { needs: { processes: true } } as const;

/** Calls that have come to a latch, one in each of so many workers. */
async function blocked(pool: Executor, folder: string, count: number) {
  const arrivals = new Arrivals(folder, "blocked");
  const latch = new Latch(folder, "blocked-latch");
  const futures = range(count).map(() => pool.submit(tasks.meet, arrivals.path, latch.path));
  await arrivals.wait(count);
  return { futures, latch };
}

// Workers that leave at their limit.

forEachKind(
  "C63 maxTasksPerChild: three calls by one worker, the fourth by another",
  (kind) =>
    withPool(kind, { maxWorkers: 1, maxTasksPerChild: 3 }, async (pool) => {
      const pids: number[] = [];
      for (let i = 0; i < 3; i++) {
        pids.push(await pool.submit(tasks.workerId));
        if (i < 2) assert.deepEqual(kind.workers(), [pids[0]]);
      }
      await untilWorkers(kind, 0); // nothing is left to do, so there is no replacement yet
      pids.push(await pool.submit(tasks.workerId));
      assert.deepEqual(kind.workers(), [pids[3]]);
      assert.deepEqual(pids.map((pid) => pids.indexOf(pid)), [0, 0, 0, 3]);
    }),
);

forEachKind("C65 maxTasksPerChild: a worker at its limit is replaced while calls wait", async (kind) => {
  await withPool(kind, { maxWorkers: 2, maxTasksPerChild: 3 }, async (pool, folder) => {
    const arrivals = new Arrivals(folder);
    const futures = range(8).map((n) => pool.submit(deadly.markId, arrivals.path, `${n}`));
    assert.deepEqual(await Promise.all(futures), range(8).map(String));
    const calls = new Map<string, number>();
    for (const line of arrivals.lines) {
      const pid = line.split(" ")[1];
      calls.set(pid, (calls.get(pid) ?? 0) + 1);
    }
    assert(Math.max(...calls.values()) <= 3, [...calls].join(" "));
    assert.equal(arrivals.count, 8);
  });
});

forEachKind(
  "maxTasksPerChild: what counts is the call, not the message: a map with large chunks keeps the limit",
  (kind) =>
    withPool(kind, { maxWorkers: 1, maxTasksPerChild: 4 }, async (pool) => {
      const pids = await pool.map(deadly.idOf, range(10), { chunksize: 10 }).toArray();
      assert.deepEqual(pids.map((pid) => pids.indexOf(pid)), [0, 0, 0, 0, 4, 4, 4, 4, 8, 8]);
    }),
);

forEachKind(
  "maxTasksPerChild: a call that is lost counts as well, and its worker is replaced once",
  (kind) =>
    withPool(kind, { maxWorkers: 1, maxTasksPerChild: 2 }, async (pool) => {
      const futures = [
        pool.submit(tasks.workerId),
        pool.submit(deadly.die, "exit 3"),
        pool.submit(tasks.workerId),
        pool.submit(tasks.workerId),
        pool.submit(tasks.workerId),
      ];
      assert(await rejection(futures[1]) instanceof WorkerLostError);
      const [first, second, third, fourth] = await Promise.all([futures[0], ...futures.slice(2)]);
      assert.notEqual(first, second);
      assert.equal(second, third);
      assert.notEqual(third, fourth);
    }),
);

forEachKind(
  "C66 maxTasksPerChild: replacements are started after shutdown({ wait: false }), too",
  (kind) =>
    withPool(kind, { maxWorkers: 1, maxTasksPerChild: 1 }, async (pool, folder) => {
      const { futures: [first], latch } = await blocked(pool, folder, 1);
      const others = range(2).map((n) => pool.submit(tasks.identity, n));
      await pool.shutdown({ wait: false });
      latch.open();
      await first;
      assert.deepEqual(await Promise.all(others), [0, 1]);
      await pool.shutdown();
    }),
);

for (const end of ["terminateWorkers", "killWorkers"] as const) {
  forEachKind(`C68 maxTasksPerChild: no replacement for a worker that leaves while ${end} ends the pool`, (kind) => {
    const runtime = runtimeWith((go) => go());
    return withPool(kind, { maxWorkers: 1, maxTasksPerChild: 1, runtime }, async (pool, folder) => {
      const { futures, latch } = await blocked(pool, folder, 1);
      futures.push(...range(3).map(() => pool.submit(tasks.workerId)));
      latch.open();
      await pool[end]();
      const errors = (await Promise.all(futures.map((future) => future.exception()))).filter((error) => error);
      assert(errors.length >= 2); // the first may have come in time
      for (const error of errors) {
        assert(error instanceof kind.Broken, String(error));
        assert.match(error.message, /forcefully shut down/);
      }
      assert(runtime.starts <= 2);
      await untilWorkers(kind, 0);
    });
  });
}

forEachKind("C69 maxTasksPerChild: a replacement that cannot be started breaks the pool", (kind) => {
  const runtime = runtimeWith((go, count) => {
    if (count > 1) throw new RangeError("no more processes");
    return go();
  });
  return withPool(kind, { maxWorkers: 1, maxTasksPerChild: 1, runtime }, async (pool) => {
    const [first, ...others] = range(3).map((n) => pool.submit(tasks.identity, n));
    assert.equal(await first, 0);
    for (const future of others) {
      const error = await rejection(future);
      assert(error instanceof kind.Broken);
      assert.match(error.message, /could not be started.*no more processes/);
    }
    assert.throws(() => pool.submit(tasks.workerId), kind.Broken);
  });
});

forEachKind(
  "C70 maxTasksPerChild: a shutdown at once still gives all results",
  (kind) =>
    withPool(kind, { maxWorkers: 2, maxTasksPerChild: 1 }, async (pool) => {
      const futures = range(3).map((n) => pool.submit(tasks.pow, n, 2));
      await pool.shutdown();
      assert(futures.every((future) => future.done()));
      assert.deepEqual(await Promise.all(futures), [0, 1, 4]);
    }),
);

for (const maxWorkers of [2, 4]) {
  const row = maxWorkers === 2 ? "C123" : "C124";
  forEachKind(
    `${row} maxTasksPerChild: ${maxWorkers} workers, one call fails, shutdown({ wait: false }): it ends`,
    (kind) =>
      withPool(kind, { maxWorkers, maxTasksPerChild: 1 }, async (pool) => {
        const results = pool.map(tasks.divmod, range(5).map(() => 10), [1, 2, 0, 3, 4]);
        const seen: unknown[] = [];
        await assert.rejects(async () => {
          for await (const value of results) seen.push(value);
        }, RangeError);
        assert.deepEqual(seen, [[10, 0], [5, 0]]);
        await pool.shutdown({ wait: false });
        await pool.shutdown();
      }),
  );
}

// The end by force.

for (const [end, signal] of [["terminateWorkers", "SIGTERM"], ["killWorkers", "SIGKILL"]] as const) {
  const row = end === "terminateWorkers" ? "C72" : "C73";
  forEachKind(`${row} ${end}: ${signal} to each worker, once`, (kind) => {
    const signals: string[] = [];
    const runtime = runtimeWith((go) => {
      const started = go();
      return {
        ...started,
        kill: (signal) => {
          signals.push(signal);
          started.kill(signal);
        },
      };
    });
    return withPool(kind, { maxWorkers: 2, runtime }, async (pool, folder) => {
      const { futures } = await blocked(pool, folder, 2);
      await pool[end]();
      assert.deepEqual(signals, [signal, signal]);
      for (const future of futures) assert(await rejection(future) instanceof kind.Broken);
    });
  });

  forEachKind(
    `C75 ${end}: ends workers that run, wherever they are; what they did not finish never is`,
    (kind) =>
      withPool(kind, { maxWorkers: 3 }, async (pool, folder) => {
        const started = new Arrivals(folder, "started");
        const latch = new Latch(folder);
        const futures: Promise<unknown>[] = [
          pool.submit(deadly.startAndFinish, started.path, latch.path, `${folder}/finished`),
          pool.submit(tasks.blockingMeet, started.path, latch.path),
          pool.submit(tasks.loopForever, started.path),
        ];
        await started.wait(3);
        const pids = kind.workers();
        assert.equal(pids.length, 3);
        futures.push(pool.submit(tasks.workerId), pool.map(tasks.identity, [1]).next());
        const rejections = Promise.all(futures.map(rejection));
        await pool[end]();
        assert(!pids.some(kind.isAlive));
        const errors = await rejections;
        assert.equal(new Set(errors).size, futures.length);
        for (const error of errors) {
          assert(error instanceof kind.Broken, String(error));
          assert.match(error.message, /forcefully shut down/);
        }
        latch.open();
        assert.equal(new Arrivals(folder, "finished").count, 0);
        assert.equal(pool.pendingCount, 0);
      }),
  );

  forEachKind(
    `C76 ${end}: harmless after the pool broke`,
    (kind) =>
      withPool(kind, { maxWorkers: 2, onWorkerLost: "break" }, async (pool) => {
        const error = await rejection(pool.submit(deadly.die, "exit 3"));
        await pool[end]();
        assert(error instanceof kind.Broken);
        assert.match(error.message, /exit code 3/);
        await pool[end]();
        await pool.shutdown();
      }),
  );

  forEachKind(`C77 ${end}: does nothing if no worker was started`, (kind) => {
    const runtime = runtimeWith((go) => go());
    return withPool(kind, { runtime }, async (pool) => {
      await pool[end]();
      assert.equal(runtime.starts, 0);
    });
  });

  forEachKind(
    `C78 ${end}: the pool takes no more calls, and the worker is gone`,
    (kind) =>
      withPool(kind, { maxWorkers: 1 }, async (pool) => {
        const pid = await pool.submit(tasks.workerId);
        await pool[end]();
        assert(!kind.isAlive(pid));
        assert.throws(() => pool.submit(tasks.workerId), ShutdownError);
        assert.throws(() => pool.map(tasks.identity, [1]), ShutdownError);
      }),
  );

  forEachKind(
    `${end}: after a shutdown that waits, which ends then`,
    (kind) =>
      withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
        const { futures: [future] } = await blocked(pool, folder, 1);
        const closed = pool.shutdown();
        await pool[end]();
        await closed;
        assert(await rejection(future) instanceof kind.Broken);
      }),
  );
}

forEachKind("killWorkers: while workers start", (kind) =>
  withPool(kind, { maxWorkers: 2 }, async (pool) => {
    const futures = range(4).map(() => pool.submit(tasks.sleep, 60_000));
    await untilWorkers(kind, 2);
    await pool.killWorkers();
    assert.equal(kind.workers().length, 0);
    for (const future of futures) assert(await rejection(future) instanceof kind.Broken);
  }));

forEachKind(
  "terminateWorkers: a worker that takes no notice is killed after a grace",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const started = new Arrivals(folder);
      const future = pool.submit(deadly.ignoreTermination, started.path);
      await started.wait(1);
      const pids = kind.workers();
      await withoutPatience(() => pool.terminateWorkers());
      assert(!pids.some(kind.isAlive));
      assert(await rejection(future) instanceof kind.Broken);
    }),
  NEEDS,
);

// shutdown()

forEachKind(
  "C111 shutdown: a call submitted and cancelled right before it does not hang it",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool) => {
      const future = pool.submit(tasks.pow, 2, 5);
      future.cancel();
      await pool.shutdown({ wait: true });
      assert(future.cancelled());
    }),
);

forEachKind(
  "C112 C119 shutdown: three blocked calls have three workers, which are gone then",
  (kind) =>
    withPool(kind, { maxWorkers: 5 }, async (pool, folder) => {
      const { futures, latch } = await blocked(pool, folder, 3);
      const pids = kind.workers();
      assert.equal(pids.length, 3);
      latch.open();
      await Promise.all(futures);
      await pool.shutdown();
      assert(!pids.some(kind.isAlive));
    }),
);

forEachKind("C113 C120 await using: the map's results are right, and the workers are gone", async (kind) => {
  const results = await (async () => {
    await using pool = kind.make({ maxWorkers: 2 });
    return pool.map(tasks.pow, range(5), [2, 2, 2, 2, 2]);
  })();
  assert.equal(kind.workers().length, 0);
  assert.deepEqual(await results.toArray(), [0, 1, 4, 9, 16]);
});

forEachKind(
  "C115 C122 shutdown: without waiting, a map's results come and the workers end by themselves",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool) => {
      const results = pool.map(tasks.pow, range(5), [2, 2, 2, 2, 2]);
      await pool.shutdown({ wait: false });
      assert.deepEqual(await results.toArray(), [0, 1, 4, 9, 16]);
      await untilWorkers(kind, 0);
    }),
);

forEachKind("C116 workerName: the first part of the workers' names", (kind) =>
  // Unlike CPython, whose threads are SpecialPool_0 and on.
  withPool(kind, { maxWorkers: 1, workerName: "SpecialPool" }, async (pool) => {
    const errors = await Promise.all(range(2).map((n) => rejection(pool.submit(deadly.die, `exit ${n}`))));
    const names = errors.map((error) => (error as WorkerLostError).workerName);
    assert.deepEqual(names, ["SpecialPool-1", "SpecialPool-2"]);
  }));

forEachKind(
  "C117 workerName: the class's name by default",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const error = await rejection(pool.submit(deadly.die, "exit 3")) as WorkerLostError;
      assert.equal(error.workerName, `${kind.className}-1`);
    }),
);

forEachKind(
  "shutdown: a worker that a timer of a task keeps busy is ended after a grace",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const looping = new Arrivals(folder);
      const pid = await pool.submit(deadly.loopWhenIdle, looping.path);
      await looping.wait(1);
      await withoutPatience(() => pool.shutdown());
      assert(!kind.isAlive(pid));
    }),
);

forEachKind(
  "shutdown: a worker that is killed while it leaves",
  (kind) =>
    withPool(kind, { maxWorkers: 2, onWorkerLost: "break" }, async (pool, folder) => {
      const { futures, latch } = await blocked(pool, folder, 2);
      latch.open();
      const pids = await Promise.all(futures);
      const closed = pool.shutdown();
      for (const pid of pids) kind.kill(pid);
      await closed;
      await kind.untilGone(pids);
    }),
);

// Programs.

const TASKS = `
  import { tasks } from "@ergate/ergate";
  import { existsSync } from "node:fs";
  import process from "node:process";
  export async function sleepAndPrint(milliseconds: number, text: string): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    console.log(text);
  }
  export async function printWhenOpen(text: string): Promise<void> {
    while (!existsSync(process.env.HERE + "/latch")) await new Promise((resolve) => setTimeout(resolve, 1));
    console.log(text);
  }
  export function double(n: number): number {
    return 2 * n;
  }
  export function fail(): never {
    throw new RangeError("no");
  }
  tasks(import.meta, { sleepAndPrint, printWhenOpen, double, fail });
`;

interface ProgramCase {
  readonly code: string;
  readonly stdout: string | RegExp;
  /** Of these kinds alone. */
  readonly needs?: Partial<Abilities>;
  /** What is allowed on stderr; nothing unless given. */
  readonly stderr?: RegExp;
}

const PROGRAMS: Readonly<Record<string, ProgramCase>> = {
  "C106 E58 E59 falls off its end, or leaves main(), with calls pending: they are run first": {
    code: `
      function main(): void {
        const pool = new ProcessPoolExecutor(1);
        pool.submit(sleepAndPrint, 200, "one");
        pool.submit(sleepAndPrint, 0, "two");
      }
      main();
    `,
    stdout: "one\ntwo\n",
  },
  "E58 forgets shutdown with a map unread: its items are run": {
    code: `
      const pool = new ProcessPoolExecutor(1);
      pool.map(sleepAndPrint, [1, 1, 1], ["a", "b", "c"]);
    `,
    stdout: "a\nb\nc\n",
  },
  "C110 C118 E54 shutdown({ wait: false }): it ends after the running call's output; with cancelFutures, or without it":
    {
      code: `
      const pool = new ProcessPoolExecutor(1);
      pool.submit(sleepAndPrint, 200, "apple");
      pool.shutdown({ wait: false });
      const cancelling = new ProcessPoolExecutor(1);
      cancelling.submit(sleepAndPrint, 10, "pear");
      cancelling.shutdown({ wait: false, cancelFutures: true });
      console.log("shut down");
    `,
      stdout: /^shut down\n(pear\n)?apple\n(pear\n)?$/,
    },
  "E57 shutdown({ wait: false, cancelFutures: true }): what runs goes on to its end, what waits does not": {
    code: `
      const pool = new ProcessPoolExecutor(1);
      const running = pool.submit(printWhenOpen, "ran");
      const waiting = Array.from({ length: 5 }, (_, n) => pool.submit(sleepAndPrint, 0, "waited " + n));
      while (!running.running()) await new Promise((resolve) => setTimeout(resolve, 1));
      pool.shutdown({ wait: false, cancelFutures: true });
      console.log(waiting.every((future) => future.cancelled()));
      writeFileSync(process.env.HERE + "/latch", "");
    `,
    stdout: "true\nran\n",
  },
  "C107 submits when it exits: an error, no hang": {
    code: `
      const pool = new ProcessPoolExecutor(1);
      process.on("exit", () => {
        try {
          pool.submit(double, 1);
        } catch (error) {
          console.log((error as Error).name);
        }
      });
      console.log(await pool.submit(double, 21));
    `,
    stdout: "42\nShutdownError\n",
  },
  "never looks at a failure: it is told once, and ends as if nothing were": {
    code: `
      const pool = new ProcessPoolExecutor(1);
      pool.submit(fail);
      await pool.shutdown();
      console.log("end");
    `,
    stdout: "end\n",
    stderr: /^1 call of (Process|Thread)PoolExecutor failed and nobody looked: with RangeError: no\n$/,
  },
  "has several pools, all forgotten: one at work, one idle, one that it has not used": {
    code: `
      const pools = Array.from({ length: 3 }, () => new ProcessPoolExecutor(1));
      for (const n of [0, 1]) console.log(await pools[n].submit(double, n));
      pools[1].submit(sleepAndPrint, 50, "last");
    `,
    stdout: "0\n2\nlast\n",
  },
  "has a failing initializer: it sees why, and ends": {
    code: `
      const pool = new ProcessPoolExecutor({ maxWorkers: 1, initializer: fail });
      for (const future of [pool.submit(double, 1), pool.submit(double, 2)]) {
        await future.catch((error) => console.log(error.name, error.cause.message));
      }
    `,
    stdout: "BrokenProcessPool no\nBrokenProcessPool no\n",
  },
  "has workers that cannot start: it sees why, and ends": {
    code: `
      const pool = new ProcessPoolExecutor({ maxWorkers: 2, cwd: "/no/such/folder" });
      for (const future of [pool.submit(double, 1), pool.submit(double, 2)]) {
        await future.catch((error) => console.log(error.name));
      }
    `,
    stdout: "BrokenProcessPool\nBrokenProcessPool\n",
    needs: { processes: true },
  },
};

function assertEnded({ code, signal, stdout, stderr, timedOut }: ProgramResult, expected: ProgramCase): void {
  if (expected.stderr === undefined) assert.equal(stderr, "");
  else assert.match(stderr, expected.stderr);
  if (typeof expected.stdout === "string") assert.equal(stdout, expected.stdout);
  else assert.match(stdout, expected.stdout);
  assert.deepEqual({ code, signal, timedOut }, { code: 0, signal: null, timedOut: false });
}

for (const [name, expected] of Object.entries(PROGRAMS)) {
  forEachKind(
    `${/^[CE]\d/.test(name) ? "" : "program: "}${name.replace(/^((?:[CE]\d+ )+)/, "$1program: ")}`,
    (kind) =>
      withProject({
        "tasks.ts": TASKS,
        "program.ts": inKind(
          kind,
          `
          import { ProcessPoolExecutor } from "@ergate/ergate";
          import { writeFileSync } from "node:fs";
          import process from "node:process";
          import { double, fail, printWhenOpen, sleepAndPrint } from "./tasks.ts";
          void [double, fail, printWhenOpen, sleepAndPrint, process, writeFileSync];
          ${expected.code}`,
        ),
      }, async (project) => {
        const result = await project.run("program.ts");
        const { stdout } = expected;
        assertEnded(result, { ...expected, stdout: typeof stdout === "string" ? inKind(kind, stdout) : stdout });
        await project.untilClean();
      }),
    { needs: expected.needs },
  );
}
