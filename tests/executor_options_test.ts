/** Options of a pool: their defaults, and what is refused at the call, with which words. */
import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { liveProcesses } from "./harness.ts";
import { forEachKind } from "./kinds.ts";
import { withPool } from "./pools.ts";
import * as tasks from "./tasks.ts";
import * as more from "./tasks_executor.ts";

/** An option, a value of it, the class of the error, and what it must be. */
type Wrong = [name: string, value: unknown, errorName: "TypeError" | "RangeError", must: string, is: string];

const WRONG: readonly Wrong[] = [
  ["maxWorkers", 0, "RangeError", "a positive integer", "0"],
  ["maxWorkers", -1, "RangeError", "a positive integer", "-1"],
  ["maxWorkers", 1.5, "RangeError", "a positive integer", "1.5"],
  ["maxWorkers", NaN, "RangeError", "a positive integer", "NaN"],
  ["maxWorkers", Infinity, "RangeError", "a positive integer", "Infinity"],
  ["maxWorkers", "2", "TypeError", "a positive integer", '"2"'],
  ["maxWorkers", null, "TypeError", "a positive integer", "null"],
  ["maxWorkers", 2n, "TypeError", "a positive integer", "2"],
  ["maxTasksPerChild", 0, "RangeError", "a positive integer", "0"],
  ["maxTasksPerChild", 2.5, "RangeError", "a positive integer", "2.5"],
  ["maxTasksPerChild", true, "TypeError", "a positive integer", "true"],
  ["onWorkerLost", "ignore", "RangeError", "'replace' or 'break'", '"ignore"'],
  ["onWorkerLost", true, "TypeError", "'replace' or 'break'", "true"],
  ["workerName", "", "RangeError", "a string that is not empty", '""'],
  ["workerName", 7, "TypeError", "a string", "7"],
  ["initargs", "abc", "TypeError", "an array", '"abc"'],
];

forEachKind("C19 E34 options: one out of range is a RangeError, one of a wrong kind a TypeError", (kind) => {
  for (const [name, value, errorName, must, is] of WRONG) {
    assert.throws(() => kind.make({ [name]: value }), {
      name: errorName,
      message: `Cannot create a pool as '${name}' must be ${must}: current value is ${is}`,
    });
  }
});

forEachKind("E33 options: those of the processes are checked too", (kind) => {
  const wrong: Wrong[] = [
    ["env", "A=1", "TypeError", "an object of strings", '"A=1"'],
    ["env", null, "TypeError", "an object of strings", "null"],
    ["cwd", 1, "TypeError", "a string", "1"],
    ["config", "", "RangeError", "a string that is not empty", '""'],
    ["execArgv", "--expose-gc", "TypeError", "an array", '"--expose-gc"'],
  ];
  for (const [name, value, errorName, must, is] of wrong) {
    assert.throws(() => kind.make({ [name]: value }), {
      name: errorName,
      message: `Cannot create a pool as '${name}' must be ${must}: current value is ${is}`,
    });
  }
  assert.throws(() => kind.make({ env: { A: 1 as never } }), {
    name: "TypeError",
    message: "Cannot create a pool as 'env.A' must be a string: current value is 1",
  });
}, { needs: { processes: true } });

forEachKind("E33 options: those of the processes are unknown to threads", (kind) => {
  for (const name of ["env", "cwd", "execArgv", "permissions", "config"]) {
    assert.throws(() => kind.make({ [name]: undefined }), { name: "TypeError", message: new RegExp(`'${name}'`) });
  }
}, { needs: { processes: false } });

forEachKind("C19 options: what are none, and what is misspelt, is a TypeError", (kind) => {
  for (const options of [null, "4", true, 4n]) {
    assert.throws(() => kind.make(options as never), {
      name: "TypeError",
      message: /^Cannot create a pool as its options must be an object or a number of workers: current value is /,
    });
  }
  assert.throws(() => kind.make({ max_workers: 4 } as never), {
    name: "TypeError",
    message: /^Cannot create a pool as an option must be one of maxWorkers, .*: current option is 'max_workers'$/,
  });
});

forEachKind("C33 S24 options: an initializer must be a function that is a task, its arguments must cross", (kind) => {
  for (const initializer of [1, "setUp", {}]) {
    assert.throws(() => kind.make({ initializer: initializer as never }), {
      name: "TypeError",
      message: /^Cannot use a value as a initializer|^Cannot use a value as an initializer/,
    });
  }
  assert.throws(() => kind.make({ initargs: [1] }), {
    name: "TypeError",
    message: "Cannot create a pool as 'initargs' must come with an 'initializer': current initializer is undefined",
  });
  kind.make({ initargs: [] });
  assert.throws(() => kind.make({ initializer: more.setState, initargs: [1, { user: { callback: () => {} } }] }), {
    name: "PicklingError",
    path: "initargs[1].user.callback",
    direction: "initarg",
  });
  assert.deepEqual(liveProcesses(), []);
});

forEachKind("C23 E35 X16 maxWorkers: by default what the system lets this process keep busy", (kind) => {
  // Unlike CPython's threads, min(32, n + 4): a worker here is for computing.
  assert.equal(kind.make().maxWorkers, availableParallelism());
  assert.equal(kind.make({}).maxWorkers, availableParallelism());
  assert.equal(kind.make({ maxWorkers: undefined }).maxWorkers, availableParallelism());
});

forEachKind("E34 E37 E38 X17 maxWorkers: a number alone is short for it, and can be read", (kind) => {
  assert.equal(kind.make({ maxWorkers: 60 }).maxWorkers, 60);
  assert.equal(kind.make(60 as never).maxWorkers, 60);
  assert.throws(() => kind.make(0 as never), {
    name: "RangeError",
    message: "Cannot create a pool as 'maxWorkers' must be a positive integer: current value is 0",
  });
  assert.throws(() => Object.assign(kind.make(), { maxWorkers: 3 }), TypeError);
});

forEachKind("E33 options: undefined is as if it were not there", (kind) => {
  const ofProcesses = kind.can.processes ? ["cwd", "env", "execArgv"] : [];
  const names = ["maxTasksPerChild", "onWorkerLost", "workerName", "initializer", "initargs", ...ofProcesses];
  const options = { maxWorkers: 1, ...Object.fromEntries(names.map((name) => [name, undefined])) };
  return withPool(kind, options, async (pool) => {
    assert.equal(await pool.submit(tasks.pow, 2, 3), 8);
  });
});
