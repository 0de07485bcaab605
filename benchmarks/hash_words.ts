/** A dictionary hashed on all cores: the main job, as `examples/hash_words.ts` does it, beside two bare threads. */
import { createRequire } from "node:module";
import { hashWord, hashWordTenTimes } from "../examples/hash_tasks.ts";
import { openThread } from "./bare/open.ts";
import type { Contestant, Row } from "./harness.ts";
import { HASH_LENGTH } from "./hash_work.ts";
import { KINDS, WORKERS } from "./kinds.ts";

/** Words in a message to a bare thread; two are on their way to each. */
const BATCH = 4000;

/** Makes all hashes; what starts and ends workers is part of it. */
type Way = (words: readonly string[], rounds: number) => string[] | Promise<string[]>;

function taskOf(rounds: number): (word: string) => string {
  return rounds === 1 ? hashWord : hashWordTenTimes;
}

/** Two bare threads, each with the words of a batch in one string: the best that the host has without a pool. */
async function onBareThreads(words: readonly string[], rounds: number): Promise<string[]> {
  const threads = await Promise.all(Array.from({ length: WORKERS }, () => openThread()));
  const hashes: string[] = new Array(words.length);
  let next = 0;
  async function work({ ask }: typeof threads[0]): Promise<void> {
    while (next < words.length) {
      const begin = next;
      next += BATCH;
      const lines = words.slice(begin, begin + BATCH).join("\n");
      const flat = await ask({ name: "hashFlat", args: [lines, rounds] }) as string;
      for (let at = 0; at < flat.length; at += HASH_LENGTH) {
        hashes[begin + at / HASH_LENGTH] = flat.slice(at, at + HASH_LENGTH);
      }
    }
  }
  await Promise.all(threads.flatMap((thread) => [work(thread), work(thread)]));
  await Promise.all(threads.map((thread) => thread.close()));
  return hashes;
}

const WAYS: Readonly<Record<string, Way>> = {
  serial: (words, rounds) => words.map(taskOf(rounds)),
  ...Object.fromEntries(
    KINDS.map(({ name, make }): [string, Way] => [name, async (words, rounds) => {
      await using pool = make(WORKERS);
      return await pool.map(taskOf(rounds), words).toArray();
    }]),
  ),
  "two bare threads": onBareThreads,
};

function hashing(count: number, rounds: number): Contestant[] {
  const all = createRequire(import.meta.url)("an-array-of-english-words") as string[];
  const words = all.slice(0, count);
  return Object.entries(WAYS).map(([name, hash]) => ({
    name,
    async run() {
      const hashes = await hash(words, rounds);
      const last = words.length - 1;
      if (hashes.length !== words.length || hashes[last] !== taskOf(rounds)(words[last])) {
        throw new Error(`The hashes are wrong: ${name}`);
      }
    },
  }));
}

/** The rows of this file. */
export const ROWS: readonly Row[] = [
  {
    name: "hash_words, one round",
    count: 275_000,
    quick: 2000,
    unit: "words",
    rounds: 4,
    warm: true,
    open: (count) => hashing(count, 1),
  },
  {
    name: "hash_words, ten rounds",
    count: 275_000,
    quick: 500,
    unit: "words",
    rounds: 3,
    warm: false,
    open: (count) => hashing(count, 10),
  },
];
