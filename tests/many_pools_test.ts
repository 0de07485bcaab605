/**
 * Pools that are opened and closed again and again: nothing of them adds up. `ERGATE_TEST_POOLS=1000` opens so many instead of
 * some.
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync } from "node:fs";
import process from "node:process";
import { descriptors } from "./descriptors.ts";
import { until, withTempFolder } from "./harness.ts";
import { forEachKind, type Kind } from "./kinds.ts";
import { range } from "./pools.ts";
import * as tasks from "./tasks.ts";

const USED = Number(process.env.ERGATE_TEST_POOLS || 4);
const UNUSED = 2_000;

function listeners(): number {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
}

async function useOne(kind: Kind): Promise<void> {
  const pool = kind.make({ maxWorkers: 1 });
  assert.equal(await pool.submit(tasks.pow, 2, 5), 32);
  await pool.shutdown();
}

forEachKind(
  `many pools: ${USED} used and ${UNUSED} unused ones leave no process, thread, descriptor, listener or file`,
  (kind) =>
    withTempFolder(async (folder) => {
      const { TMPDIR } = process.env;
      process.env.TMPDIR = `${folder}/tmp`;
      mkdirSync(`${folder}/tmp`);
      try {
        await useOne(kind); // what a host opens once
        const before = { descriptors: descriptors(), listeners: listeners() };
        for (let used = 1; used < USED; used++) await useOne(kind);
        const unused = range(UNUSED).map(() => kind.make({ maxWorkers: 4 }));
        for (const pool of unused) await pool.shutdown();
        for (const _ of range(UNUSED)) kind.make({ maxWorkers: 4 }); // nor those that nobody closes
        assert.deepEqual(kind.workers(), []);
        assert.equal(listeners(), before.listeners);
        await until("all descriptors are closed", () => descriptors() <= before.descriptors);
        assert.deepEqual(readdirSync(`${folder}/tmp`).filter((name) => name.startsWith("ergate")), []);
      } finally {
        if (TMPDIR === undefined) delete process.env.TMPDIR;
        else process.env.TMPDIR = TMPDIR;
      }
    }),
);
