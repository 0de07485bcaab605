/** Bundles and compiled programs: one file that is the program in one process and the worker in another. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import {
  Arrivals,
  commandLine,
  type ProgramOptions,
  type ProgramResult,
  runProgram,
  runtimeName,
  test,
} from "./harness.ts";
import { bundle as bundleErgate } from "../npm/build.ts";
import { REPOSITORY } from "./project.ts";
import { type UserProject, withProject } from "./user_project.ts";

const PROGRAM = `
  import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
  import { appendFileSync, readFileSync } from "node:fs";
  import process from "node:process";
  appendFileSync(process.env.HERE + "/runs", process.pid + "\\n");
  if (readFileSync(process.env.HERE + "/runs", "utf8").split("\\n").length > 30) process.exit(99); // a fork bomb
  function fib(n: number): number {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
  }
  function whereAmI(): number {
    return process.pid;
  }
  // An object with the URL: 'import.meta' itself is a syntax error in bytecode.
  const here = { url: import.meta.url };
  tasks(here, { fib, whereAmI });
  if (isMain(META)) {
    await using pool = new ProcessPoolExecutor(2);
    const there = await pool.submit(whereAmI);
    console.log(there !== process.pid, await pool.submit(fib, 20), (await pool.map(fib, [1, 2, 3, 10]).toArray()).join());
  }
`;

const EXPECTED = "true 6765 1,1,2,55\n";

/** The same with threads. */
const THREADS = PROGRAM
  .replaceAll("ProcessPoolExecutor", "ThreadPoolExecutor")
  .replace(
    'import process from "node:process";',
    'import process from "node:process";\n  import { threadId } from "node:worker_threads";',
  )
  .replaceAll("process.pid", "threadId");

/** The same in two modules, one of which the program loads when it is needed: esbuild splits it off. */
const SPLIT_PROGRAM = {
  "lazy.ts": `
    import { tasks } from "@ergate/ergate";
    export function triple(n: number): number { return 3 * n; }
    tasks(import.meta, { triple });
  `,
  "main.ts": `
    import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
    import { appendFileSync } from "node:fs";
    import process from "node:process";
    appendFileSync(process.env.HERE + "/runs", process.pid + "\\n");
    export function double(n: number): number { return 2 * n; }
    tasks(import.meta, { double });
    async function main(): Promise<void> {
      await using pool = new ProcessPoolExecutor(1);
      const { triple } = await import("./lazy.ts");
      console.log(await pool.submit(double, 2), await pool.submit(triple, 2));
    }
    if (isMain(import.meta)) await main();
  `,
};

/** Its tasks come with a copy of ergate of their own, a bundled one, as the npm package is. */
const COPIES = {
  "tasks.ts": `
    import { tasks } from "./copy/dist/mod.js";
    export function double(n: number): number { return 2 * n; }
    tasks(import.meta, { double });
  `,
  "main.ts": `
    import { ProcessPoolExecutor, ThreadPoolExecutor } from "@ergate/ergate";
    import { double } from "./tasks.ts";
    for (const Pool of [ProcessPoolExecutor, ThreadPoolExecutor]) {
      await using pool = new Pool(1);
      console.log(await pool.submit(double, 2));
    }
  `,
};

/** Two classes of one name in two modules, which have one URL in the bundle: a number is added to one of them. */
const CLASSES = {
  "flat.ts": `
    import { picklable } from "@ergate/ergate";
    export class Shape { side = 3; area(): number { return this.side ** 2; } }
    picklable(META, Shape);
    export class Sized extends Error { size = 1; }
    picklable(META, Sized);
  `,
  "solid.ts": `
    import { picklable } from "@ergate/ergate";
    export class Shape { side = 3; area(): number { return 6 * this.side ** 2; } }
    picklable(META, Shape);
    export class State {
      #at: number;
      constructor(at: number) { this.#at = at; }
      next(): State { return new State(this.#at + 1); }
      get at(): number { return this.#at; }
      toPickle(): number { return this.#at; }
      static fromPickle(at: number): State { return new State(at); }
    }
    picklable(META, State);
  `,
  "main.ts": `
    import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
    import { Shape as Flat, Sized } from "./flat.ts";
    import { Shape as Solid, State } from "./solid.ts";
    function areas(shapes: { area(): number }[]): number[] { return shapes.map((shape) => shape.area()); }
    function made(what: string): unknown { return what === "flat" ? new Flat() : new Solid(); }
    function next(state: State): State { return state.next(); }
    function fail(): never { throw Object.assign(new Sized("no"), { size: 7 }); }
    tasks(import.meta, { areas, made, next, fail });
    if (isMain(import.meta)) {
      await using pool = new ProcessPoolExecutor(1);
      console.log(
        (await pool.submit(areas, [new Flat(), new Solid()] as never)).join(),
        (await pool.submit(made, "flat")) instanceof Flat,
        (await pool.submit(made, "solid")) instanceof Solid,
        (await pool.submit(next as never, new State(1) as never) as State).at,
        await pool.submit(fail).catch((error) => [error instanceof Sized, error.size, error.message].join()),
      );
    }
  `,
};

const CLASSES_EXPECTED = "9,54 true true 2 true,7,no\n";

function classesOf(meta: string): Record<string, string> {
  return Object.fromEntries(Object.entries(CLASSES).map(([name, code]) => [name, code.replaceAll("META", meta)]));
}

/** A program whose task runs a second copy of the program itself, as a program. */
const RUNS_ITSELF = `
  import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
  import { execFileSync } from "node:child_process";
  import process from "node:process";
  function environment(): string[] {
    return Object.keys(process.env).filter((name) => name.includes("ERGATE") && !name.includes("TEST"));
  }
  function another(): string {
    const [command, ...args] = JSON.parse(process.env.COMMAND!);
    return execFileSync(command, args, { encoding: "utf8", env: { ...process.env, INNER: "1" } });
  }
  tasks({ url: import.meta.url }, { environment, another });
  if (isMain(META)) {
    await using pool = new ProcessPoolExecutor(1);
    if (process.env.INNER) console.log("inner", (await pool.submit(environment)).length);
    else console.log("outer", (await pool.submit(environment)).length, await pool.submit(another));
  }
`;

function tool(command: string, args: readonly string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${command} ${args.join(" ")}\n${stdout}\n${stderr}`));
      else resolve();
    });
  });
}

/** Bundles main.ts of the project into its folder `out`. */
function bundle(project: UserProject, flags: readonly string[]): Promise<void> {
  const esbuild = join(REPOSITORY, "node_modules", ".bin", "esbuild");
  const common = ["main.ts", "--bundle", "--platform=node", "--format=esm", "--target=es2022", "--outdir=out"];
  return tool(esbuild, [...common, "--out-extension:.js=.mjs", ...flags], project.folder);
}

/** A program that ended well and said nothing on stderr, and what it printed. */
function printed({ code, signal, stdout, stderr, timedOut }: ProgramResult): string {
  assert.deepEqual({ code, signal, stderr, timedOut }, { code: 0, signal: null, stderr: "", timedOut: false }, stdout);
  return stdout;
}

/** Two workers and the program, each of them once. */
function assertRuns(project: UserProject, most: number): void {
  const runs = new Arrivals(project.folder, "runs");
  assert(runs.count >= 2 && runs.count <= most, `it was run ${runs.count} times`);
  assert.equal(new Set(runs.lines).size, runs.count);
}

// ----- esbuild

for (const [name, flags] of [["as it comes", []], ["minified", ["--minify"]]] as const) {
  test(`bundle: a program bundled by esbuild runs its pool, ${name}`, () =>
    withProject({ "main.ts": PROGRAM.replace("META", "import.meta") }, async (project) => {
      await bundle(project, flags);
      assert.equal(printed(await project.run("out/main.mjs")), EXPECTED);
      assertRuns(project, 3);
      assert.deepEqual(project.temporary, []);
    }));
}

test("bundle: a program bundled by esbuild runs its thread pool", () =>
  withProject({ "main.ts": THREADS.replace("META", "import.meta") }, async (project) => {
    for (const flags of [[], ["--minify"]]) {
      await bundle(project, flags);
      assert.equal(printed(await project.run("out/main.mjs")), EXPECTED);
      assertRuns(project, 3);
      rmSync(project.path("runs"));
    }
  }));

test("bundle: it runs in another folder than the one that it was made in, with nothing beside it; isMain takes an object with the URL", () =>
  withProject({ "main.ts": PROGRAM.replace("META", "here") }, async (project) => {
    await bundle(project, ["--minify"]);
    await withProject({}, async (other) => {
      other.write({ "renamed.mjs": readFileSync(project.path("out/main.mjs"), "utf8") });
      assert.equal(printed(await other.run("renamed.mjs", { cwd: "/" })), EXPECTED);
    });
  }));

test("bundle: with splitting, tasks in a piece that is loaded later", () =>
  withProject(SPLIT_PROGRAM, async (project) => {
    await bundle(project, ["--splitting", "--minify"]);
    assert(readdirSync(project.path("out")).length > 1, "the test proves nothing: there is one piece");
    assert.equal(printed(await project.run("out/main.mjs")), "4 6\n");
    assertRuns(project, 3);
  }));

test("bundle: without its guard it is one clear error, and no fork bomb", () =>
  withProject({ "main.ts": PROGRAM.replace("if (isMain(META))", "") }, async (project) => {
    await bundle(project, ["--minify"]);
    const { code, signal, stderr, stdout } = await project.run("out/main.mjs");
    assert.equal(signal, null);
    assert.notEqual(code, 0);
    assert.equal(stdout, "");
    assert.match(stderr, /if \(isMain\(import\.meta\)\)/);
    assertRuns(project, 3);
    await project.untilClean();
  }));

test("bundle: a task that runs the program again gets a program, not a worker", () =>
  withProject({ "main.ts": RUNS_ITSELF.replace("META", "import.meta") }, async (project) => {
    await bundle(project, ["--minify"]);
    const env = { COMMAND: JSON.stringify(commandLine(project.path("out/main.mjs"))) };
    assert.equal(printed(await project.run("out/main.mjs", { env })), "outer 0 inner 0\n\n");
  }));

test("bundle: tasks that come with a bundled copy of ergate run in workers of another copy, and those are made once", () =>
  withProject(COPIES, async (project) => {
    await bundleErgate(project.path("copy"));
    assert.equal(printed(await project.run("main.ts")), "4\n4\n");
  }));

test("bundle: tasks in a module of their own", () =>
  withProject({
    "tasks.ts": `
      import { tasks } from "@ergate/ergate";
      export class Words { static longest(words: string[]): string { return words.reduce((a, b) => a.length < b.length ? b : a); } }
      const longest = (words: string[]): string => Words.longest(words);
      const shortest = (words: string[]): string => words.reduce((a, b) => a.length > b.length ? b : a);
      export const { longest: one, shortest: two } = tasks(import.meta, { longest, shortest });
    `,
    "main.ts": `
      import { isMain, ProcessPoolExecutor } from "@ergate/ergate";
      import { one, two } from "./tasks.ts";
      if (isMain(import.meta)) {
        await using pool = new ProcessPoolExecutor(1);
        console.log(await pool.submit(one, ["a", "ccc", "bb"]), await pool.submit(two, ["aa", "c", "bbb"]));
      }
    `,
  }, async (project) => {
    await bundle(project, ["--minify"]);
    assert.equal(printed(await project.run("out/main.mjs")), "ccc c\n");
  }));

for (
  const [name, flags, meta] of [
    ["as it comes", [], "import.meta"],
    ["minified", ["--minify"], "import.meta"],
    ["minified, the names of classes kept", ["--minify", "--keep-names"], "import.meta"],
    ["minified, by the URL", ["--minify"], "{ url: import.meta.url }"],
    ["split and minified", ["--splitting", "--minify"], "import.meta"],
  ] as const
) {
  test(`bundle: classes of one name from two modules cross as themselves, ${name}`, () =>
    withProject(classesOf(meta), async (project) => {
      await bundle(project, flags);
      assert.equal(printed(await project.run("out/main.mjs")), CLASSES_EXPECTED);
    }));
}

test("bundle: two classes of one given name and one text are refused, not taken for each other", () => {
  const flat = `
    import { picklable } from "@ergate/ergate";
    export class Shape { side = 3; }
    picklable(import.meta, Shape, { name: "Shape" });
  `;
  const main = `
    import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
    import { Shape as Flat } from "./flat.ts";
    import { Shape as Solid } from "./solid.ts";
    function same(value: unknown): unknown { return value; }
    tasks(import.meta, { same });
    if (isMain(import.meta)) {
      await using pool = new ProcessPoolExecutor(1);
      for (const Class of [Flat, Solid]) {
        try {
          console.log((await pool.submit(same, new Class() as never)) instanceof Class);
        } catch (error) {
          console.log(/only one of its name and text/.test((error as Error).message));
        }
      }
    }
  `;
  return withProject({ "flat.ts": flat, "solid.ts": flat, "main.ts": main }, async (project) => {
    for (const flags of [[], ["--minify"]]) {
      await bundle(project, flags);
      assert.equal(printed(await project.run("out/main.mjs")), "true\ntrue\n");
    }
  });
});

// ----- Bun's binaries

/** They are made by Bun and hold it, whatever runs the tests: there they are tested. */
const isBun = runtimeName === "bun";

function testBinary(name: string, fn: () => Promise<void>): void {
  if (isBun) test(name, fn);
}

function runBinary(project: UserProject, path: string, env: ProgramOptions["env"] = {}): Promise<ProgramResult> {
  return runProgram("", {
    executable: path,
    cwd: "/",
    env: { HERE: project.folder, TMPDIR: project.path("tmp"), ...env },
  });
}

const BINARIES: Record<string, { flags: readonly string[]; code: string }> = {
  "as it comes": { flags: [], code: PROGRAM.replace("META", "import.meta") },
  "its guard by the URL alone": { flags: [], code: PROGRAM.replace("META", "here") },
  "with bytecode": { flags: ["--bytecode", "--format=esm"], code: PROGRAM.replace("META", "import.meta") },
  // It has no top-level await, no bare import.meta, and as URLs those of the sources.
  "with bytecode, as CommonJS": {
    flags: ["--bytecode"],
    code: PROGRAM
      .replace("if (isMain(META)) {", "async function main(): Promise<void> {")
      .concat("\nif (isMain({ url: import.meta.url, main: import.meta.main })) main();\n"),
  },
};

for (const [name, { flags, code }] of Object.entries(BINARIES)) {
  testBinary(
    `binary: a program compiled by bun runs its pool, ${name}`,
    () =>
      withProject({ "main.ts": code }, async (project) => {
        await compile(project, flags);
        assert.equal(printed(await runBinary(project, project.path("program"))), EXPECTED);
        assertRuns(project, 3);
        assert.deepEqual(project.temporary, []);
      }),
  );
}

testBinary(
  "binary: a program compiled by bun runs its thread pool",
  () =>
    withProject({ "main.ts": THREADS.replace("META", "import.meta") }, async (project) => {
      await compile(project, []);
      assert.equal(printed(await runBinary(project, project.path("program"))), EXPECTED);
      assertRuns(project, 3);
    }),
);

testBinary(
  "binary: classes of one name from two modules cross as themselves",
  () =>
    withProject(classesOf("import.meta"), async (project) => {
      await compile(project, []);
      assert.equal(printed(await runBinary(project, project.path("program"))), CLASSES_EXPECTED);
    }),
);

testBinary(
  "binary: without its guard it is one clear error, and no fork bomb",
  () =>
    withProject({ "main.ts": PROGRAM.replace("if (isMain(META))", "") }, async (project) => {
      await compile(project, []);
      const { code, signal, stderr, stdout } = await runBinary(project, project.path("program"));
      assert.equal(signal, null);
      assert.notEqual(code, 0);
      assert.equal(stdout, "");
      assert.match(stderr, /if \(isMain\(import\.meta\)\)/);
      assertRuns(project, 3);
      await project.untilClean();
    }),
);

testBinary(
  "binary: a task that runs the binary again gets a program, not a worker",
  () =>
    withProject({ "main.ts": RUNS_ITSELF.replace("META", "import.meta") }, async (project) => {
      await compile(project, []);
      const path = project.path("program");
      const result = await runBinary(project, path, { COMMAND: JSON.stringify([path]) });
      assert.equal(printed(result), "outer 0 inner 0\n\n");
    }),
);

async function compile(project: UserProject, flags: readonly string[]): Promise<void> {
  await tool(process.execPath, ["build", "--compile", ...flags, "main.ts", "--outfile", "program"], project.folder);
  // It must not need its source.
  rmSync(project.path("main.ts"));
}
