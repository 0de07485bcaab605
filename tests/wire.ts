/** Values as bytes in hexadecimal digits, and back. */
import { ByteWriter } from "../channel/byte_writer.ts";
import { decodeValue, encodeValue } from "../channel/codec.ts";

const writer = new ByteWriter();

/** The bytes of a value. */
export function hexOf(value: unknown): string {
  writer.begin();
  encodeValue(writer, value, "value", "argument");
  const bytes = writer.bytes.subarray(writer.start, writer.length);
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex;
}

/** The value of bytes. */
export function valueOf(hex: string): unknown {
  const bytes = Uint8Array.from({ length: hex.length / 2 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16));
  return decodeValue(bytes, 0, bytes.length);
}
