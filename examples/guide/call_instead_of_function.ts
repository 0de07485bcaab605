/** The task is called by mistake, where the function itself is meant: the compiler says so, and so does an error. */
import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { Pool } from "@ergate/ergate/pool";

export function task(value?: number): string {
  return `all done ${value}`;
}
tasks(import.meta, { task });

function show(issue: () => unknown): void {
  try {
    issue();
  } catch (error) {
    console.log(String(error));
  }
}

if (isMain(import.meta)) {
  await using executor = new ProcessPoolExecutor(1);
  // @ts-expect-error `task` is meant.
  show(() => executor.submit(task()));
  // @ts-expect-error The same.
  show(() => executor.map(task(), [1, 2, 3]));

  await using pool = new Pool(1);
  // @ts-expect-error The same.
  show(() => pool.applyAsync(task()));
  // @ts-expect-error The same.
  show(() => pool.map(task(), [1, 2, 3]));
}

// Prints:
//   TypeError: Cannot use a value as a task as it must be a function …: current value is "all done undefined"
//   TypeError: Cannot use a value as a task as it must be a function …: current value is "all done undefined"
//   TypeError: Cannot use a value as a task as it must be a function …: current value is "all done undefined"
//   TypeError: Cannot use a value as a task as it must be a function …: current value is "all done undefined"
