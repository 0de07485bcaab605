/**
 * What was wrong in the engine once, and must not come back: callbacks that act on other calls while many are failed,
 * programs and tasks that replace the host's functions, tasks that break what their worker stands on.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { BrokenExecutor, CancelledError, type Executor, type Future, tasks as registerTasks } from "../mod.ts";
import { Arrivals, Latch, type ProgramResult, test, withLimit } from "./harness.ts";
import { forEachKind, type Kind } from "./kinds.ts";
import { range, withPool } from "./pools.ts";
import { REPOSITORY } from "./project.ts";
import * as tasks from "./tasks.ts";
import { withProject } from "./user_project.ts";

/** Far longer than any of these takes, and shorter than what a deadlock would cost the suite. */
const LIMIT = 20_000;

/** What the futures come to; all of them must. */
function outcomes(futures: readonly Future<unknown>[]): Promise<unknown[]> {
  const all = futures.map((future) => future.exception().catch((error: unknown) => error));
  return withLimit(Promise.all(all), LIMIT, () => `These did not all settle:\n${futures.map(String).join("\n")}`);
}

// Callbacks that cancel siblings

/** Ends a pool of one worker, which is at its first call while others wait; or has it lose its first call alone. */
const ENDS: Readonly<Record<string, (pool: Executor, kind: Kind, id: number) => unknown>> = {
  "killWorkers()": (pool) => pool.killWorkers(),
  "terminateWorkers()": (pool) => pool.terminateWorkers(),
  "shutdown({ cancelFutures: true })": (pool) => pool.shutdown({ wait: false, cancelFutures: true }),
  "the death of its worker": (_, kind, id) => kind.kill(id),
};

for (const [how, end] of Object.entries(ENDS)) {
  forEachKind(
    `cancel: callbacks that cancel the calls behind theirs, at ${how}: each call settles, and the pool ends`,
    (kind) =>
      withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
        const arrivals = new Arrivals(folder);
        const latch = new Latch(folder);
        const id = await pool.submit(tasks.workerId);
        const futures = range(20).map(() => pool.submit(tasks.meet, arrivals.path, latch.path));
        await arrivals.wait(1);
        const cancelled: number[] = [];
        for (const at of [0, 12]) {
          futures[at].addDoneCallback(() => {
            // From behind, from the middle and again: some may have ended before.
            for (const other of [5, 7, 4, 5, 0]) if (futures[at + other].cancel()) cancelled.push(at + other);
          });
        }
        const ended = Promise.resolve(end(pool, kind, id));
        latch.open();
        const errors = await outcomes(futures);
        await withLimit(ended, LIMIT, "its end did not come");
        for (const index of cancelled) assert.ok(errors[index] instanceof CancelledError, `${index}`);
        assert.equal(pool.pendingCount, 0);
        await withLimit(Promise.resolve(pool.shutdown()), LIMIT, "shutdown() did not end");
      }),
  );
}

forEachKind(
  "cancel: callbacks that cancel the calls behind theirs while the pool breaks: each call settles",
  (kind) =>
    withPool(kind, { maxWorkers: 1, initializer: tasks.raise as () => never, initargs: ["spam"] }, async (pool) => {
      const futures = range(10).map((number) => pool.submit(tasks.identity, number));
      for (const at of [0, 3]) {
        futures[at].addDoneCallback(() => {
          for (const other of [5, 9, at + 1, 5]) futures[other].cancel();
        });
      }
      const errors = await outcomes(futures);
      for (const error of errors) assert.ok(error instanceof BrokenExecutor || error instanceof CancelledError);
      assert.equal(pool.pendingCount, 0);
      await withLimit(Promise.resolve(pool.shutdown()), LIMIT, "shutdown() did not end");
    }),
);

forEachKind(
  "callbacks that submit, cancel, throw and shut down while the pool is killed: each call settles",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool, folder) => {
      const arrivals = new Arrivals(folder);
      const latch = new Latch(folder);
      const futures = range(20).map(() => pool.submit(tasks.meet, arrivals.path, latch.path));
      await arrivals.wait(2);
      const results = pool.map(tasks.identity, range(20));
      const items = range(20).map(() => results.next());
      let refused: unknown;
      futures[4].addDoneCallback(() => {
        try {
          pool.submit(tasks.workerId);
        } catch (error) {
          refused = error;
        }
        void results.return!();
        void pool.shutdown();
        for (const future of futures) future.cancel();
      });
      await withLimit(Promise.resolve(pool.killWorkers()), LIMIT, "killWorkers() did not end");
      await outcomes(futures);
      await withLimit(Promise.allSettled(items), LIMIT, "a next() did not settle");
      assert.ok(refused instanceof Error, "a pool that is being killed took a call");
      assert.equal(pool.pendingCount, 0);
    }),
);

// C74 ("an unknown operation raises ValueError") has no counterpart: how a pool ends is a method's name here, killWorkers()
// or terminateWorkers(), and no argument says the operation, so that there is none to refuse.
forEachKind(
  "C74: the two ways to end the workers are methods, with no operation to name",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool) => {
      assert.deepEqual([pool.killWorkers.length, pool.terminateWorkers.length], [0, 0]);
      await pool.killWorkers();
    }),
);

// Results that are hostile

/** A function of a module of its own that a worker finds in `folder`, and this process does not run. */
function foreign(folder: string, number: number, body: string): () => unknown {
  const path = `${folder}/foreign_${number}.ts`;
  writeFileSync(
    path,
    `import { tasks } from "file://${REPOSITORY}/tasks/task.ts";
     function hostile(): unknown { ${body} }
     tasks(import.meta, { hostile });`,
  );
  function hostile(): unknown {
    return undefined;
  }
  return registerTasks({ url: pathToFileURL(path).href }, { hostile }).hostile;
}

const THROWS = `{ configurable: true, get() { throw new RangeError("trap"); } }`;

/** What a task gives, and the name of the error that comes of it. */
const HOSTILE: Readonly<Record<string, readonly [string, string | undefined]>> = {
  "a promise whose `constructor` throws": [
    `Object.defineProperty(Promise.resolve(1), "constructor", ${THROWS})`,
    "RangeError",
  ],
  "a promise whose `then` throws": [`Object.defineProperty(Promise.resolve(1), "then", ${THROWS})`, "RangeError"],
  "a thenable that throws": [`({ then() { throw new RangeError("trap"); } })`, "RangeError"],
  "a thenable that answers three times": [`({ then(give, fail) { give(1); give(2); fail(3); } })`, undefined],
};

forEachKind(
  "results: a task that gives a promise whose `constructor` or `then` throws, a thenable that throws, or answers three times, is answered",
  (kind) =>
    withPool(kind, { maxWorkers: 1 }, async (pool, folder) => {
      // All before the first call: a worker that knew less would be replaced for that.
      const all = Object.entries(HOSTILE).map(([what, [code, name]], index) => ({
        what,
        name,
        task: foreign(folder, index, `return ${code};`),
      }));
      const worker = await pool.submit(tasks.workerId);
      for (const { what, name, task } of all) {
        for (let round = 0; round < 2; round++) {
          const [error] = await outcomes([pool.submit(task)]);
          assert.equal((error as Error | null | undefined)?.name, name, what);
        }
        const same = await withLimit(Promise.resolve(pool.submit(tasks.workerId)), LIMIT, `${what}: it is stuck`);
        assert.equal(same, worker, what);
      }
    }),
);

// Functions of the host that are replaced, by fake timers or by a slip

/** A program that ended well and said nothing on stderr, and what it printed. */
function printed({ code, signal, stdout, stderr, timedOut }: ProgramResult): string {
  assert.deepEqual({ code, signal, stderr, timedOut }, { code: 0, signal: null, stderr: "", timedOut: false }, stdout);
  return stdout;
}

/** Statements that take one of the host's functions away, each as a test library or a slip does. */
const REPLACED: Readonly<Record<string, string>> = {
  queueMicrotask: "globalThis.queueMicrotask = () => {};",
  setTimeout: "globalThis.setTimeout = () => 0; globalThis.clearTimeout = () => {};",
  setInterval: "globalThis.setInterval = () => 0; globalThis.clearInterval = () => {};",
  setImmediate: "globalThis.setImmediate = () => 0; globalThis.clearImmediate = () => {};",
  "performance.now": "performance.now = () => 0;",
  "a clock that throws": `globalThis.performance = { now() { throw new Error("no clock"); } };`,
  "process.exit": "process.exit = () => {};",
};

const BREAKING_TASKS = `
  import { tasks } from "@ergate/ergate";
  import { appendFileSync } from "node:fs";
  import process from "node:process";
  export function pid(): number { return process.pid; }
  export function double(n: number): number { return 2 * n; }
  export function fail(): never { throw new RangeError("its own"); }
  export function die(): never { process.kill(process.pid, "SIGKILL"); for (;;); }
  export function run(code: string): void { new Function("process", code)(process); }
  /** Leaves a line when its worker ends by itself; a kill leaves none. */
  export function tellExit(name: string): void {
    process.on("exit", () => appendFileSync(process.env.HERE + "/exits", name + "\\n"));
  }
  tasks(import.meta, { pid, double, fail, die, run, tellExit });
`;

test("globals: a program that replaces the host's functions, one after the other, still gets its results, and its pools end", () =>
  withProject({
    "tasks.ts": BREAKING_TASKS,
    "main.ts": `
      import { ProcessPoolExecutor } from "@ergate/ergate";
      import * as tasks from "./tasks.ts";
      import process from "node:process";
      const first = new ProcessPoolExecutor(1);
      console.log(await first.submit(tasks.double, 1));
      for (const [name, code] of Object.entries(${JSON.stringify(REPLACED)})) {
        tasks.run(code);
        const items = Array.from({ length: 5000 }, (_, i) => i);
        console.log(name, await first.submit(tasks.double, 2), (await first.map(tasks.double, items).toArray()).length);
        await using another = new ProcessPoolExecutor(1);
        console.log((await another.submit(tasks.die).exception() as Error).name, await another.submit(tasks.double, 3));
      }
      await first.shutdown();
      console.log("end");
      process.exitCode = 0;
    `,
  }, async (project) => {
    const result = await project.run("main.ts");
    const lines = Object.keys(REPLACED).map((name) => `${name} 4 5000\nWorkerLostError 6\n`);
    assert.equal(printed(result), `2\n${lines.join("")}end\n`);
  }));

test("globals: a task that replaces one of the host's functions stops neither its worker nor the pool's end", () =>
  withProject({
    "tasks.ts": BREAKING_TASKS,
    "main.ts": `
      import { ProcessPoolExecutor } from "@ergate/ergate";
      import * as tasks from "./tasks.ts";
      for (const [name, code] of Object.entries(${JSON.stringify(REPLACED)})) {
        const pool = new ProcessPoolExecutor(1);
        const before = await pool.submit(tasks.pid);
        await pool.submit(tasks.tellExit, name);
        await pool.submit(tasks.run, code);
        const doubles = await pool.map(tasks.double, Array.from({ length: 300 }, (_, i) => i)).toArray();
        const error = await pool.submit(tasks.fail).exception() as Error;
        const same = await pool.submit(tasks.pid) === before;
        await pool.shutdown();
        console.log(name, doubles.length, error.name, same);
      }
    `,
  }, async (project) => {
    const names = Object.keys(REPLACED);
    const expected = names.map((name) => `${name} 300 RangeError true\n`);
    assert.equal(printed(await project.run("main.ts")), expected.join(""));
    // None was killed after its grace.
    assert.deepEqual(new Arrivals(project.folder, "exits").lines, names);
  }));

// Tasks after which not even the words of a crash can be made

const BROKEN: Readonly<Record<string, string>> = {
  "Array.prototype.push": `Array.prototype.push = () => { throw new Error("push"); };`,
  "Array.prototype[Symbol.iterator]": `Array.prototype[Symbol.iterator] = () => { throw new Error("iterator"); };`,
  "Map.prototype.get": "Map.prototype.get = () => undefined;",
  "Promise.prototype.then": `Promise.prototype.then = () => { throw new Error("then"); };`,
  "JSON": "JSON.parse = JSON.stringify = () => { throw 1; };",
  "Error": "globalThis.Error = class { constructor() { throw 1; } };",
  "Error.prepareStackTrace": `Error.prepareStackTrace = () => { throw new Error("trace"); };`,
  "TextEncoder and TextDecoder": "globalThis.TextDecoder = globalThis.TextEncoder = undefined;",
  "process": "globalThis.process = undefined;",
  "process.getBuiltinModule": "process.getBuiltinModule = () => { throw 1; };",
  "every listener of the process": "process.removeAllListeners();",
  "frozen prototypes": "for (const type of [Object, Array, Map, Promise, Error]) Object.freeze(type.prototype);",
};

test("globals: after a task that breaks what its worker stands on, every call settles and the pool ends", () =>
  withProject({
    "tasks.ts": BREAKING_TASKS,
    "main.ts": `
      import { ProcessPoolExecutor } from "@ergate/ergate";
      import * as tasks from "./tasks.ts";
      async function settles(name: string, promises: PromiseLike<unknown>[]): Promise<void> {
        let timer: ReturnType<typeof setTimeout> | undefined;
        const late = new Promise((resolve) => timer = setTimeout(resolve, 45_000, "late"));
        const first = await Promise.race([Promise.allSettled(promises).then(() => "settled"), late]);
        clearTimeout(timer);
        if (first === "late") console.log(name, "HANGS");
      }
      async function check(name: string, code: string): Promise<void> {
        const pool = new ProcessPoolExecutor(1);
        await pool.submit(tasks.pid);
        await settles(name + ": the call itself", [pool.submit(tasks.run, code)]);
        const others = [pool.submit(tasks.double, 1), pool.submit(tasks.fail), pool.submit(tasks.pid)];
        await settles(name + ": those behind it", others);
        await settles(name + ": the shutdown", [pool.shutdown()]);
        await pool.killWorkers();
      }
      await Promise.all(Object.entries(${JSON.stringify(BROKEN)}).map(([name, code]) => check(name, code)));
      console.log("all");
    `,
  }, async (project) => {
    // What the dying workers say on stderr is no matter of this test.
    const { code, stdout } = await project.run("main.ts", { timeout: 55_000 });
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "all\n" });
  }));
