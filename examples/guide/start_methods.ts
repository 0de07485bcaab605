/** How workers are started. There is one way: a new process, which imports the modules of its tasks. */
import { getAllStartMethods, getContext, getStartMethod, Pool } from "@ergate/ergate/pool";

console.log(getAllStartMethods().join());
console.log(getStartMethod());

const context = getContext("spawn");
console.log(context.getStartMethod());
console.log(String(new Pool({ processes: 2, context })));

// Unlike Python, nothing can be forked.
try {
  getContext("fork");
} catch (error) {
  console.log(String(error));
}

// Prints:
//   spawn
//   spawn
//   spawn
//   <Pool state=RUN pool_size=2>
//   RangeError: Cannot start processes by "fork" as the method must be "spawn": a JavaScript heap cannot be forked, …
