/** The adapter of Node 24 and later. */
import type { ChildCommand } from "./child.ts";
import { NotSupportedError } from "../errors.ts";
import { childExecArgv, HostRuntime, WORKER_VARIABLE } from "./host_runtime.ts";
import { nodeModule, nodeProcess } from "./node_api.ts";
import type { ProcessOptions, WorkerSide } from "./runtime.ts";

/** Set in a worker whose compile cache is not the user's wish. */
const CACHE_VARIABLE = "ERGATE_CACHE";

/** Node. */
export class NodeRuntime extends HostRuntime {
  readonly name: string = "Node";
  readonly version: string = nodeProcess().versions.node ?? "";

  override prepareOutput(): void {
    // Node writes to a pipe without waiting once it is full, and process.exit() drops what waits. The handle's method is
    // what Node itself uses on Windows; https://github.com/nodejs/node/issues/784.
    for (const { _handle } of [nodeProcess().stdout, nodeProcess().stderr]) _handle?.setBlocking?.(true);
  }

  /**
   * Lets a worker keep compiled modules in Node's own cache in the temporary folder. Its modules are some seventy small ones,
   * in TypeScript: without the cache Node strips and compiles them anew for each worker, most of the time of its start. By the
   * environment, as what is loaded before `enableCompileCache()` is called is never in it.
   */
  #cacheVariables(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
    if (env.NODE_COMPILE_CACHE !== undefined || env.NODE_DISABLE_COMPILE_CACHE !== undefined) return {};
    return { NODE_COMPILE_CACHE: `${nodeModule("node:os").tmpdir()}/node-compile-cache`, [CACHE_VARIABLE]: "1" };
  }

  override workerSide(): WorkerSide {
    const { env } = nodeProcess();
    if (env[CACHE_VARIABLE] !== undefined) {
      delete env.NODE_COMPILE_CACHE; // programs that a task starts are the user's
      delete env[CACHE_VARIABLE];
    }
    return super.workerSide();
  }

  override threadEnvironment(): Record<string, string | undefined> {
    // With that variable of `node --watch` Node itself posts on a thread's port.
    const { WATCH_REPORT_DEPENDENCIES: _, ...env } = nodeProcess().env;
    return { ...env, ...this.#cacheVariables(env) };
  }

  override threadExecArgv(): string[] | undefined {
    // Node refuses some of its own flags where they are named, but not --input-type where it is inherited: a thread fails.
    const { execArgv } = nodeProcess();
    return execArgv.some((flag) => flag.startsWith("--input-type")) ? childExecArgv(execArgv) : undefined;
  }

  override checkThreads(): void {
    if (nodeProcess().permission?.has("worker") !== false) return;
    throw new NotSupportedError(
      "Cannot start worker threads as Node must be run with --allow-worker: its permissions lack it",
    );
  }

  workerCommand(options: ProcessOptions): ChildCommand {
    const { execPath, execArgv } = nodeProcess();
    const env = { ...this.#cacheVariables({ ...nodeProcess().env, ...options.env }), ...options.env };
    return {
      command: execPath,
      args: [...childExecArgv(options.execArgv ?? execArgv), nodeModule("node:url").fileURLToPath(options.entry.url)],
      env: options.entry.bundled ? { ...env, [WORKER_VARIABLE]: "1" } : env,
      cwd: options.cwd,
      output: "read",
    };
  }
}
