/**
 * The mistake that everybody makes once: tasks and the main part in one module, without the guard.
 *
 * Workers import the module for its tasks, and run its main part, too. They are told so, once, with the line that is missing; and
 * no storm of processes begins.
 */
import { ProcessPoolExecutor, tasks } from "@ergate/ergate";

export function task(value: number): number {
  return value;
}
tasks(import.meta, { task });

await using executor = new ProcessPoolExecutor(1); // behind `if (isMain(import.meta)) {` it would be right
for await (const result of executor.map(task, Array(5).keys())) console.log(result);

// It prints nothing. On stderr, with exit code 1:
//   …
//   …: the program's main part must stand behind its guard
//       if (isMain(import.meta)) {
//   …
