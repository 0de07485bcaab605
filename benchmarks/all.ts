/**
 * All benchmarks on Deno, Bun and Node in turn, and on CPython's pools if there is a python3; then writes the tables of
 * README.md anew. What is measured stands in `results/`, a file for each, and what is not measured this time stays there.
 *
 *     deno task bench                      everything: some ten minutes
 *     deno task bench --only=flood,trip    some rows
 *     deno task bench --runtime=bun        one of deno, bun, node, python; several by commas
 *     deno task bench --tables             no more than the tables
 *     deno task bench --quick              a short form of everything, which leaves results and tables alone
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { bin, install, ROOT, RUNTIMES } from "../tests/gate/install.ts";
import type { Results } from "./harness.ts";
import { allTimes, targetTable } from "./tables.ts";

const README = join(ROOT, "benchmarks", "README.md");
const RESULTS = join(ROOT, "benchmarks", "results");
const HOSTS = [...RUNTIMES, "python"] as const;
type Host = typeof HOSTS[number];

/** How each host runs its benchmarks. */
const COMMANDS: Readonly<Record<Host, readonly string[]>> = {
  deno: [bin("deno"), "run", "-A", "benchmarks/main.ts"],
  bun: [bin("bun"), "benchmarks/main.ts"],
  node: [bin("node"), "benchmarks/main.ts"],
  python: ["python3", "benchmarks/python/pools.py"],
};

function fileOf(host: Host): string {
  return join(RESULTS, `${host}.json`);
}

function run(command: readonly string[]): boolean {
  const { status, error } = spawnSync(command[0], command.slice(1), { cwd: ROOT, stdio: "inherit" });
  return status === 0 && !error;
}

function hasPython(): boolean {
  return spawnSync("python3", ["--version"]).status === 0;
}

function read(host: Host): Results | undefined {
  return existsSync(fileOf(host)) ? JSON.parse(readFileSync(fileOf(host), "utf8")) : undefined;
}

/** Puts lines between two marks of the README. */
function replace(text: string, name: string, lines: readonly string[]): string {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`Cannot write README.md as it must have the marks ${begin} and ${end}`);
  return [text.slice(0, from) + begin, "", ...lines, "", text.slice(to)].join("\n");
}

function writeTables(): void {
  const hosts = RUNTIMES.map(read).filter((results) => results !== undefined);
  const python = read("python");
  let text = readFileSync(README, "utf8");
  text = replace(text, "targets", targetTable(hosts, python));
  text = replace(text, "times", allTimes(hosts, python));
  writeFileSync(README, text);
  run([bin("deno"), "fmt", "--quiet", README]);
}

async function main(words: readonly string[]): Promise<number> {
  await install();
  const chosen = words.find((word) => word.startsWith("--runtime="))?.slice("--runtime=".length).split(",") ?? HOSTS;
  const flags = words.filter((word) => !/^--(runtime=|tables$)/.test(word));
  const quick = flags.includes("--quick");
  const failed: Host[] = [];
  mkdirSync(RESULTS, { recursive: true });
  for (const host of words.includes("--tables") ? [] : HOSTS.filter((name) => chosen.includes(name))) {
    console.log(`\n== ${host}\n`);
    if (host === "python" && !hasPython()) console.log("There is no python3 here: its results stay as they are.");
    else if (!run([...COMMANDS[host], ...flags, ...(quick ? [] : [`--into=${fileOf(host)}`])])) failed.push(host);
  }
  if (!quick) writeTables();
  if (failed.length > 0) console.error(`Failed on ${failed.join(", ")}`);
  return failed.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
