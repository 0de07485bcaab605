/** Calls a function for each item. The results come in the order of the items, whichever call ends first. */
import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { Pool } from "@ergate/ergate/pool";
import { sleep } from "./pace.ts";

export async function work(value: number): Promise<number> {
  await sleep(Math.random());
  return value;
}

export async function combine(value1: string, value2: string): Promise<[string, string]> {
  await sleep(Math.random());
  return [value1, value2];
}

tasks(import.meta, { work, combine });

if (isMain(import.meta)) {
  await using executor = new ProcessPoolExecutor(2);
  for await (const result of executor.map(work, Array(10).keys())) console.log(result);

  // Several iterables give several arguments.
  for await (const [value1, value2] of executor.map(combine, ["1", "2", "3"], ["a", "b", "c"])) {
    console.log(`(${value1}, ${value2})`);
  }

  // A Pool's map waits for all of them.
  await using pool = new Pool(1);
  for (const result of await pool.map(work, Array(10).keys())) console.log(`>got ${result}`);
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
//   (1, a)
//   (2, b)
//   (3, c)
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
