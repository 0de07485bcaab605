/** How a worker is met: what it says first, and how long that may take. */
import type { Channel } from "../channel/channel.ts";
import type { PortChannel } from "../channel/port_channel.ts";
import { FrameReader, MessageKind, PROTOCOL_VERSION, ProtocolError } from "../channel/protocol.ts";
import type { Segments } from "../channel/segments.ts";
import { clearTimeout, setTimeout } from "./host_functions.ts";
import { describeExit } from "./output.ts";
import type { WorkerExit } from "./runtime.ts";

/**
 * Milliseconds in which a worker must have said hello. The slowest start seen is under a second; on a machine that swaps
 * it may be many. One that hangs as it starts would otherwise be waited for, and its calls with it, for ever.
 */
export const START_LIMIT = 60_000;

/** What a thread says first. */
export interface Hello {
  /** A word of its own; may be empty. */
  readonly token: string;
  /** What came with it. */
  readonly segments: Segments;
}

/**
 * Resolves when the thread at the other side has said hello; rejects if it ends, or says nothing for too long, before.
 *
 * @param meet Hears what it said, before anyone else has the channel. What it throws ends the channel.
 */
export function greeted(
  channel: PortChannel,
  exited: Promise<WorkerExit>,
  meet: (hello: Hello) => void = () => {},
): Promise<Channel> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`Cannot start a worker thread as it must say hello within ${START_LIMIT} ms: it did not`));
    }, START_LIMIT);
    // One that is starting keeps nobody waiting who does not wait for a call.
    (timer as unknown as { unref?(): void }).unref?.();
    channel.receive((bytes, segments) => {
      clearTimeout(timer);
      const frame = new FrameReader(bytes);
      if (frame.u8() !== MessageKind.HELLO || frame.u32() !== PROTOCOL_VERSION) {
        throw new ProtocolError("Cannot use a thread as it must say hello first: it said something else");
      }
      meet({ token: new TextDecoder().decode(bytes.subarray(frame.at)), segments });
      channel.receive(undefined); // what follows is for the one who waits for this channel
      resolve(channel);
    });
    channel.closed.then(async (end) => {
      const exit = await exited;
      clearTimeout(timer);
      reject(end ?? exit.error ?? new Error(`it exited before it said hello (${describeExit(exit)})`));
    });
  });
}
