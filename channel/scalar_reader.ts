/**
 * Values without inner values, from bytes: what the decoder reads without knowing where in the list it is. Each read is
 * checked against the end.
 */
import * as tag from "./codec_tags.ts";
import { DecodeError } from "./decode_error.ts";

/** Longer strings are read by TextDecoder: a call of it costs some 100 ns. */
const LOOP_LENGTH = 16;
/** Longer ones are decoded in pieces of as many bytes, for Deno's TextDecoder takes 512 MB at most. */
const PIECE_SIZE = 2 ** 26;
/** Longer keys are not looked for in the cache. */
const CACHED_KEY_LENGTH = 32;
/** Places in the cache of keys; a power of two. A key that finds its place taken takes it. */
const CACHED_KEYS = 1024;

/** For ASCII, where there can be no BOM: the options make Deno's three times slower. */
const ASCII_DECODER = new TextDecoder();
const UTF8_DECODER = new TextDecoder("utf-8", { ignoreBOM: true });
const FLOAT64 = new Float64Array(1);
const INT64 = new BigInt64Array(FLOAT64.buffer);
const EIGHT_BYTES = new Uint8Array(FLOAT64.buffer);
const KEYS: string[] = new Array(CACHED_KEYS).fill("");
const NO_BYTES = new Uint8Array(0);
const fromCharCode = String.fromCharCode;

/** Reads bytes from a place on. */
export class ScalarReader {
  /** Where they lie. */
  bytes: Uint8Array = NO_BYTES;
  /** What is read next. */
  at = 0;
  /** Where they end. */
  end = 0;
  /**
   * Set by {@linkcode ScalarReader.key} if all objects inherit something of that name: to set such a field would call a
   * setter, or throw where `Object.prototype` is frozen. Who asks takes it back.
   */
  isInherited = false;

  /** Takes `size` bytes; gives where they begin. */
  take(size: number): number {
    const at = this.at;
    if (size > this.end - at) throw new DecodeError(`Cannot decode as the bytes end too early, at ${this.end}`);
    this.at = at + size;
    return at;
  }

  /** A count or length. */
  size(): number {
    let size = 0;
    for (let factor = 1; factor <= 2 ** 49; factor *= 0x80) {
      const byte = this.bytes[this.take(1)];
      size += (byte & 0x7f) * factor;
      if (byte < 0x80) return size;
    }
    throw new DecodeError("Cannot decode as a size has too many bytes");
  }

  /** How many items follow, if there is room for them. */
  count(itemSize: number): number {
    const count = this.size();
    if (count * itemSize > this.end - this.at) {
      throw new DecodeError(`Cannot decode as ${count} items are claimed where ${this.end - this.at} bytes are left`);
    }
    return count;
  }

  /** Four bytes as an integer. */
  int32(): number {
    const at = this.take(4);
    const bytes = this.bytes;
    return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24;
  }

  /** Eight bytes as a number; INT64 has them too. A DataView would cost an allocation per list. */
  double(): number {
    const at = this.take(8);
    const bytes = this.bytes;
    for (let i = 0; i < 8; i++) EIGHT_BYTES[i] = bytes[at + i];
    return FLOAT64[0];
  }

  /** The integer that eight bytes are. */
  bigint64(): bigint {
    this.double();
    return INT64[0];
  }

  /** A bigint of any size. */
  bigint(): bigint {
    const isNegative = this.bytes[this.take(1)] === 1;
    const absolute = BigInt("0x" + this.string());
    return isNegative ? -absolute : absolute;
  }

  /** A string, with its tag. */
  string(): string {
    const kind = this.bytes[this.take(1)];
    if (kind >= tag.SHORT_STRING && kind < tag.SMALL_INT) return this.ascii(kind & 0x3f);
    if (kind === tag.ASCII || kind === tag.UTF8 || kind === tag.UTF16) return this.longString(kind);
    throw new DecodeError(`Cannot decode as a string is expected: tag is ${kind}`);
  }

  /** A string, or `undefined`. */
  text(): string | undefined {
    if (this.at < this.end && this.bytes[this.at] === tag.UNDEFINED) {
      this.at++;
      return undefined;
    }
    return this.string();
  }

  /** A string of that many ASCII characters. */
  ascii(length: number): string {
    const at = this.take(length);
    const bytes = this.bytes;
    if (length > LOOP_LENGTH) return ASCII_DECODER.decode(bytes.subarray(at, at + length));
    return shortText(bytes, at, length);
  }

  /** The rest of a string of that tag. */
  longString(kind: number): string {
    const size = this.int32() >>> 0;
    const at = this.take(size);
    if (kind === tag.UTF16) return this.#utf16(at, size);
    if (size > PIECE_SIZE) return textInPieces(this.bytes.subarray(at, at + size));
    return (kind === tag.ASCII ? ASCII_DECODER : UTF8_DECODER).decode(this.bytes.subarray(at, at + size));
  }

  #utf16(at: number, size: number): string {
    const units: number[] = [];
    let text = "";
    for (let i = 0; i + 1 < size; i += 2) {
      units.push(this.bytes[at + i] | this.bytes[at + i + 1] << 8);
      if (units.length === 4096) text += fromCharCode(...units.splice(0));
    }
    return text + fromCharCode(...units);
  }

  /** A string that is a key: most are met again and again, and kept as the very string that engines compare fast. */
  key(): string {
    const at = this.at;
    const bytes = this.bytes;
    const length = at < this.end ? bytes[at] - tag.SHORT_STRING : 0;
    if (length <= 0 || length > CACHED_KEY_LENGTH) return this.#newKey(this.string());
    this.take(1 + length);
    const last = at + length;
    const hash = (bytes[at + 1] * 31 + bytes[at + 1 + (length >> 1)] * 17 + bytes[last] * 7 + length * 131) &
      (CACHED_KEYS - 1);
    const cached = KEYS[hash];
    if (cached.length === length) {
      let i = 0;
      while (i < length && cached.charCodeAt(i) === bytes[at + 1 + i]) i++;
      if (i === length) return cached;
    }
    const key = this.#newKey(shortText(bytes, at + 1, length));
    // Those that are inherited are never among the known ones.
    return this.isInherited ? key : KEYS[hash] = Object.keys({ [key]: 0 })[0];
  }

  #newKey(key: string): string {
    this.isInherited = key in Object.prototype;
    return key;
  }

  /** Lets go of the bytes. */
  letGo(): void {
    this.bytes = NO_BYTES;
  }
}

function textInPieces(bytes: Uint8Array): string {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let text = "";
  for (let at = 0; at < bytes.length; at += PIECE_SIZE) {
    text += decoder.decode(bytes.subarray(at, at + PIECE_SIZE), { stream: true });
  }
  return text + decoder.decode();
}

/** A short ASCII string. Eight at a time: each call and each string that is put to another costs an allocation. */
function shortText(b: Uint8Array, at: number, length: number): string {
  let text = "";
  for (; length >= 8; at += 8, length -= 8) {
    text += fromCharCode(b[at], b[at + 1], b[at + 2], b[at + 3], b[at + 4], b[at + 5], b[at + 6], b[at + 7]);
  }
  switch (length) {
    case 0:
      return text;
    case 1:
      return text + fromCharCode(b[at]);
    case 2:
      return text + fromCharCode(b[at], b[at + 1]);
    case 3:
      return text + fromCharCode(b[at], b[at + 1], b[at + 2]);
    case 4:
      return text + fromCharCode(b[at], b[at + 1], b[at + 2], b[at + 3]);
    case 5:
      return text + fromCharCode(b[at], b[at + 1], b[at + 2], b[at + 3], b[at + 4]);
    case 6:
      return text + fromCharCode(b[at], b[at + 1], b[at + 2], b[at + 3], b[at + 4], b[at + 5]);
    default:
      return text + fromCharCode(b[at], b[at + 1], b[at + 2], b[at + 3], b[at + 4], b[at + 5], b[at + 6]);
  }
}
