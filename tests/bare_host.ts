/** Makes a host look like a browser, as far as it lets that be done. */

const NAMES = ["Deno", "Bun", "process"];

/** Whether the host can look like a browser: whether what tells it from one can be taken away. */
export const canBeBare: boolean = NAMES.every((name) => {
  return Object.getOwnPropertyDescriptor(globalThis, name)?.configurable !== false;
});

/**
 * Takes it away: to be called before ergate is imported, which then takes the host for a browser. What tasks need to end their
 * worker is kept as `exitOfHost`.
 */
export function becomeBare(): void {
  const host = globalThis as unknown as Record<"process" | "Deno", { exit(code: number): void }>;
  const owner = host.Deno ?? host.process; // the process's asks for the other
  Object.assign(globalThis, { exitOfHost: owner.exit.bind(owner) });
  if (canBeBare) { for (const name of NAMES) Reflect.deleteProperty(globalThis, name); }
}
