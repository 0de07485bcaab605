/** Bare workers, the host's own and without a pool: what a pool is measured against. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Worker as NodeWorker } from "node:worker_threads";
import { frame, Frames } from "./frames.ts";

/** A bare worker. */
export interface Bare {
  /** Sends a message and resolves with its answer. Answers come in the order of the messages. */
  ask(message: unknown, transfer?: ArrayBuffer[]): Promise<unknown>;
  close(): Promise<unknown>;
}

/** Those who wait for answers, in order. */
class Waiting {
  #resolvers: ((answer: unknown) => void)[] = [];
  #first = 0;

  add(): Promise<unknown> {
    return new Promise((resolve) => void this.#resolvers.push(resolve));
  }

  settle(answer: unknown): void {
    this.#resolvers[this.#first++](answer);
    if (this.#first === this.#resolvers.length) {
      this.#resolvers = [];
      this.#first = 0;
    }
  }
}

/** Opens a thread, of a file beside this one. */
export function openThread(file = "thread.ts"): Promise<Bare> {
  const url = new URL(file, import.meta.url);
  const waiting = new Waiting();
  if ("Bun" in globalThis) {
    const worker = new Worker(url, { type: "module" });
    worker.onmessage = ({ data }) => waiting.settle(data);
    return Promise.resolve({
      ask(message, transfer = []) {
        worker.postMessage(message, transfer);
        return waiting.add();
      },
      close: () => Promise.resolve(worker.terminate()),
    });
  }
  const worker = new NodeWorker(url);
  worker.on("message", (message) => waiting.settle(message));
  return Promise.resolve({
    ask(message, transfer = []) {
      worker.postMessage(message, transfer);
      return waiting.add();
    },
    close: () => worker.terminate(),
  });
}

/** Opens a child process, of a file beside this one; resolves when it has connected. */
export async function openChild(file = "child.ts"): Promise<Bare> {
  const folder = mkdtempSync(join(tmpdir(), "ergate-bare-"));
  const path = join(folder, "socket");
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(path, resolve));
  const connected = new Promise<Socket>((resolve) => void server.once("connection", resolve));
  const flags = "Deno" in globalThis ? ["run", "-A"] : [];
  const child = spawn(process.execPath, [...flags, join(import.meta.dirname!, file), path], { stdio: "inherit" });
  const ended = new Promise<void>((resolve) => void child.on("close", () => resolve()));
  const socket = await connected;
  server.close();
  rmSync(folder, { recursive: true });
  const waiting = new Waiting();
  const frames = new Frames((message) => waiting.settle(message));
  socket.on("data", (chunk: Buffer) => frames.push(chunk));
  return {
    ask(message) {
      for (const bytes of frame(message)) socket.write(bytes);
      return waiting.add();
    },
    async close() {
      socket.destroy();
      child.kill("SIGKILL");
      await ended;
    },
  };
}
