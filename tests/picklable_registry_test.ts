/** Which class an address means: modules that are evaluated again, classes that nothing tells apart, and classes of the host. */
import assert from "node:assert/strict";
import { picklable } from "../mod.ts";
import { lookUpClass } from "../tasks/picklable.ts";
import { hashOf, type ModuleMeta } from "../tasks/registry.ts";
import { test } from "./harness.ts";
import { hexOf, valueOf } from "./wire.ts";

type Class = new () => object;

/** What a host gives a module as `import.meta`: another object at each evaluation. */
function metaOf(url: string): ModuleMeta {
  return Object.assign(Object.create(null), { url, resolve: () => url });
}

/** Registers a class whose text is always the same. */
function shape(module: ModuleMeta, Base: Class = Object): Class {
  class Shape extends Base {}
  return picklable(module, Shape);
}

/** As which class an instance arrives. */
function arrivesAs(Class: Class): unknown {
  return (valueOf(hexOf(new Class())) as object).constructor;
}

const REFUSED = /class Shape must be the only one of its name and text .*there are \d; give each a name/;

// Modules that are evaluated again

test("picklable: import.meta is one object per evaluation of a module, and has resolve()", () => {
  const again = (): ModuleMeta => import.meta;
  assert.equal(again(), import.meta);
  assert.equal(typeof import.meta.resolve, "function");
});

test("picklable: of a module that is evaluated again the newest class counts, for older instances too", () => {
  const url = "file:///nowhere/reloaded.ts";
  const older = [shape(metaOf(url)), shape(metaOf(url))];
  const newest = shape(metaOf(url));
  for (const Class of [...older, newest]) assert.equal(arrivesAs(Class), newest);
});

test("picklable: a class that was edited and put back arrives as the newest of its text", () => {
  const url = "file:///nowhere/edited.ts";
  const before = shape(metaOf(url));
  const Edited = { Shape: class extends Object {} }.Shape;
  picklable(metaOf(url), Edited, { name: "Shape" });
  assert.equal(arrivesAs(before), before);
  const after = shape(metaOf(url));
  assert.equal(arrivesAs(before), after);
  assert.equal(arrivesAs(Edited), Edited);
});

// Classes that nothing tells apart

test("picklable: classes that one evaluation makes of one text are refused, however their module is given", () => {
  const own = metaOf("file:///nowhere/factory.ts");
  const modules = [
    () => import.meta as ModuleMeta,
    () => own,
    () => ({ url: "file:///nowhere/by_hand.ts" }),
  ];
  class Circle {}
  class Square {}
  for (const module of modules) {
    for (const Class of [shape(module(), Circle), shape(module(), Square)]) {
      assert.throws(() => hexOf(new Class()), REFUSED);
    }
  }
});

test("picklable: an older evaluation's classes that nothing tells apart stay refused, the newest one crosses", () => {
  const url = "file:///nowhere/factory_reloaded.ts";
  const before = metaOf(url);
  const [first, second] = [shape(before), shape(before)];
  const newest = shape(metaOf(url));
  assert.equal(arrivesAs(newest), newest);
  for (const Class of [first, second, shape(before)]) assert.throws(() => hexOf(new Class()), REFUSED);
  assert.equal(arrivesAs(newest), newest);
});

test("picklable: an instance does not arrive as one of several classes that nothing tells apart here", () => {
  const meta = metaOf("file:///nowhere/more_there.ts");
  const Only = shape(meta);
  const sent = hexOf(new Only());
  const address = { url: meta.url, name: "Shape", hash: hashOf(Only) };
  assert.equal(lookUpClass(address)?.target, Only);
  shape(meta);
  assert.equal(lookUpClass(address), undefined);
  assert.equal(lookUpClass({ ...address, hash: "" }), undefined);
  assert.throws(
    () => valueOf(sent),
    /class Shape must be registered here by picklable\(\) .*, as the only one of its name and text: it is not/,
  );
});

// Classes of the host

test("picklable: a class on globalThis that the program put there is none of the host's", () => {
  class Widget {
    size = 1;
  }
  const holder = globalThis as unknown as Record<string, unknown>;
  holder.Widget = Widget;
  try {
    class Button extends Widget {}
    picklable(import.meta, Button);
    assert.deepEqual(valueOf(hexOf(new Button())), new Button());
  } finally {
    delete holder.Widget;
  }
});

test("picklable: a base class behind bind() or a proxy is none of the host's", () => {
  class Plain {
    size = 1;
  }
  for (const Base of [Plain.bind(null), new Proxy(Plain, {})] as (typeof Plain)[]) {
    const Behind = class extends Plain {};
    Object.defineProperty(Behind.prototype, "constructor", { value: Base });
    class Thing extends Behind {}
    picklable(import.meta, Thing, { name: `Thing of ${Base.name}` });
    assert.deepEqual(valueOf(hexOf(new Thing())), new Thing());
  }
});
