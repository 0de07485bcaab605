/**
 * What a task threw, to bytes and back.
 *
 * An error arrives as itself as far as it can: the same built-in class, ergate's own, or one registered with `picklable()`;
 * an unregistered class as its nearest built-in one with its own name. Message, fields, `cause` and `errors` come along. Its stack is the worker's,
 * and one line behind it says which worker that was.
 *
 * The bytes: the length of the first list (4 bytes), the list of what was thrown, the list of what is said about it.
 */
import { describe, PicklingError } from "../errors.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { DecodeError } from "./decode_error.ts";
import { decode } from "./decoder.ts";
import { encode } from "./encoder.ts";
import { isError, setStack } from "./error_classes.ts";
import type { Segments } from "./segments.ts";
import type { Sending } from "./walk.ts";

/** Names of left-out fields that are shown; an array of a million callbacks must not fill the stack. */
const SHOWN_FIELDS = 20;

/**
 * Appends what was thrown. Never throws: fields of errors that cannot cross are left out and named in the stack; a
 * value that is no error and cannot cross is replaced by an error that says what it was.
 *
 * @param writer Where to; the caller has called `writer.begin()`.
 * @param thrown What was thrown: any value.
 * @param where Where it was, as `task file:///x.ts#fib in worker ProcessPoolExecutor-1 (process 123)`.
 * @param sending How; to another process, unless given. Fields that cannot be sent so are left out.
 */
export function encodeFailure(writer: ByteWriter, thrown: unknown, where: string, sending?: Sending): void {
  const offset = writer.length - writer.start;
  const leftOut: string[] = [];
  writer.reserve(4);
  writer.length += 4;
  try {
    encode(writer, [thrown], "result", nameThrown, leftOut, sending);
  } catch (refusal) {
    leftOut.length = 0;
    encode(writer, [substitute(thrown, refusal)], "result", nameThrown, leftOut);
  }
  const at = writer.start + offset;
  writer.view.setUint32(at, writer.length - at - 4, true);
  if (leftOut.length > SHOWN_FIELDS) leftOut.splice(SHOWN_FIELDS, Infinity, "…");
  encode(writer, [where, leftOut.join(", ")], "result", nameThrown);
}

function nameThrown(): string {
  return "thrown";
}

/** What arrives instead of a value that cannot. */
function substitute(thrown: unknown, refusal: unknown): Error {
  try {
    if (isError(thrown as object)) {
      const { message, name, stack } = thrown as Error;
      const error = new Error(String(message), { cause: refusal });
      Object.defineProperty(error, "name", { value: String(name) });
      error.stack = String(stack);
      return error;
    }
  } catch {
    // A proxy that throws, or no object at all.
  }
  const error = new Error(`A task threw what cannot be copied: ${describe(thrown)}`, { cause: refusal });
  // Where the library found that out helps nobody.
  for (const item of [error, refusal as Error]) Object.defineProperty(item, "stack", { value: String(item) });
  return error;
}

/**
 * Reads what {@linkcode encodeFailure} has written.
 *
 * @param bytes Where it lies.
 * @param start Where it begins.
 * @param end Where it ends.
 * @param segments What came beside the bytes.
 * @returns What was thrown, or what came in its place; the stack of an error ends in where it was.
 * @throws {DecodeError} If the bytes are no failure.
 */
export function decodeFailure(bytes: Uint8Array, start: number, end: number, segments?: Segments): unknown {
  if (end - start < 4 || end > bytes.length) throw new DecodeError("Cannot decode as a failure is expected");
  const length = new DataView(bytes.buffer, bytes.byteOffset + start, 4).getUint32(0, true);
  const middle = start + 4 + length;
  if (middle > end) throw new DecodeError("Cannot decode as the bytes of a failure end too early");
  const lost: string[] = [];
  const [thrown] = decode(bytes, start + 4, middle, segments, lost);
  const [where, leftOut] = decode(bytes, middle, end);
  if (typeof thrown === "object" && thrown !== null && isError(thrown)) {
    // Bun prints an error whose stack was set by parsing it: a line that begins in another word than "at" it drops.
    const lines = [(thrown as Error).stack, `    at ${where}`];
    if (leftOut !== "") lines.push(`    (left out, as it cannot be copied: ${leftOut})`);
    if (lost.length > 0) lines.push(`    (arrived without ${lost.slice(0, SHOWN_FIELDS).join(", ")})`);
    setStack(thrown, lines.join("\n"));
  } else if (lost.length > 0) {
    return new PicklingError(`Cannot read what was thrown at ${where} as it is of ${lost[0]}`, {
      path: "thrown",
      direction: "result",
    });
  }
  return thrown;
}
