/**
 * The programs of the guides, `examples/guide/`: the index knows each, and each prints what stands at its end.
 *
 * What is expected of a program is its last comment. Its headings tell how to read the indented lines below them:
 * `in any order`, `On stderr`, `with exit code 1`, `With the argument 25`. In a line `…` is any text; a line of it alone is any
 * number of lines.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type ProgramResult, runProgram, test } from "./harness.ts";
import { REPOSITORY } from "./project.ts";

const FOLDER = join(REPOSITORY, "examples", "guide");
const ANY = "…";

const files = readdirSync(FOLDER).filter((name) => name.endsWith(".ts")).sort();
const index = readFileSync(join(FOLDER, "README.md"), "utf8");

// ----- The index

/** `X5–X7` as the three numbers. */
function numbersOf(cell: string): string[] {
  const [, letter, first, last = first] = /^([XY])(\d+)(?:–\1(\d+))?$/.exec(cell) ?? assert.fail(`What is ${cell}?`);
  return Array.from({ length: Number(last) - Number(first) + 1 }, (_, at) => `${letter}${Number(first) + at}`);
}

function upTo(letter: string, last: number): string[] {
  return Array.from({ length: last }, (_, at) => `${letter}${at + 1}`);
}

test("guide: the index has each program of the guides once", () => {
  const cells = [...index.matchAll(/^\| ([XY]\d\S*)/gm)].map(([, cell]) => cell);
  assert.deepEqual(cells.flatMap(numbersOf), [...upTo("X", 57), ...upTo("Y", 40)]);
});

test("guide: the index names each file that there is, and no other", () => {
  const named = new Set([...index.matchAll(/\]\((\w+\.ts)\)/g)].map(([, name]) => name));
  assert.deepEqual([...named].sort(), files);
});

test("guide: each program of the index has a file, but those that wait for shared state", () => {
  const rows = [...index.matchAll(/^\| ([XY]\d\S*) .*\|([^|]*)\|$/gm)];
  const without = rows.filter(([, , file]) => !file.includes("](")).map(([, cell]) => cell);
  assert.deepEqual(without, ["X45", "Y23", "Y30"]);
});

// ----- What the programs print

/** Lines that come in this order, or in any. */
interface Group {
  readonly inAnyOrder: boolean;
  readonly lines: string[];
}

interface Expected {
  readonly args: readonly string[];
  readonly code: number;
  readonly stdout: readonly Group[];
  readonly stderr: readonly Group[];
}

/** Reads the last comment of a program; `undefined` of a module that is none. */
function expectedOf(text: string): Expected | undefined {
  const comment = /\n\n((?:\/\/.*\n)+)$/.exec(text)?.[1];
  if (comment === undefined) return undefined;
  const headings: string[] = [];
  const streams: { stdout: Group[]; stderr: Group[] } = { stdout: [], stderr: [] };
  let at: Group | undefined;
  for (const line of comment.trimEnd().split("\n")) {
    if (line.startsWith("//   ")) {
      assert(at !== undefined, `There is no heading above ${line}`);
      at.lines.push(line.slice(5));
    } else {
      headings.push(line);
      at = { inAnyOrder: line.includes("in any order"), lines: [] };
      streams[line.includes("On stderr") ? "stderr" : "stdout"].push(at);
    }
  }
  const all = headings.join("\n");
  const argument = /argument (\d+)/.exec(all)?.[1];
  return { ...streams, args: argument ? [argument] : [], code: Number(/exit code (\d+)/.exec(all)?.[1] ?? 0) };
}

/** Tells whether a line is as expected. */
function fits(line: string, expected: string): boolean {
  const pieces = expected.split(ANY).map((piece) => piece.replace(/[^\w\s]/g, "\\$&"));
  return new RegExp(`^${pieces.join(".*")}$`).test(line);
}

/** Tells whether the lines are all that is expected, and nothing else. */
function areAsExpected(lines: readonly string[], groups: readonly Group[]): boolean {
  const [group, ...later] = groups;
  if (group === undefined) return lines.length === 0;
  const { inAnyOrder, lines: [first, ...rest] } = group;
  if (first === undefined) return areAsExpected(lines, later);
  const others = [{ inAnyOrder, lines: rest }, ...later];
  if (first === ANY) return lines.some((_, at) => areAsExpected(lines.slice(at), others)) || areAsExpected([], others);
  const among = lines.slice(0, inAnyOrder ? group.lines.length : 1);
  const at = among.findIndex((line) => fits(line, first));
  return at >= 0 && areAsExpected(lines.toSpliced(at, 1), others);
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** Asserts that a program did what its last comment says. */
function assertAsExpected(name: string, result: ProgramResult, expected: Expected): void {
  const { code, signal, stdout, stderr, timedOut } = result;
  const told = `${name}\n${stdout}\n${stderr}`;
  assert.deepEqual({ code, signal, timedOut }, { code: expected.code, signal: null, timedOut: false }, told);
  assert(areAsExpected(linesOf(stderr), expected.stderr), `stderr of ${told}`);
  assert(areAsExpected(linesOf(stdout), expected.stdout), `stdout of ${told}`);
}

const programs = files.flatMap((name) => {
  const expected = expectedOf(readFileSync(join(FOLDER, name), "utf8"));
  return expected ? [{ name, expected }] : [];
});

test("guide: a module is a program, whose last comment says what it prints, or has tasks and no main part", () => {
  const others = files.filter((name) => !programs.some((program) => program.name === name));
  assert.deepEqual(others, ["fibonacci_tasks.ts", "pace.ts", "words.ts"]);
});

// Two at a time: most of their time they wait for processes to start.
for (let at = 0; at < programs.length; at += 2) {
  const pair = programs.slice(at, at + 2);
  test(`guide: ${pair.map(({ name }) => name).join(" and ")} print what they say`, async () => {
    await Promise.all(pair.map(async ({ name, expected }) => {
      assertAsExpected(name, await runProgram(join(FOLDER, name), { args: expected.args }), expected);
    }));
  });
}

for (
  const [lines, groups, isRight] of [
    [["a", "b"], [{ inAnyOrder: false, lines: ["a", "b"] }], true],
    [["b", "a"], [{ inAnyOrder: false, lines: ["a", "b"] }], false],
    [["b", "a"], [{ inAnyOrder: true, lines: ["a", "b"] }], true],
    [["b", "c", "a"], [{ inAnyOrder: true, lines: ["a", "b"] }, { inAnyOrder: false, lines: ["c"] }], false],
    [["a"], [{ inAnyOrder: false, lines: ["a", "b"] }], false],
    [["a", "b"], [{ inAnyOrder: false, lines: ["a"] }], false],
    [["a", "x", "y", "b"], [{ inAnyOrder: false, lines: ["a", ANY, "b"] }], true],
    [["a", "x", "y"], [{ inAnyOrder: false, lines: ["a", ANY, "b"] }], false],
    [["a (1)"], [{ inAnyOrder: false, lines: [`a (${ANY})`] }], true],
    [["a 1"], [{ inAnyOrder: false, lines: [`a (${ANY})`] }], false],
    [[], [{ inAnyOrder: false, lines: [ANY] }], true],
  ] as const satisfies readonly (readonly [
    readonly string[],
    readonly { inAnyOrder: boolean; lines: readonly string[] }[],
    boolean,
  ])[]
) {
  test(`guide: ${JSON.stringify(lines)} is ${isRight ? "" : "not "}what ${JSON.stringify(groups)} expects`, () => {
    assert.equal(areAsExpected(lines, groups as unknown as readonly Group[]), isRight);
  });
}
