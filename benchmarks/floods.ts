/** Many small calls at once: what a call costs. */
import process from "node:process";
import { Pool, ThreadPool } from "../pool/mod.ts";
import { bareWorkers, pools, WORKERS } from "./kinds.ts";
import type { Contestant, Row } from "./harness.ts";
import { identity, napOrSpin } from "./tasks.ts";

/** Calls in a message of the bare workers. */
const BATCH = 1000;

/** The small nested object. */
const NESTED = { id: 17, user: { name: "Ada Lovelace", tags: ["admin", "author"] }, size: { width: 3, height: 4.5 } };

/** Submits `count` calls in one turn, and awaits them all. */
async function flood(count: number, quick: boolean, value: (index: number) => unknown): Promise<Contestant[]> {
  const submitting = await pools(quick, async (pool) => {
    const futures = Array.from({ length: count }, (_, index) => pool.submit(identity, value(index)));
    await Promise.all(futures);
  });
  const bare = await bareWorkers(quick, async ({ ask }) => {
    const answers: Promise<unknown>[] = [];
    for (let begin = 0; begin < count; begin += BATCH) {
      const length = Math.min(BATCH, count - begin);
      const calls = Array.from({ length }, (_, i) => ({ id: begin + i, name: "identity", args: [value(begin + i)] }));
      answers.push(ask(calls));
    }
    await Promise.all(answers);
  });
  return [...submitting, ...bare];
}

const MULTI_POOLS = [["Pool.map", Pool], ["ThreadPool.map", ThreadPool]] as const;

/** Maps over `count` numbers, with defaults, and takes the results as an array. */
async function mapInts(count: number, quick: boolean): Promise<Contestant[]> {
  const numbers = Array.from({ length: count }, (_, index) => index);
  function check(results: readonly number[]): void {
    if (results[count - 1] !== count - 1) throw new Error("The results are not the numbers");
  }
  return [
    ...await pools(quick, async (pool) => check(await pool.map(identity, numbers).toArray())),
    ...await Promise.all(MULTI_POOLS.map(byMultiPool)),
  ];

  async function byMultiPool([name, Class]: (typeof MULTI_POOLS)[number]): Promise<Contestant> {
    const pool = new Class(WORKERS);
    await Promise.all(Array.from({ length: WORKERS }, () => pool.apply(napOrSpin, [1, 0])));
    return {
      name,
      run: async () => check(await pool.map(identity<number>, numbers)),
      close: () => pool[Symbol.asyncDispose](),
    };
  }
}

/** Submits `count` calls in one turn, and awaits them all; also finds what memory one takes while it is pending. */
async function pending(count: number, quick: boolean): Promise<Contestant[]> {
  const found = new Map<string, Record<string, number>>();
  const contestants = await pools(quick, async (pool, { name }) => {
    const before = process.memoryUsage.rss();
    const futures = Array.from({ length: count }, (_, index) => pool.submit(identity, index));
    const bytes = (process.memoryUsage.rss() - before) / count;
    // Later rounds use memory again.
    if (!found.has(name)) found.set(name, { "bytes a call": Math.round(bytes) });
    await Promise.all(futures);
  });
  return contestants.map((contestant) => ({
    ...contestant,
    get found() {
      return found.get(contestant.name);
    },
  }));
}

/** The rows of this file. */
export const ROWS: readonly Row[] = [
  {
    name: "flood of `submit(f, int)`",
    count: 100_000,
    quick: 2000,
    unit: "calls",
    rounds: 7,
    warm: true,
    open: (count, quick) => flood(count, quick, (index) => index),
  },
  {
    name: "flood of a small nested object",
    count: 100_000,
    quick: 2000,
    unit: "calls",
    rounds: 5,
    warm: true,
    open: (count, quick) => flood(count, quick, (index) => ({ ...NESTED, id: index })),
  },
  {
    name: "`map` of ints, `toArray()`",
    count: 1_000_000,
    quick: 5000,
    unit: "items",
    rounds: 5,
    warm: true,
    open: mapInts,
  },
  { name: "pending at once", count: 1_000_000, quick: 5000, unit: "calls", rounds: 1, warm: false, open: pending },
];
