/**
 * Pools beside the host's bare primitives, on the runtime that runs this: `deno run -A`, `bun` or `node`.
 *
 *     --only=text     the rows whose name holds that text; several by commas
 *     --quick         a short form that shows that all works, and measures nothing
 *     --json          JSON instead of a Markdown table
 *     --into=file     also puts the rows into a file of results, in the place of what it has of the same names
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { isMain } from "../mod.ts";
import { hostName, type Measured, measureRow, type Results } from "./harness.ts";
import { closeShared } from "./kinds.ts";
import { ROWS } from "./rows.ts";
import { markdown } from "./tables.ts";

interface Flags {
  readonly only: readonly string[];
  readonly quick: boolean;
  readonly json: boolean;
  readonly into?: string;
}

function parse(words: readonly string[]): Flags {
  const flags = new Map<string, string>();
  for (const word of words) {
    const [, name, value] = /^--(only|quick|json|into)(?:=(.+))?$/.exec(word) ?? [];
    if (name === undefined) throw new Error(`Cannot understand ${word}`);
    flags.set(name, value ?? "");
  }
  return {
    only: (flags.get("only") ?? "").split(","),
    quick: flags.has("quick"),
    json: flags.has("json"),
    into: flags.get("into"),
  };
}

/** The results with those that a file has already, in the order of the rows. */
function withOlder(file: string, results: Results): Results {
  if (!existsSync(file)) return results;
  const older = JSON.parse(readFileSync(file, "utf8")) as Results;
  const all = { ...older.rows, ...results.rows };
  const known = ROWS.map(({ name }) => name).filter((name) => name in all);
  return { ...results, rows: Object.fromEntries(known.map((name) => [name, all[name]])) };
}

/** Four digits are more than is known. */
function rounded(measured: Measured): Measured {
  const times = Object.entries(measured.times).map(([name, all]) => [name, all.map((time) => +time.toPrecision(4))]);
  return { ...measured, times: Object.fromEntries(times) };
}

async function main({ only, quick, json, into }: Flags): Promise<void> {
  const rows: Record<string, Measured> = {};
  for (const row of ROWS.filter(({ name }) => only.some((text) => name.includes(text)))) {
    rows[row.name] = rounded(await measureRow(row, quick));
  }
  await closeShared();
  const results = { host: hostName(), date: new Date().toISOString().slice(0, 10), rows };
  if (json) console.log(JSON.stringify(results, null, 2));
  else console.log(markdown(results));
  if (into) writeFileSync(into, JSON.stringify(withOlder(into, results)) + "\n");
}

if (isMain(import.meta)) await main(parse(process.argv.slice(2)));
