/**
 * Processor time per call of a `map`, beside the same work done serially. On a shared machine it says more than the time
 * on the wall: the work of others does not count.
 *
 * Run it by `deno run -A`, `bun` or `node`; `--quick` is a short form that shows that all works. The best speed-up is
 * what free cores could give, `serial / (parent + workers) * cores`; what starts of workers cost comes on top, and is in
 * the rows of hash_words in `main.ts`.
 */
import { createRequire } from "node:module";
import process from "node:process";
import { hashWord, hashWordTenTimes } from "../examples/hash_tasks.ts";
import { type Executor, isMain } from "../mod.ts";
import { hostName, median, table } from "./harness.ts";
import { KINDS, WORKERS } from "./kinds.ts";
import { type CpuTime, cpuTime, nothing } from "./tasks.ts";

const ROUNDS = 3;

const TASKS: Readonly<Record<string, (word: string) => unknown>> = {
  nothing,
  "one round": hashWord,
  "ten rounds": hashWordTenTimes,
};

/** Microseconds of processor time of this process while `run` runs. */
async function spent(run: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** Processor time of all other processes that work for the pool so far, by asking until each has answered; 0 for threads. */
async function workersTime(pool: Executor): Promise<number> {
  const times = new Map<number, CpuTime>();
  while (times.size < WORKERS) {
    const answers = Array.from({ length: 4 * WORKERS }, () => pool.submit(cpuTime));
    for (const time of await Promise.all(answers)) times.set(time.pid, time);
    if (times.has(process.pid)) return 0; // a thread's time is in its process's
  }
  return Array.from(times.values(), ({ user, system }) => user + system).reduce((sum, time) => sum + time);
}

/** The line of a task on a pool. */
async function measure(name: string, pool: Executor, words: readonly string[], rounds: number): Promise<string[]> {
  const task = TASKS[name];
  const serial: number[] = [];
  const parent: number[] = [];
  const workers: number[] = [];
  for (let round = 0; round < rounds; round++) {
    serial.push(await spent(() => words.map((word) => task(word))));
    const before = await workersTime(pool);
    parent.push(await spent(() => pool.map(task, words).toArray()));
    workers.push(await workersTime(pool) - before);
  }
  const [alone, here, there] = [serial, parent, workers].map((times) => median(times) / words.length);
  const best = (WORKERS * alone / (here + there)).toFixed(2);
  return [...[alone, here].map((time) => time.toFixed(2)), there === 0 ? "" : there.toFixed(2), best];
}

if (isMain(import.meta)) {
  const quick = process.argv.includes("--quick");
  const words = (createRequire(import.meta.url)("an-array-of-english-words") as string[]).slice(
    0,
    quick ? 500 : Infinity,
  );
  const lines: string[][] = [];
  for (const { name, make } of KINDS) {
    const pool = make(WORKERS);
    for (const task of Object.keys(TASKS)) {
      lines.push([task, name, ...await measure(task, pool, words, quick ? 1 : ROUNDS)]);
    }
    await pool.shutdown();
  }
  console.log(`${hostName()}, microseconds of processor time per call, medians; for threads the parent's are all\n`);
  console.log(table(["task", "by", "serial", "parent", "workers", "best speed-up"], lines, 2).join("\n"));
}
