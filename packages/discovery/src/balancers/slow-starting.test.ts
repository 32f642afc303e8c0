import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import type { Balancer } from "../balancer.ts";
import { endpoint, picked, sequence, shares } from "./balancers.fixture.ts";
import { balance } from "./kinds.ts";
import { slowStarting } from "./slow-starting.ts";

const old = endpoint("old");
const young = endpoint("young", { warmUpMs: 10_000, ageMs: 0 });

function started(): { runtime: ScriptedRuntime; balancer: Balancer; share: () => number } {
  const runtime = new ScriptedRuntime();
  const balancer = slowStarting(balance.smoothWeighted({ runtime }), { runtime });
  balancer.update([old, young]);
  const share = (): number => shares(sequence(balancer, 220))["young"] ?? 0;
  return { runtime, balancer, share };
}

describe("slow start", () => {
  it("gives a newcomer a tenth at first, and its share when it is warm", () => {
    const { runtime, share } = started();
    expect(share()).toBeCloseTo(0.1 / 1.1, 2);
    runtime.stall(5_000);
    expect(share()).toBeCloseTo(0.5 / 1.5, 2);
    runtime.stall(5_000);
    expect(share()).toBeCloseTo(0.5, 9);
  });

  it("hands out the endpoint itself, not the lighter one that it makes of it", () => {
    const { balancer } = started();
    const found = Array.from({ length: 30 }, () => picked(balancer).endpoint);
    expect(new Set(found)).toEqual(new Set([old, young]));
    expect(balancer.standings().map((row) => row.endpoint)).toEqual([old, young]);
    expect(balancer.standings().map(({ weight }) => weight)).toEqual([1, 0.1]);
  });

  it("counts from the registration, not from when it was heard of", () => {
    const { balancer, share } = started();
    balancer.update([old, { ...young, id: "known", ageMs: 5_000 }]);
    expect(balancer.standings()[1]?.weight).toBe(0.5);
    expect(share()).toBe(0); // The young one has gone.
  });

  it("does not begin anew when a list repeats the age of an older one", () => {
    const { runtime, balancer } = started();
    runtime.stall(6_000);
    balancer.update([old, { ...young }]);
    expect(balancer.standings()[1]?.weight).toBe(0.6);
    runtime.stall(60_000);
    balancer.update([old, { ...young }]);
    expect(balancer.standings()[1]?.weight).toBe(1);
  });

  it("changes nothing among those that are equally young", () => {
    const { balancer } = started();
    balancer.update([young, { ...young, id: "twin" }]);
    expect(shares(sequence(balancer, 100))).toEqual({
      young: expect.closeTo(0.5, 9),
      twin: expect.closeTo(0.5, 9),
    });
  });

  it("leaves weight 0 and draining as they are", () => {
    const { balancer } = started();
    balancer.update([old, { ...young, weight: 0 }, { ...young, id: "d", state: "draining" }]);
    expect(shares(sequence(balancer, 50))).toEqual({ old: expect.closeTo(1, 9) });
  });
});
