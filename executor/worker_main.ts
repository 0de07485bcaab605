/** A worker's beginning and end, and what it says to its parent besides answers. `call_runner.ts` runs its calls. */
import type { Channel } from "../channel/channel.ts";
import { decodeList, decodeValue, encodeValue, type Sending, UnpicklingError } from "../channel/codec.ts";
import { encodeFailure } from "../channel/failure.ts";
import { CrashFlag, FrameReader, FrameWriter, MessageKind, ProtocolError } from "../channel/protocol.ts";
import type { Segments } from "../channel/segments.ts";
import type { CallLocal, ParentLink, Runtime, WorkerSide } from "../runtime/runtime.ts";
import { markAsWorker, type WorkerMark } from "../tasks/current_task.ts";
import { fullName, type RegisteredTask } from "../tasks/registry.ts";
import { CallContext } from "./call_context.ts";
import { CallRunner } from "./call_runner.ts";
import { argumentsError, importClasses } from "./import_classes.ts";
import { findTask } from "./find_task.ts";
import { shutdownAll } from "./open.ts";

/**
 * Makes this process, or thread, a worker of the parent that started it.
 *
 * @param side Where the worker runs.
 */
export async function runWorker(runtime: Runtime, side: WorkerSide = runtime.workerSide()): Promise<void> {
  const contexts = runtime.callLocal<CallContext>();
  // A bundle's program may fail, or misuse an executor, before the parent has been reached: that is kept until then.
  const early: { readonly error: unknown; readonly misuse: boolean }[] = [];
  const mark: WorkerMark = {
    currentTask: () => contexts.get()?.task,
    misused: (error) => void early.push({ error, misuse: true }),
  };
  let tell = (error: unknown): void => void early.push({ error, misuse: false });
  markAsWorker(mark);
  side.onUncaught((error) => tell(error));
  side.ignoreInterrupt();
  side.prepareOutput();
  runtime.keepAlive();
  let link: ParentLink;
  try {
    link = await side.connectToParent();
  } catch (error) {
    console.error("Cannot become a worker as its parent must be there:", error);
    return side.exit(1);
  }
  const { channel } = link;
  const worker = new WorkerMain(runtime, side, link, contexts, mark);
  mark.misused = (error) => worker.crash(error, true);
  tell = (error) => worker.crash(error, false);
  const [first] = early.toSorted((one, other) => Number(other.misuse) - Number(one.misuse));
  if (first !== undefined) return worker.crash(first.error, first.misuse);
  channel.closed.then(() => side.exit(0)); // the parent is gone, or has no more need of this worker
  channel.receive((bytes, segments) => worker.take(bytes, segments));
}

/** The worker's name; how it is to send values; how deep it is; the initializer's address and arguments, if there is one. */
type StartMessage = [name: string, sending: Sending, depth: number, address?: string[], args?: Uint8Array];

class WorkerMain {
  readonly #runtime: Runtime;
  readonly #side: WorkerSide;
  readonly #channel: Channel;
  readonly #contexts: CallLocal<CallContext>;
  readonly #runner: CallRunner;
  readonly #writer = new FrameWriter();
  readonly #mark: WorkerMark;
  #name = "";
  #crashed = false;

  constructor(
    runtime: Runtime,
    side: WorkerSide,
    { channel, slate }: ParentLink,
    contexts: CallLocal<CallContext>,
    mark: WorkerMark,
  ) {
    this.#mark = mark;
    this.#runtime = runtime;
    this.#side = side;
    this.#channel = channel;
    this.#contexts = contexts;
    this.#runner = new CallRunner(runtime, channel, slate, contexts, (task) => this.#where(task));
  }

  /** Takes a message. */
  take(bytes: Uint8Array, segments: Segments): void {
    const frame = new FrameReader(bytes);
    switch (frame.u8()) {
      case MessageKind.CALLS:
        return this.#runner.takeCalls(frame, segments);
      case MessageKind.TASK:
        return this.#runner.takeTask(frame);
      case MessageKind.ABORT:
        return this.#runner.takeAbort(frame);
      case MessageKind.START:
        return this.#start(decodeValue(bytes, frame.at, bytes.length) as StartMessage, segments);
      case MessageKind.BYE:
        return this.#runner.finish(() => void this.#exit(0, shutdownAll()));
      default:
        throw new ProtocolError("Cannot take a message as its kind must be known: it is not");
    }
  }

  #start([name, sending, depth, address, args]: StartMessage, segments: Segments): void {
    this.#name = name;
    Object.assign(this.#mark, { name, depth });
    this.#runner.answers.sending = sending;
    if (address !== undefined) void this.#initialize(address, args!, segments);
  }

  /** Tells the parent of an error that nobody caught, and dies. */
  crash(error: unknown, misuse: boolean): void {
    if (this.#crashed) return this.#side.exit(1); // what a task left behind keeps even this from its end
    this.#crashed = true;
    this.#runner.halt();
    try {
      this.#runner.answers.send();
      this.#channel.send(this.#crashMessage(error, misuse));
    } finally {
      void this.#exit(1, Promise.resolve());
    }
  }

  #crashMessage(error: unknown, misuse: boolean): Uint8Array {
    // The task that left a timer or a promise behind; where the host has lost it, the one that was entered last.
    const origin = this.#contexts.get();
    const task = (origin ?? this.#runner.current)?.name ?? "";
    const frame = this.#writer;
    frame.beginFrame(MessageKind.CRASH);
    frame.u8((misuse ? CrashFlag.MISUSE : 0) | (origin === undefined ? 0 : CrashFlag.ORIGIN));
    const place = frame.beginBlock();
    encodeValue(frame, task, "task", "task");
    frame.endBlock(place);
    encodeFailure(frame, error, this.#where(task), this.#runner.answers.sending);
    return frame.endFrame();
  }

  /** Ends this worker, with all that it has printed. */
  async #exit(code: number, before: Promise<void>): Promise<void> {
    try {
      await before;
      await this.#channel.drained();
      await this.#side.flushOutput();
    } finally {
      this.#side.exit(code);
    }
  }

  #where(task: string): string {
    const [, url, name] = /^(.*)#(.*)$/s.exec(task) ?? [];
    const worker = `in worker ${this.#name}`;
    const { place } = this.#side;
    // As a line of a stack is made, with a file in brackets: Bun puts ":1:1" behind whatever stands there.
    return name === undefined ? `no task ${worker} (${place})` : `task ${name} ${worker}, ${place} (${url})`;
  }

  async #initialize([url, name, hash]: string[], args: Uint8Array, segments: Segments): Promise<void> {
    const address = { url, name, hash };
    const context = this.#runner.current = new CallContext(fullName(address));
    const frame = this.#writer;
    try {
      const task = await findTask(this.#runtime, address, false) as RegisteredTask;
      const values = await this.#decodeInitargs(args, segments);
      const running = this.#contexts.run(context, async () => await task.fn.apply(task.receiver, values));
      this.#contexts.keepUntil(context, running);
      await running;
      frame.beginFrame(MessageKind.READY);
    } catch (error) {
      frame.beginFrame(MessageKind.FAILED);
      encodeFailure(frame, error, this.#where(context.name), this.#runner.answers.sending);
    }
    this.#channel.send(frame.endFrame());
  }

  async #decodeInitargs(args: Uint8Array, segments: Segments): Promise<unknown[]> {
    let imported: { readonly cause?: unknown } | undefined;
    for (;;) {
      try {
        return decodeList(args, 0, args.length, segments);
      } catch (error) {
        if (!(error instanceof UnpicklingError)) throw error;
        if (error.missing.length === 0 || imported !== undefined) {
          throw argumentsError(error.because(imported), "initarg");
        }
        imported = await importClasses(this.#runtime, error);
      }
    }
  }
}
