/**
 * What the types of `submit` and `map` cost a compiler: processor time of checking a file of many tasks, beside the same
 * file with types that look into no argument.
 *
 * Run it by `deno run -A`, `bun` or `node`; `deno` and `tsc` (7) must be on the PATH: `node_modules/.bin` has them.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { REPOSITORY } from "../tests/project.ts";
import { shippedFiles } from "../tests/shipped.ts";

const TASKS = 200;
const ROUNDS = 3;

const COMPILERS: Readonly<Record<string, readonly string[]>> = {
  "deno check": ["deno", "check", "-q", "program.ts"],
  "tsc": [
    ...["tsc", "--noEmit", "--strict", "--singleThreaded", "--allowImportingTsExtensions", "--skipLibCheck"],
    ...["--target", "esnext", "--module", "nodenext", "--lib", "esnext,dom", "program.ts"],
  ],
};

/** A task of `#`: with a small argument in one call, and with large ones, arrays, maps, sets and unions, in four. */
const PROGRAMS: Readonly<Record<string, string>> = {
  "small, one call": `
interface Job# { id: number; name: string; at: Date; tags: string[]; size?: { width: number; height: number } }
declare function run#(job: Job#, count?: number): { ok: boolean };
declare const job#: Job#;
export const a# = pool.submit(run#, job#);`,
  "large, four calls": `
interface Part# { x: number; kind: "a" | "b"; data: Float64Array; children: Part#[] }
interface Owner# { id: string; roles: Set<string>; address: { street: string; zip: number } }
interface Job# { id: number; at: Date; tags: string[]; parts: Part#[]; extra?: Map<string, Part#>; owner: Owner# }
type Event# = { type: "add"; part: Part# } | { type: "remove"; id: number } | { type: "move"; by: [number, number] };
declare function run#(job: Job#, events: Event#[], count?: number): { ok: boolean; job: Job# };
declare const job#: Job#;
declare const events#: Event#[];
export const a# = pool.submit(run#, job#, events#);
export const b# = pool.submit(run#, job#, [{ type: "move", by: [1, 2] }], 3);
export const c# = pool.map(run#, [job#], [events#]);
export const d# = pool.map(run#, [job#], [events#], { chunksize: 3 });`,
};

/** Types that look into nothing, with the names that `mod.ts` exports. */
function blindTypes(): string {
  const text = readFileSync(join(REPOSITORY, "tasks/sendable.ts"), "utf8");
  const names = Array.from(text.matchAll(/^export type (\w+)/gm), ([, name]) => name);
  const parts = names.filter((name) => name !== "Sendable" && name !== "SendableArgs");
  return [
    'export interface Picklable { readonly "~picklable": true }',
    "export type Sendable<T> = T;",
    "export type SendableArgs<Args extends unknown[]> = Args;",
    ...parts.map((name) => `export type ${name} = never;`),
  ].join("\n");
}

/** A copy of the package with other types, if they are given. */
function copyPackage(folder: string, types?: string): void {
  for (const file of shippedFiles()) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    copyFileSync(join(REPOSITORY, file), join(folder, file));
  }
  copyFileSync(join(REPOSITORY, "package.json"), join(folder, "package.json"));
  if (types !== undefined) writeFileSync(join(folder, "tasks/sendable.ts"), types);
}

/** Milliseconds of processor time of a command. */
function timeOf(command: readonly string[], cwd: string): number {
  const times = execFileSync("sh", ["-c", '"$@" 1>&2 || exit 1; times', "sh", ...command], { cwd, encoding: "utf8" });
  const [minutes, seconds] = /^(\d+)m([\d.]+)s/.exec(times.split("\n")[1])!.slice(1).map(Number);
  return (60 * minutes + seconds) * 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

const folder = mkdtempSync(join(tmpdir(), "ergate-check-"));
try {
  copyPackage(join(folder, "seeing"));
  copyPackage(join(folder, "blind"), blindTypes());
  for (const [title, program] of Object.entries(PROGRAMS)) {
    const head = 'import { Executor } from "./mod.ts";\ndeclare const pool: Executor;\n';
    const text = head + Array.from({ length: TASKS }, (_, index) => program.replaceAll("#", String(index))).join("\n");
    for (const [name, command] of Object.entries(COMPILERS)) {
      const found: Record<string, number[]> = { seeing: [], blind: [] };
      for (let round = 0; round < ROUNDS; round++) {
        for (const [kind, all] of Object.entries(found)) {
          // What was checked before is not checked again: so each round's text is a new one.
          writeFileSync(join(folder, kind, "program.ts"), `${text}\n// ${round}\n`);
          all.push(timeOf(command, join(folder, kind)));
        }
      }
      const [seeing, blind] = [median(found.seeing), median(found.blind)];
      const each = ((seeing - blind) / TASKS).toFixed(1);
      console.log(
        `${title}, ${name}: ${each} ms a task (${TASKS}: ${seeing.toFixed(0)} ms, not ${blind.toFixed(0)} ms)`,
      );
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
