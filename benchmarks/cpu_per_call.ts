/**
 * Processor time per call of a `map`, in the parent and in the workers, beside the same work done serially. On a shared
 * machine it says more than the time on the wall: the work of others does not count.
 *
 * Run it by `deno run -A`, `bun` or `node`. `serial / (parent + workers) * cores` is the best speed-up that free cores
 * could give; what starts of workers cost comes on top, and is shown by `examples/hash_words.ts`.
 */
import { createRequire } from "node:module";
import process from "node:process";
import { isMain, ProcessPoolExecutor } from "../mod.ts";
import { type CpuTime, cpuTime, nothing, once, tenTimes } from "./cpu_tasks.ts";

const WORKERS = 2;
const ROUNDS = 3;

type Task = (word: string) => unknown;

/** Microseconds of processor time of this process while `run` runs. */
async function spent(run: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** Processor time of all workers so far, by asking until each has answered. */
async function workersTime(pool: ProcessPoolExecutor): Promise<number> {
  const times = new Map<number, CpuTime>();
  while (times.size < WORKERS) {
    const answers = Array.from({ length: 4 * WORKERS }, () => pool.submit(cpuTime));
    for (const time of await Promise.all(answers)) times.set(time.pid, time);
  }
  return Array.from(times.values(), ({ user, system }) => user + system).reduce((sum, time) => sum + time);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

async function measure(name: string, task: Task, words: readonly string[]): Promise<void> {
  const serial: number[] = [];
  const parent: number[] = [];
  const workers: number[] = [];
  const pool = new ProcessPoolExecutor(WORKERS);
  for (let round = 0; round < ROUNDS; round++) {
    serial.push(await spent(() => words.map((word) => task(word))));
    const before = await workersTime(pool);
    parent.push(await spent(() => pool.map(task, words).toArray()));
    workers.push(await workersTime(pool) - before);
  }
  await pool.shutdown();
  const [alone, here, there] = [serial, parent, workers].map((times) => median(times) / words.length);
  const best = (WORKERS * alone / (here + there)).toFixed(2);
  const figures = [alone, here, there].map((time) => time.toFixed(2).padStart(6)).join(" | ");
  console.log(`| ${name.padEnd(12)} | ${figures} | ${best.padStart(5)} |`);
}

if (isMain(import.meta)) {
  const words = createRequire(import.meta.url)("an-array-of-english-words") as string[];
  const { deno, bun, node } = process.versions as Record<string, string | undefined>;
  console.log(
    `${deno ? `Deno ${deno}` : bun ? `Bun ${bun}` : `Node ${node}`}, microseconds of CPU per call, medians\n`,
  );
  console.log("| task         | serial | parent | workers | best speed-up |");
  console.log("| ------------ | -----: | -----: | ------: | ------------: |");
  await measure("nothing", nothing, words);
  await measure("one round", once, words);
  await measure("ten rounds", tenTimes, words);
}
