/**
 * The crash table: what becomes of a call, of the others and of the pool, by *where* a worker goes wrong and *how*.
 * `crash_table_test.ts` tries each cell, and holds that `docs/faults.md` shows these very rows.
 */
import { type Way, WAYS } from "./crash_ways.ts";

/** Places of a worker's life. */
export const PLACES = [
  "importing the task's module",
  "decoding the call",
  "running",
  "running, after an await",
  "encoding the result",
  "sending a big result",
  "idle",
  "starting",
  "in the initializer",
  "running, during shutdown",
  "leaving, at the pool's end",
] as const;
/** One of {@linkcode PLACES}. */
export type Where = typeof PLACES[number];

/** What can become of it; in all of these every other call is run, and the pool works on, unless the words say otherwise. */
export const OUTCOMES = {
  "its error": "The call fails with that error. The worker goes on.",
  "`PicklingError`":
    "The call fails with a `PicklingError` that says where, with that error as its cause. The worker goes on.",
  "`TaskNotFoundError`": "The call fails with a `TaskNotFoundError`, with that error as its cause. The worker goes on.",
  "its result": "The call has its result. The worker goes on.",
  "its result, worker replaced": "The call has its result, for that was out of the worker. The worker is replaced.",
  "lost": "The call fails with a `WorkerLostError` whose `mayHaveRun` is `true`. The worker is replaced.",
  "lost, not run": "The call fails with a `WorkerLostError` whose `mayHaveRun` is `false`. The worker is replaced.",
  "no call harmed": "No call is harmed, and nothing is reported. If a call needs the worker it is replaced.",
  "reported": "No call is harmed. The error is printed once, by `console.error`. The worker is replaced.",
  "tried again":
    "No call is harmed. The start is tried again; three failures in a row, with no other worker alive, break the pool.",
  "pool broken":
    "The pool is broken: all calls fail with a `BrokenProcessPool` or `BrokenThreadPool`, whose cause is that error.",
  "program ends": "The whole program ends.",
  "program may end":
    "On Deno and Bun the whole program ends. On Node it ends, or the thread alone: then as by an exit.",
  "no such thing": "Deno does not tell a thread of its end, so nothing of a task's runs there.",
} as const;
/** One of {@linkcode OUTCOMES}. */
export type Outcome = keyof typeof OUTCOMES;

/** What is said beside an outcome: the worker goes on until it is ended. */
export const ENDINGS = {
  "once killed":
    "It lasts until the worker is killed: from outside, by `killWorkers()`, and while a call runs by `taskTimeout`, a `signal` or `cancel({ force: true })`.",
  "after a minute": "The pool kills a worker that has not said hello after a minute.",
  "after 5 s": "The pool kills a worker that has nothing to do and does not go within 5 seconds.",
} as const;

/** An outcome, with its ending if it has one; where a runtime differs, that of each. */
export type Cell = string | { readonly deno: string; readonly bun: string; readonly node: string };

type Row = readonly Cell[];

/** A row whose ends by themselves, of the worker, all have one outcome. */
function row(thrown: Cell, died: Cell, more: Partial<Record<Way, Cell>>): Row {
  return WAYS.map((way) => more[way] ?? (way === "throw" || way === "stack overflow" ? thrown : died));
}

/** Cells of two ways that have nothing to do with the place. */
function calls(thrown: Outcome, died: Outcome): Row {
  return row(thrown, died, { "endless loop": `${died}, once killed`, "stdout flooded": "its result" });
}

const PROCESSES: Readonly<Record<Where, Row>> = {
  "importing the task's module": calls("`TaskNotFoundError`", "lost, not run"),
  "decoding the call": calls("`PicklingError`", "lost, not run"),
  "running": calls("its error", "lost"),
  "running, after an await": calls("its error", "lost"),
  "encoding the result": calls("`PicklingError`", "lost"),
  "sending a big result": calls("its result, worker replaced", "lost"),
  "idle": row("reported", "no call harmed", { "endless loop": "no call harmed, once killed" }),
  "starting": row("tried again", "tried again", {
    "endless loop": "tried again, after a minute",
    "stdout flooded": "its result",
  }),
  "in the initializer": calls("pool broken", "tried again"),
  "running, during shutdown": calls("its error", "lost"),
  "leaving, at the pool's end": row("no call harmed", "no call harmed", {
    "endless loop": "no call harmed, after 5 s",
  }),
};

/** That of processes, but for what a thread cannot do. */
function ofThreads(where: Where): Row {
  return WAYS.map((way): Cell => {
    if (way === "SIGKILL") return "program ends";
    if (way === "heap exhausted") return "program may end";
    if (where === "sending a big result" && way !== "stdout flooded") return "its result, worker replaced";
    // A thread may not abort, and is told so by an error.
    const cell = PROCESSES[where][WAYS.indexOf(way === "abort" ? "throw" : way)] as string;
    return where === "leaving, at the pool's end" ? { deno: "no such thing", bun: cell, node: cell } : cell;
  });
}

/** The table of each kind. */
export const CRASHES: Readonly<Record<"process" | "thread", Readonly<Record<Where, Row>>>> = {
  process: PROCESSES,
  thread: Object.fromEntries(PLACES.map((where) => [where, ofThreads(where)])) as Record<Where, Row>,
};

/** How a page shows a cell. */
export function textOf(cell: Cell): string {
  if (typeof cell === "string") return cell;
  const { deno, bun, node } = cell;
  return bun === node ? `${node}; on Deno ${deno}` : `${node}; on Bun ${bun}; on Deno ${deno}`;
}

/** The rows of a kind, as a page shows them. */
export function rowsOf(kind: "process" | "thread"): string[][] {
  return PLACES.map((where) => [where, ...CRASHES[kind][where].map(textOf)]);
}

/** A table as Markdown; `deno fmt` puts its columns under each other. */
export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
