/**
 * What was wrong with whole programs once, and must not come back: flags, descriptors, folders, slow readers, workers whose
 * parent never speaks to them.
 */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { childExecArgv } from "../runtime/host_runtime.ts";
import {
  commandLine,
  type ProgramOptions,
  type ProgramResult,
  runProgram,
  runtimeName,
  startProgram,
  test,
  withTempFolder,
} from "./harness.ts";
import { REPOSITORY } from "./project.ts";
import { type UserProject, withProject } from "./user_project.ts";

/** A program that ended well and said nothing on stderr, and what it printed. */
function printed({ code, signal, stdout, stderr, timedOut }: ProgramResult): string {
  assert.deepEqual({ code, signal, stderr, timedOut }, { code: 0, signal: null, stderr: "", timedOut: false }, stdout);
  return stdout;
}

const TASKS = `
  import { tasks } from "@ergate/ergate";
  export function double(n: number): number { return 2 * n; }
  export function flag(): unknown { return (globalThis as { loaded?: boolean }).loaded ?? false; }
  export function printLines(count: number): void {
    for (let i = 0; i < count; i++) console.log("line", i, "x".repeat(70));
  }
  tasks(import.meta, { double, flag, printLines });
`;

const MAIN = `
  import { ProcessPoolExecutor } from "@ergate/ergate";
  import { double } from "./tasks.ts";
  await using pool = new ProcessPoolExecutor(1);
  console.log(await pool.submit(double, 21));
`;

/** Says how its call failed. */
const FAILS = `
  import { ProcessPoolExecutor } from "@ergate/ergate";
  import { double } from "./tasks.ts";
  try {
    await using pool = new ProcessPoolExecutor(1);
    console.log(await pool.submit(double, 21));
  } catch (error) {
    for (let at: any = error; at; at = at.cause) console.log(at.name, at.message);
  }
`;

// ----- Workers that nobody speaks to

/** What a worker may find on its stdin instead of its greeting. */
const NO_GREETINGS: Readonly<Record<string, string>> = {
  "nothing": "",
  "half a line": `{"socket":"/tmp/`,
  "something else": "console.log(1)\n",
  "a socket where nobody listens": `${
    JSON.stringify({ socket: "/tmp/ergate-nobody/sock", slate: "/tmp/ergate-nobody/slate-1", token: "x" })
  }\n`,
};

for (const [what, stdin] of Object.entries(NO_GREETINGS)) {
  test(`no orphans: a worker that finds ${what} on its stdin ends with an error`, async () => {
    const { code, signal, timedOut } = await runProgram(join(REPOSITORY, "executor/entry.ts"), {
      stdin,
    });
    assert.deepEqual({ signal, timedOut }, { signal: null, timedOut: false });
    assert.notEqual(code, 0);
  });
}

// ----- Flags

/** What a program was run with, and what of it its workers are run with. */
const FLAGS: readonly (readonly [string, string])[] = [
  ["", ""],
  ["-r ./setup.cjs", "-r ./setup.cjs"],
  ["--require ./setup.cjs --import ./more.mjs", "--require ./setup.cjs --import ./more.mjs"],
  ["--preload ./setup.ts --smol", "--preload ./setup.ts --smol"],
  ["--test --test-concurrency 2 --test-timeout 30000 --no-warnings", "--no-warnings"],
  ["--test-concurrency=2 --no-warnings", "--no-warnings"],
  ["--inspect-port 9333 --enable-source-maps", "--enable-source-maps"],
  ["--inspect", ""],
  ["--inspect-brk=127.0.0.1:9229 -r ./setup.cjs", "-r ./setup.cjs"],
  ["--watch --watch-path src --watch-path lib --no-warnings", "--no-warnings"],
  ["--hot --conditions custom", "--conditions custom"],
  ["-", ""],
  ["--input-type=module-typescript -", ""],
  ["--max-old-space-size=200 -", "--max-old-space-size=200"],
];

test("flags: workers get the program's own, without those, values included, that would have them run something else", () => {
  for (const [given, kept] of FLAGS) {
    assert.equal(childExecArgv(given.split(" ").filter((flag) => flag !== "")).join(" "), kept, given);
  }
});

/** How a module can be loaded before the program, by flags whose value is an argument of its own. */
const PRELOADS: Readonly<Record<string, ProgramOptions>> = {
  "in short": {
    nodeFlags: ["-r", "./setup.cjs"],
    bunFlags: ["-r", "./setup.cjs"],
    denoFlags: ["-A", "--preload", "./setup.cjs"],
  },
  "in full": {
    nodeFlags: ["--require", "./setup.cjs"],
    bunFlags: ["--preload", "./setup.cjs"],
    denoFlags: ["-A", "--preload=./setup.cjs"],
  },
};

for (const [how, options] of Object.entries(PRELOADS)) {
  test(`flags: a program with a module loaded before it, its flag ${how}`, () =>
    withProject({
      "tasks.ts": TASKS,
      "setup.cjs": "globalThis.loaded = true;",
      "main.ts": `${MAIN}\nconsole.log((globalThis as { loaded?: boolean }).loaded);`,
    }, async (project) => {
      assert.equal(printed(await project.run("main.ts", options)), "42\ntrue\n");
    }));
}

test("flags: a file of tests, run by a runner that is told how many at a time", () =>
  withProject({
    "tasks.ts": TASKS,
    "main_test.ts": `
      import test from "node:test";
      import { ProcessPoolExecutor } from "@ergate/ergate";
      import { writeFileSync } from "node:fs";
      import process from "node:process";
      import { double } from "./tasks.ts";
      test("pool", async () => {
        await using pool = new ProcessPoolExecutor(1);
        writeFileSync(process.env.HERE + "/tmp/result", String(await pool.submit(double, 21)));
      });
    `,
    "check.ts": `
      import { readFileSync } from "node:fs";
      console.log(readFileSync("tmp/result", "utf8"));
    `,
  }, async (project) => {
    const { code, stdout, stderr } = await project.run("main_test.ts", {
      nodeFlags: ["--test", "--test-concurrency", "2", "--test-timeout", "30000"],
      bunFlags: ["test"],
    });
    // Deno runs it as a program, whose tests are not run by that.
    assert.equal(code, 0, stdout + stderr);
    const result = await project.run("check.ts");
    if (result.code === 0) assert.equal(result.stdout, "42\n");
  }));

test("stdin: a program that is read from it runs its tasks in workers", () =>
  withProject({ "tasks.ts": TASKS }, async (project) => {
    const stdin = MAIN.concat(`
      import { ThreadPoolExecutor } from "@ergate/ergate";
      await using threads = new ThreadPoolExecutor(1);
      console.log(await threads.submit(double, 4));
    `)
      .replace("./tasks.ts", `file://${project.path("tasks.ts")}`)
      .replaceAll("@ergate/ergate", `file://${REPOSITORY}/mod.ts`);
    const result = await runProgram("-", {
      cwd: project.folder,
      stdin,
      env: { TMPDIR: project.path("tmp") },
      nodeFlags: ["--input-type=module-typescript"],
    });
    assert.equal(printed(result), "42\n8\n");
  }));

test("stdin: a program that is read from it and holds its tasks itself ends with a clear error", () =>
  withProject({}, async (project) => {
    const stdin = `
      import { ProcessPoolExecutor, isMain, tasks } from "file://${REPOSITORY}/mod.ts";
      function double(n) { return 2 * n; }
      tasks(import.meta, { double });
      await using pool = new ProcessPoolExecutor(1);
      console.log(await pool.submit(double, 21));
    `;
    const { code, stdout, stderr, timedOut } = await runProgram("-", {
      cwd: project.folder,
      stdin,
      env: { TMPDIR: project.path("tmp") },
      nodeFlags: ["--input-type=module"],
    });
    assert.equal(timedOut, false);
    if (code === 0) return assert.equal(stdout, "42\n"); // a host may give it a URL that its workers can load
    assert.equal(stdout, "");
    assert.match(stderr, /\b(BrokenProcessPool|TaskNotFoundError|NotSupportedError|TypeError|Error): Cannot /);
    assert.doesNotMatch(stderr, /token/);
  }));

// ----- Descriptors and folders

test("descriptors: a program that has none left for a worker gets an error that says so, and lives", () =>
  withProject({
    "tasks.ts": TASKS,
    "main.ts": `
      import { ProcessPoolExecutor } from "@ergate/ergate";
      import { closeSync, openSync } from "node:fs";
      import { double } from "./tasks.ts";
      // All that a host loads late is loaded first.
      {
        await using pool = new ProcessPoolExecutor(1);
        await pool.submit(double, 1);
      }
      for (const free of JSON.parse(process.env.FREE!) as number[]) {
        const open: number[] = [];
        try {
          for (;;) open.push(openSync("/dev/null", "r"));
        } catch { /* that was the last */ }
        for (const fd of open.splice(0, free)) closeSync(fd);
        let outcome: unknown;
        try {
          const pool = new ProcessPoolExecutor(1);
          outcome = await pool.submit(double, 21);
          await pool.shutdown();
        } catch (error) {
          outcome = error;
        }
        for (const fd of open) closeSync(fd);
        if (outcome === 42) continue; // it was enough
        const words: string[] = [];
        for (let at: any = outcome; at; at = at.cause) words.push(at.name + ": " + at.message);
        const isClear = words.some((text) => /EMFILE|ENFILE|too many open files|descriptor/i.test(text));
        if (!isClear || words.some((text) => text.startsWith("TypeError"))) console.log(free, words.join(" <- "));
      }
      await using pool = new ProcessPoolExecutor(1);
      console.log("lives", await pool.submit(double, 21));
    `,
  }, async (project) => {
    const run = (free: readonly number[]): Promise<ProgramResult> =>
      startProgram("", {
        executable: "/bin/sh",
        args: ["-c", `ulimit -n 100; exec "$@"`, "sh", ...commandLine(project.path("main.ts"))],
        cwd: project.folder,
        env: { HERE: project.folder, TMPDIR: project.path("tmp"), FREE: JSON.stringify(free) },
      }).ended;
    let result = await run([0, 2, 4, 6, 8, 10]);
    // A host may itself give up where it has none for its own signal handling (Deno 2.9: ext/signals/lib.rs); only then
    // is the test content with more.
    if (/panicked at ext\/signals/.test(result.stderr)) result = await run([8, 10, 12]);
    const { code, signal, stdout, timedOut } = result;
    const words = result.stderr;
    assert.deepEqual({ code, signal, stdout, timedOut }, {
      code: 0,
      signal: null,
      stdout: "lives 42\n",
      timedOut: false,
    }, words);
    assert.doesNotMatch(words, /TypeError/);
  }));

test("folders: a temporary folder whose path is long, in letters of more than a byte", () =>
  withProject({ "tasks.ts": TASKS, "main.ts": MAIN }, async (project) => {
    const TMPDIR = project.path(`tmp/${"😀".repeat(20)}${"é".repeat(20)}`);
    mkdirSync(TMPDIR);
    assert.equal(printed(await project.run("main.ts", { env: { TMPDIR } })), "42\n");
  }));

test("folders: lengths around the longest that a socket may have", () =>
  withTempFolder(async (folder) => {
    const folders = [72, 76, 80, 84, 90, 110].map((size) => join(folder, "a".repeat(size - folder.length - 1)));
    for (const path of folders) mkdirSync(path);
    await withProject({
      "tasks.ts": TASKS,
      "main.ts": `
        import { ProcessPoolExecutor } from "@ergate/ergate";
        import process from "node:process";
        import { double } from "./tasks.ts";
        for (const folder of process.argv.slice(2)) {
          process.env.TMPDIR = folder;
          await using pool = new ProcessPoolExecutor(1);
          console.log(folder.length, await pool.submit(double, 21));
        }
      `,
    }, async (project) => {
      const lines = folders.map(({ length }) => `${length} 42\n`);
      assert.equal(printed(await project.run("main.ts", { args: folders })), lines.join(""));
    });
  }));

test("folders: a temporary folder that is missing is an error that names it", () =>
  withProject({ "tasks.ts": TASKS, "main.ts": FAILS }, async (project) => {
    const TMPDIR = project.path("missing");
    const { code, stdout, stderr } = await project.run("main.ts", { env: { TMPDIR } });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /temporary folder/);
    assert(stdout.includes(TMPDIR), stdout);
  }));

// ----- Output, and a busy program

test("output: a reader that takes its time between reads loses no line of a worker that has ended", () =>
  withProject({
    "tasks.ts": TASKS,
    "main.ts": `
      import { ProcessPoolExecutor } from "@ergate/ergate";
      import { printLines } from "./tasks.ts";
      await using pool = new ProcessPoolExecutor(1);
      await pool.submit(printLines, 10000);
    `,
  }, async (project) => {
    const [command, ...args] = commandLine(project.path("main.ts"));
    const env: Record<string, string | undefined> = {
      ...process.env,
      HERE: project.folder,
      TMPDIR: project.path("tmp"),
    };
    for (const key of ["NODE_TEST_CONTEXT", "ERGATE_TEST_LOG"]) delete env[key];
    const child = spawn(command, args, { cwd: project.folder, env: env as never, stdio: ["ignore", "pipe", "pipe"] });
    const decoder = new TextDecoder();
    let stdout = "";
    let stderr = "";
    child.stderr!.on("data", (bytes: Uint8Array) => stderr += String(bytes));
    let sinceRest = 0;
    let rest: ReturnType<typeof setTimeout> | undefined;
    child.stdout!.on("data", (bytes: Uint8Array) => {
      stdout += decoder.decode(bytes, { stream: true });
      sinceRest += bytes.length;
      if (sinceRest < 64 * 1024) return;
      sinceRest = 0;
      child.stdout!.pause();
      rest = setTimeout(() => child.stdout!.resume(), 250);
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    clearTimeout(rest); // the end comes while the last one lasts, or not
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    const numbers = stdout.split("\n").slice(0, -1).map((line) => Number(/^line (\d+) x{70}$/.exec(line)?.[1]));
    assert.equal(numbers.length, 10_000);
    assert(numbers.every((number, index) => number === index));
  }));

/** Bundles main.ts of the project into `main.mjs`. */
function bundle(project: UserProject): Promise<void> {
  const esbuild = join(REPOSITORY, "node_modules", ".bin", "esbuild");
  const flags = ["--bundle", "--platform=node", "--format=esm", "--target=es2022", "--outfile=main.mjs"];
  return new Promise((resolve, reject) => {
    execFile(esbuild, ["main.ts", ...flags], { cwd: project.folder }, (error, _, stderr) => {
      if (error) reject(new Error(`esbuild: ${stderr}`));
      else resolve();
    });
  });
}

test("guard: a bundle without one is told so, also when the program is busy while its worker ends", () =>
  withProject({
    "main.ts": `
      import { ProcessPoolExecutor, tasks } from "@ergate/ergate";
      import process from "node:process";
      export function double(n: number): number { return 2 * n; }
      tasks(import.meta, { double });
      const pool = new ProcessPoolExecutor(1);
      const future = pool.submit(double, 1);
      const busy = Number(process.env.BUSY);
      const timer = setInterval(() => {
        const end = performance.now() + busy;
        while (performance.now() < end);
      }, 0);
      const error = await future.exception() as Error;
      clearInterval(timer);
      console.log(error.name, error.message.replaceAll("\\n", " "));
      await pool.shutdown();
    `,
  }, async (project) => {
    await bundle(project);
    for (const busy of [0, 100]) {
      const { stdout, stderr } = await project.run("main.mjs", { env: { BUSY: `${busy}` } });
      const words = `busy for ${busy} ms:\n${stdout}\n${stderr}`;
      assert.match(stdout, /^BrokenProcessPool .*if \(isMain\(import\.meta\)\)/, words);
    }
  }));

// Deno runs no folder, and no file by a part of its name.
if (runtimeName !== "deno") {
  for (const name of ["folder", "folder/program"]) {
    test(`isMain: a CommonJS program that is run as ${name} is the main module`, () =>
      withProject({
        "folder/package.json": `{ "type": "commonjs", "main": "program.js" }`,
        "folder/program.js": `
          const { isMain } = require("@ergate/ergate");
          const { pathToFileURL } = require("node:url");
          console.log(isMain({ url: pathToFileURL(__filename).href }));
        `,
      }, async (project) => {
        const { stdout, stderr } = await project.run(name);
        assert.equal(stdout, "true\n", stderr);
      }));
  }
}

test("tasks: a thousand modules of tasks do not keep a worker from its start", () =>
  withProject({
    "main.ts": `
      import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
      export function double(n: number): number { return 2 * n; }
      for (let i = 0; i < 1000; i++) tasks({ url: "file:///" + "folder/".repeat(12) + i + ".ts" }, { nothing: () => i });
      tasks(import.meta, { double });
      if (isMain(import.meta)) {
        await using pool = new ProcessPoolExecutor(1);
        console.log(await pool.submit(double, 21));
      }
    `,
  }, async (project) => {
    const { stdout, stderr } = await project.run("main.ts");
    assert.equal(stdout, "42\n", stderr);
  }));
