/** The gate's printed lines and its count. Its last line is read by machines. */

/** How many tests passed and failed. */
export interface Count {
  passed: number;
  failed: number;
}

/** A failed test, or a step, with its error. */
export interface Failure {
  readonly name: string;
  /** The error and its stack, or other words of what happened. */
  readonly error: string;
}

const RULE = "-".repeat(40);

/** Of an error in the summary at the end: lines, and characters of each. */
const BRIEF = { lines: 4, width: 240 };

const total: Count = { passed: 0, failed: 0 };
const failures: Failure[] = [];

/** Prints a step's line and counts it as one test; shows the whole output if it failed. */
export function step(name: string, ok: boolean, detail: string, output = ""): void {
  add({ passed: ok ? 1 : 0, failed: ok ? 0 : 1 });
  line(name, ok, detail, output);
}

/** Prints a line without counting it. */
export function line(name: string, ok: boolean, detail: string, output = ""): void {
  console.log(heading(name, ok, detail));
  if (ok) return;
  failures.push({ name, error: [detail, output].join("\n") });
  if (output.trim()) console.log(`${RULE}\n${output.trimEnd()}\n${RULE}`);
}

/**
 * Prints the line of a test file. Of one that failed: the names of the failed tests, then each with its error, then what
 * else it printed. The end of the gate names them again.
 */
export function fileLine(name: string, detail: string, failed: readonly Failure[], output = ""): void {
  console.log(heading(name, failed.length === 0, detail));
  if (failed.length === 0) return;
  for (const failure of failed) {
    console.log(`      failed: ${failure.name}`);
    failures.push({ name: `${name}: ${failure.name}`, error: failure.error });
  }
  console.log(RULE);
  for (const failure of failed) console.log(`${failure.name}\n${indented(failure.error.split("\n"))}\n`);
  if (output.trim()) console.log(`What the runner printed, without the tests that passed:\n${output.trimEnd()}`);
  console.log(RULE);
}

function heading(name: string, ok: boolean, detail: string): string {
  return `${ok ? "ok  " : "FAIL"}  ${name}${detail ? `  ${detail}` : ""}`;
}

function indented(lines: readonly string[]): string {
  return lines.map((text) => `    ${text}`).join("\n").trimEnd();
}

/** Adds to the sum. */
export function add(count: Count): void {
  total.passed += count.passed;
  total.failed += count.failed;
}

/** Seconds, for a line. */
export function seconds(milliseconds: number): string {
  return `(${(milliseconds / 1000).toFixed(1)} s)`;
}

/** `12 passed, 0 failed`. */
export function words(count: Count): string {
  return `${count.passed} passed, ${count.failed} failed`;
}

/** Prints what failed and, as the very last line, the sum; returns the exit code. */
export function finish(): number {
  if (total.passed + total.failed === 0) {
    total.failed = 1;
    failures.push({ name: "nothing ran", error: "" });
  }
  if (failures.length > 0) console.log(`\nfailed:\n${failures.map(briefly).join("\n")}`);
  console.log(`\n${words(total)}`);
  return total.failed === 0 ? 0 : 1;
}

function briefly({ name, error }: Failure): string {
  const lines = error.split("\n").filter((text) => text.trim()).slice(0, BRIEF.lines);
  return [`  ${name}`, indented(lines.map((text) => `  ${text.slice(0, BRIEF.width)}`))].join("\n").trimEnd();
}
