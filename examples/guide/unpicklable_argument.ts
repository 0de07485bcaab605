/** An open file cannot cross to another process: it is refused where it is given. A task opens it by itself. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isMain, PicklingError, ProcessPoolExecutor, tasks } from "@ergate/ergate";
import { Pool } from "@ergate/ergate/pool";

export async function writeTo(file: FileHandle): Promise<void> {
  await file.write("Hello");
}

export function writeToPath(path: string): void {
  appendFileSync(path, "Hello");
}

tasks(import.meta, { writeTo, writeToPath });

function show(issue: () => unknown): void {
  try {
    issue();
  } catch (error) {
    if (!(error instanceof PicklingError)) throw error;
    console.log(`PicklingError at ${error.path}: ${error.message}`);
  }
}

if (isMain(import.meta)) {
  const folder = mkdtempSync(join(tmpdir(), "guide-"));
  const path = join(folder, "tmp.txt");
  const file = await open(path, "w");
  await using executor = new ProcessPoolExecutor(1);
  // @ts-expect-error The compiler refuses it as well.
  show(() => executor.submit(writeTo, file));
  await using pool = new Pool(1);
  // @ts-expect-error The same.
  show(() => pool.applyAsync(writeTo, [file]));
  await file.close();

  await executor.submit(writeToPath, path);
  console.log(`The file says: ${readFileSync(path, "utf8")}`);
  rmSync(folder, { recursive: true });
}

// Prints:
//   PicklingError at args[0]: …
//   PicklingError at args[0]: …
//   The file says: Hello
