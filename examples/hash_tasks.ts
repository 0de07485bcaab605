/**
 * The tasks of `hash_words.ts`, in a module of their own: workers import this and nothing else of the program, neither
 * its guard nor its 275,000 words.
 */
import { createHash } from "node:crypto";
import { tasks } from "../mod.ts";

/**
 * Hashes a word.
 *
 * @param word The word.
 * @returns Its SHA-512, in hexadecimal digits.
 */
export function hashWord(word: string): string {
  return createHash("sha512").update(word).digest("hex");
}

/**
 * Hashes a word ten times over: each round hashes the digits of the round before.
 *
 * @param word The word.
 * @returns The last round's SHA-512, in hexadecimal digits.
 */
export function hashWordTenTimes(word: string): string {
  let hash = word;
  for (let round = 0; round < 10; round++) hash = hashWord(hash);
  return hash;
}

tasks(import.meta, { hashWord, hashWordTenTimes });
