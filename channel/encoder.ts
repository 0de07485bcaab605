/**
 * Values to bytes: one walk that checks, copies and encodes.
 *
 * It is the hottest code of the library. Nothing is allocated for a call of plain numbers and strings, and a path is
 * put together only when the walk fails (see {@linkcode Refusal}). Getters and proxy traps are user code: they may
 * throw, change what is being walked, or submit a call themselves.
 */
import { InvalidStateError, type PicklingDirection } from "../errors.ts";
import { findClass } from "../tasks/picklable.ts";
import { otherKeys } from "./array_keys.ts";
import { writeArray, writeItems } from "./array_writer.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { writeByClass, writeHidden } from "./class_writer.ts";
import { writeEntries, writeMembers } from "./collection_writer.ts";
import { checkSizes } from "./buffer_writer.ts";
import * as tag from "./codec_tags.ts";
import { writeErrorBody, writeErrorHead } from "./error_writer.ts";
import { mayHide } from "./hidden_class.ts";
import { placeOf, refuseTooDeep, writeTable } from "./instance_writer.ts";
import { HINTS, property, Refusal, toRefusal, wouldLoseClass } from "./refusal.ts";
import { writeBigint, writeByte, writeBytes, writeHead, writeNumber, writeSize, writeString } from "./scalar_writer.ts";
import { type Sending, TO_PROCESS, Walk } from "./walk.ts";

/** Keys are only kept, and looked for, behind this many containers: in small values it would cost more than it saves. */
const UNSHAPED = 8;
/** An object with more keys may well be a dictionary, and one of indices is. */
const FEW_KEYS = 16;
/** Whether this program sends dictionaries: see {@linkcode Encoder.#fewFields}. */
let metDictionary = false;

const HAS_OWN = Object.prototype.hasOwnProperty;

/** The walk over one list's values. */
class Encoder extends Walk {
  /** The encoder whose walk was interrupted by the one of this. */
  outer: Encoder | undefined;
  /** The block and its `start` when the walk began: what `writer.start` must be again after a forbidden call. */
  block!: Uint8Array;
  start = 0;

  run(values: readonly unknown[], nameOf: (index: number) => string): void {
    const writer = this.writer;
    const offset = writer.length - writer.start;
    const segments = writer.segments?.length;
    this.block = writer.bytes;
    this.start = writer.start;
    try {
      writeHead(writer, tag.VERSION, values.length);
      for (this.index = 0; this.index < values.length; this.index++) this.value(values[this.index]);
      if (this.later.length > 0) this.#bodies();
      if (this.classes.length > 0) writeTable(this, offset);
      if (this.sizes.length > 0) checkSizes(this);
    } catch (caught) {
      writer.length = writer.start + offset;
      if (segments !== undefined) writer.segments!.length = segments;
      throw toRefusal(caught).within(nameOf(this.index)).toError(this.direction);
    } finally {
      this.reset();
    }
  }

  /** The bodies that were put off; they may put off others. */
  #bodies(): void {
    const later = this.later;
    for (let at = 0; at < later.length; at += 3) {
      this.index = later[at + 2] as number;
      this.depth = 0;
      this.errorPath = "… ";
      try {
        this.#body(later[at] as number, later[at + 1] as object);
      } catch (caught) {
        throw toRefusal(caught).within(" … ");
      }
      later[at + 1] = undefined;
    }
  }

  value(value: unknown): void {
    switch (typeof value) {
      case "number":
        return writeNumber(this.writer, value);
      case "string":
        return writeString(this.writer, value);
      case "object":
        if (value === null) return writeByte(this.writer, tag.NULL);
        return this.#object(value);
      case "boolean":
        return writeByte(this.writer, value ? tag.TRUE : tag.FALSE);
      case "undefined":
        return writeByte(this.writer, tag.UNDEFINED);
      case "bigint":
        return writeBigint(this.writer, value);
      case "function":
        throw new Refusal(
          "functions cannot be copied: " +
            (this.direction === "result" ? "return data instead" : "register it with tasks()"),
        );
      default:
        throw new Refusal(HINTS.Symbol);
    }
  }

  #object(value: object): void {
    if (this.#wasSeen(value)) return;
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype) return this.plainObject(value);
    if (prototype === Array.prototype && Array.isArray(value)) return writeArray(this, value);
    if (prototype === null) return this.plainObject(value);
    if (prototype === Array.prototype) throw new Refusal(wouldLoseClass(""));
    writeByClass(this, value, prototype);
  }

  /** Writes a REF if the container was met before, else gives it its number. */
  #wasSeen(value: object): boolean {
    const number = this.seen.find(value);
    return number >= 0 && this.#ref(number);
  }

  #ref(number: number): true {
    if (this.open.length > 0 && this.open.includes(number)) {
      throw new Refusal("an instance cannot be inside what its own toPickle() gives: leave that reference out");
    }
    writeByte(this.writer, tag.REF);
    writeSize(this.writer, number);
    return true;
  }

  container(kind: number, value: object): void {
    const isDeep = this.depth >= tag.MAX_DEPTH && this.#mayPutOff();
    if (isDeep) writeByte(this.writer, tag.LATER);
    writeByte(this.writer, kind);
    if (kind >= tag.ERROR) this.#head(kind, value);
    if (isDeep) {
      this.later.push(kind, value, this.index);
      return;
    }
    this.depth++;
    this.#body(kind, value);
    this.depth--;
  }

  plainObject(value: object): void {
    const isEarly = this.seen.count <= UNSHAPED && this.depth < tag.MAX_DEPTH;
    if (isEarly && !metDictionary) this.#fewFields(value as Record<string, unknown>);
    else this.#listedFields(value);
  }

  /** Writes a plain object: its keys and values, or its values alone if one with the same keys went before it. */
  #listedFields(value: object): void {
    const keys = Object.keys(value);
    if (mayHide(keys[0]) && writeHidden(this, value)) return;
    if (this.depth >= tag.MAX_DEPTH) return this.container(tag.OBJECT, value);
    const number = this.seen.count - 1;
    const isEarly = number < UNSHAPED;
    const brother = isEarly ? -1 : this.shapes.find(keys);
    this.depth++;
    if (brother < 0) {
      writeHead(this.writer, tag.OBJECT, keys.length);
      this.#fieldsOf(value as Record<string, unknown>, keys);
      // Only now: the reader knows its keys when it has read them all.
      if (!isEarly) this.shapes.add(keys, number);
    } else {
      writeHead(this.writer, tag.SHAPED, brother);
      this.#valuesOf(value as Record<string, unknown>, keys);
    }
    this.depth--;
  }

  /**
   * Writes a plain object without a list of its keys: what engines know of a `for (key in value)` makes the copy of a small
   * object an eighth faster. Dictionaries are slower so, by a third, and V8 forgets for good what it knew when it meets one: then
   * keys are listed from there on.
   */
  #fewFields(value: Record<string, unknown>): void {
    const head = this.writer.length - this.writer.start;
    writeHead(this.writer, tag.OBJECT, 0);
    this.depth++;
    let count = 0;
    let at: string | undefined; // none while a proxy is asked for its keys
    try {
      for (const key in value) {
        if (!HAS_OWN.call(value, key)) continue; // in this very form V8 knows the answer
        if (count === 0 && mayHide(key)) {
          metDictionary = true;
          break;
        }
        at = key;
        count++;
        writeString(this.writer, key);
        const item = value[key];
        if (typeof item === "string") writeString(this.writer, item);
        else if (typeof item === "number") writeNumber(this.writer, item);
        else this.value(item);
      }
    } catch (caught) {
      throw at === undefined ? caught : toRefusal(caught).within(property(at));
    }
    this.depth--;
    if (count === 0) {
      this.writer.length = this.writer.start + head;
      return this.#listedFields(value);
    }
    if (count > FEW_KEYS) metDictionary = true;
    if (count > 0x7f) this.#widenCount(head, count);
    else this.writer.bytes[this.writer.start + head + 1] = count;
  }

  /** Writes the count of fields where a byte was left for it, and the fields anew behind it. */
  #widenCount(head: number, count: number): void {
    const { writer } = this;
    const fields = writer.bytes.slice(writer.start + head + 2, writer.length);
    writer.length = writer.start + head;
    writeHead(writer, tag.OBJECT, count);
    writeBytes(writer, fields);
  }

  #valuesOf(value: Record<string, unknown>, keys: readonly string[]): void {
    let i = 0;
    try {
      for (; i < keys.length; i++) this.value(value[keys[i]]);
    } catch (caught) {
      throw toRefusal(caught).within(property(keys[i]));
    }
  }

  #mayPutOff(): boolean {
    if (this.open.length === 0) return true;
    refuseTooDeep(this);
    return false;
  }

  /** What goes with the tag of an error or an instance. */
  #head(kind: number, value: object): void {
    if (kind !== tag.ERROR) writeSize(this.writer, placeOf(this, findClass(Object.getPrototypeOf(value))!));
    if (kind !== tag.INSTANCE) writeErrorHead(this, value as Error);
  }

  #body(kind: number, value: object): void {
    if (kind === tag.OBJECT) this.#fields(value as Record<string, unknown>, Object.keys(value));
    else if (kind === tag.ARRAY) writeItems(this, value as unknown[], (value as unknown[]).length);
    else if (kind === tag.MAP) writeEntries(this, value as Map<unknown, unknown>);
    else if (kind === tag.SET) writeMembers(this, value as Set<unknown>);
    else if (kind === tag.KEYED_ARRAY) this.#keyedItems(value as unknown[]);
    else if (kind === tag.INSTANCE) this.#fields(value as Record<string, unknown>, Object.keys(value));
    else writeErrorBody(this, value as Error);
  }

  #fields(value: Record<string, unknown>, keys: readonly string[]): void {
    writeSize(this.writer, keys.length);
    this.#fieldsOf(value, keys);
  }

  #fieldsOf(value: Record<string, unknown>, keys: readonly string[]): void {
    let i = 0;
    try {
      for (; i < keys.length; i++) {
        const key = keys[i];
        writeString(this.writer, key);
        // The most common kinds without a call in between: a twentieth of the copy of a small object.
        const item = value[key];
        if (typeof item === "string") writeString(this.writer, item);
        else if (typeof item === "number") writeNumber(this.writer, item);
        else this.value(item);
      }
    } catch (caught) {
      throw toRefusal(caught).within(property(keys[i]));
    }
  }

  #keyedItems(value: unknown[]): void {
    const { length } = value;
    const keys = otherKeys(value, length) ?? []; // first, as a getter among the items may bring more
    writeItems(this, value, length);
    this.#fields(value as unknown as Record<string, unknown>, keys);
  }
}

/** Kept between calls, so that a call allocates none. */
const IDLE: Encoder[] = [new Encoder()];
/** The innermost encoder at work: there is more than one only while a getter or a proxy trap runs. */
let working: Encoder | undefined;

/**
 * Appends values as one list. Puts `writer` back as it was if it throws.
 *
 * @param writer Where to; what it holds from `start` on moves with the list when the block is full.
 * @param values The values.
 * @param direction Which way they go.
 * @param nameOf Gives the root of the path of value i; called on failure only.
 * @param leftOut Gets the names of fields of errors that cannot cross and are left out; without it they fail the walk.
 * @param sending How they are sent.
 * @throws {PicklingError} If a value cannot cross.
 */
export function encode(
  writer: ByteWriter,
  values: readonly unknown[],
  direction: PicklingDirection,
  nameOf: (index: number) => string,
  leftOut?: string[],
  sending: Sending = TO_PROCESS,
): void {
  const outer = working;
  if (outer !== undefined) refuseToInterrupt(writer, outer);
  const encoder = IDLE.pop() ?? new Encoder();
  encoder.writer = writer;
  encoder.direction = direction;
  encoder.leftOut = leftOut;
  encoder.sending = sending;
  encoder.outer = outer;
  working = encoder;
  try {
    encoder.run(values, nameOf);
  } finally {
    working = outer;
    encoder.outer = undefined;
    IDLE.push(encoder);
  }
}

/** A getter that makes a call of its own would write it into the middle of the value that is being read. */
function refuseToInterrupt(writer: ByteWriter, innermost: Encoder): void {
  for (let encoder: Encoder | undefined = innermost; encoder !== undefined; encoder = encoder.outer) {
    if (encoder.writer !== writer) continue;
    // The caller has begun a value of its own there: that is taken back.
    writer.start = writer.bytes === encoder.block ? encoder.start : 0;
    throw new InvalidStateError("Cannot make a call as a value of another call is being copied: a getter made it");
  }
}
