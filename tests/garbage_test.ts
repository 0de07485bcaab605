/** What the pool lets go of: rows C18, C20, C59 and C177 of CPython's tests. Collectors are asked by whole programs, by flags. */
import assert from "node:assert/strict";
import { runProgram, test } from "./harness.ts";
import { withProject } from "./user_project.ts";

const PROGRAM = `
  import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
  import { Pool } from "@ergate/ergate/pool";

  const { gc, Bun } = globalThis;

  const remembered = [];
  export function remember(value) {
    remembered.push(new WeakRef(value));
  }
  export function make(number) {
    return { number };
  }
  /** What is left by a measure, after the collector had its chances. A few may lie on the stack, where it only guesses. */
  async function leftBy(measure) {
    let kept = measure();
    for (let round = 0; round < 100 && kept > 5; round++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      if (gc) gc();
      else Bun.gc(true);
      kept = measure();
    }
    return kept;
  }
  /** How many of the values that this process remembers are left. */
  export function left(refs = remembered) {
    return leftBy(() => refs.filter((ref) => ref.deref() !== undefined).length);
  }
  export function text(megabytes) {
    return "x".repeat(megabytes * 2 ** 20);
  }
  export function leftInWorker() {
    return left();
  }
  tasks(import.meta, { remember, make, text, leftInWorker });

  if (isMain(import.meta)) {
    // Deno does not say which flags it was started with: its workers are given them here.
    const execArgv = "Deno" in globalThis ? ["--v8-flags=--expose-gc"] : undefined;
    await using pool = new ProcessPoolExecutor({ maxWorkers: 1, execArgv });
    const tell = (row, kept) => console.log(row, kept <= 5 ? "gone" : kept + " kept");

    const refs = [];
    await (async () => {
      for (let i = 0; i < 40; i++) {
        const value = { i };
        const future = pool.submit(remember, value);
        refs.push(new WeakRef(value), new WeakRef(future));
        await future;
      }
    })();
    tell("C18", await left(refs));
    tell("C59", await pool.submit(leftInWorker));

    const results = pool.map(make, Array.from({ length: 100 }, (_, i) => i));
    const given = [];
    await (async () => {
      for (let i = 0; i < 50; i++) given.push(new WeakRef((await results.next()).value));
    })();
    tell("C20", await left(given));
    await results.next();

    // Texts of a megabyte, of which two are drawn ahead of their reader; some other megabytes are there, too.
    const memory = () => (process.memoryUsage().heapUsed + process.memoryUsage().external) / 2 ** 20 / 4;
    const before = memory();
    const texts = pool.map(text, Array(100).fill(1), { buffersize: 2 });
    for (let i = 0; i < 90; i++) await texts.next();
    tell("C20 texts", await leftBy(() => memory() - before));
    await texts.return();

    await using mapping = new Pool({ processes: 1, execArgv });
    const crossed = await (async () => {
      const values = Array.from({ length: 10 }, (_, number) => ({ number }));
      await mapping.map(remember, values);
      return [...values, ...await mapping.map(make, values)].map((value) => new WeakRef(value));
    })();
    tell("C177", await left(crossed));
    tell("C177 in the worker", await mapping.apply(leftInWorker));
  }
`;

test("C18 C20 C59 C177 arguments, futures and results that nobody holds are collected while the pool lives", () =>
  withProject({ "main.ts": PROGRAM }, async (project) => {
    const { stdout, stderr } = await runProgram(project.path("main.ts"), {
      cwd: project.folder,
      denoFlags: ["-A", "--v8-flags=--expose-gc"],
      nodeFlags: ["--expose-gc"],
    });
    const lines = ["C18", "C59", "C20", "C20 texts", "C177", "C177 in the worker"].map((what) => `${what} gone\n`);
    assert.deepEqual({ stdout, stderr }, { stdout: lines.join(""), stderr: "" });
  }));
