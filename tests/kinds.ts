/**
 * The kinds of executor, as data: what each is called, what it can do, how one is made, how its workers die. A behaviour is
 * written once and registered for each of them; a new kind joins the list and brings no test of its own.
 */

import assert from "node:assert/strict";
import {
  BrokenProcessPool,
  BrokenThreadPool,
  type Executor,
  ProcessPoolExecutor,
  type ProcessPoolExecutorOptions,
  ThreadPoolExecutor,
} from "../mod.ts";
import {
  isAlive,
  kill,
  killThread,
  liveProcesses,
  liveThreads,
  runtimeName,
  test,
  type TestOptions,
  until,
  untilGone,
  untilThreadsGone,
} from "./harness.ts";
import { watchedRuntime } from "./host_doubles.ts";
import { type UserProject, withProject } from "./user_project.ts";
import { WORKER_ID } from "./worker_side.ts";

/** What a kind can do. Tests ask this, never for a kind or a runtime by name. */
export interface Abilities {
  /** Each worker is a process with a pid, an environment and a working folder of its own. */
  readonly processes: boolean;
  /** It hears of errors that nobody catches in a worker. `bun test` takes those of threads for itself: see `threads_test.ts`. */
  readonly strays: boolean;
  /** The program lives on when a worker's start finds no descriptor: Deno ends it, with threads Bun too ("panic"). */
  readonly narrow: boolean;
}

/** How a worker ended, as the errors tell it. */
export interface Death {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** A kind of executor. A worker's *id* is what the task `workerId` gives: a pid, or a thread's number. */
export interface Kind {
  readonly name: string;
  readonly can: Abilities;
  /** The first part of its workers' names, if no other is given. */
  readonly className: string;
  /** What its calls fail with when it is broken. */
  readonly Broken: typeof BrokenProcessPool | typeof BrokenThreadPool;
  /** How its workers can die by themselves, as `die()` of `worker_side.ts` takes it. */
  readonly deaths: Readonly<Record<string, Death>>;
  /** What the errors say of a worker that was killed from outside. */
  readonly killed: Death;
  make(options?: ProcessPoolExecutorOptions): Executor;
  /** What errors call a worker. */
  place(id: number): string;
  /** What errors say its pid is. */
  pidOf(id: number): number | undefined;
  /** Kills a worker at once, as from outside. */
  kill(id: number): void;
  isAlive(id: number): boolean;
  untilGone(ids: readonly number[]): Promise<void>;
  /** The ids of all workers that are alive. */
  workers(): number[];
}

const processes: Kind = {
  name: "process",
  can: { processes: true, strays: true, narrow: runtimeName !== "deno" },
  className: "ProcessPoolExecutor",
  Broken: BrokenProcessPool,
  deaths: {
    "exit 0": { exitCode: 0, signal: null },
    "exit 3": { exitCode: 3, signal: null },
    "SIGKILL": { exitCode: null, signal: "SIGKILL" },
    "SIGABRT": { exitCode: null, signal: "SIGABRT" },
  },
  killed: { exitCode: null, signal: "SIGKILL" },
  make: (options) => new ProcessPoolExecutor(options),
  place: (id) => `process ${id}`,
  pidOf: (id) => id,
  kill: (id) => kill(id, "SIGKILL"),
  isAlive,
  untilGone: (ids) => untilGone(ids),
  workers: () =>
    liveProcesses() // the reaper is none
      .filter((one) => one.parent === WORKER_ID && !one.command.startsWith("/bin/sh"))
      .map((one) => one.pid),
};

/** One for all pools, as it would be: a runtime listens for the program's end. */
const watched = watchedRuntime();

const threads: Kind = {
  name: "thread",
  can: { processes: false, strays: runtimeName !== "bun", narrow: runtimeName === "node" },
  className: "ThreadPoolExecutor",
  Broken: BrokenThreadPool,
  deaths: {
    "exit 0": { exitCode: 0, signal: null },
    "exit 3": { exitCode: 3, signal: null },
    "host exit 4": { exitCode: 4, signal: null },
    "close": { exitCode: 0, signal: null },
    "kill": { exitCode: 1, signal: null },
  },
  killed: { exitCode: 1, signal: null },
  make: (options) => new ThreadPoolExecutor(options instanceof Object ? { runtime: watched, ...options } : options),
  place: (id) => `thread ${id}`,
  pidOf: () => undefined,
  kill: killThread,
  isAlive: (id) => liveThreads().includes(id),
  untilGone: (ids) => untilThreadsGone(ids),
  workers: liveThreads,
};

/** Every kind there is. */
export const kinds: readonly Kind[] = [processes, threads];

/** Options of {@linkcode forEachKind}. */
export interface KindTestOptions extends TestOptions {
  /** What a kind must be able to do, or not. */
  readonly needs?: Partial<Abilities>;
}

/** Registers a test once for each kind that can do what the test `needs`. */
export function forEachKind(
  name: string,
  fn: (kind: Kind) => void | Promise<void>,
  options: KindTestOptions = {},
): void {
  for (const kind of kindsThat(options.needs)) test(`${name} [${kind.name}]`, () => fn(kind), options);
}

/** The kinds that can do these things, or cannot, as it says. */
export function kindsThat(needs: Partial<Abilities> = {}): readonly Kind[] {
  const wanted = Object.entries(needs) as [keyof Abilities, boolean][];
  return kinds.filter((kind) => wanted.every(([ability, can]) => kind.can[ability] === can));
}

/** Waits until so many workers are alive. */
export function untilWorkers(kind: Kind, count: number): Promise<void> {
  return until(`there are ${count} workers`, () => kind.workers().length === count);
}

/** The words of a death, as errors have them. */
export function wordsOf({ exitCode, signal }: Death): string {
  return signal === null ? `exit code ${exitCode}` : `signal ${signal}`;
}

/** Asserts that an error is of a broken pool of this kind. */
export function assertBroken(kind: Kind, error: unknown, reason?: RegExp): asserts error is Error {
  assert(error instanceof kind.Broken, String(error));
  if (reason !== undefined) assert.match(error.message, reason);
}

/** A program, or what it prints, written for processes: as it is for this kind. */
export function inKind(kind: Kind, text: string): string {
  return kind.can.processes ? text : text.replaceAll("ProcessPool", "ThreadPool");
}

/** {@linkcode withProject} with files that are written for processes, as they are for this kind. */
export function projectFor(kind: Kind): typeof withProject {
  function withIt<T>(
    files: Record<string, string>,
    fn: (project: UserProject) => T | Promise<T>,
    more?: Parameters<typeof withProject>[2],
  ): Promise<T> {
    const ofKind = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, inKind(kind, text)]));
    return withProject(ofKind, fn, more);
  }
  return withIt;
}
