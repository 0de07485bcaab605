/**
 * What the fuzzers try, one case at a time: each is a function of random numbers that throws if something is wrong.
 * `fuzz_test.ts` runs some thousands of each, `fuzz.ts` as many as there is time for.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { inspect } from "node:util";
import { ByteWriter } from "../channel/byte_writer.ts";
import { DecodeError, decodeList, decodeValue, encodeList, encodeValue, UnpicklingError } from "../channel/codec.ts";
import { decodeFailure, encodeFailure } from "../channel/failure.ts";
import * as errors from "../errors.ts";
import { ownSegments, type Segments } from "../channel/segments.ts";
import { findClass } from "../tasks/picklable.ts";
import { difference } from "./difference.ts";
import { FUZZ_CLASSES } from "./fuzz_classes.ts";
import { type Random, RandomValues } from "./random_values.ts";

/** One case. */
export type FuzzCase = (random: Random) => void | Promise<void>;

/** Microseconds of processor time that reading a few kilobytes may take: a limit that only a decoder without an end reaches. */
const READ_LIMIT = 30e6;

/** All buffers that there are: what is asked is only whether one is in it. */
export const EVERY_BUFFER: ReadonlySet<ArrayBuffer> = { has: () => true } as unknown as Set<ArrayBuffer>;

/** Which buffers travel beside the bytes. */
type Aside = "none" | "large" | "all";

const WRITERS: Readonly<Record<Aside, ByteWriter>> = {
  none: new ByteWriter(),
  large: new ByteWriter(true),
  all: new ByteWriter(true),
};
WRITERS.all.transfer = EVERY_BUFFER;

/** Picks a writer: in half of the cases some buffers are segments. */
function randomAside(random: Random): Aside {
  return random() < 0.5 ? "none" : random() < 0.5 ? "large" : "all";
}

// ----- Values there and back

function cross(value: unknown, aside: Aside): unknown {
  const writer = WRITERS[aside];
  writer.begin();
  encodeValue(writer, value, "value", "argument");
  const copies = ownSegments(writer.takeSegments()) as readonly ArrayBuffer[];
  // As they are transferred: what it was copied into is then empty.
  const segments: Segments = aside === "all" ? [...ownSegments(copies, { transfer: new Set(copies) })] : [...copies];
  const copy = decodeValue(writer.bytes, writer.start, writer.length, segments);
  assert.ok(segments.every((segment) => segment === undefined), "a segment is left over");
  return copy;
}

/**
 * Why a value does not arrive as it should; `undefined` if it does.
 *
 * What it should be is the value itself, but for what the standard leaves behind, and `difference` knows that. Hosts
 * are asked as well, but only where none is known to differ from the standard:
 * - errors: Bun drops `cause`; all make an AggregateError an Error and drop an error's own fields, as the standard
 *   says, where the codec promises more;
 * - a DOMException has no stack on Bun;
 * - Bun keeps the own fields of maps and sets, which the standard does not. (That is the clone's excess, and so no
 *   difference as long as the copy is right.)
 */
function problemOf(value: unknown, isPlain: boolean, aside: Aside): string | undefined {
  try {
    const copy = cross(value, aside);
    return difference(copy, value) ?? (isPlain ? difference(copy, structuredClone(value)) : undefined);
  } catch (error) {
    return `throws ${error}`;
  }
}

/** The values within a value, one level down. */
function within(value: unknown): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  if (value instanceof Map) return [...value].flat();
  if (value instanceof Set) return [...value];
  if (ArrayBuffer.isView(value)) return [value.buffer];
  if (findClass(Object.getPrototypeOf(value) ?? {})?.hasState) return [(value as { toPickle(): unknown }).toPickle()];
  const names = value instanceof Error ? [...Object.keys(value), "cause", "errors"] : Object.keys(value);
  return names.map((name) => Object.getOwnPropertyDescriptor(value, name)?.value);
}

/** A value without one of its parts, for each of them. */
function* lessened(value: unknown): Generator<unknown> {
  if (typeof value !== "object" || value === null) return;
  if (value instanceof Map) {
    for (const key of value.keys()) yield new Map([...value].filter(([other]) => other !== key));
  } else if (value instanceof Set) {
    for (const item of value) yield new Set([...value].filter((other) => other !== item));
  } else if (Array.isArray(value)) {
    for (let i = 0; i < value.length && i < 100; i++) yield value.toSpliced(i, 1);
  } else if (Object.getPrototypeOf(value) === Object.prototype) {
    for (const key of Object.keys(value)) {
      yield Object.fromEntries(Object.entries(value).filter(([other]) => other !== key));
    }
  }
}

/** A smaller value with a problem of its own: a part of it, or it without a part, as long as one of these has one. */
function smallest(value: unknown, isPlain: boolean, aside: Aside): unknown {
  const seen = new Set<unknown>();
  for (let tries = 0; tries < 5_000;) {
    let smaller: unknown;
    for (const candidate of [...within(value), ...lessened(value)]) {
      if (typeof candidate === "object" && candidate !== null && seen.has(candidate)) continue;
      seen.add(candidate);
      tries++;
      if (problemOf(candidate, isPlain, aside) === undefined) continue;
      smaller = candidate;
      break;
    }
    if (smaller === undefined) return value;
    value = smaller;
  }
  return value;
}

/** A value arrives as it was sent. */
export function roundTrip(random: Random): void {
  const isPlain = random() < 0.5;
  const aside = randomAside(random);
  const value = new RandomValues(random, { errors: !isPlain, classes: !isPlain, large: true }).next();
  const problem = problemOf(value, isPlain, aside);
  if (problem === undefined) return;
  const least = smallest(value, isPlain, aside);
  const shown = inspect(least, { depth: 20, maxStringLength: 200, maxArrayLength: 50 });
  assert.fail(
    `${problemOf(least, isPlain, aside) ?? problem}\nThe smallest value with that, segments "${aside}":\n${shown}`,
  );
}

// ----- Changed bytes

/** An integer from 0 to `top`, without `top`. */
export function below(random: Random, top: number): number {
  return Math.floor(random() * top);
}

/** Bytes as the codec writes them, and what goes beside them. */
interface Sample {
  readonly bytes: Uint8Array;
  readonly segments: Segments;
}

/** A list of values, or what a task threw. */
function sample(random: Random, isFailure: boolean): Sample {
  const values = new RandomValues(random, { parts: 30, classes: true, large: true });
  const writer = WRITERS[randomAside(random)];
  writer.begin();
  if (isFailure) encodeFailure(writer, values.next(), "task t in worker w");
  else encodeList(writer, Array.from({ length: 1 + below(random, 3) }, () => values.next()), String, "argument");
  return { bytes: writer.bytes.slice(writer.start, writer.length), segments: [...writer.takeSegments()] };
}

/** Sizes that claim much, as varints and as words. */
const CLAIMS = [
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0x80, 0x80, 0x80, 0x80, 0x08],
  [0x80, 0x80, 0x80, 0x10],
  [0xff, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0x7f],
  [0x00, 0x00, 0x00, 0x80],
  [0xff, 0x7f],
];

/** Replaces `removed` bytes at `at`. */
function splice(bytes: Uint8Array, at: number, removed: number, added: ArrayLike<number>): Uint8Array {
  const result = new Uint8Array(bytes.length - removed + added.length);
  result.set(bytes.subarray(0, at));
  result.set(added, at);
  result.set(bytes.subarray(at + removed), at + added.length);
  return result;
}

/** Changes bytes in one of the ways in which they may be wrong. */
function mutate(random: Random, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  const at = below(random, bytes.length);
  const size = Math.min(bytes.length - at, 1 + below(random, 12));
  switch (below(random, 9)) {
    case 0: // a flipped bit
      return splice(bytes, at, 1, [bytes[at] ^ (1 << below(random, 8))]);
    case 1: // another byte; most tags and sizes are small numbers
      return splice(bytes, at, 1, [below(random, random() < 0.5 ? 256 : 40)]);
    case 2: // an end too early
      return bytes.slice(0, at);
    case 3: // a piece missing
      return splice(bytes, at, size, []);
    case 4: // a piece twice
      return splice(bytes, at, 0, bytes.slice(at, at + size));
    case 5: { // two pieces in each other's place
      const [left, right] = [bytes.slice(at, at + size), below(random, bytes.length - size + 1)];
      return splice(splice(bytes, at, left.length, bytes.slice(right, right + size)), right, size, left);
    }
    case 6: // a size that claims much
      return splice(bytes, at, Math.min(size, 1 + below(random, 4)), CLAIMS[below(random, CLAIMS.length)]);
    case 7: { // a piece of another value
      const from = below(random, other.length);
      return splice(bytes, at, size, other.slice(from, from + 1 + below(random, 20)));
    }
    default: // nonsense
      return splice(bytes, at, 0, Array.from({ length: 1 + below(random, 8) }, () => below(random, 256)));
  }
}

/** Changes bytes in one to three places; `other` lends pieces. */
export function mutated(random: Random, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  for (let n = 1 + below(random, 3); n > 0 && bytes.length > 0; n--) bytes = mutate(random, bytes, other);
  return bytes;
}

/** Prototypes that a decoded value may have: the host's, and those of registered classes and of ergate's own errors. */
const PROTOTYPES: ReadonlySet<unknown> = new Set(
  Object.getOwnPropertyNames(globalThis).map((name) => Object.getOwnPropertyDescriptor(globalThis, name)?.value)
    .concat(FUZZ_CLASSES, Object.values(errors)).filter((item) => typeof item === "function").map((item) =>
      item.prototype
    ),
);

/** All that a value is made of: that nothing has a prototype of its own, and that nothing is a function. */
function assertHarmless(value: unknown): void {
  const seen = new Set<unknown>();
  const waiting = [value];
  while (waiting.length > 0) {
    const item = waiting.pop();
    assert.notEqual(typeof item, "function");
    if (typeof item !== "object" || item === null || seen.has(item)) continue;
    seen.add(item);
    assert.ok(PROTOTYPES.has(Object.getPrototypeOf(item)), "an object has a prototype of its own");
    if (!ArrayBuffer.isView(item)) { for (const part of within(item)) waiting.push(part); }
  }
}

/** Segments are taken if all is well, none if it is not, and each is as it was. */
function assertTaken(left: Segments, segments: Segments, isRead: boolean): void {
  assert.equal(left.length, segments.length);
  const same = left.every((segment, i) => segment === segments[i] || (isRead && segment === undefined));
  assert.ok(same, isRead ? "a segment is another" : "a segment was taken by a list that could not be read");
}

/** Changed bytes are a DecodeError or a value, and soon. */
export function mutatedBytes(random: Random): void {
  const isFailure = random() < 0.2;
  const { bytes, segments } = sample(random, isFailure);
  const other = sample(random, false).bytes;
  for (let n = 0; n < 20; n++) {
    const changed = mutated(random, bytes, other);
    const left = segments.slice();
    const before = process.cpuUsage();
    let isRead = false;
    try {
      const read = isFailure ? decodeFailure : decodeList;
      const value = read(changed, 0, changed.length, left);
      isRead = true;
      assertHarmless(value);
    } catch (error) {
      // A change of the table of classes names one that no module registers; a changed state is refused by its class.
      if (!isRead && (error instanceof DecodeError || error instanceof UnpicklingError)) continue;
      throw new Error(`decoding gave ${inspect(error)}\nfor the bytes ${changed.join(", ")}`);
    } finally {
      if (!isFailure) assertTaken(left, segments, isRead); // of a failure, the second list may be the wrong one
      if (process.cpuUsage(before).user >= READ_LIMIT) assert.fail(`Decoding took too long for ${changed.join(", ")}`);
    }
  }
}
