/** Why a value cannot cross, and where: thrown inside the codec, and made a PicklingError when the path is complete. */
import { describe, type PicklingDirection, PicklingError } from "../errors.ts";
import { findClass, type RegisteredClass } from "../tasks/picklable.ts";

/** Parts of a path that are shown at each end of one that is longer than both together. */
const SHOWN_PARTS = 12;

/**
 * A value that cannot cross, on its way out of the walk.
 *
 * The walk keeps no path, for it would cost every call something. Instead each container that a refusal passes on its
 * way up puts its part in front.
 */
export class Refusal {
  /** What must hold, and what to do instead: the end of the sentence that begins "Cannot send … as". */
  readonly reason: string;
  /** What a getter or a proxy threw, as the only item, if that is the reason. */
  readonly cause: readonly unknown[];
  /** The path, innermost part first. */
  readonly parts: string[] = [];

  /** Makes the refusal. */
  constructor(reason: string, cause: readonly unknown[] = []) {
    this.reason = reason;
    this.cause = cause;
  }

  /** Puts a part in front of the path. */
  within(part: string): this {
    this.parts.push(part);
    return this;
  }

  /** The path, without its middle if it is very long. */
  path(): string {
    const parts = this.parts.toReversed();
    if (parts.length > 2 * SHOWN_PARTS) parts.splice(SHOWN_PARTS, parts.length - 2 * SHOWN_PARTS, " … ");
    return parts.join("");
  }

  /** The error that the user sees. */
  toError(direction: PicklingDirection): PicklingError {
    const path = this.path();
    const way = direction === "result" ? "back from the worker" : "to a worker";
    const options = this.cause.length === 0 ? { path, direction } : { path, direction, cause: this.cause[0] };
    return new PicklingError(`Cannot send ${path} ${way} as ${this.reason}`, options);
  }
}

/** What was caught as a refusal: itself, or one that says that reading the value threw. */
export function toRefusal(caught: unknown): Refusal {
  if (caught instanceof Refusal) return caught;
  return new Refusal(`reading it threw: ${describe(caught)}`, [caught]);
}

/** The part of a path for a property. */
export function property(key: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** Classes of what a host has open, by their names, which a user's class may have, too. */
const OPEN = /^(FileHandle|FsFile|(Sync)?(Read|Write)Stream|Writable|(TLS)?Socket|\w+Conn|Server|ChildProcess|Worker)$/;

/**
 * The reason for an instance of an unregistered class, or for an object made by `Object.create`.
 *
 * @param name The class's name; empty if there is no class.
 * @param prototype Its prototype.
 */
export function wouldLoseClass(name: string, prototype: object | null = null): string {
  if (name === "") return "an object with a prototype of its own would lose it: send a plain object";
  let base: RegisteredClass | undefined;
  for (let at = prototype; at !== null && base === undefined; at = Object.getPrototypeOf(at)) base = findClass(at);
  const also = base === undefined ? "" : ` too, as its base class ${base.name} is`;
  const open = OPEN.test(name) ? "; what a process has open, another one cannot have: open it in the task" : "";
  return `an instance of class ${name} would lose its class: register ${name} with picklable()${also}, or send a plain object${open}`;
}

/** The reason for shared memory. */
export const NOT_SHARED: string =
  "SharedArrayBuffer memory cannot be shared with a process: a ThreadPoolExecutor shares it; or send a copy, as " +
  "new Uint8Array(memory).slice() makes one; memory that processes share will be SharedMemory";

/** The reason for iterators of any kind. */
export const ITERATORS = "iterators cannot be copied: send an array of what it yields";

/** What to do instead, by class. */
export const HINTS: Readonly<Record<string, string>> = {
  Promise: "promises cannot be copied: await it first",
  Future: "futures cannot be copied: await it first",
  WeakMap: "a WeakMap cannot be copied: send a Map",
  WeakSet: "a WeakSet cannot be copied: send a Set",
  WeakRef: "a WeakRef cannot be copied: send what it holds",
  Generator: "generators cannot be copied: send an array of what it yields",
  AsyncGenerator: "generators cannot be copied: send an array of what it yields",
  Symbol: "symbols cannot be copied: send a string",
  URL: "an instance of class URL cannot be copied: send its href",
  URLSearchParams: "an instance of class URLSearchParams cannot be copied: send it as a string",
  Headers: "an instance of class Headers cannot be copied: send an array of its entries",
  FormData: "an instance of class FormData cannot be copied: send an array of its entries",
  Blob: "an instance of class Blob cannot be copied: send its arrayBuffer()",
  File: "an instance of class File cannot be copied: send its arrayBuffer()",
  Request: "an instance of class Request cannot be copied: send its arrayBuffer()",
  Response: "an instance of class Response cannot be copied: send its arrayBuffer()",
};
