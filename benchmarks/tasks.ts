/** The tasks of the benchmarks. */
import process from "node:process";
import { tasks } from "../mod.ts";
import { ends, identity, napOrSpin, spin } from "./work.ts";

/** Processor time of a process so far, in microseconds. */
export interface CpuTime {
  /** Which process. */
  readonly pid: number;
  /** In its own code. */
  readonly user: number;
  /** In the system. */
  readonly system: number;
}

/** The processor time of the worker's process. */
export function cpuTime(): CpuTime {
  return { pid: process.pid, ...process.cpuUsage() };
}

/** Does nothing: what is left is the way there and back. */
export function nothing(_word: string): number {
  return 1;
}

export { ends, identity, napOrSpin, spin };

tasks(import.meta, { ends, identity, napOrSpin, spin, nothing, cpuTime });
