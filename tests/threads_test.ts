/**
 * Whole programs with thread pools: their ends, their output, the errors that nobody catches. As programs, for a test runner
 * takes some of it for itself.
 */
import assert from "node:assert/strict";
import { type ProgramOptions, type ProgramResult, runtimeName, test } from "./harness.ts";
import { withProject } from "./user_project.ts";

const TASKS = `
  import { currentTask, tasks, transfer } from "@ergate/ergate";
  import process from "node:process";
  export function double(n: number): number {
    return 2 * n;
  }
  export function throwStray(how: string): Promise<never> {
    setTimeout(() => {
      if (how === "reject") void Promise.reject(new RangeError("stray"));
      else throw how === "throw" ? new RangeError("stray") : null;
    }, 1);
    return new Promise(() => {});
  }
  export function strayLater(how: string): void {
    void throwStray(how);
  }
  export function printLines(name: string, count: number): void {
    for (let n = 0; n < count; n++) {
      if (n % 3 === 0) console.log(name, n);
      else if (n % 3 === 1) process.stdout.write(name + " " + n + "\\n");
      else {
        process.stdout.write(name + " ");
        process.stdout.write(n + "\\n");
      }
    }
  }
  export function printAndLoop(name: string, count: number): never {
    printLines(name, count);
    console.error("looping");
    for (;;);
  }
  export function printAndExit(name: string, count: number): never {
    printLines(name, count);
    process.exit(3);
  }
  export function fill(buffer: ArrayBuffer, value: number): number {
    return new Uint8Array(buffer).fill(value).length;
  }
  export function make(size: number): ArrayBuffer {
    const buffer = new ArrayBuffer(size);
    new Uint8Array(buffer).fill(7);
    return transfer(buffer, [buffer]);
  }
  export function add(memory: SharedArrayBuffer): number {
    return Atomics.add(new Int32Array(memory), 0, 1);
  }
  export function printAndWake(megabytes: number, memory: SharedArrayBuffer): void {
    const line = "x".repeat(999) + "\\n";
    for (let n = 0; n < megabytes * 1000; n++) process.stdout.write(line);
    Atomics.store(new Int32Array(memory), 0, 1);
    Atomics.notify(new Int32Array(memory), 0);
  }
  void currentTask;
  tasks(import.meta, {
    double, throwStray, strayLater, printLines, printAndLoop, printAndExit, fill, make, add, printAndWake,
  });
`;

function filesOf(code: string): Record<string, string> {
  return {
    "tasks.ts": TASKS,
    "program.ts": `
      import { ThreadPoolExecutor } from "@ergate/ergate";
      import process from "node:process";
      import * as tasks from "./tasks.ts";
      void process;
      const pool = new ThreadPoolExecutor({ maxWorkers: 2, workerName: "Ant" });
      ${code}`,
  };
}

async function runProgram(
  code: string,
  check: (result: ProgramResult) => void,
  options?: ProgramOptions,
): Promise<void> {
  await withProject(filesOf(code), async (project) => check(await project.run("program.ts", options)));
}

/** It ended by itself and well, and printed this, and nothing else. */
function prints(...lines: string[]): (result: ProgramResult) => void {
  return ({ code, signal, stdout, stderr, timedOut }) => {
    assert.deepEqual({ code, signal, timedOut }, { code: 0, signal: null, timedOut: false }, stderr);
    assert.deepEqual([stdout.split("\n").slice(0, -1), stderr], [lines, ""]);
  };
}

/** The lines of one thread, in order. */
function linesOf(stdout: string, name: string): string[] {
  return stdout.split("\n").filter((line) => line.startsWith(name));
}

function expected(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${name} ${n}`);
}

// Deaths

test("threads: an error that nobody catches: a running call is lost, with that error as cause; of an idle thread it is reported, once", () =>
  runProgram(
    `
      for (const how of ["throw", "throw null", "reject"]) {
        const error = await pool.submit(tasks.throwStray, how).exception() as Error & { exitCode: number };
        console.log(error.name, error.exitCode, String(error.cause));
      }
      console.log(await pool.submit(tasks.double, 21));
      console.error("now of idle ones");
      let reports = 0;
      const { error } = console;
      console.error = (...words) => {
        reports++;
        error(...words);
      };
      for (const [n, how] of ["throw", "reject"].entries()) {
        await pool.submit(tasks.strayLater, how);
        while (reports <= n) await new Promise((resolve) => setTimeout(resolve, 1));
        console.log(await pool.submit(tasks.double, 21));
      }
    `,
    ({ code, stdout, stderr }) => {
      const lost = ["RangeError: stray", "null", "RangeError: stray"].map((cause) => `WorkerLostError 1 ${cause}\n`);
      assert.deepEqual([code, stdout], [0, `${lost.join("")}42\n42\n42\n`], stderr);
      const [running, idle] = stderr.split("now of idle ones\n");
      assert.equal(running, "");
      assert.equal(idle.match(/Uncaught error in worker Ant-\d+ \(thread \d+\).*#strayLater/g)?.length, 2, stderr);
    },
  ));

// Ends

test("threads: an idle pool uses no CPU", () =>
  runProgram(
    `
      await Promise.all([1, 2, 3, 4].map((n) => pool.submit(tasks.double, n)));
      // The start leaves a host things to do, for how long is its own affair; one that never rests is busy each time.
      const all: number[] = [];
      while (all.length < 30 && !all.some((milliseconds) => milliseconds < 60)) {
        const before = process.cpuUsage();
        await new Promise((resolve) => setTimeout(resolve, 300));
        const { user, system } = process.cpuUsage(before);
        all.push((user + system) / 1000);
      }
      console.log(all.at(-1)! < 60 ? "idle" : "busy for " + all + " of 300 ms each");
    `,
    prints("idle"),
  ));

test("threads: a program that ends with looping threads, by exit, by a throw, by killWorkers()", async () => {
  const busy = `
    const looping = [1, 2].map(() => pool.submit(tasks.printAndLoop, "x", 0));
    for (const future of looping) future.catch(() => {});
    while (!looping.every((future) => future.running())) await new Promise((resolve) => setTimeout(resolve, 1));
  `;
  await runProgram(`${busy} process.exit(5);`, ({ code }) => assert.equal(code, 5));
  await runProgram(`${busy} throw new RangeError("thrown");`, ({ code, stderr }) => {
    assert.equal(code, 1);
    assert.match(stderr, /thrown/);
  });
  await runProgram(
    `${busy} await pool.killWorkers(); console.log((await looping[0].exception() as Error).name);`,
    ({ code, stdout, timedOut }) => assert.deepEqual([code, stdout, timedOut], [0, "BrokenThreadPool\n", false]),
  );
});

// Output

test("threads: what two threads print comes in whole lines, in each one's order, before the program ends", () =>
  runProgram(
    `
      await Promise.all(["one", "two"].map((name) => pool.submit(tasks.printLines, name, 2000)));
      await pool.shutdown();
      process.exit(0);
    `,
    ({ code, stdout, stderr }) => {
      assert.deepEqual([code, stderr], [0, ""]);
      for (const name of ["one", "two"]) assert.deepEqual(linesOf(stdout, name), expected(name, 2000));
      assert.equal(stdout.split("\n").length, 4001);
    },
  ));

test("threads: what a thread printed comes though it loops then, and though it is killed then, or exits", () =>
  runProgram(
    `
      const { write } = process.stdout;
      let printed = "";
      process.stdout.write = (...args) => {
        printed += typeof args[0] === "string" ? args[0] : new TextDecoder().decode(args[0]);
        return Reflect.apply(write, process.stdout, args);
      };
      const looping = pool.submit(tasks.printAndLoop, "loops", 300);
      const exited = pool.submit(tasks.printAndExit, "exits", 300);
      looping.catch(() => {});
      await exited.exception();
      while (!printed.includes("loops 299")) await new Promise((resolve) => setTimeout(resolve, 1));
      console.log("before the kill");
      await pool.killWorkers();
      console.log("after the kill");
    `,
    ({ code, stdout, stderr }) => {
      assert.deepEqual([code, stderr], [0, "looping\n"]);
      for (const name of ["loops", "exits"]) assert.deepEqual(linesOf(stdout, name), expected(name, 300));
      assert(stdout.indexOf("loops 299") < stdout.indexOf("before the kill"), "it was held back until the kill");
      assert.match(stdout, /after the kill\n$/);
    },
  ));

// What moves

test("threads: a transferred buffer moves there, a marked result moves back, shared memory is shared; what a call printed is there before its result", () =>
  runProgram(
    `
      for (const n of [1, 2, 3]) {
        await pool.submit(tasks.printLines, "call" + n, 2);
        console.log("result", n);
      }
      const buffer = new ArrayBuffer(8_000_000);
      const future = pool.with({ transfer: [buffer] }).submit(tasks.fill, buffer, 5);
      console.log(buffer.detached, buffer.byteLength, await future);
      const made = await pool.submit(tasks.make, 8_000_000);
      console.log(made.byteLength, new Uint8Array(made)[7_999_999]);
      const memory = new SharedArrayBuffer(4);
      await Promise.all(Array.from({ length: 100 }, () => pool.submit(tasks.add, memory)));
      console.log(new Int32Array(memory)[0]);
    `,
    prints(
      ...[1, 2, 3].flatMap((n) => [`call${n} 0`, `call${n} 1`, `result ${n}`]),
      "true 0 8000000",
      "8000000 7",
      "100",
    ),
  ));

// Where programs run

test("threads: a program that its runtime watches for changes has its pool", () =>
  withProject(
    filesOf(`console.log(await pool.submit(tasks.double, 21)); await pool.shutdown(); console.log("closed");`),
    async (project) => {
      const running = project.start("program.ts", {
        denoFlags: ["-A", "--watch"],
        bunFlags: ["--watch"],
        nodeFlags: ["--watch"],
      });
      try {
        await running.untilPrinted("closed");
        assert.match(running.stdout(), /^42$/m);
      } finally {
        running.killGroup("SIGKILL");
        await running.ended;
      }
    },
  ));

if (runtimeName === "node") {
  test("threads: without Node's --allow-worker a pool is an error at submit that names it", () =>
    runProgram(
      `try { pool.submit(tasks.double, 1); } catch (error) { console.log((error as Error).name, (error as Error).message); }`,
      ({ stdout, stderr }) => assert.match(stdout, /^NotSupportedError .*--allow-worker/, stderr),
      { nodeFlags: ["--permission", "--allow-fs-read=*"] },
    ));
}

test("threads: a worker of the user's own has pools of either kind", () =>
  withProject({
    "tasks.ts": TASKS,
    "own.ts": `
      import { ProcessPoolExecutor, ThreadPoolExecutor } from "@ergate/ergate";
      import { parentPort } from "node:worker_threads";
      import * as tasks from "./tasks.ts";
      import process from "node:process";
      // Deno does not tell such a worker which program it belongs to, so its child processes must be told.
      const config = process.env.HERE + "/deno.json";
      for (const pool of [new ThreadPoolExecutor(1), new ProcessPoolExecutor({ maxWorkers: 1, config })]) {
        parentPort.postMessage(await pool.submit(tasks.double, 21));
        await pool.shutdown();
      }
      parentPort.postMessage("closed");
    `,
    "program.ts": `
      import { Worker } from "node:worker_threads";
      import process from "node:process";
      const worker = new Worker(new URL("own.ts", import.meta.url));
      worker.on("error", (error) => console.log("error", error));
      worker.on("message", (message) => {
        console.log(message);
        if (message === "closed") process.exit(0);
      });
    `,
  }, async (project) => prints("42", "42", "closed")(await project.run("program.ts"))));

test("threads: one that prints much while the program waits for it, letting nothing else go on, is not held up for long", () =>
  runProgram(
    `
      const memory = new SharedArrayBuffer(4);
      const printing = pool.submit(tasks.printAndWake, 12, memory);
      while (!printing.running()) await new Promise((resolve) => setTimeout(resolve, 1));
      console.error(Atomics.wait(new Int32Array(memory), 0, 0, 30_000));
      await printing;
      await pool.shutdown();
    `,
    ({ code, stdout, stderr }) => {
      assert.equal(code, 0, stderr);
      assert.match(stderr, /^(ok|not-equal)$/m);
      assert.equal(stdout.length, 12_000_000);
    },
  ));
