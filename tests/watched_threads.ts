/** The threads of this program, watched: which are alive, and how each is ended from outside. For tests, and for programs that they run. */
import { THREAD_IS_OVER, THREAD_LIVES } from "./worker_side.ts";

interface Thread {
  readonly threadId: number;
  on(event: "exit", listener: () => void): unknown;
  terminate(): unknown;
}

type ThreadClass = new (
  program: URL | string,
  options?: { readonly name?: string; readonly workerData?: object },
) => Thread;

interface WatchedThread {
  readonly thread: Thread;
  /** What `worker_side.ts` reads and writes in the thread. */
  readonly word: Int32Array;
  kill(): void;
}

/** What Node and Bun call a watched thread; on Deno it is `worker-1`, or the like. */
export const THREAD_NAME = "ergate-test";

/** The threads that this program started and whose end it was not told of, by their numbers. */
const threads = new Map<number, WatchedThread>();

/** Has each thread that this program starts noted, and given its word. */
function watchThreads(): void {
  const { process } = globalThis as unknown as { process: { getBuiltinModule(name: string): unknown } };
  const module = process.getBuiltinModule("node:worker_threads") as { Worker: ThreadClass };
  module.Worker = class extends module.Worker {
    constructor(program: URL | string, options: { readonly workerData?: object } = {}) {
      const ergateTest = new SharedArrayBuffer(4);
      super(program, { ...options, name: THREAD_NAME, workerData: { ...options.workerData, ergateTest } });
      const id = this.threadId;
      const word = new Int32Array(ergateTest);
      threads.set(id, { thread: this, word, kill: () => this.terminate() });
      this.on("exit", async () => {
        threads.delete(id);
        // Some microtasks later: what still loops there would go on before the pool, which hears of it too, has judged.
        for (let step = 0; step < 50; step++) await null;
        Atomics.store(word, 0, THREAD_IS_OVER);
        Atomics.notify(word, 0);
      });
      void Promise.resolve(Atomics.waitAsync(word, 0, THREAD_LIVES).value).then(() => killThread(id));
    }
  };
}

watchThreads();

/** Numbers of the threads that are alive. */
export function liveThreads(): number[] {
  return [...threads.keys()];
}

/** Ends a thread, as its pool would if it told how by {@linkcode onKillThread}; one that has ended is no error. */
export function killThread(id: number): void {
  threads.get(id)?.kill();
}

/** Says how a thread is to be ended. */
export function onKillThread(id: number, kill: () => void): void {
  const watched = threads.get(id);
  if (watched) threads.set(id, { ...watched, kill });
}
