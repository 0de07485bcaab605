/** Tasks of the tests of executors and maps. A worker imports this file and no test; nothing here imports the harness. */
import { TimeoutError } from "../errors.ts";
import { type CurrentTask, currentTask } from "../tasks/current_task.ts";
import { task, tasks } from "../tasks/task.ts";
import { arrive, openFile, readLines, waitForFile, waitForLines } from "./latch.ts";
import { die, WORKER_ID } from "./worker_side.ts";

/** The call around this module's import: there must be none. */
const AT_IMPORT = currentTask();

let state: unknown = "uninitialized";

/** An error class that no worker registers. */
class ValidationError extends RangeError {
  override readonly name = "ValidationError";
  readonly field: string;

  constructor(message: string, field: string, options: ErrorOptions) {
    super(message, options);
    this.field = field;
  }
}

/** Does nothing. */
export function nothing(): void {}

/** The sum of its arguments. */
export function sum(...numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** `String(value)`: CPython's `str`. */
export function toText(value: unknown): string {
  return String(value);
}

/** Throws just that. */
export function throwValue(value: unknown): never {
  throw value;
}

/** Throws one of several falsy values; gives how many there are if asked for none. */
export function throwFalsy(index: number): never {
  throw [undefined, null, 0, "", false, 0n, NaN][index];
}

/** Ends the worker if asked to. */
export function exitIf(code: number): number {
  if (code !== 0) die(`exit ${code}`);
  return code;
}

/** Gives its argument back, but throws a `TimeoutError` of its own for `bad`. */
export function timeOutAt(value: number, bad: number): number {
  if (value === bad) throw new TimeoutError("the task's own");
  return value;
}

/** Throws for `bad`, else leaves a mark. */
export function failAt(value: number, bad: number, arrivals: string): number {
  arrive(arrivals, String(value));
  if (value === bad) throw new RangeError(`failed at ${value}`);
  return value;
}

/** Item 0 leaves a mark that it has started, waits for the latch and throws; the others leave marks. */
export async function failFirst(item: number, [latch, started, marks]: readonly string[]): Promise<number> {
  if (item > 0) {
    arrive(marks, `${item}`);
    return item;
  }
  arrive(started);
  await waitForFile(latch);
  throw new RangeError("the first item fails");
}

/** Waits for `latch`, if there is one, and gives `value`. */
export async function giveAfter(latch: string | undefined, value: unknown): Promise<unknown> {
  if (latch !== undefined) await waitForFile(latch);
  return value;
}

/** {@linkcode giveAfter} of one argument. */
export function giveIfOpen([latch, value]: readonly [latch: string | undefined, value: unknown]): Promise<unknown> {
  return giveAfter(latch, value);
}

/** Throws for 3. */
export function failForThree(value: number): number {
  if (value === 3) throw new RangeError(`failed at ${value}`);
  return value;
}

/** Leaves a mark: `leaveMark` of one argument. */
export function markArrival([arrivals, line]: readonly [arrivals: string, line: string]): string {
  arrive(arrivals, line);
  return line;
}

/** Leaves a mark, waits for `latch`, and throws. */
export async function failAfter(latch: string, arrivals: string, message = "doh!"): Promise<never> {
  arrive(arrivals);
  await waitForFile(latch);
  throw new Error(message);
}

/** Waits for `latch`, if there is one, and then leaves a mark. */
export async function markAfter(latch: string | undefined, arrivals: string, line: string): Promise<string> {
  if (latch !== undefined) await waitForFile(latch);
  arrive(arrivals, line);
  return line;
}

/** Opens `latch`, and gives `value`. */
export function open(latch: string, value: unknown): unknown {
  openFile(latch);
  return value;
}

/** Leaves a mark, waits until `number` marks are there, and gives the number of its own. */
export async function meetAll(arrivals: string, number: number): Promise<number> {
  arrive(arrivals);
  const place = readLines(arrivals).length;
  await waitForLines(arrivals, number);
  return place;
}

/** Leaves its worker's number, and waits for `latch`. */
export async function meetId(arrivals: string, latch: string): Promise<void> {
  arrive(arrivals, `${WORKER_ID}`);
  await waitForFile(latch);
}

/** Sets this module's state in the worker: an initializer. */
export function setState(...values: unknown[]): void {
  state = values;
}

/** This module's state. */
export function getState(): unknown {
  return state;
}

/** Adds to this module's state; gives it. */
export function countUp(): number {
  state = typeof state === "number" ? state + 1 : 1;
  return state as number;
}

/** Leaves a mark: an initializer that can be counted. */
export function markStart(...args: unknown[]): void {
  arrive(args[0] as string, "initialized");
}

/** The same, and throws: an initializer that fails. */
export function failStart(...args: unknown[]): never {
  arrive(args[0] as string, "initialized");
  throw new Error("Something bad happened!");
}

/** The worker's number, for an item of a map. */
export function giveId(_item: number): number {
  return WORKER_ID;
}

/** This module's state, for an item of a map. */
export function getStateFor(_item: number): unknown {
  return state;
}

/** Which module this is, in the worker. */
export function whichModule(): { url: string; atImport: unknown } {
  return { url: import.meta.url, atImport: AT_IMPORT };
}

/** Throws an error with a class, a field and causes. */
export function invalid(field: string): never {
  const cause = new TypeError("the first reason", { cause: { code: 7 } });
  throw new ValidationError(`bad ${field}`, field, { cause });
}

/** Throws an error that holds what cannot cross. */
export function throwUnsendable(): never {
  throw Object.assign(new RangeError("with a callback"), { code: 7, callback: () => {} });
}

/** Throws a proxy that throws at whatever is done to it. */
export function throwRevoked(): never {
  const { proxy, revoke } = Proxy.revocable(new Error("never seen"), {});
  revoke();
  throw proxy;
}

/** Handles an error of its own. */
export function handled(): string {
  try {
    throw new Error("Something bad happened!");
  } catch {
    return "Unable to get the result";
  }
}

/** Adds slowly. */
export async function slowAdd(milliseconds: number, x: number, y: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return x + y;
}

/** Changes its argument; gives it. */
export function append(list: number[], number: number): number[] {
  list.push(number);
  return list;
}

/** Gives a result that cannot cross. */
export function giveUnsendable(): unknown {
  return { rows: [1, { open: () => {} }] };
}

/** Gives an object that looks plain and is not. */
export function giveDisguised(what: "map" | "promise"): unknown {
  return { deep: [Object.setPrototypeOf(what === "map" ? new Map([["a", 1]]) : Promise.resolve(1), null)] };
}

/** Gives a value whose getter throws. */
export function giveThrowing(): unknown {
  return {
    get secret(): string {
      throw new RangeError("not for you");
    },
  };
}

/** Gives its own copy of a value that refers to itself. */
export function giveCycle(): unknown {
  const cycle: Record<string, unknown> = { name: "cycle" };
  cycle.self = cycle;
  return cycle;
}

/** Whether the value refers to itself. */
export function isCycle(value: { self: unknown }): boolean {
  return value.self === value;
}

/** How many arrays lie in one another. */
export function depthOf(value: unknown): number {
  let depth = 0;
  for (let at = value; Array.isArray(at); at = at[0]) depth++;
  return depth;
}

/** A nest of arrays. */
export function nest(depth: number): unknown {
  let value: unknown = [];
  for (let at = 1; at < depth; at++) value = [value];
  return value;
}

/** What the call knows of itself: before and after awaiting, and in what it starts. */
export async function tellTask(): Promise<(TaskFacts | undefined)[]> {
  const seen = [copy(currentTask())];
  await null;
  seen.push(copy(currentTask()));
  await new Promise<void>((resolve) =>
    setTimeout(() => {
      seen.push(copy(currentTask()));
      resolve();
    }, 1)
  );
  return seen;
}

/** Starts something that outlives the call, and tells of its call once `latch` is open. */
export function tellTaskLater(latch: string, arrivals: string): void {
  void waitForFile(latch).then(() => arrive(arrivals, currentTask()?.name ?? "none"));
}

/** An initializer that keeps what it knows of itself. */
export function keepTask(): void {
  state = copy(currentTask());
}

/** What stays of a call when it has ended. */
export type TaskFacts = Pick<CurrentTask, "id" | "name" | "attempt">;

function copy(call: CurrentTask | undefined): TaskFacts | undefined {
  return call && { id: call.id, name: call.name, attempt: call.attempt };
}

tasks(import.meta, {
  nothing,
  sum,
  toText,
  throwValue,
  throwFalsy,
  exitIf,
  timeOutAt,
  failAt,
  failFirst,
  giveAfter,
  giveIfOpen,
  failStart,
  giveId,
  getStateFor,
  failForThree,
  markArrival,
  failAfter,
  markAfter,
  open,
  meetAll,
  meetId,
  setState,
  getState,
  countUp,
  markStart,
  whichModule,
  invalid,
  throwUnsendable,
  throwRevoked,
  handled,
  slowAdd,
  append,
  giveUnsendable,
  giveDisguised,
  giveThrowing,
  giveCycle,
  isCycle,
  depthOf,
  nest,
  tellTask,
  tellTaskLater,
  keepTask,
});

/** An arrow function, registered under a name. */
export const shout: (text: string) => string = task(import.meta, (text: string) => text.toUpperCase(), {
  name: "shout",
});

/** Two functions that go by one name, as when a bundle or hot reload evaluates a module twice. */
export const twins: readonly [(n: number) => string, (n: number) => string] = [
  task(import.meta, (n: number) => `first ${n}`, { name: "twin" }),
  task(import.meta, (n: number) => `second ${n}`, { name: "twin" }),
];

/** A class whose static method is a task. */
export class Words {
  static separator = "-";

  static join(...words: string[]): string {
    return words.join(this.separator);
  }
}

/** Decorates as a compiler of standard decorators does: Node has no syntax for it. */
export function decorate(owner: object, name: string, decorator: unknown): void {
  const initializers: ((this: unknown) => void)[] = [];
  const method = (owner as Record<string, unknown>)[name];
  (decorator as (method: unknown, context: unknown) => void)(method, {
    kind: "method",
    name,
    static: true,
    private: false,
    addInitializer: (initializer: (this: unknown) => void) => void initializers.push(initializer),
  });
  for (const initializer of initializers) initializer.call(owner);
}

decorate(Words, "join", task(import.meta));
