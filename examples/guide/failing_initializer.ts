/** An initializer throws: the pool is broken, once, and says so. Python's Pool starts its workers again for ever. */
import { BrokenProcessPool, isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { Pool } from "@ergate/ergate/pool";

export function initializeWorker(): void {
  throw new Error("Something bad happened!");
}

export function work(value: number): number {
  return value;
}

tasks(import.meta, { initializeWorker, work });

async function show(result: () => PromiseLike<unknown>): Promise<void> {
  try {
    console.log(await result());
  } catch (error) {
    if (!(error instanceof BrokenProcessPool)) throw error;
    console.log(`${error.name}, as: ${(error.cause as Error).message}`);
  }
}

if (isMain(import.meta)) {
  await using executor = new ProcessPoolExecutor({ maxWorkers: 1, initializer: initializeWorker });
  await show(() => executor.map(work, Array(10).keys()).toArray());

  await using pool = new Pool({ processes: 1, initializer: initializeWorker });
  await show(() => pool.apply(work, [1]));
}

// Prints:
//   BrokenProcessPool, as: Something bad happened!
//   BrokenProcessPool, as: Something bad happened!
