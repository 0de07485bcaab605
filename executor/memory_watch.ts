/** Workers that use too much memory are replaced. */
import { clearTimeout, setBackgroundTimeout } from "../runtime/host_functions.ts";
import type { Worker } from "./worker.ts";

/** Milliseconds between two looks. */
const INTERVAL = 100;

/** Asks workers for their memory while they are at work. */
export class MemoryWatch {
  readonly #limit: number;
  readonly #workers: Iterable<Worker>;
  /** Ends the call that a worker is at. */
  readonly #endCall: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Of some workers.
   *
   * @param limit Bytes of resident memory.
   * @param endCall Called when a worker's {@linkcode Worker.killReason} was set: the call that it is at is to end.
   */
  constructor(limit: number, workers: Iterable<Worker>, endCall: () => void) {
    this.#limit = limit;
    this.#workers = workers;
    this.#endCall = endCall;
  }

  /** Calls were sent. */
  watch(): void {
    if (this.#limit === Infinity || this.#timer !== undefined) return;
    this.#timer = setBackgroundTimeout(() => {
      this.#timer = undefined;
      this.#look();
    }, INTERVAL);
  }

  /** Watches no more. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #look(): void {
    let isBusy = false;
    for (const worker of this.#workers) {
      isBusy ||= worker.ledger.outstanding > 0;
      const size = worker.memoryUse();
      if (size <= this.#limit) continue;
      // The call that it is at may end; if it has not by the next look, and the memory is still too much, it is ended.
      if (!worker.dismissed) worker.leave();
      else if (worker.ledger.outstanding > 0) this.#end(worker, size);
    }
    if (isBusy) this.watch(); // and once more when all are idle
  }

  #end(worker: Worker, size: number): void {
    worker.killReason = new Error(
      `it used ${size} bytes of memory, and maxMemoryPerWorker is ${this.#limit}`,
    );
    this.#endCall();
  }
}
