/**
 * The demo: hashes a dictionary on all cores, on Deno, Bun and Node in turn, each under a line with its name and
 * version. Installs the runtimes from npm if they are not there.
 */

import process from "node:process";
import { install, ROOT, type Runtime, RUNTIMES, type Tool } from "./install.ts";
import { killAll, run } from "./run.ts";

/** How each runtime runs a program. */
const COMMANDS: Record<Runtime, readonly string[]> = { deno: ["run", "-A"], bun: [], node: [] };

const PROGRAM = "examples/hash_words.ts";

async function main(): Promise<number> {
  const tools = await installed();
  if (!tools) return 1;
  const failed: Runtime[] = [];
  for (const name of RUNTIMES) {
    console.log(`\n== ${name} ${tools[name].version}: ${PROGRAM}\n`);
    const command = [tools[name].path, ...COMMANDS[name], PROGRAM, ...process.argv.slice(2)];
    const { ok, ending } = await run(command, { cwd: ROOT, limit: 180_000, live: true });
    if (!ok) {
      console.error(`${PROGRAM} failed on ${name}: ${ending}`);
      failed.push(name);
    }
  }
  return failed.length === 0 ? 0 : 1;
}

async function installed(): Promise<Record<Runtime, Tool> | undefined> {
  try {
    return await install();
  } catch (error) {
    console.error(`Cannot install the runtimes:\n${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    killAll();
    process.exit(130);
  });
}
process.exit(await main());
