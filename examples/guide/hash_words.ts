/**
 * Hashes a million words: serially, by an executor in one chunk per worker, and by a Pool, which finds the size itself.
 *
 * The task is in a module of its own, so the program needs no guard, and workers do not make the words.
 */
import process from "node:process";
import { ProcessPoolExecutor } from "@ergate/ergate";
import { Pool } from "@ergate/ergate/pool";
import { hashWord } from "../hash_tasks.ts";
import { makeWords } from "./words.ts";

async function show(way: string, hash: () => string[] | Promise<string[]>): Promise<void> {
  const start = performance.now();
  const hashes = new Set(await hash());
  console.log(`Done ${way}, with ${hashes.size} hashes: ${((performance.now() - start) / 1000).toFixed(1)} seconds`);
}

const words = makeWords(Number(process.argv[2] ?? 3));
console.log(`Made ${words.length} words`);

await show("serially", () => words.map(hashWord));

await show("by an executor", async () => {
  await using executor = new ProcessPoolExecutor(2);
  const chunksize = Math.ceil(words.length / executor.maxWorkers);
  return await executor.map(hashWord, words, { chunksize }).toArray();
});

await show("by a Pool", async () => {
  await using pool = new Pool(2);
  return await pool.map(hashWord, words);
});

// With the argument 2 it prints:
//   Made 10100 words
//   Done serially, with 10100 hashes: … seconds
//   Done by an executor, with 10100 hashes: … seconds
//   Done by a Pool, with 10100 hashes: … seconds
