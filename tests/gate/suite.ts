/**
 * Runs the suite, `tests/*_test.ts`, on the runtimes: each file in a process of its own, some at a time. Results are
 * counted by what the harness logs, one JSON line per event: see `verdict.ts`.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, type Runtime, type Tool } from "./install.ts";
import { add, type Count, fileLine, line, seconds, words } from "./report.ts";
import { run } from "./run.ts";
import type { Slots } from "./slots.ts";
import { isEmptyLog, judge } from "./verdict.ts";

/** Options of {@linkcode runSuite}. */
export interface SuiteOptions {
  readonly files: readonly string[];
  readonly filter?: string;
  /** Where the files, and other work, take turns. */
  readonly slots: Slots;
  /** When all must have ended, by `performance.now()`. */
  readonly end: number;
  /** Variables beside the gate's own. */
  readonly env: Readonly<Record<string, string>>;
  /** What users' programs import on Bun and Node; else, and on Deno, which takes it from JSR, they import the source. */
  readonly npmPackage?: string;
}

/** How each runtime runs a test file. Types are checked before, once. */
const COMMANDS: Record<Runtime, (file: string) => readonly string[]> = {
  deno: (file) => ["test", "-A", "--no-check", file],
  bun: (file) => ["test", `./${file}`],
  // Not `--test`: it would start one process more per file, whose protocol is on stdout.
  node: (file) => ["--test-reporter=spec", file],
};

/** Only a deadlock of the whole file reaches it. */
const FILE_LIMIT = 400_000;

/** A file on one of the runtimes. */
interface Job {
  readonly name: Runtime;
  readonly tool: Tool;
  readonly file: string;
}

/**
 * Runs the files on each runtime and prints a line for each, then one with the runtime's version and sum when its last file
 * is done; returns those. A runtime's last files run beside the first of the next.
 */
export async function runSuite(tools: Partial<Record<Runtime, Tool>>, options: SuiteOptions): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "ergate-gate-"));
  const sums = new Map(Object.entries(tools).map(([name, tool]) => [name, new Sum(name, tool, options.files.length)]));
  async function one({ name, tool, file }: Job): Promise<void> {
    const sum = sums.get(name)!;
    sum.begin();
    sum.add(await runFile({ name, tool, file }, options, folder));
  }
  const files = longestFirst(options.files);
  const jobs = Object.entries(tools).flatMap(([name, tool]) =>
    files.map((file): Job => ({ name: name as Runtime, tool, file }))
  );
  try {
    await options.slots.each(jobs, one);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return Array.from(sums.values(), ({ line }) => line);
}

/** As far as their sizes tell: so the last ones are short, and nothing runs alone for long. */
function longestFirst(files: readonly string[]): string[] {
  const sizes = new Map(files.map((file) => [file, statSync(join(ROOT, file)).size]));
  return files.toSorted((one, other) => sizes.get(other)! - sizes.get(one)!);
}

/** What is known of a runtime's files. */
class Sum {
  /** Its line, once all are done. */
  line = "";
  readonly #name: string;
  readonly #tool: Tool;
  readonly #count: Count = { passed: 0, failed: 0 };
  #left: number;
  #start: number | undefined;

  constructor(name: string, tool: Tool, files: number) {
    this.#name = name;
    this.#tool = tool;
    this.#left = files;
  }

  begin(): void {
    this.#start ??= performance.now();
  }

  add({ passed, failed }: Count): void {
    this.#count.passed += passed;
    this.#count.failed += failed;
    if (--this.#left > 0) return;
    if (this.#count.passed + this.#count.failed === 0) {
      this.#count.failed = 1;
      line(`${this.#name}: no test ran`, false, "");
    }
    add(this.#count);
    this.line = `${this.#name} ${this.#tool.version}: ${words(this.#count)} ${
      seconds(performance.now() - this.#start!)
    }`;
    console.log(`${this.line}\n`);
  }
}

async function runFile({ name, tool, file }: Job, options: SuiteOptions, folder: string): Promise<Count> {
  const title = `${name}: ${file}`;
  const limit = Math.min(FILE_LIMIT, options.end - performance.now());
  if (limit <= 0) {
    line(title, false, "did not run: the gate's time was over");
    return { passed: 0, failed: 1 };
  }
  const log = join(folder, `${name}_${file.replaceAll("/", "_")}.log`);
  const env = {
    ...options.env,
    ERGATE_TEST_LOG: log,
    ERGATE_TEST_FILTER: options.filter,
    ERGATE_TEST_PACKAGE: name === "deno" ? undefined : options.npmPackage,
  };
  const result = await run([tool.path, ...COMMANDS[name](file)], { cwd: ROOT, env, limit });
  const text = existsSync(log) ? readFileSync(log, "utf8") : "";
  // Bun fails a file in which the filter leaves nothing.
  if (options.filter && isEmptyLog(text) && !/\berror\b/i.test(result.output)) return { passed: 0, failed: 0 };
  const { count, failures, output } = judge(text, result);
  fileLine(title, `${words(count)} ${seconds(result.milliseconds)}`, failures, output);
  return count;
}
