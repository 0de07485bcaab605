/** What a worker runs: the entry beside this file, or, where ergate is bundled, the bundle itself. */
import { NotSupportedError } from "../errors.ts";
import { runtime as hostRuntime } from "../runtime/mod.ts";
import type { Runtime, WorkerEntry } from "../runtime/runtime.ts";
import { isWorker } from "../tasks/current_task.ts";
import { runWorker } from "./worker_main.ts";

const OWN_NAME = /\/executor\/worker_entry\.([cm]?[jt]s)$/;

/** The workers' program; it is looked for when the first worker is started. */
export function workerEntry(runtime: Runtime): () => WorkerEntry {
  // Spelt out: `bun build --bytecode` refuses a bare `import.meta`.
  const url = import.meta.url as string | undefined;
  const [, extension] = OWN_NAME.exec(url ?? "") ?? [];
  return () => {
    if (url === undefined) {
      throw new NotSupportedError(
        "Cannot start a worker as ergate must know its own module's URL: import.meta.url is missing, bundle it as ESM",
      );
    }
    if (extension === undefined || runtime.inBinary) return { url, bundled: true };
    return { url: url.replace(OWN_NAME, `/executor/entry.${extension}`), bundled: false };
  };
}

// In a bundle there is no entry of its own: the bundle is run again, and this makes it a worker as soon as it is imported,
// before the program in it asks whether it is the main one. Not where another copy of ergate has done so, and this one came
// with a module of tasks.
const isBundled = hostRuntime().inBinary || !OWN_NAME.test(import.meta.url ?? "");
if (isBundled && !isWorker() && hostRuntime().takeWorkerMark()) {
  void runWorker(hostRuntime());
}
