/** What tasks print: it reaches the program's own stdout and stderr, whole lines at a time, in order, before the end. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import process from "node:process";
import {
  Arrivals,
  commandLine,
  isAlive,
  kill,
  Latch,
  type ProgramOptions,
  type ProgramResult,
  sleep,
  until,
  untilGone,
} from "./harness.ts";
import { forEachKind, projectFor } from "./kinds.ts";
import type { UserProject } from "./user_project.ts";

function ended({ code, signal, stderr, timedOut }: ProgramResult): void {
  assert.deepEqual({ code, signal, stderr, timedOut }, { code: 0, signal: null, stderr: "", timedOut: false });
}

const TASKS = `
  import { tasks } from "@ergate/ergate";
  import { spawn } from "node:child_process";
  import { appendFileSync, existsSync } from "node:fs";
  import process from "node:process";

  /** Prints numbered lines, and says that it is there: two of them are in two workers at once. */
  export async function printLines(who: string, count: number, by: "log" | "error" | "both"): Promise<void> {
    appendFileSync(process.env.HERE + "/there", who + "\\n");
    while (!existsSync(process.env.HERE + "/begin")) await new Promise((resolve) => setTimeout(resolve, 1));
    for (let i = 0; i < count; i++) {
      if (by !== "error") console.log(who, "line", i);
      if (by !== "log") console.error(who, "line", i);
    }
  }
  export function print(text: string): void {
    console.log(text);
  }
  export function write(text: string): void {
    process.stdout.write(text);
  }
  export function writeBytes(count: number): void {
    const bytes = Uint8Array.from({ length: count }, (_, i) => i % 256);
    process.stdout.write(bytes);
  }
  export function printLongLine(size: number): void {
    console.log("<" + "x".repeat(size) + ">");
  }
  export async function printPieces(who: string, lines: number): Promise<void> {
    for (let i = 0; i < lines; i++) {
      for (const piece of [who + " ", "pie", "ces ", "of ", i + "\\n"]) {
        process.stdout.write(piece);
        if (i % 8 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      }
    }
  }
  export function printAndExit(who: string, count: number): void {
    for (let i = 0; i < count; i++) console.log(who, "line", i);
    process.exit(7);
  }
  export function printAndKill(who: string, count: number): void {
    for (let i = 0; i < count; i++) console.log(who, "line", i);
    process.kill(process.pid, "SIGKILL");
  }
  export function printAndThrowLater(who: string, count: number): Promise<void> {
    for (let i = 0; i < count; i++) console.log(who, "line", i);
    setTimeout(() => {
      throw new Error("a stray timer");
    }, 0);
    return new Promise(() => {});
  }
  /** Starts a process that holds this one's stdout and outlives it; gives its pid. */
  export function leaveGrandchild(): number {
    const child = spawn("sleep", ["1000"], { stdio: ["ignore", "inherit", "inherit"], detached: true });
    child.unref();
    console.log("left", child.pid);
    return child.pid!;
  }
  /** Prints many megabytes, and notes its begin and when each was printed. */
  export async function printMuch(megabytes: number): Promise<void> {
    const line = "y".repeat(1023) + "\\n";
    const megabyte = line.repeat(1024);
    const tell = () => appendFileSync(process.env.HERE + "/progress", performance.now() + "\\n");
    tell();
    for (let i = 0; i < megabytes; i++) {
      // Waits for room itself, so that what the program holds is all that is held.
      await new Promise((resolve) => process.stdout.write(megabyte, resolve));
      tell();
    }
  }
  tasks(import.meta, {
    printLines, print, write, writeBytes, printLongLine, printPieces, printAndExit, printAndKill, printAndThrowLater,
    leaveGrandchild, printMuch,
  });
`;

/** A program whose main part is `code`; it has \`pool\` only if it makes one. */
function program(code: string): Record<string, string> {
  return {
    "tasks.ts": TASKS,
    "main.ts": `
      import { ProcessPoolExecutor } from "@ergate/ergate";
      import { readFileSync, writeFileSync } from "node:fs";
      import process from "node:process";
      import * as tasks from "./tasks.ts";
      ${code}
      async function bothThere(): Promise<void> {
        const lines = () => { try { return readFileSync(process.env.HERE + "/there", "utf8").split("\\n").length; } catch { return 0; } };
        while (lines() < 3) await new Promise((resolve) => setTimeout(resolve, 1));
        writeFileSync(process.env.HERE + "/begin", "");
      }
    `,
  };
}

/** Each worker's lines are whole and in order, however those of two workers mix. */
function assertLines(text: string, who: readonly string[], count: number): void {
  assert(text.endsWith("\n"));
  const lines = text.slice(0, -1).split("\n");
  assert.equal(lines.length, who.length * count);
  for (const one of who) {
    const own = lines.filter((line) => line.startsWith(`${one} `));
    assert.deepEqual(own, Array.from({ length: count }, (_, i) => `${one} line ${i}`));
  }
}

// ----- Just before the end (rows X21, X44, P166)

const ENDS: Record<string, string> = {
  "the end of an await using block": `
    {
      await using pool = new ProcessPoolExecutor(2);
      pool.submit(tasks.printLines, "a", 1000, "BY");
      pool.submit(tasks.printLines, "b", 1000, "BY");
      await bothThere();
    }`,
  "shutdown": `
    const pool = new ProcessPoolExecutor(2);
    const futures = [pool.submit(tasks.printLines, "a", 1000, "BY"), pool.submit(tasks.printLines, "b", 1000, "BY")];
    await bothThere();
    await Promise.all(futures);
    await pool.shutdown();`,
};

const FALLS_OFF = `
  const pool = new ProcessPoolExecutor(2);
  pool.submit(tasks.printLines, "a", 1000, "both");
  pool.submit(tasks.printLines, "b", 1000, "both");
  await bothThere();`;

for (const [name, code] of Object.entries(ENDS)) {
  forEachKind(
    `output: 2,000 lines of two workers come whole, in order, before the program ends by ${name}`,
    (kind) =>
      projectFor(kind)(program(code.replaceAll("BY", "log")), async (project) => {
        const result = await project.run("main.ts");
        ended(result);
        assertLines(result.stdout, ["a", "b"], 1000);
      }),
  );
}

forEachKind(
  "output: stdout and stderr stay apart, and come whole before the program ends by falling off its end",
  (kind) =>
    projectFor(kind)(program(FALLS_OFF), async (project) => {
      const { code, stdout, stderr } = await project.run("main.ts");
      assert.equal(code, 0);
      assertLines(stdout, ["a", "b"], 1000);
      assertLines(stderr, ["a", "b"], 1000);
    }),
);

forEachKind("X21: what an initializer prints comes once for each worker", (kind) =>
  projectFor(kind)({
    "tasks.ts": `
      import { tasks } from "@ergate/ergate";
      import { appendFileSync, readFileSync } from "node:fs";
      import process from "node:process";
      import { isMainThread, threadId } from "node:worker_threads";
      export function initialize(): void {
        console.log("Initializing worker process.");
      }
      /** Both workers take part: neither goes on alone. */
      export async function task(value: number): Promise<number> {
        const path = process.env.HERE + "/pids";
        appendFileSync(path, (isMainThread ? process.pid : threadId) + "\\n");
        while (new Set(readFileSync(path, "utf8").split("\\n")).size < 3) await new Promise((f) => setTimeout(f, 1));
        return value;
      }
      tasks(import.meta, { initialize, task });
    `,
    "main.ts": `
      import { ProcessPoolExecutor } from "@ergate/ergate";
      import { initialize, task } from "./tasks.ts";
      await using pool = new ProcessPoolExecutor({ maxWorkers: 2, initializer: initialize });
      for await (const value of pool.map(task, Array.from({ length: 10 }, (_, i) => i))) console.log(value);
    `,
  }, async (project) => {
    const result = await project.run("main.ts");
    ended(result);
    const lines = result.stdout.trimEnd().split("\n");
    assert.equal(lines.filter((line) => line === "Initializing worker process.").length, 2);
    assert.deepEqual(lines.filter((line) => /^\d$/.test(line)).join(), "0,1,2,3,4,5,6,7,8,9");
    assert.equal(lines.length, 12);
  }));

forEachKind(
  "X44: what tasks print comes while the program runs, not only at its end",
  (kind) =>
    projectFor(kind)(
      program(`
      const pool = new ProcessPoolExecutor(1);
      await pool.submit(tasks.print, "Done: 0");
      await pool.submit(tasks.printLines, "later", 1, "log");
      console.log("All done!");
      await pool.shutdown();
    `),
      async (project) => {
        const running = project.start("main.ts");
        await running.untilPrinted("Done: 0\n");
        new Latch(project.folder, "begin").open();
        const result = await running.ended;
        ended(result);
        assert.deepEqual(result.stdout.trimEnd().split("\n").sort(), ["All done!", "Done: 0", "later line 0"]);
      },
    ),
);

// ----- Shapes

const TEXT = `\n\nñ 蟻 🐜\n\n${"蟻🐜".repeat(50_000)}\n`;

forEachKind(
  "output: pieces of lines of two workers do not mix; empty lines, any script, three megabytes, a last line without an end come whole",
  (kind) =>
    projectFor(kind)(
      program(`
        {
          await using pool = new ProcessPoolExecutor(2);
          await Promise.all([pool.submit(tasks.printPieces, "a", 200), pool.submit(tasks.printPieces, "b", 200)]);
        }
        await using pool = new ProcessPoolExecutor(1);
        await pool.submit(tasks.write, "\\n\\nñ 蟻 🐜\\n\\n" + "蟻🐜".repeat(50_000) + "\\n");
        await pool.submit(tasks.printLongLine, 3_000_000);
        await pool.submit(tasks.write, "one\\ntwo\\nthree");
      `),
      async (project) => {
        const result = await project.run("main.ts");
        ended(result);
        const start = result.stdout.indexOf("\n\n") + 1; // the first lines end, the text begins
        const lines = result.stdout.slice(0, start).trimEnd().split("\n");
        for (const who of ["a", "b"]) {
          const own = lines.filter((line) => line.startsWith(who));
          assert.deepEqual(own, Array.from({ length: 200 }, (_, i) => `${who} pieces of ${i}`));
        }
        assert.equal(lines.length, 400);
        assert(result.stdout.slice(start) === `${TEXT}<${"x".repeat(3_000_000)}>\none\ntwo\nthree`);
      },
    ),
);

forEachKind("output: bytes that are no text come as they are", (kind) =>
  projectFor(kind)(
    program(`
      await using pool = new ProcessPoolExecutor(1);
      await pool.submit(tasks.writeBytes, 1_000_000);
    `),
    async (project) => {
      assert.equal(await runInto(project, "out", "main.ts"), 0);
      const bytes = readFileSync(project.path("out"));
      assert.equal(bytes.length, 1_000_000);
      assert(bytes.every((byte, i) => byte === i % 256));
    },
  ));

// ----- Deaths

forEachKind(
  "output: what a task printed before its worker died, by an exit, a kill, a stray error, comes all the same",
  (kind) => {
    // A thread is killed by its pool alone.
    const ways = ["printAndExit", "printAndThrowLater", ...(kind.can.processes ? ["printAndKill"] : [])];
    return projectFor(kind)(
      program(`
      await using pool = new ProcessPoolExecutor(1);
      for (const how of ${JSON.stringify(ways)} as "printAndExit"[]) {
        const error = await pool.submit(tasks[how], how, 500).exception();
        console.error((error as Error).name);
      }
    `),
      async (project) => {
        const result = await project.run("main.ts");
        ended({ ...result, stderr: result.stderr.replaceAll("WorkerLostError\n", "") });
        assert.equal(result.stderr.length, "WorkerLostError\n".length * ways.length);
        assertLines(result.stdout, ways, 500);
      },
    );
  },
);

forEachKind(
  "output: a process that a task left behind holds the pipe, and the program ends all the same",
  (kind) =>
    projectFor(kind)(
      program(`
      await using pool = new ProcessPoolExecutor(1);
      console.log("pid", await pool.submit(tasks.leaveGrandchild));
    `),
      async (project) => {
        const result = await project.run("main.ts");
        const pid = Number(/pid (\d+)/.exec(result.stdout)?.[1]);
        assert(isAlive(pid), "the test proves nothing: that process has ended");
        kill(pid, "SIGKILL");
        await untilGone([pid]);
        ended(result);
        assert.match(result.stdout, new RegExp(`^left ${pid}$`, "m"));
      },
    ),
  { needs: { processes: true } }, // it writes to the program's own then
);

// ----- The program's own stdout

/** Megabytes that are printed in it. */
const MUCH = 48;

/** Says how many megabytes are left of it in the program, once the collector had its chances. */
const PRINTS_MUCH = `
  const { gc, Bun } = globalThis as unknown as { gc?(): void; Bun?: { gc(now: boolean): void } };
  const used = (): number => (process.memoryUsage().heapUsed + process.memoryUsage().external) / 2 ** 20;
  const pool = new ProcessPoolExecutor(1);
  await pool.submit(tasks.printLongLine, 2_000_000);
  const before = used();
  await pool.submit(tasks.printMuch, ${MUCH});
  await pool.shutdown();
  for (let round = 0; round < 100 && used() - before > 5; round++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    if (gc) gc();
    else Bun?.gc(true);
  }
  console.error(Math.round(used() - before));
`;

forEachKind(
  "output: a reader of the program that stands still has the workers stand, and the program holds little",
  (kind) =>
    projectFor(kind)(program(PRINTS_MUCH), async (project) => {
      const child = start(project, "main.ts", ["ignore", "pipe", "pipe"]);
      let stderr = "";
      child.stderr!.on("data", (text: Uint8Array) => stderr += String(text));
      const progress = new Arrivals(project.folder, "progress");
      let size = 0;
      const stdout = child.stdout!;
      // The first line must be read for the task to begin; then nothing is, until the worker has come to a stand.
      await new Promise<void>((resolve) => {
        stdout.on("data", function taken(bytes: Uint8Array) {
          size += bytes.length;
          if (size < 2_000_003) return;
          stdout.off("data", taken);
          stdout.pause();
          resolve();
        });
      });
      // A thread stands for a second, and goes on: its program may do nothing but wait for it.
      const looks = kind.can.processes ? 20 : 200;
      let last = -1;
      let same = 0;
      await until("the worker stands, or has printed all", async () => {
        await sleep(20);
        const { count } = progress;
        same = count === last ? same + 1 : 0;
        last = count;
        return same >= looks || count > MUCH;
      });
      const times = progress.lines.map(Number);
      const stand = times.findIndex((time, i) => times[i + 1] - time > 900);
      const stoodAt = stand >= 0 ? stand : last - 1;
      stdout.on("data", (bytes: Uint8Array) => size += bytes.length);
      stdout.resume();
      const code = await new Promise((resolve) => child.on("close", resolve));
      assert.equal(code, 0, stderr);
      assert.equal(size, 2_000_003 + MUCH * 1024 * 1024);
      // What was printed and not read lies in the program, or in its pipes. Up to 4 MB are usual, of a thread.
      assert(stoodAt < MUCH / 3, `the worker had printed ${stoodAt} MB that nobody read`);
      assert(Number(stderr) < MUCH / 3, `the program has kept ${stderr.trim()} MB`);
    }),
);

forEachKind(
  "output: a program whose stdout is closed by its reader, as by head, goes on to its end, and what is printed is dropped",
  (kind) =>
    projectFor(kind)(program(PRINTS_MUCH), async (project) => {
      const child = start(project, "main.ts", ["ignore", "pipe", "pipe"]);
      let stderr = "";
      child.stderr!.on("data", (text: Uint8Array) => stderr += String(text));
      await new Promise((resolve) => child.stdout!.once("data", resolve));
      child.stdout!.destroy();
      assert.equal(await new Promise((resolve) => child.on("close", resolve)), 0, stderr);
      assert.match(stderr, /^-?\d+\n$/); // its own last words
      await project.untilClean();
    }),
);

forEachKind(
  "output: a program without a stdout",
  (kind) =>
    projectFor(kind)(program(ENDS.shutdown.replaceAll("BY", "log")), async (project) => {
      const child = start(project, "main.ts", ["ignore", "ignore", "pipe"]);
      let stderr = "";
      child.stderr!.on("data", (text: Uint8Array) => stderr += String(text));
      assert.equal(await new Promise((resolve) => child.on("close", resolve)), 0, stderr);
      assert.equal(stderr, "");
    }),
);

/** A program whose `write` of stdout is another for a while, as tests have it: 300,000 bytes in lines, then a short one. */
const WRITES_ELSEWHERE = `
  const real = process.stdout.write;
  const replacements: Record<string, (chunk: string | Uint8Array, ...rest: []) => unknown> = {
    "calls nothing back": () => true,
    "returns nothing": () => undefined,
    "passes on the bytes alone": (chunk) => real.call(process.stdout, chunk),
    "passes all on": (chunk, ...rest) => real.call(process.stdout, chunk, ...rest),
  };
  for (const [what, replacement] of Object.entries(replacements)) {
    let caught = 0;
    process.stdout.write = ((chunk: string | Uint8Array, ...rest: []) => {
      caught += chunk.length;
      return replacement(chunk, ...rest);
    }) as typeof real;
    const pool = new ProcessPoolExecutor(1);
    await pool.submit(tasks.print, ("z".repeat(99) + "\\n").repeat(2999) + "z".repeat(99));
    await pool.submit(tasks.print, "end");
    await pool.shutdown();
    process.stdout.write = real;
    if (caught !== 300_004) throw new Error("caught " + caught + " by what " + what);
  }
`;

forEachKind(
  "output: a program whose stdout.write was replaced, by functions that call nothing back, return nothing, pass on the bytes or all, ends",
  (kind) =>
    projectFor(kind)(program(WRITES_ELSEWHERE), async (project) => {
      const result = await project.run("main.ts");
      ended(result);
      assert.equal(result.stdout.length, 2 * 300_004);
    }),
);

/** Flags by which a program can ask for a collection. */
const COLLECTS: ProgramOptions = { denoFlags: ["-A", "--v8-flags=--expose-gc"], nodeFlags: ["--expose-gc"] };

/** Starts a program of the project as the harness does, with the given ends of its descriptors. */
function start(project: UserProject, name: string, stdio: ("ignore" | "pipe" | number)[]): ChildProcess {
  const [command, ...args] = commandLine(project.path(name), COLLECTS);
  const env: Record<string, string | undefined> = {
    ...process.env,
    NODE_TEST_CONTEXT: undefined,
    ERGATE_TEST_LOG: undefined,
    HERE: project.folder,
    TMPDIR: project.path("tmp"),
  };
  for (const key of Object.keys(env)) if (env[key] === undefined) delete env[key];
  return spawn(command, args, { cwd: project.folder, env: env as Record<string, string>, stdio, detached: true });
}

/** Runs a program with its stdout in a file; gives its exit code. */
async function runInto(project: UserProject, output: string, name: string): Promise<number | null> {
  const fd = openSync(project.path(output), "w");
  try {
    const child = start(project, name, ["ignore", fd, "ignore"]);
    return await new Promise((resolve) => child.on("close", resolve));
  } finally {
    closeSync(fd);
  }
}
