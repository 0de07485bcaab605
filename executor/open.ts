/** What may have workers: it is shut down when the program, or the worker that it is in, has nothing more to do. */
import type { Runtime } from "../runtime/runtime.ts";

/** What can be shut down. */
interface Closable {
  /** Lets what is under way end; `cancel`: but not what has not begun. */
  shutdown(cancel: boolean): Promise<void>;
}

const open = new Set<Closable>();
const hooked = new WeakSet<Runtime>();

/** It may have workers from now on. */
export function addOpen(one: Closable, runtime: Runtime): void {
  open.add(one);
  if (hooked.has(runtime)) return;
  hooked.add(runtime);
  runtime.atProgramEnd(() => void shutdownAll());
}

/** It has none any more. */
export function removeOpen(one: Closable): void {
  open.delete(one);
}

/** Shuts down every executor of this process; resolves when all their work is done. */
export async function shutdownAll(): Promise<void> {
  await Promise.all(Array.from(open, (one) => one.shutdown(false)));
}
