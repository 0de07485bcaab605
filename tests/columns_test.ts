/** Columns: numbers and short strings of many calls, one behind the other. */

import assert from "node:assert/strict";
import { ColumnKind, columnKindOf, type ColumnValue, readColumn, writeColumn } from "../channel/columns.ts";
import { FRAME_HEAD_SIZE, FrameReader, FrameWriter, ProtocolError } from "../channel/protocol.ts";
import { test } from "./harness.ts";
import { forEachKind } from "./kinds.ts";
import { range, withPool } from "./pools.ts";
import * as tasks from "./tasks.ts";

function written(values: readonly ColumnValue[], from = 0, count = values.length): Uint8Array {
  const frame = new FrameWriter();
  frame.beginFrame(1);
  writeColumn(frame, values, from, count);
  return frame.endFrame().slice(FRAME_HEAD_SIZE + 1);
}

const COLUMNS: Readonly<Record<string, readonly ColumnValue[]>> = {
  "small integers": [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)],
  "numbers that are no 32-bit integers": [1, -0, 0.5, NaN, Infinity, -Infinity, 2 ** 31, Number.MAX_VALUE, 5e-324],
  "strings": ["a", "", "word", "é", "日本", "😀", "\u0000", "\ufeffmark", ""],
  "strings with half of a surrogate pair": ["\ud800", "a", "\udc00\ud800", "😀", ""],
  "halves that make a pair only together": ["\ud83d", "\ude00"],
  "strings all empty": ["", "", ""],
};

for (const [name, values] of Object.entries(COLUMNS)) {
  test(`columns: ${name} arrive as they are, also a part of them`, () => {
    assert.deepEqual(readColumn(new FrameReader(written(values)), values.length), values);
    assert.deepEqual(
      readColumn(new FrameReader(written(values, 1, values.length - 1)), values.length - 1),
      values.slice(1),
    );
  });
}

test("columns: numbers and short strings lie in them, nothing else", () => {
  assert.equal(columnKindOf(-0), ColumnKind.NUMBER);
  assert.equal(columnKindOf("x".repeat(1024)), ColumnKind.TEXT);
  for (const value of ["x".repeat(1025), 1n, true, null, undefined, new String("x"), new Number(1), [], {}]) {
    assert.equal(columnKindOf(value), ColumnKind.NONE);
  }
});

test("columns: bytes that are none end in a ProtocolError, and take no memory that they only claim", () => {
  const [numbers, text] = [written([1, 2, 3]), written(["one", "two"])];
  const refused: readonly (readonly [Uint8Array, number])[] = [
    [numbers.subarray(0, -1), 3],
    [numbers, 2 ** 32 - 1],
    [text.subarray(0, -1), 2],
    [text, 2 ** 32 - 1],
    [Uint8Array.from([9, 0, 0, 0, 0]), 1],
    [Uint8Array.from(text, (byte, i) => i === 1 ? byte + 1 : byte), 2],
    [new Uint8Array(), 0],
  ];
  for (const [bytes, count] of refused) {
    assert.throws(() => readColumn(new FrameReader(bytes), count), ProtocolError);
  }
});

forEachKind(
  "E92 map: numbers, strings and all else may follow each other in any order",
  (kind) =>
    withPool(kind, { maxWorkers: 2 }, async (pool) => {
      const values = range(160).flatMap((
        i,
      ): unknown[] => [i, -0, `text ${i}`, { i }, "\ud800", "x".repeat(2000), i / 3, [i], true]);
      assert.deepEqual(await pool.map(tasks.identity, values).toArray(), values);
      assert.deepEqual(await pool.map(tasks.identity, values, { chunksize: 7 }).toArray(), values);
    }),
);

forEachKind(
  "E92 map: a chunk of numbers, strings or objects is one message, whatever was drawn together",
  (kind) =>
    withPool(kind, { maxWorkers: 1, maxTasksPerChild: 1000 }, async (pool) => {
      for (const value of [1, "one", { one: 1 }]) {
        const values = range(1100).map(() => value);
        assert.deepEqual(await pool.map(tasks.identity, values, { chunksize: 700 }).toArray(), values);
      }
    }),
);
