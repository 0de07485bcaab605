/** Runs the scenario that is its argument, as a page would: the end of the program waits for whatever is left. */
import process from "node:process";
import { becomeBare } from "./bare_host.ts";

const [name] = process.argv.slice(2);
becomeBare();
const { scenarios } = await import("./browser_scenarios.ts");
await scenarios[name]();
console.log("passed");
