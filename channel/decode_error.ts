/** What bytes are that no codec wrote. */

/** The bytes are not what the codec writes. */
export class DecodeError extends Error {}
Object.defineProperty(DecodeError.prototype, "name", { value: "DecodeError", configurable: true, writable: true });
