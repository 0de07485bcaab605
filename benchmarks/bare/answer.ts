/** What bare workers do with a message. */
import { hashFlat } from "../hash_work.ts";
import { napOrSpin, spinTimes } from "../work.ts";

/** A call by name. */
export interface BareCall {
  readonly name: string;
  readonly args: readonly unknown[];
}

type AnyFunction = (...args: never[]) => unknown;

const FUNCTIONS: Readonly<Record<string, AnyFunction>> = { napOrSpin, spinTimes, hashFlat };

/** Runs a call; tells the size of a buffer; gives anything else back. */
export function answer(message: unknown): unknown {
  if (message instanceof ArrayBuffer) return message.byteLength;
  if (typeof message !== "object" || message === null || !("name" in message)) return message;
  const { name, args } = message as BareCall;
  return FUNCTIONS[name](...args as never[]);
}
