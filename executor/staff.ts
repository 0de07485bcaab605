/** The workers of a scheduler: started when they are needed, again after a while where that fails, and let go at the end. */
import { clearTimeout, setTimeout } from "../runtime/host_functions.ts";
import type { WorkerHandle } from "../runtime/runtime.ts";
import { Worker, type WorkerEvents, type WorkerStart, WorkerState } from "./worker.ts";

/** Deaths at start, one after the other with no worker alive, that break the pool. */
const START_TRIES = 3;

/** Milliseconds before a failed start is tried again; doubles with each failure in a row, up to `LONGEST_BACKOFF`. */
const FIRST_BACKOFF = 50;
const LONGEST_BACKOFF = 5_000;

/** How workers are started. */
export interface StaffOptions extends Pick<WorkerStart, "initializer" | "sending"> {
  /** Workers at most. */
  readonly maxWorkers: number;
  /** Their names begin with it. */
  readonly workerName: string;
  /** Starts one of that name; may throw. */
  start(name: string): WorkerHandle;
}

/** Hears of workers, and of starts that fail. */
export interface StaffEvents extends WorkerEvents {
  /** A start that failed may be tried again. */
  retryStart(): void;
  /** No worker lives, and none can be started. */
  startsFailed(why: string, reason: unknown): void;
}

/** Starts and ends workers. */
export class Staff {
  /** All workers that have not ended. */
  readonly workers: Set<Worker> = new Set();
  /** Workers at most. */
  maxWorkers: number;
  readonly #options: StaffOptions;
  readonly #events: StaffEvents;
  /** Of all workers whose end, or whose output's end, is still to come. */
  readonly #releases = new Set<Promise<void>>();
  #made = 0;
  #failures = 0;
  #backoff: ReturnType<typeof setTimeout> | undefined;

  /** Starts nothing yet. */
  constructor(options: StaffOptions, events: StaffEvents) {
    this.#options = options;
    this.maxWorkers = options.maxWorkers;
    this.#events = events;
  }

  /** Whether one more can be started now. */
  get mayGrow(): boolean {
    return this.workers.size < this.maxWorkers && this.#backoff === undefined;
  }

  /** Starts workers for so many calls that wait. */
  startFor(calls: number): void {
    if (this.#backoff !== undefined) return;
    let starting = 0;
    for (const worker of this.workers) if (worker.state === WorkerState.STARTING) starting++;
    while (this.workers.size < this.maxWorkers && starting < calls && this.#start()) starting++;
  }

  #start(): boolean {
    const name = `${this.#options.workerName}-${this.#made + 1}`;
    let handle: WorkerHandle;
    try {
      handle = this.#options.start(name);
    } catch (error) {
      this.startFailed(error);
      return false;
    }
    this.#made++;
    const { initializer, sending } = this.#options;
    this.workers.add(new Worker(handle, { name, initializer, sending }, this.#events));
    const { released } = handle;
    this.#releases.add(released);
    released.then(() => this.#releases.delete(released));
    return true;
  }

  /** A worker could not be started, or has died before it entered a call. */
  startFailed(reason: unknown): void {
    this.#failures++;
    if (this.#failures >= START_TRIES && this.workers.size === 0) {
      const why = reason instanceof Error ? reason.message : String(reason);
      this.#events.startsFailed(`a worker could not be started, ${this.#failures} times in a row: ${why}`, reason);
      return;
    }
    const delay = Math.min(FIRST_BACKOFF * 2 ** (this.#failures - 1), LONGEST_BACKOFF);
    this.#backoff ??= setTimeout(() => {
      this.#backoff = undefined;
      this.#events.retryStart();
    }, delay);
  }

  /** A worker has answered a call. */
  startSucceeded(): void {
    this.#failures = 0;
  }

  /** A worker has ended. */
  remove(worker: Worker): void {
    this.workers.delete(worker);
  }

  /** Changes how many there may be; those that are too many go, those first that have least to do. */
  resize(maxWorkers: number): void {
    this.maxWorkers = maxWorkers;
    const staying = Array.from(this.workers).filter((worker) => worker.state <= WorkerState.READY);
    const tooMany = staying.length - maxWorkers;
    if (tooMany <= 0) return;
    const rank = ({ state, ledger }: Worker): number => state === WorkerState.READY ? ledger.outstanding : -1;
    for (const worker of staying.toSorted((one, other) => rank(one) - rank(other)).slice(0, tooMany)) worker.leave();
  }

  /** Lets all go when they have answered what they have. */
  dismissAll(): void {
    for (const worker of this.workers) worker.leave();
  }

  /** Ends all by a signal. */
  killAll(signal: "SIGTERM" | "SIGKILL"): void {
    for (const worker of this.workers) worker.kill(signal);
  }

  /** Lets all go, and starts no more; resolves when nothing is left of them. */
  async leave(): Promise<void> {
    clearTimeout(this.#backoff);
    this.dismissAll();
    while (this.#releases.size > 0) await Promise.all(this.#releases);
  }
}
