/** The kinds of pool that are measured; a new kind joins the list. */
import { type Executor, ProcessPoolExecutor, ThreadPoolExecutor } from "../mod.ts";
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
  { name: "threads", make: (workers) => new ThreadPoolExecutor(workers) },
  { name: "processes", make: (workers) => new ProcessPoolExecutor(workers) },
];

/** Workers of every pool that is measured. */
export const WORKERS = 2;

const sharedPools = new Map<Kind, Promise<Executor>>();

/** Makes a pool whose workers have started. */
async function started({ make }: Kind): Promise<Executor> {
  const pool = make(WORKERS);
  await Promise.all(Array.from({ length: WORKERS }, () => pool.submit(napOrSpin, 1, 0)));
  return pool;
}

/**
 * Pools of all kinds that do the same. Their workers have started before anything is measured. Each row has pools of its
 * own, which have seen no other work; but the short form, of which starts would be most, has the same for all.
 */
export async function pools(
  quick: boolean,
  run: (pool: Executor, kind: Kind) => Promise<number | void>,
): Promise<Contestant[]> {
  const contestants: Contestant[] = [];
  for (const kind of KINDS) {
    if (quick && !sharedPools.has(kind)) sharedPools.set(kind, started(kind));
    const pool = await (quick ? sharedPools.get(kind)! : started(kind));
    contestants.push({
      name: kind.name,
      run: () => run(pool, kind),
      close: () => quick ? Promise.resolve() : pool.shutdown(),
    });
  }
  return contestants;
}

/** What every host brings itself: a thread and a child, without a pool. */
const BARE: Readonly<Record<string, () => Promise<Bare>>> = { "bare thread": openThread, "bare child": openChild };

const sharedBare = new Map<string, Promise<Bare>>();

/** Bare workers that do the same; in the short form, again, they are the same for all rows. */
export async function bareWorkers(
  quick: boolean,
  run: (bare: Bare) => Promise<number | void>,
): Promise<Contestant[]> {
  const contestants: Contestant[] = [];
  for (const [name, open] of Object.entries(BARE)) {
    if (quick && !sharedBare.has(name)) sharedBare.set(name, open());
    const bare = await (quick ? sharedBare.get(name)! : open());
    contestants.push({ name, run: () => run(bare), close: () => quick ? Promise.resolve() : bare.close() });
  }
  return contestants;
}

/** Ends what rows in their short form have shared. */
export async function closeShared(): Promise<void> {
  for (const pool of sharedPools.values()) await (await pool).shutdown();
  for (const bare of sharedBare.values()) await (await bare).close();
}
