/**
 * Which classes' instances cross with their class, and how a class is found again on the other side.
 *
 * A class is found like a task: by its module's URL and its name, and by a hash of its text where several have both. There
 * is one registry per process, not per copy of the library.
 */
import { describe } from "../errors.ts";
import { hashOf, type ModuleMeta, registerModule, type TaskAddress } from "./registry.ts";

/** Any class: abstract ones too, and those whose constructor is private. */
export interface AnyClass {
  /** The class's own name. */
  readonly name: string;
  /** What its instances inherit from. */
  readonly prototype: object;
}

/** How a class is named to the other side: as a task is. */
export type ClassAddress = TaskAddress;

/** A registered class. */
export interface RegisteredClass extends ClassAddress {
  /** The class. */
  readonly target: AnyClass;
  /** Its prototype. */
  readonly prototype: object;
  /** Whether `toPickle()` and `fromPickle()` carry the instance; if not, its own fields do. */
  readonly hasState: boolean;
  /** The classes of that name and text which one evaluation of the module registers, itself among them. */
  readonly twins: Twins;
}

/** Classes that nothing tells apart. They are only counted: who kept them would keep alive what a program has dropped. */
interface Twins {
  /** How many; one is well. */
  count: number;
}

/** The classes of one URL, name and text. */
interface ClassText {
  readonly hash: string;
  /** The one that instances arrive as: of the module's newest evaluation. */
  newest: RegisteredClass;
  /** By what each evaluation of the module gave as itself. */
  readonly evaluations: WeakMap<object, Twins>;
}

interface Registry {
  /** By prototype: an instance of a subclass is none of its class here. */
  readonly classes: WeakMap<object, RegisteredClass>;
  /** By `url#name`. Classes of one URL and name live side by side. */
  readonly named: Map<string, ClassText[]>;
  /**
   * What was on `globalThis` when ergate was loaded: a class that a program puts there later is its own. Names alone: Node
   * loads a host's class when its property is looked at, which costs 80 ms for all of them.
   */
  readonly hostNames: ReadonlySet<string>;
}

const KEY: symbol = Symbol.for("ergate.picklable.1");
const holder = globalThis as unknown as Record<symbol, Registry | undefined>;
const registry: Registry = holder[KEY] ??= {
  classes: new WeakMap(),
  named: new Map(),
  hostNames: new Set(Object.getOwnPropertyNames(globalThis)),
};

/** The registration of the class that a prototype belongs to. */
export function findClass(prototype: object): RegisteredClass | undefined {
  return registry.classes.get(prototype);
}

/**
 * The class of an address, in this process: the one with that very text, or the only one of that name.
 *
 * @returns The class; `undefined` if there is none, or if nothing tells it from another.
 */
export function lookUpClass(address: ClassAddress): RegisteredClass | undefined {
  const named = registry.named.get(`${address.url}#${address.name}`) ?? [];
  const text = named.find(({ hash }) => hash === address.hash) ?? (named.length === 1 ? named[0] : undefined);
  return text?.newest.twins.count === 1 ? text.newest : undefined;
}

/** Options of {@linkcode picklable}. */
export interface PicklableOptions {
  /**
   * Name to register under.
   *
   * @default The class's own name.
   */
  readonly name?: string;
}

/** Decorates a class as picklable. */
export interface PicklableDecorator {
  /**
   * Registers the class when it is defined.
   *
   * @param target The class.
   * @param context What the language says of it.
   */
  <C extends abstract new (...args: never[]) => object>(target: C, context: ClassDecoratorContext<C>): void;
}

/**
 * Registers a class, so that its instances cross to workers and back with their class. Without it an instance is refused, as
 * a copy of it would lose its methods.
 *
 * An instance arrives with its own enumerable fields, and its constructor is not called; private fields (`#x`), getters of
 * the class and fields under symbols do not cross so. A class with both of these methods says itself what crosses:
 *
 * - `toPickle()` gives the state: any value that can cross.
 * - `static fromPickle(state)` makes the instance of it; called with the class as `this`.
 *
 * For the compiler, which refuses methods in an argument, a class without `toPickle()` is marked besides, by
 * `interface Point extends Picklable {}`: see {@linkcode Picklable}.
 *
 * A worker finds the class by importing its module, like a task: register it at the module's top. A subclass needs a
 * registration of its own. Errors can be registered too, and then arrive as their class. With `toPickle()` an instance
 * cannot be inside its own state: such cycles are refused.
 *
 * If a module is evaluated again, as by hot reload, its newest class of a name and text stands for the older ones: their
 * instances, too, cross, and arrive as the newest. That needs `import.meta` itself: it is another object then. Classes of one
 * name and text that one evaluation registers, as a function does that makes classes, cannot be told apart: an instance of any
 * is refused when it is sent. Give each a `name`.
 *
 * Python's `pickle`, with `toPickle` for `__getstate__`. Unlike Python, a class must be registered.
 *
 * @typeParam C The class's type.
 * @param module `import.meta` of the module that calls this.
 * @param target The class.
 * @param options The name, if it is not to be the class's own.
 * @returns `target`.
 * @throws {TypeError} If the module is none that a worker can import; if `target` is no class, or has no name; if it has only
 *   one of `toPickle` and `fromPickle`; if it has none and extends a built-in class (errors apart), whose contents are no fields.
 *
 * @example Usage
 * ```ts
 * import { isMain, picklable, ProcessPoolExecutor, tasks } from "@ergate/ergate";
 * import assert from "node:assert/strict";
 *
 * export class Money {
 *   readonly #cents: number;
 *   constructor(cents: number) {
 *     this.#cents = cents;
 *   }
 *   plus(other: Money): Money {
 *     return new Money(this.#cents + other.#cents);
 *   }
 *   toString(): string {
 *     return (this.#cents / 100).toFixed(2);
 *   }
 *   toPickle(): number {
 *     return this.#cents;
 *   }
 *   static fromPickle(cents: number): Money {
 *     return new Money(cents);
 *   }
 * }
 * picklable(import.meta, Money);
 *
 * export function total(sums: Money[]): Money {
 *   return sums.reduce((sum, next) => sum.plus(next));
 * }
 * tasks(import.meta, { total });
 *
 * if (isMain(import.meta)) {
 *   await using pool = new ProcessPoolExecutor(1);
 *   const sum = await pool.submit(total, [new Money(250), new Money(175)]);
 *   assert.equal(`${sum}`, "4.25");
 * }
 * ```
 */
export function picklable<C extends AnyClass>(module: ModuleMeta, target: C, options?: PicklableOptions): C;
/**
 * Decorates a class, by the standard (TC39) decorators, so that its instances cross with their class.
 *
 * @param module `import.meta` of the module that calls this.
 * @param options The name, if it is not to be the class's own.
 * @returns The decorator.
 */
export function picklable(module: ModuleMeta, options?: PicklableOptions): PicklableDecorator;
export function picklable(
  module: ModuleMeta,
  target?: AnyClass | PicklableOptions,
  options?: PicklableOptions,
): unknown {
  if (target === undefined || (typeof target === "object" && target !== null)) return decorator(module, target?.name);
  registerClass(module, target, options?.name);
  return target;
}

function decorator(module: ModuleMeta, name: string | undefined): PicklableDecorator {
  return function decorate(_target: AnyClass, context: ClassDecoratorContext): void {
    if (typeof context !== "object" || context === null || !("addInitializer" in context)) {
      throw new TypeError(
        "Cannot decorate a class with @picklable() as it must be called by the standard (TC39) decorators: " +
          "this compiler uses TypeScript's old ones, remove 'experimentalDecorators' from its options",
      );
    }
    if (context.kind !== "class") {
      throw new TypeError(
        `Cannot decorate '${
          String((context as { readonly name: unknown }).name)
        }' with @picklable() as it must be a class`,
      );
    }
    // Not `_target`: another decorator may put a class of its own in its place.
    context.addInitializer(function (this: unknown): void {
      registerClass(module, this as AnyClass, name ?? context.name);
    });
  } as PicklableDecorator;
}

function registerClass(module: ModuleMeta, target: AnyClass, givenName: string | undefined): void {
  const prototype: unknown = typeof (target as unknown) === "function" ? target.prototype : undefined;
  if (typeof prototype !== "object" || prototype === null) {
    throw new TypeError(
      `Cannot register a class as picklable as it must be a class: current value is ${describe(target)}`,
    );
  }
  const name = givenName ?? target.name;
  if (typeof name !== "string" || name === "") {
    throw new TypeError(
      "Cannot register an anonymous class as picklable as a worker finds it by its name: give it one\n\n" +
        `    picklable(import.meta, Class, { name: "Point" });\n`,
    );
  }
  const url = registerModule(module, "a class");
  const hasState = checkMethods(target, prototype as { readonly toPickle?: unknown }, name);
  if (registry.classes.has(prototype)) return; // under the name that it was given first
  const address: ClassAddress = { url, name, hash: hashOf(target) };
  const { texts, text } = textsOf(address);
  const twins = twinsOf(text, module);
  const found: RegisteredClass = { ...address, target, prototype, hasState, twins };
  registry.classes.set(prototype, found);
  if (text === undefined) {
    texts.push({ hash: address.hash, newest: found, evaluations: new WeakMap([[module, twins]]) });
  } else if (twins.count === 1) {
    text.newest = found;
  }
}

/** The texts of that URL and name, and the one of that hash among them. */
function textsOf(address: ClassAddress): { texts: ClassText[]; text: ClassText | undefined } {
  const key = `${address.url}#${address.name}`;
  let texts = registry.named.get(key);
  if (texts === undefined) registry.named.set(key, texts = []);
  return { texts, text: texts.find(({ hash }) => hash === address.hash) };
}

/** Counts one class more to those that an evaluation of its module registers. */
function twinsOf(text: ClassText | undefined, module: ModuleMeta): Twins {
  if (text === undefined) return { count: 1 };
  let twins = text.evaluations.get(module);
  // Each evaluation has an `import.meta` of its own. But an object that is made by hand may be made anew at each call: it
  // does not tell an evaluation from a function that makes classes, and the two are not the same to a user.
  if (twins === undefined) {
    twins = isImportMeta(module) ? { count: 0 } : text.newest.twins;
    text.evaluations.set(module, twins);
  }
  twins.count++;
  return twins;
}

/** Whether it is the host's own, not an object with the URL. */
function isImportMeta(module: ModuleMeta): boolean {
  return typeof (module as { readonly resolve?: unknown }).resolve === "function";
}

/** Whether the class has both methods, or none where its own fields are enough. */
function checkMethods(target: AnyClass, prototype: { readonly toPickle?: unknown }, name: string): boolean {
  const to = typeof prototype.toPickle === "function";
  const from = typeof (target as { readonly fromPickle?: unknown }).fromPickle === "function";
  if (to !== from) {
    throw new TypeError(
      `Cannot register class '${name}' as picklable as it must have both toPickle() and static fromPickle(), or none: ` +
        `${to ? "static fromPickle()" : "toPickle()"} is missing`,
    );
  }
  if (to) return true;
  const builtin = builtinBase(prototype);
  if (builtin === undefined) return false;
  throw new TypeError(
    `Cannot register class '${name}' as picklable as it extends ${builtin}, whose contents are no fields: ` +
      "give it toPickle() and static fromPickle()",
  );
}

/**
 * The name of the language's or the host's class that a class extends: its instances hold more than fields.
 *
 * @param prototype The class's prototype.
 * @returns The name; `undefined` if there is none but `Object`, or an error's.
 */
export function builtinBase(prototype: object): string | undefined {
  for (let at = Object.getPrototypeOf(prototype); at !== null; at = Object.getPrototypeOf(at)) {
    const base: unknown = Object.hasOwn(at, "constructor") ? at.constructor : undefined;
    if (typeof base !== "function" || base === Object || base === Error || registry.classes.has(at)) continue;
    if (typeof DOMException === "function" && base === DOMException) return undefined;
    if (at instanceof Error) return undefined;
    if (isHostClass(base)) return base.name;
  }
  return undefined;
}

function isHostClass(base: { readonly name: string }): boolean {
  if (registry.hostNames.has(base.name) && (globalThis as Record<string, unknown>)[base.name] === base) return true;
  // Those that are not on globalThis, as Intl.Collator. Bound functions and proxies have native code too, but not their name.
  const [, name] = /^function (\w+)\(\) \{\s*\[native code\]\s*\}$/.exec(Function.prototype.toString.call(base)) ?? [];
  return name !== undefined && name === base.name;
}
