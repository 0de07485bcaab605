/** A callback is called as well when its call is cancelled: at once, before `cancel()` returns. */
import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { sleep } from "./pace.ts";

export async function work(seconds: number): Promise<void> {
  await sleep(seconds);
}
tasks(import.meta, { work });

if (isMain(import.meta)) {
  await using executor = new ProcessPoolExecutor(1);
  const first = executor.submit(work, 20);
  while (!first.running()) await sleep(0.1); // its worker is a process, which has to start
  console.log(`First task running=${first.running()}`);
  const second = executor.submit(work, 0.1);
  console.log(`Second task running=${second.running()}`);
  second.addDoneCallback(() => console.log("Custom callback was called"));
  console.log(`Second task was cancelled: ${second.cancel()}`);
}

// Prints:
//   First task running=true
//   Second task running=false
//   Custom callback was called
//   Second task was cancelled: true
