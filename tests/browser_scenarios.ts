/**
 * What the browser's adapter must do, as scenarios: `browser_program.ts` plays them, in a program that is as a page is. (Not in the
 * test's own process: under `deno test` the web's `new Worker` stands still now and then, for up to minutes.)
 */
import assert from "node:assert/strict";
import { isMain, ThreadPoolExecutor, WorkerLostError } from "../mod.ts";
import { BrowserRuntime } from "../runtime/browser.ts";
import { runtime as hostRuntime } from "../runtime/mod.ts";
import { canBeBare } from "./bare_host.ts";
import * as work from "./tasks_browser.ts";

const web = globalThis as unknown as { crossOriginIsolated?: boolean };

const runtime = new BrowserRuntime({ workerUrl: new URL("./browser_entry.ts", import.meta.url) });

type Options = ConstructorParameters<typeof ThreadPoolExecutor>[0] & object;

/** All of them, by name. */
export const scenarios: Record<string, () => Promise<void>> = {};

function scenario(name: string, fn: () => Promise<void>): void {
  scenarios[name] = fn;
}

/** Runs `fn` with a pool of Web Workers, and shuts it down. */
async function withPool(maxWorkers: number, fn: (pool: ThreadPoolExecutor) => Promise<void>): Promise<void> {
  const pool = new ThreadPoolExecutor({ maxWorkers, runtime } satisfies Options);
  try {
    await fn(pool);
  } catch (error) {
    await pool.killWorkers();
    throw error;
  }
  await pool.shutdown();
}

// As in pools.ts, which needs a host that is more than a browser.

async function rejection(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("The promise was to reject: it did not");
}

function range(end: number): number[] {
  return Array.from({ length: end }, (_, index) => index);
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  // By ticks: of a machine that is halted for a while, no more than one counts.
  for (let left = 20_000; !await holds(); left -= 3) {
    if (left < 0) throw new Error(`Waited in vain until ${what}`);
    await new Promise((go) => setTimeout(go, 3));
  }
}

scenario("it is picked where there is no other host", async () => {
  if (canBeBare) assert(hostRuntime() instanceof BrowserRuntime);
  assert(runtime.availableParallelism() > 0);
  await Promise.resolve();
});

scenario("the main module is one that the page names, or holds", async () => {
  if (!canBeBare) return;
  const page = {
    baseURI: "https://example.com/index.html",
    scripts: [
      { type: "module", src: "https://example.com/main.js" },
      { type: "module", src: "" },
      { type: "", src: "https://example.com/old.js" },
    ],
  };
  Object.defineProperty(globalThis, "document", { value: page, configurable: true });
  const found = ["main.js", "index.html", "old.js", "tasks.js"].map((file) =>
    isMain({ url: `https://example.com/${file}` })
  );
  Reflect.deleteProperty(globalThis, "document");
  assert.deepEqual(found, [true, true, false, false]);
  await Promise.resolve();
});

scenario("a page that is not isolated is told the headers at submit", async () => {
  const before = Object.getOwnPropertyDescriptor(globalThis, "crossOriginIsolated");
  Object.defineProperty(globalThis, "crossOriginIsolated", { value: false, configurable: true });
  const pool = new ThreadPoolExecutor({ maxWorkers: 1, runtime });
  try {
    assert.throws(() => pool.submit(work.add, 1, 2), {
      name: "NotSupportedError",
      message: /Opener-Policy: same-origin/,
    });
  } finally {
    if (before === undefined) delete web.crossOriginIsolated;
    else Object.defineProperty(globalThis, "crossOriginIsolated", before);
    await pool.shutdown();
  }
});

scenario("calls run, and their errors come back as themselves", () =>
  withPool(2, async (pool) => {
    assert.equal(await pool.submit(work.add, 1, 2), 3);
    assert.equal(await pool.submit(work.addLater, 1, 2), 3);
    const error = await rejection(pool.submit(work.fail, "too far"));
    assert(error instanceof RangeError);
    assert.equal(error.message, "too far");
    assert.match(error.stack!, /tasks_browser/);
    assert.equal(await pool.submit(work.add, 3, 4), 7);
  }));

scenario("a map keeps its order, over many messages", () =>
  withPool(2, async (pool) => {
    const numbers = range(20_000);
    assert.deepEqual(await pool.map(work.add, numbers, numbers).toArray(), numbers.map((n) => 2 * n));
    assert.deepEqual(await pool.map(work.addLater, range(20), range(20)).toArray(), range(20).map((n) => 2 * n));
  }));

scenario("buffers move, there and back", () =>
  withPool(1, async (pool) => {
    for (const size of [8, 100_000, 8 << 20]) {
      const buffer = new ArrayBuffer(size);
      const back = await pool.with({ transfer: [buffer] }).submit(work.fill, buffer, 7);
      assert.equal(buffer.detached, true);
      assert.equal(back.byteLength, size);
      assert(new Uint8Array(back).every((byte) => byte === 7));
    }
  }));

scenario("shared memory is shared", () =>
  withPool(2, async (pool) => {
    const counters = new Int32Array(new SharedArrayBuffer(8));
    await Promise.all(range(100).map(() => pool.submit(work.bump, counters, 0)));
    assert.equal(counters[0], 100);
  }));

scenario("an initializer runs in each worker", () => {
  const counters = new Int32Array(new SharedArrayBuffer(8));
  const pool = new ThreadPoolExecutor({ maxWorkers: 1, runtime, initializer: work.bump, initargs: [counters, 1] });
  return pool.submit(work.bump, counters, 0).then(async () => {
    assert.deepEqual([...counters], [1, 1]);
    await pool.shutdown();
  });
});

scenario(
  "a task may have a pool of its own",
  () => withPool(1, async (pool) => assert.equal(await pool.submit(work.addDeeper, 1, 2), 3)),
);

/** What the caller sees of each death. */
const DEATHS: readonly { readonly how: work.Death; readonly said: RegExp; readonly codes: readonly number[] }[] = [
  // The web tells no codes; 0 stands for an end of the worker's own will.
  { how: "close", said: /terminated abruptly with exit code 0/, codes: [0] },
  { how: "exit", said: /terminated abruptly with exit code [03]/, codes: [0, 3] },
  { how: "throw", said: /by an error that nobody caught from .*#die: left behind/, codes: [1] },
  { how: "reject", said: /by an error that nobody caught from .*#die: left behind/, codes: [1] },
];

for (const { how, said, codes } of DEATHS) {
  scenario(`a worker that dies by ${how} fails its call alone`, () =>
    withPool(1, async (pool) => {
      await pool.submit(work.add, 1, 2);
      const error = await rejection(pool.submit(work.die, how));
      if (how === "close" && await lacksClose(error)) return;
      assert(error instanceof WorkerLostError, String(error));
      assert.match(error.message, said);
      assert(codes.includes(error.exitCode!), `exit code ${error.exitCode}`);
      assert.equal(error.mayHaveRun, true);
      assert.equal(error.pid, undefined);
      assert.equal(await pool.submit(work.add, 3, 4), 7);
    }));
}

/** Whether the host's workers have no `close()`: then a task that wants it has that as its error. */
function lacksClose(error: unknown): boolean {
  return error instanceof TypeError && /close is not a function/.test(error.message);
}

scenario(
  "a death in the midst of many calls: what was answered arrives, and none is run twice",
  () =>
    withPool(2, async (pool) => {
      const counters = new Int32Array(new SharedArrayBuffer(4 * 3_000));
      const calls = range(3_000).map((index) =>
        index % 500 === 250
          ? pool.submit(work.bumpAndDie, counters, index, "exit")
          : pool.submit(work.bump, counters, index)
      );
      const results = await Promise.allSettled(calls);
      const isDeadly = (index: number): boolean => index % 500 === 250;
      for (const [index, result] of results.entries()) {
        const isLost = result.status === "rejected" && result.reason instanceof WorkerLostError;
        assert(result.status === "fulfilled" || isLost, `call ${index}: ${JSON.stringify(result)}`);
        assert(isLost ? counters[index] <= 1 : counters[index] === 1, `call ${index} ran ${counters[index]} times`);
        assert(isLost || !isDeadly(index), `call ${index} came back`);
      }
      const lost = results.filter(({ status }, index) => status === "rejected" && !isDeadly(index)).length;
      assert(lost < 1_500, `${lost} of 2,994 calls were lost with six workers`);
    }),
);

scenario("what was posted before a death arrives, however late it is read", () =>
  withPool(1, async (pool) => {
    const counters = new Int32Array(new SharedArrayBuffer(4));
    const size = 100_000;
    for (let i = 0; i < 30; i++) await pool.submit(work.bufferOrDie, counters, size); // it has proved short
    const calls = range(60).map((index) => pool.submit(work.bufferOrDie, counters, index === 20 ? 0 : size));
    await Promise.resolve(); // they are sent
    Atomics.wait(counters, 0, 0, 10_000); // it is about to die
    Atomics.wait(counters, 0, 1, 50); // and does
    const results = await Promise.allSettled(calls);
    const failed = results.flatMap(({ status }, index) => status === "rejected" ? [index] : []);
    assert.deepEqual(failed, [20]);
  }));

scenario("a worker that is killed at a call enters none behind it", async () => {
  const counters = new Int32Array(new SharedArrayBuffer(4 * 200));
  const pool = new ThreadPoolExecutor({ maxWorkers: 1, runtime });
  for (const index of range(30)) await pool.submit(work.bumpAndWait, counters, index, 0); // it has proved short
  const calls = range(50).map((index) => pool.submit(work.bumpAndWait, counters, 100 + index, index === 0 ? 199 : 0));
  await until("the call is entered", () => Atomics.load(counters, 100) === 1);
  await Promise.all([pool.killWorkers(), ...calls.map(rejection)]);
  // On some hosts it lives on in its call, and beyond.
  Atomics.store(counters, 199, 1);
  Atomics.notify(counters, 199);
  await new Promise((go) => setTimeout(go, 50));
  assert.deepEqual([...counters.subarray(101, 150)], range(49).map(() => 0));
});

scenario("a worker whose module is not there breaks the pool, with the reason", async () => {
  const missing = new BrowserRuntime({ workerUrl: new URL("./no_such_module.ts", import.meta.url) });
  const pool = new ThreadPoolExecutor({ maxWorkers: 1, runtime: missing });
  const error = await rejection(pool.submit(work.add, 1, 2));
  assert.equal((error as Error).name, "BrokenThreadPool");
  assert.match((error as Error).message, /could not be started, 3 times in a row: .*no_such_module/);
  await pool.shutdown();
});

scenario("a task knows itself over its awaits; what outlives it has no call", () =>
  withPool(1, async (pool) => {
    assert.deepEqual(await pool.submit(work.names), ["names", "names", "names", "names"]);
    const counters = new Int32Array(new SharedArrayBuffer(4));
    await pool.submit(work.leaveBehind, counters, 0);
    await until("it has looked", () => Atomics.load(counters, 0) === 1);
    assert.equal(await pool.submit(work.whatWasLeft), undefined);
  }));

scenario("an executor that is used between calls is an error, not a pool", async () => {
  const pool = new ThreadPoolExecutor({ maxWorkers: 1, runtime });
  const { error } = console;
  console.error = () => {};
  try {
    await pool.submit(work.misuseLater);
    assert.match((await untilBroken(pool)).message, /must stand behind its guard/);
  } finally {
    console.error = error;
  }
  await pool.shutdown();
});

async function untilBroken(pool: ThreadPoolExecutor): Promise<Error> {
  let broken: unknown;
  await until("the pool is broken", async () => {
    try {
      await pool.submit(work.add, 1, 2);
    } catch (error) {
      broken = error;
    }
    return (broken as Error | undefined)?.name === "BrokenThreadPool";
  });
  return broken as Error;
}
