/** Workers that have had nothing to do for a while are let go. */
import { clearTimeout, now, setBackgroundTimeout } from "../runtime/host_functions.ts";
import { type Worker, WorkerState } from "./worker.ts";

/** The longest delay that every host's timers keep. */
const LONGEST_DELAY = 2 ** 31 - 1;

/** Watches idle workers. */
export class Idle {
  readonly #timeout: number;
  readonly #workers: Iterable<Worker>;
  readonly #since = new WeakMap<Worker, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Lets those of some workers go that are idle for so many milliseconds. */
  constructor(timeout: number, workers: Iterable<Worker>) {
    this.#timeout = timeout;
    this.#workers = workers;
  }

  /** Some may have become idle. */
  watch(): void {
    if (this.#timeout === Infinity) return;
    const time = now();
    let next = Infinity;
    for (const worker of this.#workers) {
      if (worker.ledger.outstanding > 0 || worker.state !== WorkerState.READY) {
        this.#since.delete(worker);
        continue;
      }
      const since = this.#since.get(worker) ?? time;
      this.#since.set(worker, since);
      if (time - since >= this.#timeout) worker.leave();
      else next = Math.min(next, since + this.#timeout - time);
    }
    if (next === Infinity || this.#timer !== undefined) return;
    this.#timer = setBackgroundTimeout(() => {
      this.#timer = undefined;
      this.watch();
    }, Math.min(Math.ceil(next), LONGEST_DELAY));
  }

  /** Watches no more. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
