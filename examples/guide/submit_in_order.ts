/** Submits calls one by one, and uses their results in the order of submission. */
import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { sleep } from "./pace.ts";

export async function work(value: number): Promise<number> {
  await sleep(Math.random());
  return value;
}
tasks(import.meta, { work });

if (isMain(import.meta)) {
  await using executor = new ProcessPoolExecutor(2);
  const futures = [...Array(10).keys()].map((value) => executor.submit(work, value));
  for (const future of futures) console.log(await future);
}

// Prints:
//   0
//   1
//   2
//   3
//   4
//   5
//   6
//   7
//   8
//   9
