/** Callbacks of futures: called with the future as soon as it is done, in the order in which they were added. */
import { type Future, isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { sleep } from "./pace.ts";

export async function announce(): Promise<void> {
  await sleep(1);
  console.log("Task is done");
}

export async function work(value: number): Promise<number> {
  await sleep(Math.random());
  return value;
}

tasks(import.meta, { announce, work });

async function customCallback(future: Future<number>): Promise<void> {
  console.log(`Callback 1: ${await future}`);
}

async function otherCallback(future: Future<number>): Promise<void> {
  console.log(`Callback 2: ${await future}`);
}

if (isMain(import.meta)) {
  {
    await using executor = new ProcessPoolExecutor(1);
    executor.submit(announce).addDoneCallback(() => console.log("Custom callback was called"));
  }

  await using executor = new ProcessPoolExecutor(2);
  for (const value of Array(4).keys()) {
    const future = executor.submit(work, value);
    future.addDoneCallback(customCallback);
    future.addDoneCallback(otherCallback);
  }
}

// Prints, in any order, as what a task prints takes a way of its own:
//   Task is done
//   Custom callback was called
// and then, in any order, the second callback of each future behind its first:
//   Callback 1: 0
//   Callback 2: 0
//   Callback 1: 1
//   Callback 2: 1
//   Callback 1: 2
//   Callback 2: 2
//   Callback 1: 3
//   Callback 2: 3
