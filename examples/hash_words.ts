/**
 * Hashes every word of an English dictionary with SHA-512: serially, then on pools of processes and of threads.
 *
 * Runs unchanged on Deno (`deno run -A`), Bun and Node; `deno task demo` runs it on all three. Its exit code is 1 if a
 * pool's hashes are not those of the serial run. An argument limits the number of words, a second one says how many runs.
 */
import { createRequire } from "node:module";
import process from "node:process";
import { type Executor, isMain, ProcessPoolExecutor, ThreadPoolExecutor } from "../mod.ts";
import { hashWord, hashWordTenTimes } from "./hash_tasks.ts";

/** Each way is timed so many times, in turn with the others; the median is shown. */
const RUNS = Number(process.argv[3] ?? 3);

/** Items in a message when it is tuned by hand: what the guide to Python's pools finds best for this very work. */
const TUNED_CHUNK = 5000;

type HashTask = (word: string) => string;

/** One way to hash all words. */
interface Way {
  readonly name: string;
  hash(task: HashTask, words: readonly string[]): string[] | Promise<string[]>;
}

const WAYS: readonly Way[] = [
  { name: "serially", hash: (task, words) => words.map((word) => task(word)) },
  { name: "on processes", hash: (task, words) => hashOn(new ProcessPoolExecutor(), task, words) },
  {
    name: `on processes, chunks of ${TUNED_CHUNK}`,
    hash: (task, words) => hashOn(new ProcessPoolExecutor(), task, words, TUNED_CHUNK),
  },
  { name: "on threads", hash: (task, words) => hashOn(new ThreadPoolExecutor(), task, words) },
];

/** The pool's start and end are part of the time. */
async function hashOn(
  executor: Executor,
  task: HashTask,
  words: readonly string[],
  chunksize?: number,
): Promise<string[]> {
  await using pool = executor;
  return await pool.map(task, words, { chunksize }).toArray();
}

/** Times all ways, and says whether they gave the same hashes. */
async function compare(title: string, task: HashTask, words: readonly string[]): Promise<boolean> {
  const times = WAYS.map((): number[] => []);
  let expected: readonly string[] = [];
  let same = true;
  for (let run = 0; run < RUNS; run++) {
    for (const [index, way] of WAYS.entries()) {
      const start = performance.now();
      const hashes = await way.hash(task, words);
      times[index].push(performance.now() - start);
      if (expected.length === 0) expected = hashes;
      same &&= hashes.length === expected.length && hashes.every((hash, place) => hash === expected[place]);
    }
  }
  console.log(`${title}: ${new Set(expected).size} distinct hashes, ${same ? "the same" : "NOT THE SAME"} each time`);
  const [serial, ...pools] = times.map(median);
  console.log(`  ${WAYS[0].name.padEnd(31)}${seconds(serial)}`);
  for (const [index, time] of pools.entries()) {
    const speedUp = `${(serial / time).toFixed(2)} x serial`;
    console.log(`  ${WAYS[index + 1].name.padEnd(31)}${seconds(time)}   ${speedUp}`);
  }
  return same;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(3).padStart(7)} s`;
}

function host(): string {
  const { deno, bun, node } = process.versions as Record<string, string | undefined>;
  return deno ? `Deno ${deno}` : bun ? `Bun ${bun}` : `Node ${node}`;
}

async function main(): Promise<void> {
  // Loaded here, behind the guard. A JSON package, which `require` reads alike on all three.
  const all = createRequire(import.meta.url)("an-array-of-english-words") as string[];
  const words = all.slice(0, Number(process.argv[2] ?? all.length));
  await using pool = new ProcessPoolExecutor();
  console.log(`${host()}: SHA-512 of ${words.length} words, ${pool.maxWorkers} workers; medians of ${RUNS} runs`);
  const once = await compare("One round per word", hashWord, words);
  const tenTimes = await compare("Ten rounds per word", hashWordTenTimes, words);
  if (!once || !tenTimes) process.exitCode = 1;
}

if (isMain(import.meta)) await main();
