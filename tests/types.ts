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
  type Picklable,
  picklable,
  PicklingError,
  ProcessPoolExecutor,
  type ProcessPoolExecutorOptions,
  type Sendable,
  type SendableArgs,
  task,
  tasks,
  wait,
  WorkerLostError,
} from "../mod.ts";
import { type AsyncResult, getContext, type ImapResults, Pool, Process, ThreadPool } from "../pool/mod.ts";

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
function clip(text: string, from?: number, to?: number): string {
  return text.slice(from, to);
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
  // @ts-expect-error: one too many
  pool.map(point, [{ x: 1, y: 2 }], numbers, { chunksize: 2 });
  // @ts-expect-error: the second lacks
  pool.map(join, words);
  pool.map(repeat, words);
  pool.map(repeat, words, numbers);
  pool.map(repeat, words, { chunksize: 2 });
  // @ts-expect-error: the second is of numbers
  pool.map(repeat, words, words);
  // Options stand behind as many of the optional ones as are given.
  pool.map(clip, words, { chunksize: 2 });
  pool.map(clip, words, numbers, { chunksize: 2 });
  pool.map(clip, words, numbers, numbers, { chunksize: 2 });
  // @ts-expect-error: the third is of numbers
  pool.map(clip, words, numbers, words, { chunksize: 2 });
  // @ts-expect-error: one too many
  pool.map(clip, words, numbers, numbers, numbers, { chunksize: 2 });
  pool.map(sum, numbers, numbers, numbers);
  pool.map(sum, numbers, numbers, { chunksize: 2 });
  pool.map(sum, { chunksize: 2 });
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

// ----- What can cross

/** A task of one parameter of type `T`; declared only, as nothing here is run. */
declare function taking<T>(): (value: T) => number;
/** A value of type `T`. */
declare function value<T>(): T;

interface Tree {
  name: string;
  parent?: Tree;
  children: Tree[];
  byName: Map<string, Tree>;
  friends: ReadonlySet<Tree>;
  table: Record<string, Tree>;
}
type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
interface OldJsonArray extends Array<OldJson> {}
type OldJson = string | OldJsonArray | { [key: string]: OldJson };
type Formula = number | ["add" | "times", Formula, Formula] | ["negate", Formula];
type List = { readonly head: number; readonly tail: List } | null;
interface MapOfItself extends Map<string, MapOfItself> {}
type Shape = { kind: "circle"; radius: number } | { kind: "path"; points: [x: number, y: number][] };
type Level = 1 | 2 | 3;
type UserId = string & { readonly "brand": "user" };
declare const brand: unique symbol;
interface Branded {
  readonly id: string;
  readonly [brand]: symbol;
}

class Fields {
  x = 1;
  readonly y: string = "a";
  protected z = 3;
  #hidden = 4;
  static use(fields: Fields): number {
    return fields.#hidden + fields.z;
  }
}
class Money {
  #cents = 0;
  format(): string {
    return String(this.#cents);
  }
  toPickle(): number {
    return this.#cents;
  }
  static fromPickle(cents: number): Money {
    const money = new Money();
    money.#cents = cents;
    return money;
  }
}
picklable(import.meta, Money);
class Point {
  x = 1;
  norm(): number {
    return Math.abs(this.x);
  }
}
interface Point extends Picklable {}
picklable(import.meta, Point);

class Id {
  readonly value: string;
  private constructor(value: string) {
    this.value = value;
  }
  static of(value: string): Id {
    return new Id(value);
  }
  toPickle(): string {
    return this.value;
  }
  static fromPickle(value: string): Id {
    return new Id(value);
  }
}
// A class whose constructor is private, and which therefore has a factory, is a class as well.
same<ReturnType<typeof picklable<typeof Id>>, typeof Id>();
picklable(import.meta, Id);
// @ts-expect-error: no class
picklable(import.meta, 7);
class Point3 extends Point {
  override norm(): number {
    return 3;
  }
}
class Unmarked {
  x = 1;
  norm(): number {
    return Math.abs(this.x);
  }
}

class Bag extends Map<string, number> {
  total(): number {
    return [...this.values()].reduce((a, b) => a + b, 0);
  }
}

export function sending(pool: Executor): void {
  // Primitives, and what structured clone knows by its class.
  pool.submit(taking<boolean>(), true);
  pool.submit(taking<bigint>(), 1n);
  pool.submit(taking<null>(), null);
  pool.submit(taking<undefined>(), undefined);
  pool.submit(taking<Level>(), 2);
  pool.submit(taking<`${number}px`>(), "3px");
  pool.submit(taking<UserId>(), value<UserId>());
  pool.submit(taking<Date>(), new Date());
  pool.submit(taking<RegExp>(), /a/);
  pool.submit(taking<ArrayBuffer>(), new ArrayBuffer(8));
  pool.submit(taking<SharedArrayBuffer>(), new SharedArrayBuffer(8)); // threads share it; a process refuses it at run time
  pool.submit(taking<Uint8Array>(), new Uint8Array(8));
  pool.submit(taking<Float64Array<ArrayBuffer>>(), new Float64Array(8));
  pool.submit(taking<DataView>(), new DataView(new ArrayBuffer(8)));
  pool.submit(taking<ArrayBufferView>(), new Int32Array(8));
  pool.submit(taking<Error>(), new TypeError("x"));
  pool.submit(taking<AggregateError>(), new AggregateError([]));
  // deno-lint-ignore ban-types -- the boxed one is meant
  pool.submit(taking<Number>(), value<Number>());

  // Objects, deep and optional and readonly.
  pool.submit(taking<{ readonly at: Date; list?: readonly number[] }>(), { at: new Date() });
  pool.submit(taking<Record<string, { n: number }[]>>(), { a: [{ n: 1 }] });
  pool.submit(taking<Record<Level, Date>>(), { 1: new Date(), 2: new Date(), 3: new Date() });
  pool.submit(taking<Partial<Tree>>(), { name: "a" });
  pool.submit(taking<Readonly<Pick<Tree, "name" | "children">>>(), { name: "a", children: [] });
  pool.submit(taking<{ a: number } & { b: Date[] }>(), { a: 1, b: [] });
  pool.submit(taking<object>(), { a: 1 });
  // deno-lint-ignore ban-types -- anything but null and undefined
  pool.submit(taking<{}>(), { a: 1 });
  pool.submit(taking<Branded>(), value<Branded>()); // what lies under a symbol does not cross
  pool.submit(taking<Iterable<number>>(), [1]);
  pool.submit(taking<ArrayLike<string>>(), ["a"]);
  pool.submit(taking<Fields>(), new Fields()); // fields alone: the type cannot tell that it is a class

  // Arrays and tuples.
  pool.submit(taking<number[][]>(), [[1], [2]]);
  pool.submit(taking<number[]>(), [1, 2] as const); // the worker's copy is its own to change
  pool.submit(taking<[number, string?]>(), [1]);
  pool.submit(taking<[number, string?]>(), [1, "a"]);
  pool.submit(taking<[number, ...string[]]>(), [1, "a", "b"]);
  pool.submit(taking<[...number[], string]>(), [1, 2, "a"]);
  pool.submit(taking<readonly [from: Date, to: Date]>(), [new Date(), new Date()]);
  pool.submit(taking<[]>(), []);
  pool.submit(taking<RegExpMatchArray>(), value<RegExpMatchArray>());

  // Maps and sets, and what is inferred inside of them.
  pool.submit(taking<Map<string, Date[]>>(), new Map([["a", [new Date()]]]));
  pool.submit(taking<Set<Map<Date, Set<number>>>>(), new Set([new Map([[new Date(), new Set([1])]])]));
  pool.submit(taking<ReadonlyMap<string, ReadonlySet<number>>>(), new Map([["a", new Set([1])]]));
  pool.submit(taking<Map<string, Shape>>(), new Map([["a", { kind: "circle", radius: 1 }]]));
  pool.submit(taking<Set<Shape>>(), new Set([{ kind: "circle", radius: 1 }]));
  pool.submit(taking<Map<string, number>>(), new Map());

  // Types that hold themselves.
  pool.submit(taking<Tree>(), value<Tree>());
  pool.submit(taking<Json>(), { a: [1, { b: null }] });
  pool.submit(taking<Json>(), value<Json>());
  pool.submit(taking<OldJson>(), value<OldJson>());
  pool.submit(taking<Formula>(), ["add", 1, ["negate", 2]]);
  pool.submit(taking<Formula>(), value<Formula>());
  pool.submit(taking<List>(), { head: 1, tail: { head: 2, tail: null } });
  pool.submit(taking<MapOfItself>(), value<MapOfItself>());

  // Unions: each member by itself.
  pool.submit(taking<Shape[]>(), [{ kind: "circle", radius: 1 }, { kind: "path", points: [[1, 2]] }]);
  pool.submit(taking<Shape>(), value<Shape>());
  pool.submit(taking<string | (() => string)>(), "a");
  pool.submit(taking<{ n: number; callback?: () => void }>(), { n: 1 });

  // Classes.
  pool.submit(taking<Money>(), new Money());
  pool.submit(taking<{ prices: Map<string, Money[]> }>(), { prices: new Map([["a", [new Money()]]]) });
  pool.submit(taking<Point>(), new Point());
  pool.submit(taking<Set<Point>>(), new Set([new Point()]));
  pool.submit(taking<Point>(), new Point3());
  pool.submit(taking<Point | Date>(), new Point());

  // What types cannot tell.
  pool.submit(taking<unknown>(), () => 1);
  // deno-lint-ignore no-explicit-any -- it is what is tried
  pool.submit(taking<any>(), () => 1);
  // deno-lint-ignore no-explicit-any -- it is what is tried
  pool.submit(taking<{ n: number }>(), value<any>());
  pool.submit(taking<Record<string, unknown>>(), { a: () => 1 });
  pool.submit(taking<unknown[]>(), [() => 1]);
  pool.submit(taking<never>(), value<never>());

  // Rest and optional parameters, receivers and overloads.
  pool.submit((first: string, ...more: Date[]) => [first, more], "a", new Date(), new Date());
  pool.submit((first: string, options: { at?: Date } = {}) => [first, options], "a");
  pool.submit(Money.fromPickle, 7);
}

export function refusing(pool: Executor): void {
  // @ts-expect-error: a function
  pool.submit(taking<() => void>(), () => {});
  // deno-lint-ignore ban-types -- it is what is tried
  type AnyFunction = Function;
  // @ts-expect-error: a function of any kind
  pool.submit(taking<AnyFunction>(), () => {});
  // @ts-expect-error: a class
  pool.submit(taking<typeof Money>(), Money);
  // @ts-expect-error: a function with fields
  pool.submit(taking<{ (): void; n: number }>(), value<{ (): void; n: number }>());
  // @ts-expect-error: a symbol
  pool.submit(taking<symbol>(), Symbol("a"));
  // @ts-expect-error: a symbol of its own
  pool.submit(taking<typeof brand>(), brand);
  // @ts-expect-error: a promise
  pool.submit(taking<Promise<number>>(), Promise.resolve(1));
  // @ts-expect-error: what can be awaited
  pool.submit(taking<PromiseLike<number>>(), Promise.resolve(1));
  // @ts-expect-error: a future
  pool.submit(taking<Future<number>>(), pool.submit(fib, 1));
  // @ts-expect-error: a weak map
  pool.submit(taking<WeakMap<object, number>>(), new WeakMap());
  // @ts-expect-error: a weak set
  pool.submit(taking<WeakSet<object>>(), new WeakSet());
  // @ts-expect-error: a weak reference
  pool.submit(taking<WeakRef<object>>(), new WeakRef({}));
  // @ts-expect-error: a generator
  pool.submit(taking<Generator<number>>(), value<Generator<number>>());
  // @ts-expect-error: an iterator
  pool.submit(taking<Iterator<number>>(), [1].values());
  // @ts-expect-error: an async iterable
  pool.submit(taking<AsyncIterable<number>>(), value<AsyncGenerator<number>>());
  // @ts-expect-error: the executor itself
  pool.submit(taking<Executor>(), pool);
  // @ts-expect-error: a host's object
  pool.submit(taking<URL>(), new URL("https://example.com"));
  // @ts-expect-error: a host's object
  pool.submit(taking<AbortSignal>(), new AbortController().signal);

  // Wherever they lie.
  // @ts-expect-error: in a field
  pool.submit(taking<{ onDone: () => void }>(), { onDone: () => {} });
  // @ts-expect-error: as a method
  pool.submit(taking<{ n: number; done(): void }>(), { n: 1, done() {} });
  // @ts-expect-error: in a field that may be left out, and is not
  pool.submit(taking<{ n: number; onDone?: () => void }>(), { n: 1, onDone: () => {} });
  // @ts-expect-error: in a readonly field
  pool.submit(taking<{ readonly key: symbol }>(), { key: Symbol("a") });
  // @ts-expect-error: under any key
  pool.submit(taking<Record<string, () => void>>(), { done() {} });
  // @ts-expect-error: deep
  pool.submit(taking<{ a: { b: { c: Promise<number> }[] } }>(), { a: { b: [{ c: Promise.resolve(1) }] } });
  // @ts-expect-error: deep, in a variable
  pool.submit(taking<{ a: { b: { c: symbol }[] } }>(), value<{ a: { b: { c: symbol }[] } }>());
  // @ts-expect-error: in an array
  pool.submit(taking<(() => void)[]>(), [() => {}]);
  // @ts-expect-error: in an array of arrays
  pool.submit(taking<readonly (readonly symbol[])[]>(), [[Symbol("a")]]);
  // @ts-expect-error: in a tuple
  pool.submit(taking<[number, () => void]>(), [1, () => {}]);
  // @ts-expect-error: in the rest of a tuple
  pool.submit(taking<[number, ...(() => void)[]]>(), [1, () => {}]);
  // @ts-expect-error: in a map's values
  pool.submit(taking<Map<string, () => void>>(), new Map([["a", () => {}]]));
  // @ts-expect-error: in a map's keys
  pool.submit(taking<Map<symbol, string>>(), new Map([[Symbol("a"), "a"]]));
  // @ts-expect-error: in a readonly map's values
  pool.submit(taking<ReadonlyMap<string, Date | symbol>>(), new Map([["a", Symbol("a")]]));
  // @ts-expect-error: in a set
  pool.submit(taking<Set<() => void>>(), new Set([() => {}]));
  // @ts-expect-error: in a readonly set
  pool.submit(taking<ReadonlySet<{ p: Promise<void> }>>(), new Set([{ p: Promise.resolve() }]));
  // @ts-expect-error: one member of a union
  pool.submit(taking<string | (() => string)>(), () => "a");
  // @ts-expect-error: in one member of a union
  pool.submit(taking<{ kind: 1; n: number } | { kind: 2; f: () => void }>(), { kind: 2, f() {} });
  // @ts-expect-error: in a union's variable
  pool.submit(taking<string | symbol>(), value<string | symbol>());
  // @ts-expect-error: in an intersection
  pool.submit(taking<{ a: number } & { f: () => void }>(), { a: 1, f() {} });
  // @ts-expect-error: in a type that holds itself
  pool.submit(taking<Node>(), value<Node>());
  interface Node {
    next?: Node;
    all: Node[];
    visit: () => void;
  }
  // @ts-expect-error: a class with methods that nothing is said of
  pool.submit(taking<Unmarked>(), new Unmarked());
  // @ts-expect-error: a map with methods of its own
  pool.submit(taking<Bag>(), new Bag());
  // @ts-expect-error: what is less than the task asks for
  pool.submit(taking<Bag>(), new Map());
  // @ts-expect-error: the same in a map
  pool.submit(taking<Map<string, Unmarked>>(), new Map([["a", new Unmarked()]]));
  // @ts-expect-error: the same at the end of the arguments
  pool.submit((first: string, ...more: Unmarked[]) => [first, more], "a", new Unmarked());
  // @ts-expect-error: in a second argument
  pool.submit((first: string, second: { f(): void }) => [first, second], "a", { f() {} });

  // The kind is held still.
  // @ts-expect-error: too short
  pool.submit(taking<[number, string]>(), [1]);
  // @ts-expect-error: too long
  pool.submit(taking<[number, string]>(), [1, "a", 2]);
  // @ts-expect-error: swapped
  pool.submit(taking<[number, string]>(), ["a", 1]);
  // @ts-expect-error: swapped, with a rest
  pool.submit(taking<[number, ...string[]]>(), ["a", 1]);
  // @ts-expect-error: a text is no array
  pool.submit(taking<string[]>(), "abc");
  // @ts-expect-error: a map is no set
  pool.submit(taking<Set<string>>(), new Map([["a", "b"]]));
  // @ts-expect-error: other values
  pool.submit(taking<Map<string, number>>(), new Map([["a", "b"]]));
  // @ts-expect-error: misspelt
  pool.submit(taking<{ count?: number }>(), { cuont: 1 });
  // @ts-expect-error: no such kind
  pool.submit(taking<Shape>(), { kind: "square", side: 1 });
}

/** The sentence stands at the place, as its type. */
export function sentences(): void {
  same<
    Sendable<{ a: number; f: () => void }>,
    { a: number; f: "Cannot send a function to a worker: leave it out; for a class with methods see Picklable" }
  >();
  same<Sendable<symbol | string>, string | "Cannot send a symbol to a worker: send a string">();
  same<Sendable<Promise<1>[]>, readonly "Cannot send a promise to a worker: await it first"[]>();
  same<
    Sendable<Set<WeakRef<Date>>>,
    Set<"Cannot send a weak collection or reference to a worker: send what it holds">
  >();
  same<Sendable<{ g: Generator<1> }>, { g: "Cannot send an iterator to a worker: send an array" }>();
  same<SendableArgs<[Date, ...number[]]>, [Date, ...number[]]>();
  same<SendableArgs<[n?: Json]>, [n?: Sendable<Json>]>();
  same<Sendable<Point | Date | undefined>, Point | Date | undefined>();
}

// Generic code: what is open passes, and what is settled around it is still checked.

export function one<T>(pool: Executor, fn: (value: T) => number, value: T): Future<number> {
  return pool.submit(fn, value);
}
export function oneOfMine<T, R>(pool: Executor, fn: (value: T) => R, value: Sendable<T>): Future<Awaited<R>> {
  return pool.submit(fn, value);
}
export function wrapped<T>(pool: Executor, fn: (value: { x: T; list: T[] }) => number, x: T): Future<number> {
  return pool.submit(fn, { x, list: [x] });
}
export function inMap<T>(pool: Executor, fn: (value: Map<string, T>) => number, value: T): Future<number> {
  return pool.submit(fn, new Map([["a", value]]));
}
export function inTuple<T>(pool: Executor, fn: (value: [T, number]) => number, value: T): Future<number> {
  return pool.submit(fn, [value, 1]);
}
export function orNull<T>(pool: Executor, fn: (value: T | null) => number, value: T): Future<number>[] {
  return [pool.submit(fn, value), pool.submit(fn, null)];
}
export function bounded<T extends { id: number }>(pool: Executor, fn: (value: T) => number, value: T): Future<number> {
  return pool.submit(fn, value);
}
export function partly<T>(pool: Executor, fn: (value: Partial<T>) => number, value: Partial<T>): Future<number> {
  return pool.submit(fn, value);
}
export function field<T, K extends keyof T>(pool: Executor, fn: (value: T[K]) => number, value: T[K]): Future<number> {
  return pool.submit(fn, value);
}
export function all<A extends unknown[], R>(pool: Executor, fn: (...args: A) => R, ...args: A): Future<Awaited<R>> {
  return pool.submit(fn, ...args);
}
export function allOfMine<A extends unknown[], R>(
  pool: Executor,
  fn: (...args: A) => R,
  ...args: SendableArgs<A>
): Future<Awaited<R>> {
  return pool.submit(fn, ...args);
}
export function items<T, R>(pool: Executor, fn: (value: T) => R, values: Iterable<T>): Promise<Awaited<R>[]> {
  return pool.map(fn, values).toArray();
}
export function asyncItems<T, R>(
  pool: Executor,
  fn: (a: T, b: number) => R,
  values: AsyncIterable<T>,
): MapResults<Awaited<R>> {
  return pool.map(fn, values, [1, 2], { timeout: 1000 });
}
export function mixed<T>(pool: Executor, fn: (value: T, done: () => void) => number, value: T): void {
  // @ts-expect-error: a function beside what is open
  pool.submit(fn, value, () => {});
}
export class Runner<T, R> {
  readonly #pool: Executor;
  readonly #fn: (value: T) => R;
  constructor(pool: Executor, fn: (value: T) => R) {
    this.#pool = pool;
    this.#fn = fn;
  }
  run(value: T): Future<Awaited<R>> {
    return this.#pool.submit(this.#fn, value);
  }
}

export function usingGeneric(pool: Executor): void {
  const length: Future<number> = one(pool, (text: string) => text.length, "a");
  const many: Future<string> = all(pool, join, "a", 2);
  const mine: Future<string> = allOfMine(pool, join, "a", 2);
  // @ts-expect-error: a function, refused by the caller's own signature
  oneOfMine(pool, taking<() => void>(), () => {});
  // @ts-expect-error: the same in a list of arguments
  allOfMine(pool, taking<{ f: () => void }>(), { f() {} });
  void [length, many, mine];
}

// Items of map, and initargs.

export function sendingItems(pool: Executor): void {
  pool.map(taking<Tree>(), value<AsyncIterable<Tree>>());
  pool.map(taking<Shape>(), [{ kind: "circle", radius: 1 }]);
  pool.map(taking<Shape>(), new Set<Shape>());
  pool.map(taking<[number, string]>(), new Map([[1, "a"]]));
  pool.map(taking<number[]>(), [[1], [2]] as const);
  pool.map(taking<Point>(), value<Generator<Point>>(), { chunksize: 10 });
  pool.map(Words.longest, [["a"], ["b"]]);
  // deno-lint-ignore no-explicit-any -- it is what is tried
  pool.map(taking<string>(), value<any[]>());
  pool.map(taking<unknown>(), [() => 1]);

  // @ts-expect-error: functions
  pool.map(taking<() => void>(), [() => {}]);
  // @ts-expect-error: deep in an array's items
  pool.map(taking<{ f: () => void }>(), [{ f() {} }]);
  // @ts-expect-error: in a set's items
  pool.map(taking<{ p: Promise<number> }>(), new Set([{ p: Promise.resolve(1) }]), { timeout: 1000 });
  // @ts-expect-error: in an async iterable's items
  pool.map(taking<{ s: symbol[] }>(), value<AsyncIterable<{ s: symbol[] }>>());
  // @ts-expect-error: in a generator's items
  pool.map(taking<Unmarked>(), value<Generator<Unmarked>>());
  // @ts-expect-error: in the second iterable
  pool.map((first: string, second: symbol) => [first, second], ["a"], [Symbol("a")]);
}

export function sendingInitargs(): void {
  function prepare(at: Date, options: { callback?: () => void; sizes: number[] }): void {
    void [at, options];
  }
  new ProcessPoolExecutor({ initializer: prepare, initargs: [new Date(), { sizes: [1] }] });
  new ProcessPoolExecutor({ initializer: taking<Money>(), initargs: [new Money()] });
  new ProcessPoolExecutor({ initializer: taking<Point[]>(), initargs: [[new Point()]] });
  new ProcessPoolExecutor({ initializer: taking<unknown>(), initargs: [() => 1] });
  // @ts-expect-error: a function in an object
  new ProcessPoolExecutor({ initializer: prepare, initargs: [new Date(), { sizes: [1], callback() {} }] });
  // @ts-expect-error: a class with methods
  new ProcessPoolExecutor({ initializer: taking<Unmarked>(), initargs: [new Unmarked()] });
  // @ts-expect-error: a promise
  new ProcessPoolExecutor({ initializer: taking<Promise<Date>>(), initargs: [Promise.resolve(new Date())] });
}

// ----- Pools of multiprocessing

export async function applying(pool: Pool): Promise<void> {
  same<ReturnType<typeof applyFib>, Promise<number>>();
  function applyFib() {
    return pool.apply(fib, [30]);
  }
  const joined: string = await pool.apply(join, ["a", 2]);
  await pool.apply(join, ["a", 2, "-"]);
  await pool.apply(nothing);
  await pool.apply(sum);
  await pool.apply(sum, [1, 2, 3]);
  const text: string = await pool.apply(later, [1]);
  const inferred: number | undefined = await pool.apply(first, [[1, 2]]);
  // @ts-expect-error: numbers give a number
  const misread: string | undefined = await pool.apply(first, [[1, 2]]);
  // @ts-expect-error: the argument is a string
  pool.apply(fib, ["x"]);
  // @ts-expect-error: the arguments stand in an array
  pool.apply(fib, 30);
  // @ts-expect-error: too few
  pool.apply(fib, []);
  // @ts-expect-error: too few
  pool.apply(fib);
  // @ts-expect-error: too many
  pool.apply(fib, [1, 2]);
  // @ts-expect-error: swapped
  pool.apply(join, [2, "a"]);
  // @ts-expect-error: a call is no function
  pool.apply(fib(30));
  // @ts-expect-error: a function cannot cross
  pool.apply(taking<{ f: () => void }>(), [{ f() {} }]);
  void [joined, text, inferred, misread];

  const result: AsyncResult<number> = pool.applyAsync(fib, [30]);
  const named: AsyncResult<string> = pool.applyAsync(later, [1], {
    callback: (value) => same<string, typeof value>(),
    errorCallback: (error) => same<unknown, typeof error>(),
  });
  pool.applyAsync(nothing);
  pool.applyAsync(nothing, [], { callback: () => {} });
  pool.applyAsync(sum);
  pool.applyAsync(fib, [1], { callback: async () => {} });
  // @ts-expect-error: too few
  pool.applyAsync(fib);
  // @ts-expect-error: the arguments stand in an array
  pool.applyAsync(fib, 30);
  // @ts-expect-error: of a wrong kind
  pool.applyAsync(fib, ["x"]);
  // @ts-expect-error: a callback gets the value alone
  pool.applyAsync(fib, [1], { callback: (value: number, index: number) => value + index });
  // @ts-expect-error: a callback of strings
  pool.applyAsync(fib, [1], { callback: (value: string) => value });
  // @ts-expect-error: a call is no callback
  pool.applyAsync(fib, [1], { callback: fib(1) });
  // @ts-expect-error: misspelt
  pool.applyAsync(fib, [1], { error_callback: () => {} });
  // @ts-expect-error: options are for maps
  pool.applyAsync(fib, [1], { chunksize: 1 });

  const value: number = await result.get(100);
  const states: [boolean, boolean, void] = [result.ready(), result.successful(), await result.wait(100)];
  // @ts-expect-error: a result is no value
  const early: number = await result;
  // @ts-expect-error: milliseconds are a number
  result.get("1 s");
  void [named, value, states, early];
}

export async function poolMapping(pool: Pool): Promise<void> {
  const numbers = [1, 2, 3];
  const words = ["a", "b"];
  same<ReturnType<typeof mapFib>, Promise<number[]>>();
  function mapFib() {
    return pool.map(fib, numbers);
  }
  const texts: string[] = await pool.map(later, numbers, { chunksize: 10 });
  const result: AsyncResult<string[]> = pool.mapAsync(later, numbers, {
    chunksize: "auto",
    callback: (values) => same<string[], typeof values>(),
  });
  pool.map(fib, new Set(numbers));
  pool.map(fib, value<AsyncIterable<number>>());
  pool.map(clip, words);
  pool.map(repeat, words);
  pool.map(taking<Shape>(), [{ kind: "circle", radius: 1 }]);
  pool.map(taking<number[]>(), [[1], [2]] as const);
  const same1: (number | undefined)[] = await pool.map(first<number>, [[1], [2]]);
  // @ts-expect-error: strings
  pool.map(fib, words);
  // @ts-expect-error: not iterable
  pool.map(fib, 7);
  // @ts-expect-error: no iterable
  pool.map(fib);
  // @ts-expect-error: two parameters are starmap's
  pool.map(join, words);
  // @ts-expect-error: one iterable
  pool.map(fib, numbers, numbers);
  // @ts-expect-error: the size of chunks is an option
  pool.map(fib, numbers, 10);
  // @ts-expect-error: map has no callback
  pool.map(fib, numbers, { callback: () => {} });
  // @ts-expect-error: a callback gets all values at once
  pool.mapAsync(fib, numbers, { callback: (one: number) => one });
  // @ts-expect-error: functions
  pool.map(taking<() => void>(), [() => {}]);
  // @ts-expect-error: deep in a set's items
  pool.mapAsync(taking<{ p: Promise<number> }>(), new Set([{ p: Promise.resolve(1) }]));
  void [texts, result, same1];

  const joined: string[] = await pool.starmap(join, [["a", 2], ["b", 3, "-"]]);
  const rows: [string, number][] = [["a", 1]];
  const later1: AsyncResult<string[]> = pool.starmapAsync(join, rows, {
    callback: (values) => same<string[], typeof values>(),
  });
  pool.starmap(join, value<AsyncIterable<[string, number]>>());
  pool.starmap(sum, [[1], [1, 2], []]);
  pool.starmap(fib, [[1], [2]], { chunksize: 2 });
  // @ts-expect-error: swapped
  pool.starmap(join, [[2, "a"]]);
  // @ts-expect-error: too few
  pool.starmap(join, [["a"]]);
  // @ts-expect-error: no rows
  pool.starmap(fib, numbers);
  // @ts-expect-error: a function in a row
  pool.starmap(taking<{ f: () => void }>(), [[{ f() {} }]]);
  void [joined, later1];

  const lazy: ImapResults<string> = pool.imap(later, numbers, { chunksize: 2, buffersize: 10 });
  for await (const text of lazy) same<string, typeof text>();
  for await (const number of pool.imapUnordered(fib, numbers)) same<number, typeof number>();
  const next: IteratorResult<string, undefined> = await lazy.next(100);
  const all: string[] = await lazy.toArray();
  // @ts-expect-error: milliseconds are a number
  lazy.next("1 s");
  // @ts-expect-error: strings
  pool.imap(fib, words);
  // @ts-expect-error: imap has no callback
  pool.imapUnordered(fib, numbers, { callback: () => {} });
  void [next, all];
}

export async function makingPools(): Promise<void> {
  await using pool = new Pool();
  await using threads = new ThreadPool(4);
  const either: Pool = threads;
  new Pool({ processes: 2, maxtasksperchild: 10, context: getContext("spawn"), env: { COLOUR: "red" } });
  new Pool({ initializer: setUp, initargs: ["a", 1] });
  new ThreadPool({ initializer: nothing });
  new (getContext().Pool)(4);
  // @ts-expect-error: Python's name is processes
  new Pool({ maxWorkers: 2 });
  // @ts-expect-error: a number
  new Pool({ processes: "2" });
  // @ts-expect-error: a context, not its name
  new Pool({ context: "spawn" });
  // @ts-expect-error: the initializer takes two
  new Pool({ initializer: setUp });
  // @ts-expect-error: of a wrong kind
  new ThreadPool({ initializer: setUp, initargs: [1, "a"] });
  // @ts-expect-error: threads have no environment of their own
  new ThreadPool({ env: { COLOUR: "red" } });
  pool.close();
  pool.terminate();
  await either.join();

  const process = new Process({ target: join, args: ["a", 2], name: "join", daemon: true });
  new Process({ target: nothing });
  const code: number | undefined = process.exitcode;
  await process.join(100);
  // @ts-expect-error: the target takes two or three
  new Process({ target: join });
  // @ts-expect-error: of a wrong kind
  new Process({ target: join, args: [2, "a"] });
  // @ts-expect-error: no target
  new Process({ args: [1] });
  // @ts-expect-error: a call is no target
  new Process({ target: fib(1) });
  void code;
}
