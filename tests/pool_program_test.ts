/** Whole programs with pools of `multiprocessing`: how they end, and the guard. Rows C185, C192, P4, P159, P184. */
import assert from "node:assert/strict";
import { runtimeName, test } from "./harness.ts";
import { withProject } from "./user_project.ts";

const TASKS = `
  import { tasks } from "@ergate/ergate";
  export function double(n: number): number {
    return 2 * n;
  }
  export async function sleep(milliseconds: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    console.log("slept");
  }
  tasks(import.meta, { double, sleep });
`;

/** Runs a program, and gives what it prints; it must end well, and leave nothing. */
function printed(program: string): Promise<string> {
  return withProject({ "tasks.ts": TASKS, "main.ts": program }, async (project) => {
    const { code, signal, stdout, stderr, timedOut } = await project.run("main.ts");
    assert.deepEqual(
      { code, signal, stderr, timedOut },
      { code: 0, signal: null, stderr: "", timedOut: false },
      stdout,
    );
    await project.untilClean();
    return stdout;
  });
}

test("C185 S51: a program that leaves open pools of both kinds, and an unread imap, ends by itself", async () => {
  const stdout = await printed(`
    import { Pool, ThreadPool } from "@ergate/ergate/pool";
    import { double } from "./tasks.ts";
    for (const pool of [new Pool(1), new ThreadPool(1)]) {
      console.log(await pool.map(double, [1, 2, 3]));
      function* endless(): Generator<number> {
        for (;;) yield 1;
      }
      console.log((await pool.imap(double, endless(), { buffersize: 2 }).next()).value);
    }
  `);
  assert.equal(stdout.replaceAll(/\s+/g, ""), "[2,4,6]2".repeat(2));
});

test("C192 C18 P4 P159 P184 Y16: a program without its guard is told so, once, and starts no storm of processes", () =>
  withProject({
    "main.ts": `
      import { tasks } from "@ergate/ergate";
      import { Pool } from "@ergate/ergate/pool";
      import { appendFileSync } from "node:fs";
      import process from "node:process";
      appendFileSync(process.env.HERE + "/runs", "run\\n");
      export function double(n: number): number {
        return 2 * n;
      }
      tasks(import.meta, { double });
      await using pool = new Pool(2);
      console.log(await pool.map(double, [0, 1, 2, 3, 4]));
    `,
  }, async (project) => {
    const { code, stderr, stdout } = await project.run("main.ts");
    assert.notEqual(code, 0);
    assert.match(stderr, /an executor may be used there only inside a task: the program's main part must stand behind/);
    assert.match(stderr, /if \(isMain\(import\.meta\)\)/);
    assert.equal(stdout, "");
    const { readFileSync } = await import("node:fs");
    assert(readFileSync(project.path("runs"), "utf8").split("\n").length <= 5);
  }));

test("P3 S51: a program waits for its processes, but not for daemons, which end with it", async () => {
  const stdout = await printed(`
    import { Process } from "@ergate/ergate/pool";
    import { sleep } from "./tasks.ts";
    const daemon = new Process({ target: sleep, args: [100_000], daemon: true });
    daemon.start();
    new Process({ target: sleep, args: [50] }).start();
    console.log(String(daemon).replace(/pid=\\d+ /, ""));
  `);
  assert.equal(stdout, "<Process name=Process-1 started daemon>\nslept\n");
});

test("P3: a program waits for a daemon that it joins", async () => {
  const stdout = await printed(`
    import { Process } from "@ergate/ergate/pool";
    import { sleep } from "./tasks.ts";
    const daemon = new Process({ target: sleep, args: [100], daemon: true });
    daemon.start();
    await daemon.join();
    console.log(daemon.exitcode);
  `);
  assert.equal(stdout, "slept\n0\n");
});

test("P21: a real-time signal, which has no name, ends a worker, and not the program", async () => {
  const stdout = await printed(`
    import { execFileSync } from "node:child_process";
    import process from "node:process";
    import { isMain, tasks } from "@ergate/ergate";
    import { Pool, Process } from "@ergate/ergate/pool";
    export function end(): void {
      execFileSync("kill", ["-40", String(process.pid)]);
      for (;;);
    }
    export function one(): number {
      return 1;
    }
    tasks(import.meta, { end, one });
    if (isMain(import.meta)) {
      const process = new Process({ target: end });
      process.start();
      await process.join();
      await using pool = new Pool(1);
      const { name, signal } = await pool.apply(end).catch((error) => error);
      console.log(process.exitcode, name, signal, await pool.apply(one));
    }
  `);
  // Node and Bun say of a child that such a signal has ended that it has exited with 0.
  const told = runtimeName === "deno" ? "-40 WorkerLostError SIGRTMIN+6 1" : "0 WorkerLostError null 1";
  assert.equal(stdout, `${told}\n`);
});
