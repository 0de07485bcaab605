/** The bytes of the codec stay as they are, and are the same on every runtime. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as tags from "../channel/codec_tags.ts";
import { DecodeError } from "../channel/codec.ts";
import { difference } from "./difference.ts";
import { GOLDEN_VERSION, goldenBytes, goldenValues } from "./golden_values.ts";
import { randomNumbers, runtimeName, test, withTempFolder } from "./harness.ts";
import { RandomValues } from "./random_values.ts";
import { hexOf, valueOf } from "./wire.ts";

test("golden: each value is written as the very bytes of the golden file", () => {
  const golden = goldenBytes();
  const values = goldenValues();
  assert.deepEqual(Object.keys(values), [...golden.keys()]);
  for (const [name, value] of Object.entries(values)) assert.equal(hexOf(value), golden.get(name), name);
});

test("golden: the bytes of the golden file are read as their values, and written again as they were", () => {
  const values = goldenValues();
  for (const [name, hex] of goldenBytes()) {
    const value = valueOf(hex);
    assert.equal(hexOf(value), hex, name);
    // An error of an unknown class arrives as its nearest built-in one.
    if (name !== "error of an unknown class") assert.equal(difference(value, values[name]), undefined, name);
  }
});

test("golden: every tag is in the golden file, but those of bytes beside a message", () => {
  const seen = new Set([...goldenBytes().values()].join("").match(/../g));
  for (const [name, tag] of Object.entries(tags)) {
    if (typeof tag !== "number" || /^(VERSION|HAS_|MAX_|DATA_VIEW|.*SEGMENT)/.test(name)) continue;
    assert.ok(seen.has(tag.toString(16).padStart(2, "0")), name);
  }
});

test("golden: bytes of another version are refused with both versions", () => {
  assert.equal(tags.VERSION, GOLDEN_VERSION);
  assert.throws(() => valueOf("2001aa"), (error) => {
    assert.ok(error instanceof DecodeError);
    assert.match(error.message, /must begin with 16, this version of the format: it begins with 32$/);
    return true;
  });
});

const OTHERS = (["deno", "bun", "node"] as const).filter((name) => name !== runtimeName);

for (const other of OTHERS) {
  test(`golden: ${other} reads what this runtime writes, and this one what ${other} writes`, () =>
    withTempFolder((folder) => {
      const random = randomNumbers();
      const values = Array.from({ length: 300 }, () => new RandomValues(random, { errors: false }).next());
      const lines = [...Object.values(goldenValues()), ...values].map((value) => hexOf(value));
      const file = fileURLToPath(new URL("./golden_echo.ts", import.meta.url));
      // Not by its input: Deno's spawnSync() loses it now and then.
      writeFileSync(`${folder}/lines`, lines.join("\n"));
      const args = [...(other === "deno" ? ["run", "-A"] : []), file, `${folder}/lines`];
      const { error, stdout, stderr } = spawnSync(other, args, {
        encoding: "utf8",
        maxBuffer: 1 << 28,
      });
      if (error !== undefined) throw error;
      const echoed = stdout.trimEnd().split("\n");
      assert.equal(echoed.length, lines.length, stderr);
      for (const [i, line] of echoed.entries()) assert.equal(line, lines[i], stderr);
      for (const [i, value] of values.entries()) {
        assert.equal(difference(valueOf(echoed[lines.length - values.length + i]), value), undefined);
      }
    }));
}
