/**
 * Futures by themselves, with no pool: rows C79 to C100 of CPython's `test_future.py`, and what we promise beyond it.
 * Each name begins with its row.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { inspect } from "node:util";
import { CancelledError, InvalidStateError, TimeoutError } from "../errors.ts";
import {
  createFuture,
  Future,
  isFuture,
  newFuture,
  protocolOf,
  setBackToPending,
  setException,
  setResult,
  setRunning,
} from "../executor/future.ts";
import type { FutureOwner } from "../executor/future.ts";
import { replaceTimers } from "../runtime/host_functions.ts";
import { test } from "./harness.ts";
import { reported } from "./pools.ts";

const FAILURE = new RangeError("doh!");

/** A future in each state; `notified` is Python's CANCELLED_AND_NOTIFIED. */
function inEachState(): Record<
  "pending" | "running" | "cancelled" | "notified" | "failed" | "successful",
  Future<number>
> {
  const states = {
    pending: createFuture<number>(),
    running: createFuture<number>(),
    cancelled: createFuture<number>(),
    notified: createFuture<number>(),
    failed: createFuture<number>(),
    successful: createFuture<number>(),
  };
  setRunning(states.running);
  states.cancelled.cancel();
  states.notified.cancel();
  setRunning(states.notified);
  setException(states.failed, FAILURE);
  setResult(states.successful, 42);
  return states;
}

function endBadly(fails: Future<number>, cancels: Future<number>): void {
  setException(fails, new Error("never seen"));
  cancels.cancel();
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Runs `fn` on a clock that only `fire` moves; `live` are the timers that are set. */
async function withTimers(fn: (live: Map<unknown, { delay: number; fire: () => void }>) => unknown): Promise<void> {
  const { setTimeout, clearTimeout } = globalThis;
  const live = new Map<unknown, { delay: number; fire: () => void }>();
  let last = 0;
  const set = (callback: () => void, delay: number): unknown => {
    const handle = ++last;
    live.set(handle, {
      delay,
      fire: () => {
        live.delete(handle);
        callback();
      },
    });
    return handle;
  };
  replaceTimers({ setTimeout: set as typeof setTimeout, clearTimeout: (handle) => void live.delete(handle) });
  try {
    await fn(live);
  } finally {
    replaceTimers({ setTimeout, clearTimeout });
  }
}

// Callbacks

test("C79 addDoneCallback: gets the future, whose result is there", async () => {
  const future = createFuture<number>();
  let seen: Promise<number> | undefined;
  future.addDoneCallback((done) => {
    assert.equal(done, future);
    seen = done.result(0);
  });
  setResult(future, 5);
  assert.equal(await seen, 5);
});

test("C80 addDoneCallback: sees the error by exception()", async () => {
  const future = createFuture<number>();
  let seen: Promise<unknown> | undefined;
  future.addDoneCallback((done) => {
    seen = done.exception(0);
  });
  setException(future, FAILURE);
  assert.equal(await seen, FAILURE);
});

test("C81 addDoneCallback: cancel() returns true and runs callbacks before it returns", () => {
  const future = createFuture<number>();
  let seen: boolean | undefined;
  future.addDoneCallback((done) => {
    seen = done.cancelled();
  });
  assert.equal(future.cancel(), true);
  assert.equal(seen, true);
});

test("C82 addDoneCallback: one that throws is reported, and the next still runs", async () => {
  const future = createFuture<number>();
  const ran: string[] = [];
  const doh = new Error("doh!");
  future.addDoneCallback(() => {
    ran.push("raising");
    throw doh;
  });
  future.addDoneCallback(() => void ran.push("fn"));
  const calls = await reported(() => setResult(future, 5));
  assert.deepEqual(ran, ["raising", "fn"]);
  assert.deepEqual(calls, [["exception calling callback for <Future state=finished returned number>", doh]]);
});

test("C82 addDoneCallback: one that returns a rejected promise is reported", async () => {
  const future = createFuture<number>();
  const doh = new Error("doh!");
  future.addDoneCallback(async () => {
    await null;
    throw doh;
  });
  const calls = await reported(async () => {
    future.cancel();
    await turn();
  });
  assert.deepEqual(calls, [["exception calling callback for <Future state=cancelled>", doh]]);
});

test("C82 addDoneCallback: a failed future that a callback returns is nobody's error", async () => {
  const future = createFuture<number>();
  future.addDoneCallback(() => inEachState().failed);
  const calls = await reported(async () => {
    setResult(future, 5);
    await turn();
  });
  assert.deepEqual(calls, []);
});

test("C82 addDoneCallback: an error that cannot be shown is reported by the text alone", () => {
  const future = createFuture<number>();
  future.addDoneCallback(() => {
    throw new Error("doh!");
  });
  const texts: unknown[] = [];
  const original = console.error;
  console.error = (...args: unknown[]) => {
    if (args.length > 1) throw new Error("inspecting");
    texts.push(args[0]);
  };
  try {
    setResult(future, 5);
  } finally {
    console.error = original;
  }
  assert.deepEqual(texts, ["exception calling callback for <Future state=finished returned number>"]);
});

test("C83 addDoneCallback: runs at once if the call has returned", async () => {
  const { successful } = inEachState();
  let seen: Promise<number> | undefined;
  successful.addDoneCallback((done) => {
    seen = done.result(0);
  });
  assert.equal(await seen, 42);
});

test("C84 addDoneCallback: runs at once if the call has failed", async () => {
  const { failed } = inEachState();
  let seen: Promise<unknown> | undefined;
  failed.addDoneCallback((done) => {
    seen = done.exception(0);
  });
  assert.equal(await seen, FAILURE);
});

test("C85 addDoneCallback: runs at once if the call was cancelled", () => {
  const { cancelled } = inEachState();
  let seen: boolean | undefined;
  cancelled.addDoneCallback((done) => {
    seen = done.cancelled();
  });
  assert.equal(seen, true);
});

test("C86 addDoneCallback: one that throws at once is reported, and does not throw out", async () => {
  const { successful } = inEachState();
  const doh = new Error("doh!");
  const calls = await reported(() =>
    successful.addDoneCallback(() => {
      throw doh;
    })
  );
  assert.deepEqual(calls, [["exception calling callback for <Future state=finished returned number>", doh]]);
});

test("S3 removeDoneCallback: takes back one of several, the only one, and none", () => {
  const ran: string[] = [];
  const future = createFuture<number>();
  const { removeDoneCallback } = protocolOf(future);
  function a(): void {
    ran.push("a");
  }
  function b(): void {
    ran.push("b");
  }
  future.addDoneCallback(a);
  removeDoneCallback(future, b);
  removeDoneCallback(future, a);
  removeDoneCallback(future, a);
  for (const fn of [a, b, a, b]) future.addDoneCallback(fn);
  removeDoneCallback(future, a);
  setResult(future, 1);
  removeDoneCallback(future, b);
  assert.deepEqual(ran, ["b", "a", "b"]);
});

test("S3 addDoneCallback: order of adding; the same function twice runs twice; one added inside runs at once", () => {
  const future = createFuture<number>();
  const ran: string[] = [];
  function twice(): void {
    ran.push("twice");
  }
  future.addDoneCallback(twice);
  future.addDoneCallback((done) => {
    ran.push("outer begins");
    done.addDoneCallback(() => void ran.push("inner"));
    ran.push("outer ends");
  });
  future.addDoneCallback(twice);
  setResult(future, 1);
  assert.deepEqual(ran, ["twice", "outer begins", "inner", "outer ends", "twice"]);
});

test("E95 addDoneCallback: what is no function is a TypeError, pending or done", () => {
  for (const future of Object.values(inEachState())) {
    assert.throws(() => future.addDoneCallback(undefined as never), {
      name: "TypeError",
      message: "Cannot add a callback as it must be a function: current value is undefined",
    });
  }
});

// Text

test("C87 toString: a text for each state, the same when inspected", () => {
  const { pending, running, cancelled, notified, failed, successful } = inEachState();
  const expected: [Future<unknown>, string][] = [
    [pending, "<Future state=pending>"],
    [running, "<Future state=running>"],
    [cancelled, "<Future state=cancelled>"],
    [notified, "<Future state=cancelled>"],
    [failed, "<Future state=finished raised RangeError>"],
    [successful, "<Future state=finished returned number>"],
  ];
  for (const [future, text] of expected) {
    assert.equal(String(future), text);
    assert.equal(inspect(future), text);
    assert.equal(inspect([future]), `[ ${text} ]`);
  }
});

test("C87 toString: names of the types of values and of what was thrown", () => {
  class Point {}
  class Odd extends Error {}
  const hostile = new Proxy({}, {
    get() {
      throw new Error("trap");
    },
    getPrototypeOf() {
      throw new Error("trap");
    },
  });
  const returned: [unknown, string][] = [
    [undefined, "undefined"],
    [null, "null"],
    ["a", "string"],
    [1n, "bigint"],
    [[1], "Array"],
    [new Map(), "Map"],
    [new Point(), "Point"],
    [Object.create(null), "object"],
    [hostile, "object"],
  ];
  for (const [value, name] of returned) {
    const future = createFuture<unknown>();
    setResult(future, value);
    assert.equal(future.toString(), `<Future state=finished returned ${name}>`);
  }
  const renamed = Object.assign(new Error("x"), { name: "ValidationError" });
  const raised: [unknown, string][] = [
    [new Error("x"), "Error"],
    [new Odd("x"), "Odd"],
    [renamed, "ValidationError"],
    [new TimeoutError("x"), "TimeoutError"],
    [undefined, "undefined"],
    ["text", "string"],
    [hostile, "object"],
  ];
  for (const [error, name] of raised) {
    const future = createFuture<unknown>();
    setException(future, error);
    assert.equal(future.toString(), `<Future state=finished raised ${name}>`);
  }
});

test("C88 class names: Future, and errors by their own names", () => {
  assert.equal(Future.name, "Future");
  assert.equal(Object.prototype.toString.call(createFuture()), "[object Future]");
  assert.equal(String(new TimeoutError("x")), "TimeoutError: x");
  assert.equal(String(new CancelledError("x")), "CancelledError: x");
  assert.equal(String(new InvalidStateError("x")), "InvalidStateError: x");
});

// States

test("C89 cancel: true for pending and cancelled futures, false for running and ended ones", () => {
  const { pending, running, cancelled, notified, failed, successful } = inEachState();
  assert.equal(pending.cancel(), true);
  assert.equal(pending.cancelled(), true);
  assert.equal(running.cancel(), false);
  assert.equal(running.running(), true);
  assert.equal(cancelled.cancel(), true);
  assert.equal(cancelled.cancelled(), true);
  assert.equal(notified.cancel(), true);
  assert.equal(notified.cancelled(), true);
  assert.equal(failed.cancel(), false);
  assert.equal(String(failed), "<Future state=finished raised RangeError>");
  assert.equal(successful.cancel(), false);
  assert.equal(String(successful), "<Future state=finished returned number>");
});

test("C89 cancel: the owner hears it once, in the call, before the callbacks", () => {
  const heard: unknown[] = [];
  const owner: FutureOwner = { cancelled: (future) => void heard.push(["owner", future, future.cancelled()]) };
  const { future, resolver } = newFuture<number>({ owner });
  future.addDoneCallback(() => void heard.push("callback"));
  assert.equal(future.cancel(), true);
  assert.equal(future.cancel(), true);
  assert.deepEqual(heard, [["owner", future, true], "callback"]);
  assert.equal(resolver.setRunningOrNotifyCancel(), false);

  const running = createFuture<number>(owner);
  setRunning(running);
  running.cancel();
  setResult(running, 1);
  running.cancel();
  assert.equal(heard.length, 2);
});

test("C90 cancelled: true for cancelled futures only", () => {
  const states = Object.entries(inEachState()).filter(([, future]) => future.cancelled());
  assert.deepEqual(states.map(([state]) => state), ["cancelled", "notified"]);
});

test("C91 done: true for all but pending and running futures", () => {
  const states = Object.entries(inEachState()).filter(([, future]) => future.done());
  assert.deepEqual(states.map(([state]) => state), ["cancelled", "notified", "failed", "successful"]);
});

test("C92 running: true for running futures only", () => {
  const states = Object.entries(inEachState()).filter(([, future]) => future.running());
  assert.deepEqual(states.map(([state]) => state), ["running"]);
});

test("S1 states: a call taken back is pending again, and can be cancelled", async () => {
  const future = createFuture<number>();
  assert.equal(setRunning(future), true);
  setBackToPending(future);
  assert.equal(future.running(), false);
  assert.equal(setRunning(future), true);
  setBackToPending(future);
  assert.equal(future.cancel(), true);
  await assert.rejects(future, CancelledError);
});

test("S1 states: a step from a wrong state is an InvalidStateError that shows it", () => {
  const { pending, running, cancelled, failed, successful } = inEachState();
  const expected: [() => void, string][] = [
    [() => setRunning(running), "RUNNING: <Future state=running>"],
    [() => setRunning(successful), "FINISHED: <Future state=finished returned number>"],
    [() => setBackToPending(pending), "PENDING: <Future state=pending>"],
    [() => setBackToPending(cancelled), "CANCELLED: <Future state=cancelled>"],
    [() => setBackToPending(failed), "FINISHED: <Future state=finished raised RangeError>"],
    [() => setResult(cancelled, 1), "CANCELLED: <Future state=cancelled>"],
    [() => setException(cancelled, FAILURE), "CANCELLED: <Future state=cancelled>"],
  ];
  for (const [step, message] of expected) assert.throws(step, { name: "InvalidStateError", message });
});

// Waiting

test("C93 result: timeout 0 polls", async () => {
  const { pending, running, cancelled, notified, failed, successful } = inEachState();
  await assert.rejects(pending.result(0), {
    name: "TimeoutError",
    message: "Cannot get the result within 0 ms as the call must have ended: current state is pending",
  });
  await assert.rejects(running.result(0), TimeoutError);
  await assert.rejects(cancelled.result(0), CancelledError);
  await assert.rejects(notified.result(0), CancelledError);
  await assert.rejects(failed.result(0), FAILURE);
  assert.equal(await successful.result(0), 42);
});

test("C93 result: a timeout that ends leaves the future as it was, and nothing on it", async () => {
  const future = createFuture<number>();
  await assert.rejects(future.result(5), {
    name: "TimeoutError",
    message: "Cannot get the result within 5 ms as the call must have ended: current state is pending",
  });
  await assert.rejects(future.exception(5), TimeoutError);
  setResult(future, 1);
  assert.equal(await future.result(5), 1);
});

test("C94 result: a waiter gets the value that is set later", async () => {
  const future = createFuture<number>();
  const waiters = [future.result(60_000), future.result(), future.then((value) => value), future.finally(() => {})];
  setTimeout(() => setResult(future, 42), 1);
  assert.deepEqual(await Promise.all(waiters), [42, 42, 42, 42]);
  assert.equal(await future, 42);
});

test("C95 result: a waiter gets a CancelledError when the future is cancelled", async () => {
  const future = createFuture<number>();
  const waiters = [future.result(60_000), future.result(), future.exception(), future.exception(60_000)];
  setTimeout(() => future.cancel(), 1);
  for (const waiter of waiters) await assert.rejects(waiter, CancelledError);
  await assert.rejects(async () => await future, CancelledError);
});

test("C96 exception: timeout 0 polls", async () => {
  const { pending, running, cancelled, notified, failed, successful } = inEachState();
  await assert.rejects(pending.exception(0), TimeoutError);
  await assert.rejects(running.exception(0), TimeoutError);
  await assert.rejects(cancelled.exception(0), CancelledError);
  await assert.rejects(notified.exception(0), CancelledError);
  assert.equal(await failed.exception(0), FAILURE);
  assert.equal(await successful.exception(0), undefined);
});

test("C97 exception: a waiter gets the error that is set later", async () => {
  const future = createFuture<number>();
  const waiters = [future.exception(60_000), future.exception(), future.catch((error: unknown) => error)];
  setTimeout(() => setException(future, FAILURE), 1);
  assert.deepEqual(await Promise.all(waiters), [FAILURE, FAILURE, FAILURE]);
});

test("C98 setResult: a second one is an InvalidStateError, and the first stays", async () => {
  const future = createFuture<number>();
  setResult(future, 1);
  assert.throws(() => setResult(future, 2), {
    name: "InvalidStateError",
    message: "FINISHED: <Future state=finished returned number>",
  });
  assert.equal(await future, 1);
});

test("C99 setException: a second one is an InvalidStateError, and the first stays", async () => {
  const future = createFuture<number>();
  const first = new RangeError();
  setException(future, first);
  assert.throws(() => setException(future, new Error()), {
    name: "InvalidStateError",
    message: "FINISHED: <Future state=finished raised RangeError>",
  });
  assert.equal(await future.exception(), first);
});

test("S4 result: every look gives the same error", async () => {
  const { failed, cancelled } = inEachState();
  for (const future of [failed, cancelled]) {
    const looks = [
      future.result(),
      future.result(0),
      future.then(),
      future.catch((error: unknown) => {
        throw error;
      }),
    ];
    const errors = await Promise.all(looks.map((look) => look.then(() => undefined, (error: unknown) => error)));
    assert.ok(errors[0] instanceof Error);
    for (const error of errors) assert.equal(error, errors[0]);
  }
});

test("S4 result: falsy errors still reject", async () => {
  for (const error of [undefined, null, 0, "", false]) {
    for (const late of [false, true]) {
      const future = createFuture<number>();
      if (!late) setException(future, error);
      const looks = [future.result(), future.result(60_000), future.then()];
      const exception = future.exception();
      if (late) setException(future, error);
      for (const look of looks) assert.equal(await look.then(() => "returned", (reason: unknown) => reason), error);
      assert.equal(await exception, error);
    }
  }
});

test("E72 result: a timeout that is not a number is a TypeError, one out of range a RangeError", () => {
  const words = "Cannot wait for a future as 'timeout' must be a non-negative number of milliseconds: current value is";
  const wrong: [unknown, string, string][] = [
    [-1, "RangeError", "-1"],
    [NaN, "RangeError", "NaN"],
    [-Infinity, "RangeError", "-Infinity"],
    ["5", "TypeError", '"5"'],
    [null, "TypeError", "null"],
    [{}, "TypeError", "an object of type Object"],
    [Symbol("a"), "TypeError", "Symbol(a)"],
  ];
  for (const future of Object.values(inEachState())) {
    for (const [timeout, name, shown] of wrong) {
      assert.throws(() => future.result(timeout as never), { name, message: `${words} ${shown}` });
      assert.throws(() => future.exception(timeout as never), { name, message: `${words} ${shown}` });
    }
  }
});

test("E72 result: no timer is left when the future is done", async () => {
  await withTimers(async (live) => {
    const ends: ((future: Future<number>) => void)[] = [
      (future) => setResult(future, 1),
      (future) => setException(future, FAILURE),
      (future) => void future.cancel(),
    ];
    for (const end of ends) {
      const future = createFuture<number>();
      const waiters = [future.result(1_000), future.exception(1_000)];
      assert.equal(live.size, 2);
      void future.result(Infinity);
      void future.result(0);
      assert.equal(live.size, 2);
      end(future);
      assert.equal(live.size, 0);
      void future.result(1_000);
      void future.exception(1_000);
      assert.equal(live.size, 0);
      await Promise.allSettled(waiters);
    }
  });
});

test("E72 result: a timeout beyond what setTimeout keeps does not fire at once", async () => {
  await withTimers(async (live) => {
    const future = createFuture<number>();
    const waiter = future.result(2 ** 32 + 5);
    const delays: number[] = [];
    while (live.size > 0) {
      for (const { delay, fire } of [...live.values()]) {
        delays.push(delay);
        fire();
      }
    }
    assert.deepEqual(delays, [2 ** 31 - 1, 2 ** 31 - 1, 7]);
    await assert.rejects(waiter, TimeoutError);
    // The second part of a long wait is cleared as the first is.
    void future.result(2 ** 31);
    for (const { fire } of [...live.values()]) fire();
    assert.equal(live.size, 1);
    setResult(future, 1);
    assert.equal(live.size, 0);
  });
});

// Being a promise

test("E65 then: a future that fails, looked at or not, is no unhandled rejection", async () => {
  // The runners themselves fail a test that leaves one.
  for (const late of [false, true]) {
    for (const look of ["none", "result", "exception", "poll", "limit", "derived"]) {
      const future = createFuture<number>();
      const other = createFuture<number>();
      if (!late) endBadly(future, other);
      if (look === "result") void [future.result(), other.result()];
      if (look === "exception") void [future.exception(), other.exception()];
      if (look === "poll") void [future.result(0), other.exception(0)];
      if (look === "limit") void [future.result(50), other.exception(50)];
      if (look === "derived") future.catch(() => {});
      if (late) endBadly(future, other);
    }
  }
  void createFuture<number>().result(1);
  await turn();
  await new Promise((resolve) => setTimeout(resolve, 10));
});

test("E65 then: what it derives is an ordinary promise", async () => {
  const { failed, successful } = inEachState();
  assert.ok(successful.then() instanceof Promise);
  assert.equal(await successful.then((value) => value + 1), 43);
  assert.equal(await failed.then(undefined, () => "caught"), "caught");
  assert.equal(await failed.catch(() => "caught"), "caught");
  await assert.rejects(failed.finally(() => {}), FAILURE);
  assert.deepEqual(await Promise.all([successful, successful]), [42, 42]);
  assert.equal(await Promise.race([createFuture<number>(), successful]), 42);
  const typed: Promise<number> = successful;
  assert.equal(await typed, 42);
});

test("E65 then: waiters go on in later turns, after the callbacks", async () => {
  const future = createFuture<number>();
  const order: string[] = [];
  const waiter = future.then(() => void order.push("then"));
  future.addDoneCallback(() => void order.push("callback"));
  setResult(future, 1);
  order.push("set");
  await waiter;
  assert.deepEqual(order, ["callback", "set", "then"]);
});

// What a user cannot do

test("E64 new Future: users cannot construct or settle one", () => {
  const Constructor = Future as unknown as new (...args: unknown[]) => object;
  for (const args of [[], [Symbol("ergate.future.token"), null], [null]]) {
    assert.throws(() => new Constructor(...args), {
      name: "TypeError",
      message: "Cannot construct a Future as futures must come from an executor: call submit()",
    });
  }
  class Mine extends Constructor {}
  assert.throws(() => new Mine(), { name: "TypeError" });
  const fake = Object.create(Future.prototype) as Future<number>;
  assert.throws(() => fake.done(), TypeError);
  assert.equal(typeof inspect(fake), "string");
  assert.deepEqual(Reflect.ownKeys(createFuture()), []);
  assert.deepEqual(
    Reflect.ownKeys(Future.prototype).filter((key) => typeof key === "string").sort(),
    [
      "addDoneCallback",
      "cancel",
      "cancelled",
      "catch",
      "constructor",
      "done",
      "exception",
      "finally",
      "result",
      "running",
      "then",
      "toString",
    ],
  );
});

test("E64 isFuture: knows futures of every copy of the library, and nothing else", async () => {
  const copy = await import(`../executor/future.ts${"?copy=future"}`) as {
    Future: unknown;
    createFuture(): unknown;
  };
  assert.notEqual(copy.Future, Future);
  assert.equal(isFuture(copy.createFuture()), true);
  assert.equal(isFuture(createFuture()), true);
  for (const value of [undefined, null, 1, "a", {}, Promise.resolve(1), Future]) assert.equal(isFuture(value), false);
});

test("E64 newFuture: the resolver settles its future", async () => {
  const { future, resolver } = newFuture<number>();
  assert.equal(resolver.setRunningOrNotifyCancel(), true);
  assert.equal(future.running(), true);
  resolver.setResult(5);
  assert.equal(await future, 5);
  assert.throws(() => resolver.setException(FAILURE), InvalidStateError);
  const other = newFuture<number>();
  other.resolver.setException(FAILURE);
  await assert.rejects(other.future, FAILURE);
});

test("E64 createFuture: hundreds of thousands of pending futures are made, settled and cancelled in a moment", () => {
  const before = process.cpuUsage();
  let heard = 0;
  const owner: FutureOwner = { cancelled: () => void heard++ };
  const futures = Array.from({ length: 300_000 }, () => createFuture<number>(owner));
  for (let index = 0; index < futures.length; index += 2) setResult(futures[index]!, index);
  for (const future of futures) future.cancel();
  assert.equal(heard, 150_000);
  assert.ok(futures.every((future) => future.done()));
  // A tenth of a second's work, whatever else the machine does; what is no longer linear takes minutes.
  assert.ok(process.cpuUsage(before).user < 20e6);
});
