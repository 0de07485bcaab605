/**
 * The soak: pools used at random for as long as one likes. Calls of all sorts, with time limits, retries, signals and
 * priorities, maps that are read or left, cancels with and without force, workers that crash or are killed from outside,
 * every end that a pool can have. Each call leaves a line when it begins, and after each round all is counted:
 *
 * - every future has settled, with an outcome that its call may have, and every result is right;
 * - a call that returned, and was tried once, began exactly once; one that was tried again at most as often as it may;
 * - one that is said not to have run, or was cancelled before it began, never began;
 * - no worker, descriptor or temporary file is left.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import process from "node:process";
import type { CallOptions, Executor, Future, WorkerLostError } from "../mod.ts";
import { descriptors } from "./descriptors.ts";
import { liveProcesses, liveThreads, randomNumbers, sleep, until, withLimit, withTempFolder } from "./harness.ts";
import type { Kind } from "./kinds.ts";
import { type Doing, setUp, work } from "./tasks_soak.ts";

/** What a soak has done. */
export interface SoakCounts {
  rounds: number;
  calls: number;
  /** By the name of what they failed with, or `"returned"`. */
  outcomes: Record<string, number>;
  /** Of workers, from outside. */
  kills: number;
  /** Calls that ended their own worker. */
  crashes: number;
}

/** Far longer than anything takes: what has not settled then never does. */
const LIMIT = 60_000;

/** Calls that are submitted beside each other: a pool that has few workers left is to end in good time. */
const MOST_PENDING = 150;

/** A call that was made. */
interface Call {
  readonly n: number;
  readonly doing: Doing;
  /** Times that it may begin. */
  readonly attempts: number;
  /** Whether a running one may be ended by its caller. */
  mayBeForced: boolean;
  /** Whether it has a time limit. */
  readonly limited: boolean;
  /** What has become of it; none if nobody has looked, as with a map that was left. */
  outcome?: PromiseSettledResult<unknown>;
}

type Random = () => number;

function below(random: Random, end: number): number {
  return Math.floor(random() * end);
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[below(random, values.length)];
}

const HARMLESS: readonly Doing[] = [
  "return",
  "return",
  "return",
  "return",
  "spin",
  "sleep",
  "progress",
  "throw",
  "big",
];
const HARMFUL: readonly Doing[] = ["exit", "kill", "obey", "loop", "throw at first"];

/** One pool, from its making to its end. */
class Round {
  readonly #kind: Kind;
  readonly #random: Random;
  readonly #folder: string;
  readonly #counts: SoakCounts;
  readonly #calls: Call[] = [];
  readonly #settled: Promise<unknown>[] = [];
  readonly #pool: Executor;
  readonly #end: number;

  constructor(kind: Kind, random: Random, folder: string, counts: SoakCounts) {
    this.#kind = kind;
    this.#random = random;
    this.#folder = folder;
    this.#counts = counts;
    this.#end = Date.now() + 300 + below(random, 1500);
    this.#pool = kind.make({
      maxWorkers: 1 + below(random, 4),
      initializer: setUp as (...args: unknown[]) => void,
      initargs: [this.#lines],
      onWorkerLost: random() < 0.1 ? "break" : "replace",
      maxTasksPerChild: random() < 0.2 ? 200 + below(random, 2000) : undefined,
      idleTimeout: random() < 0.2 ? 1 + below(random, 50) : undefined,
      maxQueued: random() < 0.2 ? 1 + below(random, 100) : undefined,
      reportUnseen: false,
    });
  }

  get #lines(): string {
    return `${this.#folder}/lines`;
  }

  async run(): Promise<void> {
    const random = this.#random;
    const actors = [
      ...Array.from({ length: 1 + below(random, 3) }, () => this.#submit()),
      ...Array.from({ length: below(random, 3) }, () => this.#map()),
      // A thread is ended by its own pool alone, which sends it nothing then; on Deno one that gets calls all the while runs on.
      ...(this.#kind.can.processes && random() < 0.6 ? [this.#kill()] : []),
      ...(random() < 0.3 ? [this.#resize()] : []),
    ];
    if (random() < 0.6) {
      await withLimit(Promise.all(actors), LIMIT, () => `what was begun did not end${this.#describe()}`);
    }
    await withLimit(this.#close(), LIMIT, () => `the pool did not end${this.#describe()}`);
    await withLimit(Promise.all(actors), LIMIT, "what was begun did not end with the pool");
    await withLimit(Promise.all(this.#settled), LIMIT, "a future did not settle");
    assert.equal(this.#pool.pendingCount, 0);
    this.#count();
  }

  /** What is still to be settled, when something hangs. */
  #describe(): string {
    const begun = this.#readLines().map((line) => parseInt(line));
    const open = this.#calls.filter(({ outcome }) => outcome === undefined);
    const some = open.slice(0, 10).map((call) =>
      JSON.stringify({ ...call, begun: begun.filter((n) => n === call.n).length })
    );
    return `; ${this.#pool.pendingCount} pending, workers ${this.#kind.workers()}, not looked at ${open.length}: ${some}`;
  }

  get #isOver(): boolean {
    return Date.now() > this.#end;
  }

  #close(): Promise<void> {
    const way = this.#random();
    if (way < 0.5) return this.#pool.shutdown();
    if (way < 0.7) return this.#pool.shutdown({ cancelFutures: true });
    return way < 0.85 ? this.#pool.terminateWorkers() : this.#pool.killWorkers();
  }

  /** A pause of a random length. */
  async #pause(): Promise<void> {
    const random = this.#random;
    for (let turns = pick(random, [0, 0, 1, 5]); turns > 0; turns--) await null;
    if (random() < 0.5) await sleep(below(random, 10));
  }

  /** What the next call is to be, and how it is to be made. */
  #next(): { readonly call: Call; readonly options: CallOptions; readonly args: [number, Doing, number] } {
    const random = this.#random;
    const doing = random() < 0.99 ? pick(random, HARMLESS) : pick(random, HARMFUL);
    const endless = doing === "loop";
    const limited = endless || random() < 0.05;
    const errors = random() < 0.1 ? below(random, 3) : 0;
    const losses = random() < 0.1 ? below(random, 3) : 0;
    const call: Call = { n: this.#calls.length, doing, attempts: 1 + errors + losses, mayBeForced: false, limited };
    this.#calls.push(call);
    if (doing === "exit" || doing === "kill") this.#counts.crashes++;
    const options: CallOptions = {
      ...(limited ? { taskTimeout: 20 + below(random, 60) } : undefined),
      ...(errors + losses > 0 ? { retries: { errors, losses }, retryDelay: below(random, 20) } : undefined),
      ...(random() < 0.1 ? { priority: below(random, 5) - 2 } : undefined),
      ...(doing === "progress" ? { onProgress: (done: number, total: number) => assert(done <= total) } : undefined),
    };
    return { call, options, args: [call.n, doing, below(random, 6)] };
  }

  /** Whether an error is that the pool has ended: then its actors end, too. */
  #isEnd(error: unknown): boolean {
    return ["ShutdownError", "BrokenProcessPool", "BrokenThreadPool"].includes((error as Error).name);
  }

  async #submit(): Promise<void> {
    const random = this.#random;
    const held: { readonly call: Call; readonly future: Future<unknown> }[] = [];
    while (!this.#isOver) {
      if (this.#pool.pendingCount > MOST_PENDING) await sleep(1);
      for (let left = 1 + below(random, 40); left > 0 && this.#pool.pendingCount < MOST_PENDING; left--) {
        const { call, options, args } = this.#next();
        const aborts = random() < 0.02 ? new AbortController() : undefined;
        call.mayBeForced = aborts !== undefined;
        try {
          const face = random() < 0.5 && Object.keys(options).length === 0 && aborts === undefined
            ? this.#pool
            : this.#pool.with({ ...options, signal: aborts?.signal });
          const future = face.submit(work, ...args);
          this.#watch(call, future);
          if (random() < 0.1) held.push({ call, future });
          if (aborts !== undefined) this.#settled.push(sleep(below(random, 30)).then(() => aborts.abort()));
        } catch (error) {
          this.#calls.pop(); // it never was one
          if (this.#isEnd(error)) return;
          if ((error as Error).name !== "QueueFullError") throw error;
          await this.#pool.whenFree().catch(() => {});
          break;
        }
      }
      await this.#pause();
      for (const { call, future } of held.splice(0)) this.#cancel(call, future);
    }
  }

  #cancel(call: Call, future: Future<unknown>): void {
    const force = this.#random() < 0.3;
    if (force && !future.done()) call.mayBeForced = true;
    const wasDone = future.done();
    const cancelled = future.cancel({ force });
    if (force && !wasDone) assert(cancelled, "by force it can always be cancelled");
  }

  #watch(call: Call, future: Future<unknown>): void {
    this.#settled.push(Promise.allSettled([future]).then(([outcome]) => void (call.outcome = outcome)));
  }

  async #map(): Promise<void> {
    const random = this.#random;
    while (!this.#isOver) {
      const calls = Array.from({ length: below(random, pick(random, [5, 50, 300])) }, () => this.#next());
      // Of a map all items have the same options; and a long one must end some time.
      const errors = below(random, 2);
      const options: CallOptions = { taskTimeout: 100, retries: errors, priority: below(random, 3) };
      const items = calls.map(({ call }) => {
        const own: Call = { ...call, attempts: 1 + errors, limited: true, mayBeForced: false };
        return this.#calls[call.n] = own;
      });
      const buffersize = random() < 0.3 ? 1 + below(random, 50) : undefined;
      const chunksize = random() < 0.3 ? 1 + below(random, 50) : "auto";
      try {
        const results = this.#pool.with(options).map(
          work,
          calls.map(({ args }) => args[0]),
          calls.map(({ args }) => args[1]),
          calls.map(({ args }) => args[2]),
          { buffersize, chunksize },
        );
        const most = random() < 0.7 ? Infinity : below(random, items.length + 1);
        for (let index = 0; index < Math.min(most, items.length); index++) {
          const [outcome] = await Promise.allSettled([results.next()]);
          if (outcome.status === "rejected" && this.#isEnd(outcome.reason)) break;
          if (outcome.status === "rejected") items[index].outcome = outcome;
          else {
            assert.equal(outcome.value.done, false);
            items[index].outcome = { status: "fulfilled", value: outcome.value.value };
          }
          if (random() < 0.01) await this.#pause();
        }
        if (most < items.length) await results.return();
      } catch (error) {
        if (this.#isEnd(error)) return;
        throw error;
      }
      await this.#pause();
    }
  }

  /** Workers that began a call of late are killed from outside. */
  async #kill(): Promise<void> {
    while (!this.#isOver) {
      await sleep(20 + below(this.#random, 150));
      const id = Number(this.#readLines().at(-1)?.split(" ")[1]);
      if (!id || !this.#kind.workers().includes(id)) continue;
      this.#kind.kill(id);
      this.#counts.kills++;
    }
  }

  async #resize(): Promise<void> {
    while (!this.#isOver) {
      await sleep(50 + below(this.#random, 300));
      try {
        this.#pool.resize(1 + below(this.#random, 4));
      } catch (error) {
        if (this.#isEnd(error)) return;
        throw error;
      }
    }
  }

  #readLines(): string[] {
    return existsSync(this.#lines) ? readFileSync(this.#lines, "utf8").split("\n").slice(0, -1) : [];
  }

  #count(): void {
    const begun = new Map<number, number>();
    for (const line of this.#readLines()) {
      const n = parseInt(line);
      begun.set(n, (begun.get(n) ?? 0) + 1);
    }
    for (const call of this.#calls) {
      const times = begun.get(call.n) ?? 0;
      const problem = problemOf(call, times);
      if (problem === undefined) continue;
      const { n, doing, attempts, limited, mayBeForced } = call;
      throw new Error(
        `Call ${n} (${JSON.stringify({ doing, attempts, limited, mayBeForced })}) began ${times} times: ${problem}`,
      );
    }
    this.#counts.calls += this.#calls.length;
    for (const { outcome } of this.#calls) {
      const name = outcome === undefined
        ? "not looked at"
        : outcome.status === "fulfilled"
        ? "returned"
        : outcome.reason.name;
      this.#counts.outcomes[name] = (this.#counts.outcomes[name] ?? 0) + 1;
    }
  }
}

/** What is wrong with the end of a call that began so many times, if anything is. */
function problemOf({ n, doing, attempts, mayBeForced, limited, outcome }: Call, times: number): string | undefined {
  if (times > attempts) return "too often";
  if (outcome === undefined) return undefined;
  if (outcome.status === "fulfilled") {
    if (times === 0) return "and yet it returned";
    return isRight(outcome.value, n) ? undefined : `it returned ${JSON.stringify(outcome.value)}`;
  }
  const { name, message } = outcome.reason as Error;
  switch (name) {
    case "RangeError":
      return message === `from call ${n}` && doing.startsWith("throw") && times > 0 ? undefined : message;
    case "WorkerLostError":
      return (outcome.reason as WorkerLostError).mayHaveRun || times < attempts
        ? undefined
        : "it is said not to have run";
    case "TaskTimeoutError":
      return limited ? undefined : "it had no time limit"; // it may be stopped before it has left its line
    case "CancelledError":
      return mayBeForced || attempts > 1 || times === 0 ? undefined : "it was cancelled before it began";
    case "AbortError":
      return doing === "obey" ? undefined : message;
    case "BrokenProcessPool":
    case "BrokenThreadPool":
    case "ShutdownError":
      return undefined;
    default:
      return `${name}: ${message}`;
  }
}

function isRight(value: unknown, n: number): boolean {
  if (!Array.isArray(value)) return value === n;
  const [number, bytes] = value as [number, Uint8Array];
  return number === n && bytes.length === 300_000 && bytes[0] === n % 251 && bytes.at(-1) === n % 251;
}

/** Rounds for so many milliseconds; the seed is the first one's. `tell` hears of each thousand calls. */
export function soak(
  kind: Kind,
  options: { readonly milliseconds: number; readonly seed: number; readonly tell?: (counts: SoakCounts) => void },
): Promise<SoakCounts> {
  const counts: SoakCounts = { rounds: 0, calls: 0, outcomes: {}, kills: 0, crashes: 0 };
  const { TMPDIR } = process.env;
  return withTempFolder(async (folder) => {
    process.env.TMPDIR = `${folder}/tmp`;
    mkdirSync(`${folder}/tmp`);
    try {
      const end = Date.now() + options.milliseconds;
      let warm: number | undefined;
      for (; Date.now() < end; counts.rounds++) {
        const seed = options.seed + counts.rounds;
        try {
          await new Round(kind, randomNumbers(seed), folder, counts).run();
          await holdNothingIsLeft(`${folder}/tmp`, warm);
        } catch (error) {
          throw new Error(`A round failed, again by --seed=${seed} --kind=${kind.name}: ${(error as Error).message}`, {
            cause: error,
          });
        }
        rmSync(`${folder}/lines`, { force: true });
        warm ??= descriptors() + 3; // what a host opens now and then for itself
        options.tell?.(counts);
      }
    } finally {
      if (TMPDIR === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = TMPDIR;
    }
    return counts;
  });
}

async function holdNothingIsLeft(folder: string, most: number | undefined): Promise<void> {
  await until("all workers are gone", () => liveProcesses().length === 0 && liveThreads().length === 0);
  await until("all descriptors are closed", () => descriptors() <= (most ?? Infinity));
  assert.deepEqual(readdirSync(folder).filter((name) => name.startsWith("ergate")), []);
}
