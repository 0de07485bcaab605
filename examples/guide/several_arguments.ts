/** Submits a task with several arguments, twice: both calls run at the same time. */
import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { sleep } from "./pace.ts";

export async function slowAdd(seconds: number, x: number, y: number): Promise<number> {
  await sleep(seconds);
  return x + y;
}
tasks(import.meta, { slowAdd });

if (isMain(import.meta)) {
  await using executor = new ProcessPoolExecutor(2);
  const result1 = executor.submit(slowAdd, 1, 6, 7);
  const result2 = executor.submit(slowAdd, 1, 2, 3);
  console.log(`Result one is ${await result1}`);
  console.log(`Result two is ${await result2}`);
}

// Prints:
//   Result one is 13
//   Result two is 5
