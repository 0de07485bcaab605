/**
 * Workers that die: exactly the call that the worker was at is lost, and every other one runs exactly once. What becomes of a
 * call wherever its worker dies, and however, is in `crash_table_test.ts`.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import {
  BrokenExecutor,
  type Executor,
  PicklingError,
  TaskNotFoundError,
  tasks as registerTasks,
  WorkerLostError,
} from "../mod.ts";
import { Arrivals, Latch, randomNumbers, sleep } from "./harness.ts";
import { assertBroken, type Death, forEachKind, type Kind, wordsOf } from "./kinds.ts";
import { forEachKindTogether, range, rejection, reported, withPool } from "./pools.ts";
import { REPOSITORY } from "./project.ts";
import * as tasks from "./tasks.ts";
import * as deadly from "./tasks_losses.ts";

interface Place {
  /** Submits a call whose worker dies there. */
  readonly submit: (pool: Executor, how: string, folder: string) => Promise<unknown>;
  readonly task: RegExp;
  readonly mayHaveRun: boolean;
}

let modules = 0;

/** A function of a module that does `statement` when a worker imports it. */
function taskOfModule(folder: string, statement: string): () => number {
  const path = `${folder}/module_${++modules}.ts`;
  writeFileSync(
    path,
    `import { tasks } from "file://${REPOSITORY}/tasks/task.ts";
     import process from "node:process";
     function answer(): number { return 42; }
     tasks(import.meta, { answer });
     void process;
     ${statement}`,
  );
  function answer(): number {
    return 42;
  }
  return registerTasks({ url: pathToFileURL(path).href }, { answer }).answer;
}

function statementOf(how: string): string {
  return `import { die } from "file://${REPOSITORY}/tests/worker_side.ts"; die("${how}");`;
}

const PLACES: Readonly<Record<string, Place>> = {
  "importing the task's module": {
    submit: (pool, how, folder) => pool.submit(taskOfModule(folder, statementOf(how))),
    task: /module_\d+\.ts#answer$/,
    mayHaveRun: false,
  },
  "running": {
    submit: (pool, how) => pool.submit(deadly.die, how),
    task: /tasks_losses\.ts#die$/,
    mayHaveRun: true,
  },
};

interface Lost {
  readonly kind: Kind;
  readonly place: Place;
  readonly death: Death;
  readonly workerName: string;
  readonly id: number;
}

function assertLost(error: unknown, { kind, place, death, workerName, id }: Lost): asserts error is WorkerLostError {
  assert(error instanceof WorkerLostError, String(error));
  assert(error instanceof BrokenExecutor);
  const { exitCode, signal, mayHaveRun } = error;
  assert.deepEqual({ exitCode, signal, mayHaveRun }, { ...death, mayHaveRun: place.mayHaveRun }, error.message);
  assert.equal(error.workerName, workerName);
  assert.equal(error.pid, kind.pidOf(id));
  assert.match(error.task, place.task);
  for (const part of [workerName, kind.place(id), wordsOf(death)]) assert(error.message.includes(part), error.message);
}

for (const [where, place] of Object.entries(PLACES)) {
  forEachKind(
    `losses: ${where}, "break": every pending call fails, the pool takes no more`,
    (kind) =>
      withPool(kind, { maxWorkers: 1, workerName: "Ant", onWorkerLost: "break" }, async (pool, folder) => {
        const id = await pool.submit(tasks.workerId);
        const futures = [
          place.submit(pool, "exit 3", folder),
          pool.submit(tasks.workerId),
          pool.submit(tasks.workerId),
        ];
        const errors = await Promise.all(futures.map(rejection));
        assert.equal(new Set(errors).size, 3);
        for (const error of errors) {
          assertBroken(kind, error, /terminated abruptly with exit code 3/);
          assertLost(error.cause, { kind, place, death: kind.deaths["exit 3"], workerName: "Ant-1", id });
        }
        assert.throws(() => pool.submit(tasks.workerId), kind.Broken);
        assert.throws(() => pool.map(tasks.identity, [1]), kind.Broken);
        assert.equal(pool.pendingCount, 0);
      }),
  );
}

forEachKind(
  "losses: by every exit, signal, terminate(): the error says how, that call alone is lost",
  (kind) =>
    withPool(kind, { maxWorkers: 1, workerName: "Ant" }, async (pool, folder) => {
      let ants = 0;
      for (const [how, death] of Object.entries(kind.deaths)) {
        const before = pool.submit(tasks.workerId);
        const lost = PLACES.running.submit(pool, how, folder);
        const after = pool.submit(tasks.pow, 2, 5);
        const error = await rejection(lost);
        const id = await before;
        assertLost(error, { kind, place: PLACES.running, death, workerName: `Ant-${++ants}`, id });
        assert.equal(await after, 32);
        assert.notEqual(await pool.submit(tasks.workerId), id);
      }
    }),
);

// What is no death.

forEachKindTogether(
  "losses: an error at a task, sync or async, or in its result's getter, is no death",
  (kind) =>
    withPool(kind, { maxWorkers: 1, onWorkerLost: "break" }, async (pool) => {
      const id = await pool.submit(tasks.workerId);
      await assert.rejects(pool.submit(tasks.raise, "sync", "RangeError"), { name: "RangeError", message: "sync" });
      const error = await rejection(pool.submit(deadly.throwInResult));
      assert(error instanceof PicklingError);
      assert.equal(error.path, "result.here");
      assert.equal(error.direction, "result");
      assert((error.cause as Error) instanceof RangeError);
      assert.equal(await pool.submit(tasks.workerId), id);
    }),
);

const BAD_MODULES: readonly { readonly statement: string; readonly says: RegExp }[] = [
  { statement: `throw new RangeError("not today");`, says: /^not today$/ },
  { statement: `await Promise.resolve(); throw new RangeError("not today");`, says: /^not today$/ },
  { statement: `await import("./nowhere.ts");`, says: /nowhere/ },
];

forEachKind(
  "losses: a task module that fails at import: TaskNotFoundError with its error, and the pool works on",
  (kind) =>
    withPool(kind, { maxWorkers: 1, onWorkerLost: "break" }, async (pool, folder) => {
      for (const { statement, says } of BAD_MODULES) {
        const answer = taskOfModule(folder, statement);
        for (let i = 0; i < 2; i++) {
          const error = await rejection(pool.submit(answer));
          assert(error instanceof TaskNotFoundError, String(error));
          assert.match(error.message, /must be importable in a worker/);
          assert.match((error.cause as Error).message, says);
          assert(error.message.includes((error.cause as Error).message));
        }
        assert.equal(await pool.submit(tasks.pow, 2, 5), 32);
      }
    }),
);

forEachKind(
  "losses: a task module that is not there, or does not register that name: TaskNotFoundError",
  (kind) =>
    withPool(kind, { maxWorkers: 1, onWorkerLost: "break" }, async (pool, folder) => {
      const { gone } = registerTasks({ url: pathToFileURL(`${folder}/gone.ts`).href }, { gone: () => 1 });
      const error = await rejection(pool.submit(gone));
      assert(error instanceof TaskNotFoundError);
      assert(error.cause instanceof Error);
      writeFileSync(`${folder}/empty.ts`, "export {};");
      const { absent } = registerTasks({ url: pathToFileURL(`${folder}/empty.ts`).href }, { absent: () => 1 });
      await assert.rejects(pool.submit(absent), { name: "TaskNotFoundError", message: /must register it/ });
      assert.equal(await pool.submit(tasks.pow, 2, 5), 32);
    }),
);

// Errors that nobody catches: those of threads are in `threads_test.ts`.

const STRAYS: Readonly<Record<string, (cause: unknown) => boolean>> = {
  "throw": (cause) => cause instanceof RangeError && cause.message === "stray",
  "throw null": (cause) => cause === null,
  "reject": (cause) => cause instanceof RangeError && cause.message === "stray",
};

forEachKindTogether(
  "losses: an error that nobody catches, in a running call: lost, with that error as cause",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      for (const [how, isRight] of Object.entries(STRAYS)) {
        const error = await rejection(pool.submit(deadly.throwStray, how as "throw"));
        assert(error instanceof WorkerLostError, String(error));
        assert(isRight(error.cause), `${how}: ${error.cause}`);
        assert.match(error.task, /#throwStray$/);
        assert.match(error.message, /#throwStray/);
        assert.equal(error.mayHaveRun, true);
        assert.equal(error.exitCode, 1);
        assert.equal(await pool.submit(tasks.pow, 2, 5), 32);
      }
    }),
  { needs: { processes: true } },
);

forEachKind(
  "losses: an error that nobody catches, in an idle worker: reported once, with the task's name",
  (kind) =>
    withPool(kind, { maxWorkers: 1, workerName: "Ant" }, async (pool, folder) => {
      let ants = 0;
      for (const [how, isRight] of Object.entries(STRAYS)) {
        const latch = new Latch(folder, how);
        const reports = await reported(async () => {
          const id = await pool.submit(deadly.dieWhenOpen, how, latch.path);
          latch.open();
          await kind.untilGone([id]);
          assert.notEqual(await pool.submit(tasks.workerId), id);
        });
        assert.equal(reports.length, 1);
        const [words, error] = reports[0];
        assert.match(String(words), new RegExp(`Ant-${++ants}.*#dieWhenOpen`));
        assert(isRight(error), `${how}: ${error}`);
      }
    }),
  { needs: { processes: true } },
);

forEachKindTogether(
  "losses: a stray error of an earlier call ends the call that runs, and is not said to be from that",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const latch = new Latch(folder);
      const arrivals = new Arrivals(folder);
      await pool.submit(deadly.dieWhenOpen, "throw", latch.path);
      const lost = pool.submit(tasks.meet, arrivals.path, `${folder}/never`);
      await arrivals.wait(1);
      latch.open();
      const error = await rejection(lost);
      assert(error instanceof WorkerLostError);
      assert.match(error.task, /#meet$/);
      assert.match(error.message, /#meet.*stray/);
      // Where the host can tell whose timer it was it says so, else nothing; never what is wrong.
      assert.doesNotMatch(error.message, /from \S*#meet/);
    }),
  { needs: { strays: true } },
);

// Idle deaths.

forEachKind(
  `losses: idle, "break": the pool is broken, as Python's is`,
  (kind) =>
    withPool(kind, { maxWorkers: 1, onWorkerLost: "break" }, async (pool) => {
      const id = await pool.submit(tasks.workerId);
      kind.kill(id);
      await kind.untilGone([id]);
      const error = await (async () => await rejection(pool.submit(tasks.workerId)))().catch((error) => error);
      assert(error instanceof kind.Broken, String(error));
      assert.throws(() => pool.submit(tasks.workerId), kind.Broken);
    }),
);

forEachKindTogether(
  "losses: calls that are sent to a worker that has just died are run by another",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool) => {
      for (let i = 0; i < 2; i++) {
        kind.kill(await pool.submit(tasks.workerId));
        // In this very turn nobody knows of it.
        const results = await Promise.all(range(20).map((n) => pool.submit(tasks.identity, n)));
        assert.deepEqual(results, range(20));
      }
    }),
  { needs: { processes: true } }, // a thread is ended by its own pool alone, which sends it nothing then
);

// The channel.

forEachKindTogether(
  "losses: a task that closes the channel: its call is lost, the worker goes",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const id = await pool.submit(tasks.workerId);
      const error = await rejection(pool.submit(deadly.closeChannel));
      assert(error instanceof WorkerLostError, String(error));
      assert.equal(await pool.submit(tasks.pow, 2, 5), 32);
      await kind.untilGone([id]);
    }),
);

// CPython's test_deadlock.py.

const BREAK = { maxWorkers: 2, onWorkerLost: "break" } as const;

forEachKind("C139 an argument that cannot be pickled: PicklingError, at submit itself, and shutdown returns", (kind) =>
  // Unlike CPython, where it arrives in the future.
  withPool(kind, BREAK, async (pool) => {
    const throwing = {
      get field(): never {
        throw new RangeError("no");
      },
    };
    assert.throws(() => pool.submit(tasks.identity, throwing), { name: "PicklingError", path: "args[0].field" });
    assert.equal(pool.pendingCount, 0);
    assert.equal(await pool.submit(tasks.identity, 1), 1);
    await pool.shutdown();
  }));

forEachKind(
  "C143 a task that crashes its worker: BrokenProcessPool, BrokenThreadPool",
  (kind) =>
    withPool(kind, BREAK, async (pool) => {
      for (const future of [pool.submit(deadly.die, "kill"), pool.submit(tasks.workerId)]) {
        const error = await future.exception();
        // The other worker may have run the other call before.
        assert(error === undefined || error instanceof kind.Broken, String(error));
      }
      assert.throws(() => pool.submit(tasks.workerId), kind.Broken);
    }),
);

forEachKind("C144 a task that exits: the death of its worker, with its exit code", (kind) =>
  // Unlike CPython, where SystemExit is an error of the task: `process.exit()` cannot be caught.
  withPool(kind, BREAK, async (pool) => {
    const error = await rejection(pool.submit(tasks.exitWith, 1));
    assert(error instanceof kind.Broken);
    assert.equal((error.cause as WorkerLostError).exitCode, 1);
  }));

forEachKindTogether(
  "C145 a task that throws: its error, and the pool lives",
  (kind) =>
    withPool(kind, { maxWorkers: 1, onWorkerLost: "break" }, async (pool) => {
      await assert.rejects(pool.submit(tasks.raise, "doh", "RangeError"), { name: "RangeError", message: "doh" });
      assert.equal(await pool.submit(tasks.pow, 2, 5), 32);
    }),
);

forEachKind(
  "C151 a worker that crashes after shutdown() was called: no deadlock, BrokenProcessPool, BrokenThreadPool",
  (kind) =>
    withPool(kind, BREAK, async (pool) => {
      await pool.submit(tasks.workerId);
      const crash = pool.submit(deadly.die, "kill");
      const closed = pool.shutdown({ wait: true });
      assert(await rejection(crash) instanceof kind.Broken);
      await closed;
    }),
);

forEachKind(
  "C151 the same by default: that call is lost, the others are run, shutdown returns",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const latch = new Latch(folder);
      const first = pool.submit(tasks.meet, arrivals.path, latch.path);
      const crash = pool.submit(deadly.die, "kill");
      const last = pool.submit(tasks.pow, 2, 5);
      await arrivals.wait(1);
      const closed = pool.shutdown();
      latch.open();
      await first;
      assert(await rejection(crash) instanceof WorkerLostError);
      assert.equal(await last, 32);
      await closed;
    }),
);

forEachKind(
  "C152 a call that cannot be pickled just before shutdown: PicklingError at submit, the pool ends",
  (kind) =>
    withPool(kind, BREAK, async (pool) => {
      const first = pool.submit(tasks.pow, 2, 5);
      assert.throws(() => pool.submit(tasks.identity, () => {}), PicklingError);
      await pool.shutdown({ wait: false });
      assert.equal(await first, 32);
      await pool.shutdown();
    }),
);

forEachKind(
  "C153 workers that crash while big arguments are being written: BrokenProcessPool, BrokenThreadPool; no hang",
  (kind) =>
    withPool(kind, BREAK, async (pool) => {
      const data = new Uint8Array(5_000_000);
      await pool.submit(deadly.sizeOf, data.subarray(0, 10));
      const futures = range(10).map(() => pool.submit(deadly.dieWith, "kill", data));
      for (const future of futures) assert(await rejection(future) instanceof kind.Broken);
      assert.throws(() => pool.submit(tasks.workerId), kind.Broken);
    }),
);

forEachKindTogether(
  "C153 the same by default: each call is lost for itself",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool) => {
      const data = new Uint8Array(5_000_000);
      const futures = range(3).map(() => pool.submit(deadly.dieWith, "exit 3", data));
      for (const future of futures) assert.equal((await rejection(future) as WorkerLostError).exitCode, 3);
      assert.equal(await pool.submit(deadly.sizeOf, data), 5_000_000);
    }),
);

forEachKind(
  "C154 a burst of submits before the first worker is ready: all results arrive",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool) => {
      const futures = range(100).map((n) => pool.submit(tasks.identity, n));
      assert.deepEqual(await Promise.all(futures), range(100));
    }),
);

// Who is lost?

function once(lines: readonly string[], all: readonly string[]): void {
  assert.deepEqual([...lines].sort(), [...all].sort(), "each call must have run exactly once");
}

for (const maxWorkers of [1, 2]) {
  forEachKindTogether(
    `losses: killers among many short calls, ${maxWorkers} worker(s): they alone are lost`,
    (kind) =>
      withPool(kind, { maxWorkers }, async (pool, folder) => {
        const arrivals = new Arrivals(folder);
        const warm = new Arrivals(folder, "warm");
        await Promise.all(range(300).map((n) => pool.submit(tasks.leaveMark, warm.path, `${n}`)));
        const killers = new Set([0, 1, 299]);
        const futures = range(300).map((n) =>
          killers.has(n)
            ? pool.submit(deadly.die, n % 2 === 0 ? "kill" : "exit 3")
            : pool.submit(tasks.leaveMark, arrivals.path, `${n}`)
        );
        const outcomes = await Promise.all(futures.map((future) => future.exception()));
        const lost = outcomes.flatMap((error, n) => error === undefined ? [] : [n]);
        assert.deepEqual(lost, [...killers], String(outcomes.find((error) => error !== undefined)));
        const others = range(300).filter((n) => !killers.has(n)).map(String);
        once(arrivals.lines, others);
        if (maxWorkers === 1) assert.deepEqual(arrivals.lines, others, "in order");
        once(warm.lines, range(300).map(String));
      }),
  );
}

forEachKindTogether(
  "losses: a killer of the same short task takes at most those with it whose answers were on the way",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      await Promise.all(range(200).map(() => pool.submit(deadly.markOrDie, `${folder}/warm`, "")));
      const killer = 150;
      const futures = range(300).map((n) =>
        pool.submit(deadly.markOrDie, arrivals.path, `${n}`, ...n === killer ? ["kill"] : [])
      );
      const outcomes = await Promise.all(futures.map((future) => future.exception()));
      const lost = outcomes.flatMap((error, n) => error === undefined ? [] : [n]);
      assert.equal(lost.at(-1), killer);
      assert.deepEqual(lost, range(lost.length).map((i) => killer - lost.length + 1 + i), "those just before it");
      for (const n of lost) assert.equal((outcomes[n] as WorkerLostError).mayHaveRun, true);
      assert.deepEqual(arrivals.lines, range(300).map(String), "each exactly once, in order");
    }),
);

forEachKindTogether(
  "losses: a killer among the tiny items of a map takes a last millisecond along, no more",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool) => {
      const { length } = range(30_000);
      const killer = 20_000;
      const results = pool.map(deadly.dieAt, range(length), new Array(length).fill(killer));
      const lost: number[] = [];
      for (let n = 0; n < length; n++) {
        try {
          assert.equal((await results.next()).value, n);
        } catch (error) {
          if (!(error instanceof WorkerLostError)) throw error;
          lost.push(n);
        }
      }
      assert.equal((await results.next()).done, true);
      assert(lost.includes(killer));
      // A millisecond has 500 of them; some more were entered together.
      assert(lost.at(-1)! - lost[0] < 5_000, `${lost[0]} to ${lost.at(-1)}`);
      assert.deepEqual(await pool.map(tasks.identity, range(100)).toArray(), range(100));
    }),
);

forEachKindTogether(
  "losses: short calls behind one that turns out long are taken back, and run elsewhere, once",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool, folder) => {
      const warm = new Arrivals(folder, "warm");
      await Promise.all(range(500).map((n) => pool.submit(deadly.markAndBlock, warm.path, `${n}`)));
      for (let round = 0; round < 3; round++) {
        const arrivals = new Arrivals(folder, `round-${round}`);
        const latch = new Latch(folder, `latch-${round}`);
        const first = range(20).map((n) => pool.submit(deadly.markAndBlock, arrivals.path, `first ${n}`));
        const long = pool.submit(deadly.markAndBlock, arrivals.path, "long", latch.path);
        const rest = range(200).map((n) => pool.submit(deadly.markAndBlock, arrivals.path, `rest ${n}`));
        // The latch opens only then: what stays behind the long call would wait for ever.
        await Promise.all(rest);
        assert(!long.done());
        latch.open();
        assert.equal(await long, "long");
        await Promise.all(first);
        once(arrivals.lines, [...range(20).map((n) => `first ${n}`), "long", ...range(200).map((n) => `rest ${n}`)]);
      }
      once(warm.lines, range(500).map(String));
    }),
);

forEachKindTogether(
  "losses: the same behind a long call that awaits",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool, folder) => {
      await Promise.all(range(500).map(() => pool.submit(deadly.markAndWait, `${folder}/warm`, "")));
      for (let round = 0; round < 3; round++) {
        const arrivals = new Arrivals(folder, `round-${round}`);
        const latch = new Latch(folder, `latch-${round}`);
        const long = pool.submit(deadly.markAndWait, arrivals.path, "long", latch.path);
        await Promise.all(range(200).map((n) => pool.submit(deadly.markAndWait, arrivals.path, `${n}`)));
        assert(!long.done());
        latch.open();
        assert.equal(await long, "long");
        once(arrivals.lines, ["long", ...range(200).map(String)]);
      }
    }),
);

for (const chunksize of ["auto", 100] as const) {
  forEachKindTogether(
    `losses: items of a map behind a long one, chunksize ${chunksize}: all others run meanwhile, once`,
    (kind) =>
      withPool(kind, { maxWorkers: 2 }, async (pool, folder) => {
        const arrivals = new Arrivals(folder);
        const latch = new Latch(folder);
        const count = 600;
        const results = pool.map(
          deadly.markAndBlock,
          new Array(count).fill(arrivals.path),
          range(count).map(String),
          range(count).map((n) => n === 333 ? latch.path : undefined),
          { chunksize },
        );
        const all = results.toArray();
        all.catch(() => {}); // if the wait below fails, that is the error to show
        await arrivals.wait(count); // no result is read past the long one's yet
        latch.open();
        assert.deepEqual(await all, range(count).map(String));
        once(arrivals.lines, range(count).map(String));
      }),
  );
}

forEachKindTogether(
  "losses: calls of a task that is now short, now long, and sometimes kills: each runs exactly once",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const random = randomNumbers();
      const errors: unknown[] = [];
      let next = 0;
      let deaths = 0;
      while (next < 800 || deaths < 2) {
        const batch = range(1 + Math.floor(random() * 80)).map(() => {
          // Around the 1 and 2 ms on which the taking back of calls turns.
          const milliseconds = random() < 0.9 ? 0.02 : random() * 5;
          const deadlyOne = random() < 0.002 ? ["exit 3"] : [];
          deaths += deadlyOne.length;
          return pool.submit(deadly.markAndSpin, arrivals.path, `${next++}`, milliseconds, ...deadlyOne);
        });
        for (const future of batch) errors.push(await future.exception());
      }
      const lost = errors.filter((error) => error !== undefined);
      for (const error of lost) {
        assert(error instanceof WorkerLostError, String(error));
        assert.equal(error.mayHaveRun, true); // it died at its end, by itself
      }
      assert(lost.length >= deaths && lost.length <= 300 * deaths, `${lost.length} lost by ${deaths} deaths`);
      once(arrivals.lines, range(next).map(String));
    }),
);

forEachKindTogether(
  "losses: a worker that dies at a long call from whose back calls were taken: none is lost or run twice",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool, folder) => {
      await Promise.all(range(500).map(() => pool.submit(deadly.markAndBlock, `${folder}/warm`, "")));
      for (let round = 0; round < 2; round++) {
        const arrivals = new Arrivals(folder, `round-${round}`);
        const long = pool.submit(deadly.markAndBlock, arrivals.path, "long", `${folder}/never-${round}`);
        await Promise.all(range(100).map((n) => pool.submit(deadly.markAndBlock, arrivals.path, `${n}`)));
        const busy = new Arrivals(folder, `never-${round}.worker`);
        await busy.wait(1);
        kind.kill(Number(busy.lines[0]));
        assert(await long.exception() instanceof WorkerLostError);
        once(arrivals.lines, ["long", ...range(100).map(String)]);
      }
    }),
);

forEachKindTogether(
  "losses: random kills: every call settles, is right, and ran exactly once if it was not lost",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool, folder) => {
      const kills = 5;
      const arrivals = new Arrivals(folder);
      const random = randomNumbers();
      const settled: { n: number; error: unknown }[] = [];
      const killed = new Set<number>();
      let next = 0;
      async function submitBatches(): Promise<void> {
        while (killed.size < kills || next < 500) {
          const batch = range(1 + Math.floor(random() * 60)).map(() => next++);
          await Promise.all(batch.map(async (n) => {
            const future = random() < 0.02
              ? pool.submit(tasks.sleep, 5).then(() => pool.submit(deadly.markId, arrivals.path, `${n}`))
              : pool.submit(deadly.markId, arrivals.path, `${n}`);
            try {
              assert.equal(await future, `${n}`);
              settled.push({ n, error: undefined });
            } catch (error) {
              settled.push({ n, error });
            }
          }));
        }
      }
      async function killSome(): Promise<void> {
        while (killed.size < kills) {
          await sleep(20 + random() * 80);
          const id = Number(arrivals.lines.at(-1)?.split(" ")[1]);
          if (!id || killed.has(id)) continue;
          kind.kill(id);
          killed.add(id);
        }
      }
      await Promise.all([submitBatches(), submitBatches(), killSome()]);
      assert.equal(settled.length, next);
      const runs = new Map<number, number>();
      for (const line of arrivals.lines) {
        const n = parseInt(line);
        runs.set(n, (runs.get(n) ?? 0) + 1);
      }
      for (const { n, error } of settled) {
        if (error === undefined) {
          assert.equal(runs.get(n), 1, `call ${n}`);
          continue;
        }
        assert(error instanceof WorkerLostError, String(error));
        const count = runs.get(n) ?? 0;
        assert(count <= (error.mayHaveRun ? 1 : 0), `call ${n} was lost and ran ${count} times`);
      }
    }),
);
