/**
 * `asCompleted`: rows C134 to C138 of CPython's `test_as_completed.py`, and what we promise beyond it. C137 (a yielded
 * future is no longer referenced) needs a garbage collector on call and is left out. The futures come from `newFuture`
 * and its like.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { TimeoutError } from "../errors.ts";
import { createFuture, newFuture, protocolOf, setException, setResult, setRunning } from "../executor/future.ts";
import type { Future } from "../executor/future.ts";
import { asCompleted } from "../executor/wait.ts";
import type { CompletedIterator } from "../executor/wait.ts";
import { replaceTimers } from "../runtime/host_functions.ts";
import { test } from "./harness.ts";

const FAILURE = new RangeError("doh!");
const END = { done: true, value: undefined };

function running(): Future<number> {
  const future = createFuture<number>();
  setRunning(future);
  return future;
}

/** Cancelled, failed, successful. */
function alreadyDone(): Future<number>[] {
  const futures = [running(), running(), createFuture<number>()];
  setResult(futures[0]!, 42);
  setException(futures[1]!, FAILURE);
  futures[2]!.cancel();
  return futures;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** What an iterator gave, and what ended it. In a list: bare futures would be awaited. */
interface Drained {
  readonly given: Future<number>[];
  readonly error: unknown;
}

async function drain(iterator: CompletedIterator<Future<number>>): Promise<Drained> {
  const given: Future<number>[] = [];
  try {
    for await (const future of iterator) given.push(future);
  } catch (error) {
    return { given, error };
  }
  return { given, error: undefined };
}

/** By identity: futures in the same state are deeply equal. */
function assertSame(actual: Future<number>[], expected: Future<number>[]): void {
  assert.equal(actual.length, expected.length);
  for (const [index, future] of actual.entries()) assert.equal(future, expected[index]);
}

/** Counts what is on a future: functions added and neither removed nor run. */
function spy(future: Future<number>): { readonly waiting: number } {
  const waiting: unknown[] = [];
  const protocol = protocolOf(future);
  const brand = Symbol.for("ergate.future");
  const add = future.addDoneCallback;
  future.addDoneCallback = (fn) => {
    waiting.push(fn);
    add.call(future, fn);
  };
  Object.defineProperty(future, brand, {
    value: {
      ...protocol,
      removeDoneCallback(own: Future<unknown>, fn: () => unknown) {
        waiting.splice(waiting.indexOf(fn), 1);
        protocol.removeDoneCallback(own, fn);
      },
    },
  });
  return {
    get waiting() {
      return waiting.length;
    },
  };
}

test("C134 asCompleted: those done already and those that end later, each once", async () => {
  const already = alreadyDone();
  const [first, second] = [running(), running()];
  const draining = drain(asCompleted([first, ...already, second]));
  await turn();
  setResult(second, 2);
  await turn();
  setException(first, FAILURE);
  const { given, error } = await draining;
  assert.equal(error, undefined);
  assertSame(given, [...already, second, first]);
});

test("C134 asCompleted: for await is given the futures themselves, typed so", async () => {
  const future = running();
  setResult(future, 1);
  for await (const given of asCompleted([future])) {
    const typed: Future<number> = given;
    assert.equal(typed, future);
  }
  // TypeScript 6 took a second loop over the same type for one over its awaited values.
  for await (const given of asCompleted([future])) {
    const typed: Future<number> = given;
    assert.equal(await typed, 1);
  }
});

test("C134 asCompleted: a future that is cancelled comes at once", async () => {
  const [pending, blocked] = [createFuture<number>(), running()];
  const iterator = asCompleted([blocked, pending]);
  const next = iterator.next();
  pending.cancel();
  assert.equal((await next).value, pending);
  await iterator.return();
});

test("C135 asCompleted: those done already come before the TimeoutError; the unfinished one does not", async () => {
  for (const timeout of [0, 10]) {
    const already = alreadyDone();
    const { given, error } = await drain(asCompleted([running(), ...already], { timeout }));
    assertSame(given, already);
    assert.ok(error instanceof TimeoutError);
  }
});

test("C135 asCompleted: what ended is given also when the time is over", async () => {
  const [late, blocked] = [running(), running()];
  const iterator = asCompleted([late, blocked], { timeout: 1 });
  await new Promise((resolve) => setTimeout(resolve, 10));
  setResult(late, 1);
  assert.equal((await iterator.next()).value, late);
  await assert.rejects(iterator.next(), TimeoutError);
});

test("C136 asCompleted: any iterable, and a future given three times comes once", async () => {
  const future = running();
  function* draw(): Generator<Future<number>> {
    for (let count = 0; count < 3; count += 1) yield future;
  }
  const draining = drain(asCompleted(draw()));
  setResult(future, 1);
  assertSame((await draining).given, [future]);
  assertSame((await drain(asCompleted(new Set([future])))).given, [future]);
  assertSame((await drain(asCompleted([]))).given, []);
});

test("C138 asCompleted: the words of the TimeoutError", async () => {
  const { error } = await drain(asCompleted([...alreadyDone().slice(1), running(), running()], { timeout: 0 }));
  assert.ok(error instanceof TimeoutError);
  assert.equal(error.message, "2 (of 4) futures unfinished");
});

// Unlike Python, whose clock starts at the first `next`; its documents say the call.
test("S6 asCompleted: the clock starts at the call", async () => {
  const iterator = asCompleted([running()], { timeout: 5 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  await assert.rejects(iterator.next(), { name: "TimeoutError", message: "1 (of 1) futures unfinished" });
});

test("S6 asCompleted: break lets go of the futures", async () => {
  const [quick, blocked] = [running(), running()];
  const onBlocked = spy(blocked);
  setResult(quick, 1);
  for await (const future of asCompleted([quick, blocked], { timeout: 60_000 })) {
    assert.equal(future, quick);
    assert.equal(onBlocked.waiting, 1);
    break;
  }
  assert.equal(onBlocked.waiting, 0);
});

test("S6 asCompleted: a TimeoutError ends it and lets go of the futures", async () => {
  const blocked = running();
  const onBlocked = spy(blocked);
  const iterator = asCompleted([blocked], { timeout: 0 });
  await assert.rejects(iterator.next(), TimeoutError);
  assert.equal(onBlocked.waiting, 0);
  assert.deepEqual(await iterator.next(), END);
  setResult(blocked, 1);
  assert.deepEqual(await iterator.next(), END);
});

test("S6 asCompleted: calls of next() that overlap are dealt the futures in order, the surplus the end", async () => {
  const futures = [running(), running(), running()];
  const iterator = asCompleted(futures);
  const nexts = [iterator.next(), iterator.next(), iterator.next(), iterator.next(), iterator.next()];
  setResult(futures[1]!, 1);
  await turn();
  setResult(futures[2]!, 1);
  setResult(futures[0]!, 1);
  const results = await Promise.all(nexts);
  assertSame(results.slice(0, 3).map(({ value }) => value!), [futures[1]!, futures[2]!, futures[0]!]);
  assert.deepEqual(results.slice(3), [END, END]);
});

test("S6 asCompleted: when the time is over the first waiting next() gets the error, the others the end", async () => {
  const iterator = asCompleted([running(), running()], { timeout: 5 });
  const nexts = await Promise.allSettled([iterator.next(), iterator.next(), iterator.next()]);
  assert.deepEqual(nexts.map(({ status }) => status), ["rejected", "fulfilled", "fulfilled"]);
  assert.deepEqual((nexts[1] as PromiseFulfilledResult<unknown>).value, END);
});

test("S6 asCompleted: return() ends the calls of next() that wait, and drops what nobody read", async () => {
  const [ready, blocked] = [running(), running()];
  const iterator = asCompleted([ready, blocked], { timeout: 60_000 });
  setResult(ready, 1);
  assert.equal((await iterator.next()).value, ready);
  const next = iterator.next();
  assert.deepEqual(await iterator.return(), END);
  assert.deepEqual(await next, END);
  assert.deepEqual(await iterator.return(), END);

  const unread = asCompleted(alreadyDone());
  await unread.return();
  assert.deepEqual(await unread.next(), END);
});

test("S6 asCompleted: ended by a callback of the very future that completes", async () => {
  const [future, blocked] = [running(), running()];
  future.addDoneCallback(() => void iterator.return());
  const iterator = asCompleted([future, blocked]);
  const next = iterator.next();
  setResult(future, 1);
  assert.deepEqual(await next, END);
  assert.deepEqual(await iterator.next(), END);
});

test("S6 asCompleted: a timer runs only while next() waits", async () => {
  const { setTimeout, clearTimeout } = globalThis;
  const live = new Set<unknown>();
  const set = (_callback: () => void, delay: number): unknown => {
    const handle = { delay };
    live.add(handle);
    return handle;
  };
  replaceTimers({ setTimeout: set as typeof setTimeout, clearTimeout: (handle) => void live.delete(handle) });
  try {
    const futures = [running(), running(), running()];
    const iterator = asCompleted(futures, { timeout: 60_000 });
    assert.equal(live.size, 0);
    const nexts = [iterator.next(), iterator.next()];
    assert.equal(live.size, 1);
    setResult(futures[0]!, 1);
    assert.equal(live.size, 1);
    setResult(futures[1]!, 1);
    assert.equal(live.size, 0);
    await Promise.all(nexts);
    void iterator.next();
    assert.equal(live.size, 1);
    await iterator.return();
    assert.equal(live.size, 0);
    // Without a limit there is none.
    void asCompleted([running()]).next();
    assert.equal(live.size, 0);
  } finally {
    replaceTimers({ setTimeout, clearTimeout });
  }
});

test("S6 asCompleted: wrong arguments are refused at the call", () => {
  assert.throws(() => asCompleted([running(), 5 as never]), {
    name: "TypeError",
    message: "Cannot wait for futures[1] as it must be a future: current value is 5",
  });
  assert.throws(() => asCompleted(running() as never), TypeError);
  assert.throws(() => asCompleted([], null as never), TypeError);
  assert.throws(() => asCompleted([], { timeout: NaN }), RangeError);
  assert.throws(() => asCompleted([], { timeout: null as never }), TypeError);
});

test("E99 asCompleted: futures of another copy of the library", async () => {
  const copy = await import(`../executor/future.ts${"?copy=completed"}`) as {
    newFuture: typeof newFuture;
  };
  const { future, resolver } = copy.newFuture<number>();
  const own = running();
  const draining = drain(asCompleted([own, future]));
  resolver.setResult(1);
  setResult(own, 1);
  assertSame((await draining).given, [future, own]);
});

test("E107 asCompleted: hundreds of thousands of futures", async () => {
  const before = process.cpuUsage();
  const futures = Array.from({ length: 300_000 }, () => createFuture<number>());
  const iterator = asCompleted(futures, { timeout: 600_000 });
  const first = iterator.next();
  for (const future of futures) setResult(future, 1);
  assert.equal((await first).value, futures[0]);
  let count = 1;
  for await (const _ of iterator) count += 1;
  assert.equal(count, 300_000);
  // Half a second's work, whatever else the machine does; what is no longer linear takes minutes.
  assert.ok(process.cpuUsage(before).user < 20e6);
});
