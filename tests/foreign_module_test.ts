/** Row R40: a parent imports no module because a worker says so, whatever module its answers name. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "./harness.ts";
import { withProject } from "./user_project.ts";

const PLANTED = `
  import { appendFileSync } from "node:fs";
  import process from "node:process";
  appendFileSync(process.env.HERE + "/imports", process.pid + "\\n");
`;

/** Only workers register these classes, as ones of a module that nobody imports. */
const MAIN = `
  import { isMain, picklable, ProcessPoolExecutor, tasks, ThreadPoolExecutor } from "@ergate/ergate";
  import process from "node:process";
  class Fields {
    a = 1;
  }
  class State {
    toPickle(): number {
      return 1;
    }
    static fromPickle(): State {
      return new State();
    }
  }
  class PlantedError extends RangeError {
    code = 7;
  }
  class StateError extends TypeError {
    toPickle(): number {
      return 1;
    }
    static fromPickle(): StateError {
      return new StateError();
    }
  }
  if (!isMain(import.meta)) {
    const module = { url: import.meta.resolve("./planted.ts") };
    for (const Class of [Fields, State, PlantedError, StateError]) picklable(module, Class as never);
  }
  function made(what: string): unknown {
    if (what === "fields") return new Fields();
    if (what === "state") return new Map([["in", [new State()]]]);
    if (what === "error") return new PlantedError("full");
    if (what === "state error") return new StateError("odd");
    if (what === "cause") return new Error("outer", { cause: new PlantedError("full") });
    return Object.assign(new Error("outer"), { fields: new Fields(), list: [new State()] });
  }
  export function give(what: string): unknown {
    return made(what);
  }
  export function fail(what: string): never {
    throw made(what);
  }
  export function failLater(what: string): Promise<void> {
    setTimeout(() => fail(what));
    return new Promise(() => {});
  }
  tasks(import.meta, { fail, failLater, give });

  if (isMain(import.meta)) {
    const Pool = process.argv[2] === "thread" ? ThreadPoolExecutor : ProcessPoolExecutor;
    const kinds = ["fields", "state", "error", "state error", "cause", "fields of an error"];
    const pool = new Pool(1);
    const show = (error: unknown): string => Object(error).name + (Object(error).cause ? " < " + Object(error).cause.name : "");
    for (const kind of kinds) {
      console.log("give", kind, show(await pool.submit(give, kind).exception()));
      console.log("fail", kind, show(await pool.submit(fail, kind).exception()));
    }
    for (const kind of kinds) await pool.map(give, [kind]).next().catch(() => {});
    const lost = await pool.submit(failLater, "error").exception();
    console.log("lost", show(lost));
    const broken = new Pool({ maxWorkers: 1, initializer: fail as () => never, initargs: ["state error"] });
    console.log("broken", show(await broken.submit(give, "fields").exception()));
    await broken.shutdown();
    await pool.shutdown();
  }
`;

for (const kind of ["process", "thread"]) {
  test(`R40 results, errors and crashes that name a module do not make the parent import it [${kind}]`, () =>
    withProject({ "main.ts": MAIN, "planted.ts": PLANTED }, async (project) => {
      const { code, stdout, stderr } = await project.run("main.ts", { args: [kind] });
      assert.equal(code, 0, stderr);
      assert.deepEqual(stdout.trimEnd().split("\n"), [
        "give fields PicklingError",
        "fail fields PicklingError",
        "give state PicklingError",
        "fail state PicklingError",
        "give error PicklingError",
        "fail error PlantedError",
        "give state error PicklingError",
        "fail state error StateError",
        "give cause PicklingError",
        "fail cause Error < PlantedError",
        "give fields of an error PicklingError",
        "fail fields of an error Error",
        "lost WorkerLostError < PlantedError",
        `broken Broken${kind === "thread" ? "Thread" : "Process"}Pool < StateError`,
      ]);
      assert.ok(!existsSync(project.path("imports")), "a module was imported");
    }));
}
