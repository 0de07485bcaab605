/** Words to hash. The list of the guides, of a million, is a file to download: so these are made of syllables. */

const CONSONANTS = "bcdfghjklmnpqrstvwxz";
const VOWELS = "aeiou";

/**
 * Makes all words of up to so many syllables, such as `ba` and `zumica`.
 *
 * @param syllables 1, 2 or 3.
 * @returns 100, 10,100 or 1,010,100 words.
 */
export function makeWords(syllables: number): string[] {
  let longest = [""];
  let words: string[] = [];
  for (let length = 1; length <= syllables; length++) {
    longest = longest.flatMap(addSyllable);
    words = words.concat(longest);
  }
  return words;
}

function addSyllable(word: string): string[] {
  return [...CONSONANTS].flatMap((consonant) => [...VOWELS].map((vowel) => word + consonant + vowel));
}
