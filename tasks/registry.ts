/**
 * The registry: which functions are tasks, and how a task is found again on the other side.
 *
 * There is one registry per process, not per copy of the library: a program and its dependencies may each bring their
 * own copy, and a task registered with one must run in a pool of another.
 */
import { describe, PicklingError } from "../errors.ts";

/** Where a module lives: `import.meta`, or an object with its URL (bundles, CommonJS). */
export interface ModuleMeta {
  /** URL of the module, as `file:///app/tasks.ts`. */
  readonly url: string;
  /** Whether it is the program's main module, where the host says so. */
  readonly main?: boolean;
}

/** Any function. */
// deno-lint-ignore no-explicit-any
export type AnyFunction = (...args: any[]) => unknown;

/** How a task is named to a worker. Data only: a worker never gets code. */
export interface TaskAddress {
  /** URL of the module that registers it. */
  readonly url: string;
  /** Name under which that module registers it. */
  readonly name: string;
  /** Hash of the function's source text: tells apart functions of one URL and name. */
  readonly hash: string;
}

/** A registered function. */
export interface RegisteredTask extends TaskAddress {
  /** The function. */
  readonly fn: AnyFunction;
  /** What it is called on: its class for a decorated static method. */
  readonly receiver: unknown;
  /** Its place in the order of registrations: a worker started later than that has had a chance to register it too. */
  readonly order: number;
}

interface Registry {
  /** By identity of the function. */
  readonly tasks: WeakMap<AnyFunction, RegisteredTask>;
  /** By `url#name`. Functions of one URL and name live side by side. */
  readonly named: Map<string, RegisteredTask[]>;
  /** URLs of the modules that register tasks, in order. */
  readonly modules: Set<string>;
  /** Registrations so far. */
  count: number;
}

const KEY: symbol = Symbol.for("ergate.registry.1");
const holder = globalThis as unknown as Record<symbol, Registry | undefined>;
const registry: Registry = holder[KEY] ??= {
  tasks: new WeakMap(),
  named: new Map(),
  modules: new Set(),
  count: 0,
};

/** How many tasks were registered so far. */
export function registrationCount(): number {
  return registry.count;
}

/** URLs of all modules that registered a task. */
export function registeredModules(): ReadonlySet<string> {
  return registry.modules;
}

/** The full name of a task, as `file:///app/tasks.ts#fib`. */
export function fullName(task: { readonly url: string; readonly name: string }): string {
  return `${task.url}#${task.name}`;
}

/**
 * Registers a function.
 *
 * @param module The module that registers it.
 * @param name The name in that module.
 * @param fn The function.
 * @param receiver What it is called on.
 */
export function register(module: ModuleMeta, name: string, fn: AnyFunction, receiver?: unknown): void {
  const url = registerModule(module, "a task");
  const task: RegisteredTask = { url, name, hash: hashOf(fn), fn, receiver, order: registry.count++ };
  if (!registry.tasks.has(fn)) registry.tasks.set(fn, task);
  const key = fullName(task);
  const same = registry.named.get(key);
  if (same === undefined) registry.named.set(key, [task]);
  else if (!same.some((other) => other.fn === fn)) same.push(task);
}

/**
 * Finds a function's registration.
 *
 * @param fn What was given to `submit` or `map`.
 * @param what Whether it was given as a task or as an initializer.
 * @throws {TypeError} If it is no function.
 * @throws {PicklingError} If it is a function that is not registered.
 */
export function findTask(fn: unknown, what: "task" | "initializer" = "task"): RegisteredTask {
  if (typeof fn !== "function") {
    const called = fn instanceof Promise
      ? "; it seems to be called already: pass the function, then its arguments"
      : "";
    throw new TypeError(
      `Cannot use a value as ${
        what === "task" ? "a task" : "an initializer"
      } as it must be a function registered with tasks(): current value is ${describe(fn)}${called}`,
    );
  }
  const task = registry.tasks.get(fn as AnyFunction);
  if (task !== undefined) return task;
  const name = fn.name.replace(/^bound /, "") || "parse";
  const shown = fn.name === "" ? "an anonymous function" : `function '${fn.name}'`;
  throw new PicklingError(
    `Cannot send ${shown} to a worker as only a registered task can be found there: register it in its module\n\n` +
      `    import { tasks } from "@ergate/ergate";\n` +
      `    export function ${/^[\w$]+$/.test(name) ? name : "parse"}(…) { … }\n` +
      `    tasks(import.meta, { ${/^[\w$]+$/.test(name) ? name : "parse"} });\n`,
    { path: what === "task" ? "fn" : "initializer", direction: "task" },
  );
}

/**
 * The task of an address, in this process.
 *
 * @returns All of that URL and name; the one with that very text first.
 */
export function lookUp(address: TaskAddress): { exact: RegisteredTask | undefined; named: readonly RegisteredTask[] } {
  const named = registry.named.get(fullName(address)) ?? [];
  return { exact: named.find((task) => task.hash === address.hash), named };
}

/**
 * Notes that a module registers something, for workers to import it.
 *
 * @param module The module.
 * @param what What it registers, as `a task`.
 * @returns Its URL.
 * @throws {TypeError} If no worker can import it.
 */
export function registerModule(module: ModuleMeta, what: string): string {
  const url = moduleUrl(module, what);
  registry.modules.add(url);
  return url;
}

/** Addresses from which no worker can import. */
const NO_MODULE = /^$|^(data|blob):|\/(\[eval\d*\]|\[stdin\]|\$deno\$(eval|stdin|repl)[^/]*)$/;

function moduleUrl(module: ModuleMeta, what: string): string {
  const url: unknown = module?.url;
  if (typeof url !== "string") {
    throw new TypeError(
      `Cannot register ${what} as its module must be given as import.meta, or as { url }: current value is ${
        describe(module)
      }`,
    );
  }
  if (NO_MODULE.test(url) || !URL.canParse(url)) {
    throw new TypeError(
      `Cannot register ${what} as its module must be a file that a worker can import: current URL is '${
        url.slice(0, 60)
      }'; put it into a file of its own`,
    );
  }
  return url;
}

/**
 * A hash of a function's source text: FNV-1a over the UTF-16 units, twice with two seeds: 64 bits are plenty for the
 * few texts of one name.
 */
export function hashOf(fn: unknown): string {
  const text = Function.prototype.toString.call(fn);
  let low = 0x811c9dc5;
  let high = 0x1b873593;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x85ebca6b);
  }
  return (low >>> 0).toString(16).padStart(8, "0") + (high >>> 0).toString(16).padStart(8, "0");
}
