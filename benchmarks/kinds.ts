/** The kinds of pool that are measured; a new kind joins the list. */
import { type Executor, ProcessPoolExecutor } from "../mod.ts";
import { type Bare, openChild, openThread } from "./bare/open.ts";
import type { Contestant } from "./harness.ts";
import { napOrSpin } from "./tasks.ts";

/** A kind of pool. */
export interface Kind {
  readonly name: string;
  /** Makes a pool of so many workers. */
  make(workers: number): Executor;
}

/** All of them. */
export const KINDS: readonly Kind[] = [
  { name: "processes", make: (workers) => new ProcessPoolExecutor(workers) },
];

/** Workers of every pool that is measured. */
export const WORKERS = 2;

/** Pools of all kinds that do the same. Their workers have started before anything is measured. */
export async function pools(run: (pool: Executor, kind: Kind) => Promise<number | void>): Promise<Contestant[]> {
  const contestants: Contestant[] = [];
  for (const kind of KINDS) {
    const pool = kind.make(WORKERS);
    await Promise.all(Array.from({ length: WORKERS }, () => pool.submit(napOrSpin, 1, 0)));
    contestants.push({ name: kind.name, run: () => run(pool, kind), close: () => pool.shutdown() });
  }
  return contestants;
}

/** What every host brings itself: a thread and a child, without a pool. */
const BARE: Readonly<Record<string, () => Promise<Bare>>> = { "bare thread": openThread, "bare child": openChild };

/** Bare workers that do the same. */
export async function bareWorkers(run: (bare: Bare) => Promise<number | void>): Promise<Contestant[]> {
  return await Promise.all(
    Object.entries(BARE).map(async ([name, open]) => {
      const bare = await open();
      return { name, run: () => run(bare), close: () => bare.close() };
    }),
  );
}
