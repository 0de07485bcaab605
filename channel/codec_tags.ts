/**
 * The bytes of the codec: what `encoder.ts` writes and `decoder.ts` reads.
 *
 * A list is a head byte, a count and its values, then the bodies that were put off (see LATER), then the table of classes
 * if there is one (see HAS_CLASSES). A value is one tag byte and what belongs to it; numbers are little-endian (as every
 * host is), counts are varints. Containers count in the order in which they begin: REF says "the one with that number
 * again", which keeps cycles and sharing. docs/wire.md says it all for one who writes a second decoder.
 *
 * | tag | then |
 * | --- | --- |
 * | 0x80 + n | the integer n, 0 to 127 |
 * | 0x40 + n | an ASCII string of n bytes, 0 to 63 |
 * | the names below | what their comments say |
 */

/** The version of the format, in the upper half of the head byte; the lower half are flags. */
export const VERSION = 0x10;
/**
 * Flag of the head byte: at the list's end there is a table of the classes whose instances are in it, and its size (4
 * bytes). The table is a count, and of each class the module's URL, the name, and the hash of its text (strings).
 */
export const HAS_CLASSES = 0x01;

/** `undefined`. */
export const UNDEFINED = 0x00;
/** `null`. */
export const NULL = 0x01;
/** `false`. */
export const FALSE = 0x02;
/** `true`. */
export const TRUE = 0x03;
/** An integer: 4 bytes. */
export const INT32 = 0x04;
/** Any other number: 8 bytes. */
export const DOUBLE = 0x05;
/** A bigint of 64 bits: 8 bytes. */
export const BIGINT64 = 0x06;
/** A larger bigint: sign (0 or 1), then its absolute value as a string of hexadecimal digits. */
export const BIGINT = 0x07;
/** A string in ASCII: 4 bytes of length, then the bytes. */
export const ASCII = 0x08;
/** A string in UTF-8: 4 bytes of length, then the bytes. */
export const UTF8 = 0x09;
/** A string with lone surrogates, in UTF-16: 4 bytes of length in bytes, then the bytes. */
export const UTF16 = 0x0a;
/** A container seen before: its number. */
export const REF = 0x0b;
/** A plain object: count, then key (a string) and value of each. */
export const OBJECT = 0x0c;
/** An array: count, then its items; HOLES may stand among them. */
export const ARRAY = 0x0d;
/** In an array, instead of items: how many holes. */
export const HOLES = 0x0e;
/** An array with other keys than indices: what ARRAY has, then the other keys and their values as an object's. */
export const KEYED_ARRAY = 0x0f;
/** An array of integers: count, then 4 bytes each. */
export const INTS = 0x10;
/** An array of numbers: count, then 8 bytes each. */
export const DOUBLES = 0x11;
/** An array of strings: count, the length of each, then all of them in one string. */
export const STRINGS = 0x12;
/** A Map: count, then key and value of each. */
export const MAP = 0x13;
/** A Set: count, then the values. */
export const SET = 0x14;
/** A Date: 8 bytes. */
export const DATE = 0x15;
/** A RegExp: source and flags. */
export const REGEXP = 0x16;
/** A boxed primitive: the primitive. */
export const BOXED = 0x17;
/** An ArrayBuffer: length, then the bytes. */
export const BUFFER = 0x18;
/** A resizable ArrayBuffer: length, greatest length, then the bytes. */
export const RESIZABLE = 0x19;
/** A view: its index in VIEW_NAMES, the buffer (a value), where it begins and how long it is (in elements). */
export const VIEW = 0x1a;
/**
 * An error: the name of its class, its own name and its message (strings or `undefined`); then its body: stack (string
 * or `undefined`), then the hidden fields, then the others: TRUE, key and value of each, and FALSE at the end.
 */
export const ERROR = 0x1b;
/**
 * Stands before the head of an object, array, map, set, error or instance whose body follows only behind the list's values, in
 * the order in which they were put off: so neither side recurses deeper than MAX_DEPTH, and nesting has no limit.
 */
export const LATER = 0x1c;
/** An instance of a class: the class's place in the table, then its own fields as an object's. */
export const INSTANCE = 0x1d;
/** An error of a registered class: the class's place in the table, then all that ERROR has. */
export const ERROR_INSTANCE = 0x1e;
/** An instance of a class with `toPickle`: the class's place in the table, then the state (a value). */
export const PICKLED = 0x1f;
/** The same of an error: behind the state there are the names and the message that ERROR has, and the stack. */
export const PICKLED_ERROR = 0x20;
/** An ArrayBuffer beside the bytes (`segments.ts`): its place among the segments, its length. Each place comes once. */
export const SEGMENT = 0x21;
/** A resizable ArrayBuffer beside the bytes: its place, its length, its greatest length. */
export const RESIZABLE_SEGMENT = 0x22;
/** A plain object with the same keys as a container seen before: that one's number, then the value of each key. */
export const SHAPED = 0x23;
/** A view that follows its resizable buffer's length: its index in VIEW_NAMES, the buffer, where it begins. */
export const TRACKING_VIEW = 0x24;

/** A SharedArrayBuffer beside the bytes, to a thread of the same process: its place. Each place comes once. */
export const SHARED = 0x25;

/** The flag of a small integer; the rest of the tag is the integer. */
export const SMALL_INT = 0x80;
/** The flag of a short ASCII string; the rest of the tag is its length. */
export const SHORT_STRING = 0x40;

/**
 * How deep values are walked by recursion; what lies deeper is put off (LATER). A walk down to here takes 110 KB of
 * stack before its code is compiled, a ninth of the smallest default of the hosts; a smaller number would put off more.
 */
export const MAX_DEPTH = 128;

/**
 * How deep values may be nested inside the state of an instance, counted from the list: nothing in there is put off, as it
 * must be complete when `fromPickle` gets it. Half of the smallest stack.
 */
export const MAX_STATE_DEPTH = 512;

/** The kinds of views; a view is written as its index here. */
export const VIEW_NAMES: readonly string[] = [
  "Uint8Array",
  "Int8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
  "Float16Array",
  "DataView",
];

/** The index of DataView there. */
export const DATA_VIEW: number = VIEW_NAMES.indexOf("DataView");

/** What built-in errors hold in own fields that are not enumerable. */
export const HIDDEN_ERROR_FIELDS: readonly string[] = ["cause", "errors", "error", "suppressed"];
