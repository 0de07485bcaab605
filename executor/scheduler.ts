/**
 * The scheduler: it moves calls to free workers, and every executor is a face of it.
 *
 * ```text
 *  submit, map ──▶ calls.queue ─▶ #dispatch ──▶ worker.assign, flush ─▶ … ─▶ answered ──▶ calls.succeed / failAttempt
 *                      ▲              │ too few workers: start one               │
 *                      │              │ one stalls, another is free: take back   │ room: dispatch again
 *                      └── taken back, skipped, stale, not entered ◀─────────────┘
 * ```
 *
 * Life of a call: *queued* (in `calls.queue`) → *sent* (a worker has it) → *settled*. A sent call becomes queued again only if
 * it was surely not entered. A settled one that still lies in the queue (cancelled) is passed over there, so that a
 * cancel takes constant time.
 *
 * Dispatching happens once for all submits of a turn, in a microtask; so the calls of a turn travel in one message.
 *
 * `pending_calls.ts` has the calls, `staff.ts` the workers, and `dispatcher.ts` says which worker gets which call.
 */
import { clearTimeout, queueMicrotask, setTimeout } from "../runtime/host_functions.ts";
import { Answer } from "../channel/protocol.ts";
import { type BrokenExecutor, QueueFullError, ShutdownError } from "../errors.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { RegisteredTask } from "../tasks/registry.ts";
import { callBack } from "./callbacks.ts";
import { CallArguments } from "./call_arguments.ts";
import type { CallRules } from "./call_options.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Idle } from "./idle.ts";
import { brokenBy, callLost, reportCrash, startError } from "./losses.ts";
import { MemoryWatch } from "./memory_watch.ts";
import { addOpen, removeOpen } from "./open.ts";
import { PendingCalls, type PendingEvents } from "./pending_calls.ts";
import { type Crowd, Room } from "./room.ts";
import { Staff, type StaffEvents, type StaffOptions } from "./staff.ts";
import { Watch } from "./watch.ts";
import { TaskProfile } from "./task_profile.ts";
import { ItemState, type WorkItem } from "./work_item.ts";
import { TERMINATION_GRACE, type Worker, type WorkerCrash, type WorkerEnd } from "./worker.ts";

/** What makes a scheduler one of processes, or of threads. */
export interface SchedulerOptions extends StaffOptions {
  /** Calls that may wait for a worker. */
  readonly maxQueued: number;
  /** Milliseconds after which an idle worker is let go. */
  readonly idleTimeout: number;
  /** Bytes of memory that a worker may use. */
  readonly maxMemoryPerWorker: number;
  /** Whether failures that nobody has looked at are reported at the end. */
  readonly reportUnseen: boolean;
  /** The host. */
  readonly runtime: Runtime;
  /** Calls after which a worker is replaced. */
  readonly maxTasksPerChild: number;
  /** How calls are made that have no options of their own. */
  readonly rules: CallRules;
  /** What a lost worker means. */
  readonly onWorkerLost: "replace" | "break";
  /** Checks that workers can be started; throws what says why not. */
  check(): void;
  /** Resolves when nothing is left of what the workers shared. */
  close(): Promise<void>;
  /** Makes the error of a broken pool. */
  broken(message: string, options: ErrorOptions | undefined): BrokenExecutor;
}

/** Why a scheduler takes no calls any more. */
type End = { readonly kind: "shutdown" } | { readonly kind: "broken"; readonly why: string; readonly cause: unknown };

/** Moves calls to workers. */
export class Scheduler implements StaffEvents, PendingEvents, Crowd {
  /** Copies the arguments of calls. */
  readonly arguments: CallArguments;
  /** The calls that are not settled. */
  readonly calls: PendingCalls = new PendingCalls(this);
  /** Room for calls. */
  readonly room: Room;
  readonly #options: SchedulerOptions;
  /** The host was asked whether it can start workers. */
  #checked = false;
  readonly #staff: Staff;
  readonly #profiles = new WeakMap<RegisteredTask, TaskProfile>();
  /** A dispatch is due in this turn. */
  #dispatchDue = false;
  #end: End | undefined;
  /** The end of the shutdown, once one has begun. */
  #closed: Promise<void> | undefined;
  #onDrained: (() => void) | undefined;
  /** Lets the program end again: held while anything is pending, and during a shutdown. */
  #letEnd: (() => void) | undefined;
  readonly #dispatcher: Dispatcher;
  readonly #watch: Watch;
  readonly #idle: Idle;
  readonly #memory: MemoryWatch;
  /** Maps were told of room before those who wait for it. */
  #mapsFirst = false;

  /** Starts nothing yet. */
  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.arguments = new CallArguments(options.sending);
    this.#staff = new Staff(options, this);
    this.#dispatcher = new Dispatcher(this.calls.queue, this.#staff, options.maxTasksPerChild, (taskTimeout) => {
      this.#watch.forLimit(taskTimeout);
    });
    this.#idle = new Idle(options.idleTimeout, this.#staff.workers);
    this.#memory = new MemoryWatch(options.maxMemoryPerWorker, this.#staff.workers, () => this.#watch.forEnd());
    this.room = new Room(options.maxQueued, this);
    this.#watch = new Watch({
      workers: this.#staff.workers,
      someoneIsFree: () => this.#dispatcher.someoneIsFree,
      tookBack: (items) => {
        this.calls.giveAllBack(items);
        this.#dispatch();
      },
    });
  }

  /** How calls are made that have no options of their own. */
  get rules(): CallRules {
    return this.#options.rules;
  }

  /** Workers at most. */
  get maxWorkers(): number {
    return this.#staff.maxWorkers;
  }

  get crowdCount(): number {
    return this.calls.activeCount;
  }

  /** What is known of a task. */
  profile(task: RegisteredTask): TaskProfile {
    let profile = this.#profiles.get(task);
    if (profile === undefined) this.#profiles.set(task, profile = new TaskProfile(task));
    return profile;
  }

  /**
   * Checks that it takes calls.
   *
   * @throws {ShutdownError} If it was shut down.
   * @throws {BrokenExecutor} If it is broken.
   * @throws {NotSupportedError} If its workers cannot be started here.
   */
  checkOpen(): void {
    if (!this.#checked) {
      this.#options.check();
      this.#checked = true;
    }
    if (this.#end === undefined) return;
    if (this.#end.kind === "broken") throw this.#brokenError(this.#end.why, this.#end.cause);
    throw closedError();
  }

  /**
   * Checks that it takes one call more.
   *
   * @throws {QueueFullError} If as many wait as may.
   * @throws What {@linkcode Scheduler.checkOpen} throws.
   */
  checkRoom(): void {
    this.checkOpen();
    if (this.room.left > 0) return;
    throw new QueueFullError(
      `Cannot submit a call as no more than maxQueued may wait, beyond one for each worker: ${this.crowdCount} calls are ` +
        `pending, maxWorkers is ${this.maxWorkers}, maxQueued is ${this.room.maxQueued}; await whenFree() before`,
    );
  }

  /** Changes how many workers there are at most. */
  resize(maxWorkers: number): void {
    this.#staff.resize(maxWorkers);
    this.#dispatchSoon();
  }

  /** Takes calls. */
  submit(item: WorkItem): void {
    this.room.used();
    this.calls.add(item);
  }

  /** What workers have of those items. */
  sentOf(belongs: (item: WorkItem) => boolean): WorkItem[] {
    return Array.from(this.#staff.workers, (worker) => worker.ledger.items()).flat()
      .filter((item) => item.state === ItemState.SENT && belongs(item));
  }

  /** Calls `fn` in a later turn. */
  nextTurn(fn: () => void): void {
    this.#options.runtime.nextTurn(fn);
  }

  // The end.

  /**
   * Takes no more calls, lets those that it has be run, and ends its workers.
   *
   * @param cancel Cancels those that were not sent.
   * @returns The end of it all.
   */
  shutdown(cancel: boolean): Promise<void> {
    this.#end ??= { kind: "shutdown" };
    this.calls.stopSources();
    this.room.close(() => closedError());
    if (cancel) this.calls.cancelUnsent();
    return this.#closed ??= this.#close();
  }

  /** Fails all that it has, and ends its workers by a signal. */
  async kill(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    this.#end ??= { kind: "shutdown" };
    this.room.close(() => closedError());
    this.#closed ??= this.#close();
    // Whoever kills his pool knows that its calls fail.
    this.calls.unseen.silently(() => this.#failAll("the executor was forcefully shut down", undefined, signal));
    const timer = setTimeout(() => this.#staff.killAll("SIGKILL"), TERMINATION_GRACE);
    await this.#closed;
    clearTimeout(timer);
  }

  async #close(): Promise<void> {
    this.#stayAlive();
    if (this.calls.count > 0) await new Promise<void>((resolve) => this.#onDrained = resolve);
    await this.#staff.leave();
    this.#watch.stop();
    this.#idle.stop();
    this.#memory.stop();
    removeOpen(this);
    try {
      await this.#options.close();
    } finally {
      this.#letEnd?.();
      const { unseen } = this.calls;
      // In a later turn: who has waited for this end may look at his futures now.
      if (this.#options.reportUnseen && unseen.count > 0) {
        this.nextTurn(() => unseen.report(this.#options.workerName));
      }
    }
  }

  #break(why: string, cause: unknown): void {
    if (this.#end?.kind === "broken") return;
    this.#end = { kind: "broken", why, cause };
    this.room.close(() => this.#brokenError(why, cause));
    this.#failAll(why, cause, "SIGKILL");
    this.#closed ??= this.#close();
  }

  #failAll(why: string, cause: unknown, signal: "SIGTERM" | "SIGKILL"): void {
    const sent = Array.from(this.#staff.workers, (worker) => worker.abandon()).flat();
    this.#staff.killAll(signal);
    this.calls.failAll(sent, () => this.#brokenError(why, cause));
  }

  #brokenError(why: string, cause: unknown): BrokenExecutor {
    const options = cause === undefined ? undefined : { cause };
    return this.#options.broken(`Cannot run the call as its pool must be whole: ${why}`, options);
  }

  #stayAlive(): void {
    if (this.#letEnd !== undefined) return;
    const { runtime } = this.#options;
    this.#letEnd = runtime.keepAlive();
    addOpen(this, runtime);
  }

  /** Nothing is to be done, until somebody asks: the program may end. What is held back may never be asked for. */
  #restIfIdle(): void {
    if (this.calls.activeCount > 0 || this.#closed !== undefined) return;
    this.#letEnd?.();
    this.#letEnd = undefined;
  }

  // What calls tell.

  queued(): void {
    this.#stayAlive();
    this.#dispatchSoon();
  }

  condemned(): void {
    this.#watch.forEnd();
  }

  settled(): void {
    if (this.calls.count === 0) {
      this.#onDrained?.();
      if (this.#closed !== undefined) this.#staff.dismissAll();
    }
    if (this.room.maxQueued !== Infinity) this.#dispatchSoon();
    this.#restIfIdle();
  }

  // Dispatching.

  /** Once for all that happens in this turn: what is sent in small messages comes back in small ones, for ever. */
  #dispatchSoon(): void {
    if (this.#dispatchDue) return;
    this.#dispatchDue = true;
    queueMicrotask(() => {
      this.#dispatchDue = false;
      this.#dispatch();
    });
  }

  /** There may be room for those who wait for it, and for maps. */
  tellRoom(): void {
    if (this.room.maxQueued === Infinity) return;
    // In turns: a map must not wait for ever behind those who always ask again, nor they behind it.
    this.#mapsFirst = !this.#mapsFirst;
    if (this.#mapsFirst) this.calls.drawMore();
    if (!this.room.tell()) this.calls.drawMore();
  }

  #dispatch(): void {
    this.#dispatcher.dispatch();
    this.#idle.watch();
    if (this.calls.count > 0) this.#memory.watch();
    if (this.#dispatcher.someoneIsFree && this.#dispatcher.someoneHasMore) this.#watch.forStalls();
    this.tellRoom();
    this.#restIfIdle();
  }

  // What workers, and their staff, tell.

  retryStart(): void {
    this.#dispatch();
  }

  startsFailed(why: string, reason: unknown): void {
    this.#break(why, reason);
  }

  ready(): void {
    if (this.#closed !== undefined && this.calls.count === 0) this.#staff.dismissAll(); // it comes too late
    this.#dispatch();
  }

  initializerFailed(worker: Worker, error: unknown): void {
    this.#break(`the initializer failed in worker ${worker.name}`, error);
  }

  progressed(item: WorkItem, done: number, total: number): void {
    const { onProgress } = item.rules;
    if (onProgress === undefined || item.state === ItemState.SETTLED) return;
    callBack(() => onProgress(done, total), () => "onProgress");
  }

  crashed(crash: WorkerCrash): void {
    if (crash.misuse) this.#break((crash.error as Error).message, undefined); // as a cause it would be printed twice
  }

  answered(item: WorkItem, answer: Answer, value: unknown): void {
    switch (answer) {
      case Answer.RESULT:
        return this.calls.succeed(item, value);
      case Answer.FAILURE:
      case Answer.NOT_FOUND:
        return this.calls.failAttempt(item, value, false);
      case Answer.STALE:
        // No worker of its age knows that task. One started from now on does, or says for good that it does not.
        for (const worker of this.#staff.workers) {
          if (worker.ledger.registrations <= item.profile.task.order) worker.leave();
        }
        return this.calls.giveBack(item);
      case Answer.SKIPPED:
        return this.calls.giveBack(item);
    }
  }

  answeredColumn(item: WorkItem, values: readonly unknown[], from: number): void {
    this.calls.succeedAll(item, values, from);
  }

  answeredAll(worker: Worker): void {
    this.#staff.startSucceeded(); // not at its hello: one that dies before it enters a call would be replaced for ever
    if (worker.ledger.outstanding === 0 && worker.ledger.charged >= this.#options.maxTasksPerChild) worker.leave();
    this.calls.queue.takeReturned();
    this.#dispatchSoon();
  }

  ended(worker: Worker, end: WorkerEnd): void {
    this.#staff.remove(worker);
    if (this.#end?.kind !== "broken") this.#account(worker, end);
    this.#dispatch();
  }

  #account(worker: Worker, end: WorkerEnd): void {
    this.calls.giveAllBack(end.notEntered);
    // Who was asked to leave may go idle, but not with a call.
    if (!worker.killed && (!worker.dismissed || end.lost.length > 0)) {
      // One that dies before it enters any call would, as one that never starts, be replaced for ever.
      if (!worker.wasReady || (!end.enteredAny && end.notEntered.length > 0)) {
        this.#staff.startFailed(startError(worker, end));
      } else if (this.#options.onWorkerLost === "break") return this.#breakBy(worker, end);
      else if (end.lost.length === 0 && end.crash !== undefined) reportCrash(worker, end.crash);
    }
    for (const item of end.lost) {
      if (item === end.lost.at(-1) && end.ending !== undefined) this.calls.failAttempt(item, end.ending.error(), false);
      else this.calls.failAttempt(item, callLost(worker, end, item), true);
    }
  }

  #breakBy(worker: Worker, end: WorkerEnd): void {
    const { why, cause } = brokenBy(worker, end);
    for (const item of end.lost) this.calls.fail(item, this.#brokenError(why, cause));
    this.#break(why, cause);
  }
}

function closedError(): ShutdownError {
  return new ShutdownError("Cannot submit a call as the executor must be open: it was shut down");
}
