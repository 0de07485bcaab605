/** What the Web Workers of the browser's scenarios run: the workers' entry, in what looks like a browser. */
import { becomeBare, canBeBare } from "./bare_host.ts";

becomeBare();
if (canBeBare) {
  await import("../executor/entry.ts");
} else {
  const { runWorker } = await import("../executor/worker_main.ts");
  const { BrowserRuntime } = await import("../runtime/browser.ts");
  await runWorker(new BrowserRuntime());
}
