/**
 * What the engine asks of a host. Everything that differs between Deno, Bun, Node and browsers is behind this interface; nothing
 * outside this folder knows which of them it is on.
 */
import type { Channel } from "../channel/channel.ts";
import type { SlateMemory } from "../channel/slate.ts";
import type { ChildPermissions } from "./deno_permissions.ts";

/** What a worker is to find, wherever it runs. */
export interface StartOptions {
  /** What the worker is called. */
  readonly name: string;
  /** The worker's entry module, or the bundle that holds it. */
  readonly entry: WorkerEntry;
  /** URLs of the modules that the worker will import. */
  readonly modules: Iterable<string>;
}

/** How a child process is to be started. */
export interface ProcessOptions extends StartOptions {
  /** Variables on top of the parent's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory; the parent's by default. */
  readonly cwd?: string;
  /** Flags of the runtime itself; the parent's by default. */
  readonly execArgv?: readonly string[];
  /** Deno: what of the parent's permissions the child gets. */
  readonly permissions?: ChildPermissions;
  /** Deno: path of the configuration whose import map the child sees. */
  readonly config?: string;
}

/** What a worker runs. */
export interface WorkerEntry {
  /** URL of a module. */
  readonly url: string;
  /** Whether that module is a whole program with ergate bundled in, which must be told that it is a worker. */
  readonly bundled: boolean;
}

/** How a worker ended. */
export interface WorkerExit {
  /** Its exit code; `null` if a signal ended it, or it never started. */
  readonly code: number | null;
  /** The signal that ended it; `null` if it exited, or never started. */
  readonly signal: string | null;
  /** Why it never started, or what the host says that it died of. */
  readonly error?: Error;
}

/** A worker, as its parent has it: a child process, or a thread. */
export interface WorkerHandle {
  /** What it is, in words: `process 123`, `thread 4`. */
  readonly place: string;
  /** The id of its process, 0 if that never started; `undefined`: it is a thread of this one. */
  readonly pid: number | undefined;
  /** The channel, once the worker has said hello; rejects if it ends, or says nothing for a minute, before. */
  readonly channel: Promise<Channel>;
  /** The slate that it shares with its parent. */
  readonly slate: SlateMemory;
  /** Resolves when it has ended. Never rejects. */
  readonly exited: Promise<WorkerExit>;
  /** Resolves when it has ended, its output was passed on, and nothing of it is left. Never rejects. */
  readonly released: Promise<void>;
  /** Bytes of memory that its process uses; 0: that cannot be known, or it is a thread. */
  memoryUse(): number;
  /** Ends it, a process by that signal; does nothing if it has ended. */
  kill(signal: "SIGTERM" | "SIGKILL"): void;
}

/** Workers that end together with their pool. */
export interface WorkerGroup<Options extends StartOptions> {
  /**
   * Starts a worker.
   *
   * @throws {NotSupportedError} If the host cannot, or may not, start one.
   */
  start(options: Options): WorkerHandle;
  /** Resolves when nothing of the group is left: to be called when all its workers were released. */
  close(): Promise<void>;
}

/** The worker's end. */
export interface ParentLink {
  /** The channel to the parent. */
  readonly channel: Channel;
  /** The slate that it shares with its parent. */
  readonly slate: SlateMemory;
}

/** What a worker asks of where it runs: of its process, or of its thread. */
export interface WorkerSide {
  /** What it is, in words: `process 123`, `thread 4`. */
  readonly place: string;
  /** Connects it to its parent. */
  connectToParent(): Promise<ParentLink>;
  /** Hands errors that nobody caught, and rejections that nobody handled, to `fn` instead of ending the worker. */
  onUncaught(fn: (error: unknown) => void): void;
  /** Ignores the interrupt of a terminal, which goes to the whole process group: only the parent ends its children. */
  ignoreInterrupt(): void;
  /** Makes what the worker prints safe from its end, as far as the host lets it. */
  prepareOutput(): void;
  /** Resolves when what the worker printed is out of its hands; nothing more can be printed after it. */
  flushOutput(): Promise<void>;
  /** Ends the worker. */
  exit(code: number): void;
}

/** A value that is bound to a call and to all that the call awaits or starts. */
export interface CallLocal<T> {
  /** Calls `fn` with `value` bound. */
  run<Args extends unknown[], R>(value: T, fn: (...args: Args) => R, ...args: Args): R;
  /**
   * The call has returned a promise: where the host cannot follow it through what it awaits, the value is bound to all that
   * runs until that has settled.
   */
  keepUntil(value: T, settled: PromiseLike<unknown>): void;
  /** The value bound around the caller. */
  get(): T | undefined;
}

/** A host. */
export interface Runtime {
  /** Its name, as people write it. */
  readonly name: string;
  /** Its version. */
  readonly version: string;
  /** Whether this program is one file with its runtime in it, which can be run again and nothing else. */
  readonly inBinary: boolean;
  /** The id of this process; `undefined`: the host has none. */
  readonly pid: number | undefined;
  /** How many workers the system lets this process keep busy. */
  availableParallelism(): number;
  /**
   * Checks options that only this host knows.
   *
   * @throws {TypeError} If one is of a wrong kind.
   */
  checkOptions(options: Pick<ProcessOptions, "permissions">): void;
  /**
   * Checks that child processes can be started.
   *
   * @throws {NotSupportedError} If they cannot, or may not; it names the permission or feature that lacks.
   */
  checkProcesses(options: Pick<ProcessOptions, "permissions" | "execArgv">): void;
  /**
   * Checks that the memory of child processes can be known.
   *
   * @throws {NotSupportedError} If it cannot; it says why.
   */
  checkMemoryUse(): void;
  /**
   * Checks that threads can be started.
   *
   * @throws {NotSupportedError} If they cannot; it names what lacks.
   */
  checkThreads(): void;
  /** Opens a group of child processes. */
  openProcessGroup(): WorkerGroup<ProcessOptions>;
  /** Opens a group of threads. */
  openThreadGroup(): WorkerGroup<StartOptions>;
  /** Calls `fn` in a later turn of the event loop, after what came in meanwhile. */
  nextTurn(fn: () => void): void;
  /**
   * Keeps the program alive, though nothing else may.
   *
   * @returns Ends that.
   */
  keepAlive(): () => void;
  /** Calls `fn` when the program has nothing more to do; what `fn` starts keeps it alive. */
  atProgramEnd(fn: () => void): void;

  // The rest serves the worker.

  /** Whether this process or thread, which runs a bundle, was started as a worker; asked once. */
  takeWorkerMark(): boolean;
  /** Of this process or thread, which was started as a worker. */
  workerSide(): WorkerSide;
  /** Imports a module; says `undefined` if this worker has no right to and was not made for it. */
  importModule(url: string): Promise<unknown> | undefined;
  /** Makes a call-local value. */
  callLocal<T>(): CallLocal<T>;
}
