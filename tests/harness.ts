/**
 * What every test file stands on: registers tests with the runtime that runs them, gives each a limit that only a
 * deadlock reaches, and holds after each that no process and no thread of its own is alive.
 *
 * Workers must not import this file (tasks live in `tests/tasks.ts`, latches in `tests/latch.ts`). It knows nothing of
 * ergate itself: executors come from `tests/kinds.ts`.
 *
 * The gate speaks to it by environment variables: `ERGATE_TEST_LOG` is a file that takes one JSON line per event of a
 * test, so that results are counted alike on all runtimes and are known even when the runtime is killed;
 * `ERGATE_TEST_FILTER` is a piece of the names to run; `ERGATE_TEST_SEED` the seed to use again.
 */

import { arrive, countLines, fileIsOpen, openFile, Patience, readLines, waitForFile, waitForLines } from "./latch.ts";
import { killThread, liveThreads, THREAD_NAME } from "./watched_threads.ts";

export { killThread, liveThreads } from "./watched_threads.ts";

/** The runtimes that the suite runs on. */
export type RuntimeName = "deno" | "bun" | "node";

interface DenoTest {
  name: string;
  fn: () => Promise<void>;
  sanitizeOps: boolean;
  sanitizeResources: boolean;
  sanitizeExit: boolean;
}

interface Host {
  readonly Deno?: { test(definition: DenoTest): void };
  readonly Bun?: object;
  readonly process: {
    readonly pid: number;
    readonly execPath: string;
    readonly env: Record<string, string | undefined>;
    cwd(): string;
    kill(pid: number, signal?: string | number): void;
    getBuiltinModule(name: string): unknown;
  };
}

interface FileSystem {
  appendFileSync(path: string, text: string): void;
  mkdtempSync(prefix: string): string;
  readFileSync(path: string, encoding: "latin1" | "utf8"): string;
  readdirSync(path: string): string[];
  realpathSync(path: string): string;
  rmSync(path: string, options: { recursive: boolean; force: boolean }): void;
}

interface Readable {
  on(event: "data", listener: (chunk: Uint8Array) => void): void;
}

interface Child {
  readonly pid?: number;
  readonly stdin: { end(text?: string): void; write(text: string): void; on(event: "error", f: () => void): void };
  readonly stdout: Readable;
  readonly stderr: Readable;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "close", listener: (code: number | null, signal: string | null) => void): void;
}

interface ChildProcessModule {
  spawn(command: string, args: readonly string[], options: object): Child;
}

type NodeTest = (name: string, options: { timeout: number }, fn: () => Promise<void>) => void;
type BunTest = (name: string, fn: () => Promise<void>, limit: number) => void;

const host = globalThis as unknown as Host;
const fs = host.process.getBuiltinModule("node:fs") as FileSystem;

/** The runtime that runs this file. Tests never branch on it; it serves to start programs and to print. */
export const runtimeName: RuntimeName = host.Deno ? "deno" : host.Bun ? "bun" : "node";

/** Only a deadlock reaches it. */
const TEST_LIMIT = 60_000;

/** Milliseconds for all tests of a group. */
const GROUP_LIMIT = 600_000;

/** How long workers and their helpers may take to be gone after a test: only those that were forgotten take seconds. */
const GONE_LIMIT = 10_000;

/** Milliseconds in which a timer that lost a race may run out, before Deno looks for what a test has left. */
const SETTLING = 5;

/** Characters of an error in the log. */
const ERROR_LIMIT = 6_000;

/** In the environment of every process that a test starts, so that those are found whose parent is gone. */
const MARK = `ERGATE_TEST_MARK=${host.process.pid}-${Math.random().toString(36).slice(2)}`;
host.process.env.ERGATE_TEST_MARK = MARK.slice(MARK.indexOf("=") + 1);

function log(event: "registered" | "started" | "passed" | "failed", name: string, error?: string): void {
  const path = host.process.env.ERGATE_TEST_LOG;
  if (path) fs.appendFileSync(path, JSON.stringify({ event, name, error }) + "\n");
}

/** An error with its stack, fields and causes, and the seed if the test used one. */
function describe(error: unknown): string {
  const { inspect } = host.process.getBuiltinModule("node:util") as { inspect(value: unknown): string };
  const words = inspect(error);
  const short = words.length > ERROR_LIMIT ? `${words.slice(0, ERROR_LIMIT)} …` : words;
  return seedInUse === undefined ? short : `${short}\nseed: ERGATE_TEST_SEED=${seedInUse}`;
}

// ----- Registering tests

/** Options of {@linkcode test}. */
export interface TestOptions {
  /** Milliseconds after which the test is taken for a deadlock; 60,000 unless given. */
  readonly limit?: number;
}

/** Registers a test with the runtime that runs this file. */
export function test(name: string, fn: () => void | Promise<void>, options: TestOptions = {}): void {
  if (isFilteredOut(name)) return;
  const limit = options.limit ?? TEST_LIMIT;
  log("registered", name);
  register(name, async () => {
    log("started", name);
    try {
      await runOne(fn, limit);
    } catch (error) {
      log("failed", name, describe(error));
      throw error;
    }
    log("passed", name);
  }, 2 * limit);
}

function isFilteredOut(name: string): boolean {
  const filter = host.process.env.ERGATE_TEST_FILTER;
  return filter !== undefined && filter !== "" && !name.toLowerCase().includes(filter.toLowerCase());
}

/**
 * Tests that may share what is dear to make. The runtime's runner sees them as one, so that its leak checks, and those of
 * this file, hold for them as a whole; each is logged and counted by itself, and one that fails does not end the others.
 */
export class TestGroup {
  readonly #name: string;
  readonly #end: (failed: boolean) => Promise<void>;
  readonly #members: { name: string; fn: () => void | Promise<void>; limit: number }[] = [];

  /**
   * Empty yet.
   *
   * @param end Ends what the tests shared, after the last one and after each that failed.
   */
  constructor(name: string, end: (failed: boolean) => Promise<void>) {
    this.#name = name;
    this.#end = end;
  }

  /** Adds a test; the first one registers the group with the runtime. */
  test(name: string, fn: () => void | Promise<void>, { limit = TEST_LIMIT }: TestOptions = {}): void {
    if (isFilteredOut(name)) return;
    log("registered", name);
    this.#members.push({ name, fn, limit });
    if (this.#members.length === 1) register(this.#name, () => this.#run(), GROUP_LIMIT);
  }

  async #run(): Promise<void> {
    const failed: string[] = [];
    await null; // until the file has added all
    for (const { name, fn, limit } of this.#members) {
      log("started", name);
      try {
        await withLimit(
          Promise.resolve().then(fn),
          limit,
          () => `The test did not end in ${limit} ms${describeLive()}`,
        );
        log("passed", name);
      } catch (error) {
        log("failed", name, describe(error));
        failed.push(`${name}: ${describe(error)}`);
        await this.#end(true);
      }
    }
    await this.#end(false);
    await endWorkers(failed.length > 0 ? 0 : GONE_LIMIT, failed.length > 0);
    if (failed.length > 0) throw new Error(`${failed.length} tests failed:\n${failed.join("\n")}`);
  }
}

function register(name: string, fn: () => Promise<void>, limit: number): void {
  if (host.Deno) {
    host.Deno.test({
      name,
      fn: () => fn().finally(() => sleep(SETTLING)),
      sanitizeOps: true,
      sanitizeResources: true,
      sanitizeExit: true,
    });
  } else if (host.Bun) {
    bunTest!(name, fn, limit);
  } else {
    (host.process.getBuiltinModule("node:test") as { test: NodeTest }).test(name, { timeout: limit }, fn);
  }
}

// Bun's own `test`, for its `node:test` takes no limit. By a computed name: no other host knows the module.
const bunTest = host.Bun ? (await import(`${"bun"}:test`) as { test: BunTest }).test : undefined;

async function runOne(fn: () => void | Promise<void>, limit: number): Promise<void> {
  let failed = true;
  try {
    await withLimit(Promise.resolve().then(fn), limit, () => `The test did not end in ${limit} ms${describeLive()}`);
    failed = false;
  } finally {
    // A test that failed has often left its workers: then its own error is the one to show, and they are ended.
    await endWorkers(failed ? 0 : GONE_LIMIT, failed);
  }
}

/** Waits for a promise no longer than `limit`, then rejects with the given words. */
export async function withLimit<T>(promise: Promise<T>, limit: number, words: string | (() => string)): Promise<T> {
  let cancel: (() => void) | undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = afterRunning(limit, () => reject(new Error(typeof words === "string" ? words : words())));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    cancel?.();
  }
}

/** Calls `fn` after so many milliseconds, of which a machine that halts this process for a while takes no more than one second. */
function afterRunning(limit: number, fn: () => void): () => void {
  let left = limit;
  let timer: ReturnType<typeof setTimeout>;
  function wait(): void {
    const step = Math.min(left, 1_000);
    timer = setTimeout(() => {
      left -= step;
      if (left <= 0) fn();
      else wait();
    }, step);
  }
  wait();
  return () => clearTimeout(timer);
}

/** Waits for some milliseconds. Never to get an order: latches do that. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits until `holds()` is true, looking every few milliseconds; rejects with `what` after `limit` milliseconds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, limit = 30_000): Promise<void> {
  const patience = new Patience(limit);
  for (;;) {
    const begun = performance.now();
    if (await holds()) return;
    if (patience.isOver) throw new Error(`Waited ${limit} ms in vain until ${what}`);
    // A look at all processes takes milliseconds, which those who are waited for need, too.
    await sleep(3 + Math.min(4 * (performance.now() - begun), 100));
  }
}

// ----- Processes alive

/** A live process, as `/proc` tells it. */
export interface LiveProcess {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/**
 * The live processes that descend from this one, and those whose parent is gone but that a test started (by the mark
 * in their environment). Zombies and the service of esbuild are left out. Empty where there is no `/proc`.
 */
export function liveProcesses(): LiveProcess[] {
  const all = new Map<number, Stat>();
  const pids = new Set(readFolder("/proc").filter((entry) => /^\d/.test(entry)).map(Number));
  for (const pid of strangers) if (!pids.has(pid)) strangers.delete(pid);
  for (const pid of pids) {
    const stat = strangers.has(pid) ? undefined : readStat(pid);
    if (stat) all.set(pid, stat);
  }
  return [...all.values()]
    .filter((stat) => stat.pid !== host.process.pid && (isDescendant(stat, all) || isMarked(stat)))
    .map((stat) => ({ pid: stat.pid, parent: stat.parent, command: commandOf(stat) }))
    .filter(({ command }) => !/\besbuild\b.*--service=/.test(command));
}

/** What `/proc/<pid>/stat` tells. */
interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
}

function isDescendant(stat: Stat, all: ReadonlyMap<number, Stat>): boolean {
  for (let at: Stat | undefined = stat; at; at = all.get(at.parent)) {
    if (at.parent === host.process.pid) return true;
  }
  return false;
}

/**
 * Processes that neither descend from this one nor have the mark, and never will: they are read once, as to read all of them
 * took milliseconds each time.
 */
const strangers = new Set<number>();

function isMarked(stat: Stat): boolean {
  if (readText(`/proc/${stat.pid}/environ`).split("\0").includes(MARK)) return true;
  strangers.add(stat.pid);
  return false;
}

function readStat(pid: number): Stat | undefined {
  const text = readText(`/proc/${pid}/stat`);
  // The name stands in parentheses and may hold anything, also a parenthesis.
  const end = text.lastIndexOf(")") + 1;
  const [state, parent] = text.slice(end + 1).split(" ", 2);
  if (!text || state === "Z" || state === "X") return undefined;
  return { pid, parent: Number(parent), name: text.slice(text.indexOf("("), end) };
}

function commandOf({ pid, name }: Stat): string {
  return readText(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim() || name;
}

function readText(path: string): string {
  try {
    return fs.readFileSync(path, "latin1");
  } catch {
    return ""; // It ended meanwhile, or belongs to someone else.
  }
}

function readFolder(path: string): string[] {
  try {
    return fs.readdirSync(path);
  } catch {
    return [];
  }
}

/** Tells whether a process is alive; a zombie is not. */
export function isAlive(pid: number): boolean {
  return readStat(pid) !== undefined;
}

/** Waits until none of these processes is alive. */
export function untilGone(pids: readonly number[]): Promise<void> {
  return until(`${pids} are gone`, () => !pids.some(isAlive));
}

function describeLive(): string {
  const processes = liveProcesses().map(({ pid, command }) => `\n  alive: ${pid}  ${command.slice(0, 300)}`);
  const threads = liveThreads().map((id) => `\n  alive: thread ${id}`);
  const others = threads.length === 0 && systemThreads() > 0
    ? [`\n  alive: ${systemThreads()} threads that ended`]
    : [];
  return [...processes, ...threads, ...others].join("");
}

function isAnyAlive(): boolean {
  return liveProcesses().length > 0 || liveThreads().length > 0 || systemThreads() > 0;
}

async function endWorkers(limit: number, quiet: boolean): Promise<void> {
  const patience = new Patience(limit);
  while (isAnyAlive()) {
    if (limit > 0 && !patience.isOver) {
      await sleep(10);
      continue;
    }
    const words = describeLive();
    // Else each later test would fail for it as well.
    for (const { pid } of liveProcesses()) kill(pid, "SIGKILL");
    for (const id of liveThreads()) killThread(id);
    await until("what was left is gone", () => !isAnyAlive());
    if (!quiet) throw new Error(`Workers were alive ${limit} ms after the test:${words}`);
  }
}

// ----- Threads alive

/** Waits until none of these threads is alive. */
export function untilThreadsGone(ids: readonly number[]): Promise<void> {
  return until(`threads ${ids} are gone`, () => !ids.some((id) => liveThreads().includes(id)));
}

/** How many threads with a JavaScript of their own the system knows, by the names that the hosts give them. */
function systemThreads(): number {
  const names = readFolder("/proc/self/task").map((id) => readText(`/proc/self/task/${id}/comm`).trim());
  return names.filter((name) => name === THREAD_NAME || /^worker-\d+$/.test(name)).length;
}

/** Sends a signal to a process (to its group if the pid is negative); a process that is gone is no error. */
export function kill(pid: number, signal: string): void {
  try {
    host.process.kill(pid, signal);
  } catch {
    // Gone.
  }
}

// ----- Programs

/** Options of {@linkcode runProgram} and {@linkcode startProgram}. */
export interface ProgramOptions {
  /** The program's own arguments. */
  readonly args?: readonly string[];
  /** The runtime; the one that runs the tests unless given. Another needs `executable` too. */
  readonly runtime?: RuntimeName;
  /** The runtime's binary, or the program itself with `runtime: undefined` and `file: ""` in a compiled binary. */
  readonly executable?: string;
  /** Flags of `deno run`; `["-A"]` unless given. Other hosts ignore them. */
  readonly denoFlags?: readonly string[];
  /** Flags of Node. */
  readonly nodeFlags?: readonly string[];
  /** Flags of Bun. */
  readonly bunFlags?: readonly string[];
  /** The working folder. */
  readonly cwd?: string;
  /** Variables beside the ones of this process; `undefined` takes one away. */
  readonly env?: Record<string, string | undefined>;
  /** What the program reads from its stdin; it is empty unless given. */
  readonly stdin?: string;
  /** Milliseconds after which the program's process group is killed; 40,000 unless given. */
  readonly timeout?: number;
}

/** How a program ended. */
export interface ProgramResult {
  /** The exit code, `null` if a signal ended it. */
  readonly code: number | null;
  /** The signal that ended it. */
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether it was killed at its `timeout`. */
  readonly timedOut: boolean;
}

/** A program that runs. */
export interface Program {
  readonly pid: number;
  /** What it has written so far. */
  stdout(): string;
  stderr(): string;
  /** Sends a signal to the program alone. */
  kill(signal: string): void;
  /** Sends a signal to its process group, as a terminal does at Ctrl-C. */
  killGroup(signal: string): void;
  /** Waits until its stdout holds the text, and fails if it ends before. */
  untilPrinted(text: string): Promise<void>;
  /** Resolves when it has ended and its pipes have closed. */
  readonly ended: Promise<ProgramResult>;
}

/** The command line by which a host runs a program file. */
export function commandLine(file: string, options: ProgramOptions = {}): [string, ...string[]] {
  const executable = options.executable ?? host.process.execPath;
  const program = [...(file ? [file] : []), ...(options.args ?? [])];
  if (!file) return [executable, ...program];
  switch (options.runtime ?? runtimeName) {
    case "deno":
      return [executable, "run", ...(options.denoFlags ?? ["-A"]), ...program];
    case "bun":
      return [executable, ...(options.bunFlags ?? []), ...program];
    case "node":
      return [executable, ...(options.nodeFlags ?? []), ...program];
  }
}

/** Runs a program file with the runtime that runs the tests, and waits for its end. */
export function runProgram(file: string, options: ProgramOptions = {}): Promise<ProgramResult> {
  return startProgram(file, options).ended;
}

/** Starts a program file with the runtime that runs the tests, in a process group of its own. */
export function startProgram(file: string, options: ProgramOptions = {}): Program {
  const [command, ...args] = commandLine(file, options);
  const { spawn } = host.process.getBuiltinModule("node:child_process") as ChildProcessModule;
  // Variables by which a runner makes its children behave as test files.
  const env = { ...host.process.env, NODE_TEST_CONTEXT: undefined, ERGATE_TEST_LOG: undefined, ...options.env };
  const kept = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
  const child = spawn(command, args, { cwd: options.cwd, env: kept, detached: true, stdio: "pipe" });
  const out = collect(child.stdout);
  const err = collect(child.stderr);
  child.stdin.on("error", () => {}); // It ended without reading.
  child.stdin.end(options.stdin ?? "");
  let isOver = false;
  let timedOut = false;
  const ended = new Promise<ProgramResult>((resolve, reject) => {
    const cancel = afterRunning(options.timeout ?? 40_000, () => {
      timedOut = true;
      kill(-child.pid!, "SIGKILL");
    });
    child.on("error", (error) => {
      cancel();
      reject(error);
    });
    child.on("close", (code, signal) => {
      cancel();
      isOver = true;
      resolve({ code, signal, stdout: out(), stderr: err(), timedOut });
    });
  });
  ended.catch(() => {}); // Whoever awaits it sees it.
  return {
    pid: child.pid ?? -1,
    stdout: out,
    stderr: err,
    kill: (signal) => kill(child.pid!, signal),
    killGroup: (signal) => kill(-child.pid!, signal),
    untilPrinted: (text) =>
      until(`the program printed ${JSON.stringify(text)}`, () => {
        if (out().includes(text)) return true;
        if (isOver) throw new Error(`The program ended before it printed ${text}:\n${out()}\n${err()}`);
        return false;
      }),
    ended,
  };
}

function collect(stream: Readable): () => string {
  const decoder = new TextDecoder();
  let text = "";
  stream.on("data", (chunk) => text += decoder.decode(chunk, { stream: true }));
  return () => text;
}

// ----- Folders, latches, chance

/** Runs `fn` with a fresh folder outside the repository, and removes it. */
export async function withTempFolder<T>(fn: (folder: string) => T | Promise<T>): Promise<T> {
  const tmpdir = (host.process.getBuiltinModule("node:os") as { tmpdir(): string }).tmpdir();
  const folder = fs.realpathSync(fs.mkdtempSync(`${tmpdir}/ergate-test-`));
  try {
    return await fn(folder);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** A door made of a file: closed until someone, in whatever process, opens it. Pass its `path` to tasks. */
export class Latch {
  readonly path: string;

  constructor(folder: string, name = "latch") {
    this.path = `${folder}/${name}`;
  }

  get isOpen(): boolean {
    return fileIsOpen(this.path);
  }

  open(): void {
    openFile(this.path);
  }

  wait(): Promise<void> {
    return waitForFile(this.path);
  }
}

/** A file that takes a line for each arrival. Pass its `path` to tasks. */
export class Arrivals {
  readonly path: string;

  constructor(folder: string, name = "arrivals") {
    this.path = `${folder}/${name}`;
  }

  get count(): number {
    return countLines(this.path);
  }

  get lines(): string[] {
    return readLines(this.path);
  }

  arrive(line?: string): void {
    arrive(this.path, line);
  }

  /** Waits until at least `count` have arrived. */
  wait(count: number): Promise<void> {
    return waitForLines(this.path, count);
  }
}

let seedInUse: number | undefined;

/** The seed of this run, printed when first asked for; `ERGATE_TEST_SEED` gives one to use again. */
export function seed(): number {
  if (seedInUse === undefined) {
    seedInUse = Number(host.process.env.ERGATE_TEST_SEED || Math.floor(Math.random() * 2 ** 31));
    console.log(`seed: ERGATE_TEST_SEED=${seedInUse}`);
  }
  return seedInUse;
}

/** A generator of numbers in [0, 1), the same on every runtime for the same seed (mulberry32). */
export function randomNumbers(from: number = seed()): () => number {
  let state = from >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}
