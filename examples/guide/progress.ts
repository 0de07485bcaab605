/** Shows progress: a dot for each task that has ended. */
import process from "node:process";
import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { Pool } from "@ergate/ergate/pool";
import { sleep } from "./pace.ts";

export async function work(): Promise<void> {
  await sleep(Math.random());
}
tasks(import.meta, { work });

function printDot(): void {
  process.stdout.write(".");
}

if (isMain(import.meta)) {
  {
    await using executor = new ProcessPoolExecutor(2);
    for (const _ of Array(20)) executor.submit(work).addDoneCallback(printDot);
  }
  console.log("\nDone!");

  await using pool = new Pool(1);
  for (const _ of Array(20)) pool.applyAsync(work, [], { callback: printDot });
  pool.close();
  await pool.join();
  console.log("\nDone!");
}

// Prints:
//   ....................
//   Done!
//   ....................
//   Done!
