/** The adapter of Bun 1.4 and later. */
import type { SlateMemory } from "../channel/slate.ts";
import type { ChildCommand } from "./child.ts";
import { childExecArgv, HostRuntime, WORKER_VARIABLE } from "./host_runtime.ts";
import { MappedSlate } from "./mapped_slate.ts";
import { nodeModule, nodeProcess } from "./node_api.ts";
import { registeredModules } from "../tasks/registry.ts";
import type { ProcessOptions } from "./runtime.ts";

declare const Bun: { mmap(path: string, options: { readonly shared: boolean }): Uint8Array<ArrayBuffer> };

/**
 * Where the modules of a `bun build --compile` binary lie, on Windows too. The program's path says it, not the modules'
 * URLs: with `--bytecode` those are of the sources, wherever they lay when the binary was made.
 */
const IN_BINARY = /^(\/\$bunfs|B:[\\/]~BUN)[\\/]/;

/** Bun. */
export class BunRuntime extends HostRuntime {
  readonly name: string = "Bun";
  readonly version: string = nodeProcess().versions.bun ?? "";
  override readonly inBinary: boolean = IN_BINARY.test(nodeProcess().argv[1] ?? "");

  override async flushOutput(): Promise<void> {
    // Bun's process.exit() drops what process.stdout.write() has taken; only the end of the stream waits for all of it.
    const { stdout, stderr } = nodeProcess();
    await Promise.all([stdout, stderr].map((stream) => {
      // One that the task has ended itself never calls back.
      return stream.destroyed || stream.writableEnded ? undefined : new Promise<void>((go) => stream.end(go));
    }));
  }

  override importModule(url: string): Promise<unknown> {
    // With `--bytecode` all of a binary is evaluated already, and what it registers is under its sources' URLs: files that
    // are not there, or another version by now.
    if (this.inBinary && !url.includes("$bunfs") && !url.includes("~BUN") && registeredModules().has(url)) {
      return Promise.resolve();
    }
    // Bun 1.4 drops the query of a `file:` URL, not that of a path.
    const [, file, query] = /^(file:[^?#]*)(\?.+)$/.exec(url) ?? [];
    return import(file === undefined ? url : nodeModule("node:url").fileURLToPath(file) + query);
  }

  override openSlate(path: string): SlateMemory {
    return new MappedSlate(Bun.mmap(path, { shared: true }));
  }

  workerCommand(options: ProcessOptions): ChildCommand {
    const { execPath, execArgv } = nodeProcess();
    const { url, bundled } = options.entry;
    // A binary takes no flags of the runtime and runs itself.
    const args = this.inBinary
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
