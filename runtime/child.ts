/** A child process as every adapter gives it, and the one of Node's API. */
import { type NodeChildProcess, nodeModule, type NodeReadable } from "./node_api.ts";
import type { WorkerExit } from "./runtime.ts";

/** One output of a child. */
export interface ChildOutput {
  /**
   * Begins to read.
   *
   * @param push Gets the bytes; if it gives a promise, nothing is read until that resolves.
   * @param ended Called once, at the end.
   */
  listen(push: (bytes: Uint8Array) => Promise<void> | undefined, ended: () => void): void;
  /** Stops reading, though the end was not reached. */
  stop(): void;
}

/** A child process. None keeps the program alive. */
export interface Child {
  /** Its process id; 0 if it never started. */
  readonly pid: number;
  /** Resolves when it has ended. */
  readonly exited: Promise<WorkerExit>;
  /** Its standard output; `undefined` if that is ignored. */
  readonly stdout: ChildOutput | undefined;
  /** Its standard error; `undefined` if that is ignored. */
  readonly stderr: ChildOutput | undefined;
  /** Writes to its standard input; resolves when the system has taken it, or never will. */
  write(text: string): Promise<void>;
  /** Ends its standard input. */
  endInput(): void;
  /** Sends it a signal; does nothing if it has ended. */
  kill(signal: "SIGTERM" | "SIGKILL"): void;
}

/** What a child runs, and where. */
export interface ChildCommand {
  /** Program. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Variables on top of the parent's. */
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory. */
  readonly cwd?: string;
  /** Whether it is to have a session of its own, which no signal to this one's group reaches. */
  readonly detached?: boolean;
  /** Whether its outputs are read, or ignored. */
  readonly output: "read" | "ignore";
}

/** A child by `node:child_process`. */
export class NodeChild implements Child {
  readonly pid: number;
  readonly exited: Promise<WorkerExit>;
  readonly stdout: ChildOutput | undefined;
  readonly stderr: ChildOutput | undefined;
  readonly #process: NodeChildProcess;
  /** Called when what was written is taken, or never will be. */
  readonly #writes = new Set<() => void>();
  #ended = false;

  /** Starts it. */
  constructor(command: ChildCommand, parentEnv: Readonly<Record<string, string | undefined>>) {
    const { spawn } = nodeModule("node:child_process");
    const output = command.output === "read" ? "pipe" : "ignore";
    const child = this.#process = spawn(command.command, command.args, {
      stdio: ["pipe", output, output],
      env: { ...parentEnv, ...command.env },
      cwd: command.cwd,
      detached: command.detached,
    });
    this.pid = child.pid ?? 0;
    const { promise, resolve } = Promise.withResolvers<WorkerExit>();
    this.exited = promise;
    child.once("exit", (code, signal) => {
      this.#ended = true;
      resolve({ code, signal });
    });
    child.once("error", (error) => {
      // Also comes when a signal could not be sent; only a child that has no id never started.
      if (child.pid === undefined) resolve({ code: null, signal: null, error });
    });
    child.stdin?.on("error", ignore); // it may die before it has read
    child.stdin?.once("close", () => {
      for (const taken of this.#writes) taken();
    });
    this.stdout = child.stdout ? nodeOutput(child.stdout) : undefined;
    this.stderr = child.stderr ? nodeOutput(child.stderr) : undefined;
    child.unref();
    child.stdin?.unref?.();
    child.stdout?.unref?.();
    child.stderr?.unref?.();
  }

  write(text: string): Promise<void> {
    return new Promise((resolve) => {
      const { stdin } = this.#process;
      if (!stdin || stdin.destroyed) return resolve();
      const taken = (): void => {
        this.#writes.delete(taken);
        resolve();
      };
      this.#writes.add(taken);
      stdin.write(text, taken);
    });
  }

  endInput(): void {
    this.#process.stdin?.end();
  }

  kill(signal: "SIGTERM" | "SIGKILL"): void {
    if (!this.#ended) this.#process.kill(signal);
  }
}

function nodeOutput(stream: NodeReadable): ChildOutput {
  return {
    listen(push, ended): void {
      stream.on("data", (bytes) => {
        const room = push(bytes);
        if (room === undefined) return;
        stream.pause();
        room.then(() => stream.resume());
      });
      stream.on("error", ignore);
      stream.on("close", ended);
    },
    stop(): void {
      stream.destroy();
    },
  };
}

function ignore(): void {}
