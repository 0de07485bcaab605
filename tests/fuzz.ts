/**
 * The fuzzers, for as long as one likes: `deno task fuzz --seconds=600 --seed=17`, or by `bun` or `node`. The seed is
 * that of the first case, which each fuzzer then tries first; without it there is another each time. It ends at the first
 * failure, with the seed of that case.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { type FuzzCase, mutatedBytes, roundTrip } from "./fuzz_cases.ts";
import { mutatedFrames } from "./fuzz_frames.ts";
import { mutatedMessages } from "./fuzz_messages.ts";
import { segmentsBothWays } from "./fuzz_segments.ts";
import { randomNumbers } from "./harness.ts";

const FUZZERS: readonly FuzzCase[] = [roundTrip, mutatedBytes, mutatedFrames, segmentsBothWays, mutatedMessages];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { seed: { type: "string" }, seconds: { type: "string", default: "60" } },
  });
  const first = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  const end = performance.now() + 1000 * Number(values.seconds);
  console.log(`seed ${first}, ${values.seconds} s`);
  let count = 0;
  for (; performance.now() < end; count++) {
    for (const fuzz of FUZZERS) {
      try {
        await fuzz(randomNumbers(first + count));
      } catch (error) {
        console.error(`${fuzz.name} failed; again by --seed=${first + count}\n`, error);
        process.exit(1);
      }
    }
    if (count % 10_000 === 9_999) console.log(`${count + 1} cases of each`);
  }
  console.log(`${count} cases of each of ${FUZZERS.length} fuzzers: clean`);
}

await main();
