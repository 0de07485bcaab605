/** What a map keeps of its items' outcomes, beside a plain list of them: settled in any order, read in any way. */

import assert from "node:assert/strict";
import { AsCompleted, Gathered, InOrder, type Outcomes } from "../executor/map_outcomes.ts";
import { Failure } from "../executor/map_span.ts";
import { randomNumbers, test } from "./harness.ts";

/** What settles some items: one outcome, or values of several that came in one message. */
interface Step {
  readonly index: number;
  readonly outcomes: readonly unknown[];
  readonly isColumn: boolean;
}

/** Outcomes of `count` items, and the steps that settle them as two workers would: each goes through spans of its own. */
function steps(random: () => number, count: number, withFailures: boolean): Step[] {
  const workers: Step[][] = [[], []];
  for (let index = 0; index < count;) {
    const worker = workers[Math.floor(random() * 2)];
    const length = Math.min(count - index, 1 + Math.floor(random() ** 3 * 3000));
    const isColumn = random() < 0.5;
    const outcomes = Array.from({ length }, (_, i) => {
      if (!isColumn && withFailures && random() < 0.01) return new Failure(() => index + i);
      return isColumn ? index + i : { number: index + i };
    });
    if (isColumn) worker.push({ index, outcomes, isColumn });
    else outcomes.forEach((outcome, i) => worker.push({ index: index + i, outcomes: [outcome], isColumn }));
    index += length;
  }
  const all: Step[] = [];
  const [one, other] = workers;
  while (one.length + other.length > 0) {
    const worker = other.length === 0 || (one.length > 0 && random() < 0.5) ? one : other;
    all.push(...worker.splice(0, 1 + Math.floor(random() * 200)));
  }
  return all;
}

function settle(outcomes: Outcomes, { index, outcomes: settled, isColumn }: Step, random: () => number): void {
  if (!isColumn) return outcomes.settle(index, settled[0]);
  const before = Math.floor(random() * 2); // a message may have values of more than one span
  outcomes.settleAll(index, settled.length, [...Array(before).fill(-1), ...settled], before);
}

/** Reads some of what is there. */
function read(outcomes: Outcomes, into: unknown[], random: () => number): void {
  while (outcomes.hasNext && random() < 0.9) {
    if (random() < 0.3) {
      const runs: unknown[][] = [];
      outcomes.takeValues(runs);
      for (const values of runs) for (const value of values) into.push(value);
    }
    for (let n = random() * 300; n > 0 && outcomes.hasNext; n--) into.push(outcomes.take());
  }
}

for (const [name, make] of [["in order", () => new InOrder()], ["as completed", () => new AsCompleted()]] as const) {
  test(`outcomes ${name}: all are read, by themselves and in runs, and counted`, () => {
    const random = randomNumbers();
    for (let round = 0; round < 6; round++) {
      const outcomes = make();
      const count = Math.floor(random() * 20_000);
      const all = steps(random, count, true);
      const got: unknown[] = [];
      for (const step of all) {
        settle(outcomes, step, random);
        read(outcomes, got, random);
        assert.equal(outcomes.taken, got.length);
      }
      while (outcomes.hasNext) got.push(outcomes.take());
      const expected = outcomes.hasPlaces ? all.toSorted((one, other) => one.index - other.index) : all;
      assert.deepEqual(got, expected.flatMap((step) => step.outcomes));
      assert.equal(outcomes.taken, count);
    }
  });
}

test("outcomes gathered: an array of all values, or the failure of the first item that failed", async () => {
  const random = randomNumbers();
  for (let round = 0; round < 6; round++) {
    const outcomes = new Gathered();
    const all = steps(random, Math.floor(random() * 20_000), round % 2 === 1);
    for (const step of all) settle(outcomes, step, random);
    outcomes.end(undefined);
    const expected = all.toSorted((one, other) => one.index - other.index).flatMap((step) => step.outcomes);
    const failure = expected.find((outcome) => outcome instanceof Failure);
    if (failure === undefined) assert.deepEqual(await outcomes.all, expected);
    else await assert.rejects(outcomes.all, (error: unknown) => error === failure.error());
  }
});
