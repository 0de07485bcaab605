/**
 * The slate: two words that a parent and its worker share, and that outlive the worker.
 *
 * | word | written by | means |
 * | --- | --- | --- |
 * | `entered` | the worker, before it decodes a call | the last call entered, as `4 * sequence + phase`; 0: none |
 * | `stop` | the parent | from this call on none may be entered, as `2 * sequence`, plus 1 if the one before it is to end; 0: no such call |
 *
 * Where tiny calls share an entry, `entered` names the last of them.
 *
 * ARCHITECTURE.md, "Who is lost?", has the protocol and why each reading stands where it stands.
 */

/** Sixteen bytes somewhere: shared memory, or a file in the pool's private folder. */
export interface SlateMemory {
  /** Reads a word: 0 is `entered`, 1 is `stop`. */
  read(word: 0 | 1): number;
  /** Writes a word. */
  write(word: 0 | 1, value: number): void;
  /** Lets go of it. */
  close(): void;
}

/** Bytes of a slate. */
export const SLATE_SIZE = 16;

/** How far a call has come that was entered. */
export const Phase = {
  /** Its module is imported, or its large arguments are decoded. */
  PREPARING: 0,
  /** Its function may have begun to run. */
  RUNNING: 1,
  /** Its function runs, and has asked for its signal: it may end by itself when that aborts. */
  LISTENING: 2,
} as const;
/** One of {@linkcode Phase}. */
export type Phase = typeof Phase[keyof typeof Phase];

/** The call that a worker has entered. */
export interface Entered {
  /** Its sequence number; 0: no call was ever entered. */
  readonly sequence: number;
  /** How far it has come. */
  readonly phase: Phase;
}

/** Reads which call the worker has entered. The parent's side. */
export function readEntered(memory: SlateMemory): Entered {
  const word = memory.read(0);
  return { sequence: Math.floor(word / 4), phase: word % 4 as Phase };
}

/** Writes that the worker enters a call. The worker's side. */
export function writeEntered(memory: SlateMemory, sequence: number, phase: Phase): void {
  memory.write(0, 4 * sequence + phase);
}

/** Reads from which call on none may be entered; 0: no such call. The worker's side. */
export function readStop(memory: SlateMemory): number {
  return Math.floor(memory.read(1) / 2);
}

/** Reads which call is to end; 0: none. The worker's side. */
export function readAborted(memory: SlateMemory): number {
  const word = memory.read(1);
  return word % 2 === 1 ? (word - 1) / 2 - 1 : 0;
}

/**
 * Writes from which call on none may be entered; 0: no such call. The parent's side.
 *
 * @param aborts Whether the call before it is to end.
 */
export function writeStop(memory: SlateMemory, sequence: number, aborts = false): void {
  memory.write(1, 2 * sequence + (aborts ? 1 : 0));
}
