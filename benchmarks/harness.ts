/**
 * What the benchmarks stand on: measures the contestants of a row in turn, and knows medians, ratios and durations.
 *
 * A round runs each contestant once, forwards and backwards by turns, and ratios are taken within a round and their
 * median is shown: so what else a shared machine does in those seconds falls on all of them alike. It is for work of some
 * 100 ms and more, whole floods and maps, which mitata would run far too often; short work (a round trip, the codec)
 * is measured by mitata's `measure`.
 */
import process from "node:process";

/** One way to do the work of a row. */
export interface Contestant {
  readonly name: string;
  /** Does the work once. What it resolves with, if a number, are its milliseconds; else all of its time counts. */
  run(): Promise<number | void>;
  /** Ends its workers. */
  close?(): Promise<unknown>;
  /** What it found beside times; read at the end. */
  readonly found?: Record<string, number>;
}

/** A piece of work that several contestants do. */
export interface Row {
  readonly name: string;
  /** How many calls (items, bytes) a run is of, in full and in the short form. */
  readonly count: number;
  readonly quick: number;
  /** What `count` counts. */
  readonly unit: string;
  /** Rounds that are measured; one in the short form. */
  readonly rounds: number;
  /** Whether a round that is not measured comes first; never in the short form, which measures nothing. */
  readonly warm: boolean;
  /** Makes the contestants. */
  open(count: number, quick: boolean): Contestant[] | Promise<Contestant[]>;
}

/** What was measured of a row. */
export interface Measured {
  readonly count: number;
  readonly unit: string;
  /** Milliseconds of each round, by contestant; those of one place were measured in one round. */
  readonly times: Record<string, number[]>;
  /** What contestants found beside times. */
  readonly found?: Record<string, Record<string, number>>;
}

/** What was measured on one host. */
export interface Results {
  /** Name and version. */
  readonly host: string;
  /** The day, as 2026-11-21. */
  readonly date: string;
  readonly rows: Record<string, Measured>;
}

/** Measures a row. */
export async function measureRow(row: Row, quick: boolean): Promise<Measured> {
  const count = quick ? row.quick : row.count;
  const contestants = await row.open(count, quick);
  const times: Record<string, number[]> = Object.fromEntries(contestants.map(({ name }) => [name, []]));
  try {
    if (row.warm && !quick) { for (const contestant of contestants) await contestant.run(); }
    for (let round = 0; round < (quick ? 1 : row.rounds); round++) {
      for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) {
        times[contestant.name].push(await timed(() => contestant.run()));
      }
    }
  } finally {
    for (const contestant of contestants) await contestant.close?.();
  }
  const found = Object.fromEntries(contestants.filter(({ found }) => found).map(({ name, found }) => [name, found!]));
  return { count, unit: row.unit, times, ...(Object.keys(found).length > 0 ? { found } : {}) };
}

/** Milliseconds of `run`, or what it says they are. */
export async function timed(run: () => Promise<number | void>): Promise<number> {
  const start = performance.now();
  const own = await run();
  return own ?? performance.now() - start;
}

/** The middle one. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1];
}

/**
 * How much faster `name` was than `other`: the median of the rounds, or the ratio of medians if the rounds are not the
 * same, as with Python's.
 *
 * @returns 2 for half the time; `undefined` if one of them was not measured.
 */
export function speed(
  times: Readonly<Record<string, readonly number[]>>,
  name: string,
  other: string,
): number | undefined {
  const [own, others] = [times[name], times[other]];
  if (own === undefined || others === undefined) return undefined;
  if (own.length !== others.length) return median(others) / median(own);
  return median(own.map((time, round) => others[round] / time));
}

/** Milliseconds in words. */
export function duration(milliseconds: number): string {
  if (milliseconds < 0.01) return `${(milliseconds * 1e3).toFixed(2)} µs`;
  if (milliseconds < 1) return `${(milliseconds * 1e3).toFixed(0)} µs`;
  if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
  return milliseconds < 10_000 ? `${milliseconds.toFixed(0)} ms` : `${(milliseconds / 1e3).toFixed(1)} s`;
}

/** So many of something per second, in words. */
export function rate(count: number, milliseconds: number): string {
  const each = count / milliseconds * 1e3;
  return each < 1e6 ? `${(each / 1e3).toFixed(each < 1e4 ? 1 : 0)} k/s` : `${(each / 1e6).toFixed(2)} M/s`;
}

/** Lines of a Markdown table; columns but the first `left` ones are aligned to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], left = 1): string[] {
  const lines = [head, head.map((_, column) => column < left ? "---" : "---:"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`);
}

/** The runtime that runs this, and its version. */
export function hostName(): string {
  const { deno, bun, node } = process.versions as Record<string, string | undefined>;
  return deno ? `Deno ${deno}` : bun ? `Bun ${bun}` : `Node ${node}`;
}
