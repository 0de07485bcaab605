/** A bare thread that imports one file and answers. */
import { parentPort } from "node:worker_threads";
import { identity } from "../work.ts";

interface WebPort {
  onmessage: (event: { data: unknown }) => void;
  postMessage(message: unknown): void;
}

if ("Bun" in globalThis) {
  const port = globalThis as unknown as WebPort;
  port.onmessage = ({ data }) => port.postMessage(identity(data));
} else {
  parentPort!.on("message", (message) => parentPort!.postMessage(identity(message)));
}
