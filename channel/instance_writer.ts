/**
 * Instances of registered classes to bytes: the place of the class in the list's table, then the instance's fields, or what
 * its `toPickle` gives.
 */
import { describe } from "../errors.ts";
import type { RegisteredClass } from "../tasks/picklable.ts";
import * as tag from "./codec_tags.ts";
import { isError } from "./error_classes.ts";
import { stackOf, writeErrorHead } from "./error_writer.ts";
import { Refusal, toRefusal } from "./refusal.ts";
import { writeByte, writeSize, writeString } from "./scalar_writer.ts";
import type { Walk } from "./walk.ts";

/** Writes an instance that was not met before. */
export function writeInstance(walk: Walk, value: object, registered: RegisteredClass): void {
  const isOfError = isError(value);
  if (!registered.hasState) return walk.container(isOfError ? tag.ERROR_INSTANCE : tag.INSTANCE, value);
  const { leftOut } = walk;
  if (!isOfError || leftOut === undefined) return writePickled(walk, value, registered, isOfError);
  // A task's error arrives whatever its class does: at worst as its nearest built-in one.
  const mark = walk.mark();
  try {
    writePickled(walk, value, registered, isOfError);
  } catch {
    walk.goBack(mark);
    leftOut.push(`${walk.errorPath}toPickle()`);
    walk.container(tag.ERROR, value);
  }
}

/** What `toPickle` gives. It must be whole when `fromPickle` gets it: nothing in it is put off. */
function writePickled(walk: Walk, value: object, registered: RegisteredClass, isOfError: boolean): void {
  const place = placeOf(walk, registered);
  walk.open.push(walk.seen.count - 1);
  writeByte(walk.writer, isOfError ? tag.PICKLED_ERROR : tag.PICKLED);
  writeSize(walk.writer, place);
  let state: unknown;
  try {
    state = (value as { toPickle(): unknown }).toPickle();
  } catch (caught) {
    throw new Refusal(`toPickle() of class ${registered.name} threw: ${describe(caught)}`, [caught]);
  }
  try {
    refuseTooDeep(walk);
    walk.depth++;
    walk.value(state);
    walk.depth--;
  } catch (caught) {
    throw toRefusal(caught).within(".toPickle()");
  }
  if (isOfError) {
    writeErrorHead(walk, value as Error);
    walk.value(stackOf(walk, value as Error));
  }
  walk.open.pop();
  // Its fromPickle may change what it gets, keys too: no later object is told by those.
  walk.shapes.clear();
}

/** The class's place in the table. */
export function placeOf(walk: Walk, registered: RegisteredClass): number {
  if (registered.twins.count > 1) {
    throw new Refusal(
      `class ${registered.name} must be the only one of its name and text that its module registers: there are ` +
        `${registered.twins.count}; give each a name, picklable(import.meta, Class, { name })`,
    );
  }
  const place = walk.classes.indexOf(registered);
  return place < 0 ? walk.classes.push(registered) - 1 : place;
}

/** Nothing that `toPickle` gives is put off, so it must not be nested too deep. */
export function refuseTooDeep(walk: Walk): void {
  if (walk.depth >= tag.MAX_STATE_DEPTH) {
    throw new Refusal(`what toPickle() gives must be nested less than ${tag.MAX_STATE_DEPTH} levels deep: it is not`);
  }
}

/** The table of classes, behind all else; the list's head byte is at `offset`. */
export function writeTable(walk: Walk, offset: number): void {
  const { writer } = walk;
  const begin = writer.length - writer.start;
  writeSize(writer, walk.classes.length);
  for (const { url, name, hash } of walk.classes) for (const text of [url, name, hash]) writeString(writer, text);
  const size = writer.length - writer.start - begin;
  writer.reserve(4);
  writer.view.setUint32(writer.length, size, true);
  writer.length += 4;
  writer.bytes[writer.start + offset] |= tag.HAS_CLASSES;
}
