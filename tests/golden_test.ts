/** The bytes of the codec stay as they are, and are the same on every runtime. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as tags from "../channel/codec_tags.ts";
import { DecodeError } from "../channel/codec.ts";
import { difference } from "./difference.ts";
import {
  GOLDEN_ASIDE_FILE,
  GOLDEN_CLASSES,
  GOLDEN_VERSION,
  goldenAside,
  goldenBytes,
  goldenValues,
} from "./golden_values.ts";
import { randomNumbers, runtimeName, test, withTempFolder } from "./harness.ts";
import { RandomValues } from "./random_values.ts";
import { hexAside, hexOf, hexOfFailure, valueOf, WireReader } from "./wire.ts";

/** The tags by name, as the code has them. */
const TAGS = Object.entries(tags).filter((entry): entry is [string, number] =>
  typeof entry[1] === "number" && !/^(VERSION|HAS_|MAX_|DATA_VIEW)/.test(entry[0])
);

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

test("golden: buffers beside a message are named by the very bytes of the golden file, and arrive", () => {
  const hex = readFileSync(GOLDEN_ASIDE_FILE, "utf8").trimEnd();
  const [written, segments] = hexAside(...goldenAside());
  assert.equal(written, hex);
  const read = new WireReader(hex, { segments: segments.map((segment) => segment.slice(0)) }).list();
  const value = valueOf(hex, segments);
  assert.deepEqual(segments, [undefined, undefined], "each has been taken");
  assert.equal(difference(value, goldenAside()[0]), undefined);
  assert.equal(difference(read, [value]), undefined);
});

// The second decoder

const TABLE_ROW = /^\| `0x(\w\w)(?: \+ n)?` *\| ([A-Z0-9_]+) /gm;
/** Stands inside of arrays only, and so not in the page's table. */
const INNER_TAGS = { HOLES: 0x0e };
/** Of what stays within a process, so that no file can hold it. */
const LOCAL_TAGS: readonly number[] = [tags.SHARED];

test("wire: docs/wire.md names every tag as the code does", () => {
  const rows = readFileSync(new URL("../docs/wire.md", import.meta.url), "utf8").matchAll(TABLE_ROW);
  const documented = Array.from(rows, ([, tag, name]) => [name, parseInt(tag, 16)]);
  assert.deepEqual(Object.fromEntries([...documented, ...Object.entries(INNER_TAGS)]), Object.fromEntries(TAGS));
});

test("wire: a decoder by docs/wire.md alone reads the golden file, in which every tag and kind of view is", () => {
  const met = { tags: new Set<number>(), kinds: new Set<number>() };
  const lines = [...goldenBytes(), ["aside", readFileSync(GOLDEN_ASIDE_FILE, "utf8").trimEnd()]];
  for (const [name, hex] of lines) {
    const segments = name === "aside" ? hexAside(...goldenAside())[1] : [];
    const reader = new WireReader(hex, { classes: GOLDEN_CLASSES, segments });
    const values = reader.list();
    assert.equal(difference(values, [valueOf(hex, segments)]), undefined, name);
    for (const tag of reader.tags) met.tags.add(tag);
    for (const kind of reader.kinds) met.kinds.add(kind);
  }
  const portable = TAGS.filter(([, tag]) => !LOCAL_TAGS.includes(tag));
  assert.deepEqual(portable.filter(([, tag]) => !met.tags.has(tag)), []);
  assert.equal(met.tags.size, portable.length);
  assert.deepEqual([...met.kinds].sort((a, b) => a - b), tags.VIEW_NAMES.map((_, kind) => kind));
});

test("wire: a decoder by docs/wire.md alone reads random values as the library's does", () => {
  const random = new RandomValues(randomNumbers());
  for (let i = 0; i < 500; i++) {
    const hex = hexOf(random.next());
    assert.equal(difference(new WireReader(hex).list(), [valueOf(hex)]), undefined, hex);
  }
});

test("wire: a failure is two lists behind the length of the first", () => {
  const thrown = Object.assign(new RangeError("far"), { code: 7, callback() {} });
  const hex = hexOfFailure(thrown, "task a in worker b");
  const size = 2 * new DataView(Uint8Array.from(hex.slice(0, 8).match(/../g)!, (byte) => parseInt(byte, 16)).buffer)
    .getUint32(0, true);
  const [read] = new WireReader(hex.slice(8, 8 + size)).list();
  assert.ok(read instanceof RangeError);
  assert.deepEqual([read.message, { ...read }], ["far", { code: 7 }]);
  assert.deepEqual(new WireReader(hex.slice(8 + size)).list(), ["task a in worker b", "callback"]);
});

test("golden: bytes of another version are refused with both versions", () => {
  assert.equal(tags.VERSION, GOLDEN_VERSION);
  assert.throws(() => valueOf("2001aa"), (error) => {
    assert.ok(error instanceof DecodeError);
    assert.match(error.message, /must begin with 16, this version of the format: it begins with 32$/);
    return true;
  });
});

/** Each pair once: the first of two tells the other. */
const OTHERS = (["bun", "deno", "node"] as const).filter((name) => name > runtimeName);

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
