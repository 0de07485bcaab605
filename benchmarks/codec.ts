/**
 * The codec beside what else turns values into bytes or copies: `node:v8`, npm's `msgpackr` with `structuredClone`,
 * `JSON`, and the platform's `structuredClone`. Prints a table of ratios for the runtime that runs it.
 *
 * Run it by `deno run -A`, `bun` or `node`; `--only=text` measures only the rows whose name holds that text, and `--quick`
 * is a short form that shows that all works. All
 * contestants of a row are measured in turn, round by round, and what is compared is the lower quartile of the best round
 * of each: most of what else a shared machine does falls out of it. A ratio below 1 says that the codec takes less time.
 */
import process from "node:process";
import { deserialize, serialize } from "node:v8";
import { do_not_optimize, measure } from "mitata";
import { Packr } from "msgpackr";
import { ByteWriter } from "../channel/byte_writer.ts";
import { decodeList, decodeValue, encodeList, encodeValue } from "../channel/codec.ts";
import { ownSegments } from "../channel/segments.ts";
import "../runtime/mod.ts"; // hands the codec what it needs of the host
import { duration, hostName, table } from "./harness.ts";

const ROUNDS = 6;
/** Nanoseconds of measuring per contestant and round, beside a dozen runs at least. */
const BUDGET = 40e6;

/** One that copies a value by way of bytes, or otherwise. */
type Copier = (value: unknown) => unknown;

const writer = new ByteWriter();
const packr = new Packr({ structuredClone: true });

function encodeOnly(value: unknown): number {
  writer.begin();
  encodeValue(writer, value, "value", "argument");
  const size = writer.length - writer.start;
  writer.end();
  return size;
}

function codec(value: unknown): unknown {
  writer.begin();
  encodeValue(writer, value, "value", "argument");
  const copy = decodeValue(writer.bytes, writer.start, writer.length);
  writer.end();
  return copy;
}

/** Calls as the engine sends them: a list for each, one behind the other, and neither numbers nor tasks among the values. */
function callsAsLists(batch: unknown): number {
  let count = 0;
  for (const { args } of batch as Call[]) {
    writer.begin();
    encodeList(writer, args, String, "argument");
    count += decodeList(writer.bytes, writer.start, writer.length).length;
  }
  return count;
}

/** With buffers beside the bytes: their copy at `submit` is the only one. */
function codecWithSegments(value: unknown): unknown {
  const beside = new ByteWriter();
  beside.segments = [];
  encodeValue(beside, value, "value", "argument");
  return decodeValue(beside.bytes, beside.start, beside.length, [...ownSegments(beside.takeSegments())]);
}

/** The others, in the order of the columns. */
const OTHERS: Readonly<Record<string, Copier>> = {
  "node:v8": (value) => deserialize(serialize(value)),
  msgpackr: (value) => packr.unpack(packr.pack(value)),
  JSON: (value) => JSON.parse(JSON.stringify(value)),
  structuredClone: (value) => structuredClone(value),
};

/** A row of the table. */
interface Row {
  readonly value: unknown;
  /** What is measured; `codec`, there and back, unless given. */
  readonly ours?: Copier;
  /** Contestants that cannot take part. */
  readonly without?: readonly string[];
  /** Contestants that do something else in this row. */
  readonly others?: Readonly<Record<string, Copier>>;
}

/** A number of strings as programs have them. */
function words(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `word ${(i * 2654435761 >>> 0).toString(36)}`);
}

interface Call {
  readonly id: number;
  readonly args: unknown[];
}

/** The calls of a batch: a number, and arguments of a few kinds. */
function calls(count: number): Call[] {
  return Array.from({ length: count }, (_, id) => ({ id, args: [id * 7, `item ${id}`] }));
}

const NESTED = { id: 17, user: { name: "Ada Lovelace", tags: ["admin", "author"] }, size: { width: 3, height: 4.5 } };

const ROWS: Readonly<Record<string, Row>> = {
  "small object `{ id, a: [1, 2] }`": { value: { id: 1, a: [1, 2] } },
  "small nested object": { value: NESTED },
  "1,000 calls `{ id, args }`, as the engine sends them": { value: calls(1000), ours: callsAsLists },
  "1,000 objects `{ id, args }` in one array": { value: calls(1000) },
  "10,000 strings": { value: words(10_000) },
  "100,000 numbers, small integers": { value: Array.from({ length: 100_000 }, (_, i) => i % 1000) },
  "100,000 numbers, integers": { value: Array.from({ length: 100_000 }, (_, i) => (i * 2654435761) | 0) },
  "100,000 numbers, doubles": { value: Array.from({ length: 100_000 }, (_, i) => i / 7) },
  "8 MB Float64Array, and its copy": {
    value: new Float64Array(1 << 20).fill(0.1),
    ours: codecWithSegments,
    without: ["JSON"],
  },
  "8 MB Float64Array, and its copy (`/ structuredClone` is `/ buffer.slice()` here)": {
    value: new Float64Array(1 << 20).fill(0.1),
    ours: codecWithSegments,
    without: ["node:v8", "msgpackr", "JSON"],
    others: { structuredClone: (value) => (value as Float64Array).buffer.slice(0) },
  },
  "check and copy of a small nested object (encode only)": { value: NESTED, ours: encodeOnly },
};

/** Nanoseconds of each contestant, in the best of its rounds. */
async function times(
  value: unknown,
  contestants: Readonly<Record<string, Copier>>,
  quick: boolean,
): Promise<Map<string, number>> {
  const measured = new Map<string, number[]>(Object.keys(contestants).map((name) => [name, []]));
  const options = quick ? { min_cpu_time: 1, min_samples: 2, batch_samples: 2 } : { min_cpu_time: BUDGET };
  for (let round = 0; round < (quick ? 1 : ROUNDS); round++) {
    for (const [name, copy] of Object.entries(contestants)) {
      const { p25 } = await measure(() => do_not_optimize(copy(value)), options);
      measured.get(name)!.push(p25);
    }
  }
  return new Map(Array.from(measured, ([name, rounds]) => [name, Math.min(...rounds)]));
}

/** Nanoseconds in words. */
function time(nanoseconds: number): string {
  return nanoseconds < 1e4 ? `${(nanoseconds / 1e3).toFixed(2)} µs` : duration(nanoseconds / 1e6);
}

async function main(only: string, quick: boolean): Promise<void> {
  const rows = Object.entries(ROWS).filter(([name]) => name.includes(only));
  const names = Object.keys(OTHERS);
  // All kinds of values once, so that no row is measured with a codec that has seen that one shape alone.
  for (const { value, ours = codec } of Object.values(ROWS)) for (let i = 0; i < (quick ? 1 : 20); i++) ours(value);
  console.log(`${hostName()}: the codec's time, and its ratio to that of each other (below 1: the codec is faster)\n`);
  const lines: string[][] = [];
  for (const [name, { value, ours = codec, without = [], others }] of rows) {
    const all = Object.entries({ codec: ours, ...OTHERS, ...others });
    const measured = await times(value, Object.fromEntries(all.filter(([other]) => !without.includes(other))), quick);
    const own = measured.get("codec")!;
    const ratios = names.map((other) => without.includes(other) ? "" : (own / measured.get(other)!).toFixed(2));
    lines.push([name, time(own), ...ratios]);
  }
  console.log(table(["value", "codec", ...names.map((name) => `/ ${name}`)], lines).join("\n"));
}

const flags = process.argv.slice(2);
await main(flags.find((flag) => flag.startsWith("--only="))?.slice("--only=".length) ?? "", flags.includes("--quick"));
