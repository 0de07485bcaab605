/** The decorator form of `task`: an ordinary function, so that the package itself needs no decorator syntax. */
import { type AnyFunction, type ModuleMeta, register } from "./registry.ts";

/** Decorates a static method as a task. */
export interface TaskDecorator {
  /**
   * Registers the method when its class is defined.
   *
   * @param method The method.
   * @param context What the language says of it.
   */
  <This, Args extends unknown[], Result>(
    method: (this: This, ...args: Args) => Result,
    context: ClassMethodDecoratorContext<This, (this: This, ...args: Args) => Result> & {
      readonly static: true;
      readonly private: false;
    },
  ): void;
}

/** Makes the decorator; `name` replaces `Class.method`. */
export function taskDecorator(module: ModuleMeta, name: string | undefined): TaskDecorator {
  return function decorate(method: AnyFunction, context: ClassMethodDecoratorContext): void {
    if (typeof context !== "object" || context === null || !("addInitializer" in context)) {
      throw new TypeError(
        "Cannot decorate a method with @task() as it must be called by the standard (TC39) decorators: " +
          "this compiler uses TypeScript's old ones, remove 'experimentalDecorators' from its options",
      );
    }
    if (context.kind !== "method" || !context.static || context.private) {
      throw new TypeError(
        `Cannot decorate '${String(context.name)}' with @task() as it must be a public static method: it is ${
          context.private ? "private" : context.static ? `a static ${context.kind}` : `an instance's ${context.kind}`
        }`,
      );
    }
    context.addInitializer(function (this: unknown): void {
      const owner = this as { readonly name?: string };
      register(module, name ?? `${owner.name}.${String(context.name)}`, method, owner);
    });
  } as TaskDecorator;
}
