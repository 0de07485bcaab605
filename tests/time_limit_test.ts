/** Calls that are ended: by `taskTimeout`, by `cancel({ force: true })`, by a signal. The kill names its call. */
import assert from "node:assert/strict";
import { CancelledError, type Future, PicklingError, TaskTimeoutError, TimeoutError } from "../mod.ts";
import { Arrivals, Latch, runtimeName, sleep, withTempFolder } from "./harness.ts";
import { withoutPatience } from "./host_doubles.ts";
import { forEachKind } from "./kinds.ts";
import { forEachKindTogether, range, rejection, withPool } from "./pools.ts";
import * as calls from "./tasks_calls.ts";
import * as tasks from "./tasks.ts";
import * as deadly from "./tasks_losses.ts";

/** Milliseconds: short, as calls that never end come to it. */
const SHORT = 60;

/** For calls that come to it after they have done something: the busiest machine lets them do it before. */
const ENOUGH = 1_000;

/** Deno's threads cannot be stopped in a loop; they hear of their end by the harness alone, and are not at once gone. */
const endsLoops = runtimeName !== "deno";

// Time limits

forEachKind(
  "U3 taskTimeout: a call past it fails, and is not too early; its worker is replaced",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const before = await pool.submit(tasks.workerId);
      for (const task of [calls.loop, calls.hang]) {
        const begin = performance.now();
        const error = await rejection(pool.with({ taskTimeout: SHORT }).submit(task, arrivals.path));
        assert(performance.now() - begin >= SHORT);
        assert(error instanceof TaskTimeoutError && error instanceof TimeoutError);
        assert.equal(error.taskTimeout, SHORT);
        assert.match(error.task, new RegExp(`tasks_calls\\.ts#${task.name}$`));
        assert.match(
          error.message,
          /^Cannot finish the call of .* as it must not run for longer than its taskTimeout of 60 ms/,
        );
      }
      assert.notEqual(await pool.submit(tasks.workerId), before);
      if (kind.can.processes || endsLoops) await kind.untilGone([before]);
    }),
);

forEachKind(
  "U3 taskTimeout: of the executor, and a call's own instead",
  (kind) =>
    withPool(kind, { maxWorkers: 1, taskTimeout: SHORT }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      await assert.rejects(pool.submit(calls.hang, arrivals.path), TaskTimeoutError);
      assert.equal(await pool.with({ taskTimeout: Infinity }).submit(tasks.sleep, 3 * SHORT), 3 * SHORT);
      assert.equal(await pool.with({ taskTimeout: 60_000 }).submit(tasks.sleep, 3 * SHORT), 3 * SHORT);
    }),
);

forEachKindTogether(
  "U3 taskTimeout: it is running time; what waits in the queue, or behind another call, has all of it",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const latch = new Latch(folder);
      await Promise.all(range(100).map(() => pool.submit(tasks.pow, 2, 2))); // known as short, and so sent ahead
      const limited = pool.with({ taskTimeout: ENOUGH });
      const first = pool.submit(tasks.blockingMeet, arrivals.path, latch.path);
      const waiting = range(4).map((number) => limited.submit(tasks.pow, number, 2));
      await arrivals.wait(1);
      await sleep(ENOUGH + 100);
      latch.open();
      assert.deepEqual(await Promise.all(waiting), [0, 1, 4, 9]);
      await first;
    }),
);

forEachKindTogether(
  "U3 taskTimeout: no other call is harmed: what waits behind the one that is killed runs, in order",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const marks = new Arrivals(folder, "marks");
      // Known as short, so that many of them are sent ahead.
      await Promise.all(range(100).map(() => pool.submit(tasks.leaveMark, arrivals.path, "warm")));
      const before = range(50).map((i) => pool.submit(tasks.leaveMark, marks.path, `a${i}`));
      const hung = pool.with({ taskTimeout: SHORT }).submit(calls.hang, arrivals.path);
      const behind = range(50).map((i) => pool.submit(tasks.leaveMark, marks.path, `b${i}`));
      await assert.rejects(hung, TaskTimeoutError);
      await Promise.all([...before, ...behind]);
      assert.deepEqual(marks.lines, [...range(50).map((i) => `a${i}`), ...range(50).map((i) => `b${i}`)]);
    }),
);

forEachKindTogether(
  "U3 taskTimeout: items of a map have it each; the others give their results",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool) => {
      const results = pool.with({ taskTimeout: ENOUGH }).map(tasks.sleep, [1, 2, 60_000, 3, 60_000, 4]);
      const seen: unknown[] = [];
      for (let i = 0; i < 6; i++) {
        seen.push(await results.next().then(({ value }) => value, (error) => error instanceof TaskTimeoutError));
      }
      assert.deepEqual(seen, [1, 2, true, 3, true, 4]);
      assert.equal((await results.next()).done, true);
    }),
);

forEachKind(
  "U3 taskTimeout: a lost worker does not break a pool that breaks, if the pool itself has killed it",
  (kind) =>
    withPool(kind, { maxWorkers: 1, onWorkerLost: "break" }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      await assert.rejects(pool.with({ taskTimeout: SHORT }).submit(calls.hang, arrivals.path), TaskTimeoutError);
      assert.equal(await pool.submit(tasks.pow, 2, 3), 8);
    }),
);

forEachKindTogether(
  "U3 taskTimeout: a process that ignores SIGTERM is ended by SIGKILL",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const id = await pool.submit(tasks.workerId);
      await withoutPatience(() =>
        assert.rejects(
          pool.with({ taskTimeout: SHORT }).submit(calls.loopUntilKilled, arrivals.path),
          TaskTimeoutError,
        )
      );
      assert.equal(kind.isAlive(id), false);
    }),
  { needs: { processes: true } },
);

forEachKind(
  "U3 taskTimeout: a worker in which a leftover timer loops is replaced; the call runs elsewhere",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const looping = new Arrivals(folder);
      const before = await pool.submit(deadly.loopWhenIdle, looping.path);
      await looping.wait(1);
      assert.notEqual(await pool.with({ taskTimeout: ENOUGH }).submit(tasks.workerId), before);
    }),
);

forEachKindTogether(
  "U3 taskTimeout: a busy parent kills no worker whose call has ended in time",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const latch = new Latch(folder);
      const before = await pool.submit(tasks.workerId);
      const future = pool.with({ taskTimeout: ENOUGH }).submit(tasks.blockingMeet, arrivals.path, latch.path);
      await arrivals.wait(1);
      await sleep(50); // so that the watch has seen the call
      latch.open();
      // No turn of the parent ends meanwhile: the call ends, and is not heard of.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1.5 * ENOUGH);
      assert.equal(await future, before);
      assert.equal(await pool.submit(tasks.workerId), before);
    }),
);

forEachKind(
  "U3 taskTimeout: a worker that is killed gets no other call, though it lasts until its end",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const first = pool.with({ taskTimeout: SHORT }).submit(calls.outliveSignal, arrivals.path, 4 * SHORT);
      const next = pool.submit(tasks.sleep, 800);
      await first.exception();
      assert.equal(await next, 800);
    }),
  { needs: { processes: true } },
);

forEachKind("U4 cancel by force: of a call that a worker in a loop never enters; shutdown ends", async (kind) => {
  await withTempFolder(async (folder) => {
    const pool = kind.make({ maxWorkers: 1 });
    const looping = new Arrivals(folder);
    await pool.submit(deadly.loopWhenIdle, looping.path);
    await looping.wait(1);
    const future = pool.submit(tasks.pow, 2, 3);
    while (!future.running()) await sleep(1);
    assert.equal(future.cancel({ force: true }), true);
    await withoutPatience(() => pool.shutdown());
  });
});

// The task's own signal

forEachKindTogether(
  "U3 signal: a loop that asks for it is told, and may end by itself; its worker lives on",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const before = await pool.submit(tasks.workerId);
      const error = await rejection(
        pool.with({ taskTimeout: ENOUGH }).submit(calls.loopUntilAborted, arrivals.path),
      ) as Error;
      assert(error instanceof TaskTimeoutError);
      assert.equal(error.cause, undefined); // what it threw was the signal's reason
      assert.equal(await pool.submit(tasks.workerId), before);
    }),
);

forEachKindTogether(
  "U3 signal: what a task returns when it was told is its result, what else it throws the cause",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const limited = pool.with({ taskTimeout: ENOUGH });
      assert.match(
        await limited.submit(calls.waitUntilAborted, arrivals.path),
        /^TaskTimeoutError: Cannot finish the call/,
      );
      const error = await rejection(limited.submit(calls.failWhenAborted, arrivals.path)) as Error;
      assert(error instanceof TaskTimeoutError);
      assert(error.cause instanceof RangeError);
      assert.equal(error.cause.message, "tidied up");
    }),
);

forEachKindTogether(
  "U3 signal: a task that was told and goes on is killed all the same",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      await assert.rejects(
        pool.with({ taskTimeout: SHORT }).submit(calls.hangInSpite, arrivals.path),
        TaskTimeoutError,
      );
      assert.equal(await pool.submit(tasks.pow, 2, 3), 8);
    }),
);

// Cancelling by force

forEachKindTogether(
  "U4 cancel by force: a running call is cancelled at once, its worker replaced",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const before = await pool.submit(tasks.workerId);
      const future = pool.submit(calls.loop, arrivals.path);
      const called: boolean[] = [];
      future.addDoneCallback((done) => called.push(done.cancelled()));
      await arrivals.wait(1);
      assert.equal(future.cancel(), false);
      assert.equal(future.cancel({ force: true }), true);
      assert.equal(future.cancel(), true);
      assert.deepEqual([future.cancelled(), future.running(), future.done()], [true, false, true]);
      assert.deepEqual(called, [true]);
      await assert.rejects(future, CancelledError);
      assert.notEqual(await pool.submit(tasks.workerId), before);
    }),
);

forEachKindTogether(
  "U4 cancel by force: of many calls that were sent, exactly those are ended; the others run once",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const marks = new Arrivals(folder, "marks");
      const latch = new Latch(folder);
      await Promise.all(range(100).map(() => pool.submit(deadly.markAndBlock, arrivals.path, "warm")));
      // Each twentieth would hold its worker, so that two of them do until all is cancelled.
      const futures = range(400).map((i) =>
        pool.submit(deadly.markAndBlock, marks.path, String(i), ...i % 20 === 0 ? [latch.path] : [])
      );
      const ended: Future<unknown>[] = [];
      await new Arrivals(folder, "latch.worker").wait(2);
      for (const future of futures.filter((_, i) => i % 3 === 0)) {
        if (!future.done() && future.cancel({ force: true })) ended.push(future);
      }
      latch.open();
      const outcomes = await Promise.allSettled(futures);
      outcomes.forEach((outcome, i) => assert.equal(outcome.status === "rejected", futures[i].cancelled(), String(i)));
      const counts = new Map<string, number>();
      for (const line of marks.lines) counts.set(line, (counts.get(line) ?? 0) + 1);
      futures.forEach((future, i) => {
        const count = counts.get(String(i)) ?? 0;
        assert(future.cancelled() ? count <= 1 : count === 1, `${i} ran ${count} times`);
      });
      assert(ended.length >= 7); // all those that would be held
    }),
);

forEachKind("U4 cancel by force: shutdown waits until the worker is gone", async (kind) => {
  const pool = kind.make({ maxWorkers: 1 });
  const id = await pool.submit(tasks.workerId);
  const future = pool.submit(tasks.sleep, 60_000);
  while (!future.running()) await sleep(1);
  assert.equal(future.cancel({ force: true }), true);
  await pool.shutdown();
  await kind.untilGone([id]);
});

forEachKindTogether("U4 cancel: options are checked", (kind) =>
  withPool(kind, { maxWorkers: 1 }, async (pool) => {
    const future = pool.submit(tasks.pow, 2, 3);
    for (const options of [null, 1, { force: 1 }, { forced: true }]) {
      assert.throws(() => future.cancel(options as never), { name: "TypeError", message: /^Cannot cancel as / });
    }
    assert.equal(await future, 8);
    assert.equal(future.cancel({ force: true }), false);
  }));

// Signals

/** Counts the listeners that a signal has from now on. */
function listenersOf(signal: AbortSignal): { readonly count: number } {
  const listeners = { count: 0 };
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: unknown[]) => {
    listeners.count++;
    addEventListener.apply(signal, args as never);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    listeners.count--;
    removeEventListener.apply(signal, args as never);
  };
  return listeners;
}

forEachKindTogether(
  "U4 signal: an abort cancels what is queued and what runs, with the reason as cause",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const controller = new AbortController();
      const bound = pool.with({ signal: controller.signal });
      const running = bound.submit(calls.hang, arrivals.path);
      const queued = bound.submit(calls.hang, arrivals.path);
      const done = pool.submit(tasks.pow, 2, 3);
      await arrivals.wait(1);
      const reason = new RangeError("enough");
      controller.abort(reason);
      for (const future of [running, queued]) {
        assert.equal(future.cancelled(), true);
        const error = await rejection(future) as Error;
        assert(error instanceof CancelledError);
        assert.equal(error.cause, reason);
      }
      assert.equal(await done, 8);
      assert.equal(arrivals.count, 1);
    }),
);

forEachKindTogether(
  "U4 signal: one that has aborted before cancels at once; nothing is sent",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const bound = pool.with({ signal: AbortSignal.abort("before") });
      const future = bound.submit(tasks.leaveMark, arrivals.path, "ran");
      assert.equal(future.cancelled(), true);
      const results = bound.map(tasks.leaveMark, range(3).map(() => arrivals.path), range(3).map(String));
      for (let i = 0; i < 3; i++) await assert.rejects(results.next(), { name: "CancelledError", cause: "before" });
      assert.equal((await results.next()).done, true);
      assert.equal(await pool.submit(tasks.pow, 2, 3), 8);
      assert.deepEqual(arrivals.lines, []);
      assert.equal(pool.pendingCount, 0);
    }),
);

forEachKindTogether(
  "U4 signal: an abort ends a map: results so far are given, the rest is cancelled",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const latch = new Latch(folder);
      const open = new Latch(folder, "open");
      open.open();
      const controller = new AbortController();
      const results = pool.with({ signal: controller.signal })
        .map(tasks.meet, range(9).map(() => arrivals.path), [open.path, ...range(8).map(() => latch.path)]);
      assert.equal(typeof (await results.next()).value, "number");
      await arrivals.wait(3);
      controller.abort();
      let cancelled = 0;
      for (;;) {
        const outcome = await results.next().catch((error) => error as Error);
        if (!(outcome instanceof Error)) {
          assert.equal(outcome.done, true);
          break;
        }
        assert(outcome instanceof CancelledError);
        assert.equal((outcome.cause as Error).name, "AbortError");
        cancelled++;
      }
      assert.equal(cancelled, 8);
      assert.equal(await pool.submit(tasks.pow, 2, 3), 8);
    }),
);

forEachKindTogether(
  "signal: however often it is bound, and whatever a map has, it gets one listener at most",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const { signal } = new AbortController();
      const listeners = listenersOf(signal);
      const futures = range(20).map((n) => pool.with({ signal }).submit(tasks.pow, n, 1));
      assert.equal(listeners.count, 1);
      await Promise.all(futures);
      assert.equal(listeners.count, 0);
      pool.with({ signal }).map(tasks.pow, [], []);
      await assert.rejects(pool.with({ signal }).map(tasks.identity, [() => 1] as unknown[]).next(), PicklingError);
      assert.equal(listeners.count, 0);
    }),
);

forEachKindTogether(
  "signal: calls that are done leave no listener on it",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const { signal } = new AbortController();
      const listeners = listenersOf(signal);
      const bound = pool.with({ signal });
      const first = bound.submit(tasks.pow, 2, 3);
      assert.equal(listeners.count, 1);
      await Promise.all([first, bound.submit(tasks.pow, 2, 4), bound.map(tasks.pow, [1, 2], [3, 4]).toArray()]);
      assert.equal(listeners.count, 0);
    }),
);
