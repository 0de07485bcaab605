/** A callback that takes no parameter. In Python it fails, and a Pool hangs; in JavaScript it is no mistake. */
import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { Pool } from "@ergate/ergate/pool";

export function work(): string {
  return "Task is done";
}
tasks(import.meta, { work });

function customCallback(): void {
  console.log("Custom callback was called");
}

if (isMain(import.meta)) {
  await using executor = new ProcessPoolExecutor(1);
  const future = executor.submit(work);
  future.addDoneCallback(customCallback);
  console.log(await future);

  await using pool = new Pool(1);
  console.log(await pool.applyAsync(work, [], { callback: customCallback }).get());

  // A callback that is none is refused before anything is sent.
  try {
    // @ts-expect-error Its name, where the function itself is meant.
    pool.applyAsync(work, [], { callback: "customCallback" });
  } catch (error) {
    console.log(String(error));
  }
}

// Prints:
//   Custom callback was called
//   Task is done
//   Custom callback was called
//   Task is done
//   TypeError: Cannot call a task as 'callback' must be a function: current value is …
