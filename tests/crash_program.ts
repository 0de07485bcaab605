/**
 * The program behind `crash_table_test.ts`: tries cells of the crash table on the runtime that runs it, and writes what became
 * of each into a file. A program of its own, for some of its workers print much, some fill its heap, and some end it.
 *
 * Its arguments: the kind of pool, a folder, and the cells, as JSON.
 */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { ProtocolError } from "../channel/protocol.ts";
import {
  BrokenExecutor,
  type Executor,
  type Future,
  PicklingError,
  ProcessPoolExecutor,
  type ProcessPoolExecutorOptions,
  TaskNotFoundError,
  tasks as registerTasks,
  ThreadPoolExecutor,
  WorkerLostError,
} from "../mod.ts";
import { replaceTimers } from "../runtime/host_functions.ts";
import { PLACES, type Where } from "./crash_table.ts";
import { type Way } from "./crash_ways.ts";
import { runtimeWith, withoutPatience } from "./host_doubles.ts";
import { countLines, Patience, readLines, waitForLines } from "./latch.ts";
import { REPOSITORY } from "./project.ts";
import * as tasks from "./tasks_crash.ts";
import { killThread, liveThreads } from "./watched_threads.ts";

const [kind, folder, list] = process.argv.slice(2);
const isProcess = kind === "process";
const cells = JSON.parse(list) as [Where, Way][];
const isV8 = !("bun" in process.versions);
const HEAP_FLAGS = !isV8
  ? []
  : ["deno" in process.versions ? "--v8-flags=--max-old-space-size=40" : "--max-old-space-size=40"];

/** Milliseconds, longer than any outcome takes; then the cell says that it hangs. */
const LIMIT = 60_000;

/** Whatever goes wrong leaves its worker's number there first. */
const marks = process.env.CRASH_MARKS = `${folder}/marks`;
/** What is there before the present cell. */
let earlier = 0;
let reports = 0;
console.error = () => void reports++;

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function isAlive(id: number): boolean {
  if (!isProcess) return liveThreads().includes(id);
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${id}/stat`, "latin1"));
  } catch {
    return false;
  }
}

async function untilGone(id: number): Promise<void> {
  while (isAlive(id)) await sleep(2);
}

function kill(id: number): void {
  if (isProcess) process.kill(id, "SIGKILL");
  else killThread(id);
}

/** Ends the worker that loops, as a user would from outside. */
async function killCrashed(): Promise<void> {
  const id = await crashed();
  await sleep(20); // the loop has begun
  kill(id);
}

/** Waits until something has gone wrong; gives its worker's number. */
async function crashed(): Promise<number> {
  await waitForLines(marks, earlier + 1);
  return Number(readLines(marks)[earlier]);
}

/** Its threads can be killed. One for all pools, as it would be. */
const watched = runtimeWith((go) => go());

function poolWith(options: ProcessPoolExecutorOptions): Executor {
  if (!isProcess) return new ThreadPoolExecutor({ maxWorkers: 1, runtime: watched, ...options });
  return new ProcessPoolExecutor({ maxWorkers: 1, execArgv: HEAP_FLAGS, ...options });
}

/** The pool of most cells; each finds it whole. */
let shared: Executor | undefined;

/** Exit codes and signals, as the errors tell them. A heap that is full ends a process by one of several signals. */
const DEATHS: Readonly<Partial<Record<Way, RegExp>>> = {
  "exit 0": /^0$/,
  "exit 3": /^3$/,
  "SIGKILL": /^SIGKILL$/,
  "abort": /^SIGABRT$/,
  "heap exhausted": isProcess ? /^SIG(ABRT|TRAP|SEGV|ILL)$/ : /^1$/,
  "endless loop": isProcess ? /^SIGKILL$/ : /^1$/,
  "garbage on the channel": isProcess ? /^SIGKILL$/ : /^1$/,
};

/** Whether an error says who died, how, and at what. */
function isRight({ message, workerName, task, exitCode, signal, cause }: WorkerLostError, way: Way): boolean {
  return DEATHS[way]!.test(signal ?? `${exitCode}`) && message.includes(workerName) &&
    /^(Process|Thread)PoolExecutor-\d+$/.test(workerName) &&
    /#(answer|take|crash\w+)$/.test(task) && message.includes(task) &&
    (way !== "garbage on the channel" ||
      cause instanceof ProtocolError && /something else (wrote|posted)/.test(message));
}

/** What has become of a call. */
async function outcomeOf(call: Promise<unknown>, way: Way): Promise<string> {
  try {
    const value = await call;
    const isIt = value === "done" || value === 42 || (value as Uint8Array).length === 16_000_000 ||
      (value as { readonly here?: string }).here === "done";
    return isIt ? "its result" : `a wrong result, ${value}`;
  } catch (error) {
    return outcomeBy(error as Error, way);
  }
}

/** Whether this is the error that the task, or the host, has thrown. */
function isOwn(error: unknown): boolean {
  return error instanceof Error && /^crash by a throw|call stack|abort/.test(error.message);
}

function outcomeBy(error: Error, way: Way): string {
  const bad = `${error.name}: ${error.message}`;
  if (error instanceof WorkerLostError) {
    return isRight(error, way) ? error.mayHaveRun ? "lost" : "lost, not run" : `lost by ${error.exitCode}, ${bad}`;
  }
  if (error instanceof BrokenExecutor) return isOwn(error.cause) ? "pool broken" : bad;
  if (error instanceof TaskNotFoundError) return isOwn(error.cause) ? "`TaskNotFoundError`" : bad;
  if (error instanceof PicklingError) return isOwn(error.cause) ? "`PicklingError`" : bad;
  return isOwn(error) ? "its error" : bad;
}

/** After which the worker works on. */
const HARMLESS: readonly string[] = ["its result", "its error", "`TaskNotFoundError`", "`PicklingError`"];

function endingOf(way: Way, outcome: string): string {
  return way === "endless loop" && outcome !== "its result, worker replaced" ? `${outcome}, once killed` : outcome;
}

/** A call that goes wrong between two others, which must not be harmed. */
async function tryCall(pool: Executor, way: Way, submit: () => Future<unknown>): Promise<string> {
  const before = pool.submit(tasks.begin);
  const call = submit();
  const behind = pool.submit(tasks.take, 1);
  const id = await before;
  if (way === "endless loop") await killCrashed();
  const outcome = await outcomeOf(call, way);
  if (await behind !== "done") return "the call behind it is harmed";
  await crashed(); // it may be later than the call's end
  if (outcome === "its result" && !way.startsWith("stdout")) await untilGone(id);
  return await checkWorker(pool, id, way, outcome);
}

async function checkWorker(pool: Executor, id: number, way: Way, outcome: string): Promise<string> {
  const same = await pool.submit(tasks.begin) === id;
  if (outcome === "its result" && !same) return "its result, worker replaced";
  if (same !== HARMLESS.includes(outcome)) return `${outcome}; the worker is ${same ? "the same" : "another"}`;
  return endingOf(way, outcome);
}

let modules = 0;

function moduleThat(way: Way, before: string, after = ""): string {
  const path = `${folder}/crashing_${++modules}.ts`;
  writeFileSync(
    path,
    `import { crash } from "file://${REPOSITORY}/tests/crash_ways.ts";\n${before}\ncrash(${
      JSON.stringify(way)
    });\n${after}\n`,
  );
  return pathToFileURL(path).href;
}

/** A task whose module goes wrong when a worker imports it. */
function taskOfModule(way: Way): () => number {
  const url = moduleThat(
    way,
    `import { tasks } from "file://${REPOSITORY}/tasks/task.ts";
     function answer(): number { return 42; }
     tasks(import.meta, { answer });`,
  );
  function answer(): number {
    return 42;
  }
  return registerTasks({ url }, { answer }).answer;
}

/** Registered before the pool starts a worker: one that knew less would be replaced for that. */
const importing = new Map(cells.flatMap(([where, way]) => where === PLACES[0] ? [[way, taskOfModule(way)]] : []));

async function tryWhenIdle(pool: Executor, way: Way): Promise<string> {
  await pool.submit(tasks.begin);
  const id = await pool.submit(tasks.crashWhenIdle, way);
  await crashed();
  if (way === "endless loop") {
    const call = pool.submit(tasks.take, 1);
    await sleep(50);
    if (call.done()) return "the call behind it has ended";
    kill(id);
    return await call === "done" ? "no call harmed, once killed" : "harmed";
  }
  if (way !== "stdout flooded") await untilGone(id);
  await pool.submit(tasks.take, 1);
  return reports === 1 ? "reported" : reports > 1 ? "reported twice" : "no call harmed";
}

/** The first worker is started by a module that goes wrong, those after it are not. */
async function tryAtStart(way: Way): Promise<string> {
  const entry = { url: moduleThat(way, "", `await import("file://${REPOSITORY}/executor/entry.ts");`), bundled: false };
  const runtime = runtimeWith(
    // Its time to say hello is a minute.
    (go, count) => count === 1 && way === "endless loop" ? inHaste(go) : go(),
    (options, count) => count === 1 ? { ...options, entry } : options,
  );
  const pool = poolWith({ runtime });
  const outcome = await outcomeOf(pool.submit(tasks.take, 1), way);
  await pool.shutdown();
  if (outcome !== "its result" || runtime.starts !== 2) return outcome;
  return way === "endless loop" ? "tried again, after a minute" : "tried again";
}

function inHaste<T>(fn: () => T): T {
  let value: T | undefined;
  void withoutPatience(async () => void (value = fn()));
  return value!;
}

async function tryInInitializer(way: Way): Promise<string> {
  const pool = poolWith({
    initializer: tasks.crashAtFirst as (...args: unknown[]) => void,
    initargs: [way, earlier],
  });
  const call = pool.submit(tasks.begin);
  if (way === "endless loop") await killCrashed();
  let outcome: string;
  try {
    const id = await call;
    outcome = id === await crashed() ? "its result" : "tried again";
  } catch (error) {
    outcome = outcomeBy(error as Error, way);
  }
  await pool.shutdown();
  return endingOf(way, outcome);
}

async function tryInShutdown(way: Way): Promise<string> {
  const pool = poolWith({});
  const id = await pool.submit(tasks.begin);
  const call = pool.submit(tasks.crashNow, way);
  const behind = pool.submit(tasks.begin);
  const closed = pool.shutdown();
  if (way === "endless loop") await killCrashed();
  const outcome = await outcomeOf(call, way);
  const same = await behind === id;
  await closed;
  if (same !== HARMLESS.includes(outcome)) return `${outcome}; the worker is ${same ? "the same" : "another"}`;
  return endingOf(way, outcome);
}

async function tryAtExit(way: Way): Promise<string> {
  const pool = poolWith({});
  await pool.submit(tasks.begin);
  const id = await pool.submit(tasks.crashAtExit, way);
  if (way === "endless loop") await shutDownAtLoop(pool);
  else await pool.shutdown();
  if (isAlive(id)) return "it is still there";
  if (countLines(marks) === earlier) return "no such thing";
  return way === "endless loop" ? "no call harmed, after 5 s" : "no call harmed";
}

/** Shuts down a pool whose worker loops as it leaves: its grace, of seconds, is over as soon as it has gone wrong. */
async function shutDownAtLoop(pool: Executor): Promise<void> {
  const { setTimeout, clearTimeout } = globalThis;
  const graces = new Map<unknown, () => void>();
  const held = (callback: () => void, delay: number): unknown => {
    if (delay < 1_000) return setTimeout(callback, delay);
    const handle = {};
    graces.set(handle, callback);
    return handle;
  };
  replaceTimers({
    setTimeout: held as typeof setTimeout,
    clearTimeout: (handle) => void (graces.delete(handle) || clearTimeout(handle)),
  });
  let isOver = false;
  const closed = pool.shutdown().finally(() => isOver = true);
  // Where the host does not tell a thread of its end, nothing goes wrong.
  await Promise.race([closed, crashed().catch(() => 0)]);
  for (; !isOver; await sleep(2)) {
    for (const [handle, callback] of graces) {
      graces.delete(handle);
      callback();
    }
  }
  replaceTimers({ setTimeout, clearTimeout });
  await closed;
}

function tryCell(where: Where, way: Way): Promise<string> {
  const pool = shared ??= poolWith({});
  switch (where) {
    case "importing the task's module":
      return tryCall(pool, way, () => pool.submit(importing.get(way)!));
    case "decoding the call":
      return tryCall(pool, way, () => pool.submit(tasks.take, new tasks.CrashingArgument(way)));
    case "running":
      return tryCall(pool, way, () => pool.submit(tasks.crashNow, way));
    case "running, after an await":
      return tryCall(pool, way, () => pool.submit(tasks.crashAfterAwait, way));
    case "encoding the result":
      return tryCall(pool, way, () => pool.submit(tasks.crashInResult, way));
    case "sending a big result":
      return tryCall(pool, way, () => pool.submit(tasks.crashWhileSending, way));
    case "idle":
      return tryWhenIdle(pool, way);
    case "starting":
      return tryAtStart(way);
    case "in the initializer":
      return tryInInitializer(way);
    case "running, during shutdown":
      return tryInShutdown(way);
    case "leaving, at the pool's end":
      return tryAtExit(way);
  }
}

/** What is known of a cell in the end. */
async function withPatience(outcome: Promise<string>): Promise<string> {
  let isOver = false;
  const ended = outcome.finally(() => isOver = true);
  const patience = new Patience(LIMIT);
  async function limit(): Promise<string> {
    while (!isOver && !patience.isOver) await sleep(50);
    return "it hangs";
  }
  return await Promise.race([ended, limit()]);
}

for (const [where, way] of cells) {
  earlier = countLines(marks);
  reports = 0;
  const begun = performance.now();
  const outcome = await withPatience(tryCell(where, way)).catch((error) => `harmed: ${error}`);
  appendFileSync(
    `${folder}/outcomes`,
    JSON.stringify([where, way, outcome, Math.round(performance.now() - begun)]) + "\n",
  );
  if (outcome.startsWith("harmed") || outcome === "it hangs") {
    await shared?.killWorkers();
    shared = undefined;
  }
}
await shared?.shutdown();
process.exit(0);
