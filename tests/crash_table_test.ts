/**
 * Each cell of the crash table: *where* a worker goes wrong, by *how*, gives what the caller sees, what becomes of the other
 * calls, and whether the pool works on. Tried by whole programs (`crash_program.ts`).
 */
import assert from "node:assert/strict";
import process from "node:process";
import { existsSync, readFileSync } from "node:fs";
import { type Cell, CRASHES, markdown, OUTCOMES, PLACES, rowsOf, type Where } from "./crash_table.ts";
import { FLOOD, type Way, WAYS } from "./crash_ways.ts";
import { type ProgramResult, runProgram, runtimeName, test, withTempFolder } from "./harness.ts";
import { REPOSITORY } from "./project.ts";

type KindName = keyof typeof CRASHES;

/** A heap that is soon full. */
const SMALL_HEAP = "--max-old-space-size=40";

/** Where a heap has no limit of its own (Bun), the system sets one: what is had in advance must be little. */
const ENV = { MIMALLOC_ARENA_RESERVE: "32768" };

function expected(cell: Cell): string {
  return typeof cell === "string" ? cell : cell[runtimeName];
}

function endsProgram(cell: Cell): boolean {
  return typeof cell === "string" && cell.startsWith("program");
}

/** Tries cells on pools of this kind; gives what became of those that did not end the program. */
function tryCells(kind: KindName, cells: readonly (readonly [Where, Way])[], flags: readonly string[] = []) {
  return withTempFolder(async (folder) => {
    const result = await runProgram(`${REPOSITORY}/tests/crash_program.ts`, {
      args: [kind, folder, JSON.stringify(cells)],
      env: ENV,
      denoFlags: ["-A", ...flags.map((flag) => `--v8-flags=${flag}`)],
      nodeFlags: flags,
      timeout: 300_000,
    });
    const lines = existsSync(`${folder}/outcomes`) ? readFileSync(`${folder}/outcomes`, "utf8").split("\n") : [];
    const outcomes = lines.filter(Boolean).map((line) => JSON.parse(line) as [Where, Way, string]);
    return { result, outcomes };
  });
}

/**
 * In the gate every second cell is tried on a runtime, Bun trying those that the others leave out: the table costs more than
 * any other file. `ERGATE_TEST_PROGRAMS=all` tries all of them on each.
 */
function isTried({ where, way }: { readonly where: Where; readonly way: Way }): boolean {
  if (process.env.ERGATE_TEST_PROGRAMS === "all") return true;
  const isEven = (PLACES.indexOf(where) + WAYS.indexOf(way)) % 2 === 0;
  return runtimeName === "bun" ? !isEven : isEven;
}

function describe({ code, signal, stderr }: ProgramResult): string {
  return `The program ended by ${code}, ${signal}: ${stderr.slice(-2000)}`;
}

for (const kind of ["process", "thread"] as const) {
  const all = PLACES.flatMap((where) => WAYS.map((way, index) => ({ where, way, cell: CRASHES[kind][where][index] })));

  test(`crash table: each cell that leaves the program alive [${kind}]`, async () => {
    const living = all.filter(({ cell }) => !endsProgram(cell)).filter(isTried);
    const { result, outcomes } = await tryCells(kind, living.map(({ where, way }) => [where, way] as const));
    assert.deepEqual(
      outcomes.map(([where, way, outcome]) => `${where}, ${way}: ${outcome}`),
      living.map(({ where, way, cell }) => `${where}, ${way}: ${expected(cell)}`),
      describe(result),
    );
    const floods = living.filter(({ way, cell }) =>
      way === "stdout flooded" && expected(cell) !== "no such thing"
    ).length;
    assert.equal(result.stdout.length, floods * FLOOD);
    assert.deepEqual([result.code, result.signal], [0, null], describe(result));
  }, { limit: 300_000 });

  // What ends the program does so wherever it happens: each way is tried at two places.
  const deadly = all.filter(({ where, cell }) => endsProgram(cell) && (where === "running" || where === "idle"));
  for (const { where, way, cell } of deadly) {
    test(`crash table: ${where}, by ${way}: ${expected(cell)} [${kind}]`, async () => {
      const { result, outcomes } = await tryCells(kind, [[where, way]], [SMALL_HEAP]);
      if (result.code === 0) {
        assert.equal(expected(cell), "program may end");
        assert.equal(runtimeName, "node", "there alone a thread's heap has a limit of its own");
        assert.match(outcomes[0][2], /^(lost|no call harmed)$/);
      } else {
        assert.deepEqual(outcomes, []);
        assert.equal(result.timedOut, false);
      }
    });
  }
}

/** The rows of each table of a page, without its head. */
function tablesOf(page: string): string[][][] {
  const tables: string[][][] = [];
  let rows: string[][] | undefined;
  for (const line of page.split("\n")) {
    if (!line.startsWith("|")) rows = undefined;
    else if (rows === undefined) tables.push(rows = []);
    else rows.push(line.split("|").slice(1, -1).map((cell) => cell.trim()));
  }
  return tables.map((table) => table.slice(1));
}

test("crash table: docs/faults.md shows these tables", () => {
  const page = readFileSync(`${REPOSITORY}/docs/faults.md`, "utf8");
  const wanted = [rowsOf("process"), rowsOf("thread"), Object.entries(OUTCOMES)];
  const head = ["", ...WAYS];
  const text = [
    markdown(head, wanted[0]),
    markdown(head, wanted[1]),
    markdown(["in the table", "what it means"], wanted[2]),
  ].join("\n\n");
  assert.deepEqual(tablesOf(page).slice(0, 3), wanted, `docs/faults.md must have these tables:\n\n${text}\n`);
});
