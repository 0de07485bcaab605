/**
 * The browser's adapter over the Web `Worker` of the host that runs the tests. A host without one must say so: then that is
 * what is tested.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { NotSupportedError, ProcessPoolExecutor, ThreadPoolExecutor } from "../mod.ts";
import { BrowserRuntime } from "../runtime/browser.ts";
import { CallAtWork } from "../runtime/call_at_work.ts";
import { scenarios } from "./browser_scenarios.ts";
import { runProgram, test } from "./harness.ts";
import * as work from "./tasks_browser.ts";

const PROGRAM = fileURLToPath(new URL("./browser_program.ts", import.meta.url));

const runtime = new BrowserRuntime();

if ("Worker" in globalThis) {
  for (const name of Object.keys(scenarios)) {
    test(`browser: ${name}`, async () => {
      const { code, stdout, stderr } = await runProgram(PROGRAM, { args: [name] });
      assert.deepEqual([code, stdout.split("\n").at(-2)], [0, "passed"], `${stdout}\n${stderr}`);
    });
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
