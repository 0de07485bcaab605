/**
 * The guide's example programs, X5 to X56, as a table: what each does, and what it prints. They are scaled down in time:
 * where the guide's programs sleep, these wait for latches, so that the order of what they print is one order.
 *
 * A program prints by `print`, and its tasks by the task `leaveMark`, both onto one screen, which is a file.
 */
import assert from "node:assert/strict";
import { asCompleted, CancelledError, type Executor, type Future, TimeoutError, wait } from "../mod.ts";
import { Arrivals, Latch, until } from "./harness.ts";
import { type Abilities, forEachKind, inKind, type Kind } from "./kinds.ts";
import { forEachKindTogether, range, rejection, reported, withPool } from "./pools.ts";
import * as tasks from "./tasks.ts";
import * as more from "./tasks_executor.ts";

/** What a program has around it. */
interface Stage {
  readonly kind: Kind;
  readonly pool: Executor;
  /** For files of its own. */
  readonly folder: string;
  /** Path of the screen, for tasks. */
  readonly screen: string;
  print(line: unknown): void;
  /** A latch of that name. */
  latch(name: string | number): Latch;
  /** Waits until so many lines are on the screen. */
  printed(lines: number): Promise<void>;
}

/** A program. */
interface Program {
  /** Its rows. */
  readonly rows: string;
  readonly title: string;
  readonly maxWorkers?: number;
  readonly needs?: Partial<Abilities>;
  /** It ends its pool; the others share theirs. */
  readonly ends?: true;
  readonly run: (stage: Stage) => Promise<void>;
  /** What it prints; the lines of an inner array come in any order. */
  readonly prints: readonly (string | readonly string[])[];
}

const DIGITS = range(10).map(String);

function status(name: string, future: Future<unknown>): string {
  return `${name} running=${future.running()}, cancelled=${future.cancelled()}, done=${future.done()}`;
}

const PROGRAMS: readonly Program[] = [
  {
    rows: "X5 E129",
    title: "map and wait",
    maxWorkers: 2,
    run: async ({ pool, print }) => {
      for await (const result of pool.map(tasks.identity, range(10))) print(result);
    },
    prints: DIGITS,
  },
  {
    rows: "X6 E25",
    title: "map with two iterables",
    run: async ({ pool, print }) => {
      for await (const pair of pool.map(tasks.echo, ["1", "2", "3"], ["a", "b", "c"])) print(pair);
    },
    prints: ["1,a", "2,b", "3,c"],
  },
  {
    rows: "X7 E24",
    title: "map without reading the results",
    ends: true,
    run: async ({ pool, screen, print }) => {
      pool.map(tasks.leaveMark, Array(5).fill(screen), range(5).map((index) => `Done: ${index}`));
      await pool.shutdown();
      print("All done!");
    },
    prints: [range(5).map((index) => `Done: ${index}`), "All done!"],
  },
  {
    rows: "X8 E130",
    title: "submit and use as completed",
    maxWorkers: 3,
    run: async ({ pool, print, latch }) => {
      const futures = range(3).map((index) => pool.submit(more.giveAfter, latch(index).path, index));
      const order = [2, 0, 1];
      latch(order.shift()!).open();
      for await (const future of asCompleted(futures)) {
        print(await future);
        const next = order.shift();
        if (next !== undefined) latch(next).open();
      }
    },
    prints: ["2", "0", "1"],
  },
  {
    rows: "X9 E131",
    title: "submit and use sequentially",
    maxWorkers: 2,
    run: async ({ pool, print }) => {
      const futures = range(10).map((index) => pool.submit(tasks.identity, index));
      for (const future of futures) print(await future.result());
    },
    prints: DIGITS,
  },
  {
    rows: "X10 E132",
    title: "submit and use a callback",
    ends: true,
    run: async ({ pool, print }) => {
      for (const index of range(10)) {
        pool.submit(tasks.identity, index).addDoneCallback((future) => void future.then(print));
      }
      await pool.shutdown();
      await null;
    },
    prints: [DIGITS],
  },
  {
    rows: "X11 E87 E89",
    title: "two callbacks for each future",
    ends: true,
    run: async ({ pool, print }) => {
      for (const index of range(10)) {
        const future = pool.submit(tasks.identity, index);
        future.addDoneCallback(() => print(`Callback 1: ${index}`));
        future.addDoneCallback(() => print(`Callback 2: ${index}`));
      }
      await pool.shutdown();
    },
    // One worker, so that the futures are done in order.
    prints: range(10).flatMap((index) => [`Callback 1: ${index}`, `Callback 2: ${index}`]),
  },
  {
    rows: "X12 E102 E133",
    title: "submit, and wait for all",
    maxWorkers: 2,
    run: async ({ pool, screen, print }) => {
      await wait(DIGITS.map((line) => pool.submit(tasks.leaveMark, screen, line)));
      print("All tasks are done!");
    },
    prints: [DIGITS, "All tasks are done!"],
  },
  {
    rows: "X13 E61 E110",
    title: "the same, by the end of the block",
    run: async ({ kind, screen, print }) => {
      {
        await using pool = kind.make({ maxWorkers: 1 });
        for (const line of DIGITS) pool.submit(tasks.leaveMark, screen, line);
      }
      print("All tasks are done!");
    },
    prints: [DIGITS, "All tasks are done!"],
  },
  {
    rows: "X14 E53 E110",
    title: "the same, by shutdown",
    maxWorkers: 2,
    ends: true,
    run: async ({ pool, screen, print }) => {
      for (const line of DIGITS) pool.submit(tasks.leaveMark, screen, line);
      await pool.shutdown();
      print("All tasks are done!");
    },
    prints: [DIGITS, "All tasks are done!"],
  },
  {
    rows: "X15 E57 E134",
    title: "submit, and wait for the first",
    maxWorkers: 2,
    ends: true,
    run: async ({ pool, folder, print, latch }) => {
      const started = new Arrivals(folder, "started");
      const futures = range(10).map((index) => pool.submit(tasks.meet, started.path, latch(index).path));
      await started.wait(2);
      latch(1).open();
      const { done } = await wait(futures, { returnWhen: "FIRST_COMPLETED" });
      for (const future of done) print(`The first is number ${futures.indexOf(future)}`);
      await pool.shutdown({ wait: false, cancelFutures: true });
      // S20: what was sent already goes on, and so may the next one, whose worker has become free.
      const cancelled = futures.filter((future) => future.cancelled());
      print(cancelled.length >= 7 && futures.slice(3).every((future) => future.cancelled()));
      for (const index of range(10)) latch(index).open();
    },
    prints: ["The first is number 1", "true"],
  },
  {
    rows: "X21 E46",
    title: "an initializer, two workers, ten tasks",
    run: async ({ kind, screen, print }) => {
      await using pool = kind.make({ maxWorkers: 2, initializer: more.markStart, initargs: [screen] });
      const gate = pool.map(more.meetAll, [`${screen}.gate`, `${screen}.gate`], [2, 2]);
      await gate.toArray();
      for await (const result of pool.map(tasks.identity, range(10))) print(result);
    },
    prints: ["initialized", "initialized", ...DIGITS],
  },
  {
    rows: "X22 E69",
    title: "status before and after",
    run: async ({ pool, screen, print, latch, printed }) => {
      const future = pool.submit(tasks.meet, screen, latch("go").path, "started");
      await printed(1);
      print(`Future running=${future.running()}, done=${future.done()}`);
      latch("go").open();
      await wait([future]);
      print(`Future running=${future.running()}, done=${future.done()}`);
    },
    prints: ["started", "Future running=true, done=false", "Future running=false, done=true"],
  },
  {
    rows: "X23 E71",
    title: "a result",
    run: async ({ pool, print }) => {
      const future = pool.submit(more.giveAfter, undefined, "all done");
      print(`Got Result: ${await future.result()}`);
    },
    prints: ["Got Result: all done"],
  },
  {
    rows: "X24 E72",
    title: "a result that is late",
    run: async ({ pool, print, latch }) => {
      const future = pool.submit(more.giveAfter, latch("go").path, "all done");
      try {
        await future.result(5);
      } catch (error) {
        print(error instanceof TimeoutError && "Gave up waiting for a result");
      }
      latch("go").open();
    },
    prints: ["Gave up waiting for a result"],
  },
  {
    rows: "X25 X50 E79 E83",
    title: "cancel a pending task",
    run: async ({ pool, screen, print, latch, printed }) => {
      const first = pool.submit(tasks.meet, screen, latch("go").path, "started");
      await printed(1);
      print(`First task running=${first.running()}`);
      const second = pool.submit(tasks.leaveMark, screen, "never");
      print(`Second task running=${second.running()}`);
      // Unlike the guide's, where it depends on how far the call has come (S9), it is always true here.
      print(`Second task was cancelled: ${second.cancel()}`);
      await wait([second]);
      print(status("Second task", second));
      latch("go").open();
    },
    prints: [
      "started",
      "First task running=true",
      "Second task running=false",
      "Second task was cancelled: true",
      "Second task running=false, cancelled=true, done=true",
    ],
  },
  {
    rows: "X26 E80",
    title: "cancel a running task",
    run: async ({ pool, screen, print, latch, printed }) => {
      const future = pool.submit(tasks.meet, screen, latch("go").path, "started");
      await printed(1);
      print(`Task running=${future.running()}`);
      print(`Task was cancelled: ${future.cancel()}`);
      latch("go").open();
      await wait([future]);
      print(status("Task", future));
    },
    prints: [
      "started",
      "Task running=true",
      "Task was cancelled: false",
      "Task running=false, cancelled=false, done=true",
    ],
  },
  {
    rows: "X27 E81",
    title: "cancel a done task",
    run: async ({ pool, print }) => {
      const future = pool.submit(more.nothing);
      await wait([future]);
      print(status("Task", future));
      print(`Task was cancelled: ${future.cancel()}`);
      print(status("Task", future));
    },
    prints: [
      "Task running=false, cancelled=false, done=true",
      "Task was cancelled: false",
      "Task running=false, cancelled=false, done=true",
    ],
  },
  {
    rows: "X28 E86",
    title: "a callback",
    ends: true,
    run: async ({ pool, screen, print }) => {
      pool.submit(tasks.leaveMark, screen, "Task is done").addDoneCallback(() => print("Custom callback was called"));
      await pool.shutdown();
    },
    prints: ["Task is done", "Custom callback was called"],
  },
  {
    rows: "X29 E91",
    title: "a callback of a cancelled task",
    run: async ({ pool, screen, print, latch, printed }) => {
      const first = pool.submit(tasks.meet, screen, latch("go").path, "started");
      await printed(1);
      print(`First task running=${first.running()}`);
      const second = pool.submit(tasks.leaveMark, screen, "never");
      print(`Second task running=${second.running()}`);
      second.addDoneCallback(() => print("Custom callback was called"));
      print(`Second task was cancelled: ${second.cancel()}`);
      latch("go").open();
    },
    prints: [
      "started",
      "First task running=true",
      "Second task running=false",
      "Custom callback was called",
      "Second task was cancelled: true",
    ],
  },
  {
    rows: "X30 X31 E70 E92 E106",
    title: "a task that throws, with a callback",
    run: async ({ pool, print }) => {
      const future = pool.submit(tasks.raise, "This is Fake!");
      future.addDoneCallback(() => print("Custom callback was called"));
      await wait([future]);
      print(status("Task", future));
      print(`Exception=${(await future.exception() as Error).message}`);
      try {
        await future.result();
      } catch {
        print("Unable to get the result");
      }
    },
    prints: [
      "Custom callback was called",
      "Task running=false, cancelled=false, done=true",
      "Exception=This is Fake!",
      "Unable to get the result",
    ],
  },
  {
    rows: "X32 E48 E50",
    title: "an initializer that throws",
    run: async ({ kind, print }) => {
      const options = { maxWorkers: 2, initializer: tasks.raise as () => never, initargs: ["Something bad happened!"] };
      await using pool = kind.make(options);
      print("made");
      const error = await rejection(pool.map(tasks.identity, range(10)).toArray()) as Error;
      print(`${error.name}: ${(error.cause as Error).message}`);
    },
    prints: ["made", "BrokenProcessPool: Something bad happened!"],
  },
  {
    rows: "X33 E113",
    title: "a task that handles its own error",
    run: async ({ pool, print }) => print(await pool.submit(more.handled)),
    prints: ["Unable to get the result"],
  },
  {
    rows: "X34 E73 E113",
    title: "the recipient catches",
    run: async ({ pool, print }) => {
      try {
        print(await pool.submit(tasks.raise, "Something bad happened!").result());
      } catch {
        print("Unable to get the result");
      }
    },
    prints: ["Unable to get the result"],
  },
  {
    rows: "X35 E74 E113",
    title: "the recipient asks",
    run: async ({ pool, print }) => {
      const exception = await pool.submit(tasks.raise, "Something bad happened!").exception();
      if (exception) print((exception as Error).message);
    },
    prints: ["Something bad happened!"],
  },
  {
    rows: "X36 E114 E115 E116",
    title: "a task that throws, by map",
    run: async ({ pool, print }) => {
      const error = await rejection(pool.map(tasks.raise, ["Something bad happened!"]).next()) as Error;
      print(error.message);
      print(/task raise in worker/.test(error.stack!));
    },
    prints: ["Something bad happened!", "true"],
  },
  {
    rows: "X37 E93 E94",
    title: "a callback that throws, and one that works",
    run: async ({ pool, print }) => {
      const future = pool.submit(more.giveAfter, undefined, "Task is done");
      future.addDoneCallback(() => {
        throw new Error("Something bad happened!");
      });
      future.addDoneCallback(() => print("Callback 2 called."));
      for (const [words, error] of await reported(() => wait([future]))) {
        print(`${words}: ${(error as Error).message}`);
      }
      print(await future.result());
    },
    prints: [
      "Callback 2 called.",
      "exception calling callback for <Future state=finished returned string>: Something bad happened!",
      "Task is done",
    ],
  },
  {
    rows: "X40 E159",
    title: "map of a task that was called",
    run: async ({ pool, print }) => {
      // Unlike Python's, the call itself does not fail for its missing argument; map refuses what it gives.
      const error = await rejection(Promise.resolve().then(() => pool.map(more.toText(undefined) as never, range(5))));
      print((error as Error).name);
    },
    prints: ["TypeError"],
  },
  {
    rows: "X41 E26",
    title: "map without an iterable",
    run: async ({ pool, print }) => {
      for await (const result of pool.map(more.toText as () => string)) print(result);
    },
    prints: [],
  },
  {
    rows: "X42 E95",
    title: "a callback without a parameter",
    run: async ({ pool, print }) => {
      const future = pool.submit(more.giveAfter, undefined, "Task is done");
      // Unlike in Python, that is no error in JavaScript.
      future.addDoneCallback(() => print("called"));
      print(await future.result());
    },
    prints: ["called", "Task is done"],
  },
  {
    rows: "X47 E135",
    title: "follow-up tasks, which start before the first round is over",
    maxWorkers: 2,
    run: async ({ pool, print, latch }) => {
      // The last task of the first round ends only when a follow-up has run.
      const last = latch("last").path;
      const first = [0.9, 0.1, 0.6, 0.3].map((value, index) =>
        pool.submit(more.giveAfter, index === 3 ? last : undefined, value)
      );
      const second: Future<unknown>[] = [];
      for await (const future of asCompleted(first)) {
        const value = await future.result() as number;
        print(`Task 1: ${value}`);
        if (value > 0.5) second.push(pool.submit(more.open, last, value));
      }
      for await (const future of asCompleted(second)) print(`Task 2: ${await future.result()}`);
    },
    prints: [["Task 1: 0.9", "Task 1: 0.1", "Task 1: 0.6", "Task 1: 0.3"], ["Task 2: 0.9", "Task 2: 0.6"]],
  },
  {
    rows: "X48 E137",
    title: "progress, a dot for each task",
    ends: true,
    run: async ({ pool, print }) => {
      for (const index of range(20)) pool.submit(tasks.identity, index).addDoneCallback(() => print("."));
      await pool.shutdown();
      print("Done!");
    },
    prints: [...Array(20).fill("."), "Done!"],
  },
  {
    rows: "X49 E125 E126",
    title: "how many tasks remain",
    maxWorkers: 2,
    run: async ({ pool, print, latch }) => {
      const futures = range(6).map((index) => pool.submit(more.giveAfter, latch(index).path, index));
      print("Waiting for tasks to complete...");
      let next = 0;
      latch(next++).open();
      for await (const _ of asCompleted(futures)) {
        print(`About ${pool.pendingCount} tasks remain`);
        latch(next++).open();
      }
    },
    prints: ["Waiting for tasks to complete...", ...range(6).map((done) => `About ${5 - done} tasks remain`)],
  },
  {
    rows: "X51 X52 X53 E144",
    title: "the task's process is not the master's",
    needs: { processes: true },
    run: async ({ pool, print }) => {
      const [master, worker] = [tasks.workerId(), await pool.submit(tasks.workerId)];
      print(master === worker);
      print(`Result is ${await pool.submit(tasks.sleep, 5)}`);
    },
    prints: ["false", "Result is 5"],
  },
  {
    rows: "X54 E17",
    title: "three arguments",
    run: async ({ pool, print }) => print(`Result is ${await pool.submit(more.slowAdd, 1, 6, 7).result()}`),
    prints: ["Result is 13"],
  },
  {
    rows: "X55 E179 E19",
    title: "two futures in parallel",
    maxWorkers: 2,
    run: async ({ pool, print, latch }) => {
      // "Just over one second" for two tasks of one second: the first ends only when the second has begun.
      const [one, two] = [
        pool.submit(more.giveAfter, latch("go").path, 13),
        pool.submit(more.open, latch("go").path, 5),
      ];
      print(`Result one is ${await one.result()}`);
      print(`Result two is ${await two.result()}`);
    },
    prints: ["Result one is 13", "Result two is 5"],
  },
  {
    rows: "X56 E143",
    title: "five tasks, polled until they are done",
    maxWorkers: 2,
    run: async ({ pool, print }) => {
      const futures: Future<number>[] = [[3, 6, 7], [2, 1, 2], [1, 4, 5], [5, 3, 4]].map(([time, x, y]) =>
        pool.submit(more.slowAdd, time, x, y)
      );
      futures.push(pool.submit(tasks.raise, "Called broken function", "RangeError"));
      await until("all are done", () => futures.every((future) => future.done()));
      for (const [index, future] of futures.entries()) {
        const exception = await future.exception() as Error | undefined;
        if (exception) {
          print(`Task ${index} failed!`);
          print(`Error = ${exception.name} : ${exception.message}`);
        } else print(`Task ${index} was successful. Result is ${await future.result()}`);
      }
    },
    prints: [
      "Task 0 was successful. Result is 13",
      "Task 1 was successful. Result is 3",
      "Task 2 was successful. Result is 9",
      "Task 3 was successful. Result is 7",
      "Task 4 failed!",
      "Error = RangeError : Called broken function",
    ],
  },
  {
    rows: "E139",
    title: "stopping: cancel all that is queued, then shut down",
    maxWorkers: 2,
    ends: true,
    run: async ({ pool, screen, print, latch, printed }) => {
      const futures = range(50).map(() => pool.submit(tasks.meet, screen, latch("stop").path, "running"));
      await printed(2);
      print(`cancelled ${futures.filter((future) => future.cancel()).length}`);
      latch("stop").open();
      await pool.shutdown();
      const errors = await Promise.all(futures.map((future) => future.result().then(() => null, (error) => error)));
      print(`not done ${errors.filter((error) => error instanceof CancelledError).length}`);
    },
    prints: ["running", "running", "cancelled 48", "not done 48"],
  },
];

for (const program of PROGRAMS) {
  const register = program.ends ? forEachKind : forEachKindTogether;
  register(
    `${program.rows}: ${program.title}`,
    (kind) =>
      withPool(kind, { maxWorkers: program.maxWorkers ?? 1 }, async (pool, folder) => {
        const screen = new Arrivals(folder, "screen");
        await program.run({
          kind,
          folder,
          pool,
          screen: screen.path,
          print: (line) => screen.arrive(String(line)),
          latch: (name) => new Latch(folder, `latch-${name}`),
          printed: (lines) => screen.wait(lines),
        });
        const prints = program.prints.map((part) => typeof part === "string" ? inKind(kind, part) : part);
        assert.deepEqual(grouped(screen.lines, prints), grouped(prints.flat(), prints));
      }),
    { needs: program.needs },
  );
}

/** The lines, sorted within the groups that come in any order; what is too much comes last. */
function grouped(lines: readonly string[], prints: Program["prints"]): readonly (readonly string[])[] {
  const rest = [...lines];
  const groups = prints.map((part) => rest.splice(0, typeof part === "string" ? 1 : part.length).sort());
  return [...groups, rest];
}
