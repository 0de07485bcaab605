/** A task throws, and whoever wants its result finds out: by `try`, or by asking for the error. */
import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { Pool } from "@ergate/ergate/pool";
import { sleep } from "./pace.ts";

export async function work(): Promise<string> {
  await sleep(1);
  throw new Error("Something bad happened!");
}
tasks(import.meta, { work });

async function withExecutor(): Promise<void> {
  await using executor = new ProcessPoolExecutor(1);
  try {
    console.log(await executor.submit(work));
  } catch {
    console.log("Unable to get the result");
  }

  const error = await executor.submit(work).exception() as Error | undefined;
  if (error) console.log(error.message);
}

async function withPool(): Promise<void> {
  await using pool = new Pool(1);
  try {
    console.log(await pool.apply(work));
  } catch {
    console.log("Unable to apply");
  }

  const result = pool.applyAsync(work);
  await result.wait();
  if (result.successful()) console.log(await result.get());
  else console.log("It was not successful");

  try {
    console.log(await result.get());
  } catch {
    console.log("Unable to get it");
  }
}

if (isMain(import.meta)) {
  await withExecutor();
  await withPool();
}

// Prints:
//   Unable to get the result
//   Something bad happened!
//   Unable to apply
//   It was not successful
//   Unable to get it
