/** Marks a task's result: which of its buffers move to the caller instead of being copied. */
import { describe } from "../errors.ts";

/**
 * Which buffers go with a value, in all copies of the library that a program may hold. Not a wrapper around the value: a
 * task stays a function that gives what its type says, also to those who call it directly.
 */
const KEY: symbol = Symbol.for("ergate.transfer.1");
const holder = globalThis as unknown as Record<symbol, WeakMap<object, ReadonlySet<ArrayBuffer>> | undefined>;
const marked = holder[KEY] ??= new WeakMap();

/**
 * Marks a task's result, so that buffers in it move to the caller instead of being copied.
 *
 * A task gives its result back through it. In the worker the buffers have no bytes any more after that, as with
 * `structuredClone`'s option of that name; what the caller gets is a value as any other. It is worth its line for buffers
 * of some megabytes: a worker may copy a large result once, so that it can be sent while the worker goes on.
 *
 * Where a task is called as a plain function it does nothing.
 *
 * @typeParam T Type of the result.
 * @param value The task's result: an object that has the buffers in it. Only the result itself can be marked, not a part
 *   of it.
 * @param buffers The buffers.
 * @returns `value`.
 * @throws {TypeError} If `value` is no object, or something else than an `ArrayBuffer` is to move.
 *
 * @example Usage
 * ```ts
 * import { isMain, ProcessPoolExecutor, tasks, transfer } from "@ergate/ergate";
 * import assert from "node:assert/strict";
 *
 * export function noise(length: number): Float64Array {
 *   const samples = Float64Array.from({ length }, Math.random);
 *   return transfer(samples, [samples.buffer]);
 * }
 * tasks(import.meta, { noise });
 *
 * if (isMain(import.meta)) {
 *   await using pool = new ProcessPoolExecutor(1);
 *   assert.equal((await pool.submit(noise, 100_000)).length, 100_000);
 * }
 * ```
 */
export function transfer<T>(value: T, buffers: readonly ArrayBufferLike[]): T {
  if (typeof value !== "object" || value === null) {
    throw new TypeError(
      `Cannot transfer as what has the buffers must be an object: current value is ${describe(value)}`,
    );
  }
  marked.set(value, checkTransfer(buffers));
  return value;
}

/** The buffers that are to go with a result; `undefined`: it was not marked. */
export function marksOf(value: unknown): ReadonlySet<ArrayBuffer> | undefined {
  return typeof value === "object" && value !== null ? marked.get(value) : undefined;
}

/**
 * Checks a list of what is to be transferred.
 *
 * @throws {TypeError} If it is no list of different buffers.
 */
export function checkTransfer(buffers: unknown): ReadonlySet<ArrayBuffer> {
  if (!Array.isArray(buffers)) {
    throw new TypeError(
      `Cannot transfer as 'transfer' must be an array of buffers: current value is ${describe(buffers)}`,
    );
  }
  const checked = new Set<ArrayBuffer>();
  for (const [index, buffer] of buffers.entries()) {
    const kind = Object.prototype.toString.call(buffer).slice(8, -1);
    if (kind === "ArrayBuffer" && !checked.has(buffer)) {
      checked.add(buffer);
      continue;
    }
    const hint = kind === "SharedArrayBuffer"
      ? "memory that is shared cannot move"
      : ArrayBuffer.isView(buffer)
      ? "of a view give its buffer"
      : kind === "ArrayBuffer"
      ? "it is there twice"
      : `current value is ${describe(buffer)}`;
    throw new TypeError(`Cannot transfer transfer[${index}] as it must be an ArrayBuffer, once: ${hint}`);
  }
  return checked;
}
