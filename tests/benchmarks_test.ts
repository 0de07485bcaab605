/** The benchmarks run: each in its short form, which measures nothing. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { runProgram, test } from "./harness.ts";
import { REPOSITORY } from "./project.ts";

/** Runs a benchmark's short form, and gives what it printed. */
async function quick(name: string, ...flags: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(join(REPOSITORY, "benchmarks", name), {
    args: ["--quick", ...flags],
  });
  assert.equal(code, 0, stderr);
  assert.equal(stderr, "");
  return stdout;
}

test("benchmarks: each row gives a time of each contestant", async () => {
  const { host, rows } = JSON.parse(await quick("main.ts", "--json"));
  assert.match(host, /^(Deno|Bun|Node) \d/);
  assert(Object.keys(rows).length >= 16);
  for (const [name, { times }] of Object.entries<{ times: Record<string, number[]> }>(rows)) {
    assert("processes" in times, name);
    for (const all of Object.values(times)) assert(all.length === 1 && all[0] > 0, `${name}: ${JSON.stringify(times)}`);
  }
});

test("benchmarks: the rows and the contestants of the targets are measured", async () => {
  const { ROWS } = await import("../benchmarks/rows.ts");
  const { TARGETS } = await import("../benchmarks/targets.ts");
  const names = ROWS.map(({ name }) => name);
  assert.deepEqual(TARGETS.filter(({ row }) => !names.includes(row)), []);
  assert.equal(new Set(names).size, names.length);
});

test("benchmarks: a part of the rows as a table", async () => {
  const text = await quick("main.ts", "--only=round trip");
  assert.match(text, /^\| round trip \| processes \| \d/m);
  assert.doesNotMatch(text, /flood/);
});

for (const name of ["codec.ts", "cpu_per_call.ts"]) {
  test(`benchmarks: ${name} prints a table`, async () => {
    assert.match(await quick(name), /^\|( ---:? \|)( -+:? \|)+$/m);
  });
}
