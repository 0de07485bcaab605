/** The tasks of the crash table: each goes wrong at one place of a worker's life, in the way that it is given. */
import process from "node:process";
import { picklable } from "../tasks/picklable.ts";
import { tasks } from "../tasks/task.ts";
import { crash, findChannel, type Way } from "./crash_ways.ts";
import { countLines } from "./latch.ts";
import { WORKER_ID } from "./worker_side.ts";

/** Goes wrong when it is decoded in a worker. */
export class CrashingArgument {
  readonly way: Way;
  constructor(way: Way) {
    this.way = way;
  }
  static fromPickle({ way }: { readonly way: Way }): CrashingArgument {
    crash(way);
    return new CrashingArgument(way);
  }
  toPickle(): { readonly way: Way } {
    return { way: this.way };
  }
}
picklable(import.meta, CrashingArgument);

/** The first call of each worker; gives its number. */
export function begin(): number {
  findChannel();
  return WORKER_ID;
}

/** Takes anything. */
export function take(_value: unknown): string {
  return "done";
}

/** Goes wrong at once. */
export function crashNow(way: Way): string {
  crash(way);
  return "done";
}

/** Goes wrong after a turn of the event loop. */
export async function crashAfterAwait(way: Way): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return crashNow(way);
}

/** Goes wrong when its result is encoded. */
export function crashInResult(way: Way): object {
  return {
    get here(): string {
      return crashNow(way);
    },
  };
}

/** Goes wrong when its result, which is large, is on its way. */
export function crashWhileSending(way: Way): Uint8Array {
  setTimeout(() => crash(way));
  return new Uint8Array(16_000_000).fill(1);
}

/** Goes wrong when nothing is to be done any more. */
export function crashWhenIdle(way: Way): number {
  setTimeout(() => crash(way), 5);
  return WORKER_ID;
}

/** Goes wrong when its worker has nothing to do and ends. */
export function crashAtExit(way: Way): number {
  process.on("exit", () => crash(way));
  return WORKER_ID;
}

/** Goes wrong if nothing has since so many times. */
export function crashAtFirst(way: Way, earlier: number): void {
  if (countLines(process.env.CRASH_MARKS!) === earlier) crash(way);
}

tasks(import.meta, {
  begin,
  take,
  crashNow,
  crashAfterAwait,
  crashInResult,
  crashWhileSending,
  crashWhenIdle,
  crashAtExit,
  crashAtFirst,
});
