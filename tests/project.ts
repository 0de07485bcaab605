/**
 * A user's project: a folder outside the repository where `@ergate/ergate` can be imported on every runtime.
 *
 * Deno resolves it by the import map of the folder's `deno.json`, Bun and Node by a link in `node_modules`. Where its
 * real path is the repository that must be a link: Node refuses TypeScript that really lies under `node_modules`.
 */

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** The repository's root. */
export const REPOSITORY: string = join(import.meta.dirname!, "..");

/** What users' programs import: this repository, or the npm package where the gate has built it. */
const PACKAGE = process.env.ERGATE_TEST_PACKAGE ?? REPOSITORY;
const EXPORTS = PACKAGE === REPOSITORY ? ["mod.ts", "pool/mod.ts"] : ["dist/mod.js", "dist/pool/mod.js"];

/** Makes the folder a project that can import ergate. More of its `deno.json` and `package.json` may be given. */
export function makeProject(
  folder: string,
  more: { readonly denoJson?: { imports?: Record<string, string> }; readonly packageJson?: object } = {},
): void {
  mkdirSync(join(folder, "node_modules", "@ergate"), { recursive: true });
  symlinkSync(PACKAGE, join(folder, "node_modules", "@ergate", "ergate"), "dir");
  const imports = {
    "@ergate/ergate": `file://${PACKAGE}/${EXPORTS[0]}`,
    "@ergate/ergate/pool": `file://${PACKAGE}/${EXPORTS[1]}`,
    ...more.denoJson?.imports,
  };
  writeFileSync(
    join(folder, "deno.json"),
    JSON.stringify({ nodeModulesDir: "manual", lock: false, ...more.denoJson, imports }, null, 2),
  );
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module", ...more.packageJson }, null, 2));
}
