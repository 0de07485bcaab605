/** A task throws: its future is done all the same, its callback is called, and it holds the error. */
import { isMain, ProcessPoolExecutor, tasks, wait } from "@ergate/ergate";
import { sleep } from "./pace.ts";

export async function work(): Promise<string> {
  await sleep(1);
  throw new Error("This is Fake!");
}
tasks(import.meta, { work });

if (isMain(import.meta)) {
  await using executor = new ProcessPoolExecutor(1);
  const future = executor.submit(work);
  future.addDoneCallback(() => console.log("Custom callback was called"));
  await wait([future]); // does not care what has become of it
  console.log(`Task running=${future.running()}, cancelled=${future.cancelled()}, done=${future.done()}`);
  const error = await future.exception() as Error;
  console.log(`Exception=${error.message}`);
  try {
    console.log(await future);
  } catch {
    console.log("Unable to get the result");
  }
}

// Prints:
//   Custom callback was called
//   Task running=false, cancelled=false, done=true
//   Exception=This is Fake!
//   Unable to get the result
