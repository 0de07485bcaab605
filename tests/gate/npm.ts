/** The npm package in the gate: it is built, and a user's project can compile against it. */

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bin, ROOT } from "./install.ts";
import { seconds, step } from "./report.ts";
import { run } from "./run.ts";

const LIMIT = 60_000;

/** It must compile, but for the line that says so. */
const USER = `
  import { type Future, isMain, ProcessPoolExecutor, tasks } from "ergate";
  import { Pool } from "ergate/pool";
  export function half(n: number): number { return n / 2; }
  tasks(import.meta, { half });
  if (isMain(import.meta)) {
    await using pool = new ProcessPoolExecutor();
    const future: Future<number> = pool.submit(half, 4);
    // @ts-expect-error no number
    pool.submit(half, "4");
    await using other = new Pool();
    console.log(await future, await other.apply(half, [2]));
  }
`;

/** As strict as a user may be: every declaration of the package is checked, with no library but Node's types. */
const FLAGS = [
  "--noEmit",
  "--strict",
  "--target",
  "esnext",
  "--module",
  "nodenext",
  "--lib",
  "esnext",
  "--types",
  "node",
];

/** Builds the package for a project in `folder`, and checks the types; two steps. Gives the package's folder. */
export async function installPackage(folder: string): Promise<string> {
  const path = join(folder, "node_modules", "ergate");
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  await one("npm package", [bin("deno"), "run", "-A", "npm/build.ts", path], ROOT);
  symlinkSync(join(ROOT, "node_modules", "@types"), join(folder, "node_modules", "@types"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(folder, "user.ts"), USER);
  await one("types of the npm package, in a user's project", [bin("tsc"), ...FLAGS, "user.ts"], folder);
  return path;
}

async function one(name: string, command: readonly string[], cwd: string): Promise<void> {
  const { ok, milliseconds, ending, output } = await run(command, { cwd, limit: LIMIT });
  step(name, ok, ok ? seconds(milliseconds) : `${ending} ${seconds(milliseconds)}`, output);
}
