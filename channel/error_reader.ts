/** Errors from bytes. */
import { makeError } from "./error_classes.ts";
import { define, type Reading } from "./reading.ts";

/**
 * A frame without a function, as Bun writes it. Bun prints an error whose stack was set by parsing it, and stops at the
 * first line that is not `at name (place)`, so at each of these.
 */
const BARE_FRAME = /^ {4}at ((?:\/|[A-Z]:).*:\d+:\d+)$/gm;

/**
 * Reads an error's head; makes the error, of a registered class if one is given. Without one, and with no name in the head,
 * it gets the name of the class that it should have been of.
 */
export function readErrorShell(reading: Reading, prototype?: object, lostName?: string): Error {
  const className = reading.string();
  const name = reading.text() ?? (prototype === undefined ? lostName : undefined);
  return makeError(className, reading.text(), name, prototype);
}

/** Reads an error's body into it. */
export function readErrorBody(reading: Reading, value: Error): void {
  readStack(reading, value);
  readErrorFields(reading, value, false);
  readErrorFields(reading, value, true);
}

/** Reads the stack of an error into it. */
export function readStack(reading: Reading, value: Error): void {
  // Without one of its own it would have the stack of this place.
  const stack = reading.text() ?? `${value.name}: ${value.message}`;
  define(value, "stack", stack.replace(BARE_FRAME, "    at <anonymous> ($1)"), false);
}

function readErrorFields(reading: Reading, value: Error, isEnumerable: boolean): void {
  while (reading.value() === true) define(value, reading.key(), reading.value(), isEnumerable);
}
