/** A bare child process that imports one file and answers on a Unix socket. */
import { connect } from "node:net";
import process from "node:process";
import { identity } from "../work.ts";

const socket = connect(process.argv[2]);
socket.on("data", (chunk: Buffer) => void socket.write(identity(chunk)));
