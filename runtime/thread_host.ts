/**
 * Threads as workers: `node:worker_threads`, which Node, Deno and Bun have.
 *
 * ```text
 * start: new Worker, with the slate in its data ──▶ its entry posts HELLO ──▶ its channel
 * messages to it: by a port of its own, which its tasks cannot reach
 * messages from it: by the thread's, as what came by another may be lost with it, or come after its end
 * what it prints: posted, in the order of its answers ──▶ whole lines ──▶ stdout, stderr
 * ```
 *
 * A thread is over at its 'exit' event, which comes after all that it posted.
 */
import type { Channel } from "../channel/channel.ts";
import { PortChannel } from "../channel/port_channel.ts";
import { SLATE_SIZE, type SlateMemory } from "../channel/slate.ts";
import type { ChildOutput } from "./child.ts";
import { greeted } from "./greeting.ts";
import { setTimeout } from "./host_functions.ts";
import { MappedSlate } from "./mapped_slate.ts";
import { nodeModule, type NodeThread } from "./node_api.ts";
import { relayOutput } from "./output.ts";
import type { StartOptions, WorkerExit, WorkerGroup, WorkerHandle } from "./runtime.ts";
import { writeOver } from "./thread_end.ts";
import { Backlog, isPrinted, type ThreadData } from "./thread_side.ts";

/** Milliseconds in which nothing must have come from a thread, and milliseconds at most, before it is ended where that is loose. */
const SILENCE = 10;
const LONGEST_SILENCE = 200;

/** What an adapter knows and the host of its threads does not. */
export interface ThreadHostAdapter {
  /** Whether `terminate()` loses what was posted and not read, and leaves a thread that is at work as it is. */
  readonly terminatesLoosely: boolean;
  /** The environment of a thread; `undefined`: a copy of this process's. */
  threadEnvironment(): Record<string, string | undefined> | undefined;
  /** Flags of the runtime for a thread; `undefined`: this process's. */
  threadExecArgv(): string[] | undefined;
  /** The module that a thread runs. */
  threadProgram(options: StartOptions): URL;
}

/** Opens a group of threads. They share nothing but this process. */
export function openThreadGroup(adapter: ThreadHostAdapter): WorkerGroup<StartOptions> {
  return { start: (options) => new Thread(adapter, options), close: () => Promise.resolve() };
}

/** A thread, as its parent has it. */
class Thread implements WorkerHandle {
  readonly place: string;
  readonly pid: undefined;
  readonly channel: Promise<Channel>;
  readonly slate: SlateMemory;
  readonly exited: Promise<WorkerExit>;
  readonly released: Promise<void>;
  readonly #thread: NodeThread;
  readonly #terminatesLoosely: boolean;
  /** Messages that have come. */
  #taken = 0;
  #killed = false;

  constructor(adapter: ThreadHostAdapter, options: StartOptions) {
    this.#terminatesLoosely = adapter.terminatesLoosely;
    const slate = new SharedArrayBuffer(SLATE_SIZE);
    const backlog = new Backlog();
    const { Worker, MessageChannel } = nodeModule("node:worker_threads");
    const { port1, port2 } = new MessageChannel();
    const workerData: ThreadData = { ergate: { slate, backlog: backlog.memory, port: port2 } };
    const thread = this.#thread = new Worker(adapter.threadProgram(options), {
      name: options.name,
      workerData,
      transferList: [port2],
      env: adapter.threadEnvironment(),
      execArgv: adapter.threadExecArgv(),
    });
    this.place = `thread ${thread.threadId}`;
    this.slate = new MappedSlate(new Uint8Array(slate));
    const channel = new PortChannel(port1, () => this.kill());
    const outputs = { stdout: new PostedOutput(backlog), stderr: new PostedOutput(backlog) };
    thread.on("message", (message) => {
      this.#taken++;
      if (isPrinted(message)) outputs[message.stream].push(new Uint8Array(message.bytes));
      else channel.take(message);
    });
    this.exited = ended(thread);
    this.exited.then(() => {
      channel.finish();
      port1.close();
      outputs.stdout.end();
      outputs.stderr.end();
      backlog.end();
    });
    this.channel = greeted(channel, this.exited);
    this.channel.catch(() => this.kill());
    this.released = relayOutput({ ...outputs, exited: this.exited });
    thread.unref();
  }

  memoryUse(): number {
    return 0;
  }

  kill(): void {
    if (this.#killed) return;
    this.#killed = true;
    if (!this.#terminatesLoosely) return void this.#thread.terminate();
    writeOver(this.slate);
    void this.#untilSilent().then(() => this.#thread.terminate());
  }

  /**
   * What has been posted is read, for a kill harms no finished call; but a thread that posts for ever is ended, too. One that
   * has been at the same call all that time is bound to look at its slate before it enters another (ARCHITECTURE.md, "Taking
   * calls back").
   */
  async #untilSilent(): Promise<void> {
    for (let waited = 0; waited < LONGEST_SILENCE; waited += SILENCE) {
      const [taken, entered] = [this.#taken, this.slate.read(0)];
      await new Promise<void>((go) => {
        const timer = setTimeout(go, SILENCE);
        this.exited.then(() => {
          clearTimeout(timer);
          go();
        });
      });
      if (this.#taken === taken && this.slate.read(0) === entered) return;
    }
  }
}

/** Resolves at the thread's end. */
function ended(thread: NodeThread): Promise<WorkerExit> {
  return new Promise((resolve) => {
    let error: Error | undefined;
    thread.on("error", (thrown) => error = thrown instanceof Error ? thrown : new Error(String(thrown)));
    thread.on("exit", (code) => resolve({ code, signal: null, ...(error === undefined ? undefined : { error }) }));
  });
}

/** What a thread prints on one of its outputs, as it is posted. */
class PostedOutput implements ChildOutput {
  readonly #backlog: Backlog;
  #push: ((bytes: Uint8Array) => Promise<void> | undefined) | undefined;
  #ended: (() => void) | undefined;

  constructor(backlog: Backlog) {
    this.#backlog = backlog;
  }

  push(bytes: Uint8Array): void {
    const room = this.#push!(bytes);
    if (room === undefined) this.#backlog.taken(bytes.length);
    else room.then(() => this.#backlog.taken(bytes.length));
  }

  end(): void {
    this.#ended!();
  }

  listen(push: (bytes: Uint8Array) => Promise<void> | undefined, ended: () => void): void {
    this.#push = push;
    this.#ended = ended;
  }

  stop(): void {}
}
