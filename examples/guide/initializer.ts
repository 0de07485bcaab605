/** A function that each worker calls once, before its first task: here for two workers and ten tasks. */
import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { sleep } from "./pace.ts";

let greeting = "";

export function initializeWorker(words: string): void {
  console.log("Initializing worker process.");
  greeting = words; // What it stores is there for all tasks of this worker.
}

export async function work(value: number): Promise<string> {
  await sleep(4);
  return `${greeting} ${value}`;
}

tasks(import.meta, { initializeWorker, work });

if (isMain(import.meta)) {
  await using executor = new ProcessPoolExecutor({
    maxWorkers: 2,
    initializer: initializeWorker,
    initargs: ["This is"],
  });
  for await (const result of executor.map(work, Array(10).keys())) console.log(result);
}

// Prints, in any order:
//   Initializing worker process.
//   Initializing worker process.
//   This is 0
//   This is 1
//   This is 2
//   This is 3
//   This is 4
//   This is 5
//   This is 6
//   This is 7
//   This is 8
//   This is 9
