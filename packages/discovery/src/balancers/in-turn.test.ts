import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import { endpoint, endpoints, picked, sequence, shares } from "./balancers.fixture.ts";
import { balance } from "./kinds.ts";

describe("round robin", () => {
  it("asks each in turn, and begins anywhere", () => {
    const firsts = new Set<string>();
    for (let seed = 1; seed <= 30; seed++) {
      const balancer = balance.roundRobin({ runtime: new ScriptedRuntime({ seed }) });
      balancer.update(endpoints(3));
      const ids = sequence(balancer, 6);
      expect(ids.slice(3)).toEqual(ids.slice(0, 3));
      expect(new Set(ids).size).toBe(3);
      firsts.add(ids[0] as string);
    }
    expect(firsts.size).toBe(3);
  });
});

describe("smooth weighted round robin", () => {
  it("case 43: repeats nginx's sequence for the weights 5, 1 and 1", () => {
    const balancer = balance.smoothWeighted();
    balancer.update([endpoint("a", { weight: 5 }), endpoint("b"), endpoint("c")]);
    expect(sequence(balancer, 7).join(" ")).toBe("a a b a c a a");
    expect(sequence(balancer, 7).join(" ")).toBe("a a b a c a a");
  });

  it("keeps exact shares of fractional weights", () => {
    const balancer = balance.smoothWeighted();
    balancer.update([endpoint("a", { weight: 0.1 }), endpoint("b", { weight: 0.3 })]);
    expect(shares(sequence(balancer, 400))).toEqual({
      a: expect.closeTo(0.25, 9),
      b: expect.closeTo(0.75, 9),
    });
  });

  it("does not make an endpoint pay at a small weight what it owed at a large one", () => {
    const balancer = balance.smoothWeighted();
    balancer.update([endpoint("a", { weight: 100 }), endpoint("b", { weight: 99 })]);
    sequence(balancer, 1);
    balancer.update([endpoint("a"), endpoint("b")]);
    expect(sequence(balancer, 4).filter((id) => id === "a")).toHaveLength(2);
  });

  it("goes on where it was when an equal list comes", () => {
    const balancer = balance.smoothWeighted();
    const list = [endpoint("a", { weight: 5 }), endpoint("b"), endpoint("c")];
    const ids = Array.from({ length: 7 }, () => {
      balancer.update(list);
      return picked(balancer).endpoint.id;
    });
    expect(ids.join(" ")).toBe("a a b a c a a");
  });
});
