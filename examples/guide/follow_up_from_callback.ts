/** A callback issues further tasks to the same Pool. */
import { isMain, tasks } from "@ergate/ergate";
import { Pool } from "@ergate/ergate/pool";
import { sleep } from "./pace.ts";

export async function task1(identifier: number): Promise<[number, number]> {
  const value = identifier / 10; // stands for chance
  await sleep(value);
  console.log(`>${identifier} generated ${value}`);
  return [identifier, value];
}

export async function task2(identifier: number, value: number): Promise<void> {
  await sleep(value);
  console.log(`>>${identifier} with ${value}, generated ${value * 2}`);
}

tasks(import.meta, { task1, task2 });

if (isMain(import.meta)) {
  await using pool = new Pool(2);
  const result = pool.mapAsync(task1, Array(10).keys(), {
    callback: (results) => {
      for (const [identifier, value] of results) {
        if (value > 0.5) pool.applyAsync(task2, [identifier, value]);
      }
    },
  });
  await result.wait(); // until the callback was called, too
  pool.close();
  await pool.join();
  console.log("All done.");
}

// Prints, in any order, each >> behind its >:
//   >0 generated 0
//   >1 generated 0.1
//   >2 generated 0.2
//   >3 generated 0.3
//   >4 generated 0.4
//   >5 generated 0.5
//   >6 generated 0.6
//   >7 generated 0.7
//   >8 generated 0.8
//   >9 generated 0.9
//   >>6 with 0.6, generated 1.2
//   >>7 with 0.7, generated 1.4
//   >>8 with 0.8, generated 1.6
//   >>9 with 0.9, generated 1.8
// and then:
//   All done.
