/** Uses results in the order in which they come: the quickest first. */
import { asCompleted, isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { Pool } from "@ergate/ergate/pool";
import { sleep } from "./pace.ts";

export async function work(value: number): Promise<number> {
  await sleep(Math.random());
  return value;
}
tasks(import.meta, { work });

if (isMain(import.meta)) {
  const values = [...Array(10).keys()];

  await using executor = new ProcessPoolExecutor(2);
  const futures = values.map((value) => executor.submit(work, value));
  for await (const future of asCompleted(futures)) console.log(await future);

  // Where nobody needs the futures, a Pool does it in one line.
  await using pool = new Pool(2);
  for await (const result of pool.imapUnordered(work, values)) console.log(`>got ${result}`);
}

// Prints, in any order:
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
// and then, in any order:
//   >got 0
//   >got 1
//   >got 2
//   >got 3
//   >got 4
//   >got 5
//   >got 6
//   >got 7
//   >got 8
//   >got 9
