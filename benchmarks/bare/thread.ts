/** A bare worker thread: `node:worker_threads` on Node and Deno, the Web's Worker on Bun. */
import { parentPort } from "node:worker_threads";
import { answer } from "./answer.ts";

interface WebPort {
  onmessage: (event: { data: unknown }) => void;
  postMessage(message: unknown): void;
}

if ("Bun" in globalThis) {
  const port = globalThis as unknown as WebPort;
  port.onmessage = ({ data }) => port.postMessage(answer(data));
} else {
  parentPort!.on("message", (message) => parentPort!.postMessage(answer(message)));
}
