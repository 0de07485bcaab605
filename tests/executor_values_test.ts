/**
 * What crosses to a pool and back, what does not, and how errors of tasks arrive: rows C21, C38 to C43 and C57 of
 * CPython's tests, and the E rows that go with them. How each type of value crosses is `codec_test.ts`.
 */
import assert from "node:assert/strict";
import { PicklingError } from "../mod.ts";
import { liveProcesses } from "./harness.ts";
import { forEachKind } from "./kinds.ts";
import { forEachKindTogether, range, rejection, withPool } from "./pools.ts";
import * as tasks from "./tasks.ts";
import * as more from "./tasks_executor.ts";

// Functions that are no tasks

forEachKind("C38 C39 C40 submit: a closure, a class, a bound method are refused by submit itself", (kind) =>
  // Unlike CPython, where it is the future that fails.
  withPool(kind, { maxWorkers: 1 }, (pool) => {
    let outer = 1;
    class Local {
      method(): number {
        return outer;
      }
    }
    const functions: ((...args: never[]) => unknown)[] = [
      () => outer,
      () => outer++,
      function named() {},
      Local as never,
      new Local().method,
      new Local().method.bind(new Local()),
      tasks.pow.bind(null, 2),
      Math.sqrt,
    ];
    for (const fn of functions) {
      for (const send of [() => pool.submit(fn), () => pool.map(fn)]) {
        assert.throws(send, {
          name: "PicklingError",
          direction: "task",
          path: "fn",
          message: /to a worker as only a registered task can be found there.*\n\n( {4}.*\n){3}$/,
        });
      }
    }
    assert.equal(pool.pendingCount, 0);
    assert.deepEqual(liveProcesses(), []);
    return Promise.resolve();
  }));

forEachKindTogether(
  "C38 submit: the error shows the fix, with the function's own name",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      function parseLine(): void {}
      const error = await rejection(Promise.resolve().then(() => pool.submit(parseLine)));
      assert.ok(error instanceof PicklingError);
      assert.match(error.message, /^Cannot send function 'parseLine' to a worker as only a registered task /);
      assert.match(
        error.message,
        /\n {4}export function parseLine\(…\) \{ … \}\n {4}tasks\(import\.meta, \{ parseLine \}\);/,
      );
    }),
);

// Arguments

forEachKindTogether(
  "E151 E152 submit: what cannot cross is refused with its path before anything is queued",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      class User {
        name = "ada";
      }
      const wrong: [unknown[], string][] = [
        [[{ user: { callback: () => {} } }], "args[0].user.callback"],
        [[1, [2, Symbol("s")]], "args[1][1]"],
        [["a", new User()], "args[1]"],
        [[new Map([["key", new WeakMap()]])], 'args[0].get("key")'],
        [[Promise.resolve(1)], "args[0]"],
        [[{ late: Object.setPrototypeOf(Promise.resolve(1), null) }], "args[0].late"],
        [[{ "odd key": pool }], 'args[0]["odd key"]'],
        [[tasks.pow], "args[0]"],
        [[new Set([1, () => {}])], "args[0].values()[1]"],
      ];
      for (const [args, path] of wrong) {
        assert.throws(() => pool.submit(tasks.echo, ...args), { name: "PicklingError", path, direction: "argument" });
      }
      assert.throws(() => pool.submit(tasks.echo, pool.submit(tasks.workerId)), {
        path: "args[0]",
        message: /await it first/,
      });
      assert.throws(() => pool.submit(tasks.echo, { user: { callback: () => {} } }), {
        message:
          "Cannot send args[0].user.callback to a worker as functions cannot be copied: register it with tasks()",
      });
      await pool.submit(tasks.workerId);
      assert.equal(pool.pendingCount, 0);
    }),
);

forEachKind(
  "E151 submit: a refused call leaves nothing pending and starts nothing",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, (pool) => {
      for (let call = 0; call < 100; call++) {
        assert.throws(() => pool.submit(tasks.echo, range(1000), () => {}), PicklingError);
        assert.equal(pool.pendingCount, 0);
      }
      assert.deepEqual(liveProcesses(), []);
      return Promise.resolve();
    }),
);

forEachKindTogether(
  "E151 submit: a getter or a proxy that throws is refused, with what it threw",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const doh = new RangeError("doh!");
      function fail(): never {
        throw doh;
      }
      const getter = { user: Object.defineProperty({}, "secret", { get: fail, enumerable: true }) };
      const proxy = [new Proxy({}, { ownKeys: fail })];
      for (const [value, path] of [[getter, "args[0].user.secret"], [proxy, "args[0][0]"]] as const) {
        assert.throws(() => pool.submit(tasks.identity, value), (error) => {
          assert.ok(error instanceof PicklingError);
          assert.equal(error.path, path);
          assert.equal(error.cause, doh);
          return true;
        });
      }
      assert.equal(pool.pendingCount, 0);
      // What was written before the refusal is not in the way of the next call.
      assert.deepEqual(await pool.submit(tasks.echo, 1, "two"), [1, "two"]);
    }),
);

forEachKindTogether(
  "E151 submit: a getter that submits a call of its own is refused, and that call is not made",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const value = {
        get now(): unknown {
          return pool.submit(tasks.echo, "inner");
        },
      };
      assert.throws(() => pool.submit(tasks.identity, value), (error) => {
        assert.ok(error instanceof PicklingError);
        assert.equal(error.path, "args[0].now");
        assert.equal((error.cause as Error).name, "InvalidStateError");
        return true;
      });
      assert.equal(pool.pendingCount, 0);
      assert.deepEqual(await pool.submit(tasks.echo, 1), [1]);
    }),
);

forEachKindTogether(
  "E150 submit: cyclic, shared and deep values cross, both ways",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const cycle: { self?: unknown } = {};
      cycle.self = cycle;
      assert.equal(await pool.submit(more.isCycle, cycle as { self: unknown }), true);
      const back = await pool.submit(more.giveCycle) as { self: unknown };
      assert.equal(back.self, back);
      const shared = [1];
      const [one, other] = await pool.submit(tasks.echo, shared, shared) as [unknown, unknown];
      assert.equal(one, other);
      assert.equal(await pool.submit(more.depthOf, more.nest(100_000)), 100_000);
      assert.equal(more.depthOf(await pool.submit(more.nest, 100_000)), 100_000);
    }),
);

forEachKindTogether(
  "E150 submit: takes its copy at the call; a task changes its own copy",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const list = [1];
      const future = pool.submit(more.append, list, 3);
      list.push(2);
      assert.deepEqual(await future, [1, 3]);
      assert.deepEqual(list, [1, 2]);
      const bytes = new Uint8Array([1, 2, 3]);
      const sent = pool.submit(tasks.identity, bytes);
      bytes.fill(9);
      assert.deepEqual(await sent, new Uint8Array([1, 2, 3]));
    }),
);

forEachKindTogether(
  "E154 submit: large values, and values at both ends of their sizes",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const bytes = new Uint8Array(20_000_000).map((_, index) => index);
      assert.deepEqual(await pool.submit(tasks.identity, bytes), bytes);
      const text = "ä€😀".repeat(300_000);
      assert.equal(await pool.submit(tasks.identity, text), text);
      for (const value of ["", [], {}, new Uint8Array(0), -0, NaN, 2n ** 70n, new Date(0)]) {
        assert.deepEqual(await pool.submit(tasks.identity, value), value);
      }
    }),
);

// Results

forEachKindTogether(
  "E151 result: one that cannot cross fails its future with its path, and the pool works on",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const error = await rejection(pool.submit(more.giveUnsendable));
      assert.ok(error instanceof PicklingError);
      assert.equal(error.path, "result.rows[1].open");
      assert.equal(error.direction, "result");
      assert.match(
        error.message,
        /^Cannot send result\.rows\[1\]\.open back from the worker as functions cannot be copied/,
      );
      const promise = await rejection(pool.submit(more.giveDisguised, "promise")) as PicklingError;
      assert.equal(promise.path, "result.deep[0]");
      assert.deepEqual(await pool.submit(more.giveDisguised, "map"), { deep: [new Map([["a", 1]])] });
      const other = await rejection(pool.submit(more.giveThrowing)) as PicklingError;
      assert.equal(other.path, "result.secret");
      assert.ok(other.cause instanceof RangeError);
      assert.equal(await pool.submit(tasks.pow, 2, 3), 8);
    }),
);

// Errors of tasks

forEachKindTogether("C21 errors: falsy ones are errors", (kind) =>
  withPool(kind, { maxWorkers: 1 }, async (pool) => {
    for (const [index, thrown] of [undefined, null, 0, "", false, 0n, NaN].entries()) {
      const future = pool.submit(more.throwFalsy, index);
      const seen = await future.then(() => "fulfilled", (error) => ({ error }));
      assert.deepEqual(seen, { error: thrown });
      assert.deepEqual(await rejection(future.result()), thrown);
      const items = pool.map(more.throwFalsy, [index]);
      assert.deepEqual(await rejection(items.next()), thrown);
    }
  }));

forEachKindTogether(
  "C43 C57 E73 E77 E111 E115 errors: arrive as they are, with the worker's stack; the others are unharmed",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const before = pool.submit(more.sum, 1, 2);
      const failing = pool.submit(tasks.raise, "spam", "RangeError");
      const after = pool.submit(more.sum, 3, 4);
      const error = await rejection(failing);
      assert.ok(error instanceof RangeError);
      assert.equal(error.message, "spam");
      assert.equal(error.name, "RangeError");
      // Where Python has a `_RemoteTraceback` as cause, the worker's own stack is the error's.
      assert.match(error.stack!, /raise.*tasks\.ts/);
      const place = kind.place(0).replace("0", "\\d+");
      assert.match(
        error.stack!,
        new RegExp(`task raise in worker ${kind.className}-1, ${place} \\(file:.*/tasks\\.ts\\)`),
      );
      assert.equal("cause" in error, false);
      assert.deepEqual([await before, await after], [3, 7]);
    }),
);

forEachKindTogether(
  "C43 errors: one of a class that is not known keeps its name, fields and causes",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const error = await rejection(pool.submit(more.invalid, "age")) as RangeError & { field: string };
      assert.ok(error instanceof RangeError);
      assert.equal(error.name, "ValidationError");
      assert.equal(error.message, "bad age");
      assert.equal(error.field, "age");
      assert.ok(error.cause instanceof TypeError);
      assert.equal(error.cause.message, "the first reason");
      assert.deepEqual(error.cause.cause, { code: 7 });
    }),
);

forEachKindTogether(
  "C43 errors: one that holds what cannot cross arrives without that",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const error = await rejection(pool.submit(more.throwUnsendable)) as RangeError & { code: number };
      assert.ok(error instanceof RangeError);
      assert.deepEqual([error.message, error.code], ["with a callback", 7]);
      assert.equal("callback" in error, false);
      assert.match(error.stack!, /left out, as it cannot be copied: .*callback/);
      assert.deepEqual(await rejection(pool.submit(more.throwValue, { code: 8 })), { code: 8 });
    }),
);

forEachKindTogether(
  "E118 E140 errors: a call that failed can be submitted again",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const arrivals = `${folder}/arrivals`;
      for (const bad of [1, 1, 2]) {
        const future = pool.submit(more.failAt, 1, bad, arrivals);
        const error = await future.exception();
        assert.equal(error instanceof RangeError, bad === 1);
      }
    }),
);

forEachKindTogether(
  "E150 submit: what a task throws may be a proxy that must not be touched: its worker lives",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const pid = await pool.submit(tasks.workerId);
      const error = await rejection(pool.submit(more.throwRevoked)) as Error;
      assert.match(error.message, /^A task threw what cannot be copied/);
      assert.equal(await pool.submit(tasks.workerId), pid);
    }),
);
