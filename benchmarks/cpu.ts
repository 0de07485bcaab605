/** Tasks that need a core: what of two cores a pool brings, and calls of very different lengths. */
import type { Executor } from "../mod.ts";
import { type Bare, openChild, openThread } from "./bare/open.ts";
import type { Contestant, Row } from "./harness.ts";
import { pools, WORKERS } from "./kinds.ts";
import { napOrSpin, spin } from "./tasks.ts";
import { roundsOf, spinTimes } from "./work.ts";

/** Two bare threads, each with half of the tasks in one message: what the machine has to give. */
async function halves(count: number, rounds: number): Promise<Contestant> {
  const threads = await Promise.all(Array.from({ length: WORKERS }, () => openThread()));
  return {
    name: "two bare threads",
    async run() {
      await Promise.all(threads.map(({ ask }) => ask({ name: "spinTimes", args: [count / WORKERS, rounds] })));
    },
    close: () => Promise.all(threads.map((thread) => thread.close())),
  };
}

/** Runs `count` tasks of so many microseconds, on pools and serially. */
async function tasksOf(
  microseconds: number,
  count: number,
  quick: boolean,
  run: (pool: Executor, rounds: readonly number[]) => Promise<unknown>,
): Promise<Contestant[]> {
  const each = roundsOf(microseconds);
  const rounds: readonly number[] = Array(count).fill(each);
  return [
    { name: "serial", run: () => Promise.resolve(void spinTimes(count, each)) },
    ...await pools(quick, async (pool) => void await run(pool, rounds)),
    await halves(count, each),
  ];
}

function byMap(pool: Executor, rounds: readonly number[]): Promise<unknown> {
  return pool.map(spin, rounds).toArray();
}

function bySubmit(pool: Executor, rounds: readonly number[]): Promise<unknown> {
  return Promise.all(rounds.map((each) => pool.submit(spin, each)));
}

/** A call of the mixed row: so many milliseconds of nap, or so many rounds. */
type Call = readonly [nap: number, rounds: number];

/** Microseconds of a short call. */
const SHORT = 10;

/** How many long calls there are, evenly among the short ones: the first and the last are long. */
const LONG = 4;

function mixedCalls(count: number, nap: number): Call[] {
  const rounds = roundsOf(SHORT);
  const calls = Array.from({ length: count }, (): Call => [0, rounds]);
  for (let i = 0; i < LONG; i++) calls[Math.round(i * (count - 1) / (LONG - 1))] = [nap, 0];
  return calls;
}

/** A pool as small as can be: each of two bare workers is sent the next call when it has answered. */
async function oneAtATime(name: string, open: () => Promise<Bare>, calls: readonly Call[]): Promise<Contestant> {
  const workers = await Promise.all(Array.from({ length: WORKERS }, () => open()));
  return {
    name,
    async run() {
      let next = 0;
      await Promise.all(workers.map(async ({ ask }) => {
        while (next < calls.length) await ask({ name: "napOrSpin", args: calls[next++] });
      }));
    },
    close: () => Promise.all(workers.map((worker) => worker.close())),
  };
}

async function mixed(
  count: number,
  quick: boolean,
  run: (pool: Executor, calls: readonly Call[]) => Promise<unknown>,
): Promise<Contestant[]> {
  const calls = mixedCalls(count, quick ? 20 : 1000);
  return [
    ...await pools(quick, async (pool) => void await run(pool, calls)),
    await oneAtATime("one at a time, threads", openThread, calls),
    await oneAtATime("one at a time, children", openChild, calls),
  ];
}

function mixedByMap(pool: Executor, calls: readonly Call[]): Promise<unknown> {
  return pool.map(napOrSpin, calls.map(([nap]) => nap), calls.map(([, rounds]) => rounds)).toArray();
}

function mixedBySubmit(pool: Executor, calls: readonly Call[]): Promise<unknown> {
  return Promise.all(calls.map(([nap, rounds]) => pool.submit(napOrSpin, nap, rounds)));
}

/** The rows of this file. */
export const ROWS: readonly Row[] = [
  {
    name: "CPU tasks of 0.5 ms, `map`",
    count: 1000,
    quick: 20,
    unit: "calls",
    rounds: 3,
    warm: true,
    open: (count, quick) => tasksOf(500, count, quick, byMap),
  },
  {
    name: "CPU tasks of 0.5 ms, `submit`",
    count: 1000,
    quick: 20,
    unit: "calls",
    rounds: 3,
    warm: true,
    open: (count, quick) => tasksOf(500, count, quick, bySubmit),
  },
  {
    name: "CPU tasks of 20 µs, `map`",
    count: 25_000,
    quick: 500,
    unit: "calls",
    rounds: 3,
    warm: true,
    open: (count, quick) => tasksOf(20, count, quick, byMap),
  },
  {
    name: "CPU tasks of 20 µs, `submit`",
    count: 25_000,
    quick: 500,
    unit: "calls",
    rounds: 3,
    warm: true,
    open: (count, quick) => tasksOf(20, count, quick, bySubmit),
  },
  {
    name: "calls of 1 s and 10 µs mixed, `map`",
    count: 4000,
    quick: 100,
    unit: "calls",
    rounds: 3,
    warm: false,
    open: (count, quick) => mixed(count, quick, mixedByMap),
  },
  {
    name: "calls of 1 s and 10 µs mixed, `submit`",
    count: 4000,
    quick: 100,
    unit: "calls",
    rounds: 3,
    warm: false,
    open: (count, quick) => mixed(count, quick, mixedBySubmit),
  },
];
