/** The worker's side of a thread: its way to its parent, and what it prints. */
import { describe } from "../errors.ts";
import { introduction, MessageKind } from "../channel/protocol.ts";
import { PortChannel } from "../channel/port_channel.ts";
import { nodeModule, type NodePort, nodeProcess, type NodeWritable } from "./node_api.ts";
import type { ParentLink, WorkerSide } from "./runtime.ts";
import { clearTimeout, setTimeout } from "./host_functions.ts";
import { ThreadSlate } from "./thread_end.ts";

/** What a thread is given at its start. */
export interface ThreadData {
  /** Under a name of its own: a user's threads have data, too. */
  ergate: {
    /** The slate. */
    readonly slate: SharedArrayBuffer;
    /** By which its parent's messages come. */
    readonly port: NodePort;
    /** How much of what it printed has not been taken. */
    readonly backlog: SharedArrayBuffer;
  } | undefined;
}

/** What a thread printed, on its way. */
export interface Printed {
  /** Where to. */
  readonly stream: "stdout" | "stderr";
  /** What. */
  readonly bytes: ArrayBuffer;
}

/** Whether a message holds what a thread printed. */
export function isPrinted(message: unknown): message is Printed {
  const { stream, bytes } = (message ?? {}) as Partial<Printed>;
  return (stream === "stdout" || stream === "stderr") && bytes instanceof ArrayBuffer;
}

/** Bytes printed and not taken at which a thread waits: an endless print must not fill the memory. */
const MOST_PRINTED = 4 << 20;

/** Bytes that a message counts for at least: Deno reads on, and does nothing else, as long as one is there. */
const LEAST_COUNTED = 1024;

/** Milliseconds after which it goes on all the same: this process may wait for the thread. */
const LONGEST_WAIT = 1_000;

/** The bytes that a thread printed and that its parent has not passed on, and how often it was told: two words that both have. */
export class Backlog {
  /** The words. */
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  /** What the thread has not been told of. */
  #taken = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;
  /** How often the thread had been told when it waited in vain. */
  #inVain = -1;

  /** A new one, or the other side's. */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  /** The thread prints: it waits while too much is on its way, but not again for a parent that does not take any. */
  add(size: number): void {
    for (;;) {
      const current = Atomics.load(this.#words, 0);
      const told = Atomics.load(this.#words, 1);
      if (current < MOST_PRINTED || told === this.#inVain) break;
      if (Atomics.wait(this.#words, 0, current, LONGEST_WAIT) === "timed-out") this.#inVain = told;
    }
    Atomics.add(this.#words, 0, Math.max(size, LEAST_COUNTED));
  }

  /** The parent has passed a message on. The thread hears of it in a later turn: others are to have theirs, too. */
  taken(size: number): void {
    this.#taken += Math.max(size, LEAST_COUNTED);
    if (this.#ended) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      Atomics.sub(this.#words, 0, this.#taken);
      Atomics.add(this.#words, 1, 1);
      Atomics.notify(this.#words, 0);
      this.#taken = 0;
    }, 0);
  }

  /** The thread has ended. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }
}

/** What this thread was given, if it was started as a worker of a pool. */
export function threadData(): ThreadData["ergate"] {
  const { isMainThread, workerData } = nodeModule("node:worker_threads");
  return isMainThread ? undefined : (workerData as ThreadData | null)?.ergate;
}

/** A thread, as the worker in it has it. */
export class ThreadSide implements WorkerSide {
  readonly place: string = `thread ${nodeModule("node:worker_threads").threadId}`;
  readonly #data: NonNullable<ThreadData["ergate"]>;
  readonly #port = nodeModule("node:worker_threads").parentPort!;
  readonly #post: (message: unknown, transfer: readonly ArrayBuffer[]) => void;
  readonly #exit = hostExit();

  readonly #redirectConsole: (stdout: NodeWritable, stderr: NodeWritable) => void;

  /**
   * Of this thread.
   *
   * @param redirectConsole Makes the console print to streams, where it goes past those of the process.
   */
  constructor(
    data: NonNullable<ThreadData["ergate"]>,
    redirectConsole: (stdout: NodeWritable, stderr: NodeWritable) => void,
  ) {
    this.#data = data;
    this.#redirectConsole = redirectConsole;
    this.#post = this.#port.postMessage.bind(this.#port); // as it is now: a task may replace it
  }

  connectToParent(): Promise<ParentLink> {
    const channel = new PortChannel({ postMessage: this.#post }, () => this.exit(1));
    this.#data.port.on("message", (message) => channel.take(message));
    this.#port.on("close", () => this.exit(1)); // by a task: nobody would hear of this thread again
    channel.send(introduction(MessageKind.HELLO, ""));
    const slate = new ThreadSlate(this.#data.slate, () => this.exit(1));
    return Promise.resolve({ channel, slate });
  }

  onUncaught(fn: (error: unknown) => void): void {
    nodeProcess().on("uncaughtException", fn);
    nodeProcess().on("unhandledRejection", fn);
  }

  ignoreInterrupt(): void {} // a thread gets none

  /**
   * Posts what is printed instead of leaving it to the host, which loses what it holds when the thread ends, and mixes the
   * pieces of several threads.
   */
  prepareOutput(): void {
    const backlog = new Backlog(this.#data.backlog);
    const post = this.#post;
    const { Buffer } = nodeModule("node:buffer");
    for (const stream of ["stdout", "stderr"] as const) {
      nodeProcess()[stream].write = (chunk, encodingOrWritten, written = encodingOrWritten): boolean => {
        const encoding = typeof encodingOrWritten === "string" ? encodingOrWritten : "utf8";
        const buffer = bytesOf(typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk);
        backlog.add(buffer.byteLength);
        post({ stream, bytes: buffer }, [buffer]);
        if (typeof written === "function") queueMicrotask(written);
        return true;
      };
    }
    this.#redirectConsole(nodeProcess().stdout, nodeProcess().stderr);
  }

  flushOutput(): Promise<void> {
    return Promise.resolve(); // it is posted
  }

  exit(code: number): void {
    this.#exit(code);
  }
}

/** A copy of what is printed. */
function bytesOf(chunk: ArrayBufferView): ArrayBuffer {
  if (!ArrayBuffer.isView(chunk)) {
    throw new TypeError(
      `Cannot print a value as it must be a string, a typed array or a DataView: it is ${describe(chunk)}`,
    );
  }
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength).slice().buffer as ArrayBuffer;
}

/** As it is now. On Deno not `process.exit()`: in a thread that has been terminated that turns for ever. */
function hostExit(): (code: number) => void {
  const { Deno } = globalThis as { readonly Deno?: { exit(code: number): void } };
  return Deno?.exit ?? nodeProcess().exit.bind(nodeProcess());
}
