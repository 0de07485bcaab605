/** The adapter of Node 24 and later. */
import type { ChildCommand } from "./child.ts";
import { childExecArgv, HostRuntime, WORKER_VARIABLE } from "./host_runtime.ts";
import { nodeModule, nodeProcess } from "./node_api.ts";
import type { ProcessOptions } from "./runtime.ts";

/** Node. */
export class NodeRuntime extends HostRuntime {
  readonly name: string = "Node";
  readonly version: string = nodeProcess().versions.node ?? "";

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
