/** The harness holds what it promises; else a green suite would mean little. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { judge } from "./gate/verdict.ts";
import {
  Arrivals,
  isAlive,
  kill,
  Latch,
  liveProcesses,
  randomNumbers,
  runProgram,
  startProgram,
  test,
  untilGone,
  withTempFolder,
} from "./harness.ts";

function program(folder: string, code: string): string {
  writeFileSync(`${folder}/program.ts`, code);
  return `${folder}/program.ts`;
}

test("harness: a program's arguments, input, variables, output and exit code", () =>
  withTempFolder(async (folder) => {
    const file = program(
      folder,
      `process.stdin.on("data", (text: Uint8Array) => console.log("in", String(text)));
       process.stdin.on("end", () => {
         console.log(process.argv.slice(2).join(), process.env.COLOUR, process.env.ERGATE_TEST_LOG);
         console.error("err");
         process.exit(3);
       });`,
    );
    const { code, signal, stdout, stderr, timedOut } = await runProgram(file, {
      args: ["a", "b"],
      env: { COLOUR: "red" },
      stdin: "hello",
    });
    assert.deepEqual({ code, signal, stdout, stderr, timedOut }, {
      code: 3,
      signal: null,
      stdout: "in hello\na,b red undefined\n",
      stderr: "err\n",
      timedOut: false,
    });
  }));

test("harness: a program in an endless loop is killed at its limit", () =>
  withTempFolder(async (folder) => {
    const { signal, timedOut } = await runProgram(program(folder, "for (;;);"), { timeout: 300 });
    assert.deepEqual({ signal, timedOut }, { signal: "SIGKILL", timedOut: true });
  }));

test("harness: a program that was started can be waited for and signalled", () =>
  withTempFolder(async (folder) => {
    const running = startProgram(program(folder, `console.log("up"); setInterval(() => {}, 1000);`));
    await running.untilPrinted("up");
    assert(isAlive(running.pid));
    running.killGroup("SIGINT");
    const { code, signal } = await running.ended;
    assert(signal === "SIGINT" || code === 130, `${code} ${signal}`);
  }));

test("harness: a process that is left is seen, also when its parent is gone", async () => {
  const child = spawn("sh", ["-c", "sleep 60 >/dev/null 2>&1 & echo $!"], { stdio: ["ignore", "pipe", "ignore"] });
  let printed = "";
  child.stdout.on("data", (text: Uint8Array) => printed += text);
  await new Promise((resolve) => child.on("close", resolve));
  const pid = Number(printed);
  assert.deepEqual(liveProcesses().map((process) => process.pid), [pid]);
  kill(pid, "SIGKILL");
  await untilGone([pid]);
});

test("harness: latches open, arrivals are counted in order", () =>
  withTempFolder(async (folder) => {
    const latch = new Latch(folder);
    assert(!latch.isOpen);
    queueMicrotask(() => latch.open());
    await latch.wait();
    const arrivals = new Arrivals(folder);
    assert.equal(arrivals.count, 0);
    arrivals.arrive("one");
    arrivals.arrive();
    await arrivals.wait(2);
    assert.deepEqual(arrivals.lines, ["one", "arrived"]);
  }));

test("harness: chance is the same for the same seed, on every runtime", () => {
  const next = randomNumbers(1);
  assert.deepEqual([next(), next()].map((value) => value.toFixed(6)), ["0.627074", "0.002736"]);
});

function logOf(...events: readonly object[]): string {
  return events.map((event) => JSON.stringify(event)).join("\n");
}

test("gate: a failed test is told with its error, without the tests that passed", () => {
  const log = logOf(
    { event: "registered", name: "good" },
    { event: "registered", name: "bad" },
    { event: "passed", name: "good" },
    { event: "failed", name: "bad", error: "Error: no" },
  );
  const output = "good ... ok (5ms)\nbad ... FAILED (5ms)\n\nFAILED | 1 passed | 1 failed (12ms)\n";
  assert.deepEqual(judge(log, { ok: false, ending: "exit code 1", output }), {
    count: { passed: 1, failed: 1 },
    failures: [{ name: "bad", error: "Error: no" }],
    output: "",
  });
});

test("gate: of a file that was killed, the test that ran then and those that never ran are told", () => {
  const log = logOf(
    { event: "registered", name: "good" },
    { event: "registered", name: "long" },
    { event: "registered", name: "last" },
    { event: "passed", name: "good" },
    { event: "started", name: "long" },
  );
  const ending = "killed at its limit of 150 s";
  const output = "(pass) good [5ms]\nTypeError: printed by long\n";
  const { count, failures, output: shown } = judge(`${log}\n{"event":"pas`, { ok: false, ending, output });
  assert.deepEqual(count, { passed: 1, failed: 2 });
  assert.deepEqual(failures.map(({ name }) => name), ["long", "1 of its tests never ran"]);
  assert.match(failures[0].error, /running when the file ended: killed at its limit of 150 s\nTypeError: printed/);
  assert.equal(shown, "TypeError: printed by long");
});

test("gate: a test that the runner failed after it had passed counts as failed, a file that failed besides as one more", () => {
  const log = logOf({ event: "registered", name: "leaks" }, { event: "passed", name: "leaks" });
  const output =
    "\n ERRORS \n\nleaks => ./tests/harness.ts:1:1\nerror: Leaks detected\n\n FAILURES \n\n| 1 failed (1ms)\n";
  assert.deepEqual(judge(log, { ok: false, ending: "exit code 1", output }), {
    count: { passed: 0, failed: 1 },
    failures: [{ name: "leaks", error: "error: Leaks detected" }],
    output: "",
  });
  const { count, output: shown } = judge(log, { ok: false, ending: "exit code 0, left processes", output: "alive" });
  assert.deepEqual(count, { passed: 1, failed: 1 });
  assert.equal(shown, "alive");
});
