/** The tasks of `cpu_per_call.ts`. */
import { createHash } from "node:crypto";
import process from "node:process";
import { tasks } from "../mod.ts";

/** Processor time of a process so far, in microseconds. */
export interface CpuTime {
  /** Which process. */
  readonly pid: number;
  /** In its own code. */
  readonly user: number;
  /** In the system. */
  readonly system: number;
}

/** Does nothing: what is left is the way there and back. */
export function nothing(_word: string): number {
  return 1;
}

/** Hashes a word once. */
export function once(word: string): string {
  return createHash("sha512").update(word).digest("hex");
}

/** Hashes a word ten times over. */
export function tenTimes(word: string): string {
  let hash = word;
  for (let round = 0; round < 10; round++) hash = once(hash);
  return hash;
}

/** The worker's processor time. */
export function cpuTime(): CpuTime {
  return { pid: process.pid, ...process.cpuUsage() };
}

tasks(import.meta, { nothing, once, tenTimes, cpuTime });
