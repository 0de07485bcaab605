/**
 * The slate: two words that a parent and its worker share, and that outlive the worker.
 *
 * | word | written by | means |
 * | --- | --- | --- |
 * | `entered` | the worker, before it decodes a call | the last call entered, as `2 * sequence + phase`; 0: none |
 * | `stop` | the parent | from this call on none may be entered; 0: no such call |
 *
 * The phase is 0 while the worker imports the call's module or decodes large arguments, 1 from the moment the task's
 * function may run. Where tiny calls share an entry, `entered` names the last of them.
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

/** The call that a worker has entered. */
export interface Entered {
  /** Its sequence number; 0: no call was ever entered. */
  readonly sequence: number;
  /** Whether its function may have begun to run. */
  readonly running: boolean;
}

/** Reads which call the worker has entered. The parent's side. */
export function readEntered(memory: SlateMemory): Entered {
  const word = memory.read(0);
  return { sequence: Math.floor(word / 2), running: word % 2 === 1 };
}

/** Writes that the worker enters a call. The worker's side. */
export function writeEntered(memory: SlateMemory, sequence: number, running: boolean): void {
  memory.write(0, 2 * sequence + (running ? 1 : 0));
}

/** Reads from which call on none may be entered; 0: no such call. The worker's side. */
export function readStop(memory: SlateMemory): number {
  return memory.read(1);
}

/** Writes from which call on none may be entered; 0: no such call. The parent's side. */
export function writeStop(memory: SlateMemory, sequence: number): void {
  memory.write(1, sequence);
}
