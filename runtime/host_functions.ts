/**
 * The host's timers, clock and microtasks, as they are when ergate is imported. Tests replace the global ones (fake timers),
 * and so may a task: an engine that asked for them at each call would stop then, and its calls would wait for ever. What
 * nobody would wait for is not kept.
 */

/** `setTimeout`. */
export let setTimeout: typeof globalThis.setTimeout = globalThis.setTimeout;

/** `clearTimeout`. */
export let clearTimeout: typeof globalThis.clearTimeout = globalThis.clearTimeout;
/** `setInterval`. */
export const setInterval: typeof globalThis.setInterval = globalThis.setInterval;
/** `clearInterval`. */
export const clearInterval: typeof globalThis.clearInterval = globalThis.clearInterval;
/** `queueMicrotask`. */
export const queueMicrotask: typeof globalThis.queueMicrotask = globalThis.queueMicrotask;
/** `performance.now`: milliseconds since some moment. */
export const now: () => number = globalThis.performance.now.bind(globalThis.performance);

/** `setTimeout`, for what is worth doing only while the program lives for other reasons. */
export function setBackgroundTimeout(fn: () => void, delay: number): ReturnType<typeof globalThis.setTimeout> {
  const timer = setTimeout(fn, delay);
  (timer as unknown as { unref?(): void }).unref?.(); // browsers have none, and no program that ends
  return timer;
}

/** Puts other timers in their place: a test of a grace need not wait for it. */
export function replaceTimers(timers: Pick<typeof globalThis, "setTimeout" | "clearTimeout">): void {
  ({ setTimeout, clearTimeout } = timers);
}
