/**
 * The worker of `workers_test.ts`: a child that does what it is told, with no scheduler and no tasks. What it does at its
 * start is in the variable `ECHO_MODE`; afterwards each message is `[command, argument]` as JSON.
 */
import { connect } from "node:net";
import process from "node:process";
import { FRAME_HEAD_SIZE, FRAME_MARK, PROTOCOL_VERSION } from "../channel/protocol.ts";
import { Phase, readStop, writeEntered } from "../channel/slate.ts";
import { runtime } from "../runtime/mod.ts";
import type { ParentLink } from "../runtime/runtime.ts";
import { frameOf, helloOf, textOf } from "./echo_frames.ts";
import { arrive } from "./latch.ts";

const mode = process.env.ECHO_MODE ?? "";

function die(how: string): void {
  if (how.startsWith("exit ")) process.exit(Number(how.slice(5)));
  if (how === "abort()") process.abort();
  if (how === "reject") void Promise.reject(new Error("rejected by the echo"));
  if (how === "throw") {
    setTimeout(() => {
      throw new Error("thrown by the echo");
    });
  }
  if (!how.startsWith("SIG")) return;
  process.kill(process.pid, how);
  for (;;);
}

function headOf(size: number, mark: number): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEAD_SIZE);
  new DataView(bytes.buffer).setUint32(0, size, true);
  new DataView(bytes.buffer).setUint32(4, (size ^ mark) >>> 0, true);
  return bytes;
}

/** The token of this worker; nothing but the engine is to know it, so it is overheard. */
let token = "";
const { parse } = JSON;
JSON.parse = (text: string) => {
  const value = parse(text);
  JSON.parse = parse;
  token = value.token;
  return value;
};

async function obey({ channel, slate }: ParentLink, command: string, argument: string): Promise<void> {
  switch (command) {
    case "echo":
      return channel.send(frameOf(argument));
    case "die":
      return die(argument);
    case "write 50 and die":
      for (let i = 0; i < 50; i++) channel.send(frameOf(`${i} ${"x".repeat(500)}`));
      await channel.drained();
      return die(argument);
    case "close":
      return channel.close();
    case "text":
      return channel.send(new TextEncoder().encode("console.log was here\n"));
    case "wrong head":
      return channel.send(headOf(5, FRAME_MARK ^ 1));
    case "huge":
      return channel.send(headOf(0xffff_fff0, FRAME_MARK));
    case "truncated":
      channel.send(frameOf("a frame that is cut").subarray(0, 12));
      return channel.close();
    case "enter":
      return writeEntered(slate, Number(argument), Phase.RUNNING);
    case "enter and loop":
      writeEntered(slate, Number(argument), Phase.RUNNING);
      channel.send(frameOf("looping"));
      await channel.drained();
      for (;;);
    case "stop?":
      return channel.send(frameOf(String(readStop(slate))));
    case "come again":
      come(argument, helloOf(token)).on("close", () => channel.send(frameOf("sent away")));
  }
}

/** Connects as anybody could. */
function come(path: string, hello: Uint8Array): ReturnType<typeof connect> {
  const socket = connect(path);
  socket.on("connect", () => socket.write(hello));
  socket.on("error", () => {});
  socket.resume();
  return socket;
}

/** Says a hello that is not the right one. */
async function pretend(): Promise<void> {
  const line = await new Promise((resolve) => process.stdin.once("data", resolve));
  const { socket } = JSON.parse(String(line)) as { socket: string };
  const hello = mode === "wrong token" ? helloOf("0".repeat(token.length)) : helloOf(token, PROTOCOL_VERSION + 1);
  come(socket, hello).on("close", () => process.exit(7));
}

async function serve(): Promise<void> {
  const link = await runtime().workerSide().connectToParent();
  const { channel } = link;
  if (mode === "send at once") { for (let i = 0; i < 3; i++) channel.send(frameOf(`early ${i}`)); }
  if (mode !== "outlive the channel") channel.closed.then(() => process.exit(0));
  channel.receive((frame) => {
    const [command, argument] = JSON.parse(textOf(frame)) as [string, string];
    void obey(link, command, argument);
  });
}

setInterval(() => {}, 1_000);
if (mode.startsWith("exit ")) process.exit(Number(mode.slice(5)));
else if (mode === "say nothing") arrive(process.env.ECHO_FILE!);
else if (mode === "wrong token" || mode === "wrong version") await pretend();
else await serve();
