/**
 * The keys of an array that are no indices: `index` and `input` of a match, or what a program has put there.
 *
 * No language feature asks for these alone. `Object.keys` names the indices too, 10 to 60 ns each; what prints values for
 * programmers asks its engine, and costs the same for an array of any length: 0.6 µs on Node and Bun, 5 to 10 on Deno.
 * So a long array is printed without its items, and only if anything but their number is shown is it asked for its keys.
 */

/** How the host prints an array without its items. */
export interface ArrayPrinter {
  /** Arrays longer than this are cheaper printed than asked for their keys. */
  readonly longer: number;
  /** Prints it; runs no code of the user's. */
  print(value: readonly unknown[]): string;
}

/** Indices as keys, for short arrays. */
const INDICES: readonly string[] = Object.keys(new Array(32).fill(0));

let printer: ArrayPrinter | undefined;

/** Takes the host's printer. It makes long arrays cheaper, and changes nothing else: without it all are asked. */
export function useArrayPrinter(host: ArrayPrinter | undefined): void {
  printer = host;
}

/**
 * Finds an array's other keys.
 *
 * @param value The array.
 * @param length Its length.
 * @returns Its enumerable keys that are no indices, in order; `undefined` if there is none.
 */
export function otherKeys(value: readonly unknown[], length: number): string[] | undefined {
  if (printer !== undefined && length > printer.longer && printer.print(value) === `[ ... ${length} more items ]`) {
    return undefined;
  }
  const keys = Object.keys(value);
  const last = keys[keys.length - 1];
  // Indices stand in front. Nearly always the last key is the last index, and that is soon compared.
  if (last === undefined || last === INDICES[length - 1] || indexOf(last) >= 0) return undefined;
  return keys.filter((key) => indexOf(key) < 0);
}

/** The number of an array's key; -1 if it is not an index. */
export function indexOf(key: string): number {
  const index = Number(key) >>> 0;
  return String(index) === key && index !== 0xffff_ffff ? index : -1;
}
