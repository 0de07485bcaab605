/** Calls that end when a signal aborts: one listener for all of them, and none while there are none. */
import { CancelledError } from "../errors.ts";

/** A call, or a `map`. */
export interface Abortable {
  /** Whether nothing of it can be ended any more. */
  readonly isDone: boolean;
  /** The signal has aborted: it is to end, running or not. */
  cancelBy(error: () => CancelledError): void;
}

const groups = new WeakMap<AbortSignal, AbortGroup>();

/** The group of a signal: there is one, however often the signal is bound, as hosts look through all listeners of a signal. */
export function groupOf(signal: AbortSignal): AbortGroup {
  let group = groups.get(signal);
  if (group === undefined) groups.set(signal, group = new AbortGroup(signal));
  return group;
}

/** The calls of a signal that are not done. */
export class AbortGroup {
  readonly #signal: AbortSignal;
  readonly #members = new Set<Abortable>();

  /** Of a signal. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Adds a call; if the signal has aborted already, that ends at once. */
  add(member: Abortable): void {
    if (member.isDone) return;
    if (this.#signal.aborted) return member.cancelBy(this.#error);
    if (this.#members.size === 0) this.#signal.addEventListener("abort", this.#abort);
    this.#members.add(member);
  }

  /** Why the signal has aborted; `undefined`: it has not. */
  reason(): unknown {
    return this.#signal.aborted ? this.#signal.reason : undefined;
  }

  /** The call is done. */
  delete(member: Abortable): void {
    if (this.#members.delete(member) && this.#members.size === 0) {
      this.#signal.removeEventListener("abort", this.#abort);
    }
  }

  readonly #abort = (): void => {
    for (const member of Array.from(this.#members)) member.cancelBy(this.#error);
  };

  readonly #error = (): CancelledError =>
    new CancelledError("Cannot get a result as its call must not be cancelled: its signal has aborted", {
      cause: this.#signal.reason,
    });
}
