/**
 * Starts that fail because of what the system has not: no executable, no descriptors, a worker's entry that does not hold. The
 * pool breaks, with the reason, after a few tries, or works on with the workers that it could get. Others are in
 * `initializer_test.ts`; Deno's permissions in `deno_permissions_test.ts`.
 */
import assert from "node:assert/strict";
import { copyFileSync, linkSync, realpathSync, writeFileSync } from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { ProcessPoolExecutor } from "../mod.ts";
import { test, withTempFolder } from "./harness.ts";
import { runtimeWith } from "./host_doubles.ts";
import { assertBroken, forEachKind, inKind, type Kind } from "./kinds.ts";
import { range, rejection, withPool } from "./pools.ts";
import * as tasks from "./tasks.ts";
import { type UserProject, withProject } from "./user_project.ts";

const TASKS = `
  import { tasks } from "@ergate/ergate";
  import process from "node:process";
  import { threadId } from "node:worker_threads";
  export async function work(): Promise<string> {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return process.pid + " " + threadId;
  }
  tasks(import.meta, { work });
`;

/** Programs print what has become of some calls, and by how many workers. */
const PRELUDE = `
  import { ProcessPoolExecutor } from "@ergate/ergate";
  import { closeSync, openSync, unlinkSync, writeFileSync } from "node:fs";
  import process from "node:process";
  import { work } from "./tasks.ts";
  void [closeSync, openSync, unlinkSync, writeFileSync, process];
  async function tell(name: string, pool: ProcessPoolExecutor, calls: number): Promise<void> {
    const outcomes = await Promise.allSettled(Array.from({ length: calls }, () => pool.submit(work)));
    const workers = new Set(outcomes.flatMap((one) => one.status === "fulfilled" ? [one.value] : []));
    const errors = new Set(outcomes.flatMap((one) => one.status === "rejected" ? [one.reason.name + ": " + one.reason.message] : []));
    console.log(name, workers.size, ...errors);
  }
`;

function program(kind: Kind, code: string): Record<string, string> {
  return { "tasks.ts": TASKS, "main.ts": inKind(kind, PRELUDE + code) };
}

// No executable.

/** A second name of the runtime's binary, which a program can take away from under itself. */
function copyOfRuntime(project: UserProject): string {
  const path = project.path("runtime");
  try {
    linkSync(realpathSync(process.execPath), path);
  } catch {
    copyFileSync(realpathSync(process.execPath), path); // another file system
  }
  return path;
}

const GONE = /BrokenProcessPool: .*could not be started, \d+ times in a row: .*(ENOENT|EACCES|No such|ermission)/;

forEachKind(
  "start: the runtime's executable is gone, or no program any more: workers that live go on, then the pool breaks",
  (kind) =>
    withProject(
      program(
        kind,
        `
        const pool = new ProcessPoolExecutor(1);
        await tell("before", pool, 3);
        unlinkSync(process.env.RUNTIME);
        async function tellMore(): Promise<void> {
          await tell("after", pool, 3);
          const fresh = new ProcessPoolExecutor(2);
          await tell("fresh", fresh, 3);
          await fresh.shutdown();
        }
        await tellMore();
        writeFileSync(process.env.RUNTIME, "");
        await tellMore();
        await pool.shutdown();
      `,
      ),
      async (project) => {
        const executable = copyOfRuntime(project);
        const { code, stdout, stderr } = await project.run("main.ts", { executable, env: { RUNTIME: executable } });
        const [before, gone, freshOfGone, empty, freshOfEmpty] = stdout.split("\n");
        assert.deepEqual([code, before, gone, empty], [0, "before 1", "after 1", "after 1"], `${stdout}${stderr}`);
        for (const fresh of [freshOfGone, freshOfEmpty]) {
          assert.match(fresh, /^fresh 0 /);
          assert.match(fresh, GONE);
        }
      },
    ),
  { needs: { processes: true } },
);

// No descriptors.

const FILL = `
  const files: number[] = [];
  function fill(): void {
    try {
      for (;;) files.push(openSync("/dev/null", "r"));
    } catch {
      // That was the last one.
    }
  }
  function empty(): void {
    for (const file of files.splice(0)) closeSync(file);
  }
`;

/** Runs the program with few descriptors. */
function runNarrow(project: UserProject): ReturnType<UserProject["run"]> {
  const executable = project.path("narrow");
  writeFileSync(executable, `#!/bin/sh\nulimit -n 200\nexec "${process.execPath}" "$@"\n`, { mode: 0o755 });
  return project.run("main.ts", { executable });
}

const NARROW = { needs: { narrow: true } } as const;

forEachKind(
  "start: no descriptor is left: a pool works on with the workers it has, and grows once there are some",
  (kind) =>
    withProject(
      program(
        kind,
        `${FILL}
      const pool = new ProcessPoolExecutor(4);
      await tell("one", pool, 1);
      fill();
      await tell("full", pool, 20);
      empty();
      const end = Date.now() + 30_000;
      let workers = 0;
      while (workers < 2 && Date.now() < end) {
        workers = new Set(await Promise.all(Array.from({ length: 20 }, () => pool.submit(work)))).size;
      }
      console.log(workers > 1 ? "grown" : "not grown");
      await pool.shutdown();
    `,
      ),
      async (project) => {
        const { code, stdout, stderr } = await runNarrow(project);
        assert.deepEqual([code, stdout], [0, "one 1\nfull 1\ngrown\n"], stderr);
        assert.deepEqual(project.temporary, []);
      },
    ),
  NARROW,
);

forEachKind(
  "start: no descriptor is left for a pool's first worker: it breaks, with the reason; the next one works",
  (kind) =>
    withProject(
      program(
        kind,
        `${FILL}
      fill();
      const pool = new ProcessPoolExecutor(4);
      await tell("full", pool, 10);
      await pool.shutdown();
      empty();
      const next = new ProcessPoolExecutor(1);
      await tell("next", next, 10);
      await next.shutdown();
    `,
      ),
      async (project) => {
        const { code, stdout, stderr } = await runNarrow(project);
        const [full, next] = stdout.split("\n");
        assert.equal(code, 0, stdout + stderr);
        assert.match(
          full,
          inReason(
            kind,
            "full 0 BrokenProcessPool: .*could not be started, \\d+ times in a row: .*(EMFILE|[Tt]oo many)",
          ),
        );
        assert.equal(next, "next 1");
        assert.deepEqual(project.temporary, []);
      },
    ),
  NARROW,
);

function inReason(kind: Kind, pattern: string): RegExp {
  return new RegExp(inKind(kind, pattern));
}

// The worker's entry.

const ENTRIES: Readonly<Record<string, { readonly text: string; readonly says: RegExp }>> = {
  "throws": { text: `throw new RangeError("no entry");`, says: /exit code 1|no entry/ },
  "exits": { text: `process.exit(7);`, says: /exit code 7/ },
  "is not there": { text: "", says: /exit code 1|nowhere|find/i },
};

for (const [what, { text, says }] of Object.entries(ENTRIES)) {
  forEachKind(
    `start: the worker's entry ${what}: the pool breaks after three tries, with the reason`,
    (kind) =>
      withTempFolder((folder) => {
        const path = `${folder}/${text === "" ? "nowhere" : "entry"}.ts`;
        if (text !== "") writeFileSync(path, text);
        const entry = { url: pathToFileURL(path).href, bundled: false };
        const runtime = runtimeWith((go) => go(), (options) => ({ ...options, entry }));
        return withPool(kind, { maxWorkers: 1, runtime }, async (pool) => {
          const futures = range(3).map(() => pool.submit(tasks.workerId));
          for (const error of await Promise.all(futures.map(rejection))) {
            assertBroken(kind, error, /a worker could not be started, 3 times in a row: /);
            assert.match(error.message, says);
          }
          assert.equal(runtime.starts, 3);
        });
      }),
  );
}

// The folder for temporary files.

forEachKind(
  "start: a temporary folder that is not there, or may not be written to: the pool breaks, with its path",
  async (kind) => {
    await withProject(
      program(kind, `const pool = new ProcessPoolExecutor(2); await tell("calls", pool, 3); await pool.shutdown();`),
      async (project) => {
        const { code, stdout, stderr } = await project.run("main.ts", { env: { TMPDIR: project.path("nowhere") } });
        assert.equal(code, 0, stderr);
        assert.match(stdout, /^calls 0 BrokenProcessPool: .*3 times in a row: .*TMPDIR.*nowhere/);
      },
    );
  },
  { needs: { processes: true } },
);

// A connection that is lost in between.

for (const dropped of [1, 2]) {
  test(`start: a worker of whose connections number ${dropped} is dropped ends at once, and another is started`, async () => {
    const net = process.getBuiltinModule("node:net") as unknown as {
      createServer(fn: (socket: Socket) => void): unknown;
    };
    interface Socket {
      destroy(): void;
    }
    const { createServer } = net;
    let connections = 0;
    // As when the parent has one descriptor left: the system accepts the other connection and closes it.
    net.createServer = (admit) =>
      createServer((socket) => ++connections === dropped ? socket.destroy() : admit(socket));
    try {
      const pool = new ProcessPoolExecutor(1);
      const begun = performance.now();
      assert.equal(await pool.submit(tasks.pow, 2, 5), 32);
      assert(performance.now() - begun < 50_000, "its time to say hello is a minute");
      assert.equal(connections, 4);
      await pool.shutdown();
    } finally {
      net.createServer = createServer;
    }
  });
}
