/**
 * What was wrong with `map` once, and must not come back: inputs that do something to the map or to the pool while they are
 * drawn, inputs that break the language's own rules, and ends that were never reached.
 */
import assert from "node:assert/strict";
import { BrokenExecutor, type Executor, PicklingError, ShutdownError, WorkerLostError } from "../mod.ts";
import { Arrivals, Latch, runProgram, test, withLimit } from "./harness.ts";
import { forEachKind } from "./kinds.ts";
import { forEachKindTogether, range, rejection, withPool } from "./pools.ts";
import * as tasks from "./tasks.ts";
import * as more from "./tasks_executor.ts";
import { withProject } from "./user_project.ts";

const END = { done: true, value: undefined };

/** Far longer than any of these takes, and shorter than what a deadlock would cost the suite. */
const LIMIT = 20_000;

/** The pool's end, which must come. */
function ends(closed: PromiseLike<void> | undefined): Promise<void> {
  assert.ok(closed, "the test proves nothing: the shutdown did not begin");
  return withLimit(Promise.resolve(closed), LIMIT, "shutdown() did not end");
}

// An item that fails after the shutdown began, when nobody resumes a map any more

/** How the failing item is waited for. */
const READERS: Readonly<Record<string, (results: AsyncIterableIterator<unknown>) => Promise<unknown>>> = {
  "next()": (results) => results.next(),
  "toArray()": (results) => (results as unknown as { toArray(): Promise<unknown> }).toArray(),
  "for await": async (results) => {
    for await (const _ of results) { /* never: the first fails */ }
  },
};

for (const [how, read] of Object.entries(READERS)) {
  forEachKind(
    `map: shutdown ends, and what is left is run, when an item fails after it began while ${how} waits`,
    (kind) =>
      withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
        const [started, marks] = [new Arrivals(folder, "started"), new Arrivals(folder, "marks")];
        const latch = new Latch(folder);
        const results = pool.map(more.failFirst, range(10), Array(10).fill([latch.path, started.path, marks.path]));
        const first = rejection(read(results));
        await started.wait(1);
        const closed = pool.shutdown();
        latch.open();
        assert.ok(await first instanceof RangeError);
        await ends(closed);
        assert.equal(pool.pendingCount, 0);
        assert.deepEqual(await results.toArray(), range(10).slice(1));
        assert.deepEqual(marks.lines, range(10).slice(1).map(String));
      }),
  );
}

for (const cancelFutures of [false, true]) {
  forEachKind(
    `map: shutdown ends when the worker of an item dies after it began, cancelFutures ${cancelFutures}`,
    (kind) =>
      withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
        const arrivals = new Arrivals(folder);
        const latch = new Latch(folder);
        const id = await pool.submit(tasks.workerId);
        const results = pool.map(tasks.meet, Array(50).fill(arrivals.path), Array(50).fill(latch.path));
        const first = rejection(results.next());
        await arrivals.wait(1);
        const closed = pool.shutdown({ cancelFutures });
        kind.kill(id);
        await kind.untilGone([id]);
        latch.open();
        assert.ok(await first instanceof WorkerLostError);
        await ends(closed);
        assert.equal(pool.pendingCount, 0);
        if (cancelFutures) assert.equal(arrivals.count, 1);
        else assert.equal((await results.toArray()).length, 49);
      }),
  );
}

// Inputs that end the map, or the pool, while they are drawn

forEachKind(
  "map: an iterable that shuts the pool down while it is drawn: nothing of it runs, and the pool ends",
  async (kind) => {
    for (const before of [0, 3]) {
      await withPool(kind, { maxWorkers: 1 }, async (pool) => {
        await pool.submit(tasks.workerId);
        let closed: Promise<void> | undefined;
        function* items(): Generator<number, void, unknown> {
          yield* range(before);
          closed = pool.shutdown();
          yield 100;
          yield 101;
        }
        const results = pool.map(more.sum, items());
        const seen: unknown[] = [];
        const error = await rejection((async () => {
          for await (const value of results) seen.push(value);
        })());
        assert.ok(error instanceof ShutdownError, String(error));
        assert.deepEqual(seen, range(before));
        await ends(closed);
        assert.equal(pool.pendingCount, 0);
      });
    }
  },
);

forEachKind(
  "map: an iterable that closes the map while it is drawn: what it gives then is not run",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const marks = new Arrivals(folder, "marks");
      function* items(): Generator<string, void, unknown> {
        yield "first";
        void results.return!();
        yield "second";
      }
      const results: AsyncIterableIterator<unknown> = pool.map(
        tasks.leaveMark,
        Array(5).fill(marks.path) as string[],
        items(),
        { buffersize: 1 },
      );
      assert.deepEqual(await results.next(), { done: false, value: "first" });
      assert.deepEqual(await results.next(), END);
      await pool.shutdown();
      assert.deepEqual(marks.lines, ["first"]);
    }),
);

/** A value that shuts the pool down when it is copied. */
function shutsDown(pool: Executor): { readonly closed?: Promise<void>; readonly value: object } {
  const state: { closed?: Promise<void>; value: object } = {
    value: {
      get here(): number {
        state.closed ??= pool.shutdown();
        return 1;
      },
    },
  };
  return state;
}

forEachKind(
  "submit: an argument that shuts the pool down while it is copied is refused, and the pool ends",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      await pool.submit(tasks.workerId);
      const trap = shutsDown(pool);
      const error = await rejection((async () => await pool.submit(tasks.identity, trap.value))());
      assert.ok(error instanceof ShutdownError, String(error));
      await ends(trap.closed);
      assert.equal(pool.pendingCount, 0);
    }),
);

forEachKind(
  "map: an item that shuts the pool down while it is copied: every next() settles, and the pool ends",
  async (kind) => {
    for (const sized of [true, false]) {
      await withPool(kind, { maxWorkers: 1 }, async (pool) => {
        await pool.submit(tasks.workerId);
        const trap = shutsDown(pool);
        const items = [{ a: 1 }, trap.value, { a: 3 }, { a: 4 }];
        const results = pool.map(tasks.identity, sized ? items : items.values());
        const first = await withLimit(results.next(), LIMIT, "the first next() did not settle");
        assert.deepEqual(first, { done: false, value: { a: 1 } });
        for (let i = 0; i < 5; i++) {
          await withLimit(Promise.allSettled([results.next()]), LIMIT, `next() ${i} behind it did not settle`);
        }
        await ends(trap.closed);
        assert.equal(pool.pendingCount, 0);
      });
    }
  },
);

// Many readers

forEachKindTogether(
  "map: ten thousand waiting next() and as many items that cannot cross: each has its own error",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      const COUNT = 10_000;
      const latch = new Latch(folder);
      function* items(): Generator<unknown, void, unknown> {
        yield latch.path;
        for (;;) yield () => {};
      }
      const results = pool.map(more.giveAfter as (item: unknown) => Promise<unknown>, items());
      const outcomes = range(COUNT).map(() => results.next().then(() => "value", (error) => error));
      latch.open();
      const [first, ...errors] = await withLimit(Promise.all(outcomes), LIMIT, () => `${pool.pendingCount} pending`);
      assert.equal(first, "value");
      assert.ok(errors.every((error) => error instanceof PicklingError));
      assert.equal(new Set(errors.map((error) => error.path)).size, COUNT - 1);
      await results.return!();
      assert.equal(pool.pendingCount, 0);
    }),
);

forEachKindTogether(
  "map: an iterable that calls next() of the map that draws it",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const inner: Promise<unknown>[] = [];
      const made: { results?: AsyncIterableIterator<unknown> } = {};
      function* items(): Generator<number, void, unknown> {
        for (const number of range(20)) {
          if (made.results !== undefined) inner.push(made.results.next());
          yield number;
        }
      }
      const results = made.results = pool.map(more.sum, items(), { buffersize: 2 });
      const seen: unknown[] = [];
      for (let i = 0; i < 2; i++) seen.push((await results.next()).value);
      const rest = await withLimit(results.toArray(), LIMIT, "toArray() did not settle");
      const early = (await withLimit(Promise.all(inner), LIMIT, "an inner next() did not settle")) as {
        value: unknown;
      }[];
      const all = [...seen, ...rest, ...early.map(({ value }) => value)].filter((value) => value !== undefined);
      assert.deepEqual(all.toSorted((one, other) => Number(one) - Number(other)), range(20));
    }),
);

// Iterators that keep no rule

const NO_RESULTS: Readonly<Record<string, () => unknown>> = {
  "a number": () => 5,
  "nothing": () => undefined,
  "null": () => null,
  "a promise": () => Promise.resolve({ done: false, value: 1 }),
};

for (const [what, next] of Object.entries(NO_RESULTS)) {
  forEachKindTogether(
    `map: an iterator whose next() gives ${what} is a TypeError, and no endless map`,
    (kind) =>
      withPool(kind, { maxWorkers: 1 }, async (pool) => {
        const items = { [Symbol.iterator]: () => ({ next }) } as unknown as Iterable<number>;
        const results = pool.map(more.sum, items);
        const error = await withLimit(rejection(results.next()), LIMIT, "it is endless");
        assert.ok(error instanceof TypeError, String(error));
        assert.match(error.message, /next\(\)/);
        assert.deepEqual(await results.next(), END);
        assert.equal(pool.pendingCount, 0);
      }),
  );
}

forEachKindTogether(
  "map: an asynchronous iterator whose next() gives no object is a TypeError",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const items = { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(5) }) };
      const results = pool.map(more.sum, items as unknown as AsyncIterable<number>);
      assert.ok(await withLimit(rejection(results.next()), LIMIT, "it is endless") instanceof TypeError);
      assert.deepEqual(await results.next(), END);
    }),
);

forEachKind(
  "map: an iterator whose `return` cannot be read, or called, hinders neither return() nor shutdown",
  (kind) => {
    function doh(): never {
      throw new Error("doh!");
    }
    const hostile: readonly PropertyDescriptor[] = [
      { get: doh },
      { value: doh },
      { value: 5 },
      { value: () => Promise.reject(new Error("doh!")) },
      { value: () => new Promise(() => {}) },
    ];
    return withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const open: AsyncIterableIterator<unknown>[] = [];
      for (const descriptor of hostile) {
        const endless = (): AsyncIterableIterator<unknown> => {
          let number = 0;
          const iterator = { next: () => ({ done: false, value: number++ }) };
          Object.defineProperty(iterator, "return", descriptor);
          return pool.map(more.sum, { [Symbol.iterator]: () => iterator } as Iterable<number>, { buffersize: 3 });
        };
        const results = endless();
        assert.deepEqual(await results.next(), { done: false, value: 0 });
        assert.deepEqual(await results.return!(), END);
        open.push(endless());
      }
      await ends(pool.shutdown());
      assert.equal(pool.pendingCount, 0);
      for (const results of open) assert.deepEqual(await results.next(), { done: false, value: 0 });
    });
  },
);

// Memory

const LEAVES_MAPS = `
  import { ProcessPoolExecutor, tasks, isMain } from "@ergate/ergate";
  const { gc, Bun } = globalThis as unknown as { gc?(): void; Bun?: { gc(now: boolean): void } };
  export function same(n: number): number {
    if (n < 0) throw new RangeError("negative");
    return n;
  }
  tasks(import.meta, { same });
  if (isMain(import.meta)) {
    await using pool = new ProcessPoolExecutor(1);
    const refs: WeakRef<object>[] = [];
    const LEFT = {
      read: async (items: AsyncIterator<number>) => void await items.next(),
      unread: async () => {},
      failed: async (items: AsyncIterator<number>) => void await items.next().catch(() => items.return!()),
    };
    for (const [how, leave] of Object.entries(LEFT)) {
      refs.length = 0;
      await (async () => {
        for (let i = 0; i < 40; i++) {
          const items = pool.map(same, how === "failed" ? [-1, 1, 2] : [1, 2, 3]);
          refs.push(new WeakRef(items));
          await leave(items);
        }
      })();
      while (pool.pendingCount > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      let kept = refs.length;
      for (let round = 0; round < 200 && kept > 5; round++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        if (gc) gc();
        else Bun?.gc(true);
        kept = refs.filter((ref) => ref.deref() !== undefined).length;
      }
      // A few may lie on the stack, where a collector only guesses.
      console.log(how, kept <= 5 ? "gone" : kept + " kept");
    }
  }
`;

test("map: one whose results nobody wants any more is let go of, while the pool lives on", () =>
  withProject({ "main.ts": LEAVES_MAPS }, async (project) => {
    const { stdout, stderr } = await runProgram(project.path("main.ts"), {
      cwd: project.folder,
      denoFlags: ["-A", "--v8-flags=--expose-gc"],
      nodeFlags: ["--expose-gc"],
    });
    assert.deepEqual({ stdout, stderr }, { stdout: "read gone\nunread gone\nfailed gone\n", stderr: "" });
  }));

// Items whose getters end the map or the pool while they are copied

/** Numbers, one of them an object whose getter does something. */
function withGetter(length: number, at: number, act: () => void): unknown[] {
  const items: unknown[] = range(length);
  items[at] = {
    get value() {
      act();
      return at;
    },
  };
  return items;
}

forEachKindTogether(
  "map: return() by a getter of an item that is being copied ends it",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      // Unsized, so that the item comes late, while the first results are read.
      const results = pool.map(tasks.identity, withGetter(9000, 4500, () => void results.return()).values());
      await withLimit(
        (async () => {
          while (!(await results.next()).done);
        })(),
        LIMIT,
        "a next() did not settle",
      );
      assert.deepEqual(await results.next(), END);
    }),
);

forEachKind(
  "map: killWorkers() by a getter of an item that is being copied fails all items",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      let killed: Promise<void> | undefined;
      const results = pool.map(tasks.identity, withGetter(1000, 500, () => void (killed = pool.killWorkers())));
      for (let i = 0; i < 500; i++) assert.ok(await rejection(results.next()) instanceof BrokenExecutor);
      await ends(killed);
      assert.equal(pool.pendingCount, 0);
    }),
);

forEachKind(
  "map: shutdown() by a getter of an item that is being copied: those before it run, then ShutdownError",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      let closed: Promise<void> | undefined;
      const results = pool.map(tasks.identity, withGetter(3000, 2500, () => void (closed ??= pool.shutdown())));
      for (let i = 0; i < 2500; i++) assert.deepEqual(await results.next(), { done: false, value: i });
      assert.ok(await rejection(results.next()) instanceof ShutdownError);
      await ends(closed);
    }),
);

forEachKind(
  "map: shutdown() by a sized iterable that is being drawn: those before it run, then ShutdownError",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      let closed: Promise<void> | undefined;
      const items = {
        length: 4,
        *[Symbol.iterator](): Generator<number> {
          yield 0;
          yield 1;
          closed = pool.shutdown();
          yield 2;
          yield 3;
        },
      };
      const results = pool.map(tasks.identity, items);
      for (let i = 0; i < 2; i++) assert.deepEqual(await results.next(), { done: false, value: i });
      assert.ok(await rejection(results.next()) instanceof ShutdownError);
      await ends(closed);
    }),
);

forEachKind(
  "map: of an iterable that says its size is Infinity only so many items are drawn ahead",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      let drawn = 0;
      const endless = {
        size: Infinity,
        *[Symbol.iterator](): Generator<number> {
          for (;;) yield drawn++;
        },
      };
      const results = pool.map(tasks.identity, endless);
      for (let i = 0; i < 100; i++) assert.deepEqual(await results.next(), { done: false, value: i });
      assert.ok(drawn < 10_000, `${drawn} items were drawn for 100`);
      await ends(pool.shutdown());
    }),
);

forEachKind(
  "map: items that were given back when the pool broke are counted once",
  (kind) =>
    withPool(kind, { maxWorkers: 2, onWorkerLost: "break" }, async (pool) => {
      const results = pool.map(more.exitIf, range(3000).map((index) => index === 1500 ? 3 : 0));
      let broken = 0;
      for (let i = 0; i < 3000; i++) await results.next().catch(() => broken++);
      assert.ok(broken > 0, "the test proves nothing: no worker died");
      assert.equal(pool.pendingCount, 0);
    }),
);
