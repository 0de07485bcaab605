/**
 * Threads as workers: the web's `Worker`, as its parent has it.
 *
 * ```text
 * start: new Worker ──▶ imports ergate, takes a lock of a random name, makes the slate
 *                   ◀── HELLO: the lock's name; the slate and the count of its posts, both shared memory
 *        asks for that lock ─ ─ ─ ─ ─ ─ ─ ─ ─ ▶ is granted it when the thread has ended, however it ended
 * exit:             ◀── its exit code, a number; then it is ended
 * ```
 *
 * The parent says nothing before the hello: some hosts drop what comes before the thread listens.
 *
 * **The news of an end overtakes messages**, by hundreds on Deno. So the thread counts what it posts, and its death is
 * judged when all that was taken.
 *
 * **Where there are no locks** (Bun) a 'close' event tells the end. Where there is neither, only a thread's own `exit` and
 * errors are noticed. Nor is an end that comes before the hello, without an error: then the hello's time limit is what ends it.
 */
import type { Channel } from "../channel/channel.ts";
import { type Port, PortChannel } from "../channel/port_channel.ts";
import { ProtocolError } from "../channel/protocol.ts";
import { isShared } from "../channel/segments.ts";
import type { SlateMemory } from "../channel/slate.ts";
import { greeted, type Hello } from "./greeting.ts";
import { clearTimeout, setTimeout } from "./host_functions.ts";
import { MappedSlate } from "./mapped_slate.ts";
import type { WorkerExit, WorkerHandle } from "./runtime.ts";
import { Posts, untilStill, untilTaken, writeOver } from "./thread_end.ts";

/**
 * Milliseconds that a thread which was ended may take until the host says so. Browsers and Bun stop a loop at once; Deno
 * never does (the loop goes on until the program ends, without a word), and whoever waits should not wait for long.
 */
const TERMINATION_LIMIT = 100;

/** What is used of the web's `Worker`. */
export interface WebWorker extends Port {
  /** Listens. */
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  /** Listens. */
  addEventListener(type: "messageerror", listener: () => void): void;
  /** Listens. */
  addEventListener(type: "error", listener: (event: WebErrorEvent) => void): void;
  /** Listens; only Bun has that event. */
  addEventListener(type: "close", listener: (event: { readonly code?: number }) => void): void;
  /** Ends it. */
  terminate(): void;
}

/** An error in a thread that nobody caught, or a module that cannot be had: then there may be no message. */
export interface WebErrorEvent {
  /** What is known of it. */
  readonly message?: string;
  /** What was thrown; `null` outside of the thread. */
  readonly error?: unknown;
  /** Takes it from the host, which would print it, or end the program. */
  preventDefault(): void;
}

/** What is used of `navigator.locks`. */
export interface WebLocks {
  /** Runs `fn` when nobody else has the lock, and holds it until what `fn` returns has settled. */
  request(name: string, options: { readonly signal?: AbortSignal }, fn: () => unknown): Promise<unknown>;
}

/** `navigator.locks`, where there is one. */
export function webLocks(): WebLocks | undefined {
  return (globalThis as { readonly navigator?: { readonly locks?: WebLocks } }).navigator?.locks;
}

/** A thread, as its parent has it. */
export class WebThread implements WorkerHandle {
  readonly place: string = "a web worker";
  readonly pid: undefined;
  readonly channel: Promise<Channel>;
  readonly slate: WebSlate = new WebSlate();
  readonly exited: Promise<WorkerExit>;
  readonly released: Promise<void>;
  readonly #worker: WebWorker;
  readonly #port: PortChannel;
  readonly #exit: (exit: WorkerExit) => void;
  /** Takes the request for its lock back, which may never be granted. */
  readonly #ended = new AbortController();
  /** What it has posted; nothing counts before its hello. */
  #posts: Posts | undefined;
  /** Messages that have come. */
  #taken = 0;
  /** What it said that its exit code is. */
  #code: number | undefined;
  /** What the host says that it failed by. */
  #error: Error | undefined;
  #killed = false;
  #isOver = false;

  /** Takes one over that was just made. */
  constructor(worker: WebWorker) {
    this.#worker = worker;
    const { promise, resolve } = Promise.withResolvers<WorkerExit>();
    this.exited = promise;
    this.released = promise.then(() => {});
    this.#exit = resolve;
    this.#port = new PortChannel(worker, () => this.kill());
    worker.addEventListener("message", ({ data }) => this.#take(data));
    worker.addEventListener("messageerror", () => {
      this.#port.abort(new ProtocolError("Cannot read the channel as its messages must be readable here: one was not"));
    });
    worker.addEventListener("error", (event) => this.#fail(event));
    worker.addEventListener("close", ({ code }) => void this.#end(code));
    this.channel = greeted(this.#port, this.exited, (hello) => this.#meet(hello));
    this.channel.catch(() => this.kill());
  }

  memoryUse(): number {
    return 0;
  }

  kill(): void {
    if (this.#killed) return;
    this.#killed = true;
    writeOver(this.slate); // it goes on until it is ended, and that takes a moment
    void this.#terminate();
  }

  /** What it has posted is read before, for a kill harms no finished call, and the host drops what nobody has read. */
  async #terminate(): Promise<void> {
    await this.#untilTaken();
    this.#worker.terminate();
    if (this.#isOver) return;
    const timer = setTimeout(() => void untilStill(this.slate).then(() => this.#end()), TERMINATION_LIMIT);
    void this.exited.then(() => clearTimeout(timer));
  }

  #take(message: unknown): void {
    this.#taken++;
    if (typeof message !== "number") return this.#port.take(message);
    this.#code = message;
    this.kill(); // not every host lets it end by itself
  }

  #meet({ token, segments: [slate, posts] }: Hello): void {
    if (slate === undefined || posts === undefined || !isShared(slate) || !isShared(posts)) {
      throw new ProtocolError("Cannot use a thread as it must share its slate: it does not");
    }
    this.slate.share(slate);
    this.#posts = new Posts(posts);
    if (token === "") return; // it has no locks
    webLocks()?.request(token, { signal: this.#ended.signal }, () => void this.#end()).catch(() => {});
  }

  /** One that has an error left goes no further: it is ended where the host lets it live. */
  #fail(event: WebErrorEvent): void {
    event.preventDefault();
    this.#error ??= new Error(event.message || "its module cannot be had, or has an error");
    this.kill();
  }

  /** It has ended. */
  async #end(code?: number): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#untilTaken();
    this.#port.finish();
    this.#worker.terminate(); // lets go of it
    this.#ended.abort();
    // The web has no exit codes: 0 stands for an end of its own will.
    const known = this.#code ?? (this.#error === undefined ? code : 1) ?? (this.#killed ? 1 : 0);
    this.#exit({ code: known, signal: null, ...(this.#error === undefined ? undefined : { error: this.#error }) });
  }

  #untilTaken(): Promise<void> {
    return this.#posts === undefined ? Promise.resolve() : untilTaken(this.#posts, () => this.#taken);
  }
}

/** The slate that a thread shares with its hello; before that it has entered nothing. */
class WebSlate implements SlateMemory {
  #memory: MappedSlate | undefined;

  share(memory: SharedArrayBuffer): void {
    this.#memory = new MappedSlate(new Uint8Array(memory));
  }

  read(word: 0 | 1): number {
    return this.#memory?.read(word) ?? 0;
  }

  write(word: 0 | 1, value: number): void {
    this.#memory?.write(word, value);
  }

  close(): void {}
}
