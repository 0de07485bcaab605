/** Instances of registered classes from bytes, and the list's table of those classes. */
import { describe } from "../errors.ts";
import { lookUpClass, type RegisteredClass } from "../tasks/picklable.ts";
import * as tag from "./codec_tags.ts";
import { DecodeError } from "./decode_error.ts";
import { setStack } from "./error_classes.ts";
import { readErrorShell, readStack } from "./error_reader.ts";
import type { Reading } from "./reading.ts";
import { UnpicklingError } from "./unpickling_error.ts";

/** Reads a list's head byte that says more than the version; goes on behind it. */
export function readHead(reading: Reading, head: number): void {
  if (head !== (tag.VERSION | tag.HAS_CLASSES)) {
    throw new DecodeError(
      `Cannot decode as a list must begin with ${tag.VERSION}, this version of the format: it begins with ${head}`,
    );
  }
  const begin = reading.at;
  reading.at = Math.max(begin, reading.end - 4);
  const size = reading.int32() >>> 0;
  reading.end -= 4;
  if (size > reading.end - begin) {
    throw new DecodeError("Cannot decode as the table of classes is larger than its list");
  }
  reading.at = reading.end - size;
  readTable(reading);
  reading.end -= size;
  reading.at = begin;
}

function readTable(reading: Reading): void {
  const classes: (RegisteredClass | undefined)[] = reading.classes = [];
  const names: string[] = [];
  const missing = [];
  const count = reading.count(3);
  for (let i = 0; i < count; i++) {
    const address = { url: reading.string(), name: reading.string(), hash: reading.string() };
    const found = lookUpClass(address);
    classes.push(found);
    names.push(address.name);
    if (found === undefined) missing.push(address);
  }
  if (reading.at !== reading.end) {
    throw new DecodeError("Cannot decode as the table of classes is smaller than it says");
  }
  if (missing.length === 0) return;
  if (reading.lost === undefined) {
    const [{ name, url }] = missing;
    throw new UnpicklingError(
      `class ${name} must be registered here by picklable() when its module ${url} is imported, as the only one of its name and text: it is not`,
      { index: -1, missing },
    );
  }
  reading.classNames = names;
  for (const { name } of missing) reading.lost.push(`class ${name}, which is not registered here`);
}

/** Reads the place of a class in the table; gives the class. */
export function readClass(reading: Reading): RegisteredClass | undefined {
  return reading.classes![readPlace(reading)];
}

function readPlace(reading: Reading): number {
  const place = reading.size();
  if (place >= (reading.classes?.length ?? 0)) throw new DecodeError("Cannot decode as a class is not in the table");
  return place;
}

/** Reads the place of an error's class, and the error's head. Of a class that cannot be had the name stays. */
export function readErrorInstance(reading: Reading): Error {
  const place = readPlace(reading);
  return readErrorShell(reading, reading.classes![place]?.prototype, reading.classNames?.[place]);
}

/** Reads what `toPickle` gave, and makes the instance of it. */
export function readPickled(reading: Reading, kind: number): object {
  const place = readPlace(reading);
  const found = reading.classes![place];
  const at = reading.reserve();
  if (++reading.depth > tag.MAX_STATE_DEPTH) throw new DecodeError("Cannot decode as states are nested too deep");
  const state = reading.value();
  reading.depth--;
  let twin: Error | undefined;
  if (kind === tag.PICKLED_ERROR) {
    twin = readErrorShell(reading, undefined, found === undefined ? reading.classNames?.[place] : undefined);
    readStack(reading, twin);
  }
  return reading.seen[at] = found === undefined ? twin ?? bare(state) : revive(reading, found, state, twin);
}

/** Calls `fromPickle`. The twin of an error has its stack, and stands in for it in a failure, which must arrive. */
function revive(reading: Reading, found: RegisteredClass, state: unknown, twin: Error | undefined): object {
  try {
    const value: unknown = (found.target as unknown as { fromPickle(state: unknown): unknown }).fromPickle(state);
    if (typeof value !== "object" || value === null || value instanceof Promise) {
      throw new TypeError(`it must return an instance: it returned ${describe(value)}`);
    }
    if (twin !== undefined) setStack(value, twin.stack);
    return value;
  } catch (error) {
    const reason = `fromPickle() threw: ${describe(error)}`;
    if (reading.lost === undefined) {
      throw new UnpicklingError(`class ${found.name}'s ${reason}`, {
        index: reading.index,
        cause: error,
      });
    }
    reading.lost.push(`class ${found.name}, as its ${reason}`);
    return twin ?? bare(state);
  }
}

/** What stands in for an instance whose class cannot be had. */
function bare(state: unknown): object {
  return typeof state === "object" && state !== null ? state : { state };
}
