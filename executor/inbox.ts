/**
 * The worker's inbox: the calls that have come and were not taken, as they lie in their messages; nothing is decoded.
 *
 * A call's *sequence number* is its place among all that this worker was ever sent, from 1; the parent counts alike
 * (`ledger.ts`).
 */
import { decodeValue } from "../channel/codec.ts";
import { readColumn } from "../channel/columns.ts";
import { CallsFlag, FrameReader, ProtocolError, RunFlag } from "../channel/protocol.ts";
import type { Segments } from "../channel/segments.ts";
import { fullName, type RegisteredTask, type TaskAddress } from "../tasks/registry.ts";
import { Deque } from "./deque.ts";

/** Calls of a task that must have been measured before it has proved short: one alone proves nothing. */
export const PROOF = 16;

/** A task as this worker knows it. */
export interface KnownTask {
  /** How to find it. */
  readonly address: TaskAddress;
  /** Whether the worker was started before the task was registered, so that another may know it better. */
  readonly mayBeStale: boolean;
  /** Its full name. */
  readonly name: string;
  /** The function, once it was looked up. */
  found: RegisteredTask | undefined;
  /** Mean running time in milliseconds; `Infinity` until it has run. */
  mean: number;
  /** How often that was measured. */
  measured: number;
}

function knownTask(address: TaskAddress, mayBeStale: boolean): KnownTask {
  return { address, mayBeStale, name: fullName(address), found: undefined, mean: Infinity, measured: 0 };
}

/** Calls of one task, in one message. */
export interface Run {
  /** Reads the next call, where they do not lie in a column. */
  readonly frame: FrameReader;
  /** Their arguments, one a call, if they are a column. */
  readonly column: readonly unknown[] | undefined;
  /** Of a column, the number of the next call in its executor. */
  id: number;
  /** Their task. */
  readonly task: KnownTask;
  /** Flags of theirs, of {@linkcode RunFlag}. */
  readonly flags: number;
  /** Which attempt this is, of each of them. */
  readonly attempt: number;
  /** The segments of its calls not taken yet, if they have any. */
  readonly segments: Segments | undefined;
  /** Calls not taken yet. */
  left: number;
}

/** A call that is at work. */
export interface Call {
  /** Its number in its executor. */
  readonly id: number;
  /** Its task. */
  readonly task: KnownTask;
  /** Its argument, if that came in a column; there is nothing to decode then. */
  readonly args: unknown[] | undefined;
  /** Where its arguments lie. */
  readonly bytes: Uint8Array;
  /** Where they begin. */
  readonly start: number;
  /** Where they end. */
  readonly end: number;
  /** Large buffers of them. */
  readonly segments: Segments | undefined;
}

/** Calls and tasks that have come. */
export class Inbox {
  /** Sequence number of the last call taken out. */
  sequence = 0;
  readonly #tasks: KnownTask[] = [];
  readonly #runs = new Deque<Run>();
  /** Calls in `#runs`. */
  #size = 0;

  /** The run of the next call. */
  get next(): Run | undefined {
    return this.#runs.peek();
  }

  /** Takes in a message of a task. */
  addTask(frame: FrameReader): void {
    const mayBeStale = frame.u8() === 1;
    const [url, name, hash] = decodeValue(frame.bytes, frame.at, frame.bytes.length) as string[];
    this.#tasks.push(knownTask({ url, name, hash }, mayBeStale));
  }

  /**
   * Takes in a message of calls.
   *
   * @returns Whether it says that calls may be entered again.
   * @throws {ProtocolError} If they are not the next ones.
   */
  addCalls(frame: FrameReader, segments: Segments): boolean {
    const resume = (frame.u8() & CallsFlag.RESUME) !== 0;
    const first = frame.f64();
    const expected = this.sequence + this.#size + 1;
    if (first !== expected) {
      throw new ProtocolError(`Cannot take calls as the next must be call ${expected}: it is ${first}`);
    }
    while (!frame.ended) this.#addRun(frame, segments);
    return resume;
  }

  #addRun(frame: FrameReader, segments: Segments): void {
    const task = this.#tasks[frame.u32()];
    if (task === undefined) throw new ProtocolError("Cannot take calls as their task must have been told of");
    const flags = frame.u8();
    const attempt = (flags & RunFlag.AGAIN) !== 0 ? frame.u32() : 1;
    const left = frame.u32();
    const own: Segments | undefined = (flags & RunFlag.SEGMENTS) !== 0 ? [] : undefined;
    if (left > 0 && (flags & RunFlag.COLUMN) !== 0) {
      const id = frame.f64();
      this.#push({ frame, task, flags, attempt, left, segments: undefined, id, column: readColumn(frame, left) });
      return;
    }
    const reader = new FrameReader(frame.bytes);
    reader.at = frame.at;
    if (left === 0) throw new ProtocolError("Cannot take calls as a run must have one: it is empty");
    for (let i = 0; i < left; i++) {
      frame.skip(8);
      frame.skip(frame.u32());
      if (own === undefined) continue;
      for (const segment of segments.splice(0, frame.u32())) own.push(segment); // not spread: there may be any number
    }
    // Only when it is known to be whole: work that is due already would run into its end.
    this.#push({ frame: reader, task, flags, attempt, left, segments: own, id: 0, column: undefined });
  }

  #push(run: Run): void {
    this.#runs.push(run);
    this.#size += run.left;
  }

  /** Takes the next call out of its run. */
  take(run: Run): Call {
    this.sequence++;
    this.#size--;
    if (--run.left === 0) this.#runs.shift();
    const { frame, task, column } = run;
    if (column !== undefined) {
      const args = [column[column.length - run.left - 1]];
      return { id: run.id++, task, args, bytes: frame.bytes, start: 0, end: 0, segments: undefined };
    }
    const id = frame.f64();
    const size = frame.u32();
    const start = frame.skip(size);
    const segments = run.segments?.splice(0, frame.u32());
    return { id, task, args: undefined, bytes: frame.bytes, start, end: start + size, segments };
  }
}
