/** One call at a time: the way there and back, the way of large data, the way to the first result. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { measure } from "mitata";
import type { Executor } from "../mod.ts";
import { type Bare, openChild, openThread } from "./bare/open.ts";
import type { Contestant, Row } from "./harness.ts";
import { bareWorkers, KINDS, pools } from "./kinds.ts";
import { bundle } from "../npm/build.ts";
import { ends, identity } from "./tasks.ts";

/** Nanoseconds of measuring per contestant and round of short work. */
const BUDGET = 80e6;

/** The median of a call that is repeated for a while, in milliseconds. */
async function middle(call: () => Promise<unknown>, quick: boolean): Promise<number> {
  const options = { min_cpu_time: quick ? 1e6 : BUDGET, min_samples: 12, batch_samples: 16 };
  return (await measure(() => call(), options)).p50 / 1e6;
}

async function roundTrip(quick: boolean): Promise<Contestant[]> {
  return [
    ...await pools(quick, (pool) => middle(() => pool.submit(identity, 1).result(), quick)),
    ...await bareWorkers(quick, ({ ask }) => middle(() => ask([1]), quick)),
  ];
}

/** Sends an array of so many bytes a few times over, each time a fresh one; the median of its times. */
async function large(size: number, send: (array: Float64Array) => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let time = 0; time < 5; time++) {
    const array = new Float64Array(size / 8).fill(0.5);
    const start = performance.now();
    await send(array);
    times.push(performance.now() - start);
  }
  return times.toSorted((a, b) => a - b)[2];
}

/** Sends the buffer alone: Deno walks an array item by item. */
function sendBare({ ask }: Bare, { buffer }: Float64Array, moves: boolean): Promise<unknown> {
  return ask(buffer, moves ? [buffer as ArrayBuffer] : []);
}

async function largeCopied(size: number, quick: boolean): Promise<Contestant[]> {
  return [
    ...await pools(quick, (pool) => large(size, (array) => pool.submit(ends, array).result())),
    ...await bareWorkers(quick, (bare) => large(size, (array) => sendBare(bare, array, false))),
  ];
}

async function largeTransferred(size: number, quick: boolean): Promise<Contestant[]> {
  const send = (pool: Executor, array: Float64Array) =>
    pool.with({ transfer: [array.buffer] }).submit(ends, array).result();
  return [
    ...await pools(quick, (pool) => large(size, (array) => send(pool, array))),
    ...await bareWorkers(quick, (bare) => large(size, (array) => sendBare(bare, array, true))),
  ];
}

/** The time to the first answer of what `open` makes; its end does not count. */
function start<T>(
  name: string,
  open: () => T | Promise<T>,
  ask: (opened: T) => Promise<unknown>,
  close: (opened: T) => Promise<unknown>,
): Contestant {
  return {
    name,
    async run() {
      const start = performance.now();
      const opened = await open();
      await ask(opened);
      const time = performance.now() - start;
      await close(opened);
      return time;
    },
  };
}

/** The pools of the npm package, with a task that imports that. */
async function startsOfPackage(): Promise<Contestant[]> {
  const folder = mkdtempSync(join(tmpdir(), "ergate-benchmark-"));
  await bundle(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(
    join(folder, "tasks.ts"),
    `import { tasks } from "./dist/mod.js"; export function same(n: number) { return n; } tasks(import.meta, { same });`,
  );
  const { ProcessPoolExecutor, ThreadPoolExecutor } = await import(pathToFileURL(join(folder, "dist/mod.js")).href);
  const { same } = await import(pathToFileURL(join(folder, "tasks.ts")).href);
  return [
    startOf("threads, npm package", () => new ThreadPoolExecutor(1), same),
    {
      ...startOf("processes, npm package", () => new ProcessPoolExecutor(1), same),
      close: () => Promise.resolve(rmSync(folder, { recursive: true })),
    },
  ];
}

function startOf(name: string, make: () => Executor, task: (n: number) => number): Contestant {
  return start(name, make, (pool) => pool.submit(task, 1).result(), (pool) => pool.shutdown());
}

async function starts(): Promise<Contestant[]> {
  return [
    ...KINDS.map(({ name, make }) => startOf(name, () => make(1), identity)),
    ...await startsOfPackage(),
    start("bare thread", () => openThread("start_thread.ts"), ({ ask }) => ask([1]), ({ close }) => close()),
    start("bare child", () => openChild("start_child.ts"), ({ ask }) => ask([1]), ({ close }) => close()),
  ];
}

/** The rows of this file. */
export const ROWS: readonly Row[] = [
  {
    name: "round trip",
    count: 1,
    quick: 1,
    unit: "call",
    rounds: 15,
    warm: true,
    open: (_count, quick) => roundTrip(quick),
  },
  {
    name: "Float64Array in, number out, copied",
    count: 8 << 20,
    quick: 1 << 20,
    unit: "bytes",
    rounds: 11,
    warm: true,
    open: largeCopied,
  },
  {
    name: "Float64Array in, number out, transferred",
    count: 8 << 20,
    quick: 1 << 20,
    unit: "bytes",
    rounds: 11,
    warm: true,
    open: largeTransferred,
  },
  { name: "first result of a new pool", count: 1, quick: 1, unit: "call", rounds: 15, warm: true, open: starts },
];
