/**
 * A worker, as its parent has it: a process or a thread behind a channel, and the ledger of the calls that it was sent.
 *
 * ```text
 *              ledger.assign(), flush()                     answers, in the same order
 *   scheduler ─────────────────────────▶ channel ▶ worker ▶ channel ▶ #take ▶ ledger ▶ answered()
 *                 takeBack()  ◀───────── those not entered
 *                                                  death ▶ #account ▶ ended(): lost, or back to the queue
 * ```
 */
import { clearTimeout, setTimeout } from "../runtime/host_functions.ts";
import type { Channel, ChannelEnd } from "../channel/channel.ts";
import { decodeValue, encodeValue, type Sending } from "../channel/codec.ts";
import { decodeFailure, encodeFailure } from "../channel/failure.ts";
import { CrashFlag, FrameReader, FrameWriter, MessageKind, ProtocolError } from "../channel/protocol.ts";
import type { Segment, Segments } from "../channel/segments.ts";
import type { WorkerExit, WorkerHandle } from "../runtime/runtime.ts";
import { currentWorker } from "../tasks/current_task.ts";
import type { RegisteredTask } from "../tasks/registry.ts";
import { type Account, type AnswerListener, Ledger } from "./ledger.ts";
import type { WorkItem } from "./work_item.ts";

/** What a worker is to do before its first call. */
export interface WorkerStart {
  /** Its name. */
  readonly name: string;
  /** How values are sent, to it and by it. */
  readonly sending: Sending;
  /** Its initializer, with the encoded list of its arguments, and the memory in it that is shared. */
  readonly initializer?: {
    readonly task: RegisteredTask;
    readonly args: Uint8Array;
    readonly segments: readonly Segment[];
  };
}

/** Where a worker is. */
export const WorkerState = {
  /** It was started and has not said hello, or its initializer has not ended. */
  STARTING: 0,
  /** It takes calls. */
  READY: 1,
  /** It takes no more calls, and exits when it has answered what it has. */
  LEAVING: 2,
  /** It is dead and accounted for. */
  ENDED: 3,
} as const;
/** One of {@linkcode WorkerState}. */
export type WorkerState = typeof WorkerState[keyof typeof WorkerState];

/** What a worker said before it died of an error that nobody caught. */
export interface WorkerCrash {
  /** What was thrown. */
  readonly error: unknown;
  /** Full name of the task that it comes from, or of the one that was entered last; empty: none was. */
  readonly task: string;
  /** Whether it is known to come from that task. */
  readonly isOrigin: boolean;
  /** Whether code outside a task used an executor: the program lacks its guard. */
  readonly misuse: boolean;
}

/** How a worker ended, and what that means for its calls. */
export interface WorkerEnd extends Account {
  /** How its process or thread ended. */
  readonly exit: WorkerExit;
  /** What was wrong, if that is known: why it never started, or that something else wrote to its channel. */
  readonly reason: unknown;
  /** What it said before. */
  readonly crash: WorkerCrash | undefined;
}

/** Who hears of a worker. */
export interface WorkerEvents extends AnswerListener {
  /** It takes calls from now on. */
  ready(): void;
  /** Its initializer failed. */
  initializerFailed(worker: Worker, error: unknown): void;
  /** One of its calls says how far it has come. */
  progressed(item: WorkItem, done: number, total: number): void;
  /** It is about to die of an error. */
  crashed(crash: WorkerCrash): void;
  /** All answers of a message were told. */
  answeredAll(worker: Worker): void;
  /** It has ended. */
  ended(worker: Worker, end: WorkerEnd): void;
}

/** How long the end of a channel and the exit of its process may be apart before the other is forced, milliseconds. */
const END_GRACE = 1_000;

/**
 * How long a worker that was asked to exit, and has nothing to do, may take, milliseconds. Something in it may loop (a
 * timer of a task), and `shutdown` must end all the same; pools that its tasks left open are shut down in this time.
 */
const LEAVE_GRACE = 5_000;

/** Milliseconds that a worker has to end by SIGTERM before it is ended by SIGKILL. */
export const TERMINATION_GRACE = 3_000;

/** Why a channel is ended whose process has exited: somebody else holds its other side. */
const HELD = new Error("the worker's channel outlived it");

/** A worker. */
export class Worker {
  /** Its name, as `ProcessPoolExecutor-1`. */
  readonly name: string;
  /** The calls that it has. */
  readonly ledger: Ledger;
  /** Where it is. */
  state: WorkerState = WorkerState.STARTING;
  /** Whether it was ever ready. */
  wasReady = false;
  /** Whether it was asked to leave. */
  dismissed = false;
  /** Whether it was killed from here. */
  killed = false;
  readonly #handle: WorkerHandle;
  readonly #start: WorkerStart;
  readonly #events: WorkerEvents;
  readonly #writer = new FrameWriter();
  #channel: Channel | undefined;
  #crash: WorkerCrash | undefined;
  /** Why it is to be killed at its call. */
  #condemnation: Error | undefined;
  #killedForCall = false;
  /** Its calls were given up: nothing that it says matters any more. */
  #abandoned = false;

  /** Takes a worker over that was started. */
  constructor(handle: WorkerHandle, start: WorkerStart, events: WorkerEvents) {
    this.name = start.name;
    this.#handle = handle;
    this.ledger = new Ledger(handle.slate);
    this.#start = start;
    this.#events = events;
    void this.#live();
  }

  /** The id of its process; `undefined`: it is a thread. */
  get pid(): number | undefined {
    return this.#handle.pid;
  }

  /** What it is, in words. */
  get place(): string {
    return this.#handle.place;
  }

  /** Whether it may be given a call. */
  get takesCalls(): boolean {
    return this.state === WorkerState.READY && this.ledger.isOpen;
  }

  /** Bytes of memory that its process uses; 0: that cannot be known, or it has none of its own. */
  memoryUse(): number {
    return this.#handle.memoryUse();
  }

  /** Resolves when nothing of it is left. */
  get released(): Promise<void> {
    return this.#handle.released;
  }

  /** Sends it what was assigned in its ledger. */
  flush(): void {
    const channel = this.#channel!;
    this.ledger.write(this.#writer, (frame, segments, ownership) => channel.send(frame, segments, ownership));
  }

  /** Lets it exit once it has answered what it has. */
  leave(): void {
    if (this.state === WorkerState.STARTING) return this.kill("SIGKILL"); // it has nothing, so nothing is lost
    if (this.state !== WorkerState.READY) return;
    this.state = WorkerState.LEAVING;
    this.dismissed = true;
    this.#writer.beginFrame(MessageKind.BYE);
    this.#channel!.send(this.#writer.endFrame());
    this.#goIfDone();
  }

  /** One that is leaving and has nothing more to do is expected to exit. */
  #goIfDone(): void {
    if (this.state !== WorkerState.LEAVING || this.ledger.outstanding > 0) return;
    after(LEAVE_GRACE, this.#handle.exited, () => this.kill("SIGKILL"));
  }

  /** Ends it now. */
  kill(signal: "SIGTERM" | "SIGKILL"): void {
    this.killed = true;
    this.ledger.close();
    this.#handle.kill(signal);
  }

  /** Takes back the calls behind the one that it is at, as {@linkcode Ledger.takeBack} does. */
  takeBack(): WorkItem[] {
    const items = this.ledger.takeBack();
    this.#goIfDone();
    return items;
  }

  /** Tells the call that it is held at to end; kills nothing. */
  tellEnd(reason: unknown): void {
    const frame = this.#writer;
    frame.beginFrame(MessageKind.ABORT);
    frame.f64(this.ledger.current.showEnd());
    encodeFailure(frame, reason, "", this.#start.sending);
    this.#channel!.send(frame.endFrame());
  }

  /** It is to be killed at the call that it is at, for that reason, as soon as it is held there. */
  condemn(reason: Error): void {
    this.#condemnation = reason;
  }

  /** Whether it is to be killed at the call that it is at. */
  get isCondemned(): boolean {
    return this.#condemnation !== undefined;
  }

  /** Ends it for the call that it is held at: by SIGTERM, and by SIGKILL if it is still there three seconds later. */
  killForCall(): void {
    if (this.#killedForCall) return;
    this.#killedForCall = true;
    this.kill("SIGTERM");
    after(TERMINATION_GRACE, this.#handle.exited, () => this.kill("SIGKILL"));
  }

  /** Gives up the calls that it has, whatever has become of them; it must be killed then. */
  abandon(): WorkItem[] {
    this.#abandoned = true;
    return this.ledger.abandon();
  }

  /** Its whole life. */
  async #live(): Promise<void> {
    let reason: unknown;
    try {
      this.#channel = await this.#handle.channel;
      this.#greet(this.#channel);
      reason = await this.#bothEnds(this.#channel);
    } catch (error) {
      reason = error;
    }
    const exit = await this.#handle.exited;
    this.#account(exit, reason);
  }

  #greet(channel: Channel): void {
    const { initializer } = this.#start;
    const frame = this.#writer;
    frame.beginFrame(MessageKind.START);
    const parts: unknown[] = [this.name, this.#start.sending, (currentWorker()?.depth ?? 0) + 1];
    if (initializer !== undefined) {
      const { url, name, hash } = initializer.task;
      parts.push([url, name, hash], initializer.args);
    }
    encodeValue(frame, parts, "start", "initarg");
    channel.send(frame.endFrame(), initializer?.segments);
    channel.receive((bytes, segments) => this.#take(bytes, segments), () => this.ledger.freeEntered());
    if (initializer === undefined) this.#becomeReady();
  }

  #becomeReady(): void {
    if (this.state !== WorkerState.STARTING) return;
    this.state = WorkerState.READY;
    this.wasReady = true;
    this.#events.ready();
  }

  /** Waits for the channel's end and the process's: whichever comes first may need help with the other. */
  async #bothEnds(channel: Channel): Promise<ChannelEnd> {
    const { exited } = this.#handle;
    // Twice, as a timer may be late and fire before what has come meanwhile was read.
    exited.then(() =>
      after(END_GRACE, channel.closed, () => after(END_GRACE, channel.closed, () => channel.abort(HELD)))
    );
    const end = await channel.closed;
    if (end === HELD) return undefined;
    // Garbage, or a message out of order: nothing that it says can be believed any more.
    if (end !== undefined) this.#handle.kill("SIGKILL");
    else after(END_GRACE, exited, () => this.#handle.kill("SIGKILL"));
    await exited;
    return end;
  }

  #account(exit: WorkerExit, reason: unknown): void {
    this.state = WorkerState.ENDED;
    const account = this.ledger.account();
    this.#handle.slate.close();
    const why = this.#condemnation ?? reason ?? exit.error;
    this.#events.ended(this, { exit, reason: why, crash: this.#crash, ...account });
  }

  #take(bytes: Uint8Array, segments: Segments): void {
    if (this.#abandoned) return;
    const frame = new FrameReader(bytes);
    const kind = frame.u8();
    switch (kind) {
      case MessageKind.RESULTS:
        return this.#takeAnswers(frame, segments);
      case MessageKind.PROGRESS: {
        const item = this.ledger.itemOf(frame.f64());
        return item && this.#events.progressed(item, frame.f64(), frame.f64());
      }
      case MessageKind.READY:
        return this.#becomeReady();
      case MessageKind.FAILED:
        return this.#events.initializerFailed(this, decodeFailure(bytes, frame.at, bytes.length));
      case MessageKind.CRASH: {
        const flags = frame.u8();
        const misuse = (flags & CrashFlag.MISUSE) !== 0;
        const isOrigin = (flags & CrashFlag.ORIGIN) !== 0;
        const size = frame.u32();
        const task = decodeValue(bytes, frame.skip(size), frame.at) as string;
        this.#crash = { error: decodeFailure(bytes, frame.at, bytes.length), task, isOrigin, misuse };
        return this.#events.crashed(this.#crash);
      }
      default:
        throw new ProtocolError(`Cannot take a message as its kind must be known: current kind is ${kind}`);
    }
  }

  #takeAnswers(frame: FrameReader, segments: Segments): void {
    this.ledger.takeAnswers(frame, segments, this.#events);
    this.#goIfDone();
    this.#events.answeredAll(this);
  }
}

/** Calls `fn` if `promise` has not resolved within `delay` milliseconds. */
function after(delay: number, promise: Promise<unknown>, fn: () => void): void {
  const timer = setTimeout(fn, delay);
  promise.then(() => clearTimeout(timer));
}
