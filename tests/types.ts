/**
 * What must compile and what must not; checked by `deno check` and by tsc, never run.
 *
 * Each line that must not compile stands under `@ts-expect-error`, which is an error itself where there is none. The
 * positive lines beside it prove that it is refused for the reason given, and not for a slip.
 */
import {
  asCompleted,
  BrokenExecutor,
  BrokenProcessPool,
  type CurrentTask,
  currentTask,
  Executor,
  type Future,
  isMain,
  type MapResults,
  PicklingError,
  ProcessPoolExecutor,
  type ProcessPoolExecutorOptions,
  task,
  tasks,
  wait,
  WorkerLostError,
} from "../mod.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only if the two types are the same. */
function same<A, B>(..._proof: Equal<A, B> extends true ? [] : [difference: never]): void {}

// The helper itself tells types apart.
same<number, number>();
// @ts-expect-error: two types
same<number, string>();
// @ts-expect-error: any is no number
same<ReturnType<typeof JSON.parse>, number>();

// ----- Functions of all kinds

function fib(n: number): number {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}
function join(text: string, count: number, separator?: string): string {
  return Array(count).fill(text).join(separator);
}
function repeat(text: string, count = 2): string {
  return text.repeat(count);
}
function sum(...values: number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
function nothing(): void {}
async function later(n: number): Promise<string> {
  return String(await n);
}
function maybeLater(n: number): Promise<string> | number {
  return n;
}
function first<T>(items: readonly T[]): T | undefined {
  return items[0];
}
function identity<T>(value: T): T {
  return value;
}
function size(value: string): number;
function size(value: unknown[]): bigint;
function size(value: string | unknown[]): number | bigint {
  return typeof value === "string" ? value.length : BigInt(value.length);
}
function never(): never {
  throw new Error();
}
function point({ x, y }: { x: number; y: number }): number {
  return x + y;
}
function label(kind: "red" | "blue"): "red" | "blue" {
  return kind;
}
function nested(): Future<number> {
  return new ProcessPoolExecutor(1).submit(fib, 1);
}

// ----- tasks() and task() keep what they get

export function registering(): void {
  const registered = tasks(import.meta, { fib, join, first, size, later });
  same<typeof registered.fib, typeof fib>();
  same<typeof registered.join, typeof join>();
  same<typeof registered.first, typeof first>();
  same<typeof registered.size, typeof size>();
  same<keyof typeof registered, "fib" | "join" | "first" | "size" | "later">();
  const one: number = registered.size("text");
  const two: bigint = registered.size([1]);
  const three: string | undefined = registered.first(["a"]);
  void [one, two, three];

  const shout = task(import.meta, (text: string) => text.toUpperCase(), { name: "shout" });
  same<typeof shout, (text: string) => string>();
  const again = task(import.meta, size);
  same<typeof again, typeof size>();
  const generic = task(import.meta, identity);
  same<typeof generic, typeof identity>();

  tasks({ url: "file:///app/tasks.ts" }, { fib });
  tasks(import.meta, {});
  task({ url: import.meta.url }, fib);

  // @ts-expect-error: no module
  tasks({ fib });
  // @ts-expect-error: the URL alone
  tasks(import.meta.url, { fib });
  // @ts-expect-error: no function
  tasks(import.meta, { fib: 7 });
  // @ts-expect-error: a call
  tasks(import.meta, { fib: fib(7) });
  // @ts-expect-error: functions stand in an object
  tasks(import.meta, fib);
  // @ts-expect-error: functions stand in an object
  tasks(import.meta, [fib, 7]);
  // @ts-expect-error: a name is a string
  task(import.meta, fib, { name: 7 });
  // @ts-expect-error: misspelt
  task(import.meta, fib, { nmae: "fib" });
  // @ts-expect-error: a URL is a string
  task({ url: 7 }, fib);

  const main: boolean = isMain(import.meta);
  isMain({ url: import.meta.url });
  // @ts-expect-error: no module
  isMain();
  // @ts-expect-error: no module
  isMain("file:///app/main.ts");
  const current: CurrentTask | undefined = currentTask();
  // @ts-expect-error: outside of a task there is none
  current.id;
  // @ts-expect-error: it is read only
  current!.id = 7;
  void main;
}

// ----- The decorator

export class Words {
  @task(import.meta)
  static longest(words: string[]): string {
    return words.reduce((a, b) => a.length < b.length ? b : a);
  }

  @task(import.meta, { name: "count" })
  static async count(words: string[]): Promise<number> {
    return await words.length;
  }

  // @ts-expect-error: not static
  @task(import.meta)
  shortest(words: string[]): string {
    return words[0];
  }

  // @ts-expect-error: private
  @task(import.meta)
  static #secret(): void {}

  // @ts-expect-error: a field
  @task(import.meta)
  static field = 7;

  // @ts-expect-error: a getter
  @task(import.meta)
  static get size(): number {
    return 7;
  }

  // @ts-expect-error: a name is a string
  @task(import.meta, { name: 7 })
  static named(): void {}

  static use(): void {
    Words.#secret();
  }
}

// @ts-expect-error: a class
@task(import.meta)
export class NoTask {}

// ----- submit

export function submitting(pool: Executor): void {
  same<Future<number>, ReturnType<typeof submitFib>>();
  function submitFib() {
    return pool.submit(fib, 30);
  }

  // @ts-expect-error: the argument is a string
  pool.submit(fib, "x");
  // @ts-expect-error: too few
  pool.submit(fib);
  // @ts-expect-error: too many
  pool.submit(fib, 1, 2);
  // @ts-expect-error: null is no number
  pool.submit(fib, null);
  // @ts-expect-error: undefined is no number
  pool.submit(fib, undefined);
  // @ts-expect-error: a list of the arguments is none
  pool.submit(fib, [30]);
  // @ts-expect-error: a call is no function
  pool.submit(fib(30));
  // @ts-expect-error: no task
  pool.submit();
  // @ts-expect-error: a name is no function
  pool.submit("fib", 30);
  // @ts-expect-error: a result is a number
  const wrong: Future<string> = pool.submit(fib, 30);
  // @ts-expect-error: a result has to be waited for
  const early: number = pool.submit(fib, 30);
  void [wrong, early];

  // Optional parameters, defaults, rest.
  const joined: Future<string> = pool.submit(join, "a", 2);
  pool.submit(join, "a", 2, "-");
  pool.submit(join, "a", 2, undefined);
  // @ts-expect-error: the optional one is a string
  pool.submit(join, "a", 2, 7);
  // @ts-expect-error: swapped
  pool.submit(join, 2, "a");
  // @ts-expect-error: one too many
  pool.submit(join, "a", 2, "-", "-");
  pool.submit(repeat, "a");
  pool.submit(repeat, "a", 3);
  // @ts-expect-error: the default is a number
  pool.submit(repeat, "a", "3");
  const total: Future<number> = pool.submit(sum, 1, 2, 3);
  pool.submit(sum);
  // @ts-expect-error: all are numbers
  pool.submit(sum, 1, "2");
  void [joined, total];

  // What comes back.
  same<Awaited<ReturnType<typeof results.later>>, string>();
  same<ReturnType<typeof results.later>, Future<string>>();
  same<ReturnType<typeof results.maybeLater>, Future<string | number>>();
  same<ReturnType<typeof results.nothing>, Future<void>>();
  same<ReturnType<typeof results.never>, Future<never>>();
  same<ReturnType<typeof results.nested>, Future<number>>();
  same<ReturnType<typeof results.label>, Future<"red" | "blue">>();
  const results = {
    later: () => pool.submit(later, 1),
    maybeLater: () => pool.submit(maybeLater, 1),
    nothing: () => pool.submit(nothing),
    never: () => pool.submit(never),
    nested: () => pool.submit(nested),
    label: () => pool.submit(label, "red"),
  };
  // @ts-expect-error: not one of the two
  pool.submit(label, "green");
  pool.submit(point, { x: 1, y: 2 });
  // @ts-expect-error: y lacks
  pool.submit(point, { x: 1 });
  // @ts-expect-error: misspelt
  pool.submit(point, { x: 1, z: 2 });

  // Generic tasks: what is given decides.
  const found: Future<string | undefined> = pool.submit(first<string>, ["a", "b"]);
  // @ts-expect-error: not of that kind
  pool.submit(first<string>, [7]);
  const inferred: Future<number | undefined> = pool.submit(first, [1, 2]);
  // @ts-expect-error: numbers give a number
  const misread: Future<string | undefined> = pool.submit(first, [1, 2]);
  const echoed: Future<string> = pool.submit(identity<string>, "a");
  void [found, inferred, misread, echoed];

  // Overloads: by their last signature, as TypeScript infers; an arrow picks another.
  const counted: Future<bigint> = pool.submit(size, [1, 2]);
  void counted;

  // The decorated method is what it was.
  const longest: Future<string> = pool.submit(Words.longest, ["a", "bb"]);
  const count: Future<number> = pool.submit(Words.count, ["a"]);
  // @ts-expect-error: a list of strings
  pool.submit(Words.longest, [7]);
  void [longest, count];
}

// ----- Futures

export async function waiting(pool: Executor): Promise<void> {
  const future = pool.submit(later, 1);
  same<string, Awaited<typeof future>>();
  const value: string = await future;
  const result: string = await future.result(100);
  const error: unknown = await future.exception();
  const promise: Promise<string> = future;
  const chained: Promise<number> = future.then((text) => text.length);
  const states: boolean[] = [future.done(), future.running(), future.cancelled(), future.cancel()];
  future.addDoneCallback((done) => void done.result());
  // @ts-expect-error: the text has no such method
  future.then((text) => text.toFixed());
  // @ts-expect-error: milliseconds are a number
  future.result("1 s");
  // @ts-expect-error: a callback
  future.addDoneCallback(7);
  // @ts-expect-error: only an executor settles it
  future.setResult("x");
  void [value, result, error, promise, chained, states];

  const { done, notDone } = await wait([future], { returnWhen: "FIRST_COMPLETED", timeout: 100 });
  const some: Future<string> = [...done, ...notDone][0];
  // @ts-expect-error: misspelt
  await wait([future], { returnWhen: "FIRST" });
  // @ts-expect-error: futures, not values
  await wait([7]);
  for await (const one of asCompleted([future, pool.submit(fib, 1)])) {
    const either: string | number = await one;
    void either;
  }
  // @ts-expect-error: misspelt
  asCompleted([future], { timeut: 1 });
  void some;

  if (error instanceof WorkerLostError) {
    const { workerName, pid, exitCode, signal, task, mayHaveRun } = error;
    same<boolean, typeof mayHaveRun>();
    const isBroken: BrokenExecutor = error;
    void [workerName, pid, exitCode, signal, task, isBroken];
  }
  if (error instanceof PicklingError) {
    same<"argument" | "result" | "initarg" | "task", typeof error.direction>();
    const isType: TypeError = error;
    void [error.path, isType];
  }
  const broken: BrokenExecutor = new BrokenProcessPool("why");
  void broken;
}

// ----- map

export async function mapping(pool: Executor): Promise<void> {
  const numbers = [1, 2, 3];
  const results = pool.map(fib, numbers);
  same<MapResults<number>, typeof results>();
  for await (const value of results) same<number, typeof value>();
  const all: number[] = await pool.map(fib, numbers).toArray();
  same<MapResults<string>, ReturnType<typeof mapLater>>();
  function mapLater() {
    return pool.map(later, numbers);
  }
  void all;

  // Whatever can be iterated.
  pool.map(fib, new Set(numbers));
  pool.map(fib, new Float64Array(3));
  pool.map(fib, numbers.values());
  pool.map(
    fib,
    async function* () {
      yield 1;
    }(),
  );
  pool.map(later, numbers, { chunksize: 10, timeout: 1000 });
  pool.map(fib, numbers, { chunksize: "auto", buffersize: 100 });
  pool.map(fib, numbers, {});

  // @ts-expect-error: strings
  pool.map(fib, ["a"]);
  // @ts-expect-error: a text is iterable, of strings
  pool.map(fib, "abc");
  // @ts-expect-error: not iterable
  pool.map(fib, 7);
  // @ts-expect-error: no iterable
  pool.map(fib);
  // @ts-expect-error: one too many
  pool.map(fib, numbers, numbers);
  // @ts-expect-error: misspelt
  pool.map(fib, numbers, { chunkSize: 10 });
  // @ts-expect-error: a number, or "auto"
  pool.map(fib, numbers, { chunksize: "big" });
  // @ts-expect-error: milliseconds are a number
  pool.map(fib, numbers, { timeout: "1 s" });
  // @ts-expect-error: no option of map
  pool.map(fib, numbers, { maxWorkers: 2 });
  // @ts-expect-error: the options come last
  pool.map(fib, { chunksize: 10 }, numbers);
  // @ts-expect-error: promises of items
  pool.map(fib, [Promise.resolve(1)]);

  // Several iterables.
  const words = ["a", "b"];
  const joined: MapResults<string> = pool.map(join, words, numbers);
  pool.map(join, words, numbers, ["-"]);
  pool.map(join, words, numbers, ["-"], { chunksize: 2 });
  pool.map(join, words, numbers, { chunksize: 2 });
  // @ts-expect-error: swapped
  pool.map(join, numbers, words);
  // @ts-expect-error: the third is of strings
  pool.map(join, words, numbers, numbers);
  // @ts-expect-error: the second lacks
  pool.map(join, words);
  pool.map(repeat, words);
  pool.map(repeat, words, numbers);
  pool.map(repeat, words, { chunksize: 2 });
  // @ts-expect-error: the second is of numbers
  pool.map(repeat, words, words);
  pool.map(sum, numbers, numbers, numbers);
  // @ts-expect-error: all are of numbers
  pool.map(sum, numbers, words);
  void joined;
}

// ----- Executors

function setUp(text: string, count: number): void {
  void [text, count];
}

export async function making(): Promise<void> {
  await using pool = new ProcessPoolExecutor();
  const executor: Executor = pool;
  new ProcessPoolExecutor(4);
  new ProcessPoolExecutor({
    maxWorkers: 2,
    maxTasksPerChild: 10,
    onWorkerLost: "break",
    env: { COLOUR: "red" },
    cwd: "/",
    execArgv: ["--no-warnings"],
    permissions: { read: ["/tmp"], env: true, net: "inherit", run: false },
    config: "deno.json",
    workerName: "Ant",
  });
  new ProcessPoolExecutor({ permissions: "none" });
  new ProcessPoolExecutor({ initializer: setUp, initargs: ["a", 1] });
  new ProcessPoolExecutor({ initializer: nothing });
  const options: ProcessPoolExecutorOptions = { maxWorkers: 2 };
  new ProcessPoolExecutor(options);

  // @ts-expect-error: a number
  new ProcessPoolExecutor("4");
  // @ts-expect-error: misspelt
  new ProcessPoolExecutor({ maxworkers: 4 });
  // @ts-expect-error: a number
  new ProcessPoolExecutor({ maxWorkers: "4" });
  // @ts-expect-error: one of the two
  new ProcessPoolExecutor({ onWorkerLost: "ignore" });
  // @ts-expect-error: strings
  new ProcessPoolExecutor({ env: { COUNT: 7 } });
  // @ts-expect-error: a list
  new ProcessPoolExecutor({ execArgv: "--no-warnings" });
  // @ts-expect-error: misspelt
  new ProcessPoolExecutor({ permissions: { reed: true } });
  // @ts-expect-error: no such word
  new ProcessPoolExecutor({ permissions: "all" });
  // @ts-expect-error: of a wrong kind
  new ProcessPoolExecutor({ initializer: setUp, initargs: [1, "a"] });
  // @ts-expect-error: too few
  new ProcessPoolExecutor({ initializer: setUp, initargs: ["a"] });
  // @ts-expect-error: too many
  new ProcessPoolExecutor({ initializer: setUp, initargs: ["a", 1, 2] });
  // @ts-expect-error: the initializer takes two
  new ProcessPoolExecutor({ initializer: setUp });
  // @ts-expect-error: abstract
  new Executor();

  await executor.shutdown({ wait: true, cancelFutures: true });
  await pool.terminateWorkers();
  await pool.killWorkers();
  // @ts-expect-error: misspelt
  await pool.shutdown({ cancelfutures: true });
  // @ts-expect-error: Python's position is no option
  await pool.shutdown(true);
  const counts: number[] = [pool.maxWorkers, pool.pendingCount];
  // @ts-expect-error: read only
  pool.maxWorkers = 7;
  void counts;
}
