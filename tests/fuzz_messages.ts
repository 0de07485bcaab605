/**
 * A conversation of a parent and its worker, both in this process and with no process between them: one piece of bytes
 * that goes from the one to the other is changed on its way. Whatever that does, the two must end or go on.
 */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { ByteWriter } from "../channel/byte_writer.ts";
import type { Channel } from "../channel/channel.ts";
import { DecodeError, encodeList } from "../channel/codec.ts";
import { ColumnKind, type ColumnValue } from "../channel/columns.ts";
import { type FrameWriter, ProtocolError } from "../channel/protocol.ts";
import { MEMORY_SIZE } from "../channel/segment_notes.ts";
import { ownSegments } from "../channel/segments.ts";
import type { SlateMemory } from "../channel/slate.ts";
import type { ByteStream, ByteStreamEvents } from "../channel/byte_stream.ts";
import { StreamChannel } from "../channel/stream_channel.ts";
import type { CopiedArguments } from "../executor/call_arguments.ts";
import { ColumnItems, EncodedItems } from "../executor/map_items.ts";
import { type MapOfSpan, MapSpan } from "../executor/map_span.ts";
import { TaskProfile } from "../executor/task_profile.ts";
import { ItemState, WorkItem } from "../executor/work_item.ts";
import { NO_RULES } from "../executor/call_options.ts";
import { Worker, type WorkerEnd } from "../executor/worker.ts";
import { runWorker } from "../executor/worker_main.ts";
import { runtime } from "../runtime/mod.ts";
import type { Runtime, WorkerExit, WorkerHandle, WorkerSide } from "../runtime/runtime.ts";
import { findTask } from "../tasks/registry.ts";
import { memorySide } from "./fuzz_frames.ts";
import { changedWrite } from "./fuzz_segments.ts";
import { withLimit } from "./harness.ts";
import { below, EVERY_BUFFER } from "./fuzz_cases.ts";
import { type Random, RandomValues } from "./random_values.ts";
import { echo, identity } from "./tasks.ts";

/** Turns of the event loop after which a conversation that says nothing more is over: bytes are missing in it. */
const QUIET_TURNS = 8;

/** One end of a pair of streams; what is written comes to the other in a later turn of microtasks. */
class PairedStream implements ByteStream {
  readonly unsent = 0;
  peer!: PairedStream;
  readonly #onTheWay: (bytes: Uint8Array) => Uint8Array;
  #events: ByteStreamEvents | undefined;
  #closed = false;

  constructor(onTheWay: (bytes: Uint8Array) => Uint8Array) {
    this.#onTheWay = onTheWay;
  }

  listen(events: ByteStreamEvents): void {
    this.#events = events;
  }

  write(bytes: Uint8Array): void {
    const changed = this.#onTheWay(bytes.slice());
    queueMicrotask(() => this.peer.#take(changed));
  }

  onceDrained(fn: () => void): void {
    fn();
  }

  end(): void {
    queueMicrotask(() => this.destroy());
  }

  destroy(): void {
    for (const stream of [this, this.peer]) {
      if (stream.#closed) continue;
      stream.#closed = true;
      stream.#events?.closed();
    }
  }

  #take(bytes: Uint8Array): void {
    if (!this.#closed) this.#events?.data(bytes);
  }
}

/** A worker's process that is none: a worker's loop in this process. */
class PretendedProcess implements WorkerHandle {
  readonly place = "process 1";
  readonly memoryUse = (): number => 0;
  readonly pid = 1;
  readonly slate: SlateMemory;
  readonly channel: Promise<Channel>;
  readonly exited: Promise<WorkerExit>;
  readonly released: Promise<void>;
  readonly #exit: (exit: WorkerExit) => void;
  readonly #stream: PairedStream;

  constructor(hasMemory: boolean, onTheWay: (bytes: Uint8Array) => Uint8Array) {
    const { promise, resolve } = Promise.withResolvers<WorkerExit>();
    this.exited = promise;
    this.released = promise.then(() => {});
    this.#exit = resolve;
    this.#stream = new PairedStream(onTheWay);
    const childStream = new PairedStream(onTheWay);
    this.#stream.peer = childStream;
    childStream.peer = this.#stream;
    const words = [0, 0];
    this.slate = {
      read: (word) => words[word],
      write: (word, value) => void (words[word] = value),
      close: () => {},
    };
    const [channel, childChannel] = [this.#stream, childStream].map((stream) => new StreamChannel(stream));
    this.channel = Promise.resolve(channel);
    if (hasMemory) {
      channel.share(memorySide(0));
      childChannel.share(memorySide(MEMORY_SIZE / 2));
    }
    void runWorker(this.#childRuntime(), this.#side(childChannel));
  }

  kill(signal: "SIGTERM" | "SIGKILL"): void {
    this.#end({ code: null, signal });
  }

  #end(exit: WorkerExit): void {
    this.#exit(exit);
    this.#stream.destroy();
  }

  /** The host's, but for what would touch this process. */
  #childRuntime(): Runtime {
    const host = runtime();
    const child: Partial<Runtime> = {
      // Both sides have the tasks already; a changed URL is the URL of no module.
      importModule: () => Promise.resolve(),
      keepAlive: () => () => {},
      callLocal: () => host.callLocal(),
    };
    return child as Runtime;
  }

  #side(channel: Channel): WorkerSide {
    return {
      place: "process 1",
      connectToParent: () => Promise.resolve({ channel, slate: this.slate }),
      onUncaught: () => {},
      ignoreInterrupt: () => {},
      prepareOutput: () => {},
      flushOutput: () => Promise.resolve(),
      exit: (code) => this.#end({ code, signal: null }),
    };
  }
}

/** A call that only counts. */
class CountedCall extends WorkItem {
  readonly #items: EncodedItems;

  constructor(profile: TaskProfile, copied: CopiedArguments) {
    super(profile, NO_RULES);
    this.#items = new EncodedItems(copied);
    this.segments = copied.segments;
  }

  get argumentsSize(): number {
    return this.#items.size(0, 1);
  }

  write(frame: FrameWriter): void {
    this.#items.write(frame, 0, 1, this.id);
  }

  cancel(): boolean {
    return false;
  }

  protected onSent(): void {}
  protected onTakenBack(): void {}
  protected onSuccess(): void {}
  protected onFailure(): void {}
}

/** A map that only has spans. */
const MAP: MapOfSpan = {
  chunksize: 0,
  isFinished: false,
  settled() {},
  failed() {},
  settledAll() {},
  dropped() {},
  sent() {},
  takenBack() {},
  tryHold: () => false,
};

/** Numbers, or strings. */
function randomSpan(random: Random): WorkItem {
  const kind = random() < 0.5 ? ColumnKind.NUMBER : ColumnKind.TEXT;
  const value = (): ColumnValue =>
    kind === ColumnKind.NUMBER ? random() < 0.8 ? below(random, 1000) - 500 : random() - 0.5 : String.fromCharCode(
      ...Array.from({ length: below(random, 5) }, () => below(random, random() < 0.9 ? 300 : 65536)),
    );
  const items = new ColumnItems(kind, value());
  for (let n = below(random, 20); n > 0; n--) items.tryAdd(kind, value());
  return new MapSpan(MAP, PROFILES[0], NO_RULES, items, 0);
}

const PROFILES = [new TaskProfile(findTask(identity)), new TaskProfile(findTask(echo))];

function randomCall(random: Random, id: number): WorkItem {
  if (random() < 0.3) return randomSpan(random);
  const writer = new ByteWriter(true);
  if (random() < 0.5) writer.transfer = EVERY_BUFFER;
  const values = [new RandomValues(random, { parts: 8, classes: true, large: true }).next(), id];
  if (random() < 0.2) values[below(random, 2)] = new Uint8Array(64 * 1024 + below(random, 2)).fill(id);
  writer.begin();
  encodeList(writer, values, String, "argument");
  const profile = PROFILES[Math.floor(random() * PROFILES.length)];
  const { bytes, start, length: end } = writer;
  return new CountedCall(profile, { bytes, start, end, segments: ownSegments(writer.takeSegments()) });
}

/**
 * Every call is answered once, or accounted for at the end; the end has a reason if bytes were garbage.
 *
 * Bytes carry no checksum, so an answer may be another than the one that was sent; and where bytes are missing at the end
 * of a conversation both sides wait for them, until the process dies.
 */
export async function mutatedMessages(random: Random): Promise<void> {
  const changedPiece = below(random, random() < 0.5 ? 8 : 20);
  let piece = 0;
  const process = new PretendedProcess(
    random() < 0.7,
    (bytes) => piece++ === changedPiece ? changedWrite(random, bytes) : bytes,
  );
  const ended = Promise.withResolvers<void>();
  let end: WorkerEnd | undefined;
  const settled: number[] = [];
  const worker = new Worker(process, { name: "Fuzzed-1", sending: { plain: false, shares: false } }, {
    ready() {},
    initializerFailed() {},
    crashed() {},
    progressed() {},
    answered: (item) => void settled.push(...idsOf(item)),
    answeredColumn: (item) => void settled.push(...idsOf(item)),
    answeredAll() {},
    ended(_worker, how) {
      end = how;
      ended.resolve();
    },
  });
  const sent: number[] = [];
  for (let round = 1 + Math.floor(random() * 3); round > 0; round--) {
    await quiet(() => end !== undefined || (worker.takesCalls && settled.length === sent.length));
    if (!worker.takesCalls) break;
    for (let n = 1 + Math.floor(random() * 4); n > 0; n--) {
      const call = randomCall(random, sent.length + 1);
      call.id = sent.length + 1;
      sent.push(...idsOf(call));
      worker.ledger.assign(call);
    }
    worker.flush();
  }
  await quiet(() => end !== undefined || settled.length === sent.length);
  if (end === undefined && random() < 0.5) {
    worker.leave();
    await quiet(() => end !== undefined);
  }
  if (end === undefined) worker.kill("SIGKILL");
  await withLimit(ended.promise, 20_000, "The worker has not ended");
  const { lost, notEntered, reason } = end!;
  const accounted = [...settled, ...[...lost, ...notEntered].flatMap(idsOf)].toSorted((a, b) => a - b);
  assert.deepEqual(accounted, sent, "each call is answered once, lost, or not entered");
  assert.ok([...lost, ...notEntered].every((item) => item.state === ItemState.SENT));
  if (piece <= changedPiece) {
    assert.deepEqual([settled.length, reason], [sent.length, undefined], "nothing was changed");
  }
  if (reason === undefined) return;
  assert.ok(reason instanceof ProtocolError || reason instanceof DecodeError, inspect(reason));
}

/** The numbers of the calls in an item. */
function idsOf({ id, count }: WorkItem): number[] {
  return Array.from({ length: count }, (_, i) => id + i);
}

/** Waits until `holds()`, or for some turns in which it does not. */
async function quiet(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < QUIET_TURNS && !holds(); turn++) {
    await new Promise<void>((resolve) => runtime().nextTurn(resolve));
  }
}
