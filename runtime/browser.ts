/**
 * The adapter of browsers, and of whatever has the web's `Worker` and none of the other hosts' ways: threads, no processes.
 *
 * What a page cannot have:
 *
 * - **Threads without shared memory.** Which call a dead worker was at is read from the slate, and calls are taken back by
 *   it (ARCHITECTURE.md, "Who is lost?"). Messages cannot stand in for it: what a worker that loops has been sent it does
 *   not read, so nothing could be taken back from it; and what it said last may come after the news of its end, so a call
 *   might be run twice. So a page must be cross-origin isolated, and `submit` says so where it is not.
 * - **A call's context over its awaits**: `call_at_work.ts`. It is what tells a program that lacks its guard, too. Such a
 *   program is still found where it makes a pool as it is imported, or between calls; not where it does so, later, while a call
 *   is awaited.
 * - **The program's end**: a page ends when it is closed, and its workers with it.
 * - **Output**: what a task prints goes to the page's console.
 */
import { NotSupportedError } from "../errors.ts";
import { CallAtWork } from "./call_at_work.ts";
import type {
  CallLocal,
  ProcessOptions,
  Runtime,
  StartOptions,
  WorkerGroup,
  WorkerHandle,
  WorkerSide,
} from "./runtime.ts";
import { WebSide } from "./web_side.ts";
import { WebThread, type WebWorker } from "./web_thread.ts";

/** The slice of the web that tells what it can, as it is asked: nothing of it need be there. */
interface Web {
  readonly Worker?: new (url: URL | string, options: { readonly type: "module"; readonly name: string }) => WebWorker;
  readonly SharedArrayBuffer?: unknown;
  readonly crossOriginIsolated?: boolean;
  readonly navigator?: { readonly hardwareConcurrency?: number; readonly userAgent?: string };
  /** The name of a worker. */
  readonly name?: unknown;
}

const web = globalThis as unknown as Web;

/** Begins the names of workers, by which one that runs a bundle knows what it is. */
const WORKER_MARK = "ergate: ";

/** Options of {@linkcode BrowserRuntime}. */
export interface BrowserOptions {
  /**
   * The module that workers run, of the page's own origin. It must import ergate's entry for workers, or be a bundle with
   * ergate in it. Bundlers make one of what is named by a literal `new URL("./worker.ts", import.meta.url)`.
   *
   * @default The entry beside this copy of ergate, or the bundle that holds it.
   */
  readonly workerUrl?: string | URL;
}

/** Browsers. */
export class BrowserRuntime implements Runtime {
  readonly name: string = "the browser";
  readonly version: string = web.navigator?.userAgent ?? "";
  readonly inBinary: boolean = false;
  readonly pid: undefined = undefined;
  readonly #workerUrl: string | URL | undefined;

  /** Of this page or worker. */
  constructor(options: BrowserOptions = {}) {
    this.#workerUrl = options.workerUrl;
  }

  availableParallelism(): number {
    return web.navigator?.hardwareConcurrency ?? 1;
  }

  checkOptions(_options: Pick<ProcessOptions, "permissions">): void {}

  checkProcesses(_options: Pick<ProcessOptions, "permissions" | "execArgv">): void {
    throw new NotSupportedError(
      "Cannot start worker processes as the host must have them: a browser has none, use a ThreadPoolExecutor",
    );
  }

  checkMemoryUse(): void {
    throw new NotSupportedError("Cannot limit the memory of workers as they must be processes: a browser has none");
  }

  checkThreads(): void {
    if (web.Worker === undefined) {
      throw new NotSupportedError("Cannot start worker threads as the host must have the web's Worker: it has none");
    }
    // Only browsers have the flag. They hide the class from most pages that are not isolated, but not from all.
    if (web.SharedArrayBuffer === undefined || web.crossOriginIsolated === false) {
      throw new NotSupportedError(
        "Cannot start worker threads as the page must be cross-origin isolated: it is not; serve it with the headers " +
          "'Cross-Origin-Opener-Policy: same-origin' and 'Cross-Origin-Embedder-Policy: require-corp'",
      );
    }
  }

  openProcessGroup(): WorkerGroup<ProcessOptions> {
    return {
      start: (): never => {
        this.checkProcesses({});
        throw new Error("unreachable");
      },
      close: () => Promise.resolve(),
    };
  }

  openThreadGroup(): WorkerGroup<StartOptions> {
    return { start: (options) => this.#start(options), close: () => Promise.resolve() };
  }

  #start({ name, entry }: StartOptions): WorkerHandle {
    const url = this.#workerUrl ?? entry.url;
    return new WebThread(new web.Worker!(url, { type: "module", name: WORKER_MARK + name }));
  }

  nextTurn(fn: () => void): void {
    // Not a timer: browsers make those wait 4 ms that are started by timers.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      fn();
    };
    port2.postMessage(undefined);
  }

  keepAlive(): () => void {
    return () => {};
  }

  atProgramEnd(_fn: () => void): void {}

  takeWorkerMark(): boolean {
    return typeof web.name === "string" && web.name.startsWith(WORKER_MARK);
  }

  workerSide(): WorkerSide {
    return new WebSide();
  }

  importModule(url: string): Promise<unknown> {
    return import(url);
  }

  callLocal<T>(): CallLocal<T> {
    return new CallAtWork();
  }
}
