/** Results as Markdown. */
import { duration, type Measured, median, rate, type Results, speed, table } from "./harness.ts";
import { type Target, TARGETS } from "./targets.ts";

/** The time of a contestant, and its rate where there are many calls. */
function cell({ count, unit, times }: Measured, name: string): string {
  if (times[name] === undefined) return "";
  const time = median(times[name]);
  if (count === 1) return duration(time);
  return unit === "bytes"
    ? `${duration(time)}, ${(count / time / 1e6).toFixed(1)} GB/s`
    : `${duration(time)}, ${rate(count, time)}`;
}

/** Everything that was measured on one host, the best time beside the median. */
export function markdown({ host, date, rows }: Results): string {
  const lines = Object.entries(rows).flatMap(([row, measured]) =>
    Object.entries(measured.times).map(([name, times], index) => {
      const found = Object.entries(measured.found?.[name] ?? {}).map(([what, value]) => `${value} ${what}`).join(", ");
      return [index === 0 ? title(row, measured) : "", name, cell(measured, name), duration(Math.min(...times)), found];
    })
  );
  return [`${host}, ${date}`, "", ...table(["work", "by", "median", "best", "also"], lines, 2)].join("\n");
}

function title(row: string, { count, unit }: Measured): string {
  return count === 1 ? row : `${row}: ${count.toLocaleString("en")} ${unit}`;
}

/** All contestants of all rows, a column for each host; Python's are in each row's last lines. */
export function allTimes(hosts: readonly Results[], python: Results | undefined): string[] {
  const lines: string[][] = [];
  for (const row of new Set(hosts.flatMap(({ rows }) => Object.keys(rows)))) {
    const measured = hosts.map(({ rows }) => rows[row]);
    const some = measured.find((each) => each !== undefined)!;
    const names = new Set(measured.flatMap((each) => Object.keys(each?.times ?? {})));
    for (const name of names) {
      lines.push([
        lines.at(-1)?.[0] === row ? "" : row,
        name,
        ...measured.map((each) => each === undefined ? "" : cell(each, name)),
        "",
      ]);
    }
    const theirs = python?.rows[row];
    for (const name of Object.keys(theirs?.times ?? {})) {
      lines.push([row, name, ...hosts.map(() => ""), cell(theirs!, name)]);
    }
    const first = lines.findIndex((line) => line[0] === row);
    for (const [index, line] of lines.entries()) if (line[0] === row) line[0] = index === first ? title(row, some) : "";
  }
  return table(["work", "by", ...hosts.map(({ host }) => host), python?.host ?? "CPython"], lines, 2);
}

/** What is wanted and what was measured, a column for each host; what misses is bold. */
export function targetTable(hosts: readonly Results[], python: Results | undefined): string[] {
  const lines = TARGETS.map((target) => [
    target.row,
    target.of,
    wanted(target),
    ...hosts.map(({ rows }) => reached(target, rows[target.row], python?.rows[target.row])),
  ]);
  for (const [index, line] of lines.entries().toArray().toReversed()) {
    if (lines[index - 1]?.[0] === line[0]) line[0] = "";
  }
  return table(["work", "by", "wanted", ...hosts.map(({ host }) => host)], lines, 3);
}

function wanted({ with: other, speed, time, rate: each }: Target): string {
  if (each !== undefined) return `${each / 1e3} k/s`;
  const name = other!.includes("PoolExecutor") || other === "Pool" ? `CPython's \`${other}\`` : other;
  if (speed !== undefined) return `≥ ${speed} × the speed of ${name}`;
  return time === undefined ? `time / ${name}` : `≤ ${time} × the time of ${name}`;
}

function reached(target: Target, measured: Measured | undefined, python: Measured | undefined): string {
  const own = measured?.times[target.of];
  if (own === undefined) return "";
  if (target.rate !== undefined) {
    return mark(rate(measured!.count, median(own)), measured!.count / median(own) * 1e3 >= target.rate);
  }
  // Python may have run fewer of them: its times are scaled. It has a serial run of its own, which is none of ours.
  const scale = measured!.count / (python?.count ?? 1);
  const theirs = Object.entries(python?.times ?? {}).map(([name, all]) => [name, all.map((time) => time * scale)]);
  const ratio = speed({ ...Object.fromEntries(theirs), ...measured!.times }, target.of, target.with!);
  if (ratio === undefined) return "";
  if (target.speed !== undefined) return mark(digits(ratio), ratio >= target.speed);
  return target.time === undefined ? digits(1 / ratio) : mark(digits(1 / ratio), 1 / ratio <= target.time);
}

function digits(ratio: number): string {
  return ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(0);
}

function mark(text: string, good: boolean): string {
  return good ? text : `**${text}**`;
}
