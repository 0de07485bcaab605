/** The benchmarks run: each in its short form, which measures nothing. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { KINDS } from "../benchmarks/kinds.ts";
import type { Results } from "../benchmarks/harness.ts";
import { ROWS } from "../benchmarks/rows.ts";
import { markdown, targetTable } from "../benchmarks/tables.ts";
import { TARGETS } from "../benchmarks/targets.ts";
import { runProgram, test } from "./harness.ts";
import { REPOSITORY } from "./project.ts";

/** Milliseconds that a short form may take: five seconds alone, but a machine may be busy. */
const LIMIT = 100_000;

/** Runs a benchmark's short form, and gives what it printed. */
async function quick(name: string, ...flags: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(join(REPOSITORY, "benchmarks", name), {
    args: ["--quick", ...flags],
    timeout: LIMIT,
  });
  assert.equal(code, 0, stderr);
  assert.equal(stderr, "");
  return stdout;
}

test("benchmarks: each row gives a time of each contestant, and a line in the tables", async () => {
  const results = JSON.parse(await quick("main.ts", "--json")) as Results;
  assert.match(results.host, /^(Deno|Bun|Node) \d/);
  assert.deepEqual(Object.keys(results.rows), ROWS.map(({ name }) => name));
  for (const [name, { times }] of Object.entries(results.rows)) {
    for (const { name: kind } of KINDS) assert(kind in times, `${name} by ${kind}`);
    for (const all of Object.values(times)) assert(all.length === 1 && all[0] > 0, `${name}: ${JSON.stringify(times)}`);
    assert(markdown(results).includes(`| ${name}`), name);
  }
  // Only Python's numbers are missing.
  assert.deepEqual(
    targetTable([results], undefined).filter((line) => line.endsWith("|  |") && !line.includes("CPython")),
    [],
  );
}, { limit: LIMIT });

test("benchmarks: the rows and the contestants of the targets are measured", () => {
  const names = ROWS.map(({ name }) => name);
  assert.deepEqual(TARGETS.filter(({ row }) => !names.includes(row)), []);
  assert.equal(new Set(names).size, names.length);
});

for (const name of ["codec.ts", "cpu_per_call.ts"]) {
  test(`benchmarks: ${name} prints a table`, async () => {
    assert.match(await quick(name), /^\|( ---:? \|)( -+:? \|)+$/m);
  }, { limit: LIMIT });
}
