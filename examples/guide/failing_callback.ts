/** A callback throws: that is reported, and harms nothing. Python's Pool waits for ever then. */
import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { Pool } from "@ergate/ergate/pool";
import { sleep } from "./pace.ts";

export async function work(): Promise<string> {
  await sleep(1);
  return "Task is done";
}
tasks(import.meta, { work });

if (isMain(import.meta)) {
  await using executor = new ProcessPoolExecutor(1);
  const future = executor.submit(work);
  future.addDoneCallback(() => {
    throw new Error("Something bad happened!");
  });
  future.addDoneCallback(() => console.log("Callback 2 called."));
  console.log(await future);

  await using pool = new Pool(1);
  const result = pool.applyAsync(work, [], {
    callback: (value) => {
      console.log(`Got result: ${value}`);
      throw new Error("Something else happened!");
    },
  });
  await result.wait();
  console.log(await result.get());
}

// Prints:
//   Callback 2 called.
//   Task is done
//   Got result: Task is done
//   Task is done
// On stderr:
//   exception calling callback for <Future state=finished returned string> …
//   …
//   exception calling callback for <AsyncResult state=pending> …
//   …
