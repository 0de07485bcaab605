/**
 * The workers' entry: what a child process of a pool runs. Nobody imports it.
 *
 * @module
 */
import { runtime } from "../runtime/mod.ts";
import { runWorker } from "./worker_main.ts";

await runWorker(runtime());
