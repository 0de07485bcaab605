/**
 * Pools used at random: maps that are read, paused, abandoned and left, calls that are cancelled, workers that die, and
 * every end that a pool can have. Whatever happens, each item's outcome is one that it may have, in order; every promise
 * settles; and the pool counts to zero.
 */
import assert from "node:assert/strict";
import { CancelledError, type Executor, type MapResults } from "../mod.ts";
import { randomNumbers, seed, withLimit } from "./harness.ts";
import { forEachKind } from "./kinds.ts";
import { killSelf } from "./tasks.ts";
import { work } from "./tasks_random.ts";

const ROUNDS = 6;
/** Far longer than a round takes. */
const LIMIT = 30_000;

/** What may become of any call once workers die and pools end. */
const ENDS = ["WorkerLostError", "BrokenProcessPool", "BrokenThreadPool", "CancelledError", "ShutdownError"];

type Random = () => number;

function below(random: Random, end: number): number {
  return Math.floor(random() * end);
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[below(random, values.length)];
}

/** Numbers, some of them negative, and here and there what cannot be sent. */
function randomItems(random: Random): unknown[] {
  const bad = pick(random, [0, 0, 0.001, 0.05]);
  return Array.from({ length: below(random, pick(random, [5, 100, 6000])) }, () => {
    if (random() >= bad) return below(random, 100_000);
    return random() < 0.5 ? -1 - below(random, 100) : () => {};
  });
}

function checkOutcome(item: unknown, outcome: PromiseSettledResult<unknown>): void {
  if (outcome.status === "fulfilled") {
    const { value } = outcome;
    return assert.equal(Array.isArray(value) ? value[0] : value, item);
  }
  const { name, message } = outcome.reason as Error;
  if (ENDS.includes(name)) return;
  if (typeof item === "function") assert.equal(name, "PicklingError", message);
  else assert.deepEqual([name, message], ["RangeError", `${item} is negative`]);
}

/** A pause of a random length: none, some turns, or a few milliseconds. */
async function pause(random: Random): Promise<void> {
  for (let turns = pick(random, [0, 0, 1, 5]); turns > 0; turns--) await null;
  if (random() < 0.05) await new Promise((resolve) => setTimeout(resolve, below(random, 8)));
}

/** Reads a map, several items at a time, up to its end or to somewhere before. */
async function readMap(random: Random, results: MapResults<unknown>, items: readonly unknown[]): Promise<void> {
  const most = random() < 0.5 ? Infinity : below(random, items.length + 1);
  for (let index = 0; index < most;) {
    const asked = Array.from({ length: 1 + below(random, 4) }, () => results.next());
    for (const outcome of await Promise.allSettled(asked)) {
      if (outcome.status === "fulfilled" && outcome.value.done) return;
      if (outcome.status === "rejected" && outcome.reason.name === "ShutdownError" && index >= items.length) return;
      const { status } = outcome;
      checkOutcome(items[index++], status === "fulfilled" ? { status, value: outcome.value.value } : outcome);
    }
    await pause(random);
  }
  if (random() < 0.5) await results.return();
}

async function useMap(random: Random, pool: Executor): Promise<void> {
  const items = randomItems(random);
  const sized = random() < 0.6;
  const buffersize = random() < 0.3 ? 1 + below(random, 50) : undefined;
  const chunksize = random() < 0.3 ? 1 + below(random, 50) : "auto";
  const iterable = sized ? items : items.values();
  const results = pool.map(work, iterable as number[], { buffersize, chunksize }) as MapResults<unknown>;
  if (random() < 0.1) return; // nobody reads it
  if (random() < 0.2) {
    await results.toArray().then((values) => assert.equal(values.length, items.length), () => {});
  } else await readMap(random, results, items);
}

async function useSubmit(random: Random, pool: Executor): Promise<void> {
  const item = below(random, 100_000) - 100;
  const future = pool.submit(work, item);
  await pause(random);
  if (random() < 0.3 && future.cancel()) await assert.rejects(future, CancelledError);
  else checkOutcome(item, (await Promise.allSettled([future]))[0]);
}

async function useKill(pool: Executor): Promise<void> {
  checkOutcome(NaN, (await Promise.allSettled([pool.submit(killSelf, "kill")]))[0]);
}

async function use(random: Random, pool: Executor): Promise<void> {
  await pause(random);
  try {
    const kind = random();
    if (kind < 0.5) await useMap(random, pool);
    else if (kind < 0.95) await useSubmit(random, pool);
    else await useKill(pool);
  } catch (error) {
    if (!ENDS.includes((error as Error).name)) throw error; // the pool has ended meanwhile
  }
}

function end(random: Random, pool: Executor): Promise<void> {
  const way = random();
  if (way < 0.4) return pool.shutdown();
  if (way < 0.7) return pool.shutdown({ cancelFutures: true });
  return way < 0.85 ? pool.terminateWorkers() : pool.killWorkers();
}

forEachKind(
  "C36 C54 C72 pools used at random: every promise settles, with an outcome that it may have",
  async (kind) => {
    for (let round = 0; round < ROUNDS; round++) {
      const random = randomNumbers(seed() + round);
      const pool = kind.make({
        maxWorkers: 1 + below(random, 3),
        maxTasksPerChild: random() < 0.2 ? 1000 + below(random, 2000) : undefined,
        onWorkerLost: random() < 0.2 ? "break" : "replace",
      });
      try {
        const uses = Array.from({ length: 1 + below(random, 12) }, () => use(random, pool));
        if (random() < 0.5) await withLimit(Promise.all(uses), LIMIT, "what was begun did not end");
        else await pause(random);
        await withLimit(end(random, pool), LIMIT, "the pool did not end");
        await withLimit(Promise.all(uses), LIMIT, "what was begun did not end with the pool");
        assert.equal(pool.pendingCount, 0);
      } catch (error) {
        await pool.killWorkers();
        throw new Error(`Round ${round} failed, of seed ${seed() + round}: ${(error as Error).message}`, {
          cause: error,
        });
      }
    }
  },
);
