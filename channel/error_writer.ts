/**
 * Errors to bytes: names, message, stack and fields, each read with care, as a task's error must arrive whatever its class
 * does.
 */
import { findClass } from "../tasks/picklable.ts";
import * as tag from "./codec_tags.ts";
import { className, errorClassName } from "./error_classes.ts";
import { property, toRefusal } from "./refusal.ts";
import { writeByte, writeString } from "./scalar_writer.ts";
import type { Walk } from "./walk.ts";

/** Writes what an error's head has: the names of its class and its own, and its message. */
export function writeErrorHead(walk: Walk, value: Error): void {
  const kind = errorClassName(value);
  const name = errorName(walk, value, kind);
  const message = text(walk, value, "message");
  walk.names.set(value, name);
  writeString(walk.writer, kind);
  walk.value(name === kind ? undefined : name);
  walk.value(message === "" && !Object.hasOwn(value, "message") ? undefined : message);
}

/** Writes what an error's body has: its stack and its fields. */
export function writeErrorBody(walk: Walk, value: Error): void {
  walk.value(stackOf(walk, value));
  const keys = Object.keys(value).filter((key) => key !== "message" && key !== "name" && key !== "stack");
  const hidden = tag.HIDDEN_ERROR_FIELDS.filter((key) => Object.hasOwn(value, key) && !keys.includes(key));
  const fields = value as unknown as Record<string, unknown>;
  errorFields(walk, fields, hidden);
  errorFields(walk, fields, keys);
}

/**
 * The stack of an error whose head is written, with the error's name in front: engines write that before a constructor can
 * set the name, and Bun writes "Error" for a subclass of any.
 */
export function stackOf(walk: Walk, value: Error): string | undefined {
  const stack = text(walk, value, "stack");
  const kind = errorClassName(value);
  const name = walk.names.get(value) ?? kind;
  walk.names.delete(value);
  if (stack === undefined || name === kind) return stack;
  const [head] = /^\w+(?=[:\n])/.exec(stack) ?? [];
  return head === kind || head === "Error" ? name + stack.slice(head.length) : stack;
}

function errorName(walk: Walk, value: Error, kind: string): string {
  const name = text(walk, value, "name") ?? kind;
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return name; // it was taken away, and says nothing
  // A class that does not arrive, and gives its instances no name, shall at least be told by its own.
  const isTold = name !== kind || Object.hasOwn(prototype, "name") || findClass(prototype) !== undefined;
  return isTold ? name : className(prototype) || name;
}

/** A string that an error should have. */
function text(walk: Walk, value: Error, key: "message" | "name" | "stack"): string | undefined {
  try {
    const text: unknown = value[key];
    return text === undefined ? undefined : String(text);
  } catch (caught) {
    if (walk.leftOut === undefined) throw toRefusal(caught).within(property(key));
    walk.leftOut.push(walk.errorPath + key);
    return undefined;
  }
}

/** Fields of an error. With `leftOut`, what cannot cross is left out, and its name noted. */
function errorFields(walk: Walk, value: Record<string, unknown>, keys: readonly string[]): void {
  const { errorPath, leftOut } = walk;
  for (const key of keys) {
    const mark = walk.mark();
    const noted = leftOut?.length ?? 0;
    walk.errorPath = `${errorPath}${key}.`;
    try {
      writeByte(walk.writer, tag.TRUE);
      writeString(walk.writer, key);
      walk.value(value[key]);
    } catch (caught) {
      if (leftOut === undefined) throw toRefusal(caught).within(property(key));
      walk.goBack(mark);
      leftOut.length = noted;
      leftOut.push(errorPath + key);
    }
  }
  walk.errorPath = errorPath;
  writeByte(walk.writer, tag.FALSE);
}
