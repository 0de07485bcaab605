/**
 * Which project a child process of a Deno parent belongs to.
 *
 * Deno finds `deno.json` and `package.json` by walking up from the *main module*, never from the working directory. A
 * worker's main module is a `data:` URL, so it has no project: no import map, no bare npm name, no JSX setting, no
 * lock file, until flags name one. The rules here are Deno's own (2.9), as seen from what the parent resolves:
 *
 * | nearest folder with a project file holds | flags |
 * | --- | --- |
 * | `deno.json` or `deno.jsonc` (with or without `package.json`) | `--config`; it finds the root of its workspace itself |
 * | `package.json` alone | `--node-modules-dir=manual`: each module's own `node_modules` folders, as Node does |
 * | the same, in a workspace of a `deno.json` above | `--config` of that one |
 *
 * Not seen: what the parent was told on its command line (`--config`, `--import-map`). Deno does not say; the option
 * `config` is for that.
 */

declare const Deno: {
  readonly permissions: { querySync(descriptor: object): { readonly state: string } };
};
declare const process: {
  getBuiltinModule(id: "node:fs"): {
    readFileSync(path: string, encoding: "utf8"): string;
    statSync(path: string, options: { throwIfNoEntry: false }): { isFile(): boolean } | undefined;
  };
  getBuiltinModule(id: "node:path"): {
    basename(path: string): string;
    dirname(path: string): string;
    join(...paths: string[]): string;
    resolve(path: string): string;
  };
  getBuiltinModule(id: "node:url"): { fileURLToPath(url: string): string };
};

/** Which of the files that matter lie in one folder. */
interface Folder {
  readonly path: string;
  /** `deno.json` or `deno.jsonc`. */
  readonly config: string | undefined;
  readonly hasPackage: boolean;
  readonly hasLock: boolean;
}

/** Flags by the folder where the walk began: a pool starts many children, and a project does not move. */
const walked: Map<string, readonly string[]> = new Map();

/**
 * Gives the flags that put a child into the user's project.
 *
 * @param config The pool's option: path of a `deno.json`, `deno.jsonc` or `package.json`; `undefined` to search.
 * @param mainModule URL of the program's main module, from whose folder the search goes up.
 * @returns The flags; none if there is no project, or no permission to look for it.
 */
export function configFlags(config: string | undefined, mainModule: string): string[] {
  const { basename, dirname, resolve } = process.getBuiltinModule("node:path");
  if (config !== undefined) {
    const path = config.startsWith("file:") ? toPath(config) : resolve(config);
    const folders = foldersUp(dirname(path));
    return basename(path) === "package.json" ? packageFlags(folders) : denoFlags(path, folders);
  }
  // A program that is run from the network has no project either, so parent and child agree.
  if (!mainModule.startsWith("file:")) return [];
  const start = dirname(toPath(mainModule));
  let flags = walked.get(start);
  if (flags === undefined) {
    flags = search(start);
    walked.set(start, flags);
  }
  return [...flags];
}

function search(start: string): string[] {
  const folders = foldersUp(start);
  const nearest = folders.findIndex((folder) => folder.config !== undefined || folder.hasPackage);
  if (nearest < 0) return [];
  const project = folders.slice(nearest);
  // The nearest wins, even where the folder above has more: so does Deno.
  return project[0]!.config === undefined ? packageFlags(project) : denoFlags(project[0]!.config, project);
}

/** Flags for a `deno.json`; `folders` are its own and those above. */
function denoFlags(config: string, folders: readonly Folder[]): string[] {
  const flags = [`--config=${config}`];
  // With a lock file the child must use it: `--no-lock` would resolve `npm:ms@^2` to another version than the parent
  // did, and download it. Without one the child would write one into the user's project. The lock of a workspace lies
  // at its root, and the file itself may name one.
  const locked = folders.some((folder) => folder.hasLock) || mentions(config, "lock");
  if (!locked) flags.push("--no-lock");
  return flags;
}

/** Flags for a `package.json` without a `deno.json` beside it; `folders` are its own and those above. */
function packageFlags(folders: readonly Folder[]): string[] {
  // Told by the word alone, and not by whether this folder is listed as a member: the list may hold globs.
  const root = folders.find((folder) => folder.config !== undefined && mentions(folder.config, "workspace"));
  if (root !== undefined) return denoFlags(root.config!, folders.slice(folders.indexOf(root)));
  // `--config package.json` is taken by Deno, and does nothing.
  const modules = "--node-modules-dir=manual";
  // No config to find the lock by; with npm's own workspaces it lies above.
  const locked = folders.find((folder) => folder.hasLock && folder.hasPackage);
  if (locked === undefined) return [modules, "--no-lock"];
  return [modules, `--lock=${process.getBuiltinModule("node:path").join(locked.path, "deno.lock")}`];
}

/** The folder and those above it, up to the root or to the first that may not be looked at. */
function foldersUp(start: string): Folder[] {
  const { dirname, join } = process.getBuiltinModule("node:path");
  const folders: Folder[] = [];
  for (let path = start;; path = dirname(path)) {
    try {
      const config = ["deno.json", "deno.jsonc"].map((name) => join(path, name)).find(isFile);
      folders.push({
        path,
        config,
        hasPackage: isFile(join(path, "package.json")),
        hasLock: isFile(join(path, "deno.lock")),
      });
    } catch {
      return folders;
    }
    if (dirname(path) === path) return folders;
  }
}

function isFile(path: string): boolean {
  // Asked first, as a bare stat would ask the user at the terminal.
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") throw new Error("not readable");
  return process.getBuiltinModule("node:fs").statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/**
 * Whether a config has such a key, anywhere, or may not be read. Text and no parser, as the file may hold comments: a
 * false alarm only leaves the decision to Deno.
 */
function mentions(config: string, key: string): boolean {
  try {
    return !isFile(config) || process.getBuiltinModule("node:fs").readFileSync(config, "utf8").includes(`"${key}"`);
  } catch {
    return true;
  }
}

function toPath(url: string): string {
  return process.getBuiltinModule("node:url").fileURLToPath(url);
}
