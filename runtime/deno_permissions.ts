/**
 * What a child process of a Deno parent may do.
 *
 * The one thing to know before changing it: Deno can say whether a permission is held whole and whether one given
 * value of it is held, but never list the values. So "the parent's permissions" are those held whole, the rest has to
 * be asked for by value, and each value is put to `Deno.permissions` before it becomes a flag of the child.
 */

import { describe, NotSupportedError } from "../errors.ts";

declare const Deno: {
  readonly permissions: { querySync(descriptor: object): { readonly state: string; readonly partial: boolean } };
  readonly env: { get(name: string): string | undefined };
  readonly mainModule: string;
  readonly build: { readonly os: string };
  execPath(): string;
};
declare const process: {
  getBuiltinModule(id: "node:path"): { resolve(path: string): string; join(...paths: string[]): string };
};

/** The permissions of Deno, by the names that `Deno.permissions` and the `--allow-` flags share. */
export type PermissionName = "read" | "write" | "net" | "env" | "sys" | "run" | "ffi" | "import";

/**
 * What of its parent's permissions a child process gets.
 *
 * - `"inherit"`: what the parent holds whole.
 * - `"none"`: none of them.
 * - An object: by name `true` (the whole permission), `false` (none), a list of values as the `--allow-` flag takes
 *   them, or `"inherit"`; unnamed ones are none. An unnamed `import` is what `deno run` gives without a flag: Deno's
 *   registries, as far as the parent has them.
 *
 * A permission asked for that the parent lacks is an error. Read, write and net of the pool's own folder, and import
 * from the host that ergate itself came from, are always added.
 */
export type ChildPermissions =
  | "inherit"
  | "none"
  | { readonly [name in PermissionName]?: boolean | readonly string[] | "inherit" };

/** What a child gets of one permission: all of it, or the values listed. */
type Grant = true | readonly string[];

/** How a value of each permission is asked for. */
const VALUE_KEYS: { readonly [name in PermissionName]: string } = {
  read: "path",
  write: "path",
  net: "host",
  env: "variable",
  sys: "kind",
  run: "command",
  ffi: "path",
  import: "host",
};

const NAMES: readonly PermissionName[] = Object.keys(VALUE_KEYS) as PermissionName[];

/**
 * What a Deno without `--allow-import` may import from. Named one by one, so that a child never gets a host that its
 * parent was refused; the price is that a host which a later Deno adds to its list is not passed on.
 */
const DEFAULT_IMPORT_HOSTS: readonly string[] = [
  "deno.land:443",
  "jsr.io:443",
  "esm.sh:443",
  "raw.esm.sh:443",
  "cdn.jsdelivr.net:443",
  "raw.githubusercontent.com:443",
  "gist.githubusercontent.com:443",
];

/**
 * Tells where temporary folders go, without ever asking the user for a permission.
 *
 * @returns The path of an existing folder, as far as this process may know.
 */
export function temporaryFolder(): string {
  const windows = Deno.build.os === "windows";
  // Each name is asked for by itself: `--allow-env=TMPDIR` suffices, and os.tmpdir() throws without it.
  for (const variable of windows ? ["TEMP", "TMP"] : ["TMPDIR"]) {
    if (!holdsValue("env", variable)) continue;
    const path = Deno.env.get(variable);
    if (path) return path;
  }
  return windows ? "C:\\Windows\\Temp" : "/tmp";
}

/**
 * Names the permissions that this process lacks to start child processes.
 *
 * Scoped grants count where they suffice: `--allow-run=<path of deno>` and `--allow-read=/tmp` do. The socket's name is
 * random, so no scoped `--allow-net` does.
 *
 * @returns Flags, as `["--allow-run", "--allow-net"]`; empty if nothing lacks.
 */
export function missingPermissions(): string[] {
  const folder = temporaryFolder();
  const { join } = process.getBuiltinModule("node:path");
  const missing: string[] = [];
  if (!mayUse("run", Deno.execPath())) missing.push("--allow-run");
  if (!mayUse("read", folder)) missing.push("--allow-read");
  if (!mayUse("write", folder)) missing.push("--allow-write");
  if (!mayUse("net", `unix:${join(folder, "ergate-0", "sock")}`)) missing.push("--allow-net");
  return missing;
}

/**
 * Gives the permission flags of a child.
 *
 * Limits: a program that is named without a path in `run` is looked up by the child in its own `PATH`; and Deno does
 * not tell of a port or variable denied inside a scoped grant (`--allow-net=a.com --deny-net=a.com:80`), so a list
 * with `a.com` passes there.
 *
 * @param permissions The pool's option.
 * @param folder The pool's private folder, an absolute path; its socket is `sock` in it.
 * @returns The flags, `--no-prompt` among them.
 * @throws {NotSupportedError} If more is asked for than this process holds, or what no flag can say; names the flag.
 * @throws {TypeError} If `permissions` is of a wrong kind.
 */
export function permissionFlags(
  permissions: ChildPermissions,
  folder: string,
): string[] {
  const wishes = wishesOf(permissions);
  const grants = new Map<PermissionName, Grant>();
  for (const name of NAMES) grants.set(name, grantOf(name, wishes[name]));

  // Not the same as eight flags: only `-A` opens /dev and /proc, where shared memory files lie.
  if (NAMES.every((name) => grants.get(name) === true)) return ["-A", "--no-prompt"];

  // To connect to a Unix socket Deno asks for all three: read and write of its path, and net of that very name. A net
  // scope cannot be a folder.
  const { join } = process.getBuiltinModule("node:path");
  const own: { readonly [name in PermissionName]?: readonly string[] } = {
    read: [folder],
    write: [folder],
    net: [`unix:${join(folder, "sock")}`],
    import: hostsOf([import.meta.url]),
  };
  const flags: string[] = [];
  for (const [name, grant] of grants) {
    const values = grant === true ? grant : [...new Set([...own[name] ?? [], ...grant])];
    if (values === true) flags.push(`--allow-${name}`);
    else if (values.length > 0) flags.push(listFlag(name, values));
    // Without a flag Deno would give the registries.
    else if (name === "import") flags.push("--deny-import");
  }
  flags.push("--no-prompt");
  return flags;
}

function wishesOf(permissions: ChildPermissions): { readonly [name in PermissionName]?: unknown } {
  if (permissions === "none") return {};
  if (permissions === "inherit") return Object.fromEntries(NAMES.map((name) => [name, "inherit"]));
  if (typeof permissions !== "object" || permissions === null || Array.isArray(permissions)) {
    throw new TypeError(
      `Cannot create a pool as 'permissions' must be "inherit", "none" or an object: current value is ${
        describe(permissions)
      }`,
    );
  }
  for (const name of Object.keys(permissions)) {
    if (!Object.hasOwn(VALUE_KEYS, name)) {
      throw new TypeError(
        `Cannot create a pool as 'permissions' must name permissions of Deno (${NAMES.join(", ")}): current name is ${
          describe(name)
        }`,
      );
    }
  }
  return permissions;
}

function grantOf(name: PermissionName, wish: unknown): Grant {
  if (wish === undefined) return name === "import" ? hosts(DEFAULT_IMPORT_HOSTS) : [];
  if (wish === false) return [];
  if (wish === "inherit") {
    if (holdsWhole(name)) return true;
    // The host of the main module is granted silently by Deno to a program that is run from it.
    return name === "import" ? [...hosts(DEFAULT_IMPORT_HOSTS), ...hostsOf([Deno.mainModule])] : [];
  }
  if (wish === true) {
    if (!holdsWhole(name)) throw lacks(name, `--allow-${name}`);
    return true;
  }
  if (!Array.isArray(wish)) {
    throw new TypeError(
      `Cannot create a pool as 'permissions.${name}' must be a boolean, "inherit" or an array of strings: current value is ${
        describe(wish)
      }`,
    );
  }
  return wish.map((value) => checkedValue(name, value));
}

function checkedValue(name: PermissionName, given: unknown): string {
  if (typeof given !== "string" || given === "") {
    throw new TypeError(
      `Cannot create a pool as 'permissions.${name}' must hold non-empty strings: current value is ${describe(given)}`,
    );
  }
  // The child may have another working directory: what was asked of Deno here must mean the same there.
  const isPath = VALUE_KEYS[name] === "path" || (name === "run" && /[/\\]/.test(given));
  const value = isPath ? process.getBuiltinModule("node:path").resolve(given) : given;
  const flag = listFlag(name, [value]);
  // Deno answers for a pattern as if it were a name (`F*` is "granted" beside `--deny-env=FOO`), or throws.
  if (isPattern(name, value) ? !holdsWhole(name) : !holdsValue(name, value)) throw lacks(name, flag);
  return value;
}

/** Whether a value stands for many: `AWS_*`, `*.example.com`, `10.0.0.0/8`. */
function isPattern(name: PermissionName, value: string): boolean {
  if (name === "env") return value.includes("*");
  if (name !== "net" && name !== "import") return false;
  return value.includes("*") || (value.includes("/") && !value.startsWith("unix:"));
}

function listFlag(name: PermissionName, values: readonly string[]): string {
  const broken = values.find((value) => value.includes(","));
  if (broken !== undefined) {
    // Deno 2.9 has no escape: `,,` is "Empty path is not allowed", and one comma would grant two other values.
    throw new NotSupportedError(
      `Cannot start a worker process with --allow-${name}=… as a value of Deno's flags must have no comma: current value is ${
        describe(broken)
      }`,
    );
  }
  return `--allow-${name}=${values.join(",")}`;
}

/** Whether this process holds every permission, and whole: what Deno asks for files outside of the ordinary. */
export function holdsAll(): boolean {
  return NAMES.every(holdsWhole);
}

/** Granted, and nothing of it denied: `--allow-read --deny-read=/etc` is "granted" and `partial`. */
function holdsWhole(name: PermissionName): boolean {
  const status = Deno.permissions.querySync({ name });
  return status.state === "granted" && !status.partial;
}

function holdsValue(name: PermissionName, value: string): boolean {
  try {
    const status = Deno.permissions.querySync({ name, [VALUE_KEYS[name]]: value });
    return status.state === "granted" && !status.partial;
  } catch (error) {
    // Only where it must compare does Deno parse: under a whole grant any text is "granted".
    throw new TypeError(
      `Cannot create a pool as 'permissions.${name}' must hold what --allow-${name} takes: current value is ${
        describe(value)
      }`,
      { cause: error },
    );
  }
}

/** As {@linkcode holdsValue}, but what is denied inside the value does not matter: for what this process itself does. */
function mayUse(name: PermissionName, value: string): boolean {
  return Deno.permissions.querySync({ name, [VALUE_KEYS[name]]: value }).state === "granted";
}

function hosts(candidates: readonly string[]): string[] {
  return candidates.filter((host) => holdsValue("import", host));
}

/** The hosts, with their ports, of those modules that come over the network and from where this process may import. */
function hostsOf(moduleUrls: readonly string[]): string[] {
  const found: string[] = [];
  for (const moduleUrl of moduleUrls) {
    const { protocol, hostname, port } = new URL(moduleUrl);
    if (protocol === "https:") found.push(`${hostname}:${port || 443}`);
    else if (protocol === "http:") found.push(`${hostname}:${port || 80}`);
  }
  return hosts(found);
}

function lacks(name: PermissionName, flag: string): NotSupportedError {
  const { state, partial } = Deno.permissions.querySync({ name });
  const held = partial ? "a part of it is denied" : state === "denied" ? "it is denied" : "it is not granted";
  return new NotSupportedError(
    `Cannot start a worker process with ${flag} as a child must have no permission that its parent lacks: ${held}`,
  );
}
