/** The adapter of Bun 1.4 and later. */
import type { ChildCommand } from "./child.ts";
import { childExecArgv, HostRuntime, WORKER_VARIABLE } from "./host_runtime.ts";
import { nodeModule, nodeProcess } from "./node_api.ts";
import type { ProcessOptions } from "./runtime.ts";

/** Where the modules of a `bun build --compile` binary lie: `/$bunfs/root/…`, on Windows `B:/~BUN/root/…`. */
const IN_BINARY = /^file:\/\/\/(\$bunfs|B:\/~BUN)\//;

/** Bun. */
export class BunRuntime extends HostRuntime {
  readonly name: string = "Bun";
  readonly version: string = nodeProcess().versions.bun ?? "";

  workerCommand(options: ProcessOptions): ChildCommand {
    const { execPath, execArgv } = nodeProcess();
    const { url, bundled } = options.entry;
    // A binary takes no flags of the runtime and runs itself.
    const args = IN_BINARY.test(url)
      ? []
      : [...childExecArgv(options.execArgv ?? execArgv), nodeModule("node:url").fileURLToPath(url)];
    return {
      command: execPath,
      args,
      env: bundled ? { ...options.env, [WORKER_VARIABLE]: "1" } : options.env,
      cwd: options.cwd,
      output: "read",
    };
  }
}
