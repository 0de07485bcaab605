/**
 * A worker, as its parent has it: a process behind a channel, the calls that it was sent, and what became of them.
 *
 * ```text
 *                 assign(), flush()                       answers, in the same order
 *   scheduler ────────────────────────▶ #sent ▶ channel ▶ worker ▶ channel ▶ #take ────▶ work items, scheduler
 *                 takeBack()  ◀──────── those not entered
 *                                                        death ▶ ended() ▶ lost, or back to the queue
 * ```
 *
 * A call's *sequence number* is its place among all that this worker was ever sent, from 1. `#sent` holds those that are
 * not answered: the first has number `#answered + 1`. A place whose call was taken back stays, empty, until the worker
 * has answered it as skipped; only then do both sides count alike again.
 */
import type { Channel, ChannelEnd } from "../channel/channel.ts";
import { decodeValue, encodeValue } from "../channel/codec.ts";
import { decodeFailure } from "../channel/failure.ts";
import {
  Answer,
  CallsFlag,
  FrameReader,
  FrameWriter,
  MessageKind,
  ProtocolError,
  RunFlag,
} from "../channel/protocol.ts";
import { readEntered, writeStop } from "../channel/slate.ts";
import type { ProcessExit, WorkerProcess } from "../runtime/runtime.ts";
import { type RegisteredTask, registrationCount } from "../tasks/registry.ts";
import { Deque } from "./deque.ts";
import type { WorkItem } from "./work_item.ts";

/** What a worker is to do before its first call. */
export interface WorkerStart {
  /** Its name. */
  readonly name: string;
  /** Its initializer, with the encoded list of its arguments. */
  readonly initializer?: { readonly task: RegisteredTask; readonly args: Uint8Array };
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
  /** Full name of the task that it comes from, if that is known. */
  readonly task: string;
  /** Whether code outside a task used an executor: the program lacks its guard. */
  readonly misuse: boolean;
}

/** How a worker ended, and what that means for its calls. */
export interface WorkerEnd {
  /** How the process ended. */
  readonly exit: ProcessExit;
  /** What was wrong, if that is known: why it never started, or that something else wrote to its channel. */
  readonly reason: unknown;
  /** What it said before. */
  readonly crash: WorkerCrash | undefined;
  /** Whether it ever came so far as to enter a call. */
  readonly enteredAny: boolean;
  /** The calls that died with it, in order. */
  readonly lost: readonly WorkItem[];
  /** Whether the last of them may have begun to run; those before it have run. */
  readonly lastMayHaveRun: boolean;
  /** The calls that it never entered, in order. */
  readonly notEntered: readonly WorkItem[];
}

/** Who hears of a worker. */
export interface WorkerEvents {
  /** It takes calls from now on. */
  ready(): void;
  /** Its initializer failed. */
  initializerFailed(worker: Worker, error: unknown): void;
  /** It is about to die of an error. */
  crashed(crash: WorkerCrash): void;
  /** A call has its answer; the one who hears it settles the work item, or queues it again. */
  answered(item: WorkItem, answer: Answer, value: unknown): void;
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

/** A worker. */
export class Worker {
  /** Its name, as `ProcessPoolExecutor-1`. */
  readonly name: string;
  /** Registrations of tasks when it was started: what was registered later it may not know. */
  readonly registrations: number = registrationCount();
  /** Where it is. */
  state: WorkerState = WorkerState.STARTING;
  /** Whether it was ever ready. */
  wasReady = false;
  /** Whether its end was asked for. */
  dismissed = false;
  /** Milliseconds that the calls it has are thought to take. */
  load = 0;
  /** Bytes of arguments of the calls it has. */
  bytes = 0;
  /** Calls that it was sent and that were not taken back: what `maxTasksPerChild` counts. */
  charged = 0;
  readonly #process: WorkerProcess;
  readonly #start: WorkerStart;
  readonly #events: WorkerEvents;
  readonly #writer = new FrameWriter();
  /** Numbers of the tasks that it was told of. */
  readonly #tasks = new Map<RegisteredTask, number>();
  readonly #sent = new Deque<WorkItem | undefined>();
  /** Sequence number of the last call answered. */
  #answered = 0;
  /** Items in `#sent` that are not taken back. */
  #outstanding = 0;
  /** Assigned and not flushed: the last so many of `#sent`. */
  #unflushed = 0;
  #channel: Channel | undefined;
  /** The slate's `stop` is written: it gets no call until all that it has is answered. */
  #stopped = false;
  /** The next `CALLS` must say that calls may be entered again. */
  #resume = false;
  #crash: WorkerCrash | undefined;
  /** Its calls were given up: nothing that it says matters any more. */
  #abandoned = false;
  /** What `entered` was when it was last looked at, and since when it has been that. */
  #seen = -1;
  #seenAt = 0;

  /** Takes a process over. */
  constructor(process: WorkerProcess, start: WorkerStart, events: WorkerEvents) {
    this.name = start.name;
    this.#process = process;
    this.#start = start;
    this.#events = events;
    void this.#live();
  }

  /** Its process id. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Calls that it has. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** Whether it may be given a call. */
  get takesCalls(): boolean {
    return this.state === WorkerState.READY && !this.#stopped;
  }

  /** Resolves when nothing of it is left. */
  get released(): Promise<void> {
    return this.#process.released;
  }

  /** Gives it a call; it goes out with the next {@linkcode Worker.flush}. */
  assign(item: WorkItem): void {
    item.send();
    this.#sent.push(item);
    this.#outstanding++;
    this.#unflushed++;
    this.charged++;
    this.load += item.estimate;
    this.bytes += item.end - item.start;
  }

  /** Sends what was assigned, in one message. */
  flush(): void {
    if (this.#unflushed === 0) return;
    const first = this.#sent.size - this.#unflushed;
    for (let i = first; i < this.#sent.size; i++) this.#tellTask(this.#sent.at(i)!.profile.task);
    const frame = this.#writer;
    frame.beginFrame(MessageKind.CALLS);
    frame.u8(this.#resume ? CallsFlag.RESUME : 0);
    this.#resume = false;
    frame.f64(this.#answered + 1 + first);
    for (let i = first; i < this.#sent.size;) i = this.#writeRun(i);
    this.#unflushed = 0;
    this.#channel!.send(frame.endFrame());
  }

  /** Writes the calls from `from` on that are of one task; gives the place of the next. */
  #writeRun(from: number): number {
    const frame = this.#writer;
    const { profile, slices } = this.#sent.at(from)!;
    frame.u32(this.#tasks.get(profile.task)!);
    frame.u8(slices ? RunFlag.SLICES : 0);
    const place = frame.length - frame.start;
    frame.u32(0);
    let next = from;
    for (
      let item = this.#sent.at(next);
      item?.profile === profile && item.slices === slices;
      item = this.#sent.at(next)
    ) {
      frame.f64(item.id);
      frame.block(item.bytes, item.start, item.end);
      next++;
    }
    frame.view.setUint32(frame.start + place, next - from, true);
    return next;
  }

  #tellTask(task: RegisteredTask): void {
    if (this.#tasks.has(task)) return;
    this.#tasks.set(task, this.#tasks.size);
    const frame = this.#writer;
    frame.beginFrame(MessageKind.TASK);
    // A worker that was started before the task was registered may have imported an older text of its module.
    frame.u8(task.order >= this.registrations ? 1 : 0);
    encodeValue(frame, [task.url, task.name, task.hash], "task", "task");
    this.#channel!.send(frame.endFrame());
  }

  /** Lets it exit once it has answered what it has. */
  leave(): void {
    if (this.state === WorkerState.STARTING) return this.kill("SIGKILL"); // it has nothing, so nothing is lost
    if (this.state !== WorkerState.READY) return;
    this.state = WorkerState.LEAVING;
    this.dismissed = true;
    this.#writer.beginFrame(MessageKind.BYE);
    this.#channel!.send(this.#writer.endFrame());
    if (this.#outstanding === 0) this.#expectExit();
  }

  #expectExit(): void {
    after(LEAVE_GRACE, this.#process.exited, () => this.kill("SIGKILL"));
  }

  /** Ends it now. */
  kill(signal: "SIGTERM" | "SIGKILL"): void {
    this.dismissed = true;
    this.#process.kill(signal);
  }

  /** Gives up the calls that it has, whatever has become of them; it must be killed then. */
  abandon(): WorkItem[] {
    this.#abandoned = true;
    this.#outstanding = 0;
    return this.#sent.takeAll().filter((item) => item !== undefined);
  }

  /**
   * For how long it has been at the call that it is at, as far as was looked.
   *
   * @param now The time.
   * @returns Milliseconds since it was first seen at that call.
   */
  seenAtSameCallFor(now: number): number {
    const { sequence } = readEntered(this.#process.slate);
    if (sequence !== this.#seen) {
      this.#seen = sequence;
      this.#seenAt = now;
    }
    return now - this.#seenAt;
  }

  /**
   * Takes back the calls behind the one that it is at. Only to be asked when that has been seen for 2 ms: then the worker
   * is bound to look at `stop` before it enters another (ARCHITECTURE.md, "Who is lost?").
   *
   * @returns What surely was not entered, in order. If the worker has moved on meanwhile it is empty, and the worker
   *   answers each call that it skips.
   */
  takeBack(): WorkItem[] {
    const { slate } = this.#process;
    const entered = this.#seen;
    writeStop(slate, entered + 1);
    this.#stopped = true;
    if (readEntered(slate).sequence !== entered) return [];
    const taken: WorkItem[] = [];
    for (let i = Math.max(0, entered - this.#answered); i < this.#sent.size; i++) {
      const item = this.#sent.at(i);
      if (item === undefined) continue;
      this.#sent.replace(i, undefined);
      this.#takeOff(item);
      taken.push(item);
    }
    return taken;
  }

  /** A call that it does not have any more, and that goes to another worker. */
  #takeOff(item: WorkItem): void {
    this.#settled(item);
    this.charged--;
  }

  #settled(item: WorkItem): void {
    this.#outstanding--;
    this.load = this.#outstanding === 0 ? 0 : this.load - item.estimate;
    this.bytes -= item.end - item.start;
  }

  /** Its whole life. */
  async #live(): Promise<void> {
    let reason: unknown;
    try {
      this.#channel = await this.#process.channel;
      this.#greet(this.#channel);
      reason = await this.#bothEnds(this.#channel);
    } catch (error) {
      reason = error;
    }
    const exit = await this.#process.exited;
    this.#account(exit, reason);
  }

  #greet(channel: Channel): void {
    const { initializer } = this.#start;
    const frame = this.#writer;
    frame.beginFrame(MessageKind.START);
    const parts: unknown[] = [this.name];
    if (initializer !== undefined) {
      const { url, name, hash } = initializer.task;
      parts.push([url, name, hash], initializer.args);
    }
    encodeValue(frame, parts, "start", "initarg");
    channel.send(frame.endFrame());
    channel.receive((bytes) => this.#take(bytes));
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
    const { exited } = this.#process;
    exited.then(() => after(END_GRACE, channel.closed, () => channel.abort(new Error("its process has exited"))));
    const end = await channel.closed;
    // Garbage, or a message out of order: nothing that it says can be believed any more.
    if (end !== undefined) this.#process.kill("SIGKILL");
    else after(END_GRACE, exited, () => this.#process.kill("SIGKILL"));
    await exited;
    return end;
  }

  #account(exit: ProcessExit, reason: unknown): void {
    this.state = WorkerState.ENDED;
    const { sequence, running } = readEntered(this.#process.slate);
    this.#process.slate.close();
    const enteredAny = sequence > 0;
    const lost: WorkItem[] = [];
    const notEntered: WorkItem[] = [];
    let sequenceOf = this.#answered;
    for (const item of this.#sent.takeAll()) {
      sequenceOf++;
      if (item === undefined) continue;
      if (sequenceOf <= sequence) lost.push(item);
      else notEntered.push(item);
    }
    this.#outstanding = 0;
    this.#events.ended(this, {
      exit,
      reason,
      crash: this.#crash,
      enteredAny,
      lost,
      lastMayHaveRun: running,
      notEntered,
    });
  }

  #take(bytes: Uint8Array): void {
    if (this.#abandoned) return;
    const frame = new FrameReader(bytes);
    const kind = frame.u8();
    switch (kind) {
      case MessageKind.RESULTS:
        return this.#takeResults(frame);
      case MessageKind.READY:
        return this.#becomeReady();
      case MessageKind.FAILED:
        return this.#events.initializerFailed(this, decodeFailure(bytes, frame.at, bytes.length));
      case MessageKind.CRASH: {
        const misuse = frame.u8() === 1;
        const size = frame.u32();
        const task = decodeValue(bytes, frame.skip(size), frame.at) as string;
        this.#crash = { error: decodeFailure(bytes, frame.at, bytes.length), task, misuse };
        return this.#events.crashed(this.#crash);
      }
      default:
        throw new ProtocolError(`Cannot take a message as its kind must be known: current kind is ${kind}`);
    }
  }

  #takeResults(frame: FrameReader): void {
    const { bytes } = frame;
    if (frame.f64() !== this.#answered + 1) {
      throw new ProtocolError(`Cannot take answers as they must begin at call ${this.#answered + 1}: they do not`);
    }
    while (!frame.ended) {
      const answer = frame.u8() as Answer;
      const milliseconds = frame.f32();
      const size = frame.u32();
      const start = frame.skip(size);
      if (this.#sent.size === 0) throw new ProtocolError("Cannot take an answer as no call waits for one");
      const item = this.#sent.shift();
      this.#answered++;
      if (item === undefined) {
        if (answer !== Answer.SKIPPED) throw new ProtocolError("Cannot take an answer as its call was taken back");
      } else {
        this.#takeAnswer(item, answer, milliseconds, bytes, start, frame.at);
      }
    }
    if (this.#stopped && this.#sent.size === 0) {
      writeStop(this.#process.slate, 0);
      this.#stopped = false;
      this.#resume = true;
    }
    if (this.state === WorkerState.LEAVING && this.#outstanding === 0) this.#expectExit();
    this.#events.answeredAll(this);
  }

  #takeAnswer(
    item: WorkItem,
    answer: Answer,
    milliseconds: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    let value: unknown;
    switch (answer) {
      case Answer.RESULT:
        item.profile.record(milliseconds);
        value = decodeValue(bytes, start, end);
        break;
      case Answer.FAILURE:
        item.profile.record(milliseconds);
        value = decodeFailure(bytes, start, end);
        break;
      case Answer.NOT_FOUND:
        value = decodeFailure(bytes, start, end);
        break;
      case Answer.SKIPPED:
      case Answer.STALE:
        this.#takeOff(item);
        return this.#events.answered(item, answer, undefined);
      default:
        throw new ProtocolError(`Cannot take an answer as its kind must be known: current kind is ${answer}`);
    }
    this.#settled(item);
    this.#events.answered(item, answer, value);
  }
}

/** Calls `fn` if `promise` has not resolved within `delay` milliseconds. */
function after(delay: number, promise: Promise<unknown>, fn: () => void): void {
  const timer = setTimeout(fn, delay);
  promise.then(() => clearTimeout(timer));
}
