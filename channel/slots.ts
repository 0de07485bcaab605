/** What values hold in slots is read by the getters of their classes: own fields of the same names say nothing of it. */

/** Gives what an object holds in a slot; called with the object as `this`. */
export type Getter = (this: unknown) => unknown;

/** The getter of that name that a class's prototype has. */
export function getter(prototype: object, name: string): Getter {
  return Object.getOwnPropertyDescriptor(prototype, name)!.get as Getter;
}
