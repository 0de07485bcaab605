/** Different functions in one queue, with the arguments of each: a Pool's and an executor's calls. */
import { type Future, ProcessPoolExecutor } from "@ergate/ergate";
import { type AsyncResult, Pool } from "@ergate/ergate/pool";
import { ackermann, fib } from "./fibonacci_tasks.ts";

type Job = readonly [fn: typeof fib, n: number] | readonly [fn: typeof ackermann, m: number, n: number];

const QUEUE: readonly Job[] = [
  [fib, 8],
  [ackermann, 2, 4],
  [fib, 18],
  [ackermann, 3, 1],
  [fib, 28],
  [ackermann, 3, 4],
  [fib, 34],
];

function nameOf([fn, ...args]: Job): string {
  return `${fn.name}(${args.join(", ")})`;
}

{
  await using pool = new Pool(2);
  const results: [string, AsyncResult<number>][] = [];
  for (const job of QUEUE) {
    const [fn, ...args] = job;
    results.push([nameOf(job), pool.applyAsync(fn as (...args: number[]) => number, args)]);
  }
  for (const [name, result] of results) console.log(`${name} = ${await result.get()}`);
}

{
  await using executor = new ProcessPoolExecutor(2);
  const futures: [string, Future<number>][] = [];
  for (const job of QUEUE) {
    const [fn, ...args] = job;
    futures.push([nameOf(job), executor.submit(fn as (...args: number[]) => number, ...args)]);
  }
  for (const [name, future] of futures) console.log(`${name} = ${await future}`);
}

// Prints:
//   fib(8) = 34
//   ackermann(2, 4) = 11
//   fib(18) = 4181
//   ackermann(3, 1) = 13
//   fib(28) = 514229
//   ackermann(3, 4) = 125
//   fib(34) = 9227465
//   fib(8) = 34
//   ackermann(2, 4) = 11
//   fib(18) = 4181
//   ackermann(3, 1) = 13
//   fib(28) = 514229
//   ackermann(3, 4) = 125
//   fib(34) = 9227465
