/**
 * How a function becomes a task and is found again: `tasks`, `task`, `@task`, and the registry behind them. What `submit`
 * says of a function that is none is in `executor_values_test.ts`.
 */
import assert from "node:assert/strict";
import { copyFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { PicklingError, task, TaskNotFoundError, tasks } from "../mod.ts";
import { test, withTempFolder } from "./harness.ts";
import { forEachKind } from "./kinds.ts";
import { forEachKindTogether, rejection, withPool } from "./pools.ts";
import * as own from "./tasks.ts";
import * as more from "./tasks_executor.ts";

/** A module that nothing imports: functions registered under it are for looking at, not for running. */
const NOWHERE = { url: "file:///nowhere/tasks.ts" };

// Registering

test("tasks, task: give back what they were given, the functions unchanged", () => {
  function parse(): number {
    return 1;
  }
  const functions = { parse };
  assert.equal(tasks(NOWHERE, functions), functions);
  assert.equal(functions.parse, parse);
  assert.equal(task(NOWHERE, parse), parse);
  assert.deepEqual(Object.keys(parse), []);
});

test("task: an anonymous function needs a name, and the error shows how", () => {
  for (const fn of [() => 1, (() => () => 1)()]) {
    assert.throws(() => task(NOWHERE, fn), {
      name: "TypeError",
      message:
        /^Cannot register an anonymous function as a task must have a name: give it one\n\n {4}task\(import\.meta, .*\{ name: "shout" \}\);\n$/,
    });
    assert.equal(task(NOWHERE, fn, { name: "named" }), fn);
  }
  assert.throws(() => tasks(NOWHERE, { "": own.pow }), TypeError);
});

test("tasks, task: a module from which no worker can import is refused", () => {
  const urls = [
    "",
    "data:text/javascript,export%20{}",
    "blob:https://example.com/5b2",
    "file:///app/[eval]",
    "file:///app/[eval1]",
    "file:///app/[stdin]",
    "file:///app/$deno$eval.mts",
    "file:///app/$deno$stdin.mts",
    "file:///app/$deno$repl.mts",
  ];
  for (const url of urls) {
    for (const register of [() => tasks({ url }, { fn: own.pow }), () => task({ url }, own.pow)]) {
      assert.throws(register, {
        name: "TypeError",
        message: /^Cannot register a task as its module must be a file that a worker can import: current URL is '/,
      });
    }
  }
  for (const module of [undefined, null, "file:///x.ts", {}, { url: 1 }]) {
    assert.throws(() => tasks(module as never, { fn: own.pow }), {
      name: "TypeError",
      message:
        /^Cannot register a task as its module must be given as import\.meta, or as \{ url \}: current value is /,
    });
  }
});

test("tasks, task: what is no function is refused", () => {
  for (const value of [1, "pow", null, { pow: own.pow }, Promise.resolve(own.pow)]) {
    assert.throws(() => tasks(NOWHERE, { wrong: value as never }), {
      name: "TypeError",
      message: /^Cannot register task 'wrong' as it must be a function: current value is /,
    });
  }
  class Shape {}
  assert.throws(() => tasks(NOWHERE, { Shape } as never), {
    name: "TypeError",
    message: /^Cannot register task 'Shape' as it must be a function that can be called: it is a class; /,
  });
});

test("@task: wants a public static method", () => {
  const wrong: [Record<string, unknown>, string][] = [
    [{ kind: "method", static: false, private: false }, "it is an instance's method"],
    [{ kind: "method", static: true, private: true }, "it is private"],
    [{ kind: "getter", static: true, private: false }, "it is a static getter"],
    [{ kind: "class", static: false, private: false }, "it is an instance's class"],
  ];
  for (const [context, is] of wrong) {
    const decorate = task(NOWHERE) as unknown as (method: unknown, context: unknown) => void;
    assert.throws(() => decorate(own.pow, { name: "hash", addInitializer() {}, ...context }), {
      name: "TypeError",
      message: `Cannot decorate 'hash' with @task() as it must be a public static method: ${is}`,
    });
  }
});

test("@task: under TypeScript's old decorators it says so", () => {
  // They call with the class, the key, and the method's descriptor.
  const decorate = task(NOWHERE) as unknown as (...args: unknown[]) => void;
  const descriptor = Object.getOwnPropertyDescriptor(more.Words, "join");
  assert.throws(() => decorate(more.Words, "join", descriptor), {
    name: "TypeError",
    message: /^Cannot decorate a method with @task\(\) as .* remove 'experimentalDecorators' from its options$/,
  });
});

// Finding again

forEachKindTogether(
  "task: an arrow function under a name of its own",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      assert.equal(await pool.submit(more.shout, "ant"), "ANT");
      assert.deepEqual(await pool.map(more.shout, ["a", "b"]).toArray(), ["A", "B"]);
    }),
);

forEachKindTogether(
  "@task: a static method is called on its class",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      assert.equal(await pool.submit(more.Words.join, "a", "b"), "a-b");
      const error = await rejection(pool.submit(own.raise, "x"));
      assert.ok(error instanceof Error);
    }),
);

forEachKindTogether(
  "registry: functions of one URL and name are told apart by their text",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const [first, second] = more.twins;
      const futures = [pool.submit(first, 1), pool.submit(second, 2), pool.submit(first, 3)];
      assert.deepEqual(await Promise.all(futures), ["first 1", "second 2", "first 3"]);
    }),
);

forEachKind(
  "registry: a function of a name that the worker does not know, among others of that name",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const third = task({ url: moduleUrl("tasks_executor.ts") }, (n: number) => `third ${n}`, { name: "twin" });
      const error = await rejection(pool.submit(third, 1));
      assert.ok(error instanceof TaskNotFoundError);
      assert.match(error.message, /name/);
      assert.equal(await pool.submit(more.twins[0], 2), "first 2");
    }),
);

forEachKind(
  "registry: a name that the module does not register fails that future alone",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      const lost = task({ url: moduleUrl("tasks_executor.ts") }, () => 1, { name: "lost" });
      const futures = [pool.submit(more.sum, 1, 2), pool.submit(lost), pool.submit(more.sum, 3, 4)] as const;
      assert.equal(await futures[0], 3);
      const error = await rejection(futures[1]);
      assert.ok(error instanceof TaskNotFoundError);
      assert.match(error.message, /lost/);
      assert.equal(await futures[2], 7);
      assert.ok(await rejection(pool.map(lost as () => number, [1] as never).next()) instanceof TaskNotFoundError);
    }),
);

forEachKind(
  "registry: a module that is not there, and one that throws, fail the future with the reason",
  (kind) =>
    withModule(
      "throw new RangeError('this module is bad');",
      (throwing) =>
        withPool(kind, { maxWorkers: 1 }, async (pool) => {
          const absent = task(NOWHERE, () => 1, { name: "absent" });
          const bad = task({ url: throwing.url }, () => 1, { name: "bad" });
          const [one, other] = await Promise.all([rejection(pool.submit(absent)), rejection(pool.submit(bad))]);
          for (const error of [one, other]) assert.ok(error instanceof TaskNotFoundError);
          const { cause } = other as TaskNotFoundError;
          assert.ok(cause instanceof RangeError);
          assert.equal(cause.message, "this module is bad");
          assert.ok((one as TaskNotFoundError).cause instanceof Error);
          // It is not remembered as found, nor is the worker harmed.
          assert.ok(await rejection(pool.submit(bad)) instanceof TaskNotFoundError);
          assert.equal(await pool.submit(more.sum, 1, 2), 3);
        }),
    ),
);

forEachKind(
  "registry: a module registered after the workers have started",
  (kind) =>
    withModule(
      "tasks({ url }, { version: globalThis.version = () => 1 });",
      (module) =>
        withPool(kind, { maxWorkers: 1 }, async (pool) => {
          assert.equal(await pool.submit(more.sum, 1, 2), 3);
          const { version } = await module.load();
          assert.equal(await pool.submit(version), 1);
        }),
    ),
);

forEachKind(
  "registry: a worker that knows an older text of a task is replaced",
  (kind) =>
    withModule(
      "tasks({ url }, { version: globalThis.version = () => 1 });",
      (module) =>
        withPool(kind, { maxWorkers: 1 }, async (pool) => {
          const one = (await module.load()).version;
          const [pid, value] = [await pool.submit(own.workerId), await pool.submit(one)];
          assert.equal(value, 1);
          module.write("tasks({ url }, { version: globalThis.version = () => 2 });");
          const two = (await module.load()).version;
          assert.notEqual(one, two);
          assert.equal(await pool.submit(two), 2);
          assert.notEqual(await pool.submit(own.workerId), pid);
        }),
    ),
  { needs: { processes: true } },
);

// Calling the task instead of passing it

forEachKindTogether(
  "E158 X39 submit: a task that was called is refused, and the error says what may have happened",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      assert.throws(() => pool.submit(own.pow(2, 3) as never), { name: "TypeError", message: /current value is 8$/ });
      assert.throws(() => pool.submit(own.sleep(0) as never), {
        name: "TypeError",
        message: /it seems to be called already: pass the function, then its arguments$/,
      });
      const error = await rejection(Promise.resolve().then(() => pool.submit(own.pow.bind(null, 2, 3))));
      assert.ok(error instanceof PicklingError);
    }),
);

function moduleUrl(name: string): string {
  return new URL(name, import.meta.url).href;
}

/** A module of tasks in a file of its own. */
interface TaskModule {
  readonly url: string;
  /** Changes its text. */
  write(text: string): void;
  /** Imports it as it is now, and gives what it has registered as `version`. */
  load(): Promise<{ version: () => number }>;
}

/** Runs `fn` with a module outside the repository, whose text may use `tasks` and its own `url`. */
function withModule(text: string, fn: (module: TaskModule) => Promise<void>): Promise<void> {
  return withTempFolder(async (folder) => {
    const path = `${folder}/module.mjs`;
    const url = pathToFileURL(path).href;
    const head = `import { tasks } from ${JSON.stringify(moduleUrl("../mod.ts"))};\nconst url = ${
      JSON.stringify(url)
    };\n`;
    let copies = 0;
    const module: TaskModule = {
      url,
      write: (text) => writeFileSync(path, `${head}${text}\n`),
      load: async () => {
        // As hot reload does: another evaluation here, the same module for the workers. (Bun takes no notice of a query
        // behind a file: URL, so it is a copy.)
        const copy = `${folder}/copy-${++copies}.mjs`;
        copyFileSync(path, copy);
        await import(pathToFileURL(copy).href);
        return globalThis as unknown as { version: () => number };
      },
    };
    module.write(text);
    await fn(module);
    Reflect.deleteProperty(globalThis, "version");
  });
}
