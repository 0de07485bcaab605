/**
 * The workers' entry: what a child process of a pool runs. Nobody imports it.
 *
 * @module
 */
import { useCompileCache } from "../runtime/compile_cache.ts";

useCompileCache();

// Imported only now, as the cache holds what is imported after its start.
const [{ runtime }, { runWorker }] = await Promise.all([import("../runtime/mod.ts"), import("./worker_main.ts")]);

await runWorker(runtime());
