/** Tasks with memory that they share with the program. */
import { tasks } from "../tasks/task.ts";

let kept: SharedArrayBuffer;

/** Keeps the memory for {@linkcode count}. */
export function keepMemory(memory: SharedArrayBuffer): void {
  kept = memory;
}

/** Adds to the first number in it; gives it back. */
export function count(n: number): SharedArrayBuffer {
  Atomics.add(new Int32Array(kept), 0, n);
  return kept;
}

/** A memory at several places. */
export interface Places {
  readonly memory: SharedArrayBuffer;
  readonly ints: Int32Array;
  readonly map: Map<string, SharedArrayBuffer>;
}

/** Makes it grow, writes behind its old end; says whether it is one in all places. */
export function growMemory({ memory, ints, map }: Places): [boolean, number, DataView] {
  const isOne = ints.buffer === memory && map.get("memory") === memory;
  memory.grow(64);
  ints[15] = 7;
  return [isOne, ints.length, new DataView(memory, 60)];
}

/** Throws an error that has it. */
export function failWith(memory: SharedArrayBuffer): never {
  throw Object.assign(new RangeError("full"), { memory });
}

tasks(import.meta, { count, failWith, growMemory, keepMemory });
