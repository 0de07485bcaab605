/** What a running call knows of itself. */
import type { CurrentTask } from "../tasks/current_task.ts";

/**
 * What is bound to a call and all that it starts; to all calls of a slice, for which it goes from one to the next: so what
 * one of them leaves behind, a timer say, is known by the right name and the id of the slice's last.
 */
export class CallContext {
  /** The task's full name. */
  readonly name: string;
  #id = 0;
  #task: CurrentTask | undefined;

  /** Of calls of a task. */
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
