/**
 * Objects that look plain and are not: a Map, a promise whose prototype was replaced by that of plain objects, or by none.
 * `structuredClone` goes by what an object is, so such a Map crosses as a Map, and such a promise is refused.
 *
 * To ask each plain object what it is would cost as much as its copy. Asked are those that may well be something else, for
 * they have no enumerable fields, or an index comes first among them, as with arrays, strings and views.
 */
import type { Getter } from "./slots.ts";

/** Names the class that an object was made as, if it is none of plain objects; runs no code of the user's. */
export type ClassNamer = (value: object) => string | undefined;

const VIEW_NAME = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)!
  .get as Getter;

let host: ClassNamer | undefined;

/** Takes what the host knows of classes; without it only arrays and views are found. */
export function useClassNamer(namer: ClassNamer | undefined): void {
  host = namer;
}

/**
 * Whether an object whose prototype is that of plain objects, or none, is to be asked what it is.
 *
 * @param key Its first key; `undefined` if it has none.
 * @returns Whether it is.
 */
export function mayHide(key: string | undefined): boolean {
  return key === undefined || key.charCodeAt(0) <= 0x39; // not above "9"
}

/**
 * Names what an object was made as.
 *
 * @param value An object that looks plain.
 * @returns The name of its class; `undefined` if it is what it looks.
 */
export function hiddenClass(value: object): string | undefined {
  if (Array.isArray(value)) return "Array";
  if (ArrayBuffer.isView(value)) return VIEW_NAME.call(value) as string | undefined ?? "DataView";
  return host?.(value);
}
