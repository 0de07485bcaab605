/** One call of a `map` throws: the error comes at its place among the results, with the stack of the worker. */
import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { Pool } from "@ergate/ergate/pool";
import { sleep } from "./pace.ts";

export async function work(value: number): Promise<number> {
  await sleep(1);
  if (value === 2) throw new Error("Something bad happened!");
  return value;
}
tasks(import.meta, { work });

async function show(print: () => Promise<void>): Promise<void> {
  try {
    await print();
  } catch (error) {
    const { message, stack } = error as Error;
    console.log(`${message} ${stack?.includes("task work in worker") ? "It says in which worker." : ""}`);
  }
}

if (isMain(import.meta)) {
  await show(async () => {
    await using executor = new ProcessPoolExecutor(1);
    for await (const result of executor.map(work, Array(5).keys())) console.log(result);
  });

  // A Pool's map has all results, or none.
  await show(async () => {
    await using pool = new Pool(1);
    for (const result of await pool.map(work, Array(5).keys())) console.log(result);
  });
}

// Prints:
//   0
//   1
//   Something bad happened! It says in which worker.
//   Something bad happened! It says in which worker.
