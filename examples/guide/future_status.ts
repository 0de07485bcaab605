/** What a future says of its call: while it runs, and when it has ended. */
import { isMain, ProcessPoolExecutor, tasks, wait } from "@ergate/ergate";
import { sleep } from "./pace.ts";

export async function work(): Promise<void> {
  await sleep(10);
}
tasks(import.meta, { work });

if (isMain(import.meta)) {
  await using executor = new ProcessPoolExecutor(1);
  const future = executor.submit(work);
  while (!future.running()) await sleep(0.1); // its worker is a process, which has to start
  console.log(`Future running=${future.running()}, done=${future.done()}`);
  await wait([future]);
  console.log(`Future running=${future.running()}, done=${future.done()}`);
}

// Prints:
//   Future running=true, done=false
//   Future running=false, done=true
