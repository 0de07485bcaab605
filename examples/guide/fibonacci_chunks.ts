/**
 * Numbers of Fibonacci by `map`, the hardest first, in chunks: with the size that Python takes, three, one worker gets the three
 * that take longest. Chunks of one share them out; so do those of "auto", which is what there is unless a size is given.
 */
import process from "node:process";
import { Pool } from "@ergate/ergate/pool";
import { fib, oneTo, printFib } from "./fibonacci_tasks.ts";

const numbers = oneTo(Number(process.argv[2] ?? 39)).reverse();
for (const chunksize of [3, 1, "auto"] as const) {
  const start = performance.now();
  await using pool = new Pool(2);
  const values = await pool.map(fib, numbers, { chunksize });
  if (chunksize === 3) { for (const [index, value] of values.entries()) printFib(numbers[index], value); }
  console.log(`Chunks of ${chunksize}: ${((performance.now() - start) / 1000).toFixed(3)} seconds`);
}

// With the argument 25 it prints:
//   …  25     121393
//   …  24      75025
//   …  23      46368
//   …  22      28657
//   …  21      17711
//   …  20      10946
//   …  19       6765
//   …  18       4181
//   …  17       2584
//   …  16       1597
//   …  15        987
//   …  14        610
//   …  13        377
//   …  12        233
//   …  11        144
//   …  10         89
//   …   9         55
//   …   8         34
//   …   7         21
//   …   6         13
//   …   5          8
//   …   4          5
//   …   3          3
//   …   2          2
//   …   1          1
//   Chunks of 3: … seconds
//   Chunks of 1: … seconds
//   Chunks of auto: … seconds
