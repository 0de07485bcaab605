/**
 * The house rules that a machine can hold: who imports whom, who names a host, what syntax is shipped.
 *
 * It reads text, not types: a small scanner takes comments away and puts strings aside, and patterns look at the rest.
 */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "./harness.ts";
import { REPOSITORY } from "./project.ts";
import { LAYERS, OTHER_FOLDERS, shippedFiles } from "./shipped.ts";

interface Source {
  /** The text without comments; a string stands as `"0"`, its index in `strings`. */
  readonly code: string;
  readonly strings: readonly string[];
}

/** After these a slash begins a pattern, not a division. */
const BEFORE_PATTERN = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|void|delete|throw|await|yield))\s*$/;

/** Takes the comments away and puts strings, templates and patterns aside; what stands in `${…}` stays code. */
function scan(text: string): Source {
  const strings: string[] = [];
  let code = "";
  let at = 0;
  function aside(value: string): void {
    code += `"${strings.push(value) - 1}"`;
  }
  function quoted(quote: string): string {
    const begin = ++at;
    while (at < text.length && text[at] !== quote) at += text[at] === "\\" ? 2 : 1;
    return text.slice(begin, at++);
  }
  function pattern(): void {
    for (let inClass = false; ++at < text.length && (inClass || text[at] !== "/");) {
      if (text[at] === "\\") at++;
      else if (text[at] === "[") inClass = true;
      else if (text[at] === "]") inClass = false;
    }
    at++;
    aside("");
  }
  function template(): void {
    let begin = ++at;
    while (at < text.length && text[at] !== "`") {
      if (text.startsWith("${", at)) {
        aside(text.slice(begin, at));
        at += 2;
        code += "(";
        scanCode("}");
        code += ")";
        begin = ++at;
      } else {
        at += text[at] === "\\" ? 2 : 1;
      }
    }
    aside(text.slice(begin, at++));
  }
  function scanCode(end: string): void {
    for (let depth = 0; at < text.length;) {
      const char = text[at];
      if (char === end && depth === 0) return;
      if (char === "{") depth++;
      if (char === "}") depth--;
      if (text.startsWith("//", at)) {
        at = text.indexOf("\n", at) < 0 ? text.length : text.indexOf("\n", at);
      } else if (text.startsWith("/*", at)) {
        const close = text.indexOf("*/", at);
        code += text.slice(at, close).replaceAll(/[^\n]/g, "") || " ";
        at = close + 2;
      } else if (char === '"' || char === "'") aside(quoted(char));
      else if (char === "`") template();
      else if (char === "/" && BEFORE_PATTERN.test(code.slice(-40))) pattern();
      else {
        code += char;
        at++;
      }
    }
  }
  scanCode("\0");
  return { code, strings };
}

const files = new Map(shippedFiles().map((file) => [file, scan(readFileSync(join(REPOSITORY, file), "utf8"))]));

/** What a file imports or re-exports, types too: `import … from`, `export … from`, `import "…"`, `import("…")`. */
function importsOf({ code, strings }: Source): string[] {
  const found = code.matchAll(/(?<![.\w$])(?:from\s*|import\s*\(?\s*)"(\d+)"/g);
  return [...found].map(([, index]) => strings[Number(index)]);
}

/** The shipped file that a relative import means. */
function target(file: string, specifier: string): string {
  return normalize(join(dirname(file), specifier));
}

function layerOf(file: string): string {
  return file.split("/")[0].replace(/\.ts$/, "");
}

/** Every place of the shipped code where a pattern matches, as `file:line: text`. */
function places(pattern: RegExp, within: (file: string) => boolean = () => true): string[] {
  return [...files].filter(([file]) => within(file)).flatMap(([file, { code }]) =>
    [...code.matchAll(pattern)].map((match) => {
      const row = code.slice(0, match.index).split("\n").length + /^\n*/.exec(match[0])![0].length;
      return `${file}:${row}: ${match[0].trim()}`;
    })
  );
}

test("layers: the scanner sees code as it is", () => {
  const { code, strings } = scan(
    'a /* Deno */ // Bun\nimport { x } from "./x.ts"; `node ${y + `${"z"}`} "q"`; b = c / d / e; f(/"[/"]/); \'\\\'\'; g',
  );
  assert.equal(
    code.replaceAll(/\s+/g, " "),
    'a import { x } from "0"; "1"(y + "2"("3")"4")"5"; b = c / d / e; f("6"); "7"; g',
  );
  assert.deepEqual(strings, ["./x.ts", "node ", "", "z", "", ' "q"', "", "\\'"]);
  assert.deepEqual(
    importsOf(scan('export * from "a"; import "b"; await import("c"); import type { D } from \'d\'; Array.from("e")')),
    [
      ..."abcd",
    ],
  );
});

test("layers: every folder and file at the root has its place", () => {
  for (const entry of readdirSync(REPOSITORY, { withFileTypes: true })) {
    if (entry.name.startsWith(".")) continue;
    const isKnown = entry.isDirectory()
      ? LAYERS.includes(entry.name) || OTHER_FOLDERS.includes(entry.name)
      : !entry.name.endsWith(".ts") || LAYERS.includes(layerOf(entry.name));
    assert(isKnown, `${entry.name} is in no layer: give it its place in tests/shipped.ts`);
  }
  assert(files.has("mod.ts") && files.has("errors.ts"), "mod.ts and errors.ts are there");
});

test("layers: a folder imports from itself and from those to its left", () => {
  const wrong: string[] = [];
  for (const [file, source] of files) {
    for (const specifier of importsOf(source)) {
      const to = target(file, specifier);
      if (!specifier.startsWith(".")) wrong.push(`${file} imports ${specifier}, which is outside the package`);
      else if (!files.has(to)) wrong.push(`${file} imports ${specifier}, which is no shipped file`);
      else if (LAYERS.indexOf(layerOf(to)) > LAYERS.indexOf(layerOf(file))) {
        wrong.push(`${file} imports ${to}, which is above it: ${LAYERS.join(" < ")}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

test("layers: no cycle of imports", () => {
  const done = new Set<string>();
  const cycles: string[] = [];
  function visit(file: string, path: readonly string[]): void {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(" > "));
    if (path.includes(file) || done.has(file)) return;
    const source = files.get(file);
    for (const specifier of source ? importsOf(source) : []) visit(target(file, specifier), [...path, file]);
    done.add(file);
  }
  for (const file of files.keys()) visit(file, []);
  assert.deepEqual(cycles, []);
});

test("layers: a worker's entry loads nothing of what its parent is", () => {
  const loaded = new Set<string>();
  function load(file: string): void {
    if (loaded.has(file)) return;
    loaded.add(file);
    const { code, strings } = files.get(file)!;
    const withoutTypes = code.replaceAll(/^(?:import|export) type [^"]*"\d+"/gm, "");
    for (const specifier of importsOf({ code: withoutTypes, strings })) load(target(file, specifier));
  }
  load("executor/entry.ts");
  const { size } = loaded;
  assert(size > 50 && loaded.has("executor/call_runner.ts"), `${size} are loaded`);
  for (const name of ["future", "work_item", "scheduler", "worker", "map"]) {
    assert(!loaded.has(`executor/${name}.ts`), `a worker starts without executor/${name}.ts`);
  }
});

test("layers: node: is reached under runtime/ only, and never by an import", () => {
  const wrong: string[] = [];
  for (const [file, source] of files) {
    wrong.push(
      ...importsOf(source).filter((name) => /^(node|bun):/.test(name)).map((name) => `${file} imports ${name}`),
    );
    if (layerOf(file) === "runtime") continue;
    wrong.push(...source.strings.filter((text) => /^node:\w/.test(text)).map((name) => `${file} names ${name}`));
  }
  assert.deepEqual(wrong, []);
});

test("layers: a host's globals are named under runtime/ only", () => {
  const wrong = ["Deno", "Bun", "process", "navigator"].flatMap((name) => {
    // A variable or parameter of that name hides the global; that there is none beside it, the type check with the web's
    // library proves. A `declare` hides nothing.
    const local = new RegExp(`(?<!\\bdeclare\\s+)\\b(?:const|let)\\s+${name}\\b|[(,]\\s*${name}\\s*\\??\\s*:`);
    function outside(file: string): boolean {
      return layerOf(file) !== "runtime";
    }
    return [
      // As a variable: not as a field, a key, or the name of a type's member.
      ...places(new RegExp(`(?<![\\w$.#])${name}\\b(?!\\s*\\??:)`, "g"), (file) => {
        return outside(file) && !local.test(files.get(file)!.code);
      }),
      ...places(new RegExp(`\\bdeclare\\s+(?:const|let|var)\\s+${name}\\b`, "g"), outside),
      ...places(new RegExp(`\\bglobalThis[\\w\\s<>,(){}]*\\)?\\s*\\??\\.\\s*${name}\\b`, "g"), outside),
    ];
  });
  assert.deepEqual(wrong, []);
});

test("layers: names of shipped files are snake_case", () => {
  assert.deepEqual(
    [...files.keys()].filter((file) => !/^([a-z][a-z0-9]*(_[a-z0-9]+)*\/)*[a-z0-9_]+\.ts$/.test(file)),
    [],
  );
});

test("layers: shipped source holds no decorator, no using, no enum, no namespace", () => {
  assert.deepEqual(places(/(?<=^|\n)\s*@[A-Za-z_$]/g), []);
  assert.deepEqual(places(/(?<![\w$.])using\s+[A-Za-z_$][\w$]*\s*=/g), []);
  assert.deepEqual(places(/(?<![\w$.])enum\s+[A-Za-z_$][\w$]*\s*\{/g), []);
  assert.deepEqual(places(/(?<![\w$.])namespace\s+[A-Za-z_$][\w$.]*\s*\{/g), []);
});

test("layers: mod.ts holds re-exports by name and nothing else", () => {
  const rest = files.get("mod.ts")!.code.replaceAll(/export\s+(?:type\s+)?\{[^}]*\}\s*from\s*"\d+"\s*;?/g, "").trim();
  assert.equal(rest, "");
});

test("layers: the manifests agree, and what is published is every layer", () => {
  const deno = JSON.parse(readFileSync(join(REPOSITORY, "deno.json"), "utf8"));
  const npm = JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8"));
  assert.equal(npm.version, deno.version);
  assert.equal(npm.license, deno.license);
  assert.deepEqual(npm.exports, deno.exports);
  assert.equal(npm.dependencies, undefined);
  assert(
    readFileSync(join(REPOSITORY, "CHANGELOG.md"), "utf8").includes(`## ${deno.version}`),
    "the changelog knows it",
  );
  for (const layer of new Set([...files.keys()].map((file) => file.replace(/\/.*/, "/")))) {
    assert(deno.publish.include.includes(layer), `publish.include names ${layer}`);
  }
  for (const path of Object.values<string>(deno.exports)) assert(existsSync(join(REPOSITORY, path)), path);
});
