/** How a function becomes a task: {@linkcode tasks} and {@linkcode task}. */
import { describe } from "../errors.ts";
import { type TaskDecorator, taskDecorator } from "./decorator.ts";
import { type AnyFunction, type ModuleMeta, register } from "./registry.ts";

/** Options of {@linkcode task}. */
export interface TaskOptions {
  /**
   * Name to register under.
   *
   * @default The function's own name; for a static method `Class.method`.
   */
  readonly name?: string;
}

/**
 * Registers functions as tasks, so that a worker can find them again: it imports the module and looks the name up, which
 * is the rule of Python's `spawn`. The keys are the names; they survive bundlers and minifiers.
 *
 * @typeParam M The functions by name; they keep their own types.
 * @param module `import.meta` of the module that calls this.
 * @param functions The functions by name.
 * @returns `functions`.
 * @throws {TypeError} If the module is none that a worker can import, or a value is no function.
 *
 * @example Usage
 * ```ts
 * import { isMain, ProcessPoolExecutor, tasks } from "@ergate/ergate";
 * import assert from "node:assert/strict";
 *
 * export function double(n: number): number {
 *   return 2 * n;
 * }
 * tasks(import.meta, { double });
 *
 * if (isMain(import.meta)) {
 *   await using pool = new ProcessPoolExecutor(1);
 *   assert.equal(await pool.submit(double, 21), 42);
 * }
 * ```
 */
export function tasks<M extends Readonly<Record<string, AnyFunction>>>(module: ModuleMeta, functions: M): M {
  if (typeof functions !== "object" || functions === null) {
    throw new TypeError(
      `Cannot register tasks as they must be an object of functions: current value is ${describe(functions)}`,
    );
  }
  for (const [name, fn] of Object.entries(functions)) registerFunction(module, name, fn);
  return functions;
}

/**
 * Registers one function as a task and returns that same function, typed as it was.
 *
 * JSR refuses `export const f = task(…)` as a slow type: where a task is exported, {@linkcode tasks} is the form.
 *
 * @typeParam F The function's type.
 * @param module `import.meta` of the module that calls this.
 * @param fn The function.
 * @param options The name, if it is not to be the function's own.
 * @returns `fn`.
 * @throws {TypeError} If the module is none that a worker can import, or the function has no name.
 *
 * @example Usage
 * ```ts
 * import { isMain, ProcessPoolExecutor, task } from "@ergate/ergate";
 * import assert from "node:assert/strict";
 *
 * const shout = task(import.meta, (text: string) => text.toUpperCase(), { name: "shout" });
 *
 * if (isMain(import.meta)) {
 *   await using pool = new ProcessPoolExecutor(1);
 *   assert.equal(await pool.submit(shout, "hi"), "HI");
 * }
 * ```
 */
export function task<F extends AnyFunction>(module: ModuleMeta, fn: F, options?: TaskOptions): F;
/**
 * Decorates a static method as a task, by the standard (TC39) decorators: it is called with its class as `this`, and
 * registered as `Class.method`.
 *
 * @param module `import.meta` of the module that calls this.
 * @param options The name, if it is not to be `Class.method`.
 * @returns The decorator.
 */
export function task(module: ModuleMeta, options?: TaskOptions): TaskDecorator;
export function task(module: ModuleMeta, fn?: AnyFunction | TaskOptions, options?: TaskOptions): unknown {
  if (fn === undefined || (typeof fn === "object" && fn !== null)) return taskDecorator(module, fn?.name);
  registerFunction(module, options?.name ?? fn?.name ?? "", fn);
  return fn;
}

function registerFunction(module: ModuleMeta, name: string, fn: unknown): void {
  if (typeof fn !== "function") {
    throw new TypeError(
      `Cannot register ${name === "" ? "a task" : `task '${name}'`} as it must be a function: current value is ${
        describe(fn)
      }`,
    );
  }
  if (/^class\b/.test(Function.prototype.toString.call(fn))) {
    throw new TypeError(
      `Cannot register task '${name}' as it must be a function that can be called: it is a class; ` +
        "register a function that makes one",
    );
  }
  if (name === "") {
    throw new TypeError(
      "Cannot register an anonymous function as a task must have a name: give it one\n\n" +
        '    task(import.meta, (text: string) => text.toUpperCase(), { name: "shout" });\n',
    );
  }
  register(module, name, fn as AnyFunction);
}
