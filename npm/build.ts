/**
 * Builds the npm package: `deno task build` puts it into `npm/package`, or into the folder that it is given.
 *
 * ```text
 * dist/    what runs: two files in place of a hundred and thirty modules, so that a worker of Node starts in half the time
 * types/   the declarations, module by module, with the docs
 * ```
 *
 * Names stay as they are in the source, so that a stack trace can be read.
 */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { promisify } from "node:util";

const ROOT = join(import.meta.dirname!, "..");

/** What goes into the package as it is. */
const DOCUMENTS = ["README.md", "CHANGELOG.md", "ARCHITECTURE.md", "LICENSE", "docs"];

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
}

/** Builds it into a folder, whose content goes. */
export async function build(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const manifest = readManifest();
  await Promise.all([bundle(folder, manifest), declare(folder, manifest)]);
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(packageOf(manifest), null, 2)}\n`);
  for (const name of DOCUMENTS) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
}

function readManifest(): Manifest {
  return JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));
}

/**
 * Builds what runs, into the folder's `dist`. What one entry shares with another goes into a file of its own: a worker
 * loads no more than it needs.
 */
export async function bundle(folder: string, { exports }: Manifest = readManifest()): Promise<void> {
  await tool("esbuild", [
    ...Object.values(exports),
    ...["--bundle", "--splitting", "--format=esm", "--platform=node", "--target=es2024", "--log-level=warning"],
    ...["--outbase=.", `--outdir=${join(folder, "dist")}`],
  ]);
}

async function declare(folder: string, { exports }: Manifest): Promise<void> {
  await tool("tsc", [
    ...Object.values(exports),
    ...["--declaration", "--emitDeclarationOnly", "--rewriteRelativeImportExtensions", "--rootDir", "."],
    ...["--module", "nodenext", "--target", "esnext", "--lib", "esnext,dom", "--outDir", join(folder, "types")],
  ]);
}

function packageOf({ version, license, exports }: Manifest): object {
  const { description, author, engines } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const built = Object.entries(exports).map(([name, source]) => {
    const path = source.replace(/^\.\/|\.ts$/g, "");
    return [name, { types: `./types/${path}.d.ts`, default: `./dist/${path}.js` }];
  });
  return {
    name: "ergate",
    version,
    description,
    license,
    author,
    type: "module",
    exports: Object.fromEntries(built),
    engines,
  };
}

async function tool(name: string, args: readonly string[]): Promise<void> {
  await promisify(execFile)(join(ROOT, "node_modules", ".bin", name), args, { cwd: ROOT });
}

if (import.meta.main) await build(resolve(process.argv[2] ?? join(ROOT, "npm", "package")));
