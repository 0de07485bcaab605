/** Each type of value crosses, or is refused, as the tables of `docs/values.md` say. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { PicklingError } from "../errors.ts";
import { difference } from "./difference.ts";
import { test } from "./harness.ts";
import { CROSSING, REFUSED } from "./values_table.ts";
import { hexOf, valueOf } from "./wire.ts";

/** Registered classes are known here, but their own comparison is not `difference`'s business. */
function asIs(value: unknown): unknown {
  return value;
}

for (const { type, arrives, values, as = asIs, unlikePlatform = false } of CROSSING) {
  test(`values: ${type}: ${arrives}`, () => {
    for (const value of values()) {
      // Made before: a getter gives another value the second time.
      const wanted = (as as (value: unknown) => unknown)(value);
      const copy = valueOf(hexOf(value));
      assert.equal(difference(copy, wanted), undefined, String(copy));
    }
    if (unlikePlatform) return;
    const [cloned, crossed] = [values(), values()];
    for (const [i, value] of crossed.entries()) {
      const clone = structuredClone(cloned[i]);
      const problem = difference(valueOf(hexOf(value)), clone);
      assert.equal(problem, undefined);
    }
  });
}

for (const { type, instead, values } of REFUSED) {
  test(`values: ${type}: refused, "${instead}"`, () => {
    for (const value of values()) {
      assert.throws(() => hexOf({ list: [0, value] }), (error) => {
        assert.ok(error instanceof PicklingError, String(error));
        assert.ok(error.message.includes(instead), error.message);
        assert.ok(error.path.startsWith("value.list[1]"), error.path);
        return true;
      });
    }
  });
}

/** The rows of a page's table whose head begins with `first`. */
function rowsOf(page: string, first: string): string[][] {
  const lines = page.split("\n");
  const head = lines.findIndex((line) => line.startsWith(`| ${first}`));
  const rows: string[][] = [];
  for (let i = head + 2; lines[i]?.startsWith("|"); i++) {
    rows.push(lines[i].split("|").slice(1, -1).map((cell) => cell.trim()));
  }
  return rows;
}

test("values: the tables of docs/values.md are these", () => {
  const page = readFileSync(new URL("../docs/values.md", import.meta.url), "utf8");
  assert.deepEqual(rowsOf(page, "crosses"), CROSSING.map(({ type, arrives }) => [type, arrives]));
  assert.deepEqual(rowsOf(page, "refused"), REFUSED.map(({ type, instead }) => [type, instead]));
});
