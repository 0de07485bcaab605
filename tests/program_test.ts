/** Whole programs of a user: the guard, `isMain`, how tasks are found in a project, pools in pools. */

import assert from "node:assert/strict";
import { mkdirSync, renameSync, symlinkSync } from "node:fs";
import { Arrivals, type ProgramResult, test, withTempFolder } from "./harness.ts";
import { REPOSITORY } from "./project.ts";
import { forEachKind, projectFor } from "./kinds.ts";
import { UserProject, withProject } from "./user_project.ts";

/** A program that ended well and said nothing on stderr, and what it printed. */
function printed({ code, signal, stdout, stderr, timedOut }: ProgramResult): string {
  assert.deepEqual({ code, signal, stderr, timedOut }, { code: 0, signal: null, stderr: "", timedOut: false }, stdout);
  return stdout;
}

/** Of programs: pools of both kinds, one of them after the other. */
const EACH_KIND = "for (const Executor of [ProcessPoolExecutor, ThreadPoolExecutor])";

/** Of programs: a pool of each kind, both at once. */
const POOL_OF_EACH_KIND = `
  import { ProcessPoolExecutor, ThreadPoolExecutor } from "@ergate/ergate";
  await using processes = new ProcessPoolExecutor(1);
  await using threads = new ThreadPoolExecutor(1);
  const pools = [processes, threads];
`;

// ----- The guard (row P159)

/** The top of a program that holds its tasks itself, and leaves a line each time that it is run. */
const WITH_TASKS = `
  import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
  import { appendFileSync, readFileSync } from "node:fs";
  import process from "node:process";
  appendFileSync(process.env.HERE + "/runs", process.pid + "\\n");
  if (readFileSync(process.env.HERE + "/runs", "utf8").split("\\n").length > 30) process.exit(99); // a fork bomb
  export function double(n: number): number {
    return 2 * n;
  }
  tasks(import.meta, { double });
  void isMain;
`;

const UNGUARDED: Record<string, string> = {
  "top-level await of submit": `
    const pool = new ProcessPoolExecutor(1);
    console.log(await pool.submit(double, 1));
    await pool.shutdown();
  `,
  "await using at the top": `
    await using pool = new ProcessPoolExecutor(1);
    console.log(await pool.submit(double, 1));
  `,
  "an async main": `
    async function main(): Promise<void> {
      await Promise.resolve();
      await using pool = new ProcessPoolExecutor(1);
      console.log(await pool.submit(double, 1));
    }
    main();
  `,
  "an async main that begins when a task is running": `
    export async function waitForEver(): Promise<void> {
      await new Promise((resolve) => setTimeout(resolve, 2 ** 30));
    }
    tasks(import.meta, { waitForEver });
    async function main(): Promise<void> {
      await new Promise((resolve) => setTimeout(resolve, 100));
      await using pool = new ProcessPoolExecutor(1);
      await pool.submit(waitForEver);
    }
    main();
  `,
  "a pool made at the top and used in main": `
    const pool = new ProcessPoolExecutor(1);
    async function main(): Promise<void> {
      console.log(await pool.submit(double, 1));
      await pool.shutdown();
    }
    await main();
  `,
  "map": `
    const pool = new ProcessPoolExecutor(2);
    console.log(await pool.map(double, [1, 2, 3, 4]).toArray());
    await pool.shutdown();
  `,
  "a thousand calls": `
    const pool = new ProcessPoolExecutor(2);
    console.log((await Promise.all(Array.from({ length: 1000 }, (_, i) => pool.submit(double, i)))).length);
    await pool.shutdown();
  `,
  "an initializer": `
    const pool = new ProcessPoolExecutor({ maxWorkers: 1, initializer: double, initargs: [1] });
    console.log(await pool.submit(double, 1));
    await pool.shutdown();
  `,
  "an import by a worker that catches everything": `
    try {
      const pool = new ProcessPoolExecutor(1);
      console.log(await pool.submit(double, 1));
    } catch (error) {
      console.error(String(error));
      process.exitCode = 1;
    }
  `,
};

for (const [name, main] of Object.entries(UNGUARDED)) {
  forEachKind(
    `P159: a main module with tasks and without its guard is one clear error and no fork bomb: ${name}`,
    (kind) =>
      projectFor(kind)({ "main.ts": WITH_TASKS + main }, async (project) => {
        const { code, signal, stdout, stderr, timedOut } = await project.run("main.ts");
        assert.deepEqual({ signal, timedOut }, { signal: null, timedOut: false }, stderr);
        assert.notEqual(code, 0);
        assert.equal(stdout, "");
        assert.match(stderr, /if \(isMain\(import\.meta\)\) \{/);
        // The program, and its workers; a worker of a worker would be one of a bomb.
        const runs = new Arrivals(project.folder, "runs").count;
        assert(runs >= 2 && runs <= 3, `it was run ${runs} times`);
        // A handler in the program tells it in a worker as well, if that lives so long.
        const told = stderr.match(/\bisMain\b/g)!.length;
        assert(told === 1 || (main.includes("catch") && told <= runs), `it is told ${told} times:\n${stderr}`);
        // Where the error ends the program, the helper of its workers has yet to clean up.
        await project.untilClean();
      }),
  );
}

// The programs below that run to their end have pools of both kinds, one after the other.

test("P159: with its guard the same program runs", () =>
  withProject({
    "main.ts": `${WITH_TASKS}
      import { ThreadPoolExecutor } from "@ergate/ergate";
      if (isMain(import.meta)) {
        ${EACH_KIND} {
          await using pool = new Executor(2);
          console.log(await pool.submit(double, 1), (await pool.map(double, [1, 2, 3]).toArray()).join());
        }
      }
    `,
  }, async (project) => {
    assert.equal(printed(await project.run("main.ts")), "2 2,4,6\n".repeat(2));
    assert(new Arrivals(project.folder, "runs").count <= 5);
    assert.deepEqual(project.temporary, []);
  }));

/** A module of tasks, apart from any program. */
const TASKS = `
  import { isMain, tasks } from "@ergate/ergate";
  import process from "node:process";
  import { isMainThread, threadId } from "node:worker_threads";
  export function double(n: number): number {
    return 2 * n;
  }
  export function pid(): number {
    return isMainThread ? process.pid : threadId;
  }
  export function amIMain(): boolean {
    return isMain(import.meta);
  }
  tasks(import.meta, { double, pid, amIMain });
`;

test(
  "P159: a program whose tasks live in a module of their own needs no guard and runs once",
  () =>
    withProject({
      "tasks.ts": TASKS,
      "main.ts": `
      import { ProcessPoolExecutor, ThreadPoolExecutor } from "@ergate/ergate";
      import { appendFileSync } from "node:fs";
      import process from "node:process";
      import { double } from "./tasks.ts";
      appendFileSync(process.env.HERE + "/runs", process.pid + "\\n");
      const pools = [new ProcessPoolExecutor(2), new ThreadPoolExecutor(2)];
      for (const pool of pools) console.log(await pool.submit(double, 21));
    `,
    }, async (project) => {
      assert.equal(printed(await project.run("main.ts")), "42\n42\n");
      assert.equal(new Arrivals(project.folder, "runs").count, 1);
      assert.deepEqual(project.temporary, []);
    }),
);

test(
  "guard: a task and an initializer may use an executor, and what they start, too",
  () =>
    withProject({
      "tasks.ts": `
      import { ProcessPoolExecutor, tasks, ThreadPoolExecutor } from "@ergate/ergate";
      import { isMainThread } from "node:worker_threads";
      const Executor = isMainThread ? ProcessPoolExecutor : ThreadPoolExecutor;
      export function double(n: number): number {
        return 2 * n;
      }
      let first = 0;
      export async function setUp(): Promise<void> {
        await using pool = new Executor(1);
        first = await pool.submit(double, 4);
      }
      export async function later(): Promise<number[]> {
        await new Promise((resolve) => setTimeout(resolve, 1));
        await using pool = new Executor(1);
        return [first, await pool.submit(double, 5)];
      }
      tasks(import.meta, { double, setUp, later });
    `,
      "main.ts": `
      import { ProcessPoolExecutor, ThreadPoolExecutor } from "@ergate/ergate";
      import { later, setUp } from "./tasks.ts";
      ${EACH_KIND} {
        await using pool = new Executor({ maxWorkers: 1, initializer: setUp });
        console.log((await pool.submit(later)).join());
      }
    `,
    }, async (project) => {
      assert.equal(printed(await project.run("main.ts")), "8,10\n8,10\n");
      assert.deepEqual(project.temporary, []);
    }),
);

// ----- isMain

const MAIN = `
  import { isMain, ProcessPoolExecutor, tasks, ThreadPoolExecutor } from "@ergate/ergate";
  import { amIMain as isTaskModuleMain } from "./tasks.ts";
  export function amIMain(): boolean {
    return isMain(import.meta);
  }
  tasks(import.meta, { amIMain });
  if (isMain(import.meta)) {
    console.log("here", amIMain(), isTaskModuleMain());
    ${EACH_KIND} {
      await using pool = new Executor(1);
      console.log("there", await pool.submit(amIMain), await pool.submit(isTaskModuleMain));
    }
  }
`;
const IN_MAIN = "here true false\nthere false false\nthere false false\n";

test(
  "isMain: true in the main module of the program alone, not in an imported one, nor in a worker",
  () =>
    withProject({ "tasks.ts": TASKS, "main.ts": MAIN }, async (project) => {
      assert.equal(printed(await project.run("main.ts")), IN_MAIN);
    }),
);

test(
  "isMain: a module that another program imports is not main",
  () =>
    withProject(
      { "tasks.ts": TASKS, "main.ts": MAIN, "other.ts": `import "./main.ts"; console.log("other");` },
      async (
        project,
      ) => {
        assert.equal(printed(await project.run("other.ts")), "other\n");
      },
    ),
);

test(
  "isMain: a main module that is run by a link",
  () =>
    withProject({ "tasks.ts": TASKS, "main.ts": MAIN }, async (project) => {
      symlinkSync(project.path("main.ts"), project.path("link.ts"));
      assert.equal(printed(await project.run("link.ts")), IN_MAIN);
    }),
);

test(
  "isMain: a main module that is named by its folder, where a host takes one",
  () =>
    withProject({ "probe/main.ts": `console.log("up");`, "probe/package.json": `{ "main": "main.ts" }` }, async (
      project,
    ) => {
      project.write({ "tasks.ts": TASKS, "main.ts": MAIN });
      const probe = await project.run("probe");
      const named = await project.run(".");
      if (probe.code === 0) assert.equal(printed(named), IN_MAIN);
      else assert.equal(named.stdout, "", "a host that runs no folder at all has run this one");
    }, { packageJson: { main: "main.ts" } }),
);

// ----- A project, with ergate installed outside of it

const USES_NAMES = `
  import { tasks } from "@ergate/ergate";
  import { shout } from "#util";
  import { greet } from "small-package";
  export function hello(name: string): string {
    return greet(shout(name));
  }
  tasks(import.meta, { hello });
`;

const SAYS_HELLO = `
  import { ProcessPoolExecutor, ThreadPoolExecutor } from "@ergate/ergate";
  import { hello } from "./tasks.ts";
  ${EACH_KIND} {
    await using pool = new Executor(1);
    console.log(await pool.submit(hello, "ant"));
  }
`;

const UTIL = `export function shout(text: string): string { return text.toUpperCase() + "!"; }`;

const SMALL_PACKAGE = {
  "node_modules/small-package/package.json":
    `{ "name": "small-package", "version": "1.0.0", "type": "module", "main": "index.js" }`,
  "node_modules/small-package/index.js": `export function greet(name) { return "Hello, " + name; }`,
};

const NAMES = {
  denoJson: { imports: { "#util": "./util.ts" } },
  packageJson: { imports: { "#util": "./util.ts" }, dependencies: { "small-package": "1.0.0" } },
};

test(
  "project: a worker sees the import map of deno.json, the imports of package.json and the packages of npm",
  () =>
    withProject(
      { ...SMALL_PACKAGE, "util.ts": UTIL, "tasks.ts": USES_NAMES, "main.ts": SAYS_HELLO },
      async (project) => {
        assert.equal(printed(await project.run("main.ts")), "Hello, ANT!\n".repeat(2));
      },
      NAMES,
    ),
);

test("project: the same from any working folder, the workers' own included", () =>
  withProject({
    ...SMALL_PACKAGE,
    "util.ts": UTIL,
    "tasks.ts": USES_NAMES,
    "main.ts": `
      import { ProcessPoolExecutor } from "@ergate/ergate";
      import { hello } from "./tasks.ts";
      await using pool = new ProcessPoolExecutor({ maxWorkers: 1, cwd: "/" });
      console.log(await pool.submit(hello, "ant"));
    `,
  }, async (project) => {
    for (const cwd of ["/", project.path("tmp")]) {
      assert.equal(printed(await project.run("main.ts", { cwd })), "Hello, ANT!\n");
    }
  }, NAMES));

test("project: one with a package.json and no deno.json", () =>
  withTempFolder(async (folder) => {
    const project = new UserProject(folder);
    mkdirSync(project.path("tmp"));
    const mod = `file://${REPOSITORY}/mod.ts`;
    project.write({
      ...SMALL_PACKAGE,
      "package.json": `{ "type": "module", "dependencies": { "small-package": "1.0.0" } }`,
      "tasks.ts": USES_NAMES.replace("#util", "./util.ts").replace("@ergate/ergate", mod),
      "util.ts": UTIL,
      "main.ts": SAYS_HELLO.replace("@ergate/ergate", mod),
    });
    assert.equal(printed(await project.run("main.ts")), "Hello, ANT!\n".repeat(2));
  }));

test("project: one with neither", () =>
  withTempFolder(async (folder) => {
    const project = new UserProject(folder);
    mkdirSync(project.path("tmp"));
    const mod = `file://${REPOSITORY}/mod.ts`;
    project.write({
      "tasks.ts": `
        import { tasks } from ${JSON.stringify(mod)};
        export function hello(name: string): string { return "Hello, " + name; }
        tasks(import.meta, { hello });
      `,
      "main.ts": SAYS_HELLO.replace("@ergate/ergate", mod),
    });
    assert.equal(printed(await project.run("main.ts")), "Hello, ant\n".repeat(2));
  }));

test(
  "project: its folder may have a blank, a hash, a percent sign and letters of any script in its name",
  () =>
    withTempFolder(async (folder) => {
      const odd = `${folder}/a b #1 100% ñ 蟻`;
      await withProject({ "tasks.ts": TASKS }, (project) => renameSync(project.folder, odd));
      const project = new UserProject(odd);
      project.write({
        "main.ts": `
        import { ProcessPoolExecutor, ThreadPoolExecutor } from "@ergate/ergate";
        import { double } from "./tasks.ts";
        ${EACH_KIND} {
          await using pool = new Executor(1);
          console.log(await pool.submit(double, 21));
        }
      `,
      });
      assert.equal(printed(await project.run("main.ts", { env: { TMPDIR: folder } })), "42\n42\n");
    }),
);

// ----- When tasks are registered

test("tasks: registered after the worker started, by a dynamic import", () =>
  withProject({
    "tasks.ts": TASKS,
    "late.ts": `
      import { tasks } from "@ergate/ergate";
      export function triple(n: number): number { return 3 * n; }
      tasks(import.meta, { triple });
    `,
    "main.ts": `
      import { double } from "./tasks.ts";
      ${POOL_OF_EACH_KIND}
      for (const pool of pools) console.log(await pool.submit(double, 1));
      const { triple } = await import("./late.ts");
      for (const pool of pools) console.log(await pool.submit(triple, 1), await pool.submit(double, 2));
    `,
  }, async (project) => {
    assert.equal(printed(await project.run("main.ts")), "2\n2\n3 4\n3 4\n");
  }));

test(
  "tasks: registered late in a module that the worker has imported already",
  () =>
    withProject({
      "tasks.ts": `
      import { tasks } from "@ergate/ergate";
      export function first(): string { return "first"; }
      tasks(import.meta, { first });
      export let second: () => string;
      export function more(): void {
        second = function second() { return "second"; };
        tasks(import.meta, { second });
      }
    `,
      "main.ts": `
      import * as late from "./tasks.ts";
      ${POOL_OF_EACH_KIND}
      for (const pool of pools) console.log(await pool.submit(late.first));
      late.more();
      for (const pool of pools) {
        // No worker ever registers it: an error, and the pool works on.
        console.log(await pool.submit(late.second).exception().then((error) => (error as Error).name));
        console.log(await pool.submit(late.first));
      }
    `,
    }, async (project) => {
      const after = "TaskNotFoundError\nfirst\n";
      assert.equal(printed(await project.run("main.ts")), `first\nfirst\n${after}${after}`);
    }),
);

test("tasks: two versions of one module side by side", () =>
  withProject({
    "versioned.ts": `
      import { tasks } from "@ergate/ergate";
      const version = new URL(import.meta.url).search;
      export function which(): string { return version; }
      tasks(import.meta, { which });
    `,
    "main.ts": `
      ${POOL_OF_EACH_KIND}
      const one = await import("./versioned.ts?v=1" as string);
      for (const pool of pools) console.log(await pool.submit(one.which));
      const two = await import("./versioned.ts?v=2" as string);
      for (const pool of pools) {
        console.log(await pool.submit(two.which), await pool.submit(one.which), await pool.submit(two.which));
      }
    `,
  }, async (project) => {
    assert.equal(printed(await project.run("main.ts")), "?v=1\n?v=1\n?v=2 ?v=1 ?v=2\n?v=2 ?v=1 ?v=2\n");
  }));

test(
  "tasks: a module that was rewritten and loaded again runs in its new text, in a new worker",
  () =>
    withProject({
      "hot.ts": hot(1),
      "tasks.ts": TASKS,
      "main.ts": `
      import { writeFileSync } from "node:fs";
      import { pid } from "./tasks.ts";
      ${POOL_OF_EACH_KIND}
      const one = await import("./hot.ts?1" as string);
      const before: number[] = [];
      for (const pool of pools) {
        console.log(await pool.submit(one.which));
        before.push(await pool.submit(pid));
      }
      writeFileSync(new URL("hot.ts", import.meta.url), ${JSON.stringify(hot(2))});
      const two = await import("./hot.ts?2" as string);
      for (const pool of pools) {
        console.log(await pool.submit(two.which));
        console.log(!before.includes(await pool.submit(pid)));
      }
    `,
    }, async (project) => {
      const after = "version 2\ntrue\n";
      assert.equal(printed(await project.run("main.ts")), `version 1\nversion 1\n${after}${after}`);
    }),
);

/** A module that registers itself under one URL, however often it is loaded again. */
function hot(version: number): string {
  return `
    import { tasks } from "@ergate/ergate";
    export function which(): string { return "version ${version}"; }
    tasks({ url: import.meta.url.split("?")[0] }, { which });
  `;
}

// ----- Pools in pools

test("nested: a task may use a pool of its own", () =>
  withProject({
    "tasks.ts": `
      import { ProcessPoolExecutor, tasks, ThreadPoolExecutor } from "@ergate/ergate";
      import { isMainThread } from "node:worker_threads";
      const Executor = isMainThread ? ProcessPoolExecutor : ThreadPoolExecutor;
      export function double(n: number): number { return 2 * n; }
      export async function sumOfDoubles(n: number): Promise<number> {
        await using pool = new Executor(2);
        const doubles = await pool.map(double, Array.from({ length: n }, (_, i) => i)).toArray();
        return doubles.reduce((sum, value) => sum + value, 0);
      }
      export async function deeper(n: number): Promise<number> {
        await using pool = new Executor(1);
        return await pool.submit(sumOfDoubles, n);
      }
      tasks(import.meta, { double, sumOfDoubles, deeper });
    `,
    "main.ts": `
      import { ProcessPoolExecutor, ThreadPoolExecutor } from "@ergate/ergate";
      import { deeper, sumOfDoubles } from "./tasks.ts";
      ${EACH_KIND} {
        await using pool = new Executor(2);
        console.log((await pool.map(sumOfDoubles, [10, 100]).toArray()).join(), await pool.submit(deeper, 10));
      }
    `,
  }, async (project) => {
    assert.equal(printed(await project.run("main.ts")), "90,9900 90\n".repeat(2));
    assert.deepEqual(project.temporary, []);
  }));

test("nested: a pool that a task left open ends with its worker", () =>
  withProject({
    "tasks.ts": `
      import { ProcessPoolExecutor, tasks, ThreadPoolExecutor } from "@ergate/ergate";
      import { isMainThread } from "node:worker_threads";
      const Executor = isMainThread ? ProcessPoolExecutor : ThreadPoolExecutor;
      let pool: ProcessPoolExecutor | ThreadPoolExecutor | undefined;
      export function double(n: number): number { return 2 * n; }
      export async function doubleThere(n: number): Promise<number> {
        pool ??= new Executor(1);
        return await pool.submit(double, n);
      }
      tasks(import.meta, { double, doubleThere });
    `,
    "main.ts": `
      import { ProcessPoolExecutor, ThreadPoolExecutor } from "@ergate/ergate";
      import { doubleThere } from "./tasks.ts";
      ${EACH_KIND} {
        const pool = new Executor(1);
        console.log((await pool.map(doubleThere, [1, 2, 3]).toArray()).join());
      }
    `,
  }, async (project) => {
    assert.equal(printed(await project.run("main.ts")), "2,4,6\n".repeat(2));
    assert.deepEqual(project.temporary, []);
  }));

test(
  "workers: one that dies between its hello and its first call breaks the pool, and is no loop",
  () =>
    withProject({
      "tasks.ts": TASKS,
      // Loaded by the workers before all else: the first message from the parent ends them.
      "preload.mjs": `
      import { Socket } from "node:net";
      import { appendFileSync } from "node:fs";
      import process from "node:process";
      appendFileSync(process.env.HERE + "/starts", process.pid + "\\n");
      const { on } = Socket.prototype;
      Socket.prototype.on = function (event, listener) {
        return on.call(this, event, event === "data" ? () => process.exit(9) : listener);
      };
    `,
      "main.ts": `
      import { ProcessPoolExecutor } from "@ergate/ergate";
      import process from "node:process";
      import { double } from "./tasks.ts";
      const execArgv = ["--import", process.env.HERE + "/preload.mjs"];
      await using pool = new ProcessPoolExecutor({ maxWorkers: 1, execArgv });
      const error = await pool.submit(double, 1).exception() as Error;
      console.log(error.name, /9/.test(error.message));
    `,
    }, async (project) => {
      assert.equal(printed(await project.run("main.ts")), "BrokenProcessPool true\n");
      const starts = new Arrivals(project.folder, "starts").count;
      assert(starts >= 1 && starts <= 5, `${starts} workers were started`);
    }),
);

test(
  "options: env, cwd and execArgv reach the workers, env on top of the parent's",
  () =>
    withProject({
      "tasks.ts": `
      import { tasks } from "@ergate/ergate";
      import process from "node:process";
      export function around(): string[] {
        return [process.env.COLOUR ?? "none", process.env.SIZE ?? "none", process.cwd()];
      }
      tasks(import.meta, { around });
    `,
      "main.ts": `
      import { ProcessPoolExecutor } from "@ergate/ergate";
      import process from "node:process";
      import { around } from "./tasks.ts";
      await using pool = new ProcessPoolExecutor({ maxWorkers: 1, env: { COLOUR: "red" }, cwd: process.env.HERE + "/tmp" });
      console.log((await pool.submit(around)).join());
      await using plain = new ProcessPoolExecutor({ maxWorkers: 1 });
      console.log((await plain.submit(around)).join());
    `,
    }, async (project) => {
      const result = await project.run("main.ts", { env: { COLOUR: "blue", SIZE: "big" } });
      assert.equal(printed(result), `red,big,${project.path("tmp")}\nblue,big,${project.folder}\n`);
    }),
);

test(
  "options: the environment of workers, processes and threads, is the program's, with nothing of the engine in it",
  () =>
    withProject({
      "tasks.ts": `
      import { tasks } from "@ergate/ergate";
      import process from "node:process";
      export function variables(): Record<string, string | undefined> {
        return { ...process.env };
      }
      tasks(import.meta, { variables });
    `,
      "main.ts": `
      import { ProcessPoolExecutor, ThreadPoolExecutor } from "@ergate/ergate";
      import { variables } from "./tasks.ts";
      for (const pool of [new ProcessPoolExecutor(1), new ThreadPoolExecutor(1)]) {
        const there = await pool.submit(variables);
        const names = Object.keys(there).filter((name) => there[name] !== variables()[name]);
        console.log(JSON.stringify(names), there.GIVEN);
        await pool.shutdown();
      }
    `,
    }, async (project) => {
      const run = await project.run("main.ts", {
        env: { GIVEN: "yes", NODE_COMPILE_CACHE: undefined, NODE_DISABLE_COMPILE_CACHE: undefined },
      });
      assert.equal(printed(run), "[] yes\n[] yes\n");
    }),
);
