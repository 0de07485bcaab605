/** Every way in which code in a worker can go wrong. For the tasks of the crash table, and for modules that it writes. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Socket } from "node:net";
import process from "node:process";
import { isMainThread, parentPort } from "node:worker_threads";
import { arrive } from "./latch.ts";
import { die, loop, WORKER_ID } from "./worker_side.ts";

/** The ways, as the columns of the table have them. */
export const WAYS = [
  "throw",
  "exit 0",
  "exit 3",
  "SIGKILL",
  "abort",
  "stack overflow",
  "heap exhausted",
  "endless loop",
  "garbage on the channel",
  "stdout flooded",
] as const;
/** One of {@linkcode WAYS}. */
export type Way = typeof WAYS[number];

/** What a flood writes, bytes. */
export const FLOOD = 2_000_000;

/** Bytes in which a program for which there is no limit of the heap may still grow. */
const ROOM = 48 << 20;

const NOISE = "console.log was here\n";

/** The socket that leads to the parent, once something was written to it. */
let socket: Socket | undefined;
let spoilsNext = false;

/** In a process: finds the socket, which no task is given, by the next write to it. */
export function findChannel(): void {
  const prototype = Socket.prototype as unknown as { write(...args: unknown[]): boolean };
  const { write } = prototype;
  prototype.write = function (this: Socket, ...args: unknown[]): boolean {
    socket = this;
    prototype.write = write;
    if (spoilsNext) write.call(this, new TextEncoder().encode(NOISE));
    return write.apply(this, args);
  };
}

/** Writes something to the channel that is no message. At once and then nothing else; or, before the first message, with that. */
function spoil(): void {
  if (parentPort !== null) parentPort.postMessage(NOISE);
  else if (socket !== undefined) socket.write(NOISE);
  else {
    spoilsNext = true;
    return findChannel();
  }
  loop();
}

function overflow(depth: number): number {
  return 1 + overflow(depth + 1);
}

/** Small objects only: a large one that cannot be had is an error on some hosts, which can be caught. */
function fillHeap(): never {
  let list: unknown;
  for (let i = 0;; i++) list = { i, list, more: [i], even: { i } };
}

/** Where the engine has no limit for its heap, the system sets one. */
function limitHeap(): void {
  if (!("bun" in process.versions)) return;
  const [, used] = /VmData:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))!;
  spawnSync("prlimit", ["--pid", `${process.pid}`, `--data=${Number(used) * 1024 + ROOM}`]);
}

function flood(): void {
  const line = "x".repeat(999);
  for (let i = 0; i < FLOOD / 1000; i++) console.log(line);
}

/** Goes wrong. Leaves a line with the worker's number before, in the file that `CRASH_MARKS` names. */
export function crash(way: Way): unknown {
  arrive(process.env.CRASH_MARKS!, `${WORKER_ID}`);
  switch (way) {
    case "throw":
      throw new RangeError("crash by a throw");
    case "exit 0":
    case "exit 3":
      return die(way);
    case "SIGKILL":
      if (isMainThread) return die(way);
      process.kill(process.pid, "SIGKILL");
      return loop();
    case "abort":
      process.abort();
      break;
    case "stack overflow":
      return overflow(0);
    case "heap exhausted":
      limitHeap();
      return fillHeap();
    case "endless loop":
      return loop();
    case "garbage on the channel":
      return spoil();
    case "stdout flooded":
      return flood();
  }
}
