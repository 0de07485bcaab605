/**
 * The slice of Node's built-in modules that ergate uses, which Deno and Bun have too. Reached by
 * `process.getBuiltinModule()` inside functions, so that importing an adapter costs nothing and works anywhere.
 */

/** A stream to write to. */
export interface NodeWritable {
  /** Writes; `false`: wait for 'drain'. */
  write(
    data: Uint8Array | string,
    encodingOrWritten?: string | ((error?: Error | null) => void),
    written?: (error?: Error | null) => void,
  ): boolean;
  /** Bytes that it holds and has not written; Bun's own outputs always say 0. */
  readonly writableLength: number;
  /** Ends it. */
  end(ended?: () => void): void;
  /** Listens. */
  on(event: "error" | "drain" | "close", listener: (error?: Error) => void): unknown;
  /** Listens once. */
  once(event: "drain" | "close", listener: () => void): unknown;
  /** Closes at once. */
  destroy(): void;
  /** Whether it is closed. */
  readonly destroyed: boolean;
  /** Whether its end was asked for. */
  readonly writableEnded?: boolean;
  /** What Node has below a standard stream. */
  readonly _handle?: { setBlocking?(blocking: boolean): void };
  /** Lets the program end. */
  unref?(): void;
}

/** A stream to read from. */
export interface NodeReadable {
  /** Listens. */
  on(event: "data", listener: (bytes: Uint8Array) => void): unknown;
  /** Listens. */
  on(event: "end" | "close", listener: () => void): unknown;
  /** Listens. */
  on(event: "error", listener: (error: Error) => void): unknown;
  /** Stops reading. */
  pause(): unknown;
  /** Reads on. */
  resume(): unknown;
  /** Closes at once. */
  destroy(): void;
  /** Lets the program end. */
  unref?(): void;
}

/** A socket. */
export interface NodeSocket extends NodeReadable {
  /** Writes. */
  write(data: Uint8Array, written?: (error?: Error | null) => void): boolean;
  /** Ends it. */
  end(): void;
  /** Bytes not yet taken by the system. */
  readonly writableLength: number;
  /** Whether it is closed. */
  readonly destroyed: boolean;
  /** Listens once. */
  once(event: "drain" | "connect" | "close", listener: () => void): unknown;
  /** Listens once. */
  once(event: "error", listener: (error: Error) => void): unknown;
  /** Stops listening. */
  off(event: "error", listener: (error: Error) => void): unknown;
  /** Lets the program end. */
  unref(): void;
}

/** A listening socket. */
export interface NodeServer {
  /** Listens on a path. */
  listen(path: string, listening: () => void): unknown;
  /** Listens. */
  on(event: "error", listener: (error: Error) => void): unknown;
  /** Closes it. */
  close(closed: () => void): void;
  /** Lets the program end. */
  unref(): void;
}

/** A child process. */
export interface NodeChildProcess {
  /** Its process id. */
  readonly pid: number | undefined;
  /** Its input; none of the three is there if there were no descriptors left. */
  readonly stdin?: NodeWritable | null;
  /** Its output. */
  readonly stdout?: NodeReadable | null;
  /** Its error output. */
  readonly stderr?: NodeReadable | null;
  /** Listens once. */
  once(event: "exit", listener: (code: number | null, signal: string | null) => void): unknown;
  /** Listens once. */
  once(event: "error", listener: (error: Error) => void): unknown;
  /** Sends a signal. */
  kill(signal: string): boolean;
  /** Lets the program end. */
  unref(): void;
}

/** What posts to another thread. */
export interface NodePort {
  /** Posts. */
  postMessage(message: unknown, transfer: readonly ArrayBuffer[]): void;
  /** Listens. */
  on(event: "message" | "close", listener: (message: unknown) => void): unknown;
}

/** A thread. */
export interface NodeThread extends NodePort {
  /** Its number in this process. */
  readonly threadId: number;
  /** Listens. */
  on(event: "message" | "error" | "close", listener: (value: unknown) => void): unknown;
  /** Listens. */
  on(event: "exit", listener: (code: number) => void): unknown;
  /** Ends it. */
  terminate(): Promise<number | undefined> | undefined;
  /** Lets the program end. */
  unref(): void;
}

/** What a value was made as, whatever its prototype. */
export type NodeTypes = Readonly<
  Record<
    | "isMap"
    | "isSet"
    | "isDate"
    | "isRegExp"
    | "isNativeError"
    | "isPromise"
    | "isWeakMap"
    | "isWeakSet"
    | "isAnyArrayBuffer"
    | "isArrayBuffer"
    | "isSharedArrayBuffer"
    | "isBoxedPrimitive"
    | "isBooleanObject"
    | "isNumberObject"
    | "isStringObject"
    | "isBigIntObject"
    | "isSymbolObject"
    | "isGeneratorObject"
    | "isMapIterator"
    | "isSetIterator",
    (value: unknown) => boolean
  >
>;

/** Node's modules by name. */
export interface NodeModules {
  /** Child processes. */
  "node:child_process": {
    spawn(command: string, args: readonly string[], options: {
      readonly stdio: readonly ["pipe", "pipe" | "ignore", "pipe" | "ignore"];
      readonly env?: Readonly<Record<string, string | undefined>>;
      readonly cwd?: string;
      readonly detached?: boolean;
    }): NodeChildProcess;
  };
  /** Files. */
  "node:fs": {
    readFileSync(path: string, encoding: "utf8"): string;
    mkdirSync(path: string, options: { readonly mode: number }): void;
    openSync(path: string, flags: string, mode?: number): number;
    closeSync(fd: number): void;
    readSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number | null): number;
    writeSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number | null): number;
    rmSync(path: string, options: { readonly recursive: boolean; readonly force: boolean }): void;
    rmdirSync(path: string): void;
    realpathSync(path: string): string;
    existsSync(path: string): boolean;
  };
  /** Sockets. */
  "node:net": {
    createServer(connected: (socket: NodeSocket) => void): NodeServer;
    connect(path: string): NodeSocket;
  };
  /** Modules. */
  "node:module": { enableCompileCache?(): unknown };
  /** Threads. */
  "node:worker_threads": {
    Worker: new (
      program: URL | string,
      options: {
        readonly name?: string;
        readonly workerData: unknown;
        readonly transferList?: readonly NodePort[];
        readonly env?: Readonly<Record<string, string | undefined>>;
        readonly execArgv?: readonly string[];
      },
    ) => NodeThread;
    MessageChannel: new () => { readonly port1: NodePort & { close(): void }; readonly port2: NodePort };
    readonly isMainThread: boolean;
    readonly threadId: number;
    readonly workerData: unknown;
    readonly parentPort: NodePort | null;
  };
  /** Consoles. */
  "node:console": {
    Console: new (streams: { readonly stdout: NodeWritable; readonly stderr: NodeWritable }) => object;
  };
  /** Bytes. */
  "node:buffer": { Buffer: { from(text: string, encoding: string): Uint8Array } };
  /** The machine. */
  "node:os": {
    availableParallelism(): number;
    tmpdir(): string;
    readonly constants: { readonly signals: Readonly<Record<string, number>> };
  };
  /** Call-local values. */
  "node:async_hooks": {
    AsyncLocalStorage: new <T>() => {
      run<Args extends unknown[], R>(value: T, fn: (...args: Args) => R, ...args: Args): R;
      getStore(): T | undefined;
    };
  };
  /** Paths and URLs. */
  "node:url": { fileURLToPath(url: string): string; pathToFileURL(path: string): URL };
  /** Printing of values, and what they are. */
  "node:util": { inspect(value: unknown, options: object): string; readonly types: NodeTypes };
}

/** The slice of `process`. */
export interface NodeProcess {
  /** Gives a built-in module. */
  getBuiltinModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name];
  /** Path of the runtime. */
  readonly execPath: string;
  /** Flags of the runtime. */
  readonly execArgv: readonly string[];
  /** Arguments; the second is the program. */
  readonly argv: readonly string[];
  /** The main module, if that is CommonJS. */
  readonly mainModule?: { readonly filename: string | null };
  /** Process id. */
  readonly pid: number;
  /** Environment. */
  readonly env: Record<string, string | undefined>;
  /** What the program may do, where Node was run with `--permission`. */
  readonly permission?: { has(scope: string): boolean };
  /** Versions. */
  readonly versions: Readonly<Record<string, string | undefined>>;
  /** Standard output. */
  readonly stdout: NodeWritable;
  /** Standard error. */
  readonly stderr: NodeWritable;
  /** Listens. */
  on(event: string, listener: (...args: never[]) => void): unknown;
  /** Stops listening. */
  off(event: string, listener: (...args: never[]) => void): unknown;
  /** Ends the process. */
  exit(code?: number): never;
  /** Sends a signal. */
  kill(pid: number, signal: string): boolean;
}

/** As it is when ergate is imported: a task may replace it. */
const { process } = globalThis as unknown as { readonly process: NodeProcess };

/** `process`, where there is one. */
export function nodeProcess(): NodeProcess {
  return process;
}

/** Whether there are Node's modules. Bundlers give pages a `process` with little in it. */
export function hasNodeModules(): boolean {
  return typeof nodeProcess()?.getBuiltinModule === "function";
}

/** A built-in module of Node. */
export function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] {
  return nodeProcess().getBuiltinModule(name);
}
