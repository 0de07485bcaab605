/** docs/from_python.md has every name of `concurrent.futures` and `multiprocessing`, as CPython 3.14 has them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "./harness.ts";
import { REPOSITORY } from "./project.ts";

const page = readFileSync(join(REPOSITORY, "docs", "from_python.md"), "utf8");

/** `__all__` of each module, and what the classes of theirs have. */
const NAMES: Readonly<Record<string, string>> = {
  "concurrent.futures":
    `FIRST_COMPLETED FIRST_EXCEPTION ALL_COMPLETED CancelledError TimeoutError InvalidStateError BrokenExecutor
    Future Executor wait as_completed ProcessPoolExecutor ThreadPoolExecutor InterpreterPoolExecutor`,
  "Executor": "map shutdown submit terminate_workers kill_workers",
  "Future": `add_done_callback cancel cancelled done exception result running set_exception set_result
    set_running_or_notify_cancel`,
  "multiprocessing":
    `Array AuthenticationError Barrier BoundedSemaphore BufferTooShort Condition Event JoinableQueue Lock Manager
    Pipe Pool Process ProcessError Queue RLock RawArray RawValue Semaphore SimpleQueue TimeoutError Value active_children
    allow_connection_pickling cpu_count current_process freeze_support get_all_start_methods get_context get_logger
    get_start_method log_to_stderr parent_process reducer set_executable set_forkserver_preload set_start_method`,
  "Pool":
    `apply apply_async close imap imap_unordered join map map_async starmap starmap_async terminate processes initializer
    initargs maxtasksperchild context ThreadPool`,
  "AsyncResult": "get ready successful wait AsyncResult MaybeEncodingError RemoteTraceback",
  "Process": "authkey close daemon exitcode ident is_alive join kill name pid run sentinel start terminate",
};

/** The names in the left column of the page's tables. */
const left = new Set(
  page.split("\n").filter((line) => line.startsWith("| ")).flatMap((line) =>
    line.split(" | ")[0].match(/`[^`]+`/g)?.flatMap((code) => code.match(/[A-Za-z_]\w*/g) ?? []) ?? []
  ),
);

for (const [of, names] of Object.entries(NAMES)) {
  test(`docs/from_python.md: every name of ${of}`, () => {
    assert.deepEqual(names.split(/\s+/).filter((name) => !left.has(name)), []);
  });
}

test("docs/from_python.md: each difference is a sentence that begins with 'Unlike Python'", () => {
  const differences = page.split("\n").filter((line) => line.startsWith("| ")).flatMap((line) => {
    const [, right] = line.split(" | ", 2);
    return right === undefined ? [] : right.replace(/ *\|$/, "").split(/(?<=[^.]\.) (?=[A-Z])/).slice(1);
  });
  assert(differences.length > 50);
  assert.deepEqual(differences.filter((sentence) => !/^Unlike Python(,| up to)/.test(sentence)), []);
});
