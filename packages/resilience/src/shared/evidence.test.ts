/**
 * What evidence weighs, and what it takes to open a fleet.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { Census, plus } from "./census.ts";
import {
  type Evidence,
  isQuorum,
  type Limits,
  NOTHING,
  type Summary,
  weigh,
  type Weight,
} from "./evidence.ts";

const limits: Limits = {
  minCalls: 20,
  faultRate: 0.5,
  slowRate: 0.8,
  minInstances: 2,
  quorumShare: 0.5,
};

function seen(ok: number, faults: number, state: Evidence["state"] = "closed", slow = 0): Evidence {
  return { tally: { ok, faults, slow }, state };
}

function opens(...all: readonly Evidence[]): boolean {
  const weights = all.map((one) => weigh(one, limits));
  return isQuorum(
    weights.reduce((sum, one) => plus(sum, one), NOTHING),
    limits,
  );
}

function times(count: number, one: Evidence): readonly Evidence[] {
  return Array.from({ length: count }, () => one);
}

describe("a fleet opens", () => {
  it.each([
    [
      "half of the instances see nothing but faults",
      [...times(5, seen(0, 20)), ...times(5, seen(20, 0))],
    ],
    ["nobody has volume alone, but all together", times(10, seen(0, 2))],
    [
      "breakers opened by themselves",
      [...times(6, seen(10, 10, "open")), ...times(4, seen(99, 0))],
    ],
    ["open breakers have nothing to show", times(2, seen(0, 0, "half-open"))],
    ["the idle say nothing", [...times(2, seen(0, 20)), ...times(90, seen(0, 0))]],
    ["the isolated say nothing", [...times(2, seen(0, 20)), ...times(9, seen(20, 0, "isolated"))]],
    ["most calls are slow", times(3, seen(20, 0, "closed", 17))],
  ])("when %s", (_, all) => expect(opens(...all)).toBe(true));

  it.each([
    ["one is sick", [seen(0, 500), ...times(9, seen(20, 0))]],
    ["one is sick and nobody else speaks", [seen(0, 500)]],
    ["one breaker is open and nobody else speaks", [seen(0, 500, "open")]],
    ["two have too little volume", times(2, seen(0, 9))],
    [
      "a minority sees it, with most of the calls",
      [...times(4, seen(0, 500)), ...times(5, seen(9, 0))],
    ],
    [
      "a majority sees it, with few of the calls",
      [...times(6, seen(0, 5)), ...times(4, seen(500, 0))],
    ],
    ["all see some faults", times(100, seen(60, 40))],
    ["nobody has anything to say", []],
  ])("not when %s", (_, all) => expect(opens(...all)).toBe(false));
});

describe("the census", () => {
  const summary: fc.Arbitrary<Summary> = fc.record({
    tally: fc.record({ ok: fc.nat(50), faults: fc.nat(50), slow: fc.nat(50) }),
    state: fc.constantFrom("closed", "open", "half-open", "ramping", "isolated"),
    epoch: fc.nat(2),
  });
  const step = fc.oneof(
    fc.record({ kind: fc.constant("hear" as const), who: fc.nat(9), summary, untilMs: fc.nat(99) }),
    fc.record({ kind: fc.constant("forget" as const), who: fc.nat(9) }),
    fc.record({ kind: fc.constant("expire" as const), nowMs: fc.nat(99) }),
    fc.record({ kind: fc.constant("turn" as const), epoch: fc.nat(2) }),
  );

  it("has the sums that counting anew would give, of this epoch, and keeps its bound", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const census = new Census(limits, 6);
        const model = new Map<string, { summary: Summary; untilMs: number }>();
        let epoch = 0;
        for (const one of steps) {
          if (one.kind === "hear") {
            const { who, summary: said, untilMs } = one;
            const fits = model.has(`${who}`) || model.size < 6;
            expect(census.hear(`${who}`, said, untilMs)).toBe(fits);
            if (fits) model.set(`${who}`, { summary: said, untilMs });
          } else if (one.kind === "forget") {
            census.forget(`${one.who}`);
            model.delete(`${one.who}`);
          } else if (one.kind === "expire") {
            census.expire(one.nowMs);
            for (const [who, { untilMs }] of model) if (untilMs <= one.nowMs) model.delete(who);
          } else {
            epoch = one.epoch;
            census.turnTo(epoch);
          }
          const counted = [...model.values()].filter((said) => said.summary.epoch === epoch);
          const sum = counted.reduce<Weight>(
            (all, said) => plus(all, weigh(said.summary, limits)),
            NOTHING,
          );
          expect(census.others).toEqual(sum);
          expect(census.size).toBe(model.size);
        }
      }),
    );
  });
});
