/** Kills all tasks of a Pool, whatever they are at. Who waits for their results is told so; in Python it waits for ever. */
import { isMain, tasks } from "@ergate/ergate";
import { Pool } from "@ergate/ergate/pool";
import { sleep } from "./pace.ts";

export async function task(identifier: number): Promise<void> {
  console.log(`Task ${identifier} running`);
  await sleep(1000);
  console.log(`Task ${identifier} done`);
}
tasks(import.meta, { task });

if (isMain(import.meta)) {
  await using pool = new Pool(2);
  const result = pool.mapAsync(task, Array(4).keys());
  await sleep(20);
  console.log("Killing all tasks");
  pool.terminate();
  await pool.join();
  try {
    await result.get();
  } catch (error) {
    console.log((error as Error).name);
  }
}

// Prints, after a line for each task that has begun:
//   …
//   Killing all tasks
//   …
//   BrokenProcessPool
