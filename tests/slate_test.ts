/** The slate: its two words, in memory and as the file that two processes share. */
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import {
  Phase,
  readAborted,
  readEntered,
  readStop,
  SLATE_SIZE,
  type SlateMemory,
  writeEntered,
  writeStop,
} from "../channel/slate.ts";
import { MappedSlate } from "../runtime/mapped_slate.ts";
import { SlateFile } from "../runtime/slate_file.ts";
import { ThreadSlate, writeOver } from "../runtime/thread_end.ts";
import { test, withTempFolder } from "./harness.ts";

class FakeMemory implements SlateMemory {
  readonly words: [number, number] = [0, 0];
  read(word: 0 | 1): number {
    return this.words[word];
  }
  write(word: 0 | 1, value: number): void {
    this.words[word] = value;
  }
  close(): void {}
}

/** Sequence numbers up to the last one whose double is exact. */
const NUMBERS = [1, 2, 3, 255, 256, 2 ** 31, 2 ** 32 + 1, 2 ** 50 + 1];

test("slate: stop keeps from where on no call may be entered, and whether the one before that is to end", () => {
  const memory = new FakeMemory();
  for (const sequence of NUMBERS) {
    writeStop(memory, sequence + 1, true);
    assert.equal(readStop(memory), sequence + 1);
    assert.equal(readAborted(memory), sequence);
    writeStop(memory, sequence + 1);
    assert.equal(readAborted(memory), 0);
  }
});

test("slate: a new one says that no call was entered and that none must not be", () => {
  const memory = new FakeMemory();
  assert.deepEqual(readEntered(memory), { sequence: 0, phase: Phase.PREPARING });
  assert.equal(readStop(memory), 0);
});

test("slate: entered keeps the call and how far it has come", () => {
  const memory = new FakeMemory();
  for (const sequence of NUMBERS) {
    for (const phase of Object.values(Phase)) {
      writeEntered(memory, sequence, phase);
      assert.deepEqual(readEntered(memory), { sequence, phase });
    }
  }
});

test("slate: each side writes its own word alone", () => {
  const memory = new FakeMemory();
  writeEntered(memory, 7, Phase.RUNNING);
  writeStop(memory, 9);
  assert.deepEqual(readEntered(memory), { sequence: 7, phase: Phase.RUNNING });
  assert.equal(readStop(memory), 9);
  writeStop(memory, 0);
  assert.deepEqual(readEntered(memory), { sequence: 7, phase: Phase.RUNNING });
  assert.equal(readStop(memory), 0);
});

/** Both sides of one file. */
async function withBothSides(fn: (parent: SlateFile, worker: SlateFile, path: string) => void): Promise<void> {
  await withTempFolder((folder) => {
    const path = `${folder}/slate`;
    const parent = new SlateFile(path, true);
    const worker = new SlateFile(path, false);
    try {
      fn(parent, worker, path);
    } finally {
      parent.close();
      worker.close();
    }
  });
}

test("slate file: what one side writes the other reads", () =>
  withBothSides((parent, worker) => {
    assert.deepEqual(readEntered(parent), { sequence: 0, phase: Phase.PREPARING });
    assert.equal(readStop(worker), 0);
    for (const sequence of NUMBERS) {
      writeEntered(worker, sequence, Phase.RUNNING);
      writeStop(parent, sequence + 1);
      assert.deepEqual(readEntered(parent), { sequence, phase: Phase.RUNNING });
      assert.equal(readStop(worker), sequence + 1);
    }
    writeStop(parent, 0);
    assert.equal(readStop(worker), 0);
  }));

test("slate file: sixteen bytes that only this user may read", () =>
  withBothSides((parent, worker, path) => {
    writeEntered(worker, 1, Phase.RUNNING);
    writeStop(parent, 2);
    assert.equal(readFileSync(path).length, SLATE_SIZE);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  }));

test("slate file: it outlives the side that wrote it", () =>
  withBothSides((parent, worker) => {
    writeEntered(worker, 5, Phase.PREPARING);
    worker.close();
    assert.deepEqual(readEntered(parent), { sequence: 5, phase: Phase.PREPARING });
  }));

test("slate file: after close a read gives 0, a write and a second close do nothing", () =>
  withBothSides((parent, worker) => {
    writeEntered(worker, 5, Phase.RUNNING);
    parent.close();
    parent.close();
    assert.deepEqual(readEntered(parent), { sequence: 0, phase: Phase.PREPARING });
    writeStop(parent, 3);
    assert.equal(readStop(worker), 0);
  }));

test("slate file: one that is there already is not taken for a new one", () =>
  withBothSides((_parent, _worker, path) => {
    assert.throws(() => new SlateFile(path, true), { code: "EEXIST" });
  }));

test("slate file: one that is not there cannot be opened", () =>
  withTempFolder((folder) => {
    assert.throws(() => new SlateFile(`${folder}/none`, false), { code: "ENOENT" });
  }));

test("slate: a thread that is over enters no call: the one that it was about to enter is not lost", () => {
  let ended = 0;
  const memory = new SharedArrayBuffer(SLATE_SIZE);
  const thread = new ThreadSlate(memory, () => ended++);
  const parent = new MappedSlate(new Uint8Array(memory));
  writeEntered(thread, 6, Phase.PREPARING);
  writeEntered(thread, 6, Phase.RUNNING);
  assert.equal(readStop(thread), 0);
  writeOver(parent);
  writeEntered(thread, 7, Phase.RUNNING);
  readStop(thread);
  assert.equal(ended, 1);
  assert.deepEqual(readEntered(parent), { sequence: 6, phase: Phase.RUNNING });
});
