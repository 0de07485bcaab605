/** `map` without anything to map: an executor's calls nothing, as Python's; a Pool's is an error. */
import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { Pool } from "@ergate/ergate/pool";

export function task(value?: number): void {
  console.log(`Called with ${value}`);
}
tasks(import.meta, { task });

if (isMain(import.meta)) {
  await using executor = new ProcessPoolExecutor(1);
  for await (const result of executor.map(task)) console.log(result);

  await using pool = new Pool(1);
  try {
    // @ts-expect-error The items are missing.
    await pool.map(task);
  } catch (error) {
    console.log(String(error));
  }
}

// Prints:
//   TypeError: Cannot map over iterables[0] as it must be iterable: current value is undefined
