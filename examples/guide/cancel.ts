/** Cancels a call that waits, one that runs, and one that has ended: only the first can be cancelled. */
import { type Future, isMain, ProcessPoolExecutor, tasks, wait } from "@ergate/ergate";
import { sleep } from "./pace.ts";

export async function work(seconds: number): Promise<void> {
  await sleep(seconds);
}
tasks(import.meta, { work });

function status(future: Future<void>): string {
  return `running=${future.running()}, cancelled=${future.cancelled()}, done=${future.done()}`;
}

if (isMain(import.meta)) {
  await using executor = new ProcessPoolExecutor(1);
  const first = executor.submit(work, 20);
  while (!first.running()) await sleep(0.1); // its worker is a process, which has to start
  console.log(`First task running=${first.running()}`);

  // Unlike Python, where that sometimes fails, a call that waits behind another can always be cancelled.
  const second = executor.submit(work, 0.1);
  console.log(`Second task running=${second.running()}`);
  console.log(`Second task was cancelled: ${second.cancel()}`);
  await wait([second]);
  console.log(`Second task ${status(second)}`);

  console.log(`First task was cancelled: ${first.cancel()}`);
  await wait([first]);
  console.log(`First task ${status(first)}`);
  console.log(`First task was cancelled: ${first.cancel()}`);
  console.log(`First task ${status(first)}`);
}

// Prints:
//   First task running=true
//   Second task running=false
//   Second task was cancelled: true
//   Second task running=false, cancelled=true, done=true
//   First task was cancelled: false
//   First task running=false, cancelled=false, done=true
//   First task was cancelled: false
//   First task running=false, cancelled=false, done=true
