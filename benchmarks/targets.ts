/** What is wanted, row by row: issue 5's table, with two workers. */

/** A wish. */
export interface Target {
  readonly row: string;
  /** The contestant that is to reach it. */
  readonly of: string;
  /** The one that it is compared with; `undefined`: the number is a rate per second. */
  readonly with?: string;
  /** So many times as fast, at least; `undefined` to show the ratio alone. */
  readonly speed?: number;
  /** So many times as long, at most. */
  readonly time?: number;
  /** So many per second, at least. */
  readonly rate?: number;
}

const FLOOD = "flood of `submit(f, int)`";
const NESTED = "flood of a small nested object";
const MAP = "`map` of ints, `toArray()`";
const COPIED = "Float64Array in, number out, copied";
const MOVED = "Float64Array in, number out, transferred";
const START = "first result of a new pool";
const ONE = "hash_words, one round";
const TEN = "hash_words, ten rounds";

function both(row: string, wish: Omit<Target, "row" | "of">): Target[] {
  return [{ row, of: "threads", ...wish }, { row, of: "processes", ...wish }];
}

/** All wishes, in the order of the table. */
export const TARGETS: readonly Target[] = [
  { row: FLOOD, of: "threads", with: "bare thread", speed: 0.25 },
  { row: FLOOD, of: "processes", with: "ProcessPoolExecutor", speed: 20 },
  { row: NESTED, of: "threads", rate: 200_000 },
  { row: NESTED, of: "processes", with: "ProcessPoolExecutor", speed: 12 },
  ...both(MAP, { with: "Pool", speed: 1 }),
  { row: MAP, of: "ThreadPool.map", with: "Pool", speed: 1 },
  { row: MAP, of: "Pool.map", with: "Pool", speed: 1 },
  { row: "round trip", of: "threads", with: "bare thread", time: 1.3 },
  { row: "round trip", of: "processes", with: "bare child", time: 1.4 },
  { row: COPIED, of: "threads", with: "bare thread" },
  { row: COPIED, of: "processes", with: "ProcessPoolExecutor", speed: 5 },
  { row: MOVED, of: "threads", with: "bare thread" },
  { row: MOVED, of: "processes", with: "bare child" },
  ...["`map`", "`submit`"].flatMap((way) => both(`CPU tasks of 0.5 ms, ${way}`, { with: "serial", speed: 1.9 })),
  ...["`map`", "`submit`"].flatMap((way) => both(`CPU tasks of 20 µs, ${way}`, { with: "serial", speed: 1.5 })),
  { row: ONE, of: "threads", with: "two bare threads", time: 1.1 },
  { row: ONE, of: "processes", with: "two bare threads", time: 1.2 },
  { row: TEN, of: "threads", with: "two bare threads", time: 1.1 },
  { row: TEN, of: "processes", with: "two bare threads", time: 1.2 },
  ...both(TEN, { with: "serial", speed: 1.6 }),
  { row: START, of: "threads", with: "bare thread", time: 1.3 },
  { row: START, of: "threads, npm package", with: "bare thread", time: 1.3 },
  { row: START, of: "processes", with: "bare child", time: 1.3 },
  { row: START, of: "processes, npm package", with: "bare child", time: 1.3 },
  ...["`map`", "`submit`"].flatMap((way): Target[] => {
    const row = `calls of 1 s and 10 µs mixed, ${way}`;
    return [
      { row, of: "threads", with: "one at a time, threads", time: 1.1 },
      { row, of: "processes", with: "one at a time, children", time: 1.1 },
    ];
  }),
];
