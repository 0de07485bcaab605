/**
 * Runs the suite, `tests/*_test.ts`, on one runtime: each file in a process of its own, two at a time.
 *
 * Results are counted by what the harness logs, one JSON line per event, alike on all runtimes and known also when a
 * file had to be killed. The runtime's own verdict counts besides: Deno's leak checks fail a test after the harness
 * has let it pass, and an error outside of tests fails a file.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, type Runtime, type Tool } from "./install.ts";
import { add, type Count, each, line, seconds, words } from "./report.ts";
import { run, type RunResult } from "./run.ts";

/** Options of {@linkcode runSuite}. */
export interface SuiteOptions {
  readonly files: readonly string[];
  readonly filter?: string;
  /** Files at a time. */
  readonly jobs: number;
  /** Milliseconds for the whole suite on this runtime. */
  readonly limit: number;
}

/** How each runtime runs a test file. Types are checked before, once. */
const COMMANDS: Record<Runtime, (file: string) => readonly string[]> = {
  deno: (file) => ["test", "-A", "--no-check", file],
  bun: (file) => ["test", `./${file}`],
  // Not `--test`: it would start one process more per file, whose protocol is on stdout.
  node: (file) => ["--test-reporter=spec", file],
};

/** A file with this line among its first ones measures time, or loads the machine: nothing runs beside it. */
const ALONE = /^\/\/ gate: alone\b/m;

/** Only a deadlock of the whole file reaches it. */
const FILE_LIMIT = 150_000;

/** Runs the files and prints a line for each, then one with the runtime's version and sum, which it returns as well. */
export async function runSuite(name: Runtime, tool: Tool, options: SuiteOptions): Promise<string> {
  const start = performance.now();
  const sum: Count = { passed: 0, failed: 0 };
  const folder = mkdtempSync(join(tmpdir(), "ergate-gate-"));
  async function one(file: string): Promise<void> {
    const rest = options.limit - (performance.now() - start);
    const count = await runFile(name, tool, file, options, folder, Math.min(FILE_LIMIT, rest));
    sum.passed += count.passed;
    sum.failed += count.failed;
  }
  try {
    const alone = options.files.filter((file) => ALONE.test(readFileSync(join(ROOT, file), "utf8").slice(0, 2000)));
    await each(options.files.filter((file) => !alone.includes(file)), options.jobs, one);
    await each(alone, 1, one);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (sum.passed + sum.failed === 0) {
    sum.failed = 1;
    line(`${name}: no test ran`, false, "");
  }
  add(sum);
  const sumLine = `${name} ${tool.version}: ${words(sum)} ${seconds(performance.now() - start)}`;
  console.log(`${sumLine}\n`);
  return sumLine;
}

async function runFile(
  name: Runtime,
  tool: Tool,
  file: string,
  options: SuiteOptions,
  folder: string,
  limit: number,
): Promise<Count> {
  const title = `${name}: ${file}`;
  if (limit <= 0) {
    line(title, false, "did not run: the runtime's time was over");
    return { passed: 0, failed: 1 };
  }
  const log = join(folder, `${file.replaceAll("/", "_")}.log`);
  // Node strips and compiles some forty modules for each program that a test runs: half of the time of such tests.
  const compiled = join(folder, "compiled");
  const env = { ERGATE_TEST_LOG: log, ERGATE_TEST_FILTER: options.filter, NODE_COMPILE_CACHE: compiled };
  const result = await run([tool.path, ...COMMANDS[name](file)], { cwd: ROOT, env, limit });
  const tests = readLog(log);
  // Bun fails a file in which the filter leaves nothing.
  if (options.filter && tests.size === 0 && !/\berror\b/i.test(result.output)) return { passed: 0, failed: 0 };
  const { count, notes } = judge(tests, result);
  const detail = `${words(count)} ${seconds(result.milliseconds)}`;
  line(title, count.failed === 0, detail, `${result.output.trimEnd()}\n\n${notes.join("\n")}`);
  return count;
}

type TestState = "registered" | "started" | "passed" | "failed";

function readLog(path: string): Map<string, TestState> {
  const tests = new Map<string, TestState>();
  if (!existsSync(path)) return tests;
  const seen = new Map<string, number>();
  for (const text of readFileSync(path, "utf8").split("\n")) {
    if (!text) continue;
    const { event, name } = JSON.parse(text) as { event: TestState; name: string };
    // Two tests of one name run in the order in which they were registered.
    const key = `${event} ${name}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
    tests.set(`${name}\0${seen.get(key)}`, event);
  }
  return tests;
}

/** The runner's own sum, in the words of Deno, Bun and Node; 0 if it printed none. */
function reportedFailures(output: string): number {
  const last = [...output.matchAll(/\| (\d+) failed|^ *(\d+) fail$|^ℹ fail (\d+)$/gm)].at(-1);
  return Number(last?.[1] ?? last?.[2] ?? last?.[3] ?? 0);
}

function judge(tests: Map<string, TestState>, result: RunResult): { count: Count; notes: string[] } {
  const count: Count = { passed: 0, failed: 0 };
  const notes: string[] = [];
  for (const [key, state] of tests) {
    if (state === "passed") count.passed++;
    else count.failed++;
    const name = key.slice(0, key.indexOf("\0"));
    if (state === "started") notes.push(`it was running: ${name}`);
    else if (state === "registered") notes.push(`it never ran: ${name}`);
    else if (state === "failed") notes.push(`it failed: ${name}`);
  }
  // Deno finds leaks after the harness has let a test pass.
  const late = Math.min(reportedFailures(result.output) - count.failed, count.passed);
  if (late > 0) {
    count.passed -= late;
    count.failed += late;
    notes.push(`failed after they had passed: ${late}`);
  }
  if (tests.size === 0) {
    count.failed++;
    notes.push("no test ran: does the file register by the harness?");
  } else if (!result.ok && count.failed === 0) {
    count.failed++;
    notes.push("its tests passed, and then it failed: a leak, an error outside of tests, or it did not end");
  }
  notes.push(result.ending);
  return { count, notes };
}
