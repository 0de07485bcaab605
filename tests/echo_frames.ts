/** What `workers_test.ts` and its child, `echo_entry.ts`, say to each other: frames of text; and the hello. */
import { FrameReader, FrameWriter, MessageKind, PROTOCOL_VERSION } from "../channel/protocol.ts";

/** A frame that holds a text. */
export function frameOf(text: string): Uint8Array {
  const frame = new FrameWriter();
  frame.beginFrame(MessageKind.RESULTS);
  const bytes = new TextEncoder().encode(text);
  frame.block(bytes, 0, bytes.length);
  return frame.endFrame();
}

/** The text of a frame. */
export function textOf(bytes: Uint8Array): string {
  const frame = new FrameReader(bytes);
  frame.u8();
  const size = frame.u32();
  return new TextDecoder().decode(bytes.subarray(frame.skip(size), frame.at));
}

/** The first message of a child. */
export function helloOf(token: string, version: number = PROTOCOL_VERSION): Uint8Array {
  const frame = new FrameWriter();
  frame.beginFrame(MessageKind.HELLO);
  frame.u32(version);
  for (const byte of new TextEncoder().encode(token)) frame.u8(byte);
  return frame.endFrame();
}
