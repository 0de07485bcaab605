/** The adapter of Node 24 and later. */
import type { ChildCommand } from "./child.ts";
import { childExecArgv, HostRuntime, WORKER_VARIABLE } from "./host_runtime.ts";
import { nodeModule, nodeProcess } from "./node_api.ts";
import type { ProcessOptions } from "./runtime.ts";

/** Node. */
export class NodeRuntime extends HostRuntime {
  readonly name: string = "Node";
  readonly version: string = nodeProcess().versions.node ?? "";

  override prepareOutput(): void {
    // Node writes to a pipe without waiting once it is full, and process.exit() drops what waits. The handle's method is
    // what Node itself uses on Windows; https://github.com/nodejs/node/issues/784.
    for (const { _handle } of [nodeProcess().stdout, nodeProcess().stderr]) _handle?.setBlocking?.(true);
  }

  workerCommand(options: ProcessOptions): ChildCommand {
    const { execPath, execArgv } = nodeProcess();
    return {
      command: execPath,
      args: [...childExecArgv(options.execArgv ?? execArgv), nodeModule("node:url").fileURLToPath(options.entry.url)],
      env: options.entry.bundled ? { ...options.env, [WORKER_VARIABLE]: "1" } : options.env,
      cwd: options.cwd,
      output: "read",
    };
  }
}
