/** The child's way to its parent: a line on its stdin says where, the token in it who. */
import { FrameWriter, MessageKind, PROTOCOL_VERSION } from "../channel/protocol.ts";
import { StreamChannel } from "../channel/stream_channel.ts";
import { nodeModule } from "./node_api.ts";
import type { ChildGreeting } from "./process_host.ts";
import type { ParentLink } from "./runtime.ts";
import { SlateFile } from "./slate_file.ts";
import { SocketStream } from "./socket_stream.ts";

/** Reads the greeting, connects, says hello. */
export async function connectToParent(): Promise<ParentLink> {
  const { socket: path, slate: slatePath, token } = JSON.parse(readLine()) as ChildGreeting;
  const socket = nodeModule("node:net").connect(path);
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve();
    });
  });
  const slate = new SlateFile(slatePath, false);
  const channel = new StreamChannel(new SocketStream(socket));
  const hello = new FrameWriter();
  hello.beginFrame(MessageKind.HELLO);
  hello.u32(PROTOCOL_VERSION);
  for (const byte of new TextEncoder().encode(token)) hello.u8(byte);
  channel.send(hello.endFrame());
  return { channel, slate, token };
}

/** The first line of stdin. It blocks: the parent writes it as soon as this process is known to the reaper. */
function readLine(): string {
  const { readSync } = nodeModule("node:fs");
  const bytes: number[] = [];
  const one = new Uint8Array(1);
  while (readSync(0, one, 0, 1, null) === 1 && one[0] !== 10) bytes.push(one[0]);
  return new TextDecoder().decode(new Uint8Array(bytes));
}
