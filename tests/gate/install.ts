/**
 * Installs the development tools from npm and proves that each runtime is what its name says.
 *
 * The npm packages `deno`, `bun` and `node` carry their binaries behind install scripts, which a machine's npm may
 * skip; what then stands in `node_modules/.bin` is a stub that fails. So each binary is asked for its version, and the
 * scripts are run by hand where it has none.
 */

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { run } from "./run.ts";

/** The repository's root. */
export const ROOT: string = join(import.meta.dirname!, "..", "..");

/** The runtimes, in the order in which the gate runs them. */
export const RUNTIMES = ["deno", "bun", "node"] as const;

/** One of the runtimes. */
export type Runtime = typeof RUNTIMES[number];

/** A runtime that was asked for its version. */
export interface Tool {
  readonly path: string;
  readonly version: string;
}

/** The oldest versions that are supported. */
const OLDEST: Record<Runtime, [number, number]> = { deno: [2, 9], bun: [1, 4], node: [24, 0] };

/** Prints "name version" and nothing else, on the runtime that it really is. */
const ASK = `console.log(globalThis.Deno ? "deno " + Deno.version.deno : ` +
  `globalThis.Bun ? "bun " + Bun.version : "node " + process.versions.node)`;

const STAMP = join(ROOT, "node_modules", ".ergate-installed");
const INSTALL_LIMIT = 300_000;

/** A tool's command in `node_modules/.bin`. */
export function bin(name: string): string {
  return join(ROOT, "node_modules", ".bin", name);
}

/** Installs what is missing; returns the runtimes, or throws with npm's output. */
export async function install(): Promise<Record<Runtime, Tool>> {
  const wanted = stamp();
  const isInstalled = existsSync(STAMP) && readFileSync(STAMP, "utf8") === wanted;
  let problems = isInstalled ? await problemsOf() : ["not installed"];
  const said: string[] = [];
  // Each way is tried only if the one before left a problem.
  const ways: readonly string[][] = [
    // Not `npm ci`: it refuses a lock file without the binaries of another system, which some registries leave out.
    ["npm", "install", "--no-save", "--engine-strict=false"],
    ["npm", "rebuild", "--ignore-scripts=false", ...RUNTIMES, "esbuild"],
  ];
  for (const way of ways) {
    if (problems.length === 0) break;
    const { output, ending } = await npm(way);
    said.push(`$ ${way.join(" ")}   (${ending})\n${output}`);
    problems = await problemsOf();
  }
  for (const name of problems.length > 0 ? RUNTIMES : []) said.push(await runScripts(name));
  if (said.length > 0) problems = await problemsOf();
  if (problems.length > 0) throw new Error(`${problems.join("\n")}\n${said.join("\n")}`);
  writeFileSync(STAMP, wanted);
  return await tools();
}

function stamp(): string {
  const hash = createHash("sha256");
  for (const name of ["package.json", "package-lock.json"]) hash.update(readFileSync(join(ROOT, name)));
  return hash.digest("hex");
}

/** npm, on the machine's own Node: `deno task` puts `node_modules/.bin` first, and that Node is being replaced. */
function npm(command: string[], cwd: string = ROOT): ReturnType<typeof run> {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const path = folders.filter((folder) => folder !== join(ROOT, "node_modules", ".bin")).join(delimiter);
  return run(command, { cwd, env: { PATH: path }, limit: INSTALL_LIMIT });
}

async function runScripts(name: Runtime): Promise<string> {
  const folder = join(ROOT, "node_modules", name);
  if (!existsSync(join(folder, "package.json"))) return `${name} is not in node_modules`;
  const { scripts = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const said: string[] = [];
  for (const script of ["preinstall", "install", "postinstall"]) {
    if (!scripts[script]) continue;
    const { output, ending } = await npm(["sh", "-c", scripts[script]], folder);
    said.push(`$ ${scripts[script]}   (${name}, ${ending})\n${output}`);
  }
  return said.join("\n");
}

async function problemsOf(): Promise<string[]> {
  const found: string[] = [];
  for (const name of RUNTIMES) {
    const answer = await ask(name);
    if ("problem" in answer) found.push(answer.problem);
  }
  const { devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  for (const name of Object.keys(devDependencies)) {
    if (!existsSync(join(ROOT, "node_modules", name, "package.json"))) found.push(`${name} is not in node_modules`);
  }
  return found;
}

async function ask(name: Runtime): Promise<Tool | { problem: string }> {
  const path = bin(name);
  if (!existsSync(path)) return { problem: `${path} does not exist` };
  const flags = name === "deno" ? ["eval", ASK] : ["-e", ASK];
  const { output, ending } = await run([path, ...flags], { limit: 20_000 });
  const [is, version] = output.trim().split(" ");
  const [major, minor] = (version ?? "").split(".").map(Number);
  const [oldMajor, oldMinor] = OLDEST[name];
  if (ending !== "exit code 0") return { problem: `${path} does not run: ${ending}\n${output}` };
  if (is !== name) return { problem: `${path} is not ${name}, it says: ${output.trim()}` };
  if (!(major > oldMajor || (major === oldMajor && minor >= oldMinor))) {
    return { problem: `${path} is ${name} ${version}; ${oldMajor}.${oldMinor} or newer is needed` };
  }
  return { path, version };
}

async function tools(): Promise<Record<Runtime, Tool>> {
  const found: Partial<Record<Runtime, Tool>> = {};
  for (const name of RUNTIMES) {
    const answer = await ask(name);
    if ("problem" in answer) throw new Error(answer.problem);
    found[name] = answer;
  }
  return found as Record<Runtime, Tool>;
}

if (import.meta.main) {
  try {
    for (const [name, { version }] of Object.entries(await install())) console.log(`${name} ${version}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}
