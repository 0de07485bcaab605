/** The classes that an error may arrive in, by name: the built-in ones and ergate's own. */
import * as ergate from "../errors.ts";

type ErrorClass = new (message?: string) => Error;

const BUILTIN_NAMES: ReadonlySet<string> = new Set([
  "Error",
  "TypeError",
  "RangeError",
  "SyntaxError",
  "ReferenceError",
  "EvalError",
  "URIError",
  "AggregateError",
  "SuppressedError",
  "DOMException",
]);

/** By the name on the prototype, which survives minifiers, unlike the class's own. */
const ERGATE_CLASSES: ReadonlyMap<string, ErrorClass> = new Map(
  Object.values(ergate as Record<string, unknown>)
    .filter((item): item is ErrorClass => typeof item === "function" && item.prototype instanceof Error)
    .map((item) => [item.prototype.name as string, item]),
);

/**
 * Names the class in which an error is to arrive: its own if it is ergate's or built in, else the nearest built-in one.
 *
 * @param error The error, of any realm and any copy of the library.
 * @returns A name that {@linkcode makeError} knows.
 */
export function errorClassName(error: object): string {
  for (const name of ERGATE_CLASSES.keys()) if (ergate.isErgateError(error, name)) return name;
  for (let prototype = Object.getPrototypeOf(error); prototype !== null; prototype = Object.getPrototypeOf(prototype)) {
    const name = className(prototype);
    if (BUILTIN_NAMES.has(name)) return name;
  }
  return "Error";
}

/**
 * The name of the class that a prototype belongs to.
 *
 * @param prototype The prototype.
 * @returns The name; empty if the prototype has no constructor of its own, or that has no name.
 */
export function className(prototype: object): string {
  const owner = Object.hasOwn(prototype, "constructor") ? prototype.constructor as unknown : undefined;
  return typeof owner === "function" && typeof owner.name === "string" ? owner.name : "";
}

/**
 * Tells whether a value is an error, of any realm, a proxy of one included.
 *
 * @param value An object.
 * @returns Whether it is.
 */
export function isError(value: object): boolean {
  // Node 22 has no Error.isError, and it does not see through a proxy.
  return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]" ||
    (typeof DOMException === "function" && value instanceof DOMException);
}

/**
 * Makes an error of a class by name, without running the constructor of ergate's classes.
 *
 * @param className The class's name; an unknown one gives an `Error`.
 * @param message Its message, if it has one of its own.
 * @param name Its own name, if it is not the class's.
 * @param prototype The prototype that it is given, if it is of a registered class.
 * @returns The error; its stack is of no use.
 */
export function makeError(
  className: string,
  message: string | undefined,
  name: string | undefined,
  prototype?: object,
): Error {
  const error = withoutStack(() => construct(className, message, name));
  if (prototype !== undefined) {
    Object.setPrototypeOf(error, prototype);
    name ??= className;
  }
  if (name !== undefined && error.name !== name) {
    Object.defineProperty(error, "name", { value: name, configurable: true, writable: true });
  }
  return error;
}

/**
 * Gives an error another stack, if it lets that be done: one that its class has frozen keeps its own.
 *
 * @param error The error.
 * @param stack The stack.
 */
export function setStack(error: object, stack: string | undefined): void {
  try {
    Object.defineProperty(error, "stack", { value: stack, configurable: true, writable: true });
  } catch {
    // Frozen, or a proxy: it is no less right without.
  }
}

/**
 * Runs `make` so that errors get no stack: the stack of this place costs microseconds and says nothing, and Bun prints
 * it, whatever the property `stack` says.
 */
function withoutStack<T>(make: () => T): T {
  const host = Error as { stackTraceLimit?: number };
  const limit = host.stackTraceLimit;
  try {
    host.stackTraceLimit = 0;
  } catch {
    return make(); // `Error` is frozen.
  }
  try {
    return make();
  } finally {
    host.stackTraceLimit = limit;
  }
}

function construct(className: string, message: string | undefined, name: string | undefined): Error {
  const own = ERGATE_CLASSES.get(className);
  if (own !== undefined) return Reflect.construct(Error, message === undefined ? [] : [message], own) as Error;
  const host = BUILTIN_NAMES.has(className) ? (globalThis as Record<string, unknown>)[className] : undefined;
  if (typeof host !== "function") return new Error(message);
  // The name of a DOMException lies in a slot that only its constructor can fill.
  if (className === "DOMException") return Reflect.construct(host, [message, name]) as Error;
  if (className === "AggregateError") return Reflect.construct(host, [[], message]) as Error;
  if (className === "SuppressedError") return Reflect.construct(host, [undefined, undefined, message]) as Error;
  return Reflect.construct(host, message === undefined ? [] : [message]) as Error;
}
