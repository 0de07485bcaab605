/** Hashes a million words in chunks of many sizes, each in a fresh pool, and shows how long each takes. */
import process from "node:process";
import { ProcessPoolExecutor } from "@ergate/ergate";
import { hashWord } from "../hash_tasks.ts";
import { makeWords } from "./words.ts";

const words = makeWords(Number(process.argv[2] ?? 3));

// Unlike Python, where it is 1, the size is found by measuring unless it is given.
for (const chunksize of ["auto", Math.ceil(words.length / 2), 100_000, 50_000, 10_000, 5_000, 1_000, 500] as const) {
  if (chunksize !== "auto" && chunksize > words.length) continue; // the same as one chunk
  const start = performance.now();
  {
    await using executor = new ProcessPoolExecutor(2);
    await executor.map(hashWord, words, { chunksize }).toArray();
  }
  console.log(`${chunksize}: ${((performance.now() - start) / 1000).toFixed(3)} seconds`);
}

// With the argument 1 it prints:
//   auto: … seconds
//   50: … seconds
