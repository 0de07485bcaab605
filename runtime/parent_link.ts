/** The child's way to its parent: a line on its stdin says where, the token in it who. */
import { introduction, MessageKind } from "../channel/protocol.ts";
import type { SlateMemory } from "../channel/slate.ts";
import { StreamChannel } from "../channel/stream_channel.ts";
import { startGuard } from "./guard.ts";
import { nodeModule, type NodeSocket } from "./node_api.ts";
import type { ChildGreeting } from "./process_host.ts";
import type { ParentLink } from "./runtime.ts";
import { SegmentFile } from "./segment_file.ts";
import { SocketStream } from "./socket_stream.ts";

/**
 * Reads the greeting, connects, says hello.
 *
 * @param openSlate Opens the slate at a path.
 */
export async function connectToParent(openSlate: (path: string) => SlateMemory): Promise<ParentLink> {
  const { socket: path, slate: slatePath, memory, token, guard } = JSON.parse(readLine()) as ChildGreeting;
  if (guard !== undefined) await startGuard(path, token, guard);
  const [up, down] = await Promise.all([connect(path), connect(path)]);
  // A parent that is out of descriptors may have one of them and drop the other. Then it would wait for this process for as
  // long as a start may take, and this process for it.
  up.once("close", () => down.destroy());
  // Before the hello: then the parent unlinks them.
  const slate = openSlate(slatePath);
  const file = memory === undefined ? undefined : openMemory(memory);
  down.write(introduction(MessageKind.DOWN, token));
  const channel = new StreamChannel(new SocketStream(down, up));
  channel.send(introduction(MessageKind.HELLO, token));
  if (file !== undefined) channel.share(file);
  return { channel, slate };
}

/** Large segments go by the socket where the file cannot be opened: on Deno that takes every permission. */
function openMemory(path: string): SegmentFile | undefined {
  try {
    return new SegmentFile(path, false);
  } catch {
    return undefined; // the parent is not told that it is shared, and does the same
  }
}

function connect(path: string): Promise<NodeSocket> {
  return new Promise((resolve, reject) => {
    const socket = nodeModule("node:net").connect(path);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

/** The first line of stdin. It blocks: the parent writes it as soon as this process is known to the reaper. */
export function readLine(): string {
  const { readSync } = nodeModule("node:fs");
  const bytes: number[] = [];
  const one = new Uint8Array(1);
  for (;;) {
    try {
      if (readSync(0, one, 0, 1, null) === 0 || one[0] === 10) break;
      bytes.push(one[0]);
    } catch (error) {
      // Where something has made stdin non-blocking, as a look at `process.stdin` does on Node, and the line is late.
      if ((error as { readonly code?: string }).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1); // a millisecond
    }
  }
  if (bytes.length === 0) throw new Error("the standard input has ended without a greeting");
  return new TextDecoder().decode(new Uint8Array(bytes));
}
