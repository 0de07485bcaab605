/**
 * The browser's adapter over the Web `Worker` of the host that runs the tests. A host without one must say so: then that is
 * what is tested.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { NotSupportedError, ProcessPoolExecutor, ThreadPoolExecutor } from "../mod.ts";
import { BrowserRuntime } from "../runtime/browser.ts";
import { CallAtWork } from "../runtime/call_at_work.ts";
import { canBeBare } from "./bare_host.ts";
import { scenarios } from "./browser_scenarios.ts";
import { type ProgramResult, runProgram, test } from "./harness.ts";
import { REPOSITORY } from "./project.ts";
import * as work from "./tasks_browser.ts";
import { withProject } from "./user_project.ts";

const PROGRAM = fileURLToPath(new URL("./browser_program.ts", import.meta.url));

const runtime = new BrowserRuntime();

/** Milliseconds for all scenarios: seconds alone, but a machine may be busy. */
const LIMIT = 240_000;

/** The program that plays all scenarios, from when the first is asked for. */
let played: Promise<ProgramResult> | undefined;

if ("Worker" in globalThis) {
  const names = Object.keys(scenarios);
  for (const name of names) {
    test(`browser: ${name}`, async () => {
      const { code, stdout, stderr } = await (played ??= runProgram(PROGRAM, { args: names, timeout: LIMIT }));
      assert.ok(stdout.split("\n").includes(`passed: ${name}`), `${stdout}\n${stderr}`);
      assert.equal(code, 0, `${stdout}\n${stderr}`);
    }, { limit: LIMIT });
  }
} else {
  test("browser: a host without the web's Worker says so at submit", async () => {
    const pool = new ThreadPoolExecutor({ maxWorkers: 1, runtime });
    assert.throws(
      () => pool.submit(work.add, 1, 2),
      new NotSupportedError("Cannot start worker threads as the host must have the web's Worker: it has none"),
    );
    await pool.shutdown();
  });
}

/** A page's script, with ergate in it. The host that runs it is made to look like a browser first, if it lets that be done. */
const PAGE = `
  import { isMain, tasks, ThreadPoolExecutor } from "@ergate/ergate";
  export function fib(n: number): number { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
  tasks(import.meta, { fib });
  if (GUARD) {
    const pool = new ThreadPoolExecutor(2);
    console.log(await pool.submit(fib, 20), (await pool.map(fib, [1, 2, 3, 10]).toArray()).join());
    await pool.shutdown();
  }
`;

const BARE = canBeBare ? `for (const name of ["Deno", "Bun", "process"]) delete globalThis[name];` : "";

/** Bundles the page's script for browsers, and runs it. */
async function runPage(guard: string): Promise<ProgramResult> {
  let result: ProgramResult;
  await withProject({ "page.ts": PAGE.replace("GUARD", guard) }, async (project) => {
    const esbuild = join(REPOSITORY, "node_modules", ".bin", "esbuild");
    const flags = ["--bundle", "--format=esm", "--platform=browser", "--outfile=page.mjs", `--banner:js=${BARE}`];
    await promisify(execFile)(esbuild, ["page.ts", ...flags], { cwd: project.folder });
    result = await project.run("page.mjs");
  });
  return result!;
}

/** Whether the host is a browser to what it runs, but has no threads as a browser has them. */
const lacksThreads = canBeBare && !("Worker" in globalThis);

test("browser: a bundle for pages runs in its own threads", async () => {
  const { code, stdout, stderr } = await runPage("isMain(import.meta)");
  if (lacksThreads) assert.match(stderr, /NotSupportedError: Cannot start worker threads/);
  else assert.deepEqual([code, stdout], [0, "6765 1,1,2,55\n"], stderr);
});

test("browser: a bundle for pages without a guard is one clear error", async () => {
  const { code, stderr } = await runPage("true");
  assert.notEqual(code, 0);
  assert.match(stderr, lacksThreads ? /NotSupportedError/ : /BrokenThreadPool[^]*must stand behind its guard/);
});

test("browser: there are no processes, and the error names the pool that there is", async () => {
  const pool = new ProcessPoolExecutor({ maxWorkers: 1, runtime });
  assert.throws(() => pool.submit(work.add, 1, 2), { name: "NotSupportedError", message: /use a ThreadPoolExecutor/ });
  await pool.shutdown();
});

test("browser: a call-local value is bound to its call, and until its promise settles", async () => {
  const local = new CallAtWork<string>();
  assert.equal(local.run("a", () => local.run("b", () => local.get()) + local.get()!), "ba");
  assert.throws(() => local.run("a", () => assert.fail(local.get())), { message: "a" });
  assert.equal(local.get(), undefined);
  const first = Promise.withResolvers<void>();
  local.keepUntil("a", first.promise);
  assert.equal(local.get(), "a");
  assert.equal(local.run("b", () => local.get()), "b");
  assert.equal(local.get(), "a");
  first.reject(new Error("over"));
  await first.promise.catch(() => {});
  assert.equal(local.get(), undefined);
  const second = Promise.withResolvers<void>();
  local.keepUntil("a", second.promise);
  local.keepUntil("b", new Promise(() => {}));
  second.resolve();
  await second.promise;
  assert.equal(local.get(), "b");
});

test("browser: a later turn comes after what is in the queue", async () => {
  const order: string[] = [];
  await new Promise<void>((go) => {
    runtime.nextTurn(() => go(void order.push("turn")));
    queueMicrotask(() => order.push("microtask"));
    order.push("now");
  });
  assert.deepEqual(order, ["now", "microtask", "turn"]);
});
