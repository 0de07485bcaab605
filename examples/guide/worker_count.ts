/** How many workers a pool has at most: as many as the system allows this program CPUs, unless a number is given. */
import { ProcessPoolExecutor } from "@ergate/ergate";
import { cpuCount } from "@ergate/ergate/pool";

const usual = new ProcessPoolExecutor();
console.log(usual.maxWorkers === cpuCount());

// No process is started before there is something to do.
const many = new ProcessPoolExecutor(60);
console.log(many.maxWorkers);

// Prints:
//   true
//   60
