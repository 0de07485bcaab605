/** Uses the first result that comes, from whichever call, and cancels the calls that have not begun. */
import { isMain, ProcessPoolExecutor, tasks, wait } from "@ergate/ergate";
import { sleep } from "./pace.ts";

export async function work(value: number): Promise<number> {
  await sleep(1 + Math.random());
  return value;
}
tasks(import.meta, { work });

if (isMain(import.meta)) {
  const executor = new ProcessPoolExecutor(2);
  const futures = [...Array(10).keys()].map((value) => executor.submit(work, value));
  const { done } = await wait(futures, { returnWhen: "FIRST_COMPLETED" });
  const [first] = done;
  console.log(`The first is ${await first}`);

  await executor.shutdown({ wait: false, cancelFutures: true });
  // Those that had begun go on, and the program ends when they have ended.
  const cancelled = futures.filter((future) => future.cancelled()).length;
  console.log(cancelled >= 5 ? "Most of the others never begin" : `Only ${cancelled} were cancelled`);
}

// Prints:
//   The first is …
//   Most of the others never begin
