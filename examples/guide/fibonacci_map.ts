/** Numbers of Fibonacci by a Pool's `map`: they are printed all together, when the last has been computed. */
import process from "node:process";
import { Pool } from "@ergate/ergate/pool";
import { fib, oneTo, printFib } from "./fibonacci_tasks.ts";

const numbers = oneTo(Number(process.argv[2] ?? 39));
await using pool = new Pool(2);
for (const [index, value] of (await pool.map(fib, numbers)).entries()) printFib(numbers[index], value);

// Prints:
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
//   …  26     196418
//   …  27     317811
//   …  28     514229
//   …  29     832040
//   …  30    1346269
//   …  31    2178309
//   …  32    3524578
//   …  33    5702887
//   …  34    9227465
//   …  35   14930352
//   …  36   24157817
//   …  37   39088169
//   …  38   63245986
//   …  39  102334155
