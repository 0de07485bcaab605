/**
 * What the child processes of one parent share: the private folder, the socket in it that children come to, and the
 * reaper. It is made with the first group of children and gone with the last.
 *
 * ```text
 * start: spawn child ── the reaper is told, the socket listens ──▶ a line to its stdin: socket, slate, token
 *        child connects twice ── HELLO and DOWN, with the token ──▶ its channel
 * ```
 *
 * Nobody else can be taken for a child: only this user may enter the folder, and the token travels by the stdin of that
 * one child.
 */
import { clearTimeout, setTimeout } from "./host_functions.ts";
import { type Channel } from "../channel/channel.ts";
import { FrameReader, MessageKind, PROTOCOL_VERSION, ProtocolError } from "../channel/protocol.ts";
import { StreamChannel } from "../channel/stream_channel.ts";
import type { Child, ChildCommand } from "./child.ts";
import { START_LIMIT } from "./greeting.ts";
import { nodeModule, type NodeServer, type NodeSocket } from "./node_api.ts";
import { describeExit, relayOutput } from "./output.ts";
import { Reaper } from "./reaper.ts";
import { memoryUse } from "./memory_use.ts";
import type { ProcessOptions, WorkerExit, WorkerGroup, WorkerHandle } from "./runtime.ts";
import { SegmentFile } from "./segment_file.ts";
import { SlateFile } from "./slate_file.ts";
import { SocketStream } from "./socket_stream.ts";

/**
 * Turns of the event loop, and milliseconds at least, in which connections of a dead child are accepted, and read on both of
 * their sockets. Turns alone are not enough on Deno, which reads beside them; time alone is not if the parent is busy.
 */
const TURNS_TO_READ = 10;
const READING_TIME = 100;

/** Longest path, in bytes, that a Unix socket can have on every system. */
const LONGEST_SOCKET_PATH = 100;

/** What an adapter knows and the host of its processes does not. */
export interface ProcessHostAdapter {
  /** Starts any command. */
  spawn(command: ChildCommand): Child;
  /** The command of a worker, whose private folder is `folder`. */
  workerCommand(options: ProcessOptions, folder: string): ChildCommand;
  /** Where temporary folders may be made. */
  temporaryFolder(): string;
  /** Where folders may be made whose files lie in memory; `undefined`: nowhere. */
  memoryFolder(): string | undefined;
  /** Calls a function in a later turn of the event loop. */
  nextTurn(fn: () => void): void;
  /** Keeps the program alive until the returned function is called. */
  keepAlive(): () => void;
}

/** What a child is told by its stdin, as one line of JSON. */
export interface ChildGreeting {
  /** Path of the socket to come to. */
  readonly socket: string;
  /** Path of the slate. */
  readonly slate: string;
  /** Path of the file in memory for large segments, if there is one. */
  readonly memory: string | undefined;
  /** What it must say there. */
  readonly token: string;
  /** The private folders, which it must guard itself, there being no reaper. */
  readonly guard: readonly string[] | undefined;
}

/** A child that has not said hello on both of its connections. */
interface Expected {
  readonly resolve: (channel: Channel) => void;
  readonly reject: (error: Error) => void;
  /** The file in memory that it shares with this process. */
  readonly memory: SegmentFile | undefined;
  /** What it writes to. */
  up?: { readonly stream: SocketStream; readonly channel: StreamChannel };
  /** What it reads from. */
  down?: NodeSocket;
}

/** Makes groups of processes over one host, which lives as long as any of them. */
export class ProcessHosts {
  readonly #adapter: ProcessHostAdapter;
  #host: ProcessHost | undefined;
  #groups = 0;

  /** For one adapter. */
  constructor(adapter: ProcessHostAdapter) {
    this.#adapter = adapter;
  }

  /** Opens a group. */
  open(): WorkerGroup<ProcessOptions> {
    const host = this.#host ??= new ProcessHost(this.#adapter);
    this.#groups++;
    let closed = false;
    return {
      start: (options) => host.start(options),
      close: async () => {
        if (closed) return;
        closed = true;
        if (--this.#groups > 0) return;
        this.#host = undefined;
        await host.close();
      },
    };
  }
}

class ProcessHost {
  readonly #adapter: ProcessHostAdapter;
  readonly #folder: string;
  /** A folder whose files lie in memory; `undefined`: there is none. */
  #memoryFolder: string | undefined;
  readonly #socketPath: string;
  readonly #server: NodeServer;
  readonly #listening: Promise<void>;
  readonly #reaper: Reaper;
  /** Children that have not said hello, by token. */
  readonly #expected = new Map<string, Expected>();
  /** Tokens of the children whose guard thread may come. */
  readonly #guarded = new Set<string>();
  /** All connections: what is still open at the end is closed. */
  readonly #connections = new Set<NodeSocket>();
  #starts = 0;

  constructor(adapter: ProcessHostAdapter) {
    this.#adapter = adapter;
    const name = `ergate-${randomName().slice(0, 12)}`;
    const memory = adapter.memoryFolder();
    this.#folder = `${temporaryFolder(adapter)}/${name}`;
    this.#memoryFolder = memory === undefined ? undefined : `${memory}/${name}`;
    // The reaper comes before what it is to remove, so that no moment leaves anything behind.
    this.#reaper = new Reaper((command) => adapter.spawn(command), this.#folders());
    nodeModule("node:fs").mkdirSync(this.#folder, { mode: 0o700 }); // it must not exist yet
    try {
      if (this.#memoryFolder !== undefined) nodeModule("node:fs").mkdirSync(this.#memoryFolder, { mode: 0o700 });
    } catch {
      this.#memoryFolder = undefined; // read only, or full: the sockets serve
    }
    this.#socketPath = `${this.#folder}/sock`;
    this.#server = nodeModule("node:net").createServer((socket) => this.#admit(socket));
    this.#listening = new Promise((resolve, reject) => {
      this.#server.on("error", reject);
      this.#server.listen(this.#socketPath, resolve);
    });
    this.#listening.catch(() => {}); // each start awaits it, and tells
    this.#server.unref();
  }

  #folders(): string[] {
    return this.#memoryFolder === undefined ? [this.#folder] : [this.#folder, this.#memoryFolder];
  }

  async close(): Promise<void> {
    const release = this.#adapter.keepAlive();
    try {
      for (const socket of this.#connections) socket.destroy();
      await Promise.all([
        this.#reaper.close(),
        this.#listening.then(() => new Promise<void>((resolve) => this.#server.close(resolve)), () => {}),
      ]);
      for (const folder of this.#folders()) {
        try {
          removeFolder(folder);
        } catch {
          // The reaper has removed it at its end. Where there is none, an empty folder stays: less than a failing shutdown.
        }
      }
    } finally {
      release();
    }
  }

  start(options: ProcessOptions): WorkerHandle {
    const command = this.#adapter.workerCommand(options, this.#folder); // may throw: first
    const slatePath = `${this.#folder}/slate-${++this.#starts}`;
    const slate = new SlateFile(slatePath, true);
    const child = this.#adapter.spawn(command);
    const memory = this.#makeMemory();
    const token = randomName();
    let dismissed = false;
    const channel = this.#expect(token, child.exited, memory?.file, () => dismissed).finally(() => {
      this.#expected.delete(token);
      // Both sides have them open, or one is dead: nothing is left behind, however this program ends.
      nodeModule("node:fs").rmSync(slatePath, { recursive: false, force: true });
      if (memory !== undefined) nodeModule("node:fs").rmSync(memory.path, { recursive: false, force: true });
    });
    channel.catch(() => {
      child.kill("SIGKILL");
      memory?.file.close();
    });
    const guard = this.#reaper.exists ? undefined : this.#folders();
    const greeting: ChildGreeting = { socket: this.#socketPath, slate: slatePath, memory: memory?.path, token, guard };
    if (guard !== undefined) {
      this.#guarded.add(token);
      child.exited.then(() => this.#guarded.delete(token));
    }
    void this.#greet(child, greeting);
    const released = Promise.all([relayOutput(child), child.exited, channel.catch(() => {})]).then(() => {});
    const kill = (signal: "SIGTERM" | "SIGKILL"): void => {
      dismissed = true; // nobody waits for its hello any more
      child.kill(signal);
    };
    const { pid, exited } = child;
    let hasExited = false;
    exited.then(() => hasExited = true);
    const use = (): number => hasExited ? 0 : memoryUse(pid); // another process may have that pid by now
    return { place: `process ${pid}`, pid, channel, slate, exited, released, memoryUse: use, kill };
  }

  #makeMemory(): { readonly file: SegmentFile; readonly path: string } | undefined {
    if (this.#memoryFolder === undefined) return undefined;
    const path = `${this.#memoryFolder}/${this.#starts}`;
    try {
      return { file: new SegmentFile(path, true), path };
    } catch {
      return undefined; // somebody tidies there, or no file can be made any more: the socket serves
    }
  }

  async #greet(child: Child, greeting: ChildGreeting): Promise<void> {
    if (child.pid === 0) return;
    child.exited.then(() => this.#reaper.forget(child.pid));
    try {
      await Promise.all([this.#listening, this.#reaper.watch(child.pid)]);
      await child.write(`${JSON.stringify(greeting)}\n`);
      child.endInput();
    } catch (error) {
      this.#expected.get(greeting.token)?.reject(error as Error);
    }
  }

  #expect(
    token: string,
    exited: Promise<WorkerExit>,
    memory: SegmentFile | undefined,
    isDismissed: () => boolean,
  ): Promise<Channel> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`Cannot start a worker process as it must say hello within ${START_LIMIT} ms: it did not`));
      }, START_LIMIT);
      // A child that is starting keeps nobody waiting who does not wait for a call.
      (timer as unknown as { unref?(): void }).unref?.();
      this.#expected.set(token, {
        memory,
        resolve: (channel) => (clearTimeout(timer), resolve(channel)),
        reject: (error) => (clearTimeout(timer), reject(error)),
      });
      exited.then(async (exit) => {
        clearTimeout(timer);
        // What it said before its end lies in sockets that may not have been accepted yet, or not read.
        for (let turn = 0; turn < TURNS_TO_READ && this.#expected.has(token) && !isDismissed(); turn++) {
          await new Promise<void>((go) => setTimeout(() => this.#adapter.nextTurn(go), READING_TIME / TURNS_TO_READ));
        }
        reject(exit.error ?? new Error(`it exited before it said hello (${describeExit(exit)})`));
      });
    });
  }

  /** Someone has connected: a child, if its first message says so. */
  #admit(socket: NodeSocket): void {
    this.#connections.add(socket);
    const stream = new SocketStream(socket);
    const channel = new StreamChannel(stream);
    channel.closed.then(() => this.#connections.delete(socket));
    channel.receive((frame) => {
      const introduction = new FrameReader(frame);
      const kind = introduction.u8();
      const version = introduction.u32();
      const token = new TextDecoder().decode(frame.subarray(introduction.at));
      if (kind === MessageKind.GUARD && this.#guarded.has(token)) return; // all that it wants is to see the end of it
      const expected = this.#expected.get(token);
      if (kind === MessageKind.HELLO && expected !== undefined) expected.up = { stream, channel };
      else if (kind === MessageKind.DOWN && expected !== undefined) expected.down = socket;
      else throw new ProtocolError("Cannot admit a connection as its first message must prove a child of this process");
      channel.receive(undefined); // what follows is for the one who waits for this channel
      if (version === PROTOCOL_VERSION) return this.#join(expected);
      expected.reject(
        new ProtocolError(
          `Cannot use a worker as both sides must speak one protocol: it speaks version ${version}, this process ` +
            `${PROTOCOL_VERSION}; two versions of ergate are mixed`,
        ),
      );
    });
  }

  /** Makes one channel of a child's two connections, once both are there. */
  #join({ up, down, memory, resolve }: Expected): void {
    if (up === undefined || down === undefined) return;
    up.stream.writeTo(down);
    if (memory !== undefined) up.channel.share(memory);
    resolve(up.channel);
  }
}

/** The folder for temporary ones, by its real path: Deno's scoped permissions are compared with it (macOS's is a link). */
function temporaryFolder(adapter: ProcessHostAdapter): string {
  const path = adapter.temporaryFolder();
  let real: string;
  try {
    real = nodeModule("node:fs").realpathSync(path);
  } catch (error) {
    const why = (error as Error).message;
    throw new Error(`Cannot start worker processes as the temporary folder (TMPDIR) must be there, ${path}: ${why}`, {
      cause: error,
    });
  }
  const size = new TextEncoder().encode(`${real}/ergate-0123456789ab/sock`).length;
  return size > LONGEST_SOCKET_PATH ? "/tmp" : real;
}

/** Removes a folder; one that holds no more than the socket, which is usual, without a descriptor: there may be none left. */
function removeFolder(path: string): void {
  const { rmSync, rmdirSync } = nodeModule("node:fs");
  try {
    rmSync(`${path}/sock`, { recursive: false, force: true });
    rmdirSync(path);
  } catch {
    rmSync(path, { recursive: true, force: true });
  }
}

/** 128 random bits. */
function randomName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
