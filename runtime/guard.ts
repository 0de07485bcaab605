/**
 * The guard of a child that has no reaper: a thread that holds a connection to the parent, and kills its own process when
 * that ends. A child in an endless loop can do nothing itself; its threads still run.
 *
 * It costs some 4 to 19 MB and 20 to 30 ms a child, so the reaper is preferred: one `sh` for all.
 */
import { introduction, MessageKind } from "../channel/protocol.ts";
import { nodeModule } from "./node_api.ts";

/** The thread's program: no module, as it must run in a `data:` URL on every host. */
const PROGRAM = `
const { parentPort, workerData } = process.getBuiltinModule("node:worker_threads");
const socket = process.getBuiltinModule("node:net").connect(workerData.socket);
socket.on("error", () => {});
socket.on("connect", () => {
  socket.write(workerData.introduction);
  parentPort.postMessage("connected");
});
socket.resume();
socket.on("end", () => socket.destroy());
socket.on("close", () => {
  for (const folder of workerData.folders) {
    try {
      process.getBuiltinModule("node:fs").rmSync(folder, { recursive: true, force: true });
    } catch {}
  }
  process.kill(process.pid, "SIGKILL");
});
`;

/**
 * Starts the guard; resolves when it is on its post.
 *
 * @param socket Path of the parent's socket.
 * @param token What proves this child.
 * @param folders The private folders, which go with the parent.
 */
export function startGuard(socket: string, token: string, folders: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const { Worker } = nodeModule("node:worker_threads");
    const program = new URL(`data:text/javascript,${encodeURIComponent(PROGRAM)}`);
    // On Deno a typed array is walked index by index on its way to a thread; this one has some forty.
    const workerData = { socket, folders, introduction: introduction(MessageKind.GUARD, token) };
    const thread = new Worker(program, { workerData });
    thread.on("error", reject);
    thread.on("message", () => resolve());
    thread.unref();
  });
}
