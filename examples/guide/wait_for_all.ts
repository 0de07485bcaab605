/** Four ways to wait until all tasks have ended. */
import { isMain, ProcessPoolExecutor, tasks, wait } from "@ergate/ergate";
import { Pool } from "@ergate/ergate/pool";
import { sleep } from "./pace.ts";

export async function work(way: string, value: number): Promise<void> {
  await sleep(Math.random());
  console.log(`${way} ${value}`);
}
tasks(import.meta, { work });

async function byWait(): Promise<void> {
  await using executor = new ProcessPoolExecutor(2);
  const futures = [0, 1, 2].map((value) => executor.submit(work, "wait", value));
  await wait(futures);
}

async function byBlock(): Promise<void> {
  await using executor = new ProcessPoolExecutor(1);
  for (const value of [0, 1, 2]) executor.submit(work, "block", value);
}

async function byShutdown(): Promise<void> {
  const executor = new ProcessPoolExecutor(1);
  for (const value of [0, 1, 2]) executor.submit(work, "shutdown", value);
  await executor.shutdown();
}

async function byResult(): Promise<void> {
  await using pool = new Pool(1);
  const result = pool.starmapAsync(work, [["result", 0], ["result", 1], ["result", 2]]);
  await result.wait();
}

if (isMain(import.meta)) {
  for (const way of [byWait, byBlock, byShutdown, byResult]) {
    await way();
    console.log("All tasks are done!");
  }
}

// Prints, in any order:
//   wait 0
//   wait 1
//   wait 2
// and then:
//   All tasks are done!
// and then, in any order:
//   block 0
//   block 1
//   block 2
// and then:
//   All tasks are done!
// and then, in any order:
//   shutdown 0
//   shutdown 1
//   shutdown 2
// and then:
//   All tasks are done!
// and then, in any order:
//   result 0
//   result 1
//   result 2
// and then:
//   All tasks are done!
