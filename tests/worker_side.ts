/**
 * What the tasks of the tests can do with their worker, be it a process or a thread. Workers import this file, and nothing
 * here imports the harness, which gives each thread a word of shared memory: `THREAD_*` says what stands in it.
 */

interface Host {
  readonly Deno?: { exit(code: number): void };
  /** Ends a thread on Deno; the other hosts have no such function. */
  readonly close?: () => void;
  readonly process: {
    readonly pid: number;
    exit(code: number): void;
    kill(pid: number, signal: string): void;
    getBuiltinModule(name: string): unknown;
  };
}

const host = globalThis as unknown as Host;
// As they are now: some tasks of the tests spoil what they find.
const { process } = host;
const { isMainThread, threadId, workerData } = process.getBuiltinModule("node:worker_threads") as {
  readonly isMainThread: boolean;
  readonly threadId: number;
  readonly workerData: { readonly ergateTest?: SharedArrayBuffer } | null;
};

/** The thread runs. */
export const THREAD_LIVES = 0;
/** The thread wants to be ended from outside; it writes this itself. */
export const THREAD_ASKS = 1;
/** The host has told of the thread's end. What still runs in it then must end by itself: Deno cannot stop a loop. */
export const THREAD_IS_OVER = 2;

const word = new Int32Array(!isMainThread && workerData?.ergateTest || new SharedArrayBuffer(4));

/** The worker's number, which no other worker of the test has: the process id of a process, the number of a thread. */
export const WORKER_ID: number = isMainThread ? process.pid : threadId;

/** Whether this is a thread that is over and done for. */
export function isOver(): boolean {
  return Atomics.load(word, 0) === THREAD_IS_OVER;
}

/** Never ends by itself, and lets nothing else of its worker go on. */
export function loop(): never {
  while (!isOver());
  throw new Error("This thread was ended");
}

/**
 * Ends its worker; never goes on.
 *
 * @param how `exit 3`, by `process.exit()`; `host exit 3`, by the host's own function; `close`, by `self.close()` where there
 * is one; `kill`, as from outside and at once: a signal to a process, `terminate()` of a thread; or a signal's name.
 */
export function die(how: string): never {
  const [, by, code] = /^(exit|host exit) (\d+)$/.exec(how) ?? [how, how, 0];
  if (by === "exit") process.exit(Number(code));
  else if (by === "host exit") (host.Deno?.exit ?? process.exit)(Number(code));
  else if (by === "close") (host.close ?? (() => process.exit(0)))();
  else if (isMainThread) process.kill(process.pid, by === "kill" ? "SIGKILL" : by);
  else if (by === "kill") {
    Atomics.store(word, 0, THREAD_ASKS);
    Atomics.notify(word, 0);
  } else throw new Error(`A thread cannot end by ${how}: that would end the tests`);
  loop();
}
