/** Signals by their names and numbers. */
import { nodeModule } from "./node_api.ts";

/** The first of the real-time signals, which have no names of their own. */
const REAL_TIME = 34;

/**
 * The number of a signal on this system.
 *
 * @param name As hosts give it: `SIGTERM`; or as {@linkcode realTimeSignal} does.
 */
export function signalNumber(name: string): number {
  const [, above] = /^SIGRTMIN\+(\d+)$/.exec(name) ?? [];
  return above === undefined ? nodeModule("node:os").constants.signals[name] : REAL_TIME + Number(above);
}

/** What a real-time signal is called: `SIGRTMIN+6`, as the shell's `kill -l` has it. */
export function realTimeSignal(number: number): string {
  return `SIGRTMIN+${number - REAL_TIME}`;
}
