/** Without the host's printer arrays cross all the same: see `runtime/array_printer.ts`. */
import assert from "node:assert/strict";
import { test } from "./harness.ts";
import { withProject } from "./user_project.ts";

test("long arrays can be copied where there is no module to print them with, as in a browser", () =>
  withProject({
    "main.ts": `
      const print = console.log;
      delete globalThis.process;
      const root = ${JSON.stringify(new URL("../", import.meta.url).href)};
      await import(root + "runtime/mod.ts");
      const { encodeList } = await import(root + "channel/codec.ts");
      const { ByteWriter } = await import(root + "channel/byte_writer.ts");
      const writer = new ByteWriter();
      encodeList(writer, [Array.from({ length: 1_000 }, (_, i) => ({ i }))], String, "argument");
      print(typeof process, writer.length > 2_000);
    `,
  }, async (project) => {
    const { stdout, stderr, code } = await project.run("main.ts");
    assert.deepEqual({ stdout, stderr, code }, { stdout: "undefined true\n", stderr: "", code: 0 });
  }));
