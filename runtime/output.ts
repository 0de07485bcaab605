/**
 * The output of workers on its way to the parent's own: whole lines at a time, in order, with back-pressure.
 *
 * ```text
 * child's pipe, thread's posts → bytes → [rest of a line] → whole lines → parent's stdout or stderr
 * ```
 */
import { clearTimeout, setBackgroundTimeout, setTimeout } from "./host_functions.ts";
import type { ChildOutput } from "./child.ts";
import { nodeProcess, type NodeWritable } from "./node_api.ts";
import type { WorkerExit } from "./runtime.ts";

const NEWLINE = 10;

/** A line that has no end yet is passed on in pieces of this many bytes: one without any must not fill the memory. */
const LONGEST_LINE = 1 << 20;

/**
 * Milliseconds without data, after a child's exit, at which its output is taken as ended: a process that the child
 * started may hold the pipe for ever. Longer would delay `shutdown` for every such program, shorter could lose lines
 * of a busy machine.
 */
const SILENCE_AFTER_EXIT = 100;

/** What prints: a child, or a thread. */
export interface Printer {
  /** Its standard output; `undefined` if that is ignored. */
  readonly stdout: ChildOutput | undefined;
  /** Its standard error; `undefined` if that is ignored. */
  readonly stderr: ChildOutput | undefined;
  /** Resolves when it has ended. */
  readonly exited: Promise<WorkerExit>;
}

/** Passes what a worker prints on; resolves when it has ended and nothing more can come. */
export async function relayOutput({ stdout, stderr, exited }: Printer): Promise<void> {
  const outputs: [ChildOutput | undefined, NodeWritable][] = [
    [stdout, nodeProcess().stdout],
    [stderr, nodeProcess().stderr],
  ];
  await Promise.all([exited, ...outputs.map(([output, target]) => output && new Relay(output, target, exited).done)]);
}

/** One output of a worker, on its way. */
class Relay {
  /** Resolves when it has ended, and all of it was taken. */
  readonly done: Promise<void>;
  readonly #output: ChildOutput;
  readonly #target: NodeWritable;
  readonly #lines = new LineBuffer();
  readonly #resolve: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasExited = false;
  #ended = false;
  /** Resolves when the target has taken all that was written so far. */
  #written: Promise<void> = Promise.resolve();
  /** Writes that the target has not taken, for which reading stands: a silence of ours, not of the child. */
  #awaited = 0;

  constructor(output: ChildOutput, target: NodeWritable, exited: Promise<unknown>) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.done = promise;
    this.#resolve = resolve;
    this.#output = output;
    this.#target = target;
    exited.then(() => {
      this.#hasExited = true;
      this.#waitForSilence();
    });
    output.listen((bytes) => this.#take(bytes), () => this.#end());
  }

  #take(bytes: Uint8Array): Promise<void> | undefined {
    const taken = this.#write(this.#lines.take(bytes));
    if (taken !== undefined) this.#awaited++;
    this.#waitForSilence();
    return taken?.then(() => {
      this.#awaited--;
      this.#waitForSilence();
    });
  }

  /** Writes; gives what is to be waited for before more is read. */
  #write(bytes: Uint8Array): Promise<void> | undefined {
    if (bytes.length === 0) return undefined;
    const { taken, isFull } = writeTo(this.#target, bytes);
    const before = this.#written;
    this.#written = taken.then(() => before);
    return isFull ? taken : undefined;
  }

  #waitForSilence(): void {
    clearTimeout(this.#timer);
    if (!this.#hasExited || this.#ended || this.#awaited > 0) return;
    this.#timer = setTimeout(() => {
      this.#output.stop();
      this.#end();
    }, SILENCE_AFTER_EXIT);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#write(this.#lines.flush());
    this.#written.then(this.#resolve);
  }
}

/** Milliseconds between two looks at whether a stream has written what it holds. */
const LOOK_INTERVAL = 20;

/**
 * Writes to an output of the program. Tests replace its `write`, to catch what is printed, and what they put there may call
 * nothing back and return nothing.
 *
 * @returns When it has taken the bytes, and whether nothing more is to be written before.
 */
function writeTo(target: NodeWritable, bytes: Uint8Array): { taken: Promise<void>; isFull: boolean } {
  const { promise: taken, resolve } = Promise.withResolvers<void>();
  let isTaken = false;
  function take(error?: Error | null): void {
    if (error) forgive(target);
    isTaken = true;
    resolve();
  }
  function look(): void {
    if (isTaken) return;
    if (target.writableLength > 0 && !target.destroyed) setBackgroundTimeout(look, LOOK_INTERVAL);
    else take();
  }
  // By the write's own end: after an error Bun emits neither 'drain' nor 'close', and each listener would be a leak.
  const isFull = target.write(bytes, take) === false;
  if (!isFull || target.writableLength > 0) look();
  // One that is full and says that it holds nothing is Bun's. It calls back, and drains; what a test put there may keep one of
  // the two from us.
  else if (!isTaken) onceDrained(target, taken, take);
  return { taken, isFull };
}

/** Outputs whose reader is gone, as that of `| head -1`. */
const forgiven = new WeakSet<NodeWritable>();

/** Drops what cannot be written any more, as the console does: else the 'error' that follows would end the program. */
function forgive(target: NodeWritable): void {
  if (forgiven.has(target)) return;
  forgiven.add(target);
  target.on("error", () => {});
}

/** Who waits for a stream's 'drain': by one listener for all, as a stream complains of many. */
const draining = new WeakMap<NodeWritable, Set<() => void>>();

/** Calls `fn` at the stream's next 'drain', unless it was `taken` before. */
function onceDrained(target: NodeWritable, taken: Promise<void>, fn: () => void): void {
  let waiting = draining.get(target);
  if (waiting === undefined) {
    const all = waiting = new Set();
    draining.set(target, all);
    target.once("drain", () => {
      draining.delete(target);
      for (const one of all) one();
    });
  }
  const own = waiting.add(fn);
  taken.then(() => own.delete(fn));
}

/** Cuts bytes into whole lines. */
class LineBuffer {
  /** Pieces of a line whose end has not come. */
  #rest: Uint8Array[] = [];
  #size = 0;

  /** Takes bytes; gives all whole lines that are there. */
  take(bytes: Uint8Array): Uint8Array {
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      this.#keep(bytes);
      return this.#size < LONGEST_LINE ? EMPTY : this.flush();
    }
    this.#keep(bytes.subarray(0, end));
    const whole = this.flush();
    if (end < bytes.length) this.#keep(bytes.subarray(end));
    return whole;
  }

  /** Gives what is left, whole line or not. */
  flush(): Uint8Array {
    if (this.#rest.length === 1) {
      const [only] = this.#rest;
      this.#rest = [];
      this.#size = 0;
      return only;
    }
    const joined = new Uint8Array(this.#size);
    let at = 0;
    for (const piece of this.#rest) {
      joined.set(piece, at);
      at += piece.length;
    }
    this.#rest = [];
    this.#size = 0;
    return joined;
  }

  #keep(bytes: Uint8Array): void {
    this.#rest.push(bytes);
    this.#size += bytes.length;
  }
}

const EMPTY = new Uint8Array(0);

/** How a worker ended, in words: `exit code 3`, `signal SIGKILL`. */
export function describeExit(exit: WorkerExit): string {
  return exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
}
