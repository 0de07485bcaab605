/** Classes that cross with their class, and tasks that take and give instances; for `picklable_test.ts`. */
import { picklable } from "../tasks/picklable.ts";
import type { Picklable } from "../tasks/sendable.ts";
import { tasks } from "../tasks/task.ts";
import { arrive } from "./latch.ts";
import { die, WORKER_ID } from "./worker_side.ts";

/** Crosses by its own fields. */
export class Point {
  x: number;
  y: number;
  readonly others: Point[] = [];
  constructor(x: number, y: number) {
    if (x === -666) throw new Error("the constructor was called");
    this.x = x;
    this.y = y;
  }
  norm(): number {
    return Math.hypot(this.x, this.y);
  }
}
/** Says to the compiler that it crosses. */
export interface Point extends Picklable {}

/** A subclass with a registration of its own. */
export class Point3 extends Point {
  z = 1;
  override norm(): number {
    return Math.hypot(this.x, this.y, this.z);
  }
}

/** A subclass with none. */
export class Point4 extends Point3 {
  w = 1;
}

/** Crosses by its state, which is private. */
export class Money {
  readonly #cents: number;
  constructor(cents: number) {
    this.#cents = cents;
  }
  plus(other: Money): Money {
    return new Money(this.#cents + other.#cents);
  }
  get cents(): number {
    return this.#cents;
  }
  toPickle(): unknown {
    return { cents: this.#cents };
  }
  static fromPickle(state: { readonly cents: number }): Money {
    return new this(state.cents);
  }
}

/** Inherits both methods. */
export class Euro extends Money {
  override plus(other: Money): Euro {
    return new Euro(this.cents + other.cents);
  }
}

/** A subclass of a built-in class. */
export class Bag<T> extends Map<T, number> {
  add(item: T): this {
    return this.set(item, (this.get(item) ?? 0) + 1);
  }
  toPickle(): unknown {
    return [...this];
  }
  static fromPickle<T>(state: [T, number][]): Bag<T> {
    return new Bag(state);
  }
}

/** A registered error. */
export class HttpError extends RangeError {
  readonly status: number;
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
  get isNotFound(): boolean {
    return this.status === 404;
  }
}

/** A registered error with a state. */
export class CodeError extends Error {
  readonly #code: string;
  constructor(code: string) {
    super(`code ${code}`);
    this.#code = code;
  }
  override get name(): string {
    return "CodeError";
  }
  get code(): string {
    return this.#code;
  }
  toPickle(): unknown {
    if (this.#code === "bad pickle") throw new TypeError("from toPickle");
    return this.#code;
  }
  static fromPickle(code: string): CodeError {
    if (code === "bad unpickle") throw new TypeError("from fromPickle");
    return new CodeError(code);
  }
}

/** What a {@linkcode Trap} does, and where. */
export interface TrapPlan {
  /** When: as it is sent, or as it is read. */
  readonly at: "toPickle" | "fromPickle";
  /** Only in the worker of this number, or in this process; else everywhere but there. */
  readonly in: number;
  readonly elsewhere?: boolean;
  /** `throw`, `exit 3`, a signal, or a value to return. */
  readonly how: string;
}

/** Does as it is told when it is sent, or read. */
export class Trap {
  readonly plan: TrapPlan;
  constructor(plan: TrapPlan) {
    this.plan = plan;
  }
  toPickle(): unknown {
    spring("toPickle", this.plan);
    return this.plan;
  }
  static fromPickle(plan: TrapPlan): unknown {
    if (plan.how === "return 1" && plan.at === "fromPickle") return 1;
    spring("fromPickle", plan);
    return new Trap(plan);
  }
}

function spring(at: TrapPlan["at"], plan: TrapPlan): void {
  if (plan.at !== at || (WORKER_ID === plan.in) === (plan.elsewhere ?? false)) return;
  if (plan.how === "throw") throw new RangeError(`from ${at}`);
  if (plan.how === "throw null") throw null;
  die(plan.how);
}

/** Takes its state apart when it is read. */
export class Changing {
  readonly state: object;
  constructor(state: object) {
    this.state = state;
  }
  toPickle(): unknown {
    return this.state;
  }
  static fromPickle(state: { cents?: number; more?: number }): Changing {
    const copy = new Changing({ ...state });
    delete state.cents;
    state.more = 1;
    return copy;
  }
}

/** Does something when it is read. */
export class Meddler {
  static meddle: () => void = () => {};
  toPickle(): unknown {
    return 0;
  }
  static fromPickle(): Meddler {
    Meddler.meddle();
    return new Meddler();
  }
}

picklable(import.meta, Point);
picklable(import.meta, Point3);
picklable(import.meta, Money);
picklable(import.meta, Euro);
picklable(import.meta, Bag);
picklable(import.meta, HttpError);
picklable(import.meta, CodeError);
picklable(import.meta, Trap);
picklable(import.meta, Changing);
picklable(import.meta, Meddler);

/** The length of a point's vector, by its own method. */
export function normOf(point: Point): number {
  return point.norm();
}

/** Adds, by their own methods. */
export function total(sums: readonly Money[]): Money {
  return sums.reduce((sum, next) => sum.plus(next));
}

/** Gives back what it is given. */
export function giveBack(value: unknown): unknown {
  return value;
}

/** The names of classes in a value. */
export function classOf(value: unknown): string {
  return (value as object).constructor.name;
}

/** Throws a registered error. */
export function throwHttp(status: number): never {
  throw new HttpError(status, "gone", { cause: new Point(3, 4) });
}

/** Throws another. */
export function throwCode(code: string): never {
  throw new CodeError(code);
}

/** Throws an error with a field that is an instance of an unregistered class. */
export function throwWithField(): never {
  throw Object.assign(new RangeError("fields"), { status: 1, point: new Point4(1, 2) });
}

/** Gives a trap. */
export function giveTrap(plan: TrapPlan): Trap {
  return new Trap(plan);
}

/** Leaves a line, and gives its worker's number. */
export function takeTrap(path: string, _trap: unknown): number {
  arrive(path, "ran");
  return WORKER_ID;
}

class Secret {
  word = "swordfish";
}

class SecretError extends TypeError {
  word = "swordfish";
}

/** Registers classes that only the worker shall know. */
function keepSecrets(): void {
  picklable(import.meta, Secret);
  picklable(import.meta, SecretError);
}

/** Gives an instance of a class that only the worker registers. */
export function giveSecret(): unknown {
  keepSecrets();
  return [new Secret()];
}

/** Throws one. */
export function throwSecret(how: "field" | "error" | "itself"): never {
  keepSecrets();
  if (how === "itself") throw new Secret();
  if (how === "error") throw new SecretError("hidden");
  throw Object.assign(new TypeError("hidden"), { secret: new Secret() });
}

/** An error that nobody can change. */
export class FrozenError extends Error {
  toPickle(): string {
    return this.message;
  }
  static fromPickle(message: string): FrozenError {
    return Object.freeze(new FrozenError(message));
  }
}

/** No error, but its `fromPickle` gives one. */
export class Weird {
  toPickle(): number {
    return 1;
  }
  static fromPickle(): Error {
    return Object.freeze(new Error("frozen"));
  }
}
picklable(import.meta, FrozenError);
picklable(import.meta, Weird);

/** Throws what is frozen where it arrives. */
export function throwFrozen(weird: boolean): never {
  throw weird ? new Weird() : FrozenError.fromPickle("cold");
}

/** Gives an instance of an unregistered class. */
export function giveUnregistered(): unknown {
  return { list: [new Point4(1, 2)] };
}

let kept: unknown;

/** An initializer. */
export function keep(value: unknown): void {
  kept = value;
}

/** What it kept. */
export function keptNorm(): number {
  return (kept as Point).norm();
}

tasks(import.meta, {
  normOf,
  total,
  giveBack,
  classOf,
  throwHttp,
  throwCode,
  throwWithField,
  giveTrap,
  takeTrap,
  giveSecret,
  throwSecret,
  throwFrozen,
  giveUnregistered,
  keep,
  keptNorm,
});
