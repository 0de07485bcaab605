/** Programs of a user: written into a project outside the repository and run by the runtime that runs the tests. */

import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  type Program,
  type ProgramOptions,
  type ProgramResult,
  startProgram,
  until,
  withTempFolder,
} from "./harness.ts";
import { makeProject } from "./project.ts";

/** A user's project in a folder of its own. */
export class UserProject {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(files: Record<string, string>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(this.path(name)), { recursive: true });
      writeFileSync(this.path(name), text);
    }
  }

  /**
   * Starts a file of the project, in the project's folder. It finds that folder in the variable `HERE`; temporary
   * folders go into its `tmp`, so that a test can see what is left of them.
   */
  start(name: string, options: ProgramOptions = {}): Program {
    const env = { HERE: this.folder, TMPDIR: this.path("tmp"), ...options.env };
    return startProgram(this.path(name), { cwd: this.folder, ...options, env });
  }

  run(name: string, options: ProgramOptions = {}): Promise<ProgramResult> {
    return this.start(name, options).ended;
  }

  /** What is left in the folder of temporary folders. */
  get temporary(): string[] {
    // Bun's own shared cache of transpiled modules lies there, too.
    return readdirSync(this.path("tmp")).filter((name) => name.startsWith("ergate"));
  }

  /** Waits until nothing is left there: a program that died leaves it to its helper to clean up. */
  untilClean(): Promise<void> {
    return until("no temporary folder is left", () => this.temporary.length === 0);
  }
}

/** Runs `fn` with a project of these files, and removes it. */
export function withProject<T>(
  files: Record<string, string>,
  fn: (project: UserProject) => T | Promise<T>,
  more: Parameters<typeof makeProject>[1] = {},
): Promise<T> {
  return withTempFolder((folder) => {
    makeProject(folder, more);
    mkdirSync(join(folder, "tmp"));
    const project = new UserProject(folder);
    project.write(files);
    return fn(project);
  });
}
