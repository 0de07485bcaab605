/** How a worker finds a task. */
import { TaskNotFoundError } from "../errors.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { lookUp, type RegisteredTask, type TaskAddress } from "../tasks/registry.ts";

/**
 * Imports an address's module, and looks its name up: Python's `spawn` rule.
 *
 * @param runtime The host.
 * @param address How the parent names the task.
 * @param mayBeStale Whether this worker was started before the task was registered.
 * @returns The task; `undefined` if a worker that is started now may know it better.
 * @throws {TaskNotFoundError} If it is not to be found, by any worker.
 */
export async function findTask(
  runtime: Runtime,
  address: TaskAddress,
  mayBeStale: boolean,
): Promise<RegisteredTask | undefined> {
  const importing = runtime.importModule(address.url);
  try {
    await importing;
  } catch (error) {
    if (mayBeStale) return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw new TaskNotFoundError(
      `Cannot find task '${address.name}' as its module ${address.url} must be importable in a worker: ${why}`,
      { cause: error },
    );
  }
  const { exact, named } = lookUp(address);
  if (exact !== undefined || (named.length === 1 && !mayBeStale)) return exact ?? named[0];
  if (mayBeStale) return undefined;
  throw new TaskNotFoundError(
    named.length > 1
      ? `Cannot find task '${address.name}' as module ${address.url} registers ${named.length} functions of that ` +
        "name, none with the caller's text: give each a name of its own, task(import.meta, fn, { name })"
      : `Cannot find task '${address.name}' as module ${address.url} must register it whenever it is imported: ` +
        (importing === undefined ? "this worker may not import it" : "it did not"),
  );
}
