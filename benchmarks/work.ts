/** The work itself, as plain functions: pools run them as tasks (`tasks.ts`), bare workers and the parent as they are. */

/** Gives back what it is given. */
export function identity<T>(value: T): T {
  return value;
}

/** Both ends of an array: a number of a large value. */
export function ends(array: Float64Array): number {
  return array[0] + array[array.length - 1];
}

/** Keeps a core busy: so many rounds of xorshift, whose numbers stay small, so that engines compile it alike everywhere. */
export function spin(rounds: number): number {
  let state = 1;
  for (let round = 0; round < rounds; round++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
  }
  return state;
}

/** The same, several times over. */
export function spinTimes(times: number, rounds: number): number {
  let last = 0;
  for (let time = 0; time < times; time++) last = spin(rounds);
  return last;
}

const NEVER = new Int32Array(new SharedArrayBuffer(4));

/** Keeps the worker for so many milliseconds without using its core, if there are any; else spins. One task for long and short. */
export function napOrSpin(milliseconds: number, rounds: number): number {
  if (milliseconds === 0) return spin(rounds);
  Atomics.wait(NEVER, 0, 0, milliseconds);
  return 0;
}

/** Rounds of `spin` that take so many microseconds here. */
export function roundsOf(microseconds: number): number {
  const rounds = 1_000_000;
  let best = Infinity;
  for (let trial = 0; trial < 12; trial++) {
    const start = performance.now();
    spin(rounds + trial);
    best = Math.min(best, performance.now() - start);
  }
  return Math.round(rounds * microseconds / (best * 1e3));
}
