/** A pool under load of which a worker is killed again and again: the measure of "one call a kill". */
import assert from "node:assert/strict";
import { WorkerLostError } from "../mod.ts";
import { randomNumbers, sleep, withTempFolder } from "./harness.ts";
import type { Kind } from "./kinds.ts";
import { readLines } from "./latch.ts";
import { setUp, work } from "./tasks_soak.ts";

/** What was seen. */
export interface KilledLoad {
  readonly calls: number;
  readonly kills: number;
  readonly lost: number;
}

/** Workers, and calls that are submitted beside each other. */
const WORKERS = 4;
const PENDING = 40;

/**
 * Has four workers run calls of some milliseconds for so long, and kills one of them every 100 ms. Each call returns what it
 * should or is told to be lost, by a worker of its own.
 */
export function killUnderLoad(
  kind: Kind,
  { milliseconds, seed }: { readonly milliseconds: number; readonly seed: number },
): Promise<KilledLoad> {
  return withTempFolder(async (folder) => {
    const random = randomNumbers(seed);
    const pool = kind.make({
      maxWorkers: WORKERS,
      initializer: setUp as (...args: unknown[]) => void,
      initargs: [`${folder}/lines`],
    });
    const end = Date.now() + milliseconds;
    const lostBy = new Map<string, number>();
    let calls = 0;
    let kills = 0;
    async function submit(): Promise<void> {
      while (Date.now() < end) {
        const n = calls++;
        try {
          assert.equal(await pool.submit(work, n, random() < 0.5 ? "spin" : "sleep", 1 + 5 * random()), n);
        } catch (error) {
          assert(error instanceof WorkerLostError, String(error));
          lostBy.set(error.workerName, (lostBy.get(error.workerName) ?? 0) + 1);
        }
      }
    }
    async function kill(): Promise<void> {
      while (Date.now() < end) {
        await sleep(100);
        // Of those that are at work: starts that are killed one after the other break a pool, as they should.
        const atWork = new Set(readLines(`${folder}/lines`).slice(-100).map((line) => Number(line.split(" ")[1])));
        const workers = kind.workers().filter((id) => atWork.has(id));
        if (workers.length === 0) continue;
        kind.kill(workers[Math.floor(random() * workers.length)]);
        kills++;
      }
    }
    await Promise.all([kill(), ...Array.from({ length: PENDING }, submit)]);
    await pool.shutdown();
    for (const [name, count] of lostBy) assert.equal(count, 1, `${count} calls were lost with worker ${name}`);
    const lost = lostBy.size;
    assert(lost <= kills, `${lost} calls were lost by ${kills} kills`);
    return { calls, kills, lost };
  });
}
