/** A task's error as programs print it, and as a host prints one that nobody caught. */
import assert from "node:assert/strict";
import { test } from "./harness.ts";
import { withProject } from "./user_project.ts";

const MAIN = `
  import { isMain, ProcessPoolExecutor, tasks, ThreadPoolExecutor } from "@ergate/ergate";
  import process from "node:process";
  class FullError extends RangeError {
    level = 7;
  }
  function deepest(): void {
    throw new FullError("the pond is full");
  }
  export function fill(): void {
    deepest();
  }
  export async function fillLater(): Promise<void> {
    await Promise.resolve();
    deepest();
  }
  tasks(import.meta, { fill, fillLater });

  if (isMain(import.meta)) {
    const [kind, how] = process.argv.slice(2);
    const pool = kind === "thread" ? new ThreadPoolExecutor(1) : new ProcessPoolExecutor(1);
    const errors = [await pool.submit(fill).exception(), await pool.submit(fillLater).exception()] as Error[];
    await pool.shutdown();
    if (how === "print") {
      for (const error of errors) console.error(error, "\\n-----");
      for (const error of errors) console.error(error.stack, "\\n-----");
    }
    if (how === "throw") throw errors[0];
    if (how === "reject") void Promise.reject(errors[1]);
  }
`;

/** How often an expression matches. */
function count(text: string, expression: RegExp): number {
  return [...text.matchAll(expression)].length;
}

/** One error as it was printed, without the lines of the program that Bun shows above it. */
function assertPrintedOnce(text: string, task: string, kind: string): void {
  const lines = text.split("\n").filter((line) => !/^\s*\d+ \| /.test(line)).join("\n");
  const pool = kind === "thread" ? "ThreadPoolExecutor" : "ProcessPoolExecutor";
  const marked = new RegExp(
    `^ +at task ${task} in worker ${pool}-1, ${kind} \\d+ \\(file:.*/main\\.ts(:1:1)?\\)`,
    "gm",
  );
  assert.equal(count(lines, /FullError\b.*: the pond is full/g), 1, text);
  assert.equal(count(lines, /^ +at deepest \(.*main\.ts:\d+:\d+\)$/gm), 1, text);
  assert.equal(count(lines, new RegExp(`^ +at (async )?${task} \\(.*main\\.ts:\\d+:\\d+\\)$`, "gm")), 1, text);
  assert.equal(count(lines, marked), 1, text);
  assert.equal(count(lines, /in worker/g), 1, text);
}

for (const kind of ["process", "thread"]) {
  test(`printed errors: the worker's stack, once, marked as from the worker and its task [${kind}]`, () =>
    withProject({ "main.ts": MAIN }, async (project) => {
      const { code, stderr } = await project.run("main.ts", { args: [kind, "print"] });
      assert.equal(code, 0, stderr);
      const texts = stderr.split("-----");
      for (const [n, task] of ["fill", "fillLater", "fill", "fillLater"].entries()) {
        assertPrintedOnce(texts[n], task, kind);
      }
    }));

  test(`printed errors: the same where nobody catches it [${kind}]`, () =>
    withProject({ "main.ts": MAIN }, async (project) => {
      for (const how of ["throw", "reject"]) {
        const { code, stderr } = await project.run("main.ts", { args: [kind, how] });
        assert.equal(code, 1, stderr);
        assertPrintedOnce(stderr, how === "reject" ? "fillLater" : "fill", kind);
      }
    }));
}
