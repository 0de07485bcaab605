/**
 * The worker of `workers_test.ts`: a child that does what it is told, with no scheduler and no tasks. What it does before
 * it says hello is in the variable `ECHO_MODE`; afterwards each message is a line of JSON, `[command, argument]`.
 */
import process from "node:process";
import { connect } from "node:net";
import { FrameWriter, MessageKind, PROTOCOL_VERSION } from "../channel/protocol.ts";
import { readStop, writeEntered } from "../channel/slate.ts";
import { runtime } from "../runtime/mod.ts";
import type { ParentLink } from "../runtime/runtime.ts";
import { frameOf, helloOf, textOf } from "./echo_frames.ts";
import { arrive } from "./latch.ts";
import { FRAME_HEAD_SIZE, FRAME_MARK } from "../channel/protocol.ts";

type Command = readonly [name: string, argument?: string | number];

function head(size: number, mark: number): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEAD_SIZE);
  new DataView(bytes.buffer).setUint32(0, size, true);
  new DataView(bytes.buffer).setUint32(4, (size ^ mark) >>> 0, true);
  return bytes;
}

function dieBySignal(signal: string): never {
  process.kill(process.pid, signal);
  for (;;);
}

function die(how: string): void {
  if (how.startsWith("exit ")) process.exit(Number(how.slice(5)));
  if (how.startsWith("SIG")) dieBySignal(how);
  if (how === "abort()") process.abort();
  if (how === "throw") throw new Error("thrown by the echo");
  if (how === "reject") void Promise.reject(new Error("rejected by the echo"));
}

async function obey({ channel, slate }: ParentLink, [name, argument]: Command): Promise<void> {
  switch (name) {
    case "echo":
      return channel.send(frameOf(String(argument)));
    case "die":
      return die(String(argument));
    case "write, then die": {
      const filler = "x".repeat(2_000);
      for (let i = 0; i < 50; i++) channel.send(frameOf(`${i} ${filler}`));
      await channel.drained();
      return die(String(argument));
    }
    case "close":
      return channel.close();
    case "abort the channel":
      return channel.abort(new Error("enough"));
    case "raw":
      return channel.send(new TextEncoder().encode(String(argument)));
    case "wrong head":
      return channel.send(head(5, FRAME_MARK ^ 1));
    case "truncated":
      channel.send(frameOf("a frame that is cut").subarray(0, 12));
      return channel.close();
    case "huge":
      return channel.send(head(0xffff_fff0, FRAME_MARK));
    case "enter":
      return writeEntered(slate, Number(argument), true);
    case "enter and loop":
      writeEntered(slate, Number(argument), true);
      channel.send(frameOf("entered"));
      await channel.drained();
      for (;;);
    case "stop?":
      return channel.send(frameOf(String(readStop(slate))));
    case "come twice":
      return await comeTwice(String(argument));
    case "descriptors":
      return channel.send(frameOf(process.env.ECHO_MODE ?? ""));
  }
}

/** Comes a second time with the token that was used. */
async function comeTwice(path: string): Promise<void> {
  const link = await linked;
  const socket = connect(path);
  socket.on("connect", () => socket.write(helloOf(link.token)));
  socket.on("error", () => {});
  socket.on("close", () => link.channel.send(frameOf("closed")));
}

async function start(): Promise<ParentLink> {
  switch (process.env.ECHO_MODE) {
    case "die before hello":
      process.exit(3);
      break;
    case "say nothing":
      arrive(process.env.ECHO_FILE!, "here");
      return await new Promise(() => setInterval(() => {}, 1_000));
  }
  const link = await runtime().connectToParent();
  if (process.env.ECHO_MODE === "send at once") {
    for (let i = 0; i < 3; i++) {
      link.channel.send(frameOf(`early ${i}`));
    }
  }
  return link;
}

/** The greeting, read as a stranger with some knowledge would. */
async function pretend(mode: string): Promise<void> {
  const greeting = await new Promise<{ socket: string; token: string }>((resolve) => {
    process.stdin.once("data", (line) => resolve(JSON.parse(String(line))));
  });
  const socket = connect(greeting.socket);
  const hello = mode === "wrong token" ? helloOf("0".repeat(32)) : helloOf(greeting.token, PROTOCOL_VERSION + 1);
  socket.on("connect", () => socket.write(hello));
  socket.on("data", () => {});
  socket.on("error", () => {});
  socket.on("close", () => process.exit(7));
}

const mode = process.env.ECHO_MODE ?? "";
const linked = mode === "wrong token" || mode === "wrong version" ? undefined as never : start();
if (linked === undefined) void pretend(mode);
else {
  const link = await linked;
  link.channel.closed.then(() => {
    if (mode !== "live on") process.exit(0);
  });
  setInterval(() => {}, 1_000);
  link.channel.receive((frame) => void obey(link, JSON.parse(textOf(frame))));
}

void FrameWriter;
void MessageKind;
