/** Pools inside tasks, which CPython refuses (S52), and a name for each worker: rows C188, P45, P181, P186. */
import assert from "node:assert/strict";
import { Arrivals, withTempFolder } from "./harness.ts";
import { forEachKind } from "./kinds.ts";
import { poolName, withMultiPool } from "./pool_kinds.ts";
import { rejection } from "./pools.ts";
import { WORKER_ID } from "./worker_side.ts";
import * as pooled from "./tasks_pool.ts";

forEachKind(
  "C188 P45 S52: a task has a pool of processes, or of threads; each worker knows its name",
  (kind) =>
    withMultiPool(kind, { processes: 1 }, async (pool) => {
      for (const hasProcesses of [true, false]) {
        const name = `${hasProcesses ? "Pool" : "ThreadPool"}-`;
        const [values, worker] = await pool.apply(pooled.mapInside, [hasProcesses, [1, 2, 3]]);
        assert.deepEqual(values, [1, 2, 3]);
        assert((worker as string).startsWith(name), `${worker}`);
      }
      const { name, pid } = await pool.apply(pooled.nameOfProcess);
      assert.equal(name, `${poolName(kind)}-1`);
      assert.equal(pid === WORKER_ID, !kind.can.processes);
    }),
);

forEachKind(
  "S52 P181: pools in pools end at a depth, with an error that says so",
  (kind) =>
    withMultiPool(kind, { processes: 1 }, async (pool) => {
      const error = await rejection(pool.apply(pooled.descend, [kind.can.processes, 7]));
      assert((error as Error).name === "InvalidStateError");
      assert.match(
        (error as Error).message,
        /^Cannot start workers in a task as pools must not be nested more than 5 deep: this is a worker of level 5/,
      );
    }),
);

forEachKind(
  "C188 S52: a task starts processes of its own",
  (kind) =>
    withTempFolder((folder) =>
      withMultiPool(kind, { processes: 1 }, async (pool) => {
        const arrivals = new Arrivals(folder);
        assert.deepEqual(await pool.apply(pooled.startInside, [arrivals.path]), [1, 0, 1]);
        assert.match(arrivals.lines[0], /^inner \d+$/);
      })
    ),
);
