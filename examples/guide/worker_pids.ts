/** Shows that tasks run in other processes than the program. */
import process from "node:process";
import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { sleep } from "./pace.ts";

export async function slowFunction(seconds: number): Promise<[number, number]> {
  console.log(`Process ${process.pid} going to sleep for ${seconds} second(s)`);
  await sleep(seconds);
  console.log(`Process ${process.pid} waking up`);
  return [process.pid, seconds];
}
tasks(import.meta, { slowFunction });

if (isMain(import.meta)) {
  await using executor = new ProcessPoolExecutor(1);
  console.log(`Master process is PID ${process.pid}`);
  const [pid, seconds] = await executor.submit(slowFunction, 5);
  await executor.shutdown(); // what they print is there before that ends
  console.log(`Result is ${seconds}, ${pid === process.pid ? "of the same process" : "of another process"}`);
}

// Prints:
//   Master process is PID …
//   Process … going to sleep for 5 second(s)
//   Process … waking up
//   Result is 5, of another process
