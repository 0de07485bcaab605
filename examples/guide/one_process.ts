/** Runs one function in a process of its own. For one long call; a pool is for many. */
import { isMain, tasks } from "@ergate/ergate";
import { Process } from "@ergate/ergate/pool";

export function task(): void {
  console.log("This is another process");
}
tasks(import.meta, { task });

if (isMain(import.meta)) {
  const process = new Process({ target: task });
  process.start();
  await process.join();
  console.log(`It ended with exit code ${process.exitcode}`);
}

// Prints:
//   This is another process
//   It ended with exit code 0
