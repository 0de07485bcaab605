/** Which files are the package, and in which order its folders may import one another. */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "./project.ts";

/** The layers, lowest first: each imports from itself and from those before it. `mod` and `errors` are files. */
export const LAYERS: readonly string[] = [
  "errors",
  "tasks",
  "channel",
  "runtime",
  "sync",
  "executor",
  "pool",
  "manager",
  "observe",
  "cluster",
  "mod",
];

/** Folders at the root that are not shipped. */
export const OTHER_FOLDERS: readonly string[] = [
  "tests",
  "benchmarks",
  "examples",
  "docs",
  "npm",
  "node_modules",
  "coverage",
];

/** Every shipped .ts file, relative to the root, sorted. */
export function shippedFiles(): string[] {
  return LAYERS.flatMap((layer) => {
    if (existsSync(join(REPOSITORY, `${layer}.ts`))) return [`${layer}.ts`];
    if (!existsSync(join(REPOSITORY, layer))) return [];
    const names = readdirSync(join(REPOSITORY, layer), { recursive: true, encoding: "utf8" });
    return names.filter((name) => name.endsWith(".ts")).map((name) => `${layer}/${name}`).sort();
  });
}
