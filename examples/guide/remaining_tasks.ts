/** Says how many tasks are left, each time that one has ended. */
import { asCompleted, isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { sleep } from "./pace.ts";

export async function work(): Promise<void> {
  await sleep(Math.random());
}
tasks(import.meta, { work });

if (isMain(import.meta)) {
  await using executor = new ProcessPoolExecutor(2);
  const futures = Array.from({ length: 50 }, () => executor.submit(work));
  console.log("Waiting for tasks to complete...");
  for await (const _ of asCompleted(futures)) {
    console.log(`About ${executor.pendingCount} tasks remain`);
  }
}

// Prints a line for each of 50 tasks:
//   Waiting for tasks to complete...
//   About … tasks remain
//   …
//   About 0 tasks remain
