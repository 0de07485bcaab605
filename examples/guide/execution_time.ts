/** Times a piece of a program. For a pool, its start and end belong to what is timed. */
import { sleep } from "./pace.ts";

const start = performance.now();
await sleep(3);
console.log(`Execution time: ${((performance.now() - start) / 1000).toFixed(1)} seconds.`);

// Prints:
//   Execution time: … seconds.
