/**
 * Runs the examples of the documents: every ```ts block of the Markdown pages, and of the JSDoc of the shipped files.
 *
 * Each block is a program in a folder of its own, in a project outside the repository that imports ergate by its public
 * name, and runs on every runtime. A block whose first line is a file's name, as `// words.ts`, is written to a file of
 * that name, which later blocks of the same document can import. ```ts ignore <reason> is not run.
 */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { makeProject } from "../project.ts";
import { shippedFiles } from "../shipped.ts";
import { bin, ROOT, type Runtime, type Tool } from "./install.ts";
import { add, line, seconds, step } from "./report.ts";
import { run } from "./run.ts";
import type { SuiteOptions } from "./suite.ts";

interface Block {
  /** `README.md:12`. */
  readonly where: string;
  readonly info: string;
  readonly code: string;
  /** The name it asks for, if it does. */
  readonly name?: string;
  /** Named blocks that stand before it in its document. */
  readonly beside: readonly Block[];
}

const COMMANDS: Record<Runtime, readonly string[]> = { deno: ["run", "-A"], bun: [], node: [] };
const BLOCK_LIMIT = 60_000;

/** Extracts the blocks, type-checks them, and runs each on each runtime; none lives past `end`. */
export async function runExamples(
  tools: Partial<Record<Runtime, Tool>>,
  { slots, end, env }: Pick<SuiteOptions, "slots" | "end" | "env">,
): Promise<void> {
  const start = performance.now();
  const blocks = [...pages().flatMap(pageBlocks), ...shippedFiles().flatMap(docBlocks)];
  const mute = blocks.filter(({ info }) => /^(ts|typescript) ignore\s*$/.test(info));
  for (const { where } of mute) step(`example ${where}`, false, "is ignored without a reason: ```ts ignore <reason>");
  const ignored = blocks.filter(({ info }) => isIgnored(info));
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "ergate-examples-")));
  try {
    makeProject(folder);
    // Deno's check of a project with a package.json asks for it.
    symlinkSync(join(ROOT, "node_modules", "@types"), join(folder, "node_modules", "@types"), "dir");
    const programs = blocks.filter(({ info }) => !isIgnored(info)).map((block, index) => write(block, index, folder));
    const all = Object.entries(tools).flatMap(([name, tool]) =>
      programs.map((program) => ({ ...program, name: name as Runtime, tool }))
    );
    let passed = 0;
    const files = programs.map(({ file }) => file);
    const checked = slots.each(files.length > 0 ? [files] : [], (files) => checkTypes(files, folder));
    await slots.each(all, async ({ where, file, name, tool }) => {
      const limit = Math.min(BLOCK_LIMIT, end - performance.now());
      const result = await run([tool.path, ...COMMANDS[name], file], { cwd: dirname(file), env, limit });
      if (result.ok) {
        passed++;
        add({ passed: 1, failed: 0 });
      } else {
        step(`example ${where} on ${name}`, false, `${result.ending} ${file.slice(folder.length + 1)}`, result.output);
      }
    });
    await checked;
    const ran = `${programs.length} blocks on ${Object.keys(tools).join(", ")}: ${passed} of ${all.length} passed`;
    line("examples", passed === all.length, `${ran}, ${ignored.length} ignored ${seconds(performance.now() - start)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function isIgnored(info: string): boolean {
  return /^(ts|typescript) ignore\b/.test(info);
}

async function checkTypes(files: readonly string[], folder: string): Promise<void> {
  const result = await run([bin("deno"), "check", ...files], { cwd: folder, limit: 120_000 });
  step("types of the examples", result.ok, seconds(result.milliseconds), result.output);
}

/** Writes a block, and the named ones before it, into a folder of its own. */
function write(block: Block, index: number, project: string): { where: string; file: string } {
  const title = block.where.replaceAll(/[^A-Za-z0-9]+/g, "_");
  const folder = join(project, `${String(index + 1).padStart(3, "0")}_${title}`);
  for (const { name, code } of [...block.beside, { ...block, name: block.name ?? "main.ts" }]) {
    const path = join(folder, name!);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, code);
  }
  return { where: block.where, file: join(folder, block.name ?? "main.ts") };
}

function pages(): string[] {
  const found = ["README.md", "ARCHITECTURE.md"].filter((name) => existsSync(join(ROOT, name)));
  const docs = join(ROOT, "docs");
  if (!existsSync(docs)) return found;
  const more = readdirSync(docs, { recursive: true, encoding: "utf8" });
  return [...found, ...more.filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`).sort()];
}

function pageBlocks(file: string): Block[] {
  return blocksOf(readFileSync(join(ROOT, file), "utf8"), file, 1);
}

/** Blocks in comments that begin with two stars. */
function docBlocks(file: string): Block[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  return [...text.matchAll(/^[ \t]*\/\*\*[\s\S]*?\*\//gm)].flatMap((comment) => {
    const firstLine = text.slice(0, comment.index).split("\n").length;
    const bare = comment[0].split("\n").map((row) => row.replace(/^\s*\/?\*+\/? ?/, "").replace(/\*\/$/, ""));
    return blocksOf(bare.join("\n"), file, firstLine);
  });
}

function blocksOf(text: string, file: string, firstLine: number): Block[] {
  const found: Block[] = [];
  const rows = text.split("\n");
  for (let at = 0; at < rows.length; at++) {
    const fence = /^(\s*)(`{3,})(.*)$/.exec(rows[at]);
    if (!fence) continue;
    const [, indent, ticks, info] = fence;
    const begin = at + 1;
    at = rows.findIndex((row, index) => index >= begin && row.trim() === ticks);
    if (at < 0) throw new Error(`${file}:${firstLine + begin - 1}: a block is never closed`);
    if (!/^(ts|typescript)(\s|$)/.test(info.trim())) continue;
    const code = rows.slice(begin, at).map((row) => row.startsWith(indent) ? row.slice(indent.length) : row);
    const name = /^\/\/ (\S+\.ts)$/.exec(code[0] ?? "")?.[1];
    const where = `${file}:${firstLine + begin - 1}`;
    const beside = found.filter((block) => block.name && !isIgnored(block.info));
    found.push({ where, info: info.trim(), code: code.join("\n") + "\n", name, beside });
  }
  return found;
}
