/**
 * `Pool` and `ThreadPool` used at random: all eight methods, callbacks that throw, workers that die, maps that are left, and every
 * end that a pool can have. Whatever happens, everything settles, with an outcome that it may have.
 */
import assert from "node:assert/strict";
import type { ImapResults, Pool } from "../pool/mod.ts";
import { randomNumbers, seed, withLimit } from "./harness.ts";
import { forEachKind } from "./kinds.ts";
import { makePool } from "./pool_kinds.ts";
import { killSelf } from "./tasks.ts";
import { work } from "./tasks_random.ts";

const ROUNDS = 3;
/** Far longer than a round takes. */
const LIMIT = 30_000;

/** What may become of any call once workers die and pools end. */
const ENDS = ["WorkerLostError", "BrokenProcessPool", "BrokenThreadPool", "ShutdownError"];

type Random = () => number;

function below(random: Random, end: number): number {
  return Math.floor(random() * end);
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[below(random, values.length)];
}

/** Numbers, here and there one for which the task throws. */
function randomItems(random: Random): number[] {
  const bad = pick(random, [0, 0, 0.001, 0.05]);
  return Array.from(
    { length: below(random, pick(random, [3, 100, 6000])) },
    () => random() < bad ? -1 - below(random, 100) : below(random, 100_000),
  );
}

/** The same items as an array, without a size, or one after the other. */
function asInput(
  random: Random,
  items: readonly number[],
): readonly number[] | Iterable<number> | AsyncIterable<number> {
  async function* later(): AsyncGenerator<number> {
    for (const [index, item] of items.entries()) {
      if (index % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      yield item;
    }
  }
  return pick(random, [() => items, () => items.values(), later])();
}

function valueOf(result: unknown): unknown {
  return Array.isArray(result) ? result[0] : result;
}

function checkError(error: unknown, items: readonly number[]): void {
  const { name, message } = error as Error;
  if (ENDS.includes(name)) return;
  assert.equal(name, "RangeError", message);
  assert.ok(items.some((item) => message === `${item} is negative`), message);
}

/** All values at once: those of all items, or one of the errors that there may be. */
async function useMap(random: Random, pool: Pool): Promise<void> {
  const items = randomItems(random);
  const options = { chunksize: random() < 0.3 ? 1 + below(random, 50) : undefined };
  const input = asInput(random, items);
  const told: unknown[] = [];
  function tell(outcome: unknown): void {
    told.push(outcome);
    if (random() < 0.3) throw new Error("a callback that throws");
  }
  const isAsync = random() < 0.5;
  const promise = isAsync
    ? pool.mapAsync(work, input, { ...options, callback: tell, errorCallback: tell }).get()
    : random() < 0.5
    ? pool.map(work, input, options)
    : pool.starmap(work, items.map((item): [number] => [item]), options);
  await promise.then(
    (values) => assert.deepEqual(values.map(valueOf), items),
    (error) => checkError(error, items),
  );
  assert.equal(told.length, isAsync ? 1 : 0);
}

/** Values one by one, to their end or to somewhere before. */
async function useImap(random: Random, pool: Pool): Promise<void> {
  const items = randomItems(random);
  const isOrdered = random() < 0.5;
  const buffersize = random() < 0.5 ? 1 + below(random, 50) : undefined;
  const results: ImapResults<unknown> = pool[isOrdered ? "imap" : "imapUnordered"](work, asInput(random, items), {
    buffersize,
  });
  if (random() < 0.1) return; // nobody reads it
  const most = random() < 0.5 ? Infinity : below(random, items.length + 1);
  const values: unknown[] = [];
  for (let asked = 0; asked < most; asked++) {
    try {
      const { done, value } = await results.next(random() < 0.1 ? below(random, 3) : undefined);
      if (done) break;
      values.push(valueOf(value));
    } catch (error) {
      if ((error as Error).name !== "TimeoutError") checkError(error, items);
    }
  }
  if (random() < 0.5) await results.return();
  if (isOrdered) {
    let at = -1;
    for (const value of values) assert.ok((at = items.indexOf(value as number, at + 1)) >= 0, "they come in order");
  } else {
    const left = Map.groupBy(items, (item) => item);
    for (const value of values) assert.ok(left.get(value as number)?.pop() !== undefined, `${value} came too often`);
  }
}

async function use(random: Random, pool: Pool): Promise<void> {
  if (random() < 0.3) await new Promise((resolve) => setTimeout(resolve, below(random, 8)));
  try {
    const kind = random();
    if (kind < 0.4) await useMap(random, pool);
    else if (kind < 0.75) await useImap(random, pool);
    else if (kind < 0.95) await pool.apply(work, [below(random, 1000)]);
    else await pool.applyAsync(killSelf, ["kill"]).get();
  } catch (error) {
    if (!ENDS.includes((error as Error).name)) throw error; // the pool has ended meanwhile
  }
}

forEachKind(
  "C171 C183 S43 S44 S50 pools of multiprocessing used at random: everything settles, with an outcome that it may have",
  async (kind) => {
    const original = console.error;
    console.error = () => {}; // callbacks throw here
    try {
      for (let round = 0; round < ROUNDS; round++) await runRound(seed() + round, (options) => makePool(kind, options));
    } finally {
      console.error = original;
    }
  },
);

async function runRound(from: number, make: (options: object) => Pool): Promise<void> {
  const random = randomNumbers(from);
  const pool = make({
    processes: 1 + below(random, 3),
    maxtasksperchild: random() < 0.2 ? 1000 + below(random, 2000) : undefined,
  });
  try {
    const uses = Array.from({ length: 1 + below(random, 10) }, () => use(random, pool));
    if (random() < 0.5) await withLimit(Promise.all(uses), LIMIT, "what was begun did not end");
    if (random() < 0.6) pool.close();
    else pool.terminate();
    await withLimit(pool.join(), LIMIT, "the pool did not end");
    await withLimit(Promise.all(uses), LIMIT, "what was begun did not end with the pool");
  } catch (error) {
    pool.terminate();
    throw new Error(`A round failed, of seed ${from}: ${(error as Error).message}`, { cause: error });
  }
}
