/** Waits for a result: as long as it takes, and no longer than some time. */
import { isMain, ProcessPoolExecutor, tasks, TimeoutError } from "@ergate/ergate";
import { SECOND, sleep } from "./pace.ts";

export async function work(seconds: number): Promise<string> {
  await sleep(seconds);
  return "all done";
}
tasks(import.meta, { work });

if (isMain(import.meta)) {
  await using executor = new ProcessPoolExecutor(1);
  console.log(`Got Result: ${await executor.submit(work, 1)}`);

  const future = executor.submit(work, 10);
  try {
    console.log(`Got Result: ${await future.result(0.5 * SECOND)}`);
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    console.log("Gave up waiting for a result"); // The call goes on.
  }
}

// Prints:
//   Got Result: all done
//   Gave up waiting for a result
