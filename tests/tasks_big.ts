/** Tasks of `big_data_test.ts`. */
import { tasks } from "../tasks/task.ts";
import { transfer } from "../tasks/transfer.ts";
import { arrive, waitForLines } from "./latch.ts";

const host = globalThis as unknown as { process: { pid: number; kill(pid: number, signal: string): void } };

/** Gives back what it gets. */
export function echo(value: unknown): unknown {
  return value;
}

/** So many bytes, each `byte`. */
export function bytes(size: number, byte: number): Uint8Array {
  return new Uint8Array(size).fill(byte);
}

/** The same, after a file has been written. */
export function bytesLater(size: number, byte: number, started: string): Uint8Array {
  arrive(started, String(host.process.pid));
  return new Uint8Array(size).fill(byte);
}

/** Length and sum of the first and the last item. */
export function ends(values: ArrayLike<number>): [length: number, sum: number] {
  return [values.length, values[0] + values[values.length - 1]];
}

const scratch = new Uint8Array(24 << 20);

/** Always the same buffer, with another content; in the next turn it has yet another. */
export function reused(byte: number, size: number): Uint8Array {
  const view = scratch.subarray(0, size);
  view.fill(byte);
  setTimeout(() => view.fill(255));
  return view;
}

/** Moves its result; afterwards `sizeOfMoved` tells what is left of it. */
export function moved(size: number): { readonly bytes: Uint8Array } {
  kept = new Uint8Array(size).fill(7);
  return transfer({ bytes: kept }, [kept.buffer]);
}
let kept = new Uint8Array(0);

/** What is left here of what `moved` gave. */
export function sizeOfMoved(): number {
  return kept.byteLength;
}

/** Fails while its result, which is marked, is read; the error has the buffer that has another content in the next turn. */
export function failsMarked(byte: number, size: number): object {
  const data = reused(byte, size);
  const result = {
    get bytes(): never {
      throw Object.assign(new Error("no bytes"), { data });
    },
  };
  return transfer(result, [new ArrayBuffer(8)]);
}

/** Marks memory that cannot move as the second. */
export function marksKept(): object {
  const kept = new WebAssembly.Memory({ initial: 1 }).buffer;
  return transfer({ kept }, [new ArrayBuffer(8), kept]);
}

/** A result that is made smaller while it is read. */
export function shrinks(size: number): object {
  const buffer = new ArrayBuffer(size, { maxByteLength: size });
  return {
    buffer,
    get size(): number {
      buffer.resize(0);
      return 0;
    },
  };
}

/** Bytes of many buffers. */
export function sizeOf(buffers: readonly ArrayBuffer[]): number {
  return buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** So many small buffers, which move. */
export function manyMoved(count: number): ArrayBuffer[] {
  const buffers = Array.from({ length: count }, () => new ArrayBuffer(8));
  return transfer(buffers, buffers);
}

/** A buffer that says other things of itself than it is. */
export function lying(size: number): ArrayBuffer {
  return Object.defineProperties(new ArrayBuffer(size), { byteLength: { value: 5 }, slice: { value: 0 } });
}

/** The worker's process id. */
export function pid(): number {
  return host.process.pid;
}

/** The same, when so many have arrived. */
export async function pidOfAll(arrivals: string, number: number): Promise<number> {
  arrive(arrivals);
  await waitForLines(arrivals, number);
  return pid();
}

tasks(import.meta, { echo, bytes, bytesLater, ends, lying, reused, moved, sizeOfMoved, pid, pidOfAll });
tasks(import.meta, { failsMarked, manyMoved, marksKept, shrinks, sizeOf });
