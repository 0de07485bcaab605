/**
 * Runs one command of the gate: in a process group of its own, with a limit, with its output kept.
 *
 * When it ends, nothing that it started may be alive any more. Such processes are found by a mark in their environment
 * (Linux), ended, and told to the caller.
 */

import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";

/** Options of {@linkcode run}. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string | undefined>;
  /** Milliseconds after which the command's process group is killed. */
  readonly limit: number;
  /** Show the output as it comes, beside keeping it. */
  readonly live?: boolean;
}

/** How a command ended. */
export interface RunResult {
  /** Exit code 0, in time, and nothing left behind. */
  readonly ok: boolean;
  /** Both streams, as they came. */
  readonly output: string;
  /** In words: "exit code 1", "killed at its limit of 60 s". */
  readonly ending: string;
  readonly milliseconds: number;
}

/** Of a longer output only the two ends are kept. */
const OUTPUT_LIMIT = 400_000;

/** Milliseconds between two looks at a command's limit. */
const TICK = 500;

/** How long what a command started may live after it: only what was forgotten does. */
const LEFT_LIMIT = 10_000;

/** Milliseconds between two looks whether it lives. */
const LEFT_TICK = 20;

const groups: Set<number> = new Set();

/** Runs a command to its end. Never throws: a command that cannot start is one that failed. */
export async function run(command: readonly string[], options: RunOptions): Promise<RunResult> {
  const mark = `ERGATE_TEST_GATE_MARK=${crypto.randomUUID()}`;
  const start = performance.now();
  const { ending, output, left } = await runMarked(command, options, mark);
  return {
    ok: ending === "exit code 0" && !left,
    output: left ? `${output}\nStill alive ${LEFT_LIMIT} ms after it had ended:\n${left}` : output,
    ending: left ? `${ending}, left processes` : ending,
    milliseconds: performance.now() - start,
  };
}

function runMarked(
  command: readonly string[],
  options: RunOptions,
  mark: string,
): Promise<{ ending: string; output: string; left: string }> {
  const env = { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined, ...options.env };
  const [name, value] = mark.split("=");
  const kept = Object.fromEntries(Object.entries({ ...env, [name]: value }).filter(([, text]) => text !== undefined));
  return new Promise((resolve) => {
    const [file, ...args] = command;
    const child = spawn(file, args, { cwd: options.cwd, env: kept, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    const pid = child.pid;
    if (pid !== undefined) groups.add(pid);
    let output = "";
    let killed = false;
    // By ticks: of a machine that is halted for a while, the command too, no more than one counts.
    let left = Math.max(1, options.limit);
    const timer = setInterval(() => {
      left -= TICK;
      if (left > 0 || killed) return;
      killed = true;
      killGroup(pid);
      killMarked(mark);
    }, TICK);
    // From the command's end on: a stray process may hold the pipes open.
    let stray: Promise<string> | undefined;
    for (const stream of [child.stdout, child.stderr]) {
      const decoder = new TextDecoder();
      stream.on("data", (chunk: Uint8Array) => {
        const text = decoder.decode(chunk, { stream: true });
        if (options.live) process.stdout.write(text);
        output = shorten(output + text);
      });
    }
    child.on("error", (error) => finish(`cannot start: ${error.message}`));
    child.on("exit", () => void (stray = endLeft(mark)));
    child.on("close", (code, signal) => {
      if (killed) finish(`killed at its limit of ${Math.round(options.limit / 1000)} s`);
      else finish(signal ? `ended by ${signal}` : `exit code ${code}`);
    });
    async function finish(ending: string): Promise<void> {
      clearInterval(timer);
      if (pid !== undefined) groups.delete(pid);
      resolve({ ending, left: await stray ?? "", output });
    }
  });
}

function shorten(text: string): string {
  if (text.length <= OUTPUT_LIMIT) return text;
  const half = OUTPUT_LIMIT / 2 - 100;
  return `${text.slice(0, half)}\n[… left out …]\n${text.slice(-half)}`;
}

/** Ends every command that runs; for the gate's own end by a signal. */
export function killAll(): void {
  for (const pid of groups) killGroup(pid);
}

function killGroup(pid: number | undefined): void {
  if (pid !== undefined) kill(-pid);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone.
  }
}

function killMarked(mark: string): void {
  for (const { pid } of marked(mark)) kill(pid);
}

/** Waits until nothing marked is alive; else ends it, and says what it was. */
async function endLeft(mark: string): Promise<string> {
  // By ticks, as above.
  for (let left = LEFT_LIMIT; left > 0; left -= LEFT_TICK) {
    if (marked(mark).length === 0) return "";
    await new Promise((resolve) => setTimeout(resolve, LEFT_TICK));
  }
  const words = marked(mark).map(({ pid, line }) => `  ${pid}  ${line}`).join("\n");
  killMarked(mark);
  return words;
}

function marked(mark: string): { pid: number; line: string }[] {
  const found: { pid: number; line: string }[] = [];
  for (const entry of list("/proc")) {
    if (!/^\d+$/.test(entry) || !read(`/proc/${entry}/environ`).split("\0").includes(mark)) continue;
    const stat = read(`/proc/${entry}/stat`);
    const state = stat.slice(stat.lastIndexOf(")") + 2)[0];
    if (state === "Z" || state === "X") continue;
    found.push({ pid: Number(entry), line: read(`/proc/${entry}/cmdline`).replaceAll("\0", " ").slice(0, 300) });
  }
  return found;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
