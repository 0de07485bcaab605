/** Looks again and again whether five tasks have ended, and shows how they were shared out among the workers. */
import process from "node:process";
import { type Future, isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { sleep } from "./pace.ts";

export async function slowAdd(seconds: number, x: number, y: number): Promise<{ sum: number; pid: number }> {
  await sleep(seconds);
  return { sum: x + y, pid: process.pid };
}

export async function brokenFunction(seconds: number): Promise<{ sum: number; pid: number }> {
  await sleep(seconds);
  throw new RangeError("Called broken function");
}

tasks(import.meta, { slowAdd, brokenFunction });

if (isMain(import.meta)) {
  await using executor = new ProcessPoolExecutor(Number(process.argv[2] ?? 2));
  const futures: Future<{ sum: number; pid: number }>[] = [
    executor.submit(slowAdd, 3.1, 6, 7),
    executor.submit(slowAdd, 2.1, 1, 2),
    executor.submit(slowAdd, 1.1, 4, 5),
    executor.submit(slowAdd, 5.1, 3, 4),
    executor.submit(brokenFunction, 4.1),
  ];
  while (!futures.every((future) => future.done())) await sleep(1);

  const pids = new Set<number>();
  for (const [index, future] of futures.entries()) {
    const error = await future.exception() as Error | undefined;
    if (error) {
      console.log(`Task ${index} failed!`);
      console.log(`Error = ${error}`);
    } else {
      const { sum, pid } = await future;
      console.log(`Task ${index} was successful. Result is ${sum}`);
      pids.add(pid);
    }
  }
  console.log(`${executor.maxWorkers} workers: the results came from ${pids.size} processes`);
}

// Prints:
//   Task 0 was successful. Result is 13
//   Task 1 was successful. Result is 3
//   Task 2 was successful. Result is 9
//   Task 3 was successful. Result is 7
//   Task 4 failed!
//   Error = RangeError: Called broken function
//   2 workers: the results came from … processes
