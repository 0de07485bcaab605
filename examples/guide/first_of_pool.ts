/** Uses the first result that comes from a Pool, and terminates the rest: the end of the block does that. */
import { isMain, tasks } from "@ergate/ergate";
import { Pool } from "@ergate/ergate/pool";
import { sleep } from "./pace.ts";

export async function task(identifier: number): Promise<[number, number]> {
  const value = 2 + Math.random() * 10;
  console.log(`Task ${identifier} executing with ${value}`);
  await sleep(value);
  return [identifier, value];
}
tasks(import.meta, { task });

if (isMain(import.meta)) {
  {
    await using pool = new Pool(2);
    const results = pool.imapUnordered(task, Array(30).keys());
    const { value: first } = await results.next();
    console.log(`First result: identifier=${first?.[0]}, value=${first?.[1]}`);
    console.log("Terminating remaining tasks");
  }
  console.log("All are gone");
}

// Prints, and a line for each task that began before the end:
//   …
//   First result: identifier=…, value=…
//   Terminating remaining tasks
//   …
//   All are gone
