/** Numbers of Fibonacci by a Pool's `map`: they are printed all together, when the last has been computed. */
import process from "node:process";
import { Pool } from "@ergate/ergate/pool";
import { fib, oneTo, printFib } from "./fibonacci_tasks.ts";

const numbers = oneTo(Number(process.argv[2] ?? 39));
await using pool = new Pool(2);
for (const [index, value] of (await pool.map(fib, numbers)).entries()) printFib(numbers[index], value);

// With the argument 25 it prints:
//   …   1          1
//   …   2          2
//   …   3          3
//   …   4          5
//   …   5          8
//   …   6         13
//   …   7         21
//   …   8         34
//   …   9         55
//   …  10         89
//   …  11        144
//   …  12        233
//   …  13        377
//   …  14        610
//   …  15        987
//   …  16       1597
//   …  17       2584
//   …  18       4181
//   …  19       6765
//   …  20      10946
//   …  21      17711
//   …  22      28657
//   …  23      46368
//   …  24      75025
//   …  25     121393
