/**
 * Instances of classes: registered ones cross with their class, others are refused; and what becomes of a call whose values
 * run code of the user's while they are sent and read: rows C48, C140 to C142 and C146 to C150 of CPython's tests.
 */
import assert from "node:assert/strict";
import { createSecretKey } from "node:crypto";
import { pathToFileURL } from "node:url";
import { writeFileSync } from "node:fs";
import { CancelledError, type Executor, picklable, PicklingError, ShutdownError, WorkerLostError } from "../mod.ts";
import { Arrivals, Latch, test, withTempFolder } from "./harness.ts";
import { forEachKind, type Kind } from "./kinds.ts";
import { forEachKindTogether, range, rejection, withPool } from "./pools.ts";
import { REPOSITORY } from "./project.ts";
import { hexOf, hexOfFailure, valueOf } from "./wire.ts";
import * as tasks from "./tasks.ts";
import { WORKER_ID } from "./worker_side.ts";
import * as classes from "./tasks_picklable.ts";
import {
  Bag,
  Changing,
  CodeError,
  Euro,
  HttpError,
  Meddler,
  Money,
  Point,
  Point3,
  Point4,
  Trap,
  type TrapPlan,
} from "./tasks_picklable.ts";

// Registering

const meta = { url: import.meta.url };

test("picklable: returns the class, and takes a class once and again", () => {
  class Once {}
  assert.equal(picklable(meta, Once), Once);
  assert.equal(picklable(meta, Once), Once);
});

test("picklable: what is no class, has no name, or has one method alone is refused at once", () => {
  const cases: [() => unknown, RegExp][] = [
    [() => picklable(meta, (() => 1) as never), /as it must be a class: current value is a function$/],
    [() => picklable(meta, 5 as never), /as it must be a class: current value is 5$/],
    [
      () => picklable(meta, class {}),
      /^Cannot register an anonymous class as picklable as a worker finds it by its name/,
    ],
    [() => picklable({ url: "" }, class A {}), /^Cannot register a class as its module must be a file/],
    [() => picklable(undefined as never, class A {}), /^Cannot register a class as its module must be given/],
    [() =>
      picklable(
        meta,
        class Half {
          toPickle() {}
        },
      ), /class 'Half' .* or none: static fromPickle\(\) is missing$/],
    [() =>
      picklable(
        meta,
        class Half {
          static fromPickle() {}
        },
      ), / or none: toPickle\(\) is missing$/],
    [() => picklable(meta, class Table extends Map {}), /class 'Table' .* as it extends Map, whose contents/],
    [() => picklable(meta, class Bytes extends Uint8Array {}), / as it extends Uint8Array, whose contents/],
    [() => picklable(meta, class List extends Array {}), / as it extends Array, whose contents/],
  ];
  for (const [register, message] of cases) assert.throws(register, { name: "TypeError", message });
  picklable(meta, class {}, { name: "Named" });
});

test("@picklable: the standard decorator registers the class, the old one is told off", () => {
  class Decorated {}
  const initializers: ((this: unknown) => void)[] = [];
  const context = { kind: "class", name: "Decorated", addInitializer: (fn: () => void) => initializers.push(fn) };
  picklable(meta)(Decorated, context as unknown as ClassDecoratorContext<typeof Decorated>);
  assert.equal(initializers.length, 1);
  initializers[0].call(Decorated);
  assert.equal(picklable(meta, Decorated), Decorated);
  assert.throws(() => picklable(meta)(Decorated, undefined as never), /'experimentalDecorators'/);
  assert.throws(
    () => picklable(meta)(Decorated, { kind: "method", name: "m", addInitializer() {} } as never),
    /as it must be a class$/,
  );
});

// Crossing

forEachKindTogether(
  "picklable: instances cross with their class, both ways",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const point = new Point(3, 4);
      assert.equal(await pool.submit(classes.normOf, point), 5);
      const copy = await pool.submit(classes.giveBack, point) as Point;
      assert.ok(copy instanceof Point && copy !== point);
      assert.deepEqual({ ...copy }, { x: 3, y: 4, others: [] });
      assert.equal(await pool.submit(classes.normOf, Object.assign(new Point3(2, 3), { z: 6 })), 7);
      const sum = await pool.submit(classes.total, [new Money(250), new Money(175)]);
      assert.ok(sum instanceof Money);
      assert.equal(sum.cents, 425);
      const euros = await pool.submit(classes.total, [new Euro(1), new Euro(2)]);
      assert.ok(euros instanceof Euro);
      assert.deepEqual(await pool.map(classes.normOf, [point, new Point(6, 8)]).toArray(), [5, 10]);
    }),
);

forEachKindTogether(
  "picklable: the constructor is not called, and frozen instances and accessors do no harm",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const point = Object.freeze(Object.assign(Object.create(Point.prototype), { x: -666, norm: 1 }));
      const copy = await pool.submit(classes.giveBack, point) as Point;
      assert.deepEqual([copy instanceof Point, copy.x, copy.norm], [true, -666, 1]);
    }),
);

forEachKindTogether(
  "picklable: inside maps, sets, arrays and cycles; shared ones stay shared",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const point = new Point(1, 2);
      point.others.push(point, new Point3(3, 4));
      const money = new Money(5);
      const bag = new Bag<unknown>().add(money).add("a").add("a");
      const value = { map: new Map<unknown, unknown>([[point, [money]]]), set: new Set([money, bag]), list: [point] };
      const copy = await pool.submit(classes.giveBack, value) as typeof value;
      const [[point1, [money1]]] = copy.map as Map<Point, [Money]>;
      assert.ok(point1 instanceof Point && point1.others[0] === point1 && point1.others[1] instanceof Point3);
      assert.equal(copy.list[0], point1);
      const [money2, bag1] = copy.set as unknown as [Money, Bag<unknown>];
      assert.ok(money1 instanceof Money && money1 === money2 && bag1 instanceof Bag);
      assert.deepEqual([...bag1.entries()], [[money1, 1], ["a", 2]]);
    }),
);

forEachKindTogether(
  "picklable: a thousand levels of instances cross by their fields",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      let list: unknown = new Money(1);
      for (let i = 0; i < 1000; i++) list = Object.assign(new Point(i, 0), { list });
      let copy = await pool.submit(classes.giveBack, list) as { readonly list: unknown };
      for (let i = 0; i < 1000; i++) {
        assert.ok(copy instanceof Point);
        copy = copy.list as typeof copy;
      }
      assert.ok(copy as unknown instanceof Money);
    }),
);

forEachKindTogether(
  "picklable: a fromPickle that changes its state changes no other object",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const list = range(10).map((i) => ({ cents: i }));
      const value = [...list, new Changing({ cents: 5 }), ...list.map((each) => ({ ...each }))];
      const copy = await pool.submit(tasks.identity, value) as { readonly cents: number }[];
      assert.deepEqual(copy.slice(11), list);
      assert.deepEqual(copy.slice(0, 10), list);
      assert.deepEqual(copy[10], new Changing({ cents: 5 }));
    }),
);

forEachKind(
  "picklable: initargs too",
  (kind) =>
    withPool(kind, { maxWorkers: 1, initializer: classes.keep, initargs: [new Point(3, 4)] }, async (pool) => {
      assert.equal(await pool.submit(classes.keptNorm), 5);
    }),
);

forEachKindTogether(
  "picklable: a worker imports the classes of a call's arguments before it reads them",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      // The task's module knows nothing of the classes.
      const calls = range(20).map((i) => pool.submit(tasks.identity, i % 2 === 0 ? new Point(i, 0) : i));
      for (const [i, call] of calls.entries()) {
        const value = await call;
        if (i % 2 === 0) assert.ok(value instanceof Point && value.x === i);
        else assert.equal(value, i);
      }
    }),
);

forEachKind(
  "picklable: a class of a module that cannot be imported, or that does not register it, fails that call",
  (kind) =>
    withTempFolder((folder) =>
      withPool(kind, { maxWorkers: 1 }, async (pool) => {
        const silent = `${folder}/silent.ts`;
        writeFileSync(silent, "export {};");
        const cases: [string, RegExp, RegExp | undefined][] = [
          [
            pathToFileURL(silent).href,
            /^Cannot read args in the worker as class Lost must be registered here/,
            undefined,
          ],
          [pathToFileURL(`${folder}/missing.ts`).href, /^Cannot read args in the worker as class Lost/, /missing\.ts/],
        ];
        for (const [url, message, cause] of cases) {
          class Lost {}
          picklable({ url }, Lost);
          const error = await rejection(pool.submit(tasks.identity, [new Lost()]));
          assert.ok(error instanceof PicklingError);
          assert.match(error.message, message);
          assert.equal(error.direction, "argument");
          if (cause !== undefined) assert.match(String(error.cause), cause);
          assert.equal(await pool.submit(tasks.identity, 1), 1);
        }
        const error = await rejection(pool.submit(classes.giveSecret));
        assert.ok(error instanceof PicklingError);
        assert.match(
          error.message,
          /^Cannot read result from the worker as class Secret must be registered here .*not$/,
        );
        assert.deepEqual([error.path, error.direction], ["result", "result"]);
        assert.equal(await pool.submit(tasks.identity, 1), 1);
      })
    ),
);

// Refusing

test("picklable: classes that nothing tells apart are refused when they are sent", () => {
  function made(base: new () => object): new () => object {
    class Shape extends base {}
    return picklable(meta, Shape);
  }
  const [First, Second] = [made(Point3 as never), made(Object)];
  for (const Class of [First, Second]) {
    assert.throws(
      () => hexOf(new Class()),
      / class Shape must be the only one of its name and text .*there are 2; give each a/,
    );
  }
  // The next walk knows nothing of it.
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  let deep: unknown = 1;
  for (let i = 0; i < 1000; i++) deep = [deep];
  assert.equal(typeof valueOf(hexOf([cycle, deep])), "object");
});

test("picklable: the class of a field that is left out is not in the table", () => {
  class Holder {
    readonly run = (): number => 1;
  }
  picklable(meta, Holder);
  const hex = hexOfFailure(Object.assign(new Error("x"), { holder: new Holder() }), "here");
  assert.equal(hex.slice(8, 10), "10"); // the head of the first list: the version, and no flag
});

test("picklable: a class that extends one of the host's needs both methods", () => {
  const hosts = [
    URL,
    URLSearchParams,
    Headers,
    Response,
    EventTarget,
    AbortController,
    Intl.NumberFormat,
    WeakRef,
    Promise,
  ];
  for (const Host of hosts as (new (...args: never[]) => object)[]) {
    assert.throws(() => picklable(meta, class Sub extends Host {}), {
      name: "TypeError",
      message: new RegExp(`'Sub' .* as it extends ${Host.name}, whose contents`),
    });
  }
  picklable(meta, class SubError extends DOMException {});
  picklable(meta, class SubTypeError extends TypeError {});
});

forEachKindTogether(
  "picklable: an instance of an unregistered class is refused, with both ways out",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      class User {}
      const refuse = (value: unknown): PicklingError => {
        try {
          pool.submit(tasks.identity, value);
        } catch (error) {
          assert.ok(error instanceof PicklingError);
          return error;
        }
        throw new Error("It was to be refused");
      };
      assert.equal(
        refuse({ user: new User() }).message,
        "Cannot send args[0].user to a worker as an instance of class User would lose its class: " +
          "register User with picklable(), or send a plain object",
      );
      assert.match(
        refuse(new Point4(1, 2)).message,
        /register Point4 with picklable\(\) too, as its base class Point3 is,/,
      );
      const cycle = new Money(1);
      (cycle as { toPickle(): unknown }).toPickle = () => ({ list: [cycle] });
      const error = refuse([cycle]);
      assert.match(error.message, / as an instance cannot be inside what its own toPickle\(\) gives/);
      assert.equal(error.path, "args[0][0].toPickle().list[0]");
      const bad = new Money(1);
      (bad as { toPickle(): unknown }).toPickle = () => ({ f: [() => 1] });
      assert.equal(refuse({ bad }).path, "args[0].bad.toPickle().f[0]");
      let deep: unknown = 1;
      for (let i = 0; i < 600; i++) deep = [deep];
      (bad as { toPickle(): unknown }).toPickle = () => deep;
      assert.match(refuse(bad).message, /toPickle\(\) gives must be nested less than 512 levels deep/);
      const back = await rejection(pool.submit(classes.giveUnregistered));
      assert.ok(back instanceof PicklingError);
      assert.deepEqual([back.path, back.direction], ["result.list[0]", "result"]);
    }),
);

forEachKindTogether(
  'picklable: { instances: "plain" } strips the class, as the platform does',
  (kind) =>
    withPool(kind, { maxWorkers: 1, instances: "plain" }, async (pool) => {
      class User {
        name = "ada";
        #hidden = 1;
        tell(): number {
          return this.#hidden;
        }
      }
      class Table extends Map<string, number> {}
      class Vector extends Array<number> {}
      class Bytes extends Uint8Array {}
      class Day extends Date {}
      const value = [
        new User(),
        new Table([["a", 1]]),
        Vector.of(1, 2),
        new Bytes(2),
        new Day(5),
        Object.create({ a: 1 }),
      ];
      const copy = await pool.submit(tasks.identity, value);
      assert.deepEqual(copy, structuredClone(value));
      assert.deepEqual((copy as object[]).map((each) => each.constructor.name), [
        "Object",
        "Map",
        "Array",
        "Uint8Array",
        "Date",
        "Object",
      ]);
      assert.deepEqual(await pool.submit(classes.giveUnregistered), { list: [{ ...new Point4(1, 2) }] });
      assert.ok(await pool.submit(classes.giveBack, new Point(1, 2)) instanceof Point);
      assert.throws(() => pool.submit(tasks.identity, new URL("https://example.org")), PicklingError);
      assert.throws(() => pool.submit(tasks.identity, Promise.resolve()), PicklingError);
      const [[first]] = await pool.map(classes.giveBack, [[new User()]]).toArray() as [[object]];
      assert.deepEqual(first, { name: "ada" });
    }),
);

/** An object of another prototype. */
function under(prototype: object, value: object): object {
  return Object.setPrototypeOf(value, prototype);
}

forEachKindTogether(
  'picklable: with { instances: "plain" } what the platform cannot copy, or knows by its slots, never becomes {} in silence',
  (kind) =>
    withPool(kind, { maxWorkers: 1, instances: "plain" }, async (pool) => {
      class Other {}
      const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 128 }, true, ["encrypt"]);
      const refused = [
        key,
        new (class Site extends URL {})("https://example.org"),
        new (class Bus extends EventTarget {})(),
        new (class Format extends Intl.NumberFormat {})(),
        new (class Later extends Promise<void> {})(() => {}),
        under(Other.prototype, Promise.resolve()),
        under(Other.prototype, new WeakMap()),
        under(Other.prototype, [1].values()),
        createSecretKey(new Uint8Array(16)),
      ];
      for (const value of refused) {
        assert.throws(() => pool.submit(tasks.identity, { a: value }), (error) => {
          assert.ok(error instanceof PicklingError);
          assert.equal(error.path, "args[0].a");
          return true;
        });
      }
      const crossing = [
        under(Other.prototype, new Map([[1, 2]])),
        under(Other.prototype, new Set([3])),
        under(Other.prototype, new Date(4)),
        under(Other.prototype, /five/g),
        under(Other.prototype, Object(6)),
        under(Other.prototype, [7]),
        under(Other.prototype, new ArrayBuffer(8)),
        new Other(),
        new (class extends Other {
          #hidden = 9;
          tell(): number {
            return this.#hidden;
          }
        })(),
      ];
      assert.deepEqual(await pool.submit(tasks.identity, crossing), structuredClone(crossing));
    }),
);

test("picklable: a key is refused as one of the platform's, not as a class to be registered", async () => {
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 128 }, true, ["encrypt"]);
  assert.throws(() => hexOf(key), { message: /as an instance of class CryptoKey cannot be copied: send plain data/ });
});

forEachKind("picklable: a wrong value of 'instances' is told at once", (kind) => {
  for (const instances of ["flat", 1]) {
    assert.throws(() => kind.make({ instances: instances as "plain" }), /'instances' must be 'class' or 'plain'/);
  }
});

// Errors

forEachKindTogether(
  "picklable: a registered error arrives as its class, with its fields, cause and the worker's stack",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const error = await rejection(pool.submit(classes.throwHttp, 404));
      assert.ok(error instanceof HttpError && error instanceof RangeError);
      assert.deepEqual([error.message, error.name, error.status, error.isNotFound], ["gone", "RangeError", 404, true]);
      assert.deepEqual(Object.keys(error), ["status"]);
      assert.ok(error.cause instanceof Point);
      assert.match(error.stack ?? "", /throwHttp[^]*\n {4}at task throwHttp in worker /);
      const code = await rejection(pool.submit(classes.throwCode, "E7"));
      assert.ok(code instanceof CodeError);
      assert.deepEqual([code.code, code.message, code.name], ["E7", "code E7", "CodeError"]);
      assert.match(code.stack ?? "", /throwCode[^]*\n {4}at task throwCode in worker /);
      const argument = await pool.submit(classes.giveBack, new CodeError("E8")) as CodeError;
      assert.deepEqual([argument instanceof CodeError, argument.code], [true, "E8"]);
    }),
);

forEachKindTogether(
  "picklable: an error whose class fails it arrives as its nearest built-in one, never as another",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      for (const code of ["bad pickle", "bad unpickle"]) {
        const error = await rejection(pool.submit(classes.throwCode, code)) as Error;
        assert.equal(Object.getPrototypeOf(error), Error.prototype);
        assert.deepEqual([error.name, error.message], ["CodeError", `code ${code}`]);
        assert.match(error.stack ?? "", /throwCode/);
        assert.match(
          error.stack ?? "",
          code === "bad pickle" ? /left out.*toPickle/ : /arrived without class CodeError/,
        );
      }
      const field = await rejection(pool.submit(classes.throwWithField)) as Error & { status: number };
      assert.deepEqual([field.name, field.status, "point" in field], ["RangeError", 1, false]);
      assert.match(field.stack ?? "", /left out, as it cannot be copied: point/);
      for (const how of ["field", "error"] as const) {
        const error = await rejection(pool.submit(classes.throwSecret, how)) as Error & Record<string, unknown>;
        assert.ok(error instanceof TypeError);
        assert.equal(error.message, "hidden");
        assert.match(error.stack ?? "", /arrived without class Secret/);
        if (how === "error") assert.equal(error.word, "swordfish");
        else assert.deepEqual(error.secret, { word: "swordfish" });
      }
      const thrown = await rejection(pool.submit(classes.throwSecret, "itself"));
      assert.ok(thrown instanceof PicklingError && /class Secret/.test(thrown.message));
    }),
);

forEachKindTogether(
  "picklable: frozen errors arrive as they are, and harm no worker",
  (kind) =>
    withPool(kind, { maxWorkers: 1, onWorkerLost: "break" }, async (pool) => {
      const error = await rejection(pool.submit(classes.throwFrozen, false));
      assert.ok(error instanceof classes.FrozenError && Object.isFrozen(error));
      assert.equal(error.message, "cold");
      const weird = await rejection(pool.submit(classes.throwFrozen, true));
      assert.ok(weird instanceof Error && weird.message === "frozen");
      assert.ok(await pool.submit(classes.giveBack, new classes.FrozenError("x")) instanceof classes.FrozenError);
    }),
);

// Code of the user's that fails, or dies, on its way

/** A trap that springs where values are read or sent: here, or in a worker. */
function trap(at: TrapPlan["at"], how: string, where: "parent" | "worker"): Trap {
  return new Trap({ at, how, in: WORKER_ID, elsewhere: where === "worker" });
}

const thrown = [["throw", /RangeError: from/], ["throw null", /null/]] as const;

forEachKindTogether(
  "C48 C141 picklable: fromPickle of an argument throws: that call fails with the cause, and the worker lives",
  (kind) =>
    withPool(kind, { maxWorkers: 1, onWorkerLost: "break" }, async (pool, folder) => {
      const pid = await pool.submit(tasks.workerId);
      for (const [how, cause] of thrown) {
        const before = pool.submit(tasks.workerId);
        const failing = pool.submit(classes.takeTrap, `${folder}/ran`, [trap("fromPickle", how, "worker")]);
        const behind = pool.submit(tasks.workerId);
        const error = await rejection(failing);
        assert.ok(error instanceof PicklingError, String(error));
        assert.match(error.message, /^Cannot read args\[1\] in the worker as class Trap's fromPickle\(\) threw: /);
        assert.match(String(error.cause), cause);
        assert.deepEqual([error.path, error.direction], ["args[1]", "argument"]);
        assert.deepEqual([await before, await behind], [pid, pid]);
      }
      const plan = trap("fromPickle", "return 1", "worker");
      assert.match(
        String(await rejection(pool.submit(tasks.identity, plan))),
        /it must return an instance: it returned 1/,
      );
      const items = range(10).map((i) => i === 5 ? trap("fromPickle", "throw", "worker") : i);
      const results = pool.map(tasks.identity, items);
      for (const i of range(5)) assert.equal((await results.next()).value, i);
      assert.ok(await rejection(results.next()) instanceof PicklingError);
      for (const i of range(4)) assert.equal((await results.next()).value, i + 6);
      assert.equal(await pool.submit(tasks.workerId), pid);
    }),
);

/** Asserts that with "replace" that call alone is lost, however its worker ends, and that with "break" the pool breaks. */
async function assertDeaths(
  kind: Kind,
  make: (
    onWorkerLost: "break" | "replace",
    run: (pool: Executor, folder: string) => Promise<void>,
  ) => unknown,
  submit: (pool: Executor, how: string, folder: string) => PromiseLike<unknown>,
  mayHaveRun: boolean,
): Promise<void> {
  await make("replace", async (pool, folder) => {
    for (const how of ["exit 3", "kill"]) {
      const lost = submit(pool, how, folder);
      const behind = pool.submit(tasks.identity, "behind");
      const error = await rejection(lost);
      assert.ok(error instanceof WorkerLostError, String(error));
      assert.equal(error.mayHaveRun, mayHaveRun);
      assert.equal(await behind, "behind");
    }
  });
  await make("break", async (pool, folder) => {
    assert.ok(await rejection(submit(pool, "kill", folder)) instanceof kind.Broken);
    assert.throws(() => pool.submit(tasks.identity, 1), kind.Broken);
  });
}

forEachKind(
  "C140 C142 picklable: fromPickle of an argument ends the worker: lost before it ran, or a broken pool",
  (kind) =>
    assertDeaths(
      kind,
      (onWorkerLost, run) =>
        withPool(kind, { maxWorkers: 1, onWorkerLost }, async (pool, folder) => {
          await pool.submit(classes.takeTrap, `${folder}/first`, 1);
          await run(pool, folder);
        }),
      (pool, how, folder) => pool.submit(classes.takeTrap, `${folder}/ran`, trap("fromPickle", how, "worker")),
      false,
    ),
);

forEachKind("C140 C142 picklable: a class's module ends the worker when it is imported: lost before it ran", (kind) => {
  let modules = 0;
  return assertDeaths(
    kind,
    (onWorkerLost, run) => withPool(kind, { maxWorkers: 1, onWorkerLost }, run),
    (pool, how, folder) => {
      const path = `${folder}/class_${++modules}.ts`;
      writeFileSync(path, `import { die } from "file://${REPOSITORY}/tests/tasks_losses.ts";\ndie("${how}");`);
      class Doomed {}
      picklable({ url: pathToFileURL(path).href }, Doomed);
      return pool.submit(tasks.identity, new Doomed());
    },
    false,
  );
});

forEachKind(
  "C146 C147 picklable: toPickle of a result ends the worker: that call is lost, or the pool is broken",
  (kind) =>
    assertDeaths(
      kind,
      (onWorkerLost, run) => withPool(kind, { maxWorkers: 1, onWorkerLost }, run),
      (pool, how) => pool.submit(classes.giveTrap, trap("toPickle", how, "worker").plan),
      true,
    ),
);

forEachKindTogether(
  "C148 picklable: toPickle of a result throws: that call fails with the cause, and the worker lives",
  (kind) =>
    withPool(kind, { maxWorkers: 1, onWorkerLost: "break" }, async (pool) => {
      const pid = await pool.submit(tasks.workerId);
      for (const [how, cause] of thrown) {
        const error = await rejection(pool.submit(classes.giveTrap, trap("toPickle", how, "worker").plan));
        assert.ok(error instanceof PicklingError);
        assert.match(error.message, /^Cannot send result back from the worker as toPickle\(\) of class Trap threw: /);
        assert.match(String(error.cause), cause);
        assert.equal(error.direction, "result");
        assert.equal(await pool.submit(tasks.workerId), pid);
      }
    }),
);

forEachKindTogether(
  "picklable: toPickle of an argument throws: submit itself does, and nothing is queued",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      assert.throws(() => pool.submit(tasks.identity, [trap("toPickle", "throw", "parent")]), {
        name: "PicklingError",
        path: "args[0][0]",
        message: /toPickle\(\) of class Trap threw: RangeError: from toPickle/,
      });
      assert.equal(pool.pendingCount, 0);
      assert.equal(await pool.submit(tasks.identity, 1), 1);
    }),
);

forEachKindTogether(
  "C149 C150 picklable: fromPickle of a result throws in the parent: that call fails, worker and pool live",
  (kind) =>
    withPool(kind, { maxWorkers: 1, onWorkerLost: "break" }, async (pool) => {
      const pid = await pool.submit(tasks.workerId);
      for (const [how, cause] of thrown) {
        const calls = [
          pool.submit(tasks.identity, 1),
          pool.submit(classes.giveTrap, trap("fromPickle", how, "parent").plan),
          pool.submit(tasks.identity, 2),
        ];
        const error = await rejection(calls[1]);
        assert.ok(error instanceof PicklingError);
        assert.match(error.message, /^Cannot read result from the worker as class Trap's fromPickle\(\) threw: /);
        assert.match(String(error.cause), cause);
        assert.deepEqual([error.path, error.direction], ["result", "result"]);
        assert.deepEqual([await calls[0], await calls[2]], [1, 2]);
      }
      assert.equal(await pool.submit(tasks.workerId), pid);
    }),
);

forEachKindTogether(
  "picklable: a fromPickle that submits and cancels in the middle of an answer does no harm",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const latch = new Latch(folder);
      const arrivals = new Arrivals(folder);
      let inner: PromiseLike<unknown> | undefined;
      let cancelled: boolean[] = [];
      Meddler.meddle = () => {
        inner = pool.submit(tasks.identity, "inner");
        cancelled = waiting.map((call) => call.cancel());
      };
      const outer = pool.submit(tasks.identity, new Meddler());
      // The first of them may have been sent when the answer is read: then it cannot be cancelled, and returns.
      const waiting = range(10).map(() => pool.submit(tasks.meet, arrivals.path, latch.path));
      try {
        assert.ok(await outer instanceof Meddler);
        assert.equal(cancelled[9], true);
        latch.open();
        for (const [i, call] of waiting.entries()) {
          assert.equal(call.cancelled(), cancelled[i]);
          if (cancelled[i]) assert.ok(await rejection(call) instanceof CancelledError);
          else assert.equal(typeof await call, "number");
        }
        assert.equal(await inner, "inner");
        assert.equal(pool.pendingCount, 0);
      } finally {
        Meddler.meddle = () => {};
      }
    }),
);

forEachKind(
  "picklable: a fromPickle that kills the pool in the middle of an answer ends it: that call and all others fail",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      let ended: Promise<void> | undefined;
      Meddler.meddle = () => {
        ended ??= pool.killWorkers();
      };
      const calls = [new Meddler(), 1, 2].map((value) => pool.submit(tasks.identity, value));
      try {
        for (const call of calls) assert.ok(await rejection(call) instanceof kind.Broken);
        await ended;
        assert.equal(pool.pendingCount, 0);
        assert.throws(() => pool.submit(tasks.identity, 3), ShutdownError);
      } finally {
        Meddler.meddle = () => {};
      }
    }),
);
