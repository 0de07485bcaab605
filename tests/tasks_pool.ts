/** Tasks of the tests of `pool/`: those that have pools and processes of their own. */
import { execFileSync } from "node:child_process";
import { ProcessPoolExecutor, tasks } from "../mod.ts";
import { activeChildren, type CurrentProcess, currentProcess, Pool, Process, ThreadPool } from "../pool/mod.ts";
import { arrive, waitForFile } from "./latch.ts";
import { identity } from "./tasks.ts";

/** Maps over numbers in a pool of its own; gives them, and the names of the workers. */
export async function mapInside(hasProcesses: boolean, numbers: readonly number[]): Promise<unknown[]> {
  await using pool = hasProcesses ? new Pool(1) : new ThreadPool(1);
  return [await pool.map(identity, numbers), (await pool.apply(nameOfProcess)).name];
}

/** Goes down so many pools, one in a task of the other. */
export async function descend(hasProcesses: boolean, levels: number): Promise<number> {
  if (levels === 0) return 0;
  await using pool = hasProcesses ? new Pool(1) : new ThreadPool(1);
  return 1 + await pool.apply(descend, [hasProcesses, levels - 1]);
}

/** The process that this is. */
export function nameOfProcess(): CurrentProcess {
  return currentProcess();
}

/** Ends its process by a signal that has no name on every host. */
export function killByNumber(number: number): Promise<never> {
  execFileSync("kill", [`-${number}`, String(currentProcess().pid)]);
  return new Promise(() => {});
}

/** Leaves the name and pid of its process, and waits for `latch`, if there is one. */
export async function leaveName(arrivals: string, latch?: string): Promise<void> {
  const { name, pid } = currentProcess();
  arrive(arrivals, `${name} ${pid}`);
  if (latch !== undefined) await waitForFile(latch);
}

/** Starts a process of its own, and waits for it; and an executor. */
export async function startInside(arrivals: string): Promise<unknown[]> {
  const child = new Process({ target: leaveName, args: [arrivals], name: "inner" });
  child.start();
  const alive = activeChildren().length;
  await child.join();
  await using pool = new ProcessPoolExecutor(1);
  return [alive, child.exitcode, await pool.submit(identity, 1)];
}

tasks(import.meta, { mapInside, descend, nameOfProcess, killByNumber, leaveName, startInside });
