/**
 * The fuzzers' short form: some thousands of cases of each. A failure names the seed of its case; `ERGATE_TEST_SEED`, or
 * `deno task fuzz --seed=…`, tries that one first. `deno task fuzz` has the long form.
 */
import assert from "node:assert/strict";
import { type FuzzCase, mutatedBytes, roundTrip } from "./fuzz_cases.ts";
import { mutatedFrames } from "./fuzz_frames.ts";
import { mutatedMessages } from "./fuzz_messages.ts";
import { segmentsBothWays } from "./fuzz_segments.ts";
import { randomNumbers, seed, test } from "./harness.ts";

/** Runs cases, each with a seed of its own. */
async function run(count: number, fuzz: FuzzCase): Promise<void> {
  for (let i = 0; i < count; i++) {
    try {
      await fuzz(randomNumbers(seed() + i));
    } catch (error) {
      throw new Error(`Case ${i} failed, of seed ${seed() + i}: ${error}`, { cause: error });
    }
  }
}

/** All own keys of the prototypes that bytes might want to change. */
function prototypes(): string {
  const all = [Object, Array, Map, Set, Date, RegExp, Error, Uint8Array, ArrayBuffer, Function, String, Number];
  return all.map(({ prototype }) => Reflect.ownKeys(prototype).map(String).join()).join("\n");
}

test("fuzz: 2,000 random values arrive as they were sent, and as structuredClone copies them, with segments and without", async () => {
  await run(2_000, roundTrip);
});

test("fuzz: 6,000 changed lists and failures are a DecodeError or a value, and change no prototype", async () => {
  const before = prototypes();
  await run(300, mutatedBytes);
  assert.equal(prototypes(), before);
});

test("fuzz: 800 changed streams give the messages and segments before the change, and a ProtocolError or an end", async () => {
  await run(800, mutatedFrames);
});

test("fuzz: 60 pairs of channels carry segments both ways as they were, and end or go on if bytes are changed", async () => {
  await run(60, segmentsBothWays);
});

test("fuzz: 400 conversations of a parent and a worker end or go on, whatever bytes are changed", async () => {
  await run(400, mutatedMessages);
});
