/** What a running call knows of itself, and may say. */
import { CancelledError, describe } from "../errors.ts";
import type { CurrentTask } from "../tasks/current_task.ts";

/** What a task may ask of who runs it. */
export interface TaskControl {
  /** The running call wants to hear of its end. */
  listen(context: CallContext): void;
  /** Whether the running call is to end. */
  isAborted(context: CallContext): boolean;
  /** The running call says how far it has come. */
  report(context: CallContext, done: number, total: number): void;
}

/**
 * What is bound to a call and all that it starts; to all calls of a slice, for which it goes from one to the next: so what
 * one of them leaves behind, a timer say, is known by the right name and the id of the slice's last.
 */
export class CallContext {
  /** The task's full name. */
  readonly name: string;
  readonly #control: TaskControl | undefined;
  #id = 0;
  #attempt = 1;
  #task: RunningTask | undefined;

  /** Of calls of a task; without control it is an initializer. */
  constructor(name: string, control?: TaskControl) {
    this.name = name;
    this.#control = control;
  }

  /** The next call begins. */
  begin(id: number, attempt: number): void {
    this.#id = id;
    this.#attempt = attempt;
    this.#task = undefined;
  }

  /** The call, as it sees itself. */
  get task(): CurrentTask {
    return this.#task ??= new RunningTask(this, this.#control, this.#id, this.#attempt);
  }

  /** The call is to end. */
  abort(reason: unknown): void {
    this.#task?.abort(reason);
  }
}

class RunningTask implements CurrentTask {
  readonly id: number;
  readonly name: string;
  readonly attempt: number;
  readonly #context: CallContext;
  readonly #control: TaskControl | undefined;
  #controller: AbortController | undefined;

  constructor(context: CallContext, control: TaskControl | undefined, id: number, attempt: number) {
    this.#context = context;
    this.#control = control;
    this.id = id;
    this.name = context.name;
    this.attempt = attempt;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      this.#control?.listen(this.#context);
    }
    const { signal } = this.#controller;
    // The message that says why is read only when the task gives way; the slate can be read in any loop.
    if (!signal.aborted && this.#control?.isAborted(this.#context)) {
      this.abort(
        new CancelledError(
          "Cannot go on with the call as it must not be ended: its caller, or its time limit, has ended it",
        ),
      );
    }
    return signal;
  }

  reportProgress(done: number, total: number): void {
    for (const [name, value] of [["done", done], ["total", total]] as const) {
      if (typeof value === "number") continue;
      throw new TypeError(`Cannot report progress as '${name}' must be a number: current value is ${describe(value)}`);
    }
    this.#control?.report(this.#context, done, total);
  }

  abort(reason: unknown): void {
    this.#controller?.abort(reason);
  }
}
