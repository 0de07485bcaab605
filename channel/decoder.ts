/**
 * Bytes to values. The bytes are not trusted: each read is checked against the end, a claimed size against what is
 * left before anything is allocated, and whatever else goes wrong is a {@linkcode DecodeError}. Only the classes of
 * instances are the user's: if one is not registered here, or its `fromPickle` fails, it is an {@linkcode UnpicklingError}.
 */
import { preset, PRESET_LENGTH, readItems, readNumbers, readPreset, readStrings } from "./array_reader.ts";
import { readBuffer, readSegment, readShared, readView } from "./buffer_reader.ts";
import * as tag from "./codec_tags.ts";
import { DecodeError } from "./decode_error.ts";
import { readErrorBody, readErrorShell } from "./error_reader.ts";
import { readClass, readErrorInstance, readHead, readPickled } from "./instance_reader.ts";
import { define, NONE, Reading } from "./reading.ts";
import type { Segments } from "./segments.ts";
import { UnpicklingError } from "./unpickling_error.ts";

const NO_KEYS: readonly string[] = [];

/** The reader of one list at a time. */
class Decoder extends Reading {
  /** The object whose keys were last asked for, and these. */
  #model = -1;
  #modelKeys: readonly string[] = NO_KEYS;
  /** Whether all objects inherit something under one of these. */
  #modelInherits = false;

  run(bytes: Uint8Array, start: number, end: number, segments: Segments, lost: string[] | undefined): unknown[] {
    this.bytes = bytes;
    this.at = start;
    this.end = Math.min(end, bytes.length);
    this.segments = segments;
    this.lost = lost;
    try {
      return this.#list();
    } finally {
      this.reset();
      this.#model = -1;
      this.#modelKeys = NO_KEYS;
    }
  }

  #list(): unknown[] {
    const head = this.bytes[this.take(1)];
    if (head !== tag.VERSION) readHead(this, head);
    const count = this.count(1);
    const values = count >= 1 && count <= PRESET_LENGTH ? preset(count) : [];
    for (this.index = 0; this.index < count; this.index++) values[this.index] = this.value();
    if (this.later !== undefined) this.#bodies(this.later);
    if (this.at !== this.end) throw new DecodeError(`Cannot decode as ${this.end - this.at} bytes are left over`);
    if (this.taken !== undefined) { for (const place of this.taken) this.segments[place] = undefined; }
    return values;
  }

  #bodies(later: unknown[]): void {
    this.index = -1;
    for (let at = 0; at < later.length; at += 2) {
      this.depth = 0;
      this.#body(later[at] as number, later[at + 1] as object);
    }
  }

  value(): unknown {
    const kind = this.bytes[this.take(1)];
    if (kind >= tag.SMALL_INT) return kind & 0x7f;
    if (kind >= tag.SHORT_STRING) return this.ascii(kind & 0x3f);
    switch (kind) {
      case tag.OBJECT:
      case tag.MAP:
      case tag.SET:
      case tag.ERROR:
      case tag.INSTANCE:
      case tag.KEYED_ARRAY:
        return this.#container(kind);
      case tag.ARRAY:
        return this.#array();
      case tag.SHAPED:
        return this.#shaped();
      case tag.INT32:
        return this.int32();
      case tag.DOUBLE:
        return this.double();
      case tag.UNDEFINED:
        return undefined;
      case tag.NULL:
        return null;
      case tag.FALSE:
        return false;
      case tag.TRUE:
        return true;
      case tag.ASCII:
      case tag.UTF8:
      case tag.UTF16:
        return this.longString(kind);
      case tag.REF:
        return this.#ref();
      case tag.INTS:
      case tag.DOUBLES:
        return readNumbers(this, kind);
      case tag.STRINGS:
        return readStrings(this);
      case tag.LATER:
        return this.#postponed();
      default:
        return this.#rare(kind);
    }
  }

  #rare(kind: number): unknown {
    switch (kind) {
      case tag.BIGINT64:
        return this.bigint64();
      case tag.BIGINT:
        return this.bigint();
      case tag.DATE:
        return this.register(new Date(this.double()));
      case tag.REGEXP:
        return this.register(new RegExp(this.string(), this.string()));
      case tag.BOXED:
        return this.#boxed();
      case tag.BUFFER:
      case tag.RESIZABLE:
        return readBuffer(this, kind);
      case tag.SEGMENT:
      case tag.RESIZABLE_SEGMENT:
        return readSegment(this, kind);
      case tag.SHARED:
        return readShared(this);
      case tag.VIEW:
      case tag.TRACKING_VIEW:
        return readView(this, kind);
      case tag.ERROR_INSTANCE:
        return this.#container(kind);
      case tag.PICKLED:
      case tag.PICKLED_ERROR:
        return readPickled(this, kind);
      default:
        throw new DecodeError(`Cannot decode as there is no tag ${kind}`);
    }
  }

  #ref(): object {
    const value = this.seen[this.size()];
    if (value === undefined) throw new DecodeError("Cannot decode as a reference leads nowhere");
    return value;
  }

  #container(kind: number): object {
    const value = this.#shell(kind);
    if (++this.depth > tag.MAX_STATE_DEPTH) throw new DecodeError("Cannot decode as values are nested too deep");
    this.#body(kind, value);
    this.depth--;
    return value;
  }

  #postponed(): object {
    const kind = this.bytes[this.take(1)];
    const value = this.#shell(kind);
    (this.later ??= []).push(kind, value);
    return value;
  }

  /** The container, empty. */
  #shell(kind: number): object {
    switch (kind) {
      case tag.OBJECT:
        return this.register({});
      case tag.ARRAY:
      case tag.KEYED_ARRAY:
        return this.register([]);
      case tag.MAP:
        return this.register(new Map());
      case tag.SET:
        return this.register(new Set());
      case tag.ERROR:
        return this.register(readErrorShell(this));
      case tag.INSTANCE: {
        const found = readClass(this);
        return this.register(found === undefined ? {} : Object.create(found.prototype) as object);
      }
      case tag.ERROR_INSTANCE:
        return this.register(readErrorInstance(this));
      default:
        throw new DecodeError(`Cannot decode as a container is expected: tag is ${kind}`);
    }
  }

  #body(kind: number, value: object): void {
    if (kind === tag.OBJECT) this.#fields(value as Record<string, unknown>);
    else if (kind === tag.ARRAY) readItems(this, value as unknown[], this.size());
    else if (kind === tag.KEYED_ARRAY) this.#keyedItems(value as unknown[]);
    else if (kind === tag.MAP) this.#map(value as Map<unknown, unknown>);
    else if (kind === tag.SET) this.#set(value as Set<unknown>);
    else if (kind === tag.INSTANCE) this.#ownFields(value);
    else readErrorBody(this, value as Error);
  }

  /** An object with the keys of one that went before. */
  #shaped(): object {
    const keys = this.#keysOf(this.size());
    const value: Record<string, unknown> = this.register({});
    const inherits = this.#modelInherits;
    if (inherits) this.inheriting!.add(value);
    if (++this.depth > tag.MAX_STATE_DEPTH) throw new DecodeError("Cannot decode as values are nested too deep");
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (key === "__proto__" || (inherits && key in Object.prototype)) define(value, key, this.value(), true);
      else value[key] = this.value();
    }
    this.depth--;
    return value;
  }

  /** The keys of an object that was read. */
  #keysOf(number: number): readonly string[] {
    if (number === this.#model) return this.#modelKeys;
    const model = this.seen[number];
    if (model === undefined || Object.getPrototypeOf(model) !== Object.prototype) {
      throw new DecodeError("Cannot decode as there is no object whose keys are meant");
    }
    this.#model = number;
    this.#modelInherits = this.inheriting !== undefined && this.inheriting.has(model);
    return this.#modelKeys = Object.keys(model);
  }

  /** Fields of an instance: its class may have accessors of the same name, which must not be called. */
  #ownFields(value: object): void {
    for (let left = this.count(2); left > 0; left--) {
      const key = this.key();
      if (key in value) define(value, key, this.value(), true);
      else (value as Record<string, unknown>)[key] = this.value();
    }
  }

  #fields(value: Record<string, unknown>): void {
    const count = this.count(2);
    for (let i = 0; i < count; i++) {
      const key = this.key();
      if (this.isInherited) {
        this.isInherited = false;
        (this.inheriting ??= new Set()).add(value);
        define(value, key, this.value(), true);
      } else value[key] = this.value();
    }
  }

  /** The other keys of an array. */
  #otherFields(value: unknown[]): void {
    for (let left = this.count(2); left > 0; left--) {
      const key = this.key();
      // An array's length is no field: set to a claimed size it would allocate.
      if (key === "length") throw new DecodeError("Cannot decode as a length is set twice");
      define(value, key, this.value(), true);
    }
  }

  #array(): unknown[] {
    const length = this.bytes[this.at];
    if (!(length >= 1 && length <= PRESET_LENGTH)) return this.#container(tag.ARRAY) as unknown[];
    this.at++;
    const value = this.register(preset(length));
    if (++this.depth > tag.MAX_STATE_DEPTH) throw new DecodeError("Cannot decode as values are nested too deep");
    readPreset(this, value);
    this.depth--;
    return value;
  }

  #keyedItems(value: unknown[]): void {
    readItems(this, value, this.size());
    this.#otherFields(value);
  }

  #map(value: Map<unknown, unknown>): void {
    const count = this.count(2);
    for (let i = 0; i < count; i++) {
      const key = this.value();
      value.set(key, this.value());
    }
  }

  #set(value: Set<unknown>): void {
    const count = this.count(1);
    for (let i = 0; i < count; i++) value.add(this.value());
  }

  #boxed(): object {
    const at = this.reserve();
    const kind = this.bytes[this.at];
    const value = Object(kind === tag.BOXED ? undefined : this.value());
    return this.seen[at] = value;
  }
}

/** Kept between lists, so that a list costs no more than its values. There is more than one while `fromPickle` decodes. */
const IDLE: Decoder[] = [new Decoder()];

/**
 * Reads a list that `encode` has written.
 *
 * @param bytes Where it lies.
 * @param start Where it begins.
 * @param end Where it ends.
 * @param segments What came beside the bytes; each that a value has is taken out.
 * @param lost Gets a word about each class that cannot be had; its instances come as plain objects, errors as those of the
 *   nearest built-in class. Without it they are an {@linkcode UnpicklingError}.
 * @returns The values.
 * @throws {DecodeError} If the bytes are no list.
 * @throws {UnpicklingError} If a class is not registered here, or its `fromPickle` throws.
 */
export function decode(
  bytes: Uint8Array,
  start: number,
  end: number,
  segments?: Segments,
  lost?: string[],
): unknown[] {
  const decoder = IDLE.pop() ?? new Decoder();
  try {
    return decoder.run(bytes, start, end, segments ?? NONE, lost);
  } catch (error) {
    if (error instanceof DecodeError || error instanceof UnpicklingError) throw error;
    throw new DecodeError("Cannot decode as a value is not valid", { cause: error });
  } finally {
    IDLE.push(decoder);
  }
}
