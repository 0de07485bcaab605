/** What the running call says of its progress, on its way to the parent. */
import { clearTimeout, now, setTimeout } from "../runtime/host_functions.ts";
import type { Channel } from "../channel/channel.ts";
import { FrameWriter, MessageKind } from "../channel/protocol.ts";

/** Milliseconds between two messages: nobody looks faster, and a task may report in its innermost loop. */
const INTERVAL = 10;

/** Sends reports, the newest of those that come too fast. */
export class Progress {
  readonly #channel: Channel;
  readonly #frame = new FrameWriter();
  #sentAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What has not been sent. */
  #newest: { readonly sequence: number; readonly done: number; readonly total: number } | undefined;

  /** For a channel. */
  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** The call of that number has come so far. */
  report(sequence: number, done: number, total: number): void {
    this.#newest = { sequence, done, total };
    const wait = this.#sentAt + INTERVAL - now();
    if (wait <= 0) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), wait);
  }

  /** Sends what waits. */
  flush(): void {
    if (this.#newest === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { sequence, done, total } = this.#newest;
    this.#newest = undefined;
    this.#sentAt = now();
    const frame = this.#frame;
    frame.beginFrame(MessageKind.PROGRESS);
    frame.f64(sequence);
    frame.f64(done);
    frame.f64(total);
    this.#channel.send(frame.endFrame());
  }
}
