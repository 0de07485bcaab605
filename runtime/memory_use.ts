/** How much memory a process uses, as Linux tells it. */
import { nodeModule } from "./node_api.ts";

/**
 * Bytes of a process's resident memory; 0: it has just ended.
 *
 * @throws If this system does not tell, or this process may not ask.
 */
export function memoryUse(pid: number | "self"): number {
  let status: string;
  try {
    status = nodeModule("node:fs").readFileSync(`/proc/${pid}/status`, "utf8");
  } catch (error) {
    if (pid !== "self") return 0;
    throw error;
  }
  // Not statm, which counts in pages, of a size that only a program could tell.
  return 1024 * Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0);
}
