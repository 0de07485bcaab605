/** Writes calls, for one worker: in runs, each of a task that it was told of. */
import type { Channel } from "../channel/channel.ts";
import { encodeValue } from "../channel/codec.ts";
import { CallsFlag, type FrameWriter, MessageKind, RunFlag } from "../channel/protocol.ts";
import { type Segment, sizeOfSegments } from "../channel/segments.ts";
import { type RegisteredTask, registrationCount } from "../tasks/registry.ts";
import type { WorkItem } from "./work_item.ts";

/** What a message of calls is to say besides them. */
export interface CallsHead {
  /** Sequence number of the first. */
  readonly sequence: number;
  /** Whether calls may be entered again. */
  readonly resume: boolean;
  /** Whether the worker has no other. */
  readonly alone: boolean;
}

/** Writes messages of calls. */
export class CallsWriter {
  /** Registrations of tasks when the worker was started: what was registered later it may not know. */
  readonly registrations: number = registrationCount();
  /** Numbers of the tasks that the worker was told of. */
  readonly #tasks = new Map<RegisteredTask, number>();

  /**
   * Writes a message of calls, after messages of the tasks that the worker does not know.
   *
   * @returns Bytes of their buffers that have moved away with it.
   */
  write(frame: FrameWriter, items: readonly WorkItem[], head: CallsHead, send: Channel["send"]): number {
    let last: RegisteredTask | undefined;
    for (const { profile: { task } } of items) {
      if (task !== last && !this.#tasks.has(task)) send(this.#writeTask(frame, task));
      last = task;
    }
    frame.beginFrame(MessageKind.CALLS);
    frame.u8(head.resume ? CallsFlag.RESUME : 0);
    frame.f64(head.sequence);
    const segments: Segment[] = [];
    for (let i = 0; i < items.length;) i = this.#writeRun(frame, items, i, segments);
    const size = sizeOfSegments(segments);
    send(frame.endFrame(), segments, head.alone && this.#isForGood(items[0]) ? "given" : "kept");
    return size - sizeOfSegments(segments);
  }

  /** Whether a call that is sent alone is surely not sent again. */
  #isForGood(item: WorkItem): boolean {
    return !item.mayRunAgain(false) && !item.mayRunAgain(true) && !this.#mayBeStale(item.profile.task);
  }

  /** A worker that was started before the task was registered may have imported an older text of its module. */
  #mayBeStale(task: RegisteredTask): boolean {
    return task.order >= this.registrations;
  }

  #writeTask(frame: FrameWriter, task: RegisteredTask): Uint8Array {
    this.#tasks.set(task, this.#tasks.size);
    frame.beginFrame(MessageKind.TASK);
    frame.u8(this.#mayBeStale(task) ? 1 : 0);
    encodeValue(frame, [task.url, task.name, task.hash], "task", "task");
    return frame.endFrame();
  }

  /** Writes the items from place `from` on that can be one run; gives the place of the next. */
  #writeRun(frame: FrameWriter, items: readonly WorkItem[], from: number, segments: Segment[]): number {
    const first = items[from];
    const flags = flagsOf(first);
    frame.u32(this.#tasks.get(first.profile.task)!);
    frame.u8(flags);
    if ((flags & RunFlag.AGAIN) !== 0) frame.u32(first.attempt);
    const place = frame.frameSize;
    frame.u32(0);
    let count = 0;
    let next = from;
    do {
      const item = items[next++];
      item.write(frame);
      count += item.count;
      if ((flags & RunFlag.SEGMENTS) !== 0) {
        frame.u32(item.segments.length);
        for (const segment of item.segments) segments.push(segment); // not spread: there may be any number
      }
    } while (next < items.length && (flags & RunFlag.COLUMN) === 0 && areOneRun(first, items[next], flags));
    frame.view.setUint32(frame.start + place, count, true);
    return next;
  }
}

function areOneRun(first: WorkItem, item: WorkItem, flags: number): boolean {
  return item.profile === first.profile && item.failed === first.failed && flagsOf(item) === flags;
}

function flagsOf(item: WorkItem): number {
  return (item.slices ? RunFlag.SLICES : 0) | (item.segments.length > 0 ? RunFlag.SEGMENTS : 0) |
    (item.isColumn ? RunFlag.COLUMN : 0) | (item.isAlone ? RunFlag.ALONE : 0) |
    (item.failed === undefined ? 0 : RunFlag.AGAIN) | (item.rules.onProgress === undefined ? 0 : RunFlag.PROGRESS);
}
