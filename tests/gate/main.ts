/**
 * The gate: everything that must hold before a change lands, by one command, `deno task test`.
 *
 * Its last line is `N passed, N failed`, summed over the suite on all runtimes, the examples and the steps, each of
 * which counts as one test. A part of it, for developers:
 *
 *     deno task test --runtime=bun --filter=shutdown tests/shutdown_test.ts
 *     deno task test --step=format,lint,types
 *
 * The tasks of deno.json say `env deno`, for `deno` alone would be the one in `node_modules/.bin` once that exists, and
 * a task takes what lies there for a script, though the npm package has put its binary in the script's place.
 */

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import process from "node:process";
import { shippedFiles } from "../shipped.ts";
import { runExamples } from "./examples.ts";
import { bin, install, ROOT, type Runtime, RUNTIMES, type Tool } from "./install.ts";
import { installPackage } from "./npm.ts";
import { finish, line, seconds, step } from "./report.ts";
import { killAll, run } from "./run.ts";
import { Slots } from "./slots.ts";
import { runSuite } from "./suite.ts";

const STEPS = ["format", "lint", "types", "doc-lint", "publish", "npm", "suite", "examples"] as const;
type Step = typeof STEPS[number];

interface Arguments {
  readonly runtimes: readonly Runtime[];
  readonly steps: readonly Step[];
  readonly files: readonly string[];
  readonly filter?: string;
  readonly jobs: number;
}

/** The whole gate takes some ten minutes on two cores; this is reached when a runtime hangs, or a machine is busy. */
const GATE_LIMIT = 1_080_000;

/** What is kept of that for the examples. */
const KEPT = 40_000;

const STEP_LIMIT = 120_000;
const start = performance.now();

async function main(): Promise<number> {
  const { runtimes, steps, files, filter, jobs } = parse(process.argv.slice(2));
  const tools = await installed();
  if (!tools) return finish();
  const { rest } = await staticSteps(steps);
  const chosen = Object.fromEntries(runtimes.map((name) => [name, tools[name]]));
  const end = start + GATE_LIMIT;
  const folder = mkdtempSync(join(tmpdir(), "ergate-gate-"));
  // Node strips and compiles a hundred modules for each program and each worker, else: four fifths of a start.
  const env = { NODE_COMPILE_CACHE: join(folder, "compiled") };
  const slots = new Slots(jobs);
  let sums: string[] = [];
  try {
    const npmPackage = steps.includes("npm") ? await installPackage(folder) : undefined;
    // The first examples run beside the suite's last files.
    [sums] = await Promise.all([
      steps.includes("suite") ? runSuite(chosen, { files, filter, slots, end: end - KEPT, env, npmPackage }) : [],
      steps.includes("examples") ? runExamples(chosen, { slots, end, env }) : undefined,
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  await rest;
  console.log(`\n${sums.join("\n")}`);
  console.log(`the gate took ${((performance.now() - start) / 1000).toFixed(0)} s`);
  return finish();
}

async function installed(): Promise<Record<Runtime, Tool> | undefined> {
  const start = performance.now();
  try {
    const tools = await install();
    const versions = RUNTIMES.map((name) => `${name} ${tools[name].version}`).join(", ");
    step("install", true, `${versions} ${seconds(performance.now() - start)}`);
    return tools;
  } catch (error) {
    step("install", false, "", error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

/**
 * The steps that run no test: the longest beside the others, and its rest, which leaves a core free, beside what comes
 * behind them.
 */
async function staticSteps(steps: readonly Step[]): Promise<{ readonly rest: Promise<void> }> {
  const deno = bin("deno");
  const all: { of: Step; name: string; command: readonly string[] }[] = [
    { of: "types", name: "types of everything", command: [deno, "check", ...typedFiles(".")] },
    { of: "format", name: "format", command: [deno, "fmt", "--check"] },
    { of: "lint", name: "lint", command: [deno, "lint"] },
    {
      of: "types",
      name: "types of the package, by tsc, with the web's library alone",
      command: [bin("tsc"), ...TSC_FLAGS, ...shippedFiles(), ...typeTests()],
    },
    {
      of: "doc-lint",
      name: "doc lint",
      command: [deno, "doc", "--lint", "mod.ts", "pool/mod.ts", "executor/entry.ts"],
    },
    {
      of: "publish",
      name: "publish, dry run",
      // It still looks for slow types; types as such are checked above.
      command: [deno, "publish", "--dry-run", "--allow-dirty", "--no-check"],
    },
  ];
  async function one({ name, command }: typeof all[number]): Promise<void> {
    const result = await run(command, { cwd: ROOT, limit: STEP_LIMIT });
    const detail = result.ok ? seconds(result.milliseconds) : `${result.ending} ${seconds(result.milliseconds)}`;
    step(name, result.ok, detail, result.output);
  }
  const [longest, ...others] = all.filter(({ of }) => steps.includes(of));
  const rest = longest ? one(longest) : Promise.resolve();
  for (const other of others) await one(other);
  return { rest };
}

/** As strict as `deno.json`, and as blind as a browser: `Deno`, `Bun` and `process` are errors. */
const TSC_FLAGS: readonly string[] = [
  "--noEmit",
  "--strict",
  "--erasableSyntaxOnly",
  "--verbatimModuleSyntax",
  "--isolatedDeclarations",
  "--declaration",
  "--allowImportingTsExtensions",
  ...["--target", "esnext"],
  ...["--module", "nodenext"],
  ...["--lib", "esnext,dom"],
];

/** The file of `@ts-expect-error` lines, which both compilers must agree about. */
function typeTests(): string[] {
  return readdirSync(join(ROOT, "tests")).filter((name) => name === "types.ts").map((name) => `tests/${name}`);
}

function typedFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return /^(node_modules|\..*)$/.test(entry.name) ? [] : typedFiles(path);
    return entry.name.endsWith(".ts") ? [path] : [];
  });
}

function testFiles(): string[] {
  return typedFiles("tests").filter((name) => name.endsWith("_test.ts")).sort();
}

function parse(given: readonly string[]): Arguments {
  const files = given.filter((word) => !word.startsWith("-")).map((file) => relative(ROOT, join(process.cwd(), file)));
  const options = new Map<string, string>();
  for (const word of given.filter((word) => word.startsWith("-"))) {
    const [, name, value] = /^--(runtime|filter|step|jobs)=(.+)$/.exec(word) ?? fail(`Cannot understand ${word}`);
    options.set(name, value);
  }
  const runtimes = choose(options.get("runtime"), RUNTIMES);
  const isPart = files.length > 0 || options.has("filter") || options.has("runtime");
  return {
    runtimes,
    steps: choose(options.get("step"), isPart ? ["suite"] as const : STEPS, STEPS),
    files: files.length > 0 ? files : testFiles(),
    filter: options.get("filter"),
    jobs: Number(options.get("jobs") ?? 3) || fail("Cannot use --jobs as it must be a number"),
  };
}

function choose<T extends string>(
  given: string | undefined,
  usual: readonly T[],
  all: readonly T[] = usual,
): readonly T[] {
  if (given === undefined) return usual;
  const words = given.split(",");
  for (const word of words) {
    if (!all.includes(word as T)) fail(`Cannot understand ${word}: it is none of ${all.join(", ")}`);
  }
  return words as T[];
}

function fail(words: string): never {
  console.error(`${words}\n\n0 passed, 1 failed`);
  process.exit(2);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    killAll();
    line(`stopped by ${signal}`, false, "");
    process.exit(finish() && 130);
  });
}

try {
  process.exit(await main());
} catch (error) {
  step("the gate itself", false, "", error instanceof Error ? error.stack : String(error));
  process.exit(finish() || 1);
}
