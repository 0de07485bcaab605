/** Submits a second task for some results of the first round, while others are still to come. */
import { asCompleted, type Future, isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { sleep } from "./pace.ts";

/** Stands for chance: the same numbers each time. */
const VALUES = [0.9, 0.2, 0.7, 0.1, 0.4, 0.8, 0.3, 0.6, 0.5, 0.0];

export async function task1(index: number): Promise<number> {
  await sleep(VALUES[index]);
  return VALUES[index];
}

export async function task2(value1: number): Promise<[number, number]> {
  await sleep(value1);
  return [value1, value1 * 2];
}

tasks(import.meta, { task1, task2 });

if (isMain(import.meta)) {
  await using executor = new ProcessPoolExecutor(2);
  const first = VALUES.map((_, index) => executor.submit(task1, index));
  const second: Future<[number, number]>[] = [];
  for await (const future of asCompleted(first)) {
    const value = await future;
    console.log(`Task 1: ${value}`);
    if (value > 0.5) second.push(executor.submit(task2, value));
  }
  for await (const future of asCompleted(second)) {
    const [value1, value2] = await future;
    console.log(`Task 2: value1=${value1}, value2=${value2}`);
  }
}

// Prints, in any order:
//   Task 1: 0
//   Task 1: 0.1
//   Task 1: 0.2
//   Task 1: 0.3
//   Task 1: 0.4
//   Task 1: 0.5
//   Task 1: 0.6
//   Task 1: 0.7
//   Task 1: 0.8
//   Task 1: 0.9
// and then, in any order:
//   Task 2: value1=0.6, value2=1.2
//   Task 2: value1=0.7, value2=1.4
//   Task 2: value1=0.8, value2=1.6
//   Task 2: value1=0.9, value2=1.8
