/** The gate's printed lines and its count. Its last line is read by machines. */

/** How many tests passed and failed. */
export interface Count {
  passed: number;
  failed: number;
}

const total: Count = { passed: 0, failed: 0 };
const failures: string[] = [];

/** Prints a step's line and counts it as one test; shows the whole output if it failed. */
export function step(name: string, ok: boolean, detail: string, output = ""): void {
  add({ passed: ok ? 1 : 0, failed: ok ? 0 : 1 });
  line(name, ok, detail, output);
}

/** Prints a line without counting it. */
export function line(name: string, ok: boolean, detail: string, output = ""): void {
  console.log(`${ok ? "ok  " : "FAIL"}  ${name}${detail ? `  ${detail}` : ""}`);
  if (ok) return;
  failures.push(name);
  if (output.trim()) console.log(`${"-".repeat(40)}\n${output.trimEnd()}\n${"-".repeat(40)}`);
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
    failures.push("nothing ran");
  }
  if (failures.length > 0) console.log(`\nfailed:\n${failures.map((name) => `  ${name}`).join("\n")}`);
  console.log(`\n${words(total)}`);
  return total.failed === 0 ? 0 : 1;
}

/** Calls `fn` for each item, `width` at a time. */
export async function each<T>(items: readonly T[], width: number, fn: (item: T) => Promise<void>): Promise<void> {
  const rest = items[Symbol.iterator]();
  await Promise.all(Array.from({ length: width }, async () => {
    for (let next = rest.next(); !next.done; next = rest.next()) await fn(next.value);
  }));
}
