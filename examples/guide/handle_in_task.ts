/** A task catches its own error, and returns something else. */
import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { Pool } from "@ergate/ergate/pool";
import { sleep } from "./pace.ts";

export async function work(): Promise<string> {
  await sleep(1);
  try {
    throw new Error("Something bad happened!");
  } catch {
    return "Unable to get the result";
  }
}
tasks(import.meta, { work });

if (isMain(import.meta)) {
  await using executor = new ProcessPoolExecutor(1);
  console.log(await executor.submit(work));

  await using pool = new Pool(1);
  console.log(await pool.applyAsync(work).get());
}

// Prints:
//   Unable to get the result
//   Unable to get the result
