/** What tasks print comes line by line, as it is printed. Unlike in Python, nothing needs to be flushed. */
import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { Pool } from "@ergate/ergate/pool";
import { sleep } from "./pace.ts";

export async function task(value: number): Promise<void> {
  await sleep(value);
  console.log(`Done: ${value}`);
}
tasks(import.meta, { task });

if (isMain(import.meta)) {
  {
    await using executor = new ProcessPoolExecutor(1);
    executor.map(task, Array(5).keys());
  }
  console.log("All done!");

  await using pool = new Pool(1);
  await pool.map(task, [0, 1]);
  pool.close();
  await pool.join(); // waits for the workers' output as well
  console.log("All done!");
}

// Prints:
//   Done: 0
//   Done: 1
//   Done: 2
//   Done: 3
//   Done: 4
//   All done!
//   Done: 0
//   Done: 1
//   All done!
