/** Hosts that are not quite the one that runs the tests: workers that do not start, or that are watched; a quick clock. */
import { replaceTimers } from "../runtime/host_functions.ts";
import { runtime } from "../runtime/mod.ts";
import type { ProcessOptions, Runtime, StartOptions, WorkerHandle } from "../runtime/runtime.ts";
import { onKillThread } from "./watched_threads.ts";

/** Starts a worker as the host does. */
export type Start = () => WorkerHandle;

/**
 * The host's own runtime, but each start of a worker goes through `start`, which is told how many there were; and what the worker
 * is to find through `change`.
 */
export function runtimeWith(
  start: (go: Start, count: number) => WorkerHandle,
  change: <Options extends StartOptions>(options: Options, count: number) => Options = (options) => options,
): Runtime & { readonly starts: number } {
  const host = runtime();
  let starts = 0;
  const changed = {
    get starts(): number {
      return starts;
    },
    openProcessGroup() {
      const group = host.openProcessGroup();
      return {
        close: () => group.close(),
        start: (options: ProcessOptions) => {
          const count = ++starts;
          return start(() => group.start(change(options, count)), count);
        },
      };
    },
    openThreadGroup() {
      const group = host.openThreadGroup();
      return {
        close: () => group.close(),
        start: (options: StartOptions) => {
          const count = ++starts;
          return start(() => noted(group.start(change(options, count))), count);
        },
      };
    },
  };
  return new Proxy(host, {
    get(target, name): unknown {
      if (name in changed) return Reflect.get(changed, name, changed);
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  }) as never;
}

/** Has the tests kill this thread as its pool does. */
function noted(handle: WorkerHandle): WorkerHandle {
  onKillThread(Number(handle.place.slice("thread ".length)), () => handle.kill("SIGKILL"));
  return handle;
}

/** The host's own runtime, whose threads the tests can kill. */
export function watchedRuntime(): Runtime {
  return runtimeWith((go) => go());
}

/** Runs `fn` on a clock on which seconds are a hundred times as short: graces that only something stuck reaches. */
export async function withoutPatience<T>(fn: () => Promise<T>): Promise<T> {
  const { setTimeout, clearTimeout } = globalThis;
  const hurried = (callback: () => void, delay: number): unknown =>
    setTimeout(callback, delay >= 1_000 ? delay / 100 : delay);
  replaceTimers({ setTimeout: hurried as typeof setTimeout, clearTimeout });
  try {
    return await fn();
  } finally {
    replaceTimers({ setTimeout, clearTimeout });
  }
}
