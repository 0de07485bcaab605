/**
 * The adapter of Deno 2.9 and later.
 *
 * The program of a child, or a thread, is a `data:` module. It holds an `import()` for each module that the worker may need, and at its
 * end that of the worker's entry: a child's are literal, as a literal import needs no read permission and a computed one does; a
 * thread has its program's.
 */
import { SLATE_SIZE, type SlateMemory } from "../channel/slate.ts";
import { isErgateError, NotSupportedError } from "../errors.ts";
import type { Child, ChildCommand } from "./child.ts";
import { DenoChild } from "./deno_child.ts";
import { configFlags } from "./deno_config.ts";
import { mapFile } from "./deno_mmap.ts";
import { holdsAll, missingPermissions, permissionFlags, temporaryFolder } from "./deno_permissions.ts";
import { HostRuntime } from "./host_runtime.ts";
import { nodeModule, type NodeWritable } from "./node_api.ts";
import { MappedSlate } from "./mapped_slate.ts";
import type { ProcessOptions, StartOptions } from "./runtime.ts";

declare const Deno: {
  readonly internal: symbol;
  readonly [internal: symbol]: {
    readonly Console?: new (print: (text: string, level: number) => void) => object;
  } | undefined;
  readonly version: { readonly deno: string };
  readonly build: { readonly standalone?: boolean };
  readonly mainModule: string | undefined;
  execPath(): string;
  readonly permissions: {
    querySync(descriptor: { readonly name: "read" | "env"; readonly path?: URL }): { readonly state: string };
  };
};
declare const navigator: { readonly hardwareConcurrency: number };

/** Where a worker's program leaves its literal imports. */
const IMPORTS = "ergate.imports";

/** Flags of the user's project, as a worker's program leaves them to pools of its own: its main module is no file. */
const PROJECT = "ergate.project";

/** Bytes of the literal imports at most: Linux takes 128 KB for one argument of a program. */
const MOST_IMPORTS = 100_000;

/** Set in a worker whose program is a bundle. */
const WORKER_MARK = "ergate.bundled";

/** Flags that would give a child more than its parent has; the option `permissions` asks first. */
const PERMISSION_FLAG = /^(-[A-Za-z]*[ARWNESIP]|--(allow|deny|ignore)-|--permission-set)/;

/** Deno. */
export class DenoRuntime extends HostRuntime {
  readonly name: string = "Deno";
  readonly version: string = Deno.version.deno;
  // Deno 2.9: terminate() gives 'exit' at once, while a thread that loops goes on, to the end of the program.
  override readonly terminatesLoosely: boolean = true;

  override availableParallelism(): number {
    return navigator.hardwareConcurrency; // node:os asks for --allow-sys
  }

  override checkOptions({ permissions }: Pick<ProcessOptions, "permissions">): void {
    try {
      permissionFlags(permissions === undefined ? "inherit" : permissions, "/");
    } catch (error) {
      // Too much asked for is an error of the call that would start a worker: a worker itself has few permissions, and
      // may make pools as it imports the program.
      if (!isErgateError(error, "NotSupportedError")) throw error;
    }
  }

  override checkProcesses({ permissions, execArgv }: Pick<ProcessOptions, "permissions" | "execArgv">): void {
    if (Deno.build.standalone) {
      // Its executable takes no module to run: it would run the program, which would make its pool, and so on.
      throw new NotSupportedError(
        "Cannot start worker processes as Deno must be able to run their entry: a program made by 'deno compile' runs " +
          "nothing but itself; run it by 'deno run'",
      );
    }
    const missing = missingPermissions();
    if (missing.length === 0) {
      permissionFlags(permissions ?? "inherit", "/");
      childExecArgv(execArgv ?? []);
      return;
    }
    throw new NotSupportedError(
      `Cannot start worker processes as Deno must be run with --allow-run --allow-read --allow-write --allow-net: ` +
        `current permissions lack ${missing.join(" ")}`,
    );
  }

  override checkThreads(): void {
    const url = import.meta.url as string | undefined;
    // A thread imports ergate and the tasks' modules anew, and Deno asks for the right to read them, the program's own too.
    if (!url?.startsWith("file:")) return;
    if (Deno.permissions.querySync({ name: "read", path: new URL(url) }).state === "granted") return;
    throw new NotSupportedError(
      "Cannot start worker threads as Deno must be run with --allow-read, of the tasks' modules and of ergate: " +
        "current permissions lack it",
    );
  }

  override threadEnvironment(): Record<string, string | undefined> | undefined {
    // Deno copies the whole environment, and at a terminal asks for it.
    return Deno.permissions.querySync({ name: "env" }).state === "granted" ? super.threadEnvironment() : {};
  }

  override spawn(command: ChildCommand): Child {
    return new DenoChild(command);
  }

  override temporaryFolder(): string {
    return temporaryFolder();
  }

  override memoryFolder(): string | undefined {
    return holdsAll() ? super.memoryFolder() : undefined; // Deno asks every permission for what lies in /dev
  }

  override openSlate(path: string): SlateMemory {
    const memory = mapFile(path, SLATE_SIZE);
    return memory === undefined ? super.openSlate(path) : new MappedSlate(memory);
  }

  workerCommand(options: ProcessOptions, folder: string): ChildCommand {
    const projectFlags = options.config === undefined ? project() : configFlags(options.config, "");
    return {
      command: Deno.execPath(),
      args: [
        "run",
        "--quiet",
        ...permissionFlags(options.permissions ?? "inherit", folder),
        ...projectFlags,
        ...childExecArgv(options.execArgv ?? []),
        workerProgram(options, projectFlags),
      ],
      env: options.env,
      cwd: options.cwd,
      output: "read",
    };
  }

  override redirectConsole(stdout: NodeWritable, stderr: NodeWritable): void {
    const print = (text: string, level: number): void => void (level > 1 ? stderr : stdout).write(text);
    const { Console } = Deno[Deno.internal] ?? {};
    // The internal one prints as Deno does; without it, Node's.
    const own = Console === undefined
      ? new (nodeModule("node:console").Console)({ stdout, stderr })
      : new Console(print);
    const methods = Object.entries(own).filter(([, value]) => typeof value === "function");
    Object.assign(globalThis.console, Object.fromEntries(methods));
  }

  override threadProgram(options: StartOptions): URL {
    // node:worker_threads takes no https: URL. A thread has the program's right to read, so nothing needs a literal import, and
    // with one `deno test` and `--check` would check the types of all of it again for each thread.
    return new URL(workerProgram(options, project(), (url) => `((url)=>import(url))(${url})`));
  }

  override takeWorkerMark(): boolean {
    const marked = inherited<boolean>(WORKER_MARK) === true; // not the environment: to read that takes a permission
    delete (globalThis as unknown as Record<symbol, unknown>)[Symbol.for(WORKER_MARK)];
    return marked;
  }

  override importModule(url: string): Promise<unknown> | undefined {
    const known = inherited<Record<string, () => Promise<unknown>>>(IMPORTS)?.[url];
    if (known !== undefined) return known();
    // Registered after this worker was started. Without the right to read, only a new one can import it.
    const readable = !url.startsWith("file:") || Deno.permissions.querySync({ name: "read" }).state === "granted";
    return readable ? import(url) : undefined;
  }
}

/** A module that makes a worker. */
function workerProgram(
  { modules, entry }: StartOptions,
  projectFlags: readonly string[],
  importOf: (url: string) => string = (url) => `import(${url})`,
): string {
  const imports: string[] = [];
  let size = 0;
  for (const module of modules) {
    const item = `${literal(module)}:()=>${importOf(literal(module))}`;
    size += encodeURIComponent(item).length;
    if (size > MOST_IMPORTS) break; // the others are to it as modules that were registered after its start
    imports.push(item);
  }
  const program = [
    `globalThis[Symbol.for(${literal(IMPORTS)})]={${imports.join()}};`,
    `globalThis[Symbol.for(${literal(PROJECT)})]=${JSON.stringify(projectFlags)};`,
    entry.bundled ? `globalThis[Symbol.for(${literal(WORKER_MARK)})]=true;` : "",
    // A bundle is the user's program, which may throw. As the main module's error that would end the worker before it
    // has met its parent; its calls import the module again, and tell.
    `await ${importOf(literal(entry.url))}${entry.bundled ? ".catch(()=>{})" : ""};`,
  ].join("");
  return `data:application/javascript,${encodeURIComponent(program)}`;
}

/** Flags of the user's project. */
function project(): readonly string[] {
  const known = inherited<string[]>(PROJECT);
  // In a worker that the user has started Deno does not say which program it belongs to.
  return known ?? (Deno.mainModule === undefined ? [] : configFlags(undefined, Deno.mainModule));
}

/** What this worker's program, if this is a worker, has left under a name. */
function inherited<T>(name: string): T | undefined {
  return (globalThis as unknown as Record<symbol, T | undefined>)[Symbol.for(name)];
}

function childExecArgv(execArgv: readonly string[]): readonly string[] {
  const flag = execArgv.find((flag) => PERMISSION_FLAG.test(flag));
  if (flag === undefined) return execArgv;
  throw new NotSupportedError(
    `Cannot start a worker process as its permissions must be asked for by the option 'permissions': 'execArgv' has ${flag}`,
  );
}

function literal(text: string): string {
  return JSON.stringify(text);
}
