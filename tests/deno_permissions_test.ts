/**
 * What a worker may do where the host has permissions. The child itself is asked, by its own `Deno.permissions`.
 *
 * Where the host has none, the options that concern them are taken and change nothing: that is asserted there instead.
 */

import assert from "node:assert/strict";
import { dirname } from "node:path";
import process from "node:process";
import { DenoRuntime } from "../runtime/deno.ts";
import { Arrivals, type ProgramOptions, type ProgramResult, test, until, untilGone } from "./harness.ts";
import { REPOSITORY } from "./project.ts";
import { type UserProject, withProject } from "./user_project.ts";

/** What this host can do. */
const can = {
  permissions: (globalThis as { readonly Deno?: { readonly permissions?: unknown } }).Deno?.permissions !== undefined,
};

const TASKS = `
  import { tasks } from "@ergate/ergate";
  import { readFileSync } from "node:fs";
  import process from "node:process";
  declare const Deno: { permissions: { querySync(descriptor: object): { state: string; partial: boolean } } } | undefined;

  /** The state of each permission, whole or of one value: "read:granted". */
  export function query(...descriptors: object[]): string[] {
    return descriptors.map((descriptor) => {
      const { state, partial } = Deno!.permissions.querySync(descriptor);
      return state + (partial ? " partial" : "");
    });
  }
  export function readText(path: string): string {
    return readFileSync(path, "utf8");
  }
  export function variable(name: string): string | undefined {
    return process.env[name];
  }
  export function double(n: number): number {
    return 2 * n;
  }
  export function print(text: string): void {
    console.log(text);
  }
  export function around(): string[] {
    return [process.cwd(), ...process.execArgv];
  }
  tasks(import.meta, { query, readText, variable, double, print, around });
`;

const NAMES = ["read", "write", "net", "env", "sys", "run", "ffi", "import"] as const;

/** A program that runs `code`; an error of it is printed as its class and message, and is no failure. */
function program(code: string): Record<string, string> {
  return {
    "tasks.ts": TASKS,
    "main.ts": `
      import { ProcessPoolExecutor, ThreadPoolExecutor } from "@ergate/ergate";
      import * as tasks from "./tasks.ts";
      void ThreadPoolExecutor;
      const NAMES = ${JSON.stringify(NAMES)};
      const whole = NAMES.map((name) => ({ name }));
      void whole;
      try {
        ${code}
      } catch (error) {
        console.log((error as Error).name + ": " + (error as Error).message);
      }
    `,
  };
}

/** Runs the program with these flags and no others; a permission that is asked for at a terminal is an error. */
function run(project: UserProject, flags: readonly string[], more: ProgramOptions = {}): Promise<ProgramResult> {
  return project.start("main.ts", { denoFlags: withFlag(flags), ...more }).ended;
}

/** By `node:child_process`, Deno gives a child without any permission flag all of them. */
function withFlag(flags: readonly string[]): readonly string[] {
  return ["--no-prompt", ...flags.length > 0 ? flags : ["--deny-ffi"]];
}

/** A program that ended well and said nothing on stderr, and the lines that it printed. */
function lines({ code, signal, stdout, stderr, timedOut }: ProgramResult): string[] {
  assert.deepEqual({ code, signal, stderr, timedOut }, { code: 0, signal: null, stderr: "", timedOut: false }, stdout);
  return stdout.split("\n").slice(0, -1);
}

/** What a pool needs, whole. */
const NEEDED = ["--allow-run", "--allow-read", "--allow-write", "--allow-net"];

const ASK_ALL = `
  await using pool = new ProcessPoolExecutor({ maxWorkers: 1, OPTIONS });
  console.log(JSON.stringify(await pool.submit(tasks.query, ...whole)));
`;

function asked(options: string): Record<string, string> {
  return program(ASK_ALL.replace("OPTIONS", options));
}

/** The states by name. */
function states(result: ProgramResult): Record<string, string> {
  const [line] = lines(result);
  assert(line.startsWith("["), line);
  const all = JSON.parse(line) as string[];
  return Object.fromEntries(NAMES.map((name, i) => [name, all[i]]));
}

/** Which permissions the child holds whole. */
function held(result: ProgramResult): string {
  return Object.entries(states(result)).filter(([, state]) => state === "granted").map(([name]) => name).join();
}

if (can.permissions) {
  // ----- What a parent needs

  for (const lacking of NEEDED) {
    test(`permissions: without ${lacking} a pool is an error at submit that names it`, () =>
      withProject(
        program(`
          const pool = new ProcessPoolExecutor(1);
          pool.submit(tasks.double, 1);
          console.log("submitted");
        `),
        async (project) => {
          const [line, ...rest] = lines(await run(project, NEEDED.filter((flag) => flag !== lacking)));
          assert.match(line, /^NotSupportedError: Cannot start worker processes as Deno must be run with --allow-run /);
          assert(line.endsWith(`: current permissions lack ${lacking}`), line);
          assert.deepEqual(rest, []);
        },
      ));
  }

  test("a program made by deno compile is told that it can start no processes, and starts none", () =>
    withProject(
      program(`
        Object.defineProperty((globalThis as any).Deno, "build", { value: { standalone: true } });
        const pool = new ProcessPoolExecutor(1);
        pool.submit(tasks.double, 1);
      `),
      async (project) => {
        assert.match(lines(await run(project, ["-A"])).at(-1)!, /^NotSupportedError: .* made by 'deno compile' /);
      },
    ));

  // The checker follows literal imports, of a thread's program as well: `deno test` took a minute for each thread.
  test("deno test, deno run --check: a thread's program imports nothing whose types are checked again", () => {
    const entry = { url: "file:///entry.ts", bundled: false };
    const program = new DenoRuntime().threadProgram({ name: "Pool-1", modules: ["file:///tasks.ts"], entry });
    const code = decodeURIComponent(program.pathname);
    assert.match(code, /file:\/\/\/tasks\.ts.*file:\/\/\/entry\.ts/);
    assert.doesNotMatch(code, /import\(["']/);
  });

  test("permissions: without any, all four are named, by map as well", () =>
    withProject(
      program(`
        const pool = new ProcessPoolExecutor(1);
        console.log((await pool.map(tasks.double, [1]).toArray()).join());
      `),
      async (project) => {
        const [line] = lines(await run(project, []));
        assert(line.endsWith(": current permissions lack --allow-run --allow-read --allow-write --allow-net"), line);
      },
    ));

  for (
    const [flags, expected] of [[["--allow-read"], /^42$/], [[], /^NotSupportedError: .* with --allow-read, /]] as const
  ) {
    test(`permissions: a thread pool with ${flags.join() || "none"}`, () =>
      withProject(
        program(`
          const pool = new ThreadPoolExecutor(1);
          console.log(await pool.submit(tasks.double, 21));
        `),
        async (project) => {
          const [line, ...rest] = lines(await run(project, flags));
          assert.match(line, expected);
          assert.deepEqual(rest, []);
        },
      ));
  }

  // Asked for, it would be at a terminal alone.
  test("permissions: threads take the environment only where it need not be asked for", () =>
    withProject(
      { "main.ts": `console.log((await import(Deno.args[0])).runtime().threadEnvironment() === undefined);` },
      async (project) => {
        const args = [new URL("../runtime/mod.ts", import.meta.url).href];
        for (
          const [flags, takes] of [[["--allow-read"], "false"], [["--allow-read", "--allow-env"], "true"]] as const
        ) {
          assert.deepEqual(lines(await run(project, flags, { args })), [takes]);
        }
      },
    ));

  test("permissions: the four needed ones suffice", () =>
    withProject(
      program(`
        await using pool = new ProcessPoolExecutor(2);
        console.log(await pool.submit(tasks.double, 21), (await pool.map(tasks.double, [1, 2, 3]).toArray()).join());
        await pool.submit(tasks.print, "printed");
      `),
      async (project) => {
        assert.deepEqual(lines(await run(project, NEEDED)), ["42 2,4,6", "printed"]);
      },
    ));

  test("permissions: scoped ones suffice where they hold what is needed, and the tasks' modules need none", () =>
    withProject(
      program(`
        await using pool = new ProcessPoolExecutor(1);
        console.log(await pool.submit(tasks.double, 21));
        console.log(JSON.stringify(await pool.submit(tasks.query, ...whole)));
      `),
      async (project) => {
        const flags = [
          `--allow-run=${process.execPath},/bin/sh`,
          `--allow-read=${project.folder}`,
          `--allow-write=${project.path("tmp")}`,
          "--allow-net",
          "--allow-env=TMPDIR",
        ];
        const [result, all] = lines(await run(project, flags));
        assert.equal(result, "42");
        // Scoped grants are not passed on by themselves; net is whole. Read and write are those of the pool's folder.
        assert.deepEqual(JSON.parse(all)[NAMES.indexOf("net")], "granted");
        for (const name of ["env", "sys", "run", "ffi"] as const) {
          assert.equal(JSON.parse(all)[NAMES.indexOf(name)], "prompt", name);
        }
      },
    ));

  test("permissions: with --allow-run of the runtime alone the pool runs, without the helper that is a shell", () =>
    withProject(
      program(`
        await using pool = new ProcessPoolExecutor(1);
        console.log(await pool.submit(tasks.double, 21));
      `),
      async (project) => {
        const flags = [`--allow-run=${process.execPath}`, "--allow-read", "--allow-write", "--allow-net"];
        assert.deepEqual(lines(await run(project, flags)), ["42"]);
        await project.untilClean();
      },
    ));

  test("permissions: with --allow-run of the runtime alone a worker dies with its parent all the same", () =>
    withProject({
      ...program(`
        const loops = await import("./loop.ts");
        const pool = new ProcessPoolExecutor(1);
        await pool.submit(loops.loop, new URL("arrivals", import.meta.url).pathname);
      `),
      "loop.ts": `
        import { tasks } from "@ergate/ergate";
        import { appendFileSync } from "node:fs";
        import process from "node:process";
        export function loop(path: string): never {
          appendFileSync(path, process.pid + "\\n");
          for (;;);
        }
        tasks(import.meta, { loop });
      `,
    }, async (project) => {
      const flags = [`--allow-run=${process.execPath}`, "--allow-read", "--allow-write", "--allow-net"];
      const running = project.start("main.ts", { denoFlags: withFlag(flags) });
      const arrivals = new Arrivals(project.folder);
      let isOver = false;
      running.ended.then(() => isOver = true);
      await until("the task runs", () => isOver || arrivals.count > 0);
      running.kill("SIGKILL");
      await running.ended;
      await untilGone(arrivals.lines.map(Number));
      await project.untilClean();
    }));

  // ----- What a child has

  test("permissions: a child holds what its parent holds whole, and nothing else", () =>
    withProject(asked(""), async (project) => {
      assert.equal(held(await run(project, NEEDED)), "read,write,net,run");
      assert.equal(held(await run(project, [...NEEDED, "--allow-env"])), "read,write,net,env,run");
      assert.equal(held(await run(project, [...NEEDED, "--allow-sys", "--allow-ffi"])), "read,write,net,sys,run,ffi");
      assert.equal(held(await run(project, [...NEEDED, "--allow-import"])), "read,write,net,run,import");
      assert.equal(held(await run(project, ["-A"])), NAMES.join());
    }));

  test("permissions: a child holds none of which its parent was denied a part", () =>
    withProject(asked(""), async (project) => {
      const folder = project.folder;
      const result = await run(project, ["--allow-all", "--deny-env=SECRET", `--deny-read=${folder}/secret`]);
      const all = states(result);
      assert.equal(all.env, "prompt");
      assert.notEqual(all.read, "granted");
      assert.equal(all.write, "granted");
    }));

  test("permissions: a child cannot read what its parent cannot", () =>
    withProject({
      ...program(`
        await using pool = new ProcessPoolExecutor(1);
        for (const file of ["open.txt", "secret.txt"]) {
          const path = new URL(file, import.meta.url).pathname;
          console.log(await pool.submit(tasks.readText, path).then((text) => text, (error) => error.name));
        }
      `),
      "open.txt": "open",
      "secret.txt": "secret",
    }, async (project) => {
      assert.deepEqual(lines(await run(project, NEEDED)), ["open", "secret"]);
      const denied = lines(await run(project, [...NEEDED, `--deny-read=${project.path("secret.txt")}`]));
      assert.equal(denied[1], "NotCapable");
    }));

  test("permissions: no child asks at the terminal", () =>
    withProject(
      program(`
        await using pool = new ProcessPoolExecutor(1);
        console.log(await pool.submit(tasks.variable, "HOME").then(String, (error) => error.name));
      `),
      async (project) => {
        assert.deepEqual(lines(await run(project, NEEDED)), ["NotCapable"]);
      },
    ));

  test("permissions: a worker's worker holds no more than the worker", () =>
    withProject({
      ...program(`
        const nested = await import("./nested.ts");
        await using pool = new ProcessPoolExecutor(1);
        console.log(JSON.stringify(await pool.submit(nested.askWorker, whole)));
      `),
      "nested.ts": `
        import { ProcessPoolExecutor, tasks } from "@ergate/ergate";
        import { query } from "./tasks.ts";
        export async function askWorker(whole: object[]): Promise<string[]> {
          await using pool = new ProcessPoolExecutor(1);
          return await pool.submit(query, ...whole);
        }
        tasks(import.meta, { askWorker });
      `,
    }, async (project) => {
      assert.equal(held(await run(project, NEEDED)), "read,write,net,run");
      assert.equal(held(await run(project, ["-A"])), NAMES.join());
    }));

  // ----- The option

  test("permissions: 'none' leaves a child what the pool itself needs, and its task still runs", () =>
    withProject(
      program(`
        await using pool = new ProcessPoolExecutor({ maxWorkers: 1, permissions: "none" });
        console.log(await pool.submit(tasks.double, 21));
        console.log(JSON.stringify(await pool.submit(tasks.query, ...whole)));
        const here = new URL("tasks.ts", import.meta.url).pathname;
        const asks = [{ name: "read", path: here }, { name: "net", host: "localhost" }, { name: "run", command: "sh" }];
        console.log((await pool.submit(tasks.query, ...asks)).join());
      `),
      async (project) => {
        const [result, all, some] = lines(await run(project, ["-A"]));
        assert.equal(result, "42");
        assert(!(JSON.parse(all) as string[]).includes("granted"), all);
        assert.equal(some, "prompt,prompt,prompt");
      },
    ));

  test("permissions: an object says what a child gets: whole, a list, what the parent has, nothing", () =>
    withProject(
      program(`
        const here = new URL(".", import.meta.url).pathname;
        await using pool = new ProcessPoolExecutor({
          maxWorkers: 1,
          permissions: { read: [here], env: ["COLOUR"], sys: true, net: "inherit", run: false },
        });
        const asks = [
          { name: "read", path: here + "tasks.ts" }, { name: "read", path: "/etc/passwd" },
          { name: "env", variable: "COLOUR" }, { name: "env", variable: "HOME" },
          { name: "sys" }, { name: "net" }, { name: "run" }, { name: "ffi" }, { name: "write", path: here },
        ];
        console.log((await pool.submit(tasks.query, ...asks)).join());
        console.log(await pool.submit(tasks.variable, "COLOUR"));
      `),
      async (project) => {
        const [all, colour] = lines(await run(project, ["-A"], { env: { COLOUR: "red" } }));
        assert.equal(all, "granted,prompt,granted,prompt,granted,granted,prompt,prompt,prompt");
        assert.equal(colour, "red");
      },
    ));

  test("permissions: a parent with a scoped grant may pass that on by name, and parts of it", () =>
    withProject(
      program(`
        const here = new URL(".", import.meta.url).pathname;
        await using pool = new ProcessPoolExecutor({
          maxWorkers: 1,
          permissions: { read: [here + "tasks.ts"], env: ["COLOUR"] },
        });
        const asks = [
          { name: "read", path: here + "tasks.ts" }, { name: "read", path: here + "main.ts" },
          { name: "env", variable: "COLOUR" },
        ];
        console.log((await pool.submit(tasks.query, ...asks)).join());
      `),
      async (project) => {
        const flags = [
          "--allow-run",
          `--allow-read=${project.folder}`,
          `--allow-write=${project.path("tmp")}`,
          "--allow-net",
          "--allow-env=COLOUR,TMPDIR",
        ];
        assert.deepEqual(lines(await run(project, flags)), ["granted,prompt,granted"]);
      },
    ));

  const TOO_MUCH: Record<string, { permissions: string; names: string }> = {
    "a whole one": { permissions: `{ env: true }`, names: "--allow-env" },
    "a value": { permissions: `{ env: ["HOME"] }`, names: "--allow-env=HOME" },
    "a value among others": { permissions: `{ sys: ["hostname"], read: ["/tmp"] }`, names: "--allow-sys=hostname" },
    "a pattern": { permissions: `{ env: ["ERGATE_*"] }`, names: "--allow-env=ERGATE_\\*" },
    "ffi": { permissions: `{ ffi: true }`, names: "--allow-ffi" },
    "import": { permissions: `{ import: true }`, names: "--allow-import" },
  };
  test("permissions: to ask for more than the parent has is an error that names it", () =>
    withProject(
      program(`
        const wanted = { ${
        Object.entries(TOO_MUCH).map(([name, { permissions }]) => `"${name}": ${permissions}`).join()
      } };
        for (const [name, permissions] of Object.entries(wanted)) {
          const pool = new ProcessPoolExecutor({ maxWorkers: 1, permissions });
          const call = async () => String(await pool.submit(tasks.double, 1));
          console.log(name + ": " + await call().catch((error) => error.name + ": " + error.message));
          await pool.shutdown();
        }
      `),
      async (project) => {
        const found = lines(await run(project, NEEDED));
        assert.equal(found.length, Object.keys(TOO_MUCH).length);
        for (const [i, [name, { names }]] of Object.entries(TOO_MUCH).entries()) {
          const wanted = `^${name}: NotSupportedError: Cannot start a worker process with ${names} as a child must`;
          assert.match(found[i], new RegExp(wanted));
        }
        await project.untilClean();
      },
    ));

  const WRONG: Record<string, string> = {
    "a number": `7`,
    "another word": `"all"`,
    "a misspelt name": `{ reed: true }`,
    "a wrong value": `{ read: 7 }`,
    "a list with a wrong item": `{ read: [7] }`,
    "a list": `["read"]`,
    "null": `null`,
  };
  test("permissions: of a wrong kind is a TypeError when the pool is made", () =>
    withProject(
      program(`
        const wrong = { ${Object.entries(WRONG).map(([name, permissions]) => `"${name}": ${permissions}`).join()} };
        for (const [name, permissions] of Object.entries(wrong)) {
          try {
            const pool = new ProcessPoolExecutor({ maxWorkers: 1, permissions } as object);
            console.log(name + ": made", await pool.submit(tasks.double, 1));
            await pool.shutdown();
          } catch (error) {
            console.log(name + ": " + (error as Error).name + ": " + (error as Error).message);
          }
        }
      `),
      async (project) => {
        const found = lines(await run(project, ["-A"]));
        assert.equal(found.length, Object.keys(WRONG).length);
        for (const [i, name] of Object.keys(WRONG).entries()) {
          assert.match(found[i], new RegExp(`^${name}: TypeError: Cannot create a pool as 'permissions`));
        }
      },
    ));

  // ----- Which modules a child may import

  test("permissions: a module registered late needs no read permission of the child", () =>
    withProject({
      ...program(`
        await using pool = new ProcessPoolExecutor({ maxWorkers: 1, permissions: "none" });
        console.log(await pool.submit(tasks.double, 1));
        const late = await import("./late.ts");
        console.log(await pool.submit(late.triple, 1), await pool.submit(tasks.double, 2));
      `),
      "late.ts": `
        import { tasks } from "@ergate/ergate";
        export function triple(n: number): number { return 3 * n; }
        tasks(import.meta, { triple });
      `,
    }, async (project) => {
      assert.deepEqual(lines(await run(project, ["-A"])), ["2", "3 4"]);
    }));

  test("permissions: with none the import map and npm's packages are seen all the same", () =>
    withProject({
      ...program(`
        const named = await import("./named.ts");
        await using pool = new ProcessPoolExecutor({ maxWorkers: 1, permissions: "none" });
        console.log(await pool.submit(named.hello, "ant"));
      `),
      "util.ts": `export function shout(text: string): string { return text.toUpperCase(); }`,
      "named.ts": `
        import { tasks } from "@ergate/ergate";
        import { shout } from "#util";
        import { greet } from "small-package";
        export function hello(name: string): string { return greet(shout(name)); }
        tasks(import.meta, { hello });
      `,
      "node_modules/small-package/package.json":
        `{ "name": "small-package", "version": "1.0.0", "type": "module", "main": "index.js" }`,
      "node_modules/small-package/index.js": `export function greet(name) { return "Hello, " + name; }`,
    }, async (project) => {
      assert.deepEqual(lines(await run(project, ["-A"])), ["Hello, ANT"]);
    }, {
      denoJson: { imports: { "#util": "./util.ts" } },
      packageJson: { dependencies: { "small-package": "1.0.0" } },
    }));

  // ----- The other options of child processes

  test("config: names the configuration whose import map the workers see", () =>
    withProject({
      ...program(`
        const named = await import("./named.ts");
        await using pool = new ProcessPoolExecutor({
          maxWorkers: 1,
          config: new URL("other.json", import.meta.url).pathname,
        });
        console.log(named.which(), await pool.submit(named.which));
      `),
      "one.ts": `export const name = "one";`,
      "two.ts": `export const name = "two";`,
      "named.ts": `
        import { tasks } from "@ergate/ergate";
        import { name } from "#name";
        export function which(): string { return name; }
        tasks(import.meta, { which });
      `,
      "other.json": JSON.stringify({
        imports: { "#name": "./two.ts", "@ergate/ergate": `file://${REPOSITORY}/mod.ts` },
        lock: false,
      }),
    }, async (project) => {
      assert.deepEqual(lines(await run(project, ["-A"])), ["one two"]);
    }, { denoJson: { imports: { "#name": "./one.ts" } } }));

  test("execArgv: flags of the runtime reach the workers", () =>
    withProject(
      program(`
        await using pool = new ProcessPoolExecutor({ maxWorkers: 1, execArgv: ["--v8-flags=--stack-size=500"] });
        console.log(await pool.submit(tasks.double, 21));
      `),
      async (project) => {
        assert.deepEqual(lines(await run(project, ["-A"])), ["42"]);
      },
    ));

  test("execArgv: gives a child no permission that its parent lacks", () =>
    withProject(
      program(`
        await using pool = new ProcessPoolExecutor({ maxWorkers: 1, execArgv: ["--allow-env", "--allow-sys"] });
        console.log((await pool.submit(tasks.query, { name: "env" }, { name: "sys" })).join());
      `),
      async (project) => {
        // An error is as good, as long as the child never has them.
        const { stdout } = await run(project, NEEDED);
        assert.doesNotMatch(stdout, /^granted|,granted/);
      },
    ));
} else {
  test("permissions: without them on the host, the options that concern them are taken and change nothing", () =>
    withProject({
      ...program(`
        const options = { maxWorkers: 1, permissions: "none", config: "/nowhere/deno.json" } as const;
        await using pool = new ProcessPoolExecutor(options);
        const path = new URL("open.txt", import.meta.url).pathname;
        console.log(await pool.submit(tasks.double, 21), await pool.submit(tasks.readText, path));
      `),
      "open.txt": "open",
    }, async (project) => {
      assert.deepEqual(lines(await run(project, [])), ["42 open"]);
    }));

  test("permissions: of a wrong kind are no error there", () =>
    withProject(
      program(`
        await using pool = new ProcessPoolExecutor({ maxWorkers: 1, permissions: { sys: ["hostname"] } });
        console.log(await pool.submit(tasks.double, 21));
      `),
      async (project) => {
        assert.deepEqual(lines(await run(project, [])), ["42"]);
      },
    ));
}

test("options: the workers' folder and flags are the parent's unless given", () =>
  withProject(
    program(`
      await using pool = new ProcessPoolExecutor(1);
      await using other = new ProcessPoolExecutor({ maxWorkers: 1, cwd: ${JSON.stringify(dirname(REPOSITORY))} });
      const [own] = await pool.submit(tasks.around);
      const [given] = await other.submit(tasks.around);
      console.log(own, given);
    `),
    async (project) => {
      assert.deepEqual(lines(await run(project, ["-A"])), [`${project.folder} ${dirname(REPOSITORY)}`]);
    },
  ));
