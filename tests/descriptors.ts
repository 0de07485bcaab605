/** The descriptors of this process. */
import { existsSync, readdirSync, readlinkSync } from "node:fs";

/**
 * How many descriptors are open, but for those of event loops: Deno 2.9 keeps some of threads that have ended, and opens them
 * as it likes.
 */
export function descriptors(): number {
  if (!existsSync("/proc/self/fd")) return 0;
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return !/^anon_inode:\[event/.test(readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      return false; // the one by which the folder was read
    }
  }).length;
}
