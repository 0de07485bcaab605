/**
 * A user's project: a folder outside the repository where `@ergate/ergate` can be imported on every runtime.
 *
 * Deno resolves it by the import map of the folder's `deno.json`, Bun and Node by a link in `node_modules`, whose real
 * path is the repository: Node refuses TypeScript that really lies under `node_modules`.
 */

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The repository's root. */
export const REPOSITORY: string = join(import.meta.dirname!, "..");

/** Makes the folder a project that can import ergate. More of its `deno.json` and `package.json` may be given. */
export function makeProject(
  folder: string,
  more: { readonly denoJson?: { imports?: Record<string, string> }; readonly packageJson?: object } = {},
): void {
  mkdirSync(join(folder, "node_modules", "@ergate"), { recursive: true });
  symlinkSync(REPOSITORY, join(folder, "node_modules", "@ergate", "ergate"), "dir");
  const imports = {
    "@ergate/ergate": `file://${REPOSITORY}/mod.ts`,
    "@ergate/ergate/pool": `file://${REPOSITORY}/pool/mod.ts`,
    ...more.denoJson?.imports,
  };
  writeFileSync(
    join(folder, "deno.json"),
    JSON.stringify({ nodeModulesDir: "manual", lock: false, ...more.denoJson, imports }, null, 2),
  );
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module", ...more.packageJson }, null, 2));
}
