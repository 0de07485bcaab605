/** Plays the scenarios that are its arguments, as a page would: the end of the program waits for whatever is left. */
import process from "node:process";
import { becomeBare } from "./bare_host.ts";

const names = process.argv.slice(2);
becomeBare();
const { scenarios } = await import("./browser_scenarios.ts");
for (const name of names) {
  await scenarios[name]();
  console.log(`passed: ${name}`);
}
