/**
 * What Deno, Bun and Node have in common: Node's API, which all three speak. An adapter adds how it starts a worker,
 * and whatever it does otherwise.
 */
import { clearInterval, setInterval } from "./host_functions.ts";
import { NotSupportedError } from "../errors.ts";
import type { SlateMemory } from "../channel/slate.ts";
import { type Child, type ChildCommand, NodeChild } from "./child.ts";
import { memoryUse } from "./memory_use.ts";
import { nodeModule, nodeProcess, type NodeWritable } from "./node_api.ts";
import { connectToParent } from "./parent_link.ts";
import { type ProcessHostAdapter, ProcessHosts } from "./process_host.ts";
import { SlateFile } from "./slate_file.ts";
import { openThreadGroup, type ThreadHostAdapter } from "./thread_host.ts";
import { threadData, ThreadSide } from "./thread_side.ts";
import type {
  CallLocal,
  ParentLink,
  ProcessOptions,
  Runtime,
  StartOptions,
  WorkerGroup,
  WorkerSide,
} from "./runtime.ts";

/** The longest delay that every host's timers keep. */
const LONGEST_DELAY = 2 ** 31 - 1;

/** Linux's: macOS and Windows have none. */
const MEMORY_FOLDER = "/dev/shm";

/** The base of the adapters. */
export abstract class HostRuntime implements Runtime, WorkerSide, ProcessHostAdapter, ThreadHostAdapter {
  abstract readonly name: string;
  abstract readonly version: string;
  readonly inBinary: boolean = false;
  readonly terminatesLoosely: boolean = false;
  readonly #hosts = new ProcessHosts(this);
  // As they are now: a task may replace them.
  readonly #exit = nodeProcess().exit.bind(nodeProcess());
  readonly #kill = nodeProcess().kill.bind(nodeProcess());
  #keepers = 0;
  #keeper: ReturnType<typeof setInterval> | undefined;

  abstract workerCommand(options: ProcessOptions, folder: string): ChildCommand;

  get place(): string {
    return `process ${nodeProcess().pid}`;
  }

  get pid(): number {
    return nodeProcess().pid;
  }

  availableParallelism(): number {
    return nodeModule("node:os").availableParallelism();
  }

  checkOptions(_options: Pick<ProcessOptions, "permissions">): void {}

  checkProcesses(_options: Pick<ProcessOptions, "permissions" | "execArgv">): void {}

  checkMemoryUse(): void {
    try {
      if (memoryUse("self") > 0) return;
    } catch (error) {
      throw new NotSupportedError(
        "Cannot limit the memory of workers as /proc must tell how much they use: it cannot be read " +
          "(on Deno that takes --allow-all; macOS and Windows have no /proc)",
        { cause: error },
      );
    }
  }

  checkThreads(): void {}

  openProcessGroup(): WorkerGroup<ProcessOptions> {
    return this.#hosts.open();
  }

  openThreadGroup(): WorkerGroup<StartOptions> {
    return openThreadGroup(this);
  }

  threadProgram({ entry }: StartOptions): URL {
    return new URL(entry.url);
  }

  threadEnvironment(): Record<string, string | undefined> | undefined {
    return undefined;
  }

  threadExecArgv(): string[] | undefined {
    return undefined;
  }

  spawn(command: ChildCommand): Child {
    return new NodeChild(command, nodeProcess().env);
  }

  temporaryFolder(): string {
    return nodeModule("node:os").tmpdir();
  }

  memoryFolder(): string | undefined {
    return nodeModule("node:fs").existsSync(MEMORY_FOLDER) ? MEMORY_FOLDER : undefined;
  }

  nextTurn(fn: () => void): void {
    laterTurn(fn);
  }

  keepAlive(): () => void {
    // One timer for all: everything else (sockets, pipes, children) is unreferenced for good, so whether the program
    // may end hangs on this count alone.
    if (this.#keepers++ === 0) this.#keeper = setInterval(() => {}, LONGEST_DELAY);
    let kept = true;
    return () => {
      if (!kept) return;
      kept = false;
      if (--this.#keepers === 0) clearInterval(this.#keeper);
    };
  }

  atProgramEnd(fn: () => void): void {
    nodeProcess().on("beforeExit", fn);
  }

  takeWorkerMark(): boolean {
    if (threadData() !== undefined) return true;
    const { env } = nodeProcess();
    const marked = env[WORKER_VARIABLE] === "1";
    delete env[WORKER_VARIABLE]; // programs that a task starts are programs
    return marked;
  }

  workerSide(): WorkerSide {
    const data = threadData();
    return data === undefined ? this : new ThreadSide(data, (stdout, stderr) => this.redirectConsole(stdout, stderr));
  }

  /** Makes the console of this thread print to streams; that of Node and Bun does already. */
  redirectConsole(_stdout: NodeWritable, _stderr: NodeWritable): void {}

  connectToParent(): Promise<ParentLink> {
    return connectToParent((path) => this.openSlate(path));
  }

  /** Opens the worker's side of a slate. */
  openSlate(path: string): SlateMemory {
    return new SlateFile(path, false);
  }

  importModule(url: string): Promise<unknown> | undefined {
    return import(url);
  }

  onUncaught(fn: (error: unknown) => void): void {
    nodeProcess().on("uncaughtException", fn);
    nodeProcess().on("unhandledRejection", fn);
  }

  ignoreInterrupt(): void {
    nodeProcess().on("SIGINT", () => {});
  }

  prepareOutput(): void {}

  flushOutput(): Promise<void> {
    return Promise.resolve();
  }

  exit(code: number): void {
    this.#exit(code);
    // It returns only where a task has put something else behind it; this process is to end all the same.
    this.#kill(nodeProcess().pid, "SIGKILL");
  }

  callLocal<T>(): CallLocal<T> {
    const { AsyncLocalStorage } = nodeModule("node:async_hooks");
    const storage = new AsyncLocalStorage<T>();
    return {
      run: (value, fn, ...args) => storage.run(value, fn, ...args),
      keepUntil: () => {}, // it follows
      get: () => storage.getStore(),
    };
  }
}

/** Of Node, Bun and Deno; the web has none. Kept as it is now, as the others in `host_functions.ts`. */
const { setImmediate: laterTurn } = globalThis as unknown as { setImmediate(fn: () => void): void };

/** Flags that would make a child run something else than the worker, or stop for a debugger on the parent's port. */
const NOT_FOR_CHILDREN =
  /^(-|-e|--eval|-p|-pe|--print|-c|--check|-i|--interactive|--run|--test(-.*)?|--watch(-.*)?|--hot|--inspect(-.*)?|--input-type)(=.*)?$/;

/** The runtime's own flags, as a child may have them: without what would run something else. */
export function childExecArgv(execArgv: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < execArgv.length; i++) {
    const flag = execArgv[i];
    if (!NOT_FOR_CHILDREN.test(flag)) kept.push(flag);
    // There are only flags and their values here: what follows one that is left out, and is no flag, is its value.
    else if (!flag.includes("=")) { while (i + 1 < execArgv.length && !execArgv[i + 1].startsWith("-")) i++; }
  }
  return kept;
}

/** Set in a child that runs a bundle: makes it a worker as soon as ergate is imported. */
export const WORKER_VARIABLE = "ERGATE_WORKER";
