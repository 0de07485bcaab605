/**
 * How programs end while their workers are busy: Ctrl-C, signals, exit, a throw. Nothing is left of them, ever. How they end
 * by themselves is in `shutdown_test.ts`.
 */

import assert from "node:assert/strict";
import { Arrivals, kill, Latch, type Program, type ProgramResult, test, until, untilGone } from "./harness.ts";
import { type UserProject, withProject } from "./user_project.ts";

const TASKS = `
  import { tasks } from "@ergate/ergate";
  import { appendFileSync, existsSync } from "node:fs";
  import process from "node:process";
  const here = process.env.HERE;
  function arrive(): void {
    appendFileSync(here + "/arrivals", process.pid + "\\n");
  }
  /** Loops for ever, and lets nothing else of its process go on. */
  export function loop(): never {
    arrive();
    for (;;);
  }
  /** Waits for ever. */
  export function wait(): Promise<never> {
    arrive();
    return new Promise(() => {});
  }
  /** Waits for the latch. */
  export async function meet(value: string): Promise<string> {
    arrive();
    while (!existsSync(here + "/latch")) await new Promise((resolve) => setTimeout(resolve, 1));
    return value;
  }
  export function pid(): number {
    return process.pid;
  }
  tasks(import.meta, { loop, wait, meet, pid });
`;

function program(code: string): Record<string, string> {
  return {
    "tasks.ts": TASKS,
    "main.ts": `
      import { ProcessPoolExecutor } from "@ergate/ergate";
      import { existsSync, readFileSync } from "node:fs";
      import process from "node:process";
      import * as tasks from "./tasks.ts";
      async function arrived(count: number): Promise<void> {
        const path = process.env.HERE + "/arrivals";
        while (!existsSync(path) || readFileSync(path, "utf8").split("\\n").length <= count) {
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      }
      void arrived;
      ${code}
    `,
  };
}

/** Starts the program and waits until so many tasks run; gives the workers' process ids, too. */
async function startBusy(project: UserProject, count: number): Promise<{ running: Program; pids: number[] }> {
  const running = project.start("main.ts");
  const arrivals = new Arrivals(project.folder);
  let isOver = false;
  running.ended.then(() => isOver = true);
  await until(`${count} tasks run`, () => isOver || arrivals.count >= count);
  if (arrivals.count < count) assert.fail(`the program ended too early:\n${running.stdout()}\n${running.stderr()}`);
  return { running, pids: arrivals.lines.map(Number) };
}

/** The usual end by a signal: by itself, or the shell's code for it. */
function assertEndedBy(signal: "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGKILL", result: ProgramResult): void {
  const number = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal];
  assert(result.signal === signal || result.code === 128 + number, `it ended by ${result.code}, ${result.signal}`);
}

/** Busy workers, and how many. */
const BUSY: Record<string, { readonly code: string; readonly workers: number }> = {
  "loop for ever, with more in the queue": {
    code: `
      const pool = new ProcessPoolExecutor(2);
      await pool.map(tasks.loop as (n: number) => never, Array.from({ length: 1000 }, (_, i) => i)).toArray();`,
    workers: 2,
  },
  "wait for ever, in an await using block": {
    code: `
      await using pool = new ProcessPoolExecutor(1);
      await pool.submit(tasks.wait);`,
    workers: 1,
  },
};

const ONE_BUSY = `
  const pool = new ProcessPoolExecutor(1);
  await pool.submit(tasks.loop);
`;

/** Prints "up" when two workers were started, and have not said hello. */
const STARTING = `
  const pool = new ProcessPoolExecutor(2);
  const futures = [pool.submit(tasks.loop), pool.submit(tasks.loop)];
  await new Promise((resolve) => setTimeout(resolve, 0));
  console.log("up");
  await Promise.all(futures);
`;

// ----- Signals

for (const [name, { code, workers }] of Object.entries(BUSY)) {
  test(`Ctrl-C: ends the program and its workers that ${name}, at once, once, and in silence`, () =>
    withProject(program(code), async (project) => {
      const { running, pids } = await startBusy(project, workers);
      running.killGroup("SIGINT");
      const result = await running.ended;
      assertEndedBy("SIGINT", result);
      assert.equal(result.timedOut, false);
      assert.equal(result.stdout, "");
      assert.equal(result.stderr, "");
      await untilGone(pids);
      await project.untilClean();
    }));
}

test("Ctrl-C: while the workers start", () =>
  withProject(program(STARTING), async (project) => {
    const running = project.start("main.ts");
    await running.untilPrinted("up");
    running.killGroup("SIGINT");
    const result = await running.ended;
    assertEndedBy("SIGINT", result);
    assert.equal(result.stderr, "");
    await project.untilClean();
  }));

test("Ctrl-C: a program with a handler of its own keeps its workers, and shuts down as it likes", () =>
  withProject(
    program(`
      import { writeFileSync } from "node:fs";
      process.once("SIGINT", () => {
        console.log("closing");
        writeFileSync(process.env.HERE + "/latch", "");
      });
      const pool = new ProcessPoolExecutor(2);
      console.log((await Promise.all([pool.submit(tasks.meet, "one"), pool.submit(tasks.meet, "two")])).join());
      console.log((await pool.submit(tasks.pid)) > 0);
      await pool.shutdown();
      console.log("closed");
      process.exit(0);
    `),
    async (project) => {
      const { running } = await startBusy(project, 2);
      running.killGroup("SIGINT");
      const { code, signal, stdout, stderr } = await running.ended;
      assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: "" }, stdout);
      assert.equal(stdout, "closing\none,two\ntrue\nclosed\n");
      assert.deepEqual(project.temporary, []);
    },
  ));

test("Ctrl-C: many times, to a program with a handler that ends it on its way", () =>
  withProject(
    program(`
      process.on("SIGINT", async () => {
        await pool.killWorkers();
        process.exit(3);
      });
      const pool = new ProcessPoolExecutor(1);
      pool.submit(tasks.loop);
    `),
    async (project) => {
      const { running, pids } = await startBusy(project, 1);
      for (let i = 0; i < 5; i++) running.killGroup("SIGINT");
      const { code, stderr } = await running.ended;
      assert.deepEqual({ code, stderr }, { code: 3, stderr: "" });
      await untilGone(pids);
      await project.untilClean();
    },
  ));

for (const signal of ["SIGTERM", "SIGKILL", "SIGHUP", "SIGINT"] as const) {
  test(`no orphans: ${signal} to the program alone, while its worker loops`, () =>
    withProject(program(ONE_BUSY), async (project) => {
      const { running, pids } = await startBusy(project, 1);
      running.kill(signal);
      // Not its end, for the worker holds its stderr, perhaps; it must go by itself.
      await untilGone([running.pid, ...pids]);
      assertEndedBy(signal, await running.ended);
      await project.untilClean();
    }));
}

test("no orphans: SIGTERM to the whole process group, the workers' helper included", () =>
  withProject(program(ONE_BUSY), async (project) => {
    const { running, pids } = await startBusy(project, 1);
    running.killGroup("SIGTERM");
    // Where the host takes a moment over it, the program may learn first that its worker is lost.
    const { code, signal } = await running.ended;
    assert(signal === "SIGTERM" || code !== 0, `it ended by ${code}, ${signal}`);
    await untilGone(pids);
    await project.untilClean();
  }));

test("no orphans: SIGKILL to the program while its workers start, with no command on its PATH", () =>
  withProject(program(STARTING), async (project) => {
    const running = project.start("main.ts", { env: { PATH: "/nowhere" } });
    await running.untilPrinted("up");
    running.kill("SIGKILL");
    await running.ended;
    await project.untilClean();
  }));

test("no orphans: workers of workers, when the program is killed", () =>
  withProject({
    ...program(`
      const pool = new ProcessPoolExecutor(1);
      const nested = await import("./nested.ts");
      await pool.submit(nested.deeper);
    `),
    "nested.ts": `
      import { ProcessPoolExecutor, tasks } from "@ergate/ergate";
      import { loop } from "./tasks.ts";
      export async function deeper(): Promise<void> {
        await using pool = new ProcessPoolExecutor(1);
        await pool.submit(loop);
      }
      tasks(import.meta, { deeper });
    `,
  }, async (project) => {
    const { running, pids } = await startBusy(project, 1);
    running.kill("SIGKILL");
    await untilGone(pids);
    await running.ended;
    await project.untilClean();
  }));

test("no orphans: one worker of two was killed before the program is", () =>
  withProject(
    program(`
      const pool = new ProcessPoolExecutor(2);
      const lost = await Promise.race([pool.submit(tasks.loop), pool.submit(tasks.loop)]).catch((error) => error);
      console.log(lost.name);
      await pool.submit(tasks.loop);
    `),
    async (project) => {
      const { running, pids } = await startBusy(project, 2);
      kill(pids[0], "SIGKILL");
      await running.untilPrinted("WorkerLostError");
      await new Arrivals(project.folder).wait(3);
      running.kill("SIGKILL");
      await untilGone(new Arrivals(project.folder).lines.map(Number));
      await running.ended;
      await project.untilClean();
    },
  ));

// ----- By its own doing

/** How a program with a looping worker ends, and by which code. */
const OWN_ENDS: Record<string, { code: string; exit: number; says?: RegExp }> = {
  "process.exit": { code: `process.exit(5);`, exit: 5 },
  "process.exit in a timer": { code: `setTimeout(() => process.exit(6), 0);`, exit: 6 },
  "a throw at its top": { code: `throw new RangeError("from the top");`, exit: 1, says: /RangeError: from the top/ },
  "a throw in a timer": {
    code: `setTimeout(() => { throw new RangeError("from a timer"); }, 0);`,
    exit: 1,
    says: /RangeError: from a timer/,
  },
  "a rejection that nobody handles": {
    code: `Promise.reject(new RangeError("unhandled"));`,
    exit: 1,
    says: /RangeError: unhandled/,
  },
  "killWorkers": {
    code: `await pool.killWorkers(); console.log((await Promise.allSettled(futures)).map((f) => f.status).join());`,
    exit: 0,
  },
};

for (const [name, { code, exit, says }] of Object.entries(OWN_ENDS)) {
  test(`no orphans: the program ends by ${name} while its worker loops`, () =>
    withProject(
      program(`
        const pool = new ProcessPoolExecutor(1);
        const futures = [pool.submit(tasks.loop)];
        await arrived(1);
        void futures;
        ${code}
      `),
      async (project) => {
        const { running, pids } = await startBusy(project, 1);
        const result = await running.ended;
        assert.equal(result.code, exit, result.stderr);
        if (says) assert.match(result.stderr, says);
        else assert.equal(result.stderr, "");
        await untilGone(pids);
        await project.untilClean();
      },
    ));
}

test("no orphans: a throw inside an await using block waits for what was submitted, and then ends the program", () =>
  withProject(
    program(`
      {
        await using pool = new ProcessPoolExecutor(1);
        pool.submit(tasks.meet, "one");
        await arrived(1);
        console.log("thrown");
        throw new RangeError("in the block");
      }
    `),
    async (project) => {
      const { running, pids } = await startBusy(project, 1);
      await running.untilPrinted("thrown");
      new Latch(project.folder).open();
      const { code, stderr } = await running.ended;
      assert.equal(code, 1);
      assert.match(stderr, /RangeError: in the block/);
      await untilGone(pids);
      assert.deepEqual(project.temporary, []);
    },
  ));
