/**
 * The worker's side: it takes calls from the channel and runs them, one after the other.
 *
 * ```text
 *  1  a message comes              its calls are queued as they lie, nothing is decoded
 *  2  before a call is entered     answers go out if they are a millisecond old, or if this call may be long;
 *                                  and the system must have taken all that was written
 *  3  the call is entered          the clock is read, `entered` written, the clock read again; if the last reading
 *                                  before an entry is over 1 ms old, `stop` is read: from there on calls are skipped
 *  4  first use of a task          its module is imported, its name looked up
 *  5  arguments are decoded, the function is called, its promise awaited
 *  6  the answer is appended to those that wait to go out
 * ```
 *
 * As long as functions return no promise all this happens in one turn of the event loop. ARCHITECTURE.md, "Who is
 * lost?", has the reasons of steps 2 and 3.
 */
import { now, queueMicrotask } from "../runtime/host_functions.ts";
import type { Channel } from "../channel/channel.ts";
import { bringsClasses, decodeList, decodeValue, encodeValue, UnpicklingError } from "../channel/codec.ts";
import { encodeFailure } from "../channel/failure.ts";
import {
  Answer,
  CallsFlag,
  CrashFlag,
  FrameReader,
  FrameWriter,
  MessageKind,
  ProtocolError,
  RunFlag,
} from "../channel/protocol.ts";
import type { Segments } from "../channel/segments.ts";
import { readStop, type SlateMemory, writeEntered } from "../channel/slate.ts";
import type { CallLocal, ParentLink, Runtime } from "../runtime/runtime.ts";
import { type CurrentTask, markAsWorker, type WorkerMark } from "../tasks/current_task.ts";
import { fullName, type RegisteredTask, type TaskAddress } from "../tasks/registry.ts";
import { Answers } from "./answers.ts";
import { Deque } from "./deque.ts";
import { argumentsError, importClasses } from "./find_class.ts";
import { findTask } from "./find_task.ts";
import { shutdownAll } from "./scheduler.ts";
import { nextMean } from "./work_item.ts";

/** Milliseconds below which a task has proved short: answers may wait while it runs. */
const SHORT = 0.1;

/**
 * Milliseconds below which calls of a map may share an entry in the slate and a context. What shares one is lost together,
 * and cannot be taken back behind a call that suddenly lasts: the less of it the better. But an entry costs one to two
 * microseconds where the slate is a file, and a context up to one: a tenth of a call of twenty.
 */
const TINY = 0.02;
/** Milliseconds of calls that share them. */
const SLICE = 0.05;
/** Calls in a slice at most: the shortest cannot be told apart from nothing by every host's clock. */
const MOST_CALLS_IN_SLICE = 64;

/** Milliseconds since an entry after which `stop` is read: half of what the parent waits for before it writes it. */
const STOP_READING_AGE = 1;

/** Arguments of this many bytes may take a while to decode, so that a death in it can be told from one of the task. */
const LARGE = 64 * 1024;

/** A task as this worker knows it. */
interface KnownTask {
  readonly address: TaskAddress;
  /** Whether the worker was started before the task was registered, so that another may know it better. */
  readonly mayBeStale: boolean;
  /** Its full name. */
  readonly name: string;
  /** The function, once it was looked up. */
  found: RegisteredTask | undefined;
  /** Mean running time in milliseconds; `Infinity` until it has run. */
  mean: number;
}

function knownTask(address: TaskAddress, mayBeStale: boolean): KnownTask {
  return { address, mayBeStale, name: fullName(address), found: undefined, mean: Infinity };
}

/** Calls of one task, in one message. */
interface Run {
  readonly frame: FrameReader;
  readonly task: KnownTask;
  readonly slices: boolean;
  /** The segments of its calls not taken yet, if they have any. */
  readonly segments: Segments | undefined;
  /** Calls not taken yet. */
  left: number;
}

/** A call that is at work. */
interface Call {
  readonly id: number;
  readonly task: KnownTask;
  /** Its arguments, from `start` to `end`. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Large buffers of them. */
  readonly segments: Segments | undefined;
}

/** A call that does not end in this turn: it has returned a promise, or its arguments need classes that are to be imported. */
interface Unfinished {
  readonly call: Call;
  readonly promise?: PromiseLike<unknown>;
  readonly missing?: UnpicklingError;
}

/** The modules of a call's classes were imported, or why one was not. */
interface Imported {
  readonly cause?: unknown;
}

/**
 * What is bound to a call and all that it starts; to all calls of a slice, for which it goes from one to the next: so what
 * one of them leaves behind, a timer say, is known by the right name and the id of the slice's last.
 */
class CallContext {
  readonly name: string;
  #id = 0;
  #task: CurrentTask | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** The next call begins. */
  begin(id: number): void {
    this.#id = id;
    this.#task = undefined;
  }

  /** The call, as it sees itself. */
  get task(): CurrentTask {
    return this.#task ??= { id: this.#id, name: this.name, attempt: 1 };
  }
}

/** Makes this process a worker of the parent that started it. */
export async function runWorker(runtime: Runtime): Promise<void> {
  const calls = runtime.callLocal<CallContext>();
  // A bundle's program may fail, or misuse an executor, before the parent has been reached: that is kept until then.
  const early: { readonly error: unknown; readonly misuse: boolean }[] = [];
  const mark: WorkerMark = {
    currentTask: () => calls.get()?.task,
    misused: (error) => void early.push({ error, misuse: true }),
  };
  let tell = (error: unknown): void => void early.push({ error, misuse: false });
  markAsWorker(mark);
  runtime.onUncaught((error) => tell(error));
  runtime.ignoreInterrupt();
  runtime.prepareOutput();
  runtime.keepAlive();
  let link: ParentLink;
  try {
    link = await runtime.connectToParent();
  } catch (error) {
    console.error("Cannot become a worker as its parent must be there:", error);
    return runtime.exit(1);
  }
  const { channel, slate } = link;
  const loop = new WorkerLoop(runtime, channel, slate, calls);
  mark.misused = (error) => loop.crash(error, true);
  tell = (error) => loop.crash(error, false);
  const [first] = early.toSorted((one, other) => Number(other.misuse) - Number(one.misuse));
  if (first !== undefined) return loop.crash(first.error, first.misuse);
  channel.closed.then(() => runtime.exit(0)); // the parent is gone, or has no more need of this worker
  channel.receive((bytes, segments) => loop.take(bytes, segments));
}

class WorkerLoop {
  readonly #runtime: Runtime;
  readonly #channel: Channel;
  readonly #slate: SlateMemory;
  readonly #calls: CallLocal<CallContext>;
  readonly #runs = new Deque<Run>();
  /** Calls in `#runs`. */
  #queued = 0;
  readonly #tasks: KnownTask[] = [];
  /** Messages but answers. */
  readonly #writer = new FrameWriter();
  readonly #answers: Answers;
  #name = "";
  /** Sequence number of the last call taken from the queue. */
  #sequence = 0;
  /** The last call of the slice that has been entered. */
  #sliceEnd = 0;
  /** Calls in that slice. */
  #sliceSize = 1;
  /** The clock, as last read. */
  #clock = 0;
  /** The clock, as read before the last entry. */
  #enteredAt = -Infinity;
  /** Calls from this one on are skipped; 0: none. */
  #stop = 0;
  /** Work is to begin at the end of this turn. */
  #workDue = false;
  /** A call is running, or something must happen before the next. */
  #busy = false;
  /** A promise of the running call is awaited. */
  #waiting = false;
  /** No more calls will come. */
  #leaving = false;
  #crashed = false;
  /** Of the call that was entered last. */
  #current: CallContext | undefined;

  constructor(runtime: Runtime, channel: Channel, slate: SlateMemory, calls: CallLocal<CallContext>) {
    this.#runtime = runtime;
    this.#channel = channel;
    this.#slate = slate;
    this.#calls = calls;
    this.#answers = new Answers(channel);
  }

  /** Takes a message. */
  take(bytes: Uint8Array, segments: Segments): void {
    const frame = new FrameReader(bytes);
    switch (frame.u8()) {
      case MessageKind.CALLS:
        this.#takeCalls(frame, segments);
        return this.#workSoon();
      case MessageKind.TASK: {
        const mayBeStale = frame.u8() === 1;
        const [url, name, hash] = decodeValue(bytes, frame.at, bytes.length) as string[];
        this.#tasks.push(knownTask({ url, name, hash }, mayBeStale));
        return;
      }
      case MessageKind.START: {
        const [name, plain, address, args] = decodeValue(bytes, frame.at, bytes.length) as [
          string,
          boolean,
          string[]?,
          Uint8Array?,
        ];
        this.#name = name;
        this.#answers.plain = plain;
        if (address !== undefined) void this.#initialize(address, args!);
        return;
      }
      case MessageKind.BYE:
        this.#leaving = true;
        return this.#workSoon();
      default:
        throw new ProtocolError("Cannot take a message as its kind must be known: it is not");
    }
  }

  /** Tells the parent of an error that nobody caught, and dies. */
  crash(error: unknown, misuse: boolean): void {
    if (this.#crashed) return this.#runtime.exit(1); // what a task left behind keeps even this from its end
    this.#crashed = true;
    this.#busy = true;
    try {
      this.#answers.send();
      this.#channel.send(this.#crashMessage(error, misuse));
    } finally {
      void this.#exit(1, Promise.resolve());
    }
  }

  #crashMessage(error: unknown, misuse: boolean): Uint8Array {
    // The task that left a timer or a promise behind; where the host has lost it, the one that was entered last.
    const origin = this.#calls.get();
    const task = (origin ?? this.#current)?.name ?? "";
    const frame = this.#writer;
    frame.beginFrame(MessageKind.CRASH);
    frame.u8((misuse ? CrashFlag.MISUSE : 0) | (origin === undefined ? 0 : CrashFlag.ORIGIN));
    const place = frame.beginBlock();
    encodeValue(frame, task, "task", "task");
    frame.endBlock(place);
    encodeFailure(frame, error, this.#where(task), this.#answers.plain);
    return frame.endFrame();
  }

  /** Ends this process, with all that it has printed. */
  async #exit(code: number, before: Promise<void>): Promise<void> {
    try {
      await before;
      await this.#channel.drained();
      await this.#runtime.flushOutput();
    } finally {
      this.#runtime.exit(code);
    }
  }

  #where(task: string): string {
    return `${task === "" ? "no task" : `task ${task}`} in worker ${this.#name} (process ${this.#runtime.pid})`;
  }

  async #initialize([url, name, hash]: string[], args: Uint8Array): Promise<void> {
    const address = { url, name, hash };
    const context = this.#current = new CallContext(fullName(address));
    const frame = this.#writer;
    try {
      const task = await findTask(this.#runtime, address, false) as RegisteredTask;
      const values = await this.#decodeInitargs(args);
      await this.#calls.run(context, () => task.fn.apply(task.receiver, values));
      frame.beginFrame(MessageKind.READY);
    } catch (error) {
      frame.beginFrame(MessageKind.FAILED);
      encodeFailure(frame, error, this.#where(context.name), this.#answers.plain);
    }
    this.#channel.send(frame.endFrame());
  }

  async #decodeInitargs(args: Uint8Array): Promise<unknown[]> {
    let imported: Imported | undefined;
    for (;;) {
      try {
        return decodeList(args, 0, args.length);
      } catch (error) {
        if (!(error instanceof UnpicklingError)) throw error;
        if (error.missing.length === 0 || imported !== undefined) {
          throw argumentsError(error.because(imported), "initarg");
        }
        imported = await importClasses(this.#runtime, error);
      }
    }
  }

  #takeCalls(frame: FrameReader, segments: Segments): void {
    if ((frame.u8() & CallsFlag.RESUME) !== 0) this.#stop = 0;
    const first = frame.f64();
    let sequence = first;
    while (!frame.ended) {
      const task = this.#tasks[frame.u32()];
      if (task === undefined) throw new ProtocolError("Cannot take calls as their task must have been told of");
      const flags = frame.u8();
      const slices = (flags & RunFlag.SLICES) !== 0;
      const count = frame.u32();
      const run = new FrameReader(frame.bytes);
      run.at = frame.at;
      const own: Segments | undefined = (flags & RunFlag.SEGMENTS) !== 0 ? [] : undefined;
      this.#runs.push({ frame: run, task, slices, left: count, segments: own });
      for (let i = 0; i < count; i++) {
        frame.skip(8);
        frame.skip(frame.u32());
        if (own !== undefined) own.push(...segments.splice(0, frame.u32()));
      }
      sequence += count;
    }
    const expected = this.#sequence + this.#queued + 1;
    if (first !== expected) {
      throw new ProtocolError(`Cannot take calls as the next must be call ${expected}: it is ${first}`);
    }
    this.#queued += sequence - first;
  }

  /** When all messages that came together are taken: their answers are to go together, too. */
  #workSoon(): void {
    if (this.#workDue) return;
    this.#workDue = true;
    queueMicrotask(() => {
      this.#workDue = false;
      this.#work();
    });
  }

  // Steps 2 to 6.

  #work(): void {
    while (!this.#busy) {
      const run = this.#runs.peek();
      if (run === undefined) return this.#rest();
      if (this.#sequence < this.#sliceEnd) { // entered already, with those before it
        this.#runSlice(run);
        continue;
      }
      const time = this.#clock = now();
      if (run.task.mean >= SHORT || this.#answers.areDue(time)) this.#answers.send();
      if (this.#channel.unsent > 0) {
        this.#busy = true;
        this.#channel.drained().then(() => this.#goOn());
        return;
      }
      if (this.#enter(run, time)) this.#runSlice(run);
      else this.#skip(run);
    }
  }

  #goOn(): void {
    if (this.#crashed) return;
    this.#busy = false;
    this.#work();
  }

  /** There is no call left. */
  #rest(): void {
    this.#answers.send();
    if (!this.#leaving) return;
    this.#busy = true;
    void this.#exit(0, shutdownAll());
  }

  /** Step 3; says whether the call may be entered. */
  #enter(run: Run, time: number): boolean {
    if (this.#stop !== 0) return false;
    const { task } = run;
    const last = this.#sequence + (run.slices ? this.#sliceOf(task.mean, run.left) : 1);
    writeEntered(this.#slate, last, task.found !== undefined && run.frame.peekBlockSize() < LARGE);
    this.#clock = now();
    // The parent writes `stop` only 2 ms after it has seen an entry: an entry that follows another within 1 ms is safe.
    if (this.#clock - this.#enteredAt > STOP_READING_AGE) this.#stop = readStop(this.#slate);
    this.#enteredAt = time;
    if (this.#stop !== 0) {
      writeEntered(this.#slate, this.#sequence, true); // not entered after all: whoever reads it now may know
      return false;
    }
    this.#sliceEnd = last;
    this.#sliceSize = last - this.#sequence;
    return true;
  }

  /** How many calls, of those left of their task, share an entry; 1 if they are not tiny. */
  #sliceOf(mean: number, left: number): number {
    if (mean >= TINY) return 1;
    return Math.min(left, Math.max(1, Math.floor(SLICE / Math.max(mean, SLICE / MOST_CALLS_IN_SLICE))));
  }

  #skip(run: Run): void {
    this.#pass(run);
    run.frame.skip(run.frame.u32());
    takeSegments(run);
    this.#answers.skipped(this.#sequence);
  }

  /** Takes a call's number and id off its run. */
  #pass(run: Run): number {
    this.#sequence++;
    this.#queued--;
    if (--run.left === 0) this.#runs.shift();
    return run.frame.f64();
  }

  #runSlice(run: Run): void {
    const { task } = run;
    const context = this.#current = new CallContext(task.name);
    if (task.found !== undefined) {
      const next = this.#calls.run(context, this.#runCalls, run, context);
      return next && this.#goOnWith(next, context);
    }
    const call = this.#takeCall(run);
    context.begin(call.id);
    this.#busy = true;
    findTask(this.#runtime, task.address, task.mayBeStale).then((found) => {
      task.found = found;
      if (found === undefined) this.#answers.stale(this.#sequence);
      else this.#runApart(call, context);
    }, (error) => this.#answers.failed(this.#sequence, Answer.NOT_FOUND, 0, error, this.#where(task.name))).finally(
      () => {
        if (!this.#waiting) this.#goOn();
      },
    );
  }

  /** Runs what is left of the slice, up to the first call that does not end in this turn. */
  readonly #runCalls = (run: Run, context: CallContext): Unfinished | undefined => {
    let unfinished: Unfinished | undefined;
    while (unfinished === undefined && this.#sequence < this.#sliceEnd && !this.#busy) {
      const call = this.#takeCall(run);
      context.begin(call.id);
      unfinished = this.#call(call);
    }
    return unfinished;
  };

  /** Runs one call, which has waited for its task or its classes. */
  #runApart(call: Call, context: CallContext, imported?: Imported): void {
    const unfinished = this.#calls.run(context, () => this.#call(call, imported));
    if (unfinished !== undefined) this.#goOnWith(unfinished, context);
  }

  /** Outside of the call's context: a module that is imported, and what follows the call, are not the call. */
  #goOnWith({ call, missing, promise }: Unfinished, context: CallContext): void {
    if (missing === undefined) this.#await(call.task, promise!);
    else this.#import(missing, (imported) => this.#runApart(call, context, imported));
  }

  #takeCall(run: Run): Call {
    const id = this.#pass(run);
    const { frame, task } = run;
    const size = frame.u32();
    const start = frame.skip(size);
    return { id, task, bytes: frame.bytes, start, end: start + size, segments: takeSegments(run) };
  }

  /** Step 5, and 6 if it ends in this turn. */
  #call(call: Call, imported?: Imported): Unfinished | undefined {
    const { task, bytes, start, end, segments } = call;
    let value: unknown;
    if (this.#sliceSize === 1) this.#clock = now();
    try {
      // Reading may run code of the user's, which is not yet the task.
      const bringsCode = bringsClasses(bytes, start);
      if (bringsCode) writeEntered(this.#slate, this.#sliceEnd, false);
      const args = decodeList(bytes, start, end, segments);
      // The slice's last, as at its entry: `entered` must never go back.
      if (bringsCode || end - start >= LARGE || task.mean === Infinity) writeEntered(this.#slate, this.#sliceEnd, true);
      value = task.found!.fn.apply(task.found!.receiver, args);
      if (isThenable(value)) return { call, promise: value };
    } catch (error) {
      if (!(error instanceof UnpicklingError)) return this.#finish(task, Answer.FAILURE, error);
      if (error.missing.length > 0 && imported === undefined) return { call, missing: error };
      return this.#finish(task, Answer.FAILURE, argumentsError(error.because(imported), "argument"));
    }
    return this.#finish(task, Answer.RESULT, value);
  }

  /** Imports the classes of a call's arguments, then calls `again`. */
  #import(missing: UnpicklingError, again: (imported: Imported) => void): void {
    this.#busy = this.#waiting = true;
    this.#answers.sendSoon();
    importClasses(this.#runtime, missing).then((imported) => {
      this.#waiting = false;
      again(imported);
    }).finally(() => {
      if (!this.#waiting) this.#goOn();
    });
  }

  #await(task: KnownTask, value: PromiseLike<unknown>): void {
    // Not Promise.resolve(), which asks the promise for its constructor, and may be answered by a throw.
    const settled = new Promise((resolve) => resolve(value));
    this.#busy = this.#waiting = true;
    this.#answers.sendSoon();
    settled.then(
      (value) => this.#finish(task, Answer.RESULT, value),
      (error) => this.#finish(task, Answer.FAILURE, error),
    ).finally(() => {
      this.#waiting = false;
      this.#goOn();
    });
  }

  /** Step 6. */
  #finish(task: KnownTask, answer: Answer, value: unknown): undefined {
    if (this.#crashed) return;
    let duration = task.mean;
    // Calls of a slice are timed together, at its end: two readings of the clock would be the most of each.
    if (this.#sequence === this.#sliceEnd) {
      const before = this.#clock;
      this.#clock = now();
      duration = (this.#clock - before) / this.#sliceSize;
      task.mean = nextMean(task.mean, duration);
    }
    const where = (): string => this.#where(task.name);
    if (answer === Answer.RESULT) this.#answers.returned(this.#sequence, duration, value, where);
    else this.#answers.failed(this.#sequence, Answer.FAILURE, duration, value, where());
  }
}

/** Takes the segments of the run's next call, whose block has been passed. */
function takeSegments({ segments, frame }: Run): Segments | undefined {
  return segments?.splice(0, frame.u32());
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null &&
    typeof (value as { readonly then?: unknown }).then === "function";
}
