/** The worker's side of the web's `Worker`. */
import { introduction, MessageKind, ProtocolError } from "../channel/protocol.ts";
import { PortChannel } from "../channel/port_channel.ts";
import { SLATE_SIZE } from "../channel/slate.ts";
import type { ParentLink, WorkerSide } from "./runtime.ts";
import { Posts, ThreadSlate } from "./thread_end.ts";
import { type WebErrorEvent, webLocks } from "./web_thread.ts";

/** What is used of the global scope of a dedicated worker. */
interface WebScope {
  postMessage(message: unknown, transfer: readonly ArrayBuffer[]): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "messageerror", listener: () => void): void;
  addEventListener(type: "error", listener: (event: WebErrorEvent) => void): void;
  addEventListener(type: "unhandledrejection", listener: (event: WebRejectionEvent) => void): void;
  /** Bun has none. */
  close?(): void;
}

interface WebRejectionEvent {
  readonly reason: unknown;
  preventDefault(): void;
}

const scope = globalThis as unknown as WebScope;

/** A thread, as the worker in it has it. What it prints is left to the page's console. */
export class WebSide implements WorkerSide {
  readonly place: string = "a web worker";
  readonly #posts = new Posts();
  // As they are now: a task may replace them.
  readonly #post = scope.postMessage.bind(scope);
  readonly #close = scope.close?.bind(scope);

  async connectToParent(): Promise<ParentLink> {
    const slate = new SharedArrayBuffer(SLATE_SIZE);
    const port = { postMessage: this.#counted.bind(this) };
    const channel = new PortChannel(port, () => this.exit(1));
    scope.addEventListener("message", ({ data }) => channel.take(data));
    scope.addEventListener("messageerror", () => {
      channel.abort(new ProtocolError("Cannot read the channel as its messages must be readable here: one was not"));
    });
    // Held before the parent hears of it: it would be granted the lock at once otherwise, and take this for dead.
    const lock = await holdLock();
    channel.send(introduction(MessageKind.HELLO, lock), [slate, this.#posts.memory]);
    return { channel, slate: new ThreadSlate(slate, () => this.exit(1)) };
  }

  #counted(message: unknown, transfer: readonly ArrayBuffer[]): void {
    this.#posts.add();
    this.#post(message, transfer);
  }

  onUncaught(fn: (error: unknown) => void): void {
    scope.addEventListener("error", (event) => {
      event.preventDefault();
      fn(event.error ?? new Error(event.message));
    });
    scope.addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      fn(event.reason);
    });
  }

  ignoreInterrupt(): void {} // a page has none

  prepareOutput(): void {}

  flushOutput(): Promise<void> {
    return Promise.resolve();
  }

  /** Tells the parent, who ends it: what runs goes on to the end of its turn, or where there is no `close()` until then. */
  exit(code: number): void {
    this.#counted(code, []);
    this.#close?.();
  }
}

/** Holds a lock of a random name as long as this thread lives; gives that name, an empty one where there are no locks. */
function holdLock(): Promise<string> {
  const locks = webLocks();
  if (locks === undefined) return Promise.resolve("");
  const name = `ergate-${crypto.randomUUID()}`;
  return new Promise((held, reject) => {
    locks.request(name, {}, () => {
      held(name);
      return new Promise(() => {});
    }).catch(reject);
  });
}
