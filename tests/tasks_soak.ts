/** The tasks of the soak. Each call leaves a line when it begins: its number, and its worker's. */
import { currentTask } from "../tasks/current_task.ts";
import { tasks } from "../tasks/task.ts";
import { arrive } from "./latch.ts";
import { die, loop, WORKER_ID } from "./worker_side.ts";

/** What a call does. */
export type Doing =
  | "return"
  | "spin"
  | "sleep"
  | "big"
  | "progress"
  | "obey"
  | "throw"
  | "throw at first"
  | "exit"
  | "kill"
  | "loop";

let file = "";

/** The initializer: where lines are left. */
export function setUp(path: string): void {
  file = path;
}

/** Does what it is told, for some milliseconds, and gives its number, perhaps with a large buffer. */
export function work(n: number, doing: Doing, milliseconds: number): unknown {
  arrive(file, `${n} ${WORKER_ID}`);
  switch (doing) {
    case "return":
      return n;
    case "spin": {
      const end = performance.now() + milliseconds;
      while (performance.now() < end);
      return n;
    }
    case "sleep":
      return sleep(milliseconds).then(() => n);
    case "big":
      return [n, new Uint8Array(300_000).fill(n % 251)];
    case "progress":
      for (let done = 1; done <= 3; done++) currentTask()!.reportProgress(done, 3);
      return n;
    case "obey":
      return obey(n, milliseconds);
    case "throw":
      throw new RangeError(`from call ${n}`);
    case "throw at first":
      if (currentTask()!.attempt === 1) throw new RangeError(`from call ${n}`);
      return n;
    case "exit":
      return die("exit 3");
    case "kill":
      return die("kill");
    case "loop":
      return loop();
  }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Ends early when it is told to. */
async function obey(n: number, milliseconds: number): Promise<number> {
  const { signal } = currentTask()!;
  for (let i = 0; i < milliseconds && !signal.aborted; i++) await sleep(1);
  signal.throwIfAborted();
  return n;
}

tasks(import.meta, { setUp, work });
