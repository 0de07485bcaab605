/** How long calls of a task take: both sides measure it, and decide by it what travels together. */
import type { RegisteredTask } from "../tasks/registry.ts";

/**
 * A mean that follows what is measured: an eighth of the way, so that a change is soon followed and one long pause (a
 * collection of garbage, another program's turn) changes little; and such a pause counts for no more than four calls.
 *
 * @param mean The mean so far; `Infinity` if there is none.
 * @param measured The new value, in milliseconds.
 * @returns The new mean.
 */
export function nextMean(mean: number, measured: number): number {
  return mean === Infinity ? measured : mean + (Math.min(measured, 4 * mean + 0.005) - mean) / 8;
}

/** A task, and what is known of how long its calls take. */
export class TaskProfile {
  /** The task. */
  readonly task: RegisteredTask;
  /** Mean running time in milliseconds, of late; `Infinity` until a call was answered. */
  mean = Infinity as number;

  /** Knows nothing yet. */
  constructor(task: RegisteredTask) {
    this.task = task;
  }

  /** Takes the running time of one call into account. */
  record(milliseconds: number): void {
    this.mean = nextMean(this.mean, milliseconds);
  }
}
