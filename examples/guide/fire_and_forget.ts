/** Issues tasks for what they do, and never reads what they return. */
import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { Pool } from "@ergate/ergate/pool";
import { sleep } from "./pace.ts";

export async function work(value: number): Promise<void> {
  await sleep(Math.random());
  console.log(`Done: ${value}`);
}
tasks(import.meta, { work });

if (isMain(import.meta)) {
  {
    await using executor = new ProcessPoolExecutor(2);
    executor.map(work, Array(5).keys());
    // The end of the block waits for all of them.
  }
  console.log("All done!");

  await using pool = new Pool(1);
  pool.applyAsync(work, [5]);
  pool.mapAsync(work, [6, 7, 8, 9]);
  // A Pool's block waits for nothing: its end terminates the workers.
  pool.close();
  await pool.join();
  console.log("All done!");
}

// Prints, in any order:
//   Done: 0
//   Done: 1
//   Done: 2
//   Done: 3
//   Done: 4
// and then:
//   All done!
// and then, in any order:
//   Done: 5
//   Done: 6
//   Done: 7
//   Done: 8
//   Done: 9
// and then:
//   All done!
