/**
 * What a type must be for its values to cross to a worker. Types only: nothing of this is left when the program runs.
 *
 * The rules are the codec's, as far as types can tell. What they cannot tell passes here, and is checked at the call:
 * `unknown`, `any`, open type parameters, a class whose instances have fields alone.
 *
 * A refused place has the type of a sentence, to which nothing that one would write is assignable: so the compiler points
 * at that place and prints the sentence. All is built so that it looks into a type only as deep as the argument does,
 * as types may hold themselves, and so that it can compare a whole array, map or set by what it holds: to compare their
 * methods one by one costs ten times as much. `tests/types.ts` says what must pass and what must not.
 */

/**
 * Marks, for the compiler alone, a class whose instances cross with their methods although it has no `toPickle()`.
 *
 * The worker must have the class: it is to be registered with `picklable()`, and this says so to the compiler.
 *
 * @example Usage
 * ```ts
 * import type { Picklable, Sendable } from "@ergate/ergate";
 *
 * class Point {
 *   x = 3;
 *   y = 4;
 *   length(): number {
 *     return Math.hypot(this.x, this.y);
 *   }
 * }
 * interface Point extends Picklable {}
 *
 * const point: Sendable<Point> = new Point();
 * ```
 */
export interface Picklable {
  /** Exists in the type only; no value has it. */
  readonly "~picklable": true;
}

/**
 * `T` where it can cross to a worker; elsewhere, at the very place that cannot, a sentence that says why.
 *
 * Refused are functions, classes, symbols, promises, iterators, weak collections and objects with methods, however deep they
 * lie. A class with methods passes if it has `toPickle()` or is marked as {@linkcode Picklable}. `unknown`, `any` and open
 * type parameters pass; what they turn out to hold is checked when it is sent. Properties whose key is a symbol are not
 * looked at, as they do not cross. Readonly arrays pass for mutable ones, as the worker gets a copy.
 *
 * @typeParam T What a task asks for.
 *
 * @example Usage
 * ```ts
 * import { type Executor, type Future, isMain, ProcessPoolExecutor, type Sendable, tasks } from "@ergate/ergate";
 * import assert from "node:assert/strict";
 *
 * export function area(shape: { width: number; height: number }): number {
 *   return shape.width * shape.height;
 * }
 * tasks(import.meta, { area });
 *
 * // A function of one's own that passes an argument on.
 * function callOnce<T, R>(pool: Executor, fn: (value: T) => R, value: Sendable<T>): Future<Awaited<R>> {
 *   return pool.submit(fn, value);
 * }
 *
 * if (isMain(import.meta)) {
 *   await using pool = new ProcessPoolExecutor(1);
 *   assert.equal(await callOnce(pool, area, { width: 2, height: 3 }), 6);
 * }
 * ```
 */
export type Sendable<T> =
  // For `any`, `never` and generic code. For an open type parameter the inner condition stays undecided, and what is known
  // of it is `never`: so it passes unchecked, and every settled type goes on to the next line.
  // deno-lint-ignore no-explicit-any -- `unknown` would not do
  [0 extends (1 & T) ? never : T extends T ? any : never] extends [never] ? T
    : unknown extends T ? T
    : T extends readonly unknown[] ? SendableArray<T>
    // What crosses as it is, or says by itself how.
    : T extends string | number | bigint | boolean | null | undefined | void ? T
    // deno-lint-ignore ban-types -- boxed primitives are meant
    : T extends Number | String | Boolean | BigInt | Date | RegExp ? T
    : T extends ArrayBuffer | SharedArrayBuffer | ArrayBufferView | Picklable | { toPickle(): unknown } ? T
    // deno-lint-ignore ban-types -- the type `Function` is refused as well
    : T extends ((...args: never[]) => unknown) | (abstract new (...args: never[]) => unknown) | Function
      ? "Cannot send a function to a worker: leave it out; for a class with methods see Picklable"
    : T extends symbol ? "Cannot send a symbol to a worker: send a string"
    : T extends PromiseLike<unknown> ? "Cannot send a promise to a worker: await it first"
    : T extends Map<infer K, infer V> ? Map<K, V> extends T ? Map<Sendable<K>, Sendable<V>> : SendableFields<T>
    : T extends Set<infer E> ? Set<E> extends T ? Set<Sendable<E>> : SendableFields<T>
    : T extends ReadonlyMap<infer K, infer V> ? ReadonlyMap<Sendable<K>, Sendable<V>>
    : T extends ReadonlySet<infer E> ? ReadonlySet<Sendable<E>>
    // deno-lint-ignore no-explicit-any -- of anything
    : T extends WeakMap<any, any> | WeakSet<any> | WeakRef<any>
      ? "Cannot send a weak collection or reference to a worker: send what it holds"
    : T extends AsyncIterable<unknown> | Iterator<unknown, unknown, never>
      ? "Cannot send an iterator to a worker: send an array"
    : SendableFields<T>;

/**
 * An object whose fields can cross; a part of {@linkcode Sendable}.
 *
 * @typeParam T The object.
 */
export type SendableFields<T> = { [K in keyof T]: K extends symbol ? T[K] : Sendable<T[K]> };

/**
 * An array or tuple of what can cross; a part of {@linkcode Sendable}. A tuple of a settled length becomes an object type, as
 * the compiler looks into the elements of a tuple at once: one that holds itself would have no end.
 *
 * @typeParam T The array or tuple.
 */
export type SendableArray<T extends readonly unknown[]> = T[number][] extends T ? readonly Sendable<T[number]>[]
  : number extends T["length"]
    ? T extends readonly [...unknown[], unknown] ? { readonly [K in keyof T]: Sendable<T[K]> }
    : Readonly<T> & readonly Sendable<T[number]>[]
  : T extends readonly [] ? readonly []
  : { readonly [K in keyof T as K extends `${number}` | "length" ? K : never]: Sendable<T[K]> };

/**
 * The arguments of a call, each as {@linkcode Sendable}.
 *
 * @typeParam Args The task's parameters.
 */
export type SendableArgs<Args extends unknown[]> = { [K in keyof Args]: Sendable<Args[K]> };
