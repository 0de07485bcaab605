/** Hashing by whole batches, as two bare threads would do it. */
import { createHash } from "node:crypto";

/** Hexadecimal digits of a SHA-512. */
export const HASH_LENGTH = 128;

/**
 * Hashes words that stand in one string, a line each.
 *
 * @returns Their hashes in one string, one behind the other.
 */
export function hashFlat(lines: string, rounds: number): string {
  let hashes = "";
  for (const word of lines.split("\n")) {
    let hash = word;
    for (let round = 0; round < rounds; round++) hash = createHash("sha512").update(hash).digest("hex");
    hashes += hash;
  }
  return hashes;
}
