/**
 * What became of a test file: how many tests passed, and each failed one with its error, from what the harness logged
 * and what the runtime's runner printed.
 *
 * The log is alike on all runtimes, and known also when a file had to be killed. The runner's own verdict counts
 * besides: Deno's leak checks fail a test after the harness has let it pass, and an error outside of tests fails a file.
 * Its output is shown only where the log does not explain a failure, without the tests that passed.
 */

import type { Count, Failure } from "./report.ts";
import type { RunResult } from "./run.ts";

/** What is known of a file that has ended. */
export interface Verdict {
  readonly count: Count;
  readonly failures: readonly Failure[];
  /** What the runner printed, if the failures alone do not explain how the file ended. */
  readonly output: string;
}

type TestState = "registered" | "started" | "passed" | "failed";

interface Entry {
  readonly name: string;
  readonly state: TestState;
  /** Of a failed one. */
  readonly error?: string;
}

/** Of a longer output only the two ends are shown, this many lines each. */
const SHOWN = 60;

/** Judges a file by the text of the harness's log and by how its runner ended. */
export function judge(log: string, result: Pick<RunResult, "ok" | "ending" | "output">): Verdict {
  const tests = readLog(log);
  const late = lateFailures(tests, result.output);
  const failures = tests.filter(({ state }) => state === "failed").map(({ name, error = "" }) => ({ name, error }));
  failures.push(...late);
  const isExplained = failures.length > 0 && failures.length === reportedFailures(result.output);
  let failed = failures.length;
  function fail(name: string, words: string, tests = 1): void {
    failures.push({ name, error: [words, ...errorLines(result.output)].join("\n") });
    failed += tests;
  }
  for (const { name } of tests.filter(({ state }) => state === "started")) {
    fail(name, `It was running when the file ended: ${result.ending}`);
  }
  const waiting = tests.filter(({ state }) => state === "registered").map(({ name }) => name);
  if (waiting.length > 0) {
    fail(`${waiting.length} of its tests never ran`, `${result.ending}\n${list(waiting)}`, waiting.length);
  }
  if (tests.length === 0) {
    fail("no test ran", `${result.ending}: does the file register by the harness?`);
  } else if (failed === 0 && !result.ok) {
    fail("the file failed, not its tests", `${result.ending}: a leak, an error outside of tests, or it did not end`);
  }
  const passed = tests.filter(({ state }) => state === "passed").length - late.length;
  return {
    count: { passed, failed },
    failures,
    output: failed === 0 || isExplained ? "" : withoutPassed(result.output),
  };
}

/** Whether the harness logged anything. */
export function isEmptyLog(log: string): boolean {
  return readLog(log).length === 0;
}

function readLog(log: string): Entry[] {
  const tests = new Map<string, Entry>();
  const seen = new Map<string, number>();
  for (const text of log.split("\n")) {
    const line = parseLine(text);
    if (!line) continue;
    const { event, name, error } = line;
    // Two tests of one name run in the order in which they were registered.
    const key = `${event} ${name}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
    tests.set(`${name}\0${seen.get(key)}`, { name, state: event, error });
  }
  return [...tests.values()];
}

function parseLine(text: string): { event: TestState; name: string; error?: string } | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The empty end, or half a line of a runtime that was killed.
  }
}

/** Tests that Deno failed, by its leak checks, after the harness had let them pass. */
function lateFailures(tests: readonly Entry[], output: string): Failure[] {
  const section = /\n ERRORS \n([^]*?)\n FAILURES \n/.exec(output)?.[1] ?? "";
  const blocks = section.split(/^(.+) => \S+:\d+:\d+$/m).slice(1);
  const known = new Set(tests.filter(({ state }) => state === "failed").map(({ name }) => name));
  const found: Failure[] = [];
  for (let at = 0; at < blocks.length; at += 2) {
    const [name, error] = [blocks[at], blocks[at + 1].trim()];
    if (!known.has(name) && tests.some((test) => test.name === name)) found.push({ name, error });
  }
  return found;
}

/** The runner's own sum, in the words of Deno, Bun and Node, errors outside of tests among it; 0 if it printed none. */
function reportedFailures(output: string): number {
  let sum = 0;
  for (const pattern of [/\| (\d+) failed/g, /^ *(\d+) fail$/gm, /^ *(\d+) errors?$/gm, /^ℹ fail (\d+)$/gm]) {
    sum += Number([...output.matchAll(pattern)].at(-1)?.[1] ?? 0);
  }
  return sum;
}

/** The first lines in which a runner names errors, for failures of which the log knows no more. */
function errorLines(output: string): string[] {
  const lines = output.split("\n").filter((line) => /^\W*(error|\w*Error)\b.*: /.test(line));
  return lines.slice(0, 3).map((line) => line.trim());
}

function withoutPassed(output: string): string {
  const passed = /^\(pass\) |^✔ |^.+ \.\.\. ok \(\d+m?s|^ok \d+ - /;
  const lines = output.trimEnd().split("\n").filter((line) => !passed.test(line));
  if (lines.length <= 2 * SHOWN) return lines.join("\n");
  return [...lines.slice(0, SHOWN), `[… ${lines.length - 2 * SHOWN} lines …]`, ...lines.slice(-SHOWN)].join("\n");
}

function list(names: readonly string[]): string {
  const more = names.length > 10 ? [`  and ${names.length - 10} more`] : [];
  return [...names.slice(0, 10).map((name) => `  ${name}`), ...more].join("\n");
}
