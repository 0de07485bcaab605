/** Tasks that reach for the port of the thread that they run in. */

import { parentPort } from "node:worker_threads";
import { tasks } from "../tasks/task.ts";

/** Posts what is none of the engine's messages. */
export function postGarbage(message: unknown): Promise<void> {
  parentPort!.postMessage(message);
  return new Promise(() => {});
}

/** Closes the port, or, on a host whose port cannot be closed, ends the thread. */
export function closePort(): Promise<void> {
  const port = parentPort as unknown as { close?(): void };
  if (port.close === undefined) (globalThis as unknown as { close(): void }).close();
  else port.close();
  return new Promise(() => {});
}

/** Takes all listeners off the port, as what tidies up does; a host may refuse. */
export function removeListeners(): void {
  try {
    (parentPort as unknown as { removeAllListeners(): void }).removeAllListeners();
  } catch {
    // Then they are still there.
  }
}

tasks(import.meta, { postGarbage, closePort, removeListeners });
