/** The tasks of the programs about numbers of Fibonacci and of Ackermann, and how they print. */
import { tasks } from "@ergate/ergate";

/** A number of Fibonacci, the slow way: each further one takes 1.6 times as long. */
export function fib(n: number): number {
  return n <= 1 ? 1 : fib(n - 1) + fib(n - 2);
}

/** The same, with the number that it belongs to. */
export function numberedFib(n: number): [number, number] {
  return [n, fib(n)];
}

/** Ackermann's function, which calls itself for its own arguments. */
export function ackermann(m: number, n: number): number {
  if (m < 0 || n < 0) throw new RangeError(`Cannot compute ackermann(${m}, ${n}) as both must be at least 0`);
  if (m === 0) return n + 1;
  return ackermann(m - 1, n === 0 ? 1 : ackermann(m, n - 1));
}

/** The same of a pair, for maps of one argument. */
export function ackermannOfPair([m, n]: [number, number]): number {
  return ackermann(m, n);
}

tasks(import.meta, { fib, numberedFib, ackermann, ackermannOfPair });

/** The numbers from 1 to a number. */
export function oneTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

/** Prints a number and its value, and when: so one sees whether they come one by one or all together. */
export function printFib(n: number, value: number): void {
  const time = new Date().toISOString().slice(11, 23);
  console.log(`${time} ${String(n).padStart(3)} ${String(value).padStart(10)}`);
}
