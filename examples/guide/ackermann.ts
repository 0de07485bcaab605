/** A task of two arguments: by `map`, with a pair as its one argument, and by `starmap`, which spreads the pairs. */
import { Pool } from "@ergate/ergate/pool";
import { ackermann, ackermannOfPair } from "./fibonacci_tasks.ts";

const pairs = [0, 1, 2, 3].flatMap((m) => [0, 1, 2, 3, 4].map((n): [number, number] => [m, n]));

function print(values: readonly number[]): void {
  for (const [index, [m, n]] of pairs.entries()) console.log(`(${m}, ${n}) ${values[index]}`);
}

await using pool = new Pool(2);
print(await pool.map(ackermannOfPair, pairs));
print(await pool.starmap(ackermann, pairs));

// Prints:
//   (0, 0) 1
//   (0, 1) 2
//   (0, 2) 3
//   (0, 3) 4
//   (0, 4) 5
//   (1, 0) 2
//   (1, 1) 3
//   (1, 2) 4
//   (1, 3) 5
//   (1, 4) 6
//   (2, 0) 3
//   (2, 1) 5
//   (2, 2) 7
//   (2, 3) 9
//   (2, 4) 11
//   (3, 0) 5
//   (3, 1) 13
//   (3, 2) 29
//   (3, 3) 61
//   (3, 4) 125
//   (0, 0) 1
//   (0, 1) 2
//   (0, 2) 3
//   (0, 3) 4
//   (0, 4) 5
//   (1, 0) 2
//   (1, 1) 3
//   (1, 2) 4
//   (1, 3) 5
//   (1, 4) 6
//   (2, 0) 3
//   (2, 1) 5
//   (2, 2) 7
//   (2, 3) 9
//   (2, 4) 11
//   (3, 0) 5
//   (3, 1) 13
//   (3, 2) 29
//   (3, 3) 61
//   (3, 4) 125
