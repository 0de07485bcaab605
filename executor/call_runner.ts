/**
 * The worker's loop: it takes calls out of the inbox and runs them, one after the other.
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
import { bringsClasses, decodeList, UnpicklingError } from "../channel/codec.ts";
import { decodeFailure } from "../channel/failure.ts";
import { Answer, type FrameReader, RunFlag } from "../channel/protocol.ts";
import type { Segments } from "../channel/segments.ts";
import { Phase, type SlateMemory } from "../channel/slate.ts";
import type { CallLocal, Runtime } from "../runtime/runtime.ts";
import { Answers } from "./answers.ts";
import { CallContext, type TaskControl } from "./call_context.ts";
import { Entrance, LARGE } from "./entrance.ts";
import { argumentsError, importClasses } from "./import_classes.ts";
import { findTask } from "./find_task.ts";
import { type Call, Inbox, type KnownTask, PROOF, type Run } from "./inbox.ts";
import { Progress } from "./progress.ts";
import { nextMean } from "./task_profile.ts";

/** Milliseconds below which a task has proved short: answers may wait while it runs. */
const SHORT = 1;

/** A call that does not end in this turn: it has returned a promise, or classes of its arguments are to be imported. */
interface Unfinished {
  readonly call: Call;
  readonly promise?: PromiseLike<unknown>;
  readonly missing?: UnpicklingError;
}

/** The modules of a call's classes were imported, or why one was not. */
interface Imported {
  readonly cause?: unknown;
}

/** Runs calls. */
export class CallRunner implements TaskControl {
  /** What waits to go out. */
  readonly answers: Answers;
  /** Of the call that was entered last. */
  current: CallContext | undefined;
  readonly #runtime: Runtime;
  readonly #channel: Channel;
  readonly #contexts: CallLocal<CallContext>;
  readonly #where: (task: string) => string;
  readonly #inbox = new Inbox();
  readonly #entrance: Entrance;
  readonly #progress: Progress;
  /** Flags of the call that was entered last. */
  #flags = 0;
  /** Work is to begin at the end of this turn. */
  #workDue = false;
  /** A call is running, or something must happen before the next. */
  #busy = false;
  /** A promise of the running call is awaited. */
  #waiting = false;
  /** Called when no call is left, once no more will come. */
  #onEnd: (() => void) | undefined;
  #halted = false;

  /** Runs nothing yet; `where` says for people where a task runs. */
  constructor(
    runtime: Runtime,
    channel: Channel,
    slate: SlateMemory,
    contexts: CallLocal<CallContext>,
    where: (task: string) => string,
  ) {
    this.#runtime = runtime;
    this.#channel = channel;
    this.#contexts = contexts;
    this.#where = where;
    this.#entrance = new Entrance(slate);
    this.answers = new Answers(channel);
    this.#progress = new Progress(channel);
  }

  /** Takes a message of a task. */
  takeTask(frame: FrameReader): void {
    this.#inbox.addTask(frame);
  }

  /** Takes a message of calls. */
  takeCalls(frame: FrameReader, segments: Segments): void {
    if (this.#inbox.addCalls(frame, segments)) this.#entrance.resume();
    this.#workSoon();
  }

  /** Takes a message that a call is to end; it may have ended. */
  takeAbort(frame: FrameReader): void {
    if (frame.f64() !== this.#inbox.sequence) return;
    this.current?.abort(decodeFailure(frame.bytes, frame.at, frame.bytes.length));
  }

  listen(context: CallContext): void {
    if (context === this.current) this.#entrance.setPhase(Phase.LISTENING);
  }

  isAborted(context: CallContext): boolean {
    return context === this.current && this.#entrance.isAborted();
  }

  report(context: CallContext, done: number, total: number): void {
    if (context !== this.current || (this.#flags & RunFlag.PROGRESS) === 0) return;
    this.#progress.report(this.#inbox.sequence, done, total);
  }

  /** Calls `onEnd` when all calls are run: no more will come. */
  finish(onEnd: () => void): void {
    this.#onEnd = onEnd;
    this.#workSoon();
  }

  /** Begins no more calls. */
  halt(): void {
    this.#halted = this.#busy = true;
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

  #work(): void {
    while (!this.#busy) {
      const run = this.#inbox.next;
      if (run === undefined) return this.#rest();
      if (this.#inbox.sequence < this.#entrance.last) { // entered already, with those before it
        this.#runSlice(run);
        continue;
      }
      const time = now();
      const isShort = run.task.measured >= PROOF && run.task.mean < SHORT;
      const alone = (run.flags & RunFlag.ALONE) !== 0;
      if (!isShort || alone || this.answers.areDue(time + run.task.mean)) this.answers.send();
      if (this.#channel.unsent > 0) {
        this.#busy = true;
        this.#channel.drained().then(() => this.#goOn());
        return;
      }
      if (this.#entrance.tryEnter(this.#inbox.sequence, run, time)) this.#runSlice(run);
      else this.#skip(run);
    }
  }

  #goOn(): void {
    if (this.#halted) return;
    this.#busy = false;
    this.#work();
  }

  /** There is no call left. */
  #rest(): void {
    this.answers.send();
    if (this.#onEnd === undefined) return;
    this.#busy = true;
    this.#onEnd();
  }

  #skip(run: Run): void {
    this.#inbox.take(run);
    this.answers.skipped(this.#inbox.sequence);
  }

  #runSlice(run: Run): void {
    const { task } = run;
    const context = this.current = new CallContext(task.name, this);
    this.#flags = run.flags;
    if (task.found !== undefined) {
      const next = this.#contexts.run(context, this.#runCalls, run, context);
      if (next !== undefined) this.#goOnWith(next, context);
      return;
    }
    const call = this.#inbox.take(run);
    context.begin(call.id, run.attempt);
    this.#busy = true;
    findTask(this.#runtime, task.address, task.mayBeStale).then((found) => {
      task.found = found;
      if (found === undefined) this.answers.stale(this.#inbox.sequence);
      else this.#runApart(call, context);
    }, (error) => this.answers.failed(this.#inbox.sequence, Answer.NOT_FOUND, 0, error, this.#where(task.name)))
      .finally(
        () => {
          if (!this.#waiting) this.#goOn();
        },
      );
  }

  /** Runs what is left of the slice, up to the first call that does not end in this turn. */
  readonly #runCalls = (run: Run, context: CallContext): Unfinished | undefined => {
    let unfinished: Unfinished | undefined;
    while (unfinished === undefined && this.#inbox.sequence < this.#entrance.last && !this.#busy) {
      const call = this.#inbox.take(run);
      context.begin(call.id, run.attempt);
      unfinished = this.#call(call);
    }
    return unfinished;
  };

  /** Runs one call, which has waited for its task or its classes. */
  #runApart(call: Call, context: CallContext, imported?: Imported): void {
    const unfinished = this.#contexts.run(context, () => this.#call(call, imported));
    if (unfinished !== undefined) this.#goOnWith(unfinished, context);
  }

  /** Outside of the call's context: a module that is imported, and what follows the call, are not the call. */
  #goOnWith({ call, missing, promise }: Unfinished, context: CallContext): void {
    if (missing === undefined) this.#await(call.task, promise!, context);
    else this.#import(missing, (imported) => this.#runApart(call, context, imported));
  }

  /** Step 5, and 6 if it ends in this turn. */
  #call(call: Call, imported?: Imported): Unfinished | undefined {
    const { task } = call;
    if (this.#entrance.size === 1) this.#entrance.clock = now();
    let args: unknown[];
    try {
      args = this.#read(call);
    } catch (error) {
      if (!(error instanceof UnpicklingError)) return this.#finish(task, Answer.FAILURE, error);
      if (error.missing.length > 0 && imported === undefined) return { call, missing: error };
      return this.#finish(task, Answer.FAILURE, argumentsError(error.because(imported), "argument"));
    }
    let value: unknown;
    try {
      value = task.found!.fn.apply(task.found!.receiver, args);
      if (isThenable(value)) return { call, promise: value };
    } catch (error) { // anything, a proxy that must not be touched too
      return this.#finish(task, Answer.FAILURE, error);
    }
    return this.#finish(task, Answer.RESULT, value);
  }

  /** Decodes a call's arguments. That may run code of the user's, which is not yet the task, and may take a while. */
  #read({ task, args: ready, bytes, start, end, segments }: Call): unknown[] {
    if (ready !== undefined) {
      if (task.mean === Infinity) this.#entrance.setPhase(Phase.RUNNING);
      return ready;
    }
    const bringsCode = bringsClasses(bytes, start);
    if (bringsCode) this.#entrance.setPhase(Phase.PREPARING);
    const args = decodeList(bytes, start, end, segments);
    if (bringsCode || end - start >= LARGE || task.mean === Infinity) this.#entrance.setPhase(Phase.RUNNING);
    return args;
  }

  /** Imports the classes of a call's arguments, then calls `again`. */
  #import(missing: UnpicklingError, again: (imported: Imported) => void): void {
    this.#busy = this.#waiting = true;
    this.answers.sendSoon();
    importClasses(this.#runtime, missing).then((imported) => {
      this.#waiting = false;
      again(imported);
    }).finally(() => {
      if (!this.#waiting) this.#goOn();
    });
  }

  #await(task: KnownTask, value: PromiseLike<unknown>, context: CallContext): void {
    // Not Promise.resolve(), which asks the promise for its constructor, and may be answered by a throw.
    const settled = new Promise((resolve) => resolve(value));
    this.#contexts.keepUntil(context, settled);
    this.#busy = this.#waiting = true;
    this.answers.sendSoon();
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
    if (this.#halted) return;
    this.#progress.flush();
    let duration = task.mean;
    // Calls of a slice are timed together, at its end: two readings of the clock would be the most of each.
    if (this.#inbox.sequence === this.#entrance.last) {
      const before = this.#entrance.clock;
      this.#entrance.clock = now();
      duration = (this.#entrance.clock - before) / this.#entrance.size;
      task.mean = nextMean(task.mean, duration);
      task.measured++;
    }
    const where = (): string => this.#where(task.name);
    if (answer === Answer.RESULT) this.answers.returned(this.#inbox.sequence, task, duration, value, where);
    else this.answers.failed(this.#inbox.sequence, Answer.FAILURE, duration, value, where());
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null &&
    typeof (value as { readonly then?: unknown }).then === "function";
}
