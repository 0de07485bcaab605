/** Is this the program's main module, and not a worker? */
import { describe } from "../errors.ts";
import type { ModuleMeta } from "../tasks/registry.ts";
import { isWorker } from "../tasks/current_task.ts";
import { hasNodeModules, nodeModule, nodeProcess } from "./node_api.ts";

/**
 * Tells whether a module is the program's main module, and this no worker: the guard of a program that holds its tasks
 * itself. Python's `if __name__ == "__main__"`.
 *
 * A worker imports the modules of its tasks, so a program with tasks of its own runs again in every worker, from its top;
 * what must run once stands behind this guard.
 *
 * @param module `import.meta` of the module that asks.
 * @returns Whether it is.
 *
 * @example Usage
 * ```ts
 * import { isMain } from "@ergate/ergate";
 *
 * if (isMain(import.meta)) {
 *   console.log("this runs once, and in no worker");
 * }
 * ```
 */
export function isMain(module: ModuleMeta): boolean {
  if (typeof module?.url !== "string") {
    throw new TypeError(
      `Cannot tell the main module as the module that asks must be given, as import.meta: current value is ${
        describe(module)
      }`,
    );
  }
  // The mark goes first: `import.meta.main` is true in a worker of a `bun build --compile` binary.
  if (isWorker()) return false;
  return module.main ?? isProgram(module.url);
}

/** For hosts and bundles without `import.meta.main`: is it the file that was named on the command line? */
function isProgram(url: string): boolean {
  if (!hasNodeModules()) return isOfPage(url);
  if (!url.startsWith("file:")) return false;
  const path = nodeModule("node:url").fileURLToPath(url);
  // `node .` and the like name no file: what Node has found for it, if that is CommonJS, is its main module.
  const { argv, mainModule } = nodeProcess();
  return [argv[1], mainModule?.filename].some((program) => typeof program === "string" && isSameFile(program, path));
}

function isSameFile(one: string, other: string): boolean {
  if (one === other) return true; // also in a binary, whose modules are no files
  const { realpathSync } = nodeModule("node:fs");
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
}

/** The slice of the web that names the modules of a page, or that of a worker. */
interface Page {
  readonly document?: { readonly baseURI: string; readonly scripts: Iterable<{ type: string; src: string }> };
  readonly location?: { readonly href: string };
}

/** For browsers: does a script element of the page name it, or hold it, or is it what this worker of the page's own runs? */
function isOfPage(url: string): boolean {
  const { document, location } = globalThis as unknown as Page;
  if (document === undefined) return location?.href === url;
  return Array.from(document.scripts).some(({ type, src }) => type === "module" && (src || document.baseURI) === url);
}
