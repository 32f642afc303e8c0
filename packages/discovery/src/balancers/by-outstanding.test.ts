import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import { endpoints, picked, sequence, shares } from "./balancers.fixture.ts";
import { balance } from "./kinds.ts";

describe("least outstanding", () => {
  it("fills the emptiest first", () => {
    const balancer = balance.leastOutstanding({ runtime: new ScriptedRuntime() });
    balancer.update(endpoints(3));
    const picks = Array.from({ length: 9 }, () => picked(balancer));
    expect(balancer.standings().map(({ outstanding }) => outstanding)).toEqual([3, 3, 3]);
    const freed = picks[4];
    freed?.end("ok");
    expect(picked(balancer).endpoint).toBe(freed?.endpoint);
  });

  it("breaks ties by chance, not by the first index", () => {
    const balancer = balance.leastOutstanding({ runtime: new ScriptedRuntime() });
    balancer.update(endpoints(4));
    for (const share of Object.values(shares(sequence(balancer, 2_000)))) {
      expect(share).toBeCloseTo(0.25, 1);
    }
  });
});

describe("two choices", () => {
  it("case 42: never takes the worst of all, and of two always the better", () => {
    const balancer = balance.twoChoices({ runtime: new ScriptedRuntime() });
    balancer.update(endpoints(2));
    const busy = picked(balancer).endpoint.id;
    const [other, ...more] = sequence(balancer, 50);
    expect(other).not.toBe(busy);
    expect(new Set(more)).toEqual(new Set([other]));
  });

  it("case 42: spreads over ten thousand endpoints", () => {
    const balancer = balance.twoChoices({ runtime: new ScriptedRuntime() });
    balancer.update(endpoints(10_000));
    for (let call = 0; call < 20_000; call++) picked(balancer);
    const most = Math.max(...balancer.standings().map(({ outstanding }) => outstanding));
    expect(most).toBeLessThanOrEqual(5); // By lot alone it would be about ten.
  });
});
