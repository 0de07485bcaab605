/**
 * A worker dies in the middle of the work: one call fails, all others have their results, and the pool works on.
 *
 * Run it by `deno run -A`, `bun` or `node`.
 */
import process from "node:process";
import { isMain, ProcessPoolExecutor, tasks, WorkerLostError } from "../mod.ts";

export function square(n: number): number {
  if (n === 3) process.kill(process.pid, "SIGKILL"); // as a crash in native code would end it, or the system, short of memory
  return n * n;
}
tasks(import.meta, { square });

if (isMain(import.meta)) {
  await using pool = new ProcessPoolExecutor(2);
  const futures = [1, 2, 3, 4, 5].map((n) => pool.submit(square, n));
  for (const [index, future] of futures.entries()) {
    try {
      console.log(`square(${index + 1}) = ${await future}`);
    } catch (error) {
      if (!(error instanceof WorkerLostError)) throw error;
      console.log(`square(${index + 1}): lost with ${error.workerName}, ended by ${error.signal}`);
    }
  }
}
