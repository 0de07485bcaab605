/** A bare child process on a Unix socket, whose path is its argument. */
import { connect } from "node:net";
import process from "node:process";
import { answer } from "./answer.ts";
import { frame, Frames } from "./frames.ts";

const socket = connect(process.argv[2]);
const frames = new Frames((message) => {
  for (const bytes of frame(answer(message))) socket.write(bytes);
});
socket.on("data", (chunk: Buffer) => frames.push(chunk));
