/**
 * Runs the suite, `tests/*_test.ts`, on one runtime: each file in a process of its own, two at a time. Results are
 * counted by what the harness logs, one JSON line per event: see `verdict.ts`.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, type Runtime, type Tool } from "./install.ts";
import { add, type Count, each, fileLine, line, seconds, words } from "./report.ts";
import { run } from "./run.ts";
import { isEmptyLog, judge } from "./verdict.ts";

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
  const text = existsSync(log) ? readFileSync(log, "utf8") : "";
  // Bun fails a file in which the filter leaves nothing.
  if (options.filter && isEmptyLog(text) && !/\berror\b/i.test(result.output)) return { passed: 0, failed: 0 };
  const { count, failures, output } = judge(text, result);
  fileLine(title, `${words(count)} ${seconds(result.milliseconds)}`, failures, output);
  return count;
}
