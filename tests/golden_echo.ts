/** Reads a file's lines of bytes, decodes and encodes each again, and writes them: `golden_test.ts` runs it on other runtimes. */
import { readFileSync } from "node:fs";
import process from "node:process";
import "./golden_values.ts"; // registers its classes
import { hexOf, valueOf } from "./wire.ts";

const lines = readFileSync(process.argv[2], "utf8").trimEnd().split("\n");
process.stdout.write(lines.map((line) => `${hexOf(valueOf(line))}\n`).join(""));
