/** What tasks throw: how it arrives, and that sending it never throws. */
import assert from "node:assert/strict";
import { ByteWriter } from "../channel/byte_writer.ts";
import { DecodeError } from "../channel/codec.ts";
import { decodeFailure, encodeFailure } from "../channel/failure.ts";
import * as errors from "../errors.ts";
import { randomNumbers, test } from "./harness.ts";

const WHERE = "task file:///tasks.ts#fib in worker ProcessPoolExecutor-1 (process 123)";
const writer = new ByteWriter();

function bytesOf(thrown: unknown): Uint8Array {
  writer.begin();
  // In the middle of a frame, as the worker writes it.
  writer.reserve(1);
  writer.bytes[writer.length++] = 7;
  const offset = writer.length - writer.start;
  encodeFailure(writer, thrown, WHERE);
  return writer.bytes.slice(writer.start + offset, writer.length);
}

function arrive(thrown: unknown): unknown {
  const bytes = bytesOf(thrown);
  return decodeFailure(bytes, 0, bytes.length);
}

/** What was thrown, as an error with whatever fields. */
function arriveError(thrown: unknown): Error & Record<string, unknown> {
  const error = arrive(thrown);
  assert.ok(error instanceof Error, String(error));
  return error as Error & Record<string, unknown>;
}

test("failure: an error arrives in the same built-in class", () => {
  for (const Class of [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError]) {
    const error = arriveError(new Class("the message"));
    assert.equal(Object.getPrototypeOf(error), Class.prototype);
    assert.equal(error.message, "the message");
    assert.equal(error.name, Class.name);
    assert.equal("cause" in error, false);
    assert.deepEqual(Object.keys(error), []);
  }
  const aborted = arriveError(new DOMException("stop", "AbortError"));
  assert.ok(aborted instanceof DOMException);
  assert.deepEqual([aborted.name, aborted.message, aborted.code], ["AbortError", "stop", 20]);
});

test("failure: AggregateError keeps its errors", () => {
  const error = arriveError(new AggregateError([new TypeError("one"), "two"], "many"));
  assert.ok(error instanceof AggregateError);
  assert.ok(error.errors[0] instanceof TypeError);
  assert.equal(error.errors[1], "two");
  assert.deepEqual(Object.keys(error), []);
});

test("failure: ergate's own errors arrive as themselves, with their fields", () => {
  const fields = {
    path: "args[0].f",
    direction: "result",
    workerName: "P-1",
    pid: 7,
    exitCode: null,
    signal: "SIGKILL",
  };
  let classes = 0;
  for (const [name, Class] of Object.entries(errors as Record<string, unknown>)) {
    if (typeof Class !== "function" || !(Class.prototype instanceof Error)) continue;
    const thrown = Object.assign(Reflect.construct(Class, ["why", fields]), { cause: new RangeError("deeper") });
    const error = arriveError(thrown);
    assert.equal(Object.getPrototypeOf(error), Class.prototype, name);
    assert.ok(errors.isErgateError(error, name), name);
    assert.deepEqual([error.name, error.message], [name, "why"]);
    assert.ok(error.cause instanceof RangeError);
    assert.deepEqual(Object.keys(error), Object.keys(thrown), name);
    classes++;
  }
  assert.ok(classes > 5);
  const lost = arriveError(new errors.PicklingError("why", { path: "result.f", direction: "result" }));
  assert.deepEqual([lost.path, lost.direction], ["result.f", "result"]);
});

test("failure: an unregistered class arrives as its nearest built-in one with its own name", () => {
  class HttpError extends RangeError {
    readonly status = 404;
  }
  class NamedError extends HttpError {
    override name = "NamedError!";
  }
  const error = arriveError(new HttpError("gone"));
  assert.equal(Object.getPrototypeOf(error), RangeError.prototype);
  assert.deepEqual([error.name, error.message, error.status], ["HttpError", "gone", 404]);
  assert.deepEqual(Object.keys(error), ["status"]);
  assert.deepEqual(Object.getOwnPropertyDescriptor(error, "name")?.enumerable, false);
  assert.equal(arriveError(new NamedError("gone")).name, "NamedError!");
  class OwnPickling extends errors.PicklingError {}
  const own = arriveError(new OwnPickling("why", { path: "x", direction: "task" }));
  assert.ok(own instanceof errors.PicklingError);
  assert.deepEqual([own.name, own.path], ["OwnPickling", "x"]);
});

test("failure: fields, causes and cycles arrive", () => {
  const inner = Object.assign(new SyntaxError("inner"), { code: 7 });
  const middle = new Error("middle", { cause: inner });
  const outer = Object.assign(new Error("outer", { cause: middle }), {
    code: "E_OUTER",
    data: { list: [1, new Map()] },
  });
  Object.assign(inner, { outer });
  const error = arriveError(outer);
  assert.deepEqual([error.code, error.data], ["E_OUTER", { list: [1, new Map()] }]);
  const cause = error.cause as Error;
  assert.equal(Object.getOwnPropertyDescriptor(error, "cause")?.enumerable, false);
  assert.ok(cause.cause instanceof SyntaxError);
  const { code, outer: again } = cause.cause as unknown as { code: number; outer: unknown };
  assert.equal(code, 7);
  assert.equal(again, error);
  let chain: unknown = "end";
  for (let i = 0; i < 5000; i++) chain = new Error(`${i}`, { cause: chain });
  let length = 0;
  for (chain = arrive(chain); chain instanceof Error; chain = chain.cause) length++;
  assert.deepEqual([length, chain], [5000, "end"]);
});

test("failure: the stack is the worker's, and says where that was, once", () => {
  function failing(): Error {
    const made = [new TypeError("bad")]; // Bun would leave the frame of a tail call out.
    return made[0];
  }
  const error = arriveError(failing());
  assert.match(error.stack ?? "", /failing/);
  assert.match(error.stack ?? "", /failure_test\.ts/);
  assert.equal(error.stack?.split("\n").at(-1), `    at ${WHERE}`);
  assert.equal(error.stack?.split(WHERE).length, 2);
  assert.doesNotMatch(error.stack ?? "", /decoder\.ts/);
  const cause = arriveError(new Error("outer", { cause: failing() })).cause as Error;
  assert.match(cause.stack ?? "", /failing/);
  class OwnError extends Error {}
  const head = new OwnError("message");
  head.stack = "Error: message\n    at fib (file:///tasks.ts:1:2)";
  assert.equal(arriveError(head).stack, `OwnError: message\n    at fib (file:///tasks.ts:1:2)\n    at ${WHERE}`);
  const bare = new Error("bare");
  bare.stack = "Error: bare\n    at /tasks.ts:1:2\n    at async C:\\x.ts:1:2";
  assert.match(arriveError(bare).stack ?? "", /\n {4}at <anonymous> \(\/tasks\.ts:1:2\)\n/);
});

test("failure: what is no error arrives as it is", () => {
  for (const thrown of ["text", "", null, undefined, 0, -0, NaN, false, 5n]) {
    assert.ok(Object.is(arrive(thrown), thrown));
  }
  assert.deepEqual(arrive({ status: 500, list: [1] }), { status: 500, list: [1] });
});

test("describe: shows any value in a message, in one wording, and never throws", () => {
  const revoked = Proxy.revocable(() => 1, {});
  revoked.revoke();
  const unnamed = Object.assign(() => 1, {});
  Object.defineProperty(unnamed, "name", { get: () => assert.fail() });
  const cases: [unknown, string][] = [
    ["x".repeat(61), `"${"x".repeat(60)}…"`],
    [-5, "-5"],
    [undefined, "undefined"],
    [Symbol("why"), "Symbol(why)"],
    [function parse() {}, "function parse"],
    [[() => 1][0], "a function"],
    [new RangeError("too far"), "RangeError: too far"],
    [new Map(), "an object of type Map"],
    [Object.create(null), "an object of type object"],
    [revoked.proxy, "a value that cannot be shown"],
    [unnamed, "a value that cannot be shown"],
    [Object.assign(new Error("x"), { toString: () => assert.fail() }), "a value that cannot be shown"],
  ];
  for (const [value, text] of cases) assert.equal(errors.describe(value), text);
});

test("failure: what is no error and cannot be copied arrives as an error that says what it was", () => {
  function handler(): void {}
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const cases: [unknown, RegExp][] = [
    [handler, /: function handler$/],
    [Symbol("why"), /: Symbol\(why\)$/],
    [Promise.resolve(), /: an object of type Promise$/],
    [{ a: handler }, /: an object of type Object$/],
    [revoked.proxy, /: a value that cannot be shown$/],
  ];
  for (const [thrown, message] of cases) {
    const error = arriveError(thrown);
    assert.equal(error.name, "Error");
    assert.match(error.message, /^A task threw what cannot be copied/);
    assert.match(error.message, message);
    assert.ok(errors.isErgateError(error.cause, "PicklingError"));
    assert.ok(error.stack?.endsWith(WHERE));
  }
});

test("failure: fields that cannot be copied are left out and named", () => {
  const shared = { x: 1 };
  const cause = Object.assign(new Error("inner"), { socket: new WeakMap(), code: 1, shared });
  const thrown = Object.assign(new TypeError("outer", { cause }), {
    early: shared,
    request: { url: "u", headers: { shared: { y: 1 }, get: () => 1 } },
    late: shared,
  });
  Object.defineProperty(thrown, "getter", {
    enumerable: true,
    get() {
      throw new Error("boom");
    },
  });
  Object.assign(thrown, { self: thrown, last: [1, 2] });
  const error = arriveError(thrown);
  assert.ok(error instanceof TypeError);
  assert.deepEqual(Object.keys(error), ["early", "late", "self", "last"]);
  assert.equal(error.self, error);
  assert.deepEqual(error.last, [1, 2]);
  assert.equal(error.early, error.late);
  const inner = error.cause as typeof cause;
  assert.deepEqual([inner.message, inner.code, inner.shared], ["inner", 1, { x: 1 }]);
  assert.equal(inner.shared, error.early);
  assert.deepEqual(error.stack?.split("\n").slice(-2), [
    `    at ${WHERE}`,
    "    (left out, as it cannot be copied: cause.socket, request, getter)",
  ]);
});

test("failure: each getter of an error is read once, and its name is in front of its stack", () => {
  for (const depth of [0, 1, 200]) {
    const reads: Record<string, number> = {};
    const error = new TypeError("plain");
    for (
      const [key, value] of Object.entries({ name: "Odd", message: "odd", stack: "TypeError: odd\n    at x", a: 1 })
    ) {
      Object.defineProperty(error, key, {
        enumerable: true,
        get() {
          reads[key] = (reads[key] ?? 0) + 1;
          return value;
        },
      });
    }
    let cause: unknown = error;
    for (let i = 0; i < depth; i++) cause = { cause };
    let arrived = arriveError(new Error("outer", { cause })) as { cause: unknown };
    for (let i = 0; i <= depth; i++) arrived = arrived.cause as typeof arrived;
    const { name, message, stack, a } = arrived as unknown as Error & { a: number };
    assert.deepEqual([name, message, stack, a], ["Odd", "odd", "Odd: odd\n    at x", 1]);
    assert.deepEqual(reads, { name: 1, message: 1, stack: 1, a: 1 });
  }
});

test("failure: nothing that can be thrown makes sending it throw", () => {
  const trap = new Proxy({}, {
    get(_, key) {
      throw new Error(String(key));
    },
    getPrototypeOf: () => Error.prototype,
    ownKeys: () => ["a"],
  });
  const revoked = Proxy.revocable(new Error("revoked"), {});
  revoked.revoke();
  const lying = Object.create(Error.prototype, {
    message: { get: () => ({ toString: null }) },
    name: { get: () => Symbol("s") },
    stack: { get: () => 5 },
  });
  let deep: unknown = () => 1;
  for (let i = 0; i < 1000; i++) deep = { deep };
  const errorsInside = Array.from({ length: 30 }, (_, i) => Object.assign(new Error(`${i}`), { f() {}, i }));
  assert.ok(arriveError(Object.freeze(new RangeError("frozen"))) instanceof RangeError);
  assert.equal(arriveError(Object.assign(new RangeError("deep"), { deep })).message, "deep");
  assert.equal(arriveError(new Proxy(new RangeError("proxied"), {})).message, "proxied");
  assert.deepEqual(
    (arriveError(new AggregateError(errorsInside, "m")).errors as Record<string, unknown>[]).map((error) => error.i),
    errorsInside.map((error) => error.i),
  );
  for (const thrown of [trap, revoked.proxy, lying, Object.create(Error.prototype), { __proto__: trap }]) {
    arriveError(thrown);
  }
});

test("failure: bytes that are no failure are a DecodeError", () => {
  const bytes = bytesOf(Object.assign(new TypeError("t", { cause: new Error("c") }), { code: 1, list: ["a"] }));
  for (let end = 0; end < bytes.length; end++) {
    assert.throws(() => decodeFailure(bytes, 0, end), DecodeError);
    assert.throws(() => decodeFailure(bytes.slice(0, end), 0, bytes.length), DecodeError);
  }
  const random = randomNumbers();
  for (let i = 0; i < 5000; i++) {
    const changed = bytes.slice();
    for (let n = 0; n < 3; n++) changed[Math.floor(random() * bytes.length)] = random() * (random() < 0.5 ? 256 : 32);
    try {
      decodeFailure(changed, 0, changed.length);
    } catch (error) {
      assert.ok(error instanceof DecodeError, String(error));
    }
  }
});
