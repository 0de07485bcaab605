/** Numbers of Fibonacci by an executor's `map`: it gives them one by one, as a Pool's `imap` does. */
import process from "node:process";
import { ProcessPoolExecutor } from "@ergate/ergate";
import { fib, oneTo, printFib } from "./fibonacci_tasks.ts";

const numbers = oneTo(Number(process.argv[2] ?? 39));
await using executor = new ProcessPoolExecutor(2);
let index = 0;
for await (const value of executor.map(fib, numbers)) printFib(numbers[index++], value);

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
