/**
 * Values to bytes and back, for threads and processes alike.
 *
 *     encodeList(writer, [a, b])    ByteWriter      decodeList(bytes, start, end)
 *       encoder.ts: one walk    ──► bytes, see  ──►   decoder.ts: new values
 *       checks, copies, encodes     codec_tags.ts     of the same shape
 *         └ refuses, with the path: PicklingError     └ refuses: DecodeError
 *
 * What crosses: what `structuredClone` copies and is plain data (no host's objects; shared memory to threads only), errors of any
 * class (see failure.ts for how classes are kept), bigints, buffers, views, instances of registered classes (see
 * tasks/picklable.ts), cycles and sharing among them. What would lose its class is refused, not flattened.
 *
 * Paths look like `args[0].user.callback`, `["odd key"]`, `.get("key")` for the value and `.keys()[1]` for the key of
 * a map's entry, `.values()[2]` for a set's item; ` … ` stands for the middle of a very long one.
 */
import type { PicklingDirection } from "../errors.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { HAS_CLASSES } from "./codec_tags.ts";
import { DecodeError } from "./decode_error.ts";
import { decode } from "./decoder.ts";
import { encode } from "./encoder.ts";
import type { Segments } from "./segments.ts";
import { UnpicklingError } from "./unpickling_error.ts";
import type { Sending } from "./walk.ts";

export { DecodeError, type Sending, UnpicklingError };

/**
 * Whether to read a list runs code of the user's: it has instances of registered classes in it.
 *
 * @param bytes Where it lies.
 * @param start Where it begins.
 * @returns Whether it does.
 */
export function bringsClasses(bytes: Uint8Array, start: number): boolean {
  return (bytes[start] & HAS_CLASSES) !== 0;
}

/**
 * Appends values as one list; references that they share stay shared.
 *
 * The caller has called `writer.begin()`. If this throws, `writer` is as it was.
 *
 * @param writer Where to.
 * @param values The values.
 * @param nameOf Gives the root of the path of value i, as `args[0]`; called on failure only.
 * @param direction Which way they go.
 * @param sending How; to another process, with their classes, unless given.
 * @throws {PicklingError} If one cannot cross.
 */
export function encodeList(
  writer: ByteWriter,
  values: readonly unknown[],
  nameOf: (index: number) => string,
  direction: PicklingDirection,
  sending?: Sending,
): void {
  encode(writer, values, direction, nameOf, undefined, sending);
}

/**
 * Reads what {@linkcode encodeList} has written.
 *
 * @param bytes Where it lies.
 * @param start Where it begins.
 * @param end Where it ends.
 * @param segments What came beside the bytes; each that a value has is taken out.
 * @returns The values.
 * @throws {DecodeError} If the bytes are not such a list.
 * @throws {UnpicklingError} If a class is not registered here, or its `fromPickle` fails.
 */
export function decodeList(bytes: Uint8Array, start: number, end: number, segments?: Segments): unknown[] {
  return decode(bytes, start, end, segments);
}

/**
 * Appends one value, as {@linkcode encodeList} does a list.
 *
 * @param writer Where to.
 * @param value The value.
 * @param name The root of its path, as `result`.
 * @param direction Which way it goes.
 * @param sending How; to another process, with their classes, unless given.
 * @throws {PicklingError} If it cannot cross.
 */
export function encodeValue(
  writer: ByteWriter,
  value: unknown,
  name: string,
  direction: PicklingDirection,
  sending?: Sending,
): void {
  encode(writer, [value], direction, () => name, undefined, sending);
}

/**
 * Reads what {@linkcode encodeValue} has written.
 *
 * @param bytes Where it lies.
 * @param start Where it begins.
 * @param end Where it ends.
 * @param segments What came beside the bytes; each that the value has is taken out.
 * @returns The value.
 * @throws {DecodeError} If the bytes are not such a value.
 * @throws {UnpicklingError} If a class is not registered here, or its `fromPickle` fails.
 */
export function decodeValue(bytes: Uint8Array, start: number, end: number, segments?: Segments): unknown {
  const values = decode(bytes, start, end, segments);
  if (values.length !== 1) throw new DecodeError(`Cannot decode as one value is expected: there are ${values.length}`);
  return values[0];
}
