/**
 * `wait`: rows C125 to C133 of CPython's `test_wait.py`, and what we promise beyond it. The futures come from
 * `newFuture` and its like: a "quick task" is a future that the test settles, a "blocked" one is left.
 */
import assert from "node:assert/strict";
import { createFuture, newFuture, protocolOf, setException, setResult, setRunning } from "../executor/future.ts";
import type { Future } from "../executor/future.ts";
import { asCompleted, wait } from "../executor/wait.ts";
import type { ReturnWhen, WaitResult } from "../executor/wait.ts";
import { test } from "./harness.ts";

const FAILURE = new RangeError("doh!");

function running(): Future<number> {
  const future = createFuture<number>();
  setRunning(future);
  return future;
}

function successful(): Future<number> {
  const future = createFuture<number>();
  setResult(future, 42);
  return future;
}

function failed(): Future<number> {
  const future = createFuture<number>();
  setException(future, FAILURE);
  return future;
}

function cancelled(): Future<number> {
  const future = createFuture<number>();
  future.cancel();
  return future;
}

function notified(): Future<number> {
  const future = cancelled();
  setRunning(future);
  return future;
}

/** By identity: futures in the same state are deeply equal. */
function assertSets(result: WaitResult<Future<number>>, done: Future<number>[], notDone: Future<number>[]): void {
  assert.deepEqual([result.done.size, result.notDone.size], [done.length, notDone.length]);
  for (const future of done) assert.ok(result.done.has(future));
  for (const future of notDone) assert.ok(result.notDone.has(future));
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** The timers set while `fn` runs that were neither fired nor cleared by its end. */
async function timersLeft(fn: () => Promise<void>): Promise<number> {
  const { setTimeout, clearTimeout } = globalThis;
  const live = new Set<unknown>();
  globalThis.setTimeout = ((callback: () => void, delay: number) => {
    const handle = setTimeout(() => {
      live.delete(handle);
      callback();
    }, delay);
    live.add(handle);
    return handle;
  }) as never;
  globalThis.clearTimeout = ((handle: never) => {
    live.delete(handle);
    clearTimeout(handle);
  }) as never;
  try {
    await fn();
    return live.size;
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout });
  }
}

test("C125 wait: the same future given twice is one", async () => {
  const future = running();
  const waiting = wait([future, future], { returnWhen: "ALL_COMPLETED" });
  setResult(future, 1);
  assertSets(await waiting, [future], []);
});

// Unlike Python (S2, and S23 as design.md says), a cancelled future counts as done: here it ends the wait at once.
test("C126 wait: FIRST_COMPLETED, a cancelled future wakes it", async () => {
  const [already, quick, blocked] = [cancelled(), running(), running()];
  assertSets(
    await wait([already, quick, blocked], { returnWhen: "FIRST_COMPLETED" }),
    [already],
    [quick, blocked],
  );
});

test("C126 wait: FIRST_COMPLETED returns with the quick one", async () => {
  const [quick, blocked, pending] = [running(), running(), createFuture<number>()];
  const waiting = wait([quick, blocked, pending], { returnWhen: "FIRST_COMPLETED" });
  await turn();
  setResult(quick, 1);
  assertSets(await waiting, [quick], [blocked, pending]);
});

test("C126 wait: FIRST_COMPLETED, a future cancelled during the wait wakes it", async () => {
  const [pending, blocked] = [createFuture<number>(), running()];
  const waiting = wait([pending, blocked], { returnWhen: "FIRST_COMPLETED" });
  await turn();
  pending.cancel();
  assertSets(await waiting, [pending], [blocked]);
});

test("C127 wait: FIRST_COMPLETED with some done already returns at once with exactly those", async () => {
  const [first, second, third, blocked] = [notified(), successful(), failed(), running()];
  assertSets(
    await wait([first, second, third, blocked], { returnWhen: "FIRST_COMPLETED" }),
    [first, second, third],
    [blocked],
  );
});

test("C128 wait: FIRST_EXCEPTION returns when one throws", async () => {
  const [returns, throws, blocked] = [running(), running(), running()];
  const waiting = wait([returns, throws, blocked], { returnWhen: "FIRST_EXCEPTION" });
  await turn();
  setResult(returns, 1);
  await turn();
  setException(throws, FAILURE);
  assertSets(await waiting, [returns, throws], [blocked]);
});

test("C128 wait: FIRST_EXCEPTION, falsy errors are errors", async () => {
  const [throws, blocked] = [running(), running()];
  const waiting = wait([throws, blocked], { returnWhen: "FIRST_EXCEPTION" });
  setException(throws, undefined);
  assertSets(await waiting, [throws], [blocked]);
});

// Unlike Python, the cancelled future is in `done` (S2, and design.md).
test("C129 wait: FIRST_EXCEPTION with some done already", async () => {
  const [first, second, third, blocked] = [successful(), cancelled(), notified(), running()];
  const throws = running();
  const waiting = wait([first, second, third, throws, blocked], { returnWhen: "FIRST_EXCEPTION" });
  await turn();
  setException(throws, FAILURE);
  assertSets(await waiting, [first, second, third, throws], [blocked]);
});

test("C130 wait: FIRST_EXCEPTION with one failed already returns at once", async () => {
  const [already, blocked] = [failed(), running()];
  assertSets(await wait([already, blocked], { returnWhen: "FIRST_EXCEPTION" }), [already], [blocked]);
});

test("C131 wait: ALL_COMPLETED has every kind of end in done", async () => {
  const already = [cancelled(), notified(), failed(), successful()];
  const [first, second, third] = [running(), running(), createFuture<number>()];
  const waiting = wait([...already, first, second, third], { returnWhen: "ALL_COMPLETED" });
  setResult(first, 1);
  await turn();
  setException(second, FAILURE);
  third.cancel();
  assertSets(await waiting, [...already, first, second, third], []);
});

test("C132 wait: a timeout gives what is done, and throws nothing", async () => {
  const already = [notified(), failed(), successful()];
  const blocked = running();
  assertSets(await wait([...already, blocked], { timeout: 10 }), already, [blocked]);
  assertSets(await wait([...already, blocked], { timeout: 0 }), already, [blocked]);
});

test("C133 wait: a hundred futures that end in one turn are all counted", async () => {
  const futures = Array.from({ length: 100 }, running);
  const waiting = wait(futures, { returnWhen: "ALL_COMPLETED" });
  await turn();
  for (const future of futures) setResult(future, 1);
  assertSets(await waiting, futures, []);
});

test("S5 wait: FIRST_EXCEPTION waits for all if none fails; a cancelled future is no failure", async () => {
  const [returns, cancels] = [running(), createFuture<number>()];
  let returned = false;
  const waiting = wait([returns, cancels], { returnWhen: "FIRST_EXCEPTION" });
  waiting.then(() => void (returned = true));
  cancels.cancel();
  await turn();
  assert.equal(returned, false);
  setResult(returns, 1);
  assertSets(await waiting, [returns, cancels], []);
});

test("S5 wait: FIRST_COMPLETED has all that ended before the waiter woke", async () => {
  const [first, second, blocked] = [running(), running(), running()];
  const waiting = wait([first, second, blocked], { returnWhen: "FIRST_COMPLETED" });
  setResult(first, 1);
  setResult(second, 2);
  assertSets(await waiting, [first, second], [blocked]);
});

test("S5 wait: nothing to wait for returns two empty sets", async () => {
  for (const returnWhen of ["ALL_COMPLETED", "FIRST_COMPLETED", "FIRST_EXCEPTION", undefined] as const) {
    assertSets(await wait<Future<number>>([], { returnWhen }), [], []);
  }
});

test("S5 wait: any iterable will do, and is drawn once, at the call", async () => {
  const futures = [running(), running()];
  let draws = 0;
  function* draw(): Generator<Future<number>> {
    draws += 1;
    yield* futures;
  }
  const waiting = wait(draw());
  assert.equal(draws, 1);
  for (const future of futures) setResult(future, 1);
  assertSets(await waiting, futures, []);
});

test("S5 wait: a wrong returnWhen is refused, also with nothing to wait for", () => {
  assert.throws(() => wait([], { returnWhen: "ANY" as ReturnWhen }), {
    name: "RangeError",
    message: "Cannot wait for futures as 'returnWhen' must be one of ALL_COMPLETED, FIRST_COMPLETED, " +
      'FIRST_EXCEPTION: current value is "ANY"',
  });
  assert.throws(() => wait([], { returnWhen: 1 as never }), TypeError);
});

test("S5 wait: wrong arguments are refused at the call", () => {
  const future = running();
  assert.throws(() => wait([future, Promise.resolve(1) as never]), {
    name: "TypeError",
    message: "Cannot wait for futures[1] as it must be a future: current value is an object of type Promise",
  });
  assert.throws(() => wait(future as never), {
    name: "TypeError",
    message: "Cannot wait for futures as they must be iterable: current value is an object of type Future",
  });
  assert.throws(() => wait(undefined as never), TypeError);
  assert.throws(() => wait([future], 100 as never), {
    name: "TypeError",
    message: "Cannot wait for futures as the options must be an object: current value is 100",
  });
  assert.throws(() => wait([future], { return_when: "FIRST_COMPLETED" } as never), {
    name: "TypeError",
    message: "Cannot wait for futures as an option must be 'timeout' or 'returnWhen': current option is 'return_when'",
  });
  assert.throws(() => asCompleted([future], { timeOut: 10 } as never), {
    name: "TypeError",
    message: "Cannot wait for futures as an option must be 'timeout': current option is 'timeOut'",
  });
  assert.throws(() => wait([future], { timeout: -1 }), {
    name: "RangeError",
    message: "Cannot wait for futures as 'timeout' must be a non-negative number of milliseconds: current value is -1",
  });
  assert.throws(() => wait([future], { timeout: "1" as never }), TypeError);
});

test("E99 wait: futures of another copy of the library", async () => {
  const copy = await import(`../executor/future.ts${"?copy=wait"}`) as {
    newFuture: typeof newFuture;
  };
  const { future, resolver } = copy.newFuture<number>();
  const [own, blocked] = [running(), copy.newFuture<number>().future];
  const waiting = wait([own, future, blocked], { returnWhen: "FIRST_EXCEPTION" });
  setResult(own, 1);
  await turn();
  resolver.setException(FAILURE);
  assertSets(await waiting, [own, future], [blocked]);
});

test("E102 wait: no timer is left when it ends early", async () => {
  const left = await timersLeft(async () => {
    const future = running();
    const waiting = wait([future], { timeout: 60_000 });
    setResult(future, 1);
    await waiting;
    await wait([future], { timeout: 60_000 });
    await wait([running()], { timeout: 0 });
  });
  assert.equal(left, 0);
});

test("E103 wait: a wait that ended has left nothing on the futures", async () => {
  // By a future that tells what is put on it and taken back.
  const blocked = running();
  const protocol = protocolOf(blocked);
  const on: unknown[] = [];
  let most = 0;
  const add = blocked.addDoneCallback;
  blocked.addDoneCallback = (fn) => {
    most = Math.max(most, on.push(fn));
    add.call(blocked, fn);
  };
  Object.defineProperty(blocked, Symbol.for("ergate.future"), {
    value: {
      ...protocol,
      removeDoneCallback(future: Future<unknown>, fn: () => unknown) {
        on.splice(on.indexOf(fn), 1);
        protocol.removeDoneCallback(future, fn);
      },
    },
  });
  for (let round = 0; round < 3; round += 1) {
    const quick = running();
    const waiting = wait([quick, blocked], { returnWhen: "FIRST_COMPLETED" });
    setResult(quick, 1);
    assertSets(await waiting, [quick], [blocked]);
    await wait([blocked], { timeout: 1 });
  }
  assert.equal(on.length, 0);
  assert.equal(most, 1);
});

test("E103 wait: what it takes back no longer runs, and the callbacks around it still do, in order", async () => {
  const blocked = running();
  const ran: string[] = [];
  blocked.addDoneCallback(() => void ran.push("before"));
  const waiting = wait([blocked], { timeout: 1 });
  blocked.addDoneCallback(() => void ran.push("after"));
  assertSets(await waiting, [], [blocked]);
  setResult(blocked, 1);
  assert.deepEqual(ran, ["before", "after"]);
});

test("E102 wait: hundreds of thousands of futures", async () => {
  const began = performance.now();
  const futures = Array.from({ length: 300_000 }, () => createFuture<number>());
  const first = wait(futures, { returnWhen: "FIRST_COMPLETED" });
  setResult(futures[150_000]!, 1);
  assert.equal((await first).notDone.size, 299_999);
  const all = wait(futures);
  for (const future of futures) if (!future.done()) setResult(future, 1);
  assert.equal((await all).done.size, 300_000);
  // Seconds at the most; the limit finds only what is no longer linear.
  assert.ok(performance.now() - began < 30_000);
});
