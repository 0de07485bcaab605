/** A child process by `Deno.Command`: unlike `node:child_process` on Deno, it never gives a child what its parent lacks. */
import type { Child, ChildCommand, ChildOutput } from "./child.ts";
import type { WorkerExit } from "./runtime.ts";
import { realTimeSignal } from "./signals.ts";

/** The slice of a `Deno.ChildProcess`. */
interface DenoProcess {
  readonly pid: number;
  readonly status: Promise<{ readonly code: number; readonly signal: string | null }>;
  readonly stdin: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  kill(signal: string): void;
  unref(): void;
}

declare const Deno: {
  Command: new (command: string, options: {
    readonly args: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd?: string;
    readonly detached?: boolean;
    readonly stdin: "piped";
    readonly stdout: "piped" | "null";
    readonly stderr: "piped" | "null";
  }) => { spawn(): DenoProcess };
};

/** A child of a Deno program. */
export class DenoChild implements Child {
  readonly pid: number = 0;
  readonly exited: Promise<WorkerExit>;
  readonly stdout: ChildOutput | undefined;
  readonly stderr: ChildOutput | undefined;
  #process: DenoProcess | undefined;
  #input: WritableStreamDefaultWriter<Uint8Array> | undefined;

  /** Starts it. */
  constructor({ command, args, env, cwd, detached, output }: ChildCommand) {
    const piped = output === "read" ? "piped" : "null";
    try {
      const options = { args, env, cwd, detached, stdin: "piped", stdout: piped, stderr: piped } as const;
      const child = this.#process = new Deno.Command(command, options).spawn();
      child.unref(); // its outputs' reads, too
      this.pid = child.pid;
      this.#input = child.stdin.getWriter();
      this.#input.closed.catch(ignore); // it may die before it has read
      this.exited = child.status.then(exitOf, exitWithoutStatus).then((exit) => {
        this.#process = undefined;
        this.#input?.abort().catch(ignore); // or its end of the pipe stays open
        return exit;
      });
      if (output === "read") {
        this.stdout = denoOutput(child.stdout);
        this.stderr = denoOutput(child.stderr);
      }
    } catch (error) {
      this.exited = Promise.resolve({ code: null, signal: null, error: error as Error });
    }
  }

  async write(text: string): Promise<void> {
    await this.#input?.write(new TextEncoder().encode(text)).catch(ignore);
  }

  endInput(): void {
    this.#input?.close().catch(ignore);
  }

  kill(signal: "SIGTERM" | "SIGKILL"): void {
    try {
      this.#process?.kill(signal);
    } catch {
      // It has ended, and its status is on the way.
    }
  }
}

/** Of a child that a signal ended, Deno gives the shell's code, 128 and the signal's number. */
function exitOf({ code, signal }: { readonly code: number; readonly signal: string | null }): WorkerExit {
  return signal === null ? { code, signal } : { code: null, signal };
}

/** Deno rejects the status of a child that a real-time signal has ended: "Invalid signal: 40". */
function exitWithoutStatus(error: Error): WorkerExit {
  const [, number] = /^Invalid signal: (\d+)/.exec(error.message) ?? [];
  if (number === undefined) return { code: null, signal: null, error };
  return { code: null, signal: realTimeSignal(Number(number)) };
}

function denoOutput(stream: ReadableStream<Uint8Array>): ChildOutput {
  const reader = stream.getReader();
  return {
    listen(push, ended): void {
      void (async () => {
        try {
          for (let read = await reader.read(); !read.done; read = await reader.read()) await push(read.value);
        } catch {
          // Its end as well: the pipe broke.
        }
        ended();
      })();
    },
    stop(): void {
      reader.cancel().catch(ignore);
    },
  };
}

function ignore(): void {}
