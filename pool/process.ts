/**
 * One task in one process. Python's `multiprocessing.Process`.
 *
 * It is a pool's worker with one call: `Worker` keeps the channel and accounts for its death, and what a scheduler would do are the
 * `WorkerEvents` of {@linkcode SingleCall}: it sends the call when the worker is ready, and lets it go. There are no retries: a
 * process that does not start is one that has ended.
 */
import { Answer } from "../channel/protocol.ts";
import { describe, InvalidStateError, isErgateError, type PicklingError } from "../errors.ts";
import { CallArguments } from "../executor/call_arguments.ts";
import { commonOptions } from "../executor/executor_options.ts";
import { checkTimeout, createFuture, type Future, setResult } from "../executor/future.ts";
import { startError } from "../executor/losses.ts";
import { checkNames } from "../executor/options.ts";
import { type ProcessPoolExecutorOptions, processStarter } from "../executor/process_pool.ts";
import type { SchedulerOptions } from "../executor/scheduler.ts";
import { wait } from "../executor/wait.ts";
import { NO_RULES } from "../executor/call_options.ts";
import { Unseen } from "../executor/unseen.ts";
import { TaskProfile } from "../executor/task_profile.ts";
import { type ItemQueue, SubmittedCall, type WorkItem } from "../executor/work_item.ts";
import { Worker, type WorkerEnd, type WorkerEvents } from "../executor/worker.ts";
import { reportError } from "../executor/callbacks.ts";
import { runtime as hostRuntime } from "../runtime/mod.ts";
import { signalNumber } from "../runtime/signals.ts";
import type { Runtime, WorkerHandle } from "../runtime/runtime.ts";
import { checkMayUseExecutor, currentWorker } from "../tasks/current_task.ts";
import { type AnyFunction, findTask } from "../tasks/registry.ts";
import type { SendableArgs } from "../tasks/sendable.ts";

/** Options of {@linkcode Process}: Python's, and those of a process pool that are a process's own. */
export interface ProcessOptions<Args extends unknown[] = unknown[]> extends
  Pick<
    ProcessPoolExecutorOptions,
    "env" | "cwd" | "execArgv" | "permissions" | "config" | "instances" | "runtime"
  > {
  /** A function registered with `tasks()`, which the process calls once. What it returns is dropped. */
  readonly target: (...args: Args) => unknown;
  /**
   * Its arguments; copied when the process is started.
   *
   * @default {[]}
   */
  readonly args?: SendableArgs<Args>;
  /**
   * What the process is called.
   *
   * @default {"Process-1"} and so on.
   */
  readonly name?: string;
  /**
   * Whether the program may end while it runs, and it with the program.
   *
   * @default {false}
   */
  readonly daemon?: boolean;
}

/** The arguments that a target asks for, if it asks for any. */
export type ArgsOf<Args extends unknown[]> = [] extends Args ? unknown : { readonly args: SendableArgs<Args> };

/** What {@linkcode currentProcess} gives. */
export interface CurrentProcess {
  /** `MainProcess`, or the worker's name, as `Process-1` or `Pool-1`. */
  readonly name: string;
  /** Its process id; `undefined` in a browser. */
  readonly pid: number | undefined;
}

const NAMES = ["target", "args", "name", "daemon", "env", "cwd", "execArgv", "permissions", "config"];
const MORE_NAMES = ["instances", "runtime"];

/** Processes that were started and have not ended. */
// deno-lint-ignore no-explicit-any -- of any arguments
const live = new Set<Process<any>>();
let made = 0;

/**
 * One task in a child process of the same runtime: for a single long call; a {@linkcode Pool} is for many. Python's
 * `multiprocessing.Process`.
 *
 * The process ends when its task has returned or thrown. What the task throws is reported by `console.error`, and the exit code is
 * 1 then. The program waits for its processes, but not for daemons, which end with it.
 *
 * Unlike Python, no process outlives the program, however that ends; one that was started by a task ends with the task's worker.
 * Unlike Python, a subclass cannot bring a `run()` of its own: register a task.
 *
 * @typeParam Args The task's parameters.
 *
 * @example Usage
 * ```ts
 * import { isMain, tasks } from "@ergate/ergate";
 * import { Process } from "@ergate/ergate/pool";
 * import assert from "node:assert/strict";
 *
 * export function greet(name: string): void {
 *   console.log(`Hello, ${name}`);
 * }
 * tasks(import.meta, { greet });
 *
 * if (isMain(import.meta)) {
 *   const process = new Process({ target: greet, args: ["ant"] });
 *   process.start();
 *   assert.equal(process.isAlive(), true);
 *   await process.join();
 *   assert.equal(process.exitcode, 0);
 * }
 * ```
 */
export class Process<Args extends unknown[] = unknown[]> {
  /** What it is called. */
  readonly name: string;
  /** Whether the program may end while it runs. */
  readonly daemon: boolean;
  readonly #options: ProcessOptions<Args>;
  readonly #runtime: Runtime;
  readonly #starter: Pick<SchedulerOptions, "check" | "start" | "close">;
  readonly #common: ReturnType<typeof commonOptions>;
  #worker: Worker | undefined;
  #exitcode: number | undefined;
  /** Done when the process has ended and its output was passed on. */
  readonly #ended: Future<void> = createFuture();

  /**
   * Makes a process; starts nothing yet.
   *
   * @param options What to call, and how.
   * @throws {TypeError} If the target is no function, or an option is unknown or of a wrong kind.
   * @throws {RangeError} If an option is out of range.
   * @throws {PicklingError} If the target is no registered task.
   */
  constructor(options: ProcessOptions<Args> & ArgsOf<Args>) {
    checkOptions(options);
    const { target, name, daemon = false, instances, runtime } = options;
    findTask(target as AnyFunction);
    this.#options = options;
    this.#common = commonOptions({ instances, runtime }, {
      names: MORE_NAMES,
      workerName: "Process",
      shares: false,
    });
    this.#runtime = this.#common.runtime;
    this.#starter = processStarter(options, this.#runtime, this.#common.found);
    this.name = name ?? `Process-${++made}`;
    this.daemon = daemon;
  }

  static {
    // By symbols that need no import; as they are no part of the types, users see one way to get the text: toString.
    for (const name of ["nodejs.util.inspect.custom", "Deno.customInspect"]) {
      Object.defineProperty(Process.prototype, Symbol.for(name), {
        value(this: Process): string {
          return this instanceof Process && #worker in this ? this.toString() : "Process {}";
        },
      });
    }
  }

  /** Its process id; `undefined` before it is started. */
  get pid(): number | undefined {
    return this.#worker?.pid;
  }

  /**
   * How it ended: 0 if the task returned, 1 if it threw, the code that it was ended with by `process.exit()`, or the negative
   * number of the signal that ended it; `undefined` as long as it has not ended. Node and Bun know no signals from 32 on: 0.
   */
  get exitcode(): number | undefined {
    return this.#exitcode;
  }

  /**
   * Starts it; may be called once. Returns at once.
   *
   * @throws {InvalidStateError} If it was started already; if this is a worker, and no task is running.
   * @throws {PicklingError} If an argument cannot cross.
   * @throws {NotSupportedError} If the host cannot, or may not, start processes.
   */
  start(): void {
    this.#checkNew();
    checkMayUseExecutor();
    this.#starter.check();
    const call = this.#call();
    const { name } = this;
    const handle = this.#spawn();
    const letEnd = this.daemon ? () => {} : this.#runtime.keepAlive();
    const { sending } = this.#common;
    const events = new SingleCall(call, (exitcode) => {
      this.#exitcode = exitcode;
      live.delete(this);
      void handle.released.then(() => this.#starter.close()).finally(() => {
        letEnd();
        setResult(this.#ended, undefined);
      });
    });
    live.add(this);
    this.#worker = events.worker = new Worker(handle, { name, sending }, events);
  }

  #checkNew(): void {
    if (this.#worker === undefined) return;
    throw new InvalidStateError(`Cannot start ${this} as a process can be started once: it was`);
  }

  #spawn(): WorkerHandle {
    try {
      return this.#starter.start(this.name);
    } catch (error) {
      void this.#starter.close(); // what was opened for it, though it never came
      throw error;
    }
  }

  #call(): SubmittedCall {
    const { target, args = [] } = this.#options;
    const copied = new CallArguments(this.#common.sending).copy(args as readonly unknown[], (at) => `args[${at}]`, {
      transfer: undefined,
      metOnly: false,
      check: () => this.#checkNew(), // once more, as a getter of an argument may have started it
    });
    return new SubmittedCall(NO_QUEUE, new TaskProfile(findTask(target as AnyFunction)), NO_RULES, copied);
  }

  /**
   * Waits until it has ended, or the time is over; `exitcode` says which.
   *
   * @param timeout Milliseconds to wait at most; no number waits as long as it takes.
   * @returns A promise that never rejects.
   * @throws {InvalidStateError} If it was not started.
   * @throws {TypeError} If the timeout is not a number.
   * @throws {RangeError} If the timeout is negative or `NaN`.
   */
  join(timeout?: number): Promise<void> {
    this.#started("join");
    const over = wait([this.#ended], { timeout: checkTimeout(timeout, "a process") });
    const letEnd = this.#runtime.keepAlive(); // somebody waits, for a daemon too
    return over.then(letEnd);
  }

  /**
   * Tells whether it was started and has not ended.
   *
   * @returns Whether it runs.
   */
  isAlive(): boolean {
    return this.#worker !== undefined && this.#exitcode === undefined;
  }

  /**
   * Ends it by SIGTERM. Does nothing if it has ended.
   *
   * @throws {InvalidStateError} If it was not started.
   */
  terminate(): void {
    this.#started("terminate").kill("SIGTERM");
  }

  /**
   * Ends it by SIGKILL. Does nothing if it has ended.
   *
   * @throws {InvalidStateError} If it was not started.
   */
  kill(): void {
    this.#started("kill").kill("SIGKILL");
  }

  /**
   * Shows the state: `<Process name=Process-1 initial>`, `<Process name=Process-1 pid=123 started>`, and at the end `stopped
   * exitcode=0`. Consoles show the same.
   *
   * @returns The text.
   */
  toString(): string {
    const pid = this.pid === undefined ? "" : ` pid=${this.pid}`;
    const state = this.#worker === undefined
      ? "initial"
      : this.#exitcode === undefined
      ? "started"
      : `stopped exitcode=${this.#exitcode}`;
    return `<Process name=${this.name}${pid} ${state}${this.daemon ? " daemon" : ""}>`;
  }

  #started(verb: string): Worker {
    if (this.#worker !== undefined) return this.#worker;
    throw new InvalidStateError(`Cannot ${verb} ${this} as it must have been started: it was not`);
  }
}

/** Nobody has the call's future, so that nobody cancels it, or misses it. */
const NO_QUEUE: ItemQueue = { dropped: () => {}, condemned: () => {}, unseen: new Unseen() };

/** What a scheduler is to many calls and workers, for one of each. */
class SingleCall implements WorkerEvents {
  worker: Worker | undefined;
  readonly #call: SubmittedCall;
  readonly #onEnd: (exitcode: number) => void;
  /** What became of the call, once that is known. */
  #outcome: { readonly answer: Answer; readonly value: unknown } | undefined;

  constructor(call: SubmittedCall, onEnd: (exitcode: number) => void) {
    this.#call = call;
    this.#onEnd = onEnd;
  }

  ready(): void {
    this.worker!.ledger.assign(this.#call);
    this.worker!.flush();
    this.worker!.leave();
  }

  answered(_item: WorkItem, answer: Answer, value: unknown): void {
    this.#outcome = { answer, value };
  }

  progressed(): void {}

  answeredColumn(): void {
    this.#outcome = { answer: Answer.RESULT, value: undefined };
  }

  ended(worker: Worker, end: WorkerEnd): void {
    this.#onEnd(this.#exitcode(worker, end));
  }

  initializerFailed(): void {}

  crashed(): void {}

  answeredAll(): void {}

  /** The exit code; what went wrong is reported. */
  #exitcode(worker: Worker, end: WorkerEnd): number {
    const { code, signal } = end.exit;
    if (this.#outcome?.answer === Answer.RESULT) return 0;
    if (this.#outcome !== undefined) {
      if (isUnsendable(this.#outcome.value)) return 0;
      reportError(`Process ${worker.name}:`, this.#outcome.value);
      return 1;
    }
    if (signal !== null) return -signalNumber(signal);
    if (end.crash !== undefined || code === null) {
      reportError(`Process ${worker.name}:`, end.crash?.error ?? startError(worker, end));
    }
    return code ?? 1;
  }
}

/** Whether the task has returned what cannot cross: nobody wants it. */
function isUnsendable(error: unknown): boolean {
  return isErgateError(error, "PicklingError") && (error as PicklingError).direction === "result";
}

function checkOptions(options: unknown): void {
  checkNames(options, [...NAMES, ...MORE_NAMES], "make a process", "its options must be an object with a target");
  const { args, name, daemon } = options as { args?: unknown; name?: unknown; daemon?: unknown };
  for (
    const [option, value, isRight, must] of [
      ["args", args, Array.isArray(args), "an array"],
      ["name", name, typeof name === "string" && name !== "", "a string that is not empty"],
      ["daemon", daemon, typeof daemon === "boolean", "a boolean"],
    ] as const
  ) {
    if (value === undefined || isRight) continue;
    throw new TypeError(`Cannot make a process as '${option}' must be ${must}: current value is ${describe(value)}`);
  }
}

/**
 * The process that this is. Python's `multiprocessing.current_process`.
 *
 * Unlike Python, it has a name and a process id, and nothing else; in a thread of a pool the name is the thread's.
 *
 * @returns Its name, `MainProcess` or the worker's, and its process id.
 *
 * @example Usage
 * ```ts
 * import { currentProcess } from "@ergate/ergate/pool";
 * import assert from "node:assert/strict";
 *
 * assert.equal(currentProcess().name, "MainProcess");
 * ```
 */
export function currentProcess(): CurrentProcess {
  return { name: currentWorker()?.name ?? "MainProcess", pid: hostRuntime().pid };
}

/**
 * The processes that were started here and have not ended. Python's `multiprocessing.active_children`.
 *
 * Unlike Python, the workers of pools are not among them.
 *
 * @returns They, in the order of their starts.
 */
export function activeChildren(): Process[] {
  return Array.from(live);
}
