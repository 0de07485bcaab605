/**
 * The output of workers on its way to the parent's own: whole lines at a time, in order, with back-pressure.
 *
 * ```text
 * child's pipe, thread's posts → bytes → [rest of a line] → whole lines → parent's stdout or stderr
 * ```
 */
import { clearTimeout, setTimeout } from "./host_functions.ts";
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
  await Promise.all([exited, ...outputs.map(([output, target]) => output && relay(output, target, exited))]);
}

function relay(output: ChildOutput, target: NodeWritable, exited: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const lines = new LineBuffer();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let hasExited = false;
    let ended = false;
    /** The last write to the target; it is done when those before it are. */
    let written: Promise<void> = Promise.resolve();
    /** Writes that the target has not taken, for which reading stands: a silence of ours, not of the child. */
    let awaited = 0;

    function write(bytes: Uint8Array): Promise<void> | undefined {
      if (bytes.length === 0) return undefined;
      // By the write's own end: after an error Bun emits neither 'drain' nor 'close', and each listener would be a leak.
      const taken = Promise.withResolvers<void>();
      written = taken.promise;
      return target.write(bytes, () => taken.resolve()) ? undefined : taken.promise;
    }
    function end(): void {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      write(lines.flush());
      written.then(resolve);
    }
    function waitForSilence(): void {
      clearTimeout(timer);
      if (!hasExited || ended || awaited > 0) return;
      timer = setTimeout(() => {
        output.stop();
        end();
      }, SILENCE_AFTER_EXIT);
    }
    exited.then(() => {
      hasExited = true;
      waitForSilence();
    });
    output.listen((bytes) => {
      const taken = write(lines.take(bytes));
      if (taken !== undefined) awaited++;
      waitForSilence();
      return taken?.then(() => {
        awaited--;
        waitForSilence();
      });
    }, end);
  });
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
