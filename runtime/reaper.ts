/**
 * The reaper: one small `sh` per parent, which knows the children's process ids and kills them when the pipe from the
 * parent closes, however the parent died; then it removes the private folders. It is told of each child before that child
 * is given anything to do, and told to forget it in the turn of its exit event: process ids come again.
 */
import type { Child, ChildCommand } from "./child.ts";

/**
 * Reads `+ pid` and `- pid`. Its arguments are the private folders. It has a session of its own, as the signals that reach a whole
 * process group (Ctrl-C, a closed terminal) must not end it before its work; where there are no sessions the trap serves.
 */
const SCRIPT = `trap '' INT TERM HUP QUIT
pids=' '
while read -r sign pid; do
  case $sign in
    +) pids="$pids$pid " ;;
    -) pids="\${pids%% "$pid" *} \${pids#* "$pid" }" ;;
  esac
done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
PATH=$PATH:/usr/bin:/bin
rm -rf "$@"
`;

/** Deaths in a row, with no child told of in between, after which it is not started again. */
const MOST_DEATHS = 3;

/** Kills the children of a parent that is no more. */
export class Reaper {
  readonly #spawn: (command: ChildCommand) => Child;
  readonly #folders: readonly string[];
  readonly #pids = new Set<number>();
  #child: Child;
  #closing = false;
  /** Deaths in a row without a child told of in between. */
  #deaths = 0;

  /** Starts it. */
  constructor(spawn: (command: ChildCommand) => Child, folders: readonly string[]) {
    this.#spawn = spawn;
    this.#folders = folders;
    this.#child = this.#start();
  }

  /** Whether there is one: some systems have no `sh`, and some programs may not start it. */
  get exists(): boolean {
    return this.#child.pid !== 0 && this.#deaths <= MOST_DEATHS;
  }

  /** Tells it of a child; resolves when the system has the message. */
  async watch(pid: number): Promise<void> {
    this.#pids.add(pid);
    if (this.exists) this.#deaths = 0;
    await this.#child.write(`+ ${pid}\n`);
  }

  /** Tells it that a child has ended. */
  forget(pid: number): void {
    if (this.#pids.delete(pid)) void this.#child.write(`- ${pid}\n`);
  }

  /** Ends it; resolves when it is gone. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#child.endInput();
    await this.#child.exited;
  }

  #start(): Child {
    const child = this.#spawn({
      command: "/bin/sh",
      args: ["-c", SCRIPT, "sh", ...this.#folders],
      detached: true,
      output: "ignore",
    });
    child.exited.then(() => {
      if (child.pid === 0) return;
      // Somebody killed it. It held what it knew in memory only, so a new one is told again; one that cannot live
      // at all is not started for ever.
      if (this.#closing || child !== this.#child || ++this.#deaths > MOST_DEATHS) return;
      this.#child = this.#start();
      for (const pid of this.#pids) void this.#child.write(`+ ${pid}\n`);
    });
    return child;
  }
}
