/** Workers that use too much memory are replaced. */
import { clearTimeout, setBackgroundTimeout } from "../runtime/host_functions.ts";
import type { Worker } from "./worker.ts";

/** Milliseconds between two looks. */
const INTERVAL = 100;

/** Asks workers for their memory while they are at work. */
export class MemoryWatch {
  readonly #limit: number;
  readonly #workers: Iterable<Worker>;
  readonly #onLarge: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The call that a worker was at when it was too large. */
  readonly #calls = new WeakMap<Worker, number>();

  /**
   * Of some workers.
   *
   * @param limit Bytes of resident memory.
   * @param onLarge Called when one uses more, and leaves: what waits behind its call is to be taken back, and the call is to end
   *   if the worker {@linkcode Worker.isCondemned}.
   */
  constructor(limit: number, workers: Iterable<Worker>, onLarge: () => void) {
    this.#limit = limit;
    this.#workers = workers;
    this.#onLarge = onLarge;
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
    let isLarge = false;
    for (const worker of this.#workers) {
      isBusy ||= worker.ledger.outstanding > 0;
      const size = worker.memoryUse();
      if (size <= this.#limit) continue;
      isLarge = true;
      // The call that it is at may end; if it has not by the next look, and the memory is still too much, it is ended.
      const { outstanding, current: { entered } } = worker.ledger;
      if (outstanding > 0 && this.#calls.get(worker) === entered) this.#end(worker, size);
      this.#calls.set(worker, entered);
      worker.leave();
    }
    if (isBusy) this.watch(); // and once more when all are idle
    if (isLarge) this.#onLarge();
  }

  #end(worker: Worker, size: number): void {
    worker.condemn(new Error(`it used ${size} bytes of memory, and maxMemoryPerWorker is ${this.#limit}`));
  }
}
