/** How a worker finds the classes of instances among a call's arguments. */
import type { UnpicklingError } from "../channel/codec.ts";
import type { PicklingDirection, PicklingError } from "../errors.ts";
import type { Runtime } from "../runtime/runtime.ts";

/**
 * Imports the modules of classes that are not registered here, as it is done for tasks.
 *
 * @param runtime The host.
 * @param missing What reading the arguments threw.
 * @returns Why a module cannot be imported, for the first such one; nothing was thrown otherwise.
 */
export async function importClasses(runtime: Runtime, missing: UnpicklingError): Promise<{ readonly cause?: unknown }> {
  let failure: { readonly cause?: unknown } = {};
  for (const url of new Set(missing.missing.map((address) => address.url))) {
    try {
      await runtime.importModule(url);
    } catch (error) {
      if (!("cause" in failure)) failure = { cause: error };
    }
  }
  return failure;
}

/** The error that the user sees when arguments cannot be read. */
export function argumentsError(error: UnpicklingError, direction: PicklingDirection): PicklingError {
  const all = direction === "initarg" ? "initargs" : "args";
  return error.toPicklingError({ all, nameOf: (index) => `${all}[${index}]` }, direction);
}
