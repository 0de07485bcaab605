/** The main job, on few words: the same hashes on a pool as serially, and as others get them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { hashWord, hashWordTenTimes } from "../examples/hash_tasks.ts";
import { runProgram, test } from "./harness.ts";
import { forEachKindTogether, withPool } from "./pools.ts";
import { REPOSITORY } from "./project.ts";

/** From FIPS 180-2, appendix C. */
const SHA_512_OF_ABC = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
  "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

/** Words of one to six digits, and some that are no ASCII. */
const WORDS: readonly string[] = [...Array.from({ length: 1_000 }, (_, index) => String(index * 122)), "é", "蟻", "🐜"];

const PROGRAM = join(REPOSITORY, "examples", "hash_words.ts");

test("X2 hash_words: a word's hash is its SHA-512", () => assert.equal(hashWord("abc"), SHA_512_OF_ABC));

for (const task of [hashWord, hashWordTenTimes]) {
  forEachKindTogether(
    `X3 X4 E29 hash_words: ${task.name} gives the same hashes in the same order with every size of chunks`,
    (kind) =>
      withPool(kind, { maxWorkers: 2 }, async (pool) => {
        const expected = WORDS.map(task);
        for (const chunksize of ["auto", 1, 500, WORDS.length] as const) {
          assert.deepEqual(await pool.map(task, WORDS, { chunksize }).toArray(), expected, `chunksize ${chunksize}`);
        }
      }),
  );
}

test("X2 X3 X4 hash_words: the program prints words, distinct hashes, times and speed-up, and ends well", async () => {
  const { code, stdout, stderr } = await runProgram(PROGRAM, { args: ["300", "1"] });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^(Deno|Bun|Node) \d+\.\S+: SHA-512 of 300 words, \d+ workers; medians of \d runs$/m);
  for (const rounds of ["One round", "Ten rounds"]) {
    assert.match(stdout, new RegExp(`^${rounds} per word: 300 distinct hashes, the same each time$`, "m"));
  }
  assert.equal(stdout.match(/^ {2}serially +\d+\.\d{3} s$/gm)?.length, 2);
  assert.equal(stdout.match(/^ {2}on (processes|threads).* +\d+\.\d{3} s {3}\d+\.\d\d x serial$/gm)?.length, 6);
  assert.equal(stderr, "");
});
