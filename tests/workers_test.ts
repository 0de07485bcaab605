/**
 * Child processes by themselves, with no scheduler over them: adapters, channel, slate and reaper under one echo worker
 * (`echo_entry.ts`) that ends in every way. After each test its group has left no file, no descriptor and no process.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import process from "node:process";
import type { Channel } from "../channel/channel.ts";
import { FrameWriter, MessageKind, ProtocolError } from "../channel/protocol.ts";
import { Phase, readEntered, writeStop } from "../channel/slate.ts";
import type { Child, ChildCommand } from "../runtime/child.ts";
import { runtime } from "../runtime/mod.ts";
import { NodeChild } from "../runtime/child.ts";
import { Reaper } from "../runtime/reaper.ts";
import type { ProcessOptions, WorkerExit, WorkerGroup, WorkerHandle } from "../runtime/runtime.ts";
import { descriptors } from "./descriptors.ts";
import { frameOf, helloOf, textOf } from "./echo_frames.ts";
import {
  Arrivals,
  isAlive,
  kill,
  liveProcesses,
  type Program,
  startProgram,
  test,
  until,
  untilGone,
  withTempFolder,
} from "./harness.ts";
import { withoutPatience } from "./host_doubles.ts";
import { REPOSITORY } from "./project.ts";

const ENTRY = { url: new URL("echo_entry.ts", import.meta.url).href, bundled: false };

/** A worker that has said hello. */
class Echo {
  readonly frames: string[] = [];
  readonly process: WorkerHandle;
  readonly channel: Channel;

  constructor(process: WorkerHandle, channel: Channel) {
    this.process = process;
    this.channel = channel;
    channel.receive((frame) => this.frames.push(textOf(frame)));
  }

  tell(command: string, argument: string | number = ""): void {
    this.channel.send(frameOf(JSON.stringify([command, argument])));
  }

  async ask(command: string, argument: string | number = ""): Promise<string> {
    const { length } = this.frames;
    this.tell(command, argument);
    await until(`the echo answers ${command}`, () => this.frames.length > length);
    return this.frames[length];
  }
}

/** The group that a test has, alone in its folder. */
class Group {
  readonly folder: string;
  readonly started: WorkerHandle[] = [];
  readonly #group: WorkerGroup<ProcessOptions> = runtime().openProcessGroup();

  constructor(folder: string) {
    this.folder = folder;
  }

  start(mode = "", more: { readonly cwd?: string; readonly execArgv?: string[] } = {}): WorkerHandle {
    const env = { ECHO_MODE: mode, ECHO_FILE: `${this.folder}-arrivals` };
    const worker = this.#group.start({ name: "echo", entry: ENTRY, modules: [], env, ...more });
    this.started.push(worker);
    return worker;
  }

  async echo(mode = ""): Promise<Echo> {
    const worker = this.start(mode);
    return new Echo(worker, await worker.channel);
  }

  get socketPath(): string {
    return `${this.folder}/${readdirSync(this.folder).find((name) => name.startsWith("ergate-"))}/sock`;
  }

  async close(): Promise<void> {
    for (const worker of this.started) {
      worker.kill("SIGKILL");
      await worker.released;
      worker.slate.close();
    }
    await this.#group.close();
  }
}

let warm = false;

/** Descriptors after the first group: what a host opens once, with its first child or socket, is no leak. */
let warmDescriptors: number | undefined;

/** Runs `fn` with a group of its own, and holds that nothing is left of it. */
async function withGroup(fn: (group: Group) => Promise<void>): Promise<void> {
  if (!warm) {
    warm = true;
    await withGroup(async (group) => void (await group.echo()));
    warmDescriptors = descriptors();
  }
  await withTempFolder(async (outer) => {
    const before = warmDescriptors ?? Infinity;
    const folder = `${outer}/tmp`;
    mkdirSync(folder);
    const { TMPDIR } = process.env;
    process.env.TMPDIR = folder;
    const group = new Group(folder);
    try {
      await fn(group);
    } finally {
      if (TMPDIR === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = TMPDIR;
      await group.close();
    }
    assert.deepEqual(readdirSync(folder).filter((name) => name.startsWith("ergate")), []); // hosts have caches there
    await until("all descriptors are closed", () => descriptors() <= before);
  });
}

const EXITS: Readonly<Record<string, WorkerExit>> = {
  "exit 0": { code: 0, signal: null },
  "exit 3": { code: 3, signal: null },
  "throw": { code: 1, signal: null },
  "reject": { code: 1, signal: null },
  "SIGKILL": { code: null, signal: "SIGKILL" },
  "SIGTERM": { code: null, signal: "SIGTERM" },
  "abort()": { code: null, signal: "SIGABRT" },
};

test("workers: an echo worker comes, answers, and leaves when its channel is closed", () =>
  withGroup(async (group) => {
    const echo = await group.echo();
    assert.equal(await echo.ask("echo", "hello"), "hello");
    const large = "x".repeat(3_000_000);
    assert.equal(await echo.ask("echo", large), large);
    assert(isAlive(echo.process.pid!));
    echo.channel.close();
    assert.equal(await echo.channel.closed, undefined);
    assert.deepEqual(await echo.process.exited, EXITS["exit 0"]);
    await echo.process.released;
  }));

for (const [how, exit] of Object.entries(EXITS)) {
  test(`workers: ${how}: what it had written is read, the channel closes, the exit is told, all is released`, () =>
    withGroup(async (group) => {
      const echo = await group.echo();
      echo.tell("write 50 and die", how);
      assert.equal(await echo.channel.closed, undefined);
      assert.deepEqual(echo.frames.map((text) => parseInt(text)), Array.from({ length: 50 }, (_, i) => i));
      assert.deepEqual(await echo.process.exited, exit);
      await echo.process.released;
      assert(!isAlive(echo.process.pid!));
      echo.process.kill("SIGKILL"); // harmless
    }));
}

for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  test(`workers: ${signal} from outside, and by kill()`, () =>
    withGroup(async (group) => {
      const one = await group.echo();
      kill(one.process.pid!, signal);
      const other = await group.echo();
      other.process.kill(signal);
      for (const { process, channel } of [one, other]) {
        assert.deepEqual(await process.exited, EXITS[signal]);
        assert.equal(await channel.closed, undefined);
        await process.released;
      }
    }));
}

test("workers: a dead worker's last words are read, though more is written to it meanwhile", () =>
  withGroup(async (group) => {
    const echo = await group.echo();
    echo.tell("write 50 and die", "SIGKILL");
    // This turn does not end before the worker is dead: nothing of what it wrote is read yet, and writing fails.
    const end = Date.now() + 20_000;
    while (isAlive(echo.process.pid!) && Date.now() < end);
    for (let i = 0; i < 20; i++) echo.tell("echo", "x".repeat(50_000));
    await echo.channel.closed;
    assert.equal(echo.frames.length, 50);
    assert.equal(echo.channel.unsent, 0);
  }));

test("workers: what a worker sends right behind its hello is not lost", () =>
  withGroup(async (group) => {
    const echo = await group.echo("send at once");
    await until("the early frames are there", () => echo.frames.length === 3);
    assert.deepEqual(echo.frames, ["early 0", "early 1", "early 2"]);
    assert.equal(await echo.ask("echo", "on"), "on");
  }));

test("workers: one that closes its socket but lives on: the channel closes, the process does not", () =>
  withGroup(async (group) => {
    const echo = await group.echo("outlive the channel");
    echo.tell("close");
    assert.equal(await echo.channel.closed, undefined);
    assert(isAlive(echo.process.pid!));
    echo.channel.send(frameOf("into the void"));
    echo.process.kill("SIGKILL");
    assert.deepEqual(await echo.process.exited, EXITS.SIGKILL);
    await echo.process.released;
  }));

for (const garbage of ["text", "wrong head"]) {
  test(`workers: garbage on the channel (${garbage}) closes it with an error`, () =>
    withGroup(async (group) => {
      const echo = await group.echo();
      assert.equal(await echo.ask("echo", "before"), "before");
      echo.tell(garbage);
      assert(await echo.channel.closed instanceof ProtocolError);
      assert.deepEqual(echo.frames, ["before"]);
      assert.deepEqual(await echo.process.exited, EXITS["exit 0"]); // it saw its channel close
    }));
}

test("workers: a truncated frame is never handed on", () =>
  withGroup(async (group) => {
    const echo = await group.echo();
    echo.tell("truncated");
    await echo.channel.closed;
    assert.deepEqual(echo.frames, []);
  }));

test("workers: a frame of four gigabytes that is only claimed takes no memory", () =>
  withGroup(async (group) => {
    const echo = await group.echo();
    const before = process.memoryUsage().rss;
    echo.tell("huge");
    echo.tell("echo", "swallowed"); // belongs to the frame now
    echo.tell("die", "exit 0");
    assert.equal(await echo.channel.closed, undefined);
    assert.deepEqual(echo.frames, []);
    assert(process.memoryUsage().rss - before < 500e6);
  }));

// Before the hello.

test("workers: one that dies before its hello has no channel, and the error says how it died", () =>
  withGroup(async (group) => {
    const worker = group.start("exit 3");
    await assert.rejects(worker.channel, /exit code 3/);
    assert.deepEqual(await worker.exited, EXITS["exit 3"]);
    await worker.released;
  }));

test("workers: one that is killed before its hello has no channel", () =>
  withGroup(async (group) => {
    const worker = group.start("say nothing");
    await new Arrivals(group.folder, "../tmp-arrivals").wait(1);
    worker.kill("SIGKILL");
    await assert.rejects(worker.channel, /signal SIGKILL/);
    assert.deepEqual(await worker.exited, EXITS.SIGKILL);
  }));

test("workers: one that never says hello is ended when its time is over", () =>
  withGroup((group) =>
    withoutPatience(async () => {
      const worker = group.start("say nothing");
      await assert.rejects(worker.channel, /must say hello within 60000 ms/);
      assert.deepEqual(await worker.exited, EXITS.SIGKILL);
      await worker.released;
    })
  ));

test("workers: one with a wrong token is sent away, others are not harmed", () =>
  withGroup(async (group) => {
    const liar = group.start("wrong token");
    const echo = await group.echo();
    await assert.rejects(liar.channel, /exit code 7/); // what it does when it is sent away
    assert.equal(await echo.ask("echo", "still here"), "still here");
  }));

test("workers: one of another protocol version is refused by name, and ended", () =>
  withGroup(async (group) => {
    const worker = group.start("wrong version");
    await assert.rejects(worker.channel, /two versions of ergate are mixed/);
    await worker.exited;
    await worker.released;
  }));

test("workers: a token serves once", () =>
  withGroup(async (group) => {
    const echo = await group.echo();
    assert.equal(await echo.ask("come again", group.socketPath), "sent away");
    assert.equal(await echo.ask("echo", "on"), "on");
  }));

test("workers: one whose folder does not exist never starts, and says why", () =>
  withGroup(async (group) => {
    const worker = group.start("", { cwd: `${group.folder}/nowhere` });
    assert.equal(worker.pid, 0);
    await assert.rejects(worker.channel);
    const { code, signal, error } = await worker.exited;
    assert.deepEqual({ code, signal }, { code: null, signal: null });
    assert(error instanceof Error);
    worker.kill("SIGKILL"); // harmless
    await worker.released;
  }));

test("workers: one with flags that its runtime refuses ends with an exit code", () =>
  withGroup(async (group) => {
    const worker = group.start("", { execArgv: ["--preload=/no/such/file.ts"] });
    await assert.rejects(worker.channel, /exit code [1-9]/);
    const { code } = await worker.exited;
    assert(code !== null && code > 0);
    await worker.released;
  }));

// Strangers.

function stranger(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.on("error", reject);
    socket.on("connect", () => resolve(socket));
    socket.resume();
  });
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.destroyed ? resolve() : socket.on("close", () => resolve()));
}

test("workers: a stranger who says nothing harms nobody and is sent away at the end", async () => {
  let silent: Socket | undefined;
  await withGroup(async (group) => {
    const echo = await group.echo();
    silent = await stranger(group.socketPath);
    assert.equal(await echo.ask("echo", "here"), "here");
    assert.equal((await group.echo()).frames.length, 0);
    void closed(silent).then(() => silent!.destroy());
    await Promise.all([group.close(), closed(silent)]);
  });
});

const LIES: Readonly<Record<string, Uint8Array>> = {
  "text": new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"),
  "a hello with an empty token": helloOf(""),
  "a hello with a token of his own": helloOf("0123456789abcdef0123456789abcdef"),
  "a frame too short for a hello": (() => {
    const frame = new FrameWriter();
    frame.beginFrame(MessageKind.HELLO);
    return frame.endFrame();
  })(),
  "another message": frameOf("results, for example"),
};

test(`workers: a stranger who says ${Object.keys(LIES).join(", ")} is sent away`, () =>
  withGroup(async (group) => {
    const echo = await group.echo();
    for (const [what, lie] of Object.entries(LIES)) {
      const socket = await stranger(group.socketPath);
      socket.write(lie);
      await closed(socket);
      assert.equal(await echo.ask("echo", what), what);
    }
    assert.equal(await (await group.echo()).ask("echo", "too"), "too");
  }));

test("workers: the folder and the socket in it are this user's alone", () =>
  withGroup(async (group) => {
    await group.echo();
    assert.equal(statSync(group.socketPath.slice(0, -"/sock".length)).mode & 0o777, 0o700);
  }));

// The slate.

test("workers: after SIGKILL the slate still tells the call that the worker had entered", () =>
  withGroup(async (group) => {
    const echo = await group.echo();
    assert.deepEqual(readEntered(echo.process.slate), { sequence: 0, phase: Phase.PREPARING });
    assert.equal(await echo.ask("enter and loop", 12_345), "looping");
    echo.process.kill("SIGKILL");
    await echo.process.released;
    assert.deepEqual(readEntered(echo.process.slate), { sequence: 12_345, phase: Phase.RUNNING });
  }));

test("workers: the worker reads `stop` as the parent wrote it; each worker has a slate of its own", () =>
  withGroup(async (group) => {
    const one = await group.echo();
    const other = await group.echo();
    writeStop(one.process.slate, 99);
    assert.equal(await one.ask("stop?"), "99");
    assert.equal(await other.ask("stop?"), "0");
    writeStop(one.process.slate, 0);
    assert.equal(await one.ask("stop?"), "0");
    other.tell("enter", 4);
    await other.ask("echo", "done");
    assert.deepEqual(readEntered(other.process.slate), { sequence: 4, phase: Phase.RUNNING });
    assert.deepEqual(readEntered(one.process.slate), { sequence: 0, phase: Phase.PREPARING });
  }));

// Groups.

test("workers: two groups share one folder and one reaper, and the last to close takes them along", () =>
  withGroup(async (group) => {
    const echo = await group.echo();
    const second = runtime().openProcessGroup();
    const worker = second.start({ name: "echo", entry: ENTRY, modules: [], env: { ECHO_MODE: "" } });
    const other = new Echo(worker, await worker.channel);
    assert.equal(readdirSync(group.folder).filter((name) => name.startsWith("ergate")).length, 1);
    assert.equal(reapers(process.pid).length, 1);
    other.channel.close();
    await worker.released;
    worker.slate.close();
    await second.close();
    await second.close(); // once
    assert.equal(await echo.ask("echo", "still here"), "still here");
  }));

// The reaper.

function reapers(parent: number): number[] {
  return liveProcesses()
    .filter((one) => one.parent === parent && one.command.startsWith("/bin/sh -c trap"))
    .map((one) => one.pid);
}

/** Whether a process takes no notice of the signal of this number. */
function ignores(pid: number, signal: number): boolean {
  const mask = /^SigIgn:\s*(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))![1];
  return (BigInt(`0x${mask}`) >> BigInt(signal - 1) & 1n) === 1n;
}

/** A program with two workers that loop; what it does then is its argument. */
const PROGRAM = `
  import { runtime } from "file://${REPOSITORY}/runtime/mod.ts";
  import { frameOf } from "file://${REPOSITORY}/tests/echo_frames.ts";

  runtime().keepAlive();
  const group = runtime().openProcessGroup();
  for (let i = 0; i < 2; i++) {
    const worker = group.start({ name: "echo", entry: ${JSON.stringify(ENTRY)}, modules: [] });
    const channel = await worker.channel;
    await new Promise((resolve) => {
      channel.receive(resolve);
      channel.send(frameOf(JSON.stringify(["enter and loop", 1])));
    });
    console.log("worker", worker.pid, "|");
  }
  console.log("ready");
  setInterval(() => console.log("tick"), 5);
  if (process.argv[2] === "abort") process.abort();
`;

/** Runs the program, has `fn` end it, and holds that its workers and its folder are gone then. */
async function withProgram(then: string, fn: (program: Program) => Promise<void>): Promise<void> {
  await withTempFolder(async (folder) => {
    writeFileSync(`${folder}/program.ts`, PROGRAM);
    mkdirSync(`${folder}/tmp`);
    const program = startProgram(`${folder}/program.ts`, { args: [then], env: { TMPDIR: `${folder}/tmp` } });
    await program.untilPrinted("ready");
    const workers = [...program.stdout().matchAll(/worker (\d+) \|/g)].map(([, pid]) => Number(pid));
    assert.equal(workers.length, 2);
    await fn(program);
    await program.ended;
    await untilGone(workers);
    await until(
      "the folder is gone",
      () => !readdirSync(`${folder}/tmp`).some((name) => name.startsWith("ergate-")), // Bun's cache lies there, too
    );
  });
}

// Other signals, exits and throws: `program_end_test.ts`.
for (const signal of ["SIGKILL", "SIGQUIT"]) {
  test(`reaper: a parent that ${signal} ends takes its looping workers along`, () =>
    withProgram("live", async (program) => {
      program.kill(signal);
      await program.ended;
    }));
}

test("reaper: a parent that aborts takes its looping workers along", () =>
  withProgram("abort", async (program) => void await program.ended));

test("reaper: the signals of a terminal do not end it, and it still does its work", () =>
  withProgram("live", async (program) => {
    const [pid] = reapers(program.pid);
    await until("it ignores SIGINT", () => ignores(pid, 2));
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]) kill(pid, signal);
    assert.deepEqual(reapers(program.pid), [pid]);
    program.kill("SIGKILL");
  }));

test("reaper: one that is killed is started again, with all that it must know", () =>
  withProgram("live", async (program) => {
    const [first] = reapers(program.pid);
    kill(first, "SIGKILL");
    await until("there is another", () => reapers(program.pid).some((pid) => pid !== first));
    const [second] = reapers(program.pid);
    kill(second, "SIGKILL");
    await until("there is a third", () => reapers(program.pid).some((pid) => pid !== second));
    // It is told in the turn in which it is started; a parent that dies within that turn is past help.
    const ticks = (): number => program.stdout().split("tick").length;
    const then = ticks();
    await until("some turns of the program are over", () => ticks() > then + 20);
    program.kill("SIGKILL");
  }));

test("reaper: the parent itself goes on when its reaper dies", () =>
  withGroup(async (group) => {
    const echo = await group.echo();
    const [first] = reapers(process.pid);
    kill(first, "SIGKILL");
    await until("there is another", () => reapers(process.pid).some((pid) => pid !== first));
    assert.equal(await echo.ask("echo", "on"), "on");
    assert.equal(await (await group.echo()).ask("echo", "new"), "new");
  }));

/** A child that only notes what it is told. */
class FakeChild implements Child {
  readonly pid = 1;
  readonly stdout = undefined;
  readonly stderr = undefined;
  readonly written: string[] = [];
  readonly exited: Promise<WorkerExit>;
  readonly end: (exit: WorkerExit) => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<WorkerExit>();
    this.exited = promise;
    this.end = resolve;
  }
  async write(text: string): Promise<void> {
    this.written.push(text);
  }
  endInput(): void {
    this.end({ code: 0, signal: null });
  }
  kill(): void {}
}

test("reaper: it is told of each child, and told to forget it; a new one is told of those that live", async () => {
  const children: FakeChild[] = [];
  const reaper = new Reaper(() => {
    const child = new FakeChild();
    children.push(child);
    return child;
  }, ["/nowhere"]);
  for (const pid of [10, 11, 12]) await reaper.watch(pid);
  reaper.forget(11);
  reaper.forget(11);
  assert.deepEqual(children[0].written, ["+ 10\n", "+ 11\n", "+ 12\n", "- 11\n"]);
  children[0].end({ code: null, signal: "SIGKILL" });
  await until("a new one has started", () => children.length === 2);
  assert.deepEqual(children[1].written, ["+ 10\n", "+ 12\n"]);
  await reaper.close();
  assert.equal(children.length, 2);
});

test("reaper: one that cannot live is not started for ever", async () => {
  let started = 0;
  const reaper = new Reaper(() => {
    started++;
    const child = new FakeChild();
    child.end({ code: 127, signal: null });
    return child;
  }, ["/nowhere"]);
  await until("it gives up", () => started >= 4);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(started, 4);
  await reaper.close();
});

test("reaper: it kills exactly the children that it was not told to forget, and removes the folder", () =>
  withTempFolder(async (folder) => {
    mkdirSync(`${folder}/private`);
    let output = "";
    const reaper = new Reaper((command) => {
      const child = shellWithoutKill(command);
      child.stdout.on("data", (text: Uint8Array) => output += text);
      return child.child;
    }, [`${folder}/private`]);
    // Ids that are parts of each other.
    for (const pid of [1234, 123, 12, 23, 234, 1]) await reaper.watch(pid);
    for (const pid of [123, 1, 1234]) reaper.forget(pid);
    await reaper.watch(123); // process ids come again
    await reaper.close();
    assert.deepEqual(output.trim().split("\n").sort(), ["kill -9 12", "kill -9 123", "kill -9 23", "kill -9 234"]);
    assert(!existsSync(`${folder}/private`));
  }));

test("worker: a stdin that does not block, and a greeting that is late", () =>
  withTempFolder(async (folder) => {
    const program = `${folder}/main.mjs`;
    writeFileSync(
      program,
      `
      import process from "node:process";
      import { readLine } from ${JSON.stringify(new URL("../runtime/parent_link.ts", import.meta.url).href)};
      process.stdin; // which makes it non-blocking, on Node
      process.stdout.write("ready\\n");
      process.stdout.write(readLine());
    `,
    );
    const flags = process.versions.deno === undefined ? [] : ["run", "-A", "--no-check"];
    const child = spawn(process.execPath, [...flags, program], { stdio: ["pipe", "pipe", "inherit"] });
    let printed = "";
    child.stdout.on("data", (bytes: Uint8Array) => {
      if (printed === "") setTimeout(() => child.stdin.end("hello\n"), 50); // it reads by now
      printed += new TextDecoder().decode(bytes);
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    assert.deepEqual([code, printed], [0, "ready\nhello"]);
  }));

/** The shell that a reaper asks for, but its kill only says what it would have done. */
function shellWithoutKill({ command, args: [flag, script, ...rest] }: ChildCommand): {
  child: Child;
  stdout: { on(event: "data", listener: (text: Uint8Array) => void): void };
} {
  const shell = spawn(command, [flag, `kill() { echo "kill $*" >&3; }\n${script}`, ...rest], {
    stdio: ["pipe", "ignore", "ignore", "pipe"],
  });
  const exited = new Promise<WorkerExit>((resolve) => {
    shell.on("close", (code, signal) => resolve({ code, signal }));
  });
  const child: Child = {
    pid: shell.pid!,
    exited,
    stdout: undefined,
    stderr: undefined,
    write: (text) => new Promise((resolve) => shell.stdin!.write(text, () => resolve())),
    endInput: () => shell.stdin!.end(),
    kill: () => {},
  };
  return { child, stdout: shell.stdio[3] as never };
}

test("reaper: it is told of many children at once without a warning", async () => {
  const warnings: Error[] = [];
  const note = (warning: Error): unknown => warnings.push(warning);
  process.on("warning", note);
  const child = new NodeChild({ command: "/bin/cat", args: [], output: "ignore" }, process.env);
  await Promise.all(Array.from({ length: 20 }, (_, i) => child.write(`+ ${i}\n`)));
  const late = child.write("x".repeat(1 << 20));
  child.kill("SIGKILL");
  await late; // it was written, or never will be
  await child.exited;
  process.off("warning", note);
  assert.deepEqual(warnings, []);
});
