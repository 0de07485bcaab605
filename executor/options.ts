/** Checks of a pool's options: each throws at the call, and says what must hold and what is. */
import { describe } from "../errors.ts";

/**
 * Refuses what is no object of options, and options that there are not: a misspelt one would be passed over in silence.
 *
 * @param options What the user gave.
 * @param names All options that there are.
 * @param doing What they are for: `create a pool`.
 * @param must What they must be.
 */
export function checkNames(
  options: unknown,
  names: readonly string[],
  doing: string,
  must = "the options must be an object",
): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`Cannot ${doing} as ${must}: current value is ${describe(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    throw new TypeError(
      `Cannot ${doing} as an option must be one of ${names.join(", ")}: current option is '${name}'`,
    );
  }
}

/** {@linkcode checkNames} of a pool's options. */
export function checkPoolNames(options: unknown, names: readonly string[]): void {
  checkNames(options, names, "create a pool", "its options must be an object or a number of workers");
}

/** An integer from `least` on, 1 or 0, or nothing. */
export function checkInteger(name: string, value: unknown, least: 0 | 1 = 1): number | undefined {
  if (value === undefined) return undefined;
  const must = least === 1 ? "a positive integer" : "an integer, not negative";
  if (typeof value !== "number") throw wrong(TypeError, name, must, value);
  if (!Number.isInteger(value) || value < least) throw wrong(RangeError, name, must, value);
  return value;
}

/** An integer from `least` on, or `Infinity`: no limit; the same if there is nothing. */
export function checkLimit(name: string, value: unknown, least: 0 | 1): number {
  return value === Infinity ? Infinity : checkInteger(name, value, least) ?? Infinity;
}

/** A boolean, or nothing. */
export function checkBoolean(name: string, value: unknown): boolean | undefined {
  if (value === undefined || typeof value === "boolean") return value;
  throw wrong(TypeError, name, "a boolean", value);
}

/** Milliseconds, or nothing. */
export function checkMilliseconds(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "number") throw wrong(TypeError, name, "a positive number of milliseconds", value);
  if (!(value > 0)) throw wrong(RangeError, name, "a positive number of milliseconds", value);
  return value;
}

/** One of some strings, or nothing. */
export function checkChoice<T extends string>(name: string, value: unknown, choices: readonly T[]): T | undefined {
  if (value === undefined || choices.includes(value as T)) return value as T | undefined;
  const must = choices.map((choice) => `'${choice}'`).join(" or ");
  throw wrong(typeof value === "string" ? RangeError : TypeError, name, must, value);
}

/** A string that is not empty, or nothing. */
export function checkString(name: string, value: unknown): void {
  if (value === undefined) return;
  if (typeof value !== "string") throw wrong(TypeError, name, "a string", value);
  if (value === "") throw wrong(RangeError, name, "a string that is not empty", value);
}

/** An array, or nothing. */
export function checkArray(name: string, value: unknown): void {
  if (value !== undefined && !Array.isArray(value)) throw wrong(TypeError, name, "an array", value);
}

/** An array of strings, or nothing. */
export function checkStrings(name: string, value: unknown): void {
  checkArray(name, value);
  for (const [index, entry] of ((value ?? []) as unknown[]).entries()) {
    if (typeof entry !== "string") throw wrong(TypeError, `${name}[${index}]`, "a string", entry);
  }
}

/** An object of strings, or nothing. */
export function checkRecord(name: string, value: unknown): void {
  if (value === undefined) return;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong(TypeError, name, "an object of strings", value);
  }
  for (const [key, entry] of Object.entries(value)) {
    if (typeof entry !== "string") throw wrong(TypeError, `${name}.${key}`, "a string", entry);
  }
}

function wrong(ErrorClass: ErrorConstructor, name: string, must: string, value: unknown): Error {
  return new ErrorClass(`Cannot create a pool as '${name}' must be ${must}: current value is ${describe(value)}`);
}
