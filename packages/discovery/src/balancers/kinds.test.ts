import { QuorateError } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import type { Balancer } from "../balancer.ts";
import { ALL_KINDS, endpoint, endpoints, picked, sequence, shares } from "./balancers.fixture.ts";
import { createBalancer } from "./create-balancer.ts";
import { ejecting } from "./ejecting.ts";
import { balance } from "./kinds.ts";
import { slowStarting } from "./slow-starting.ts";

describe.each(ALL_KINDS)("%s", (_, make) => {
  function told(...list: Parameters<Balancer["update"]>[0]): Balancer {
    const balancer = make(new ScriptedRuntime({ seed: 5 }));
    balancer.update(list);
    return balancer;
  }

  it("has nobody to pick before the first list, and after an empty one", () => {
    const balancer = make(new ScriptedRuntime());
    expect(balancer.pick()).toBeUndefined();
    balancer.update(endpoints(2));
    balancer.update([]);
    expect(balancer.pick()).toBeUndefined();
    expect(balancer.standings()).toEqual([]);
  });

  it("picks the only one there is, even if it is to be avoided", () => {
    const balancer = told(endpoint("a"));
    expect(sequence(balancer, 3)).toEqual(["a", "a", "a"]);
    expect(picked(balancer, { avoid: new Set(["a"]) }).endpoint.id).toBe("a");
  });

  it("avoids those that a call has tried, as long as there are others", () => {
    const balancer = told(...endpoints(4));
    const avoid = new Set(["e0", "e1", "e3"]);
    expect(new Set(sequence(balancer, 40, "ok", { avoid }))).toEqual(new Set(["e2"]));
    const all = new Set(["e0", "e1", "e2", "e3"]);
    expect(all).toContain(picked(balancer, { avoid: all }).endpoint.id);
  });

  it("leaves alone who drains or has no weight, unless nothing else is there", () => {
    const a = endpoint("a");
    const light = endpoint("light", { weight: 0 });
    const leaving = endpoint("leaving", { state: "draining" });
    const balancer = told(light, leaving, a);
    expect(new Set(sequence(balancer, 40))).toEqual(new Set(["a"]));
    balancer.update([light, leaving]);
    expect(new Set(sequence(balancer, 40))).toEqual(new Set(["light"]));
    balancer.update([leaving]);
    expect(new Set(sequence(balancer, 3))).toEqual(new Set(["leaving"]));
  });

  it("hands out the endpoint as it was in the last list", () => {
    const balancer = told(endpoint("a", { address: "old" }));
    const moved = endpoint("a", { address: "new" });
    balancer.update([moved]);
    expect(picked(balancer).endpoint).toBe(moved);
  });

  it("counts an end once, also of an endpoint that has gone and come back", () => {
    const balancer = told(endpoint("a"), endpoint("b"));
    const pick = picked(balancer);
    const { id } = pick.endpoint;
    balancer.update([endpoint("c")]);
    balancer.update([endpoint(id), endpoint("c")]);
    expect(balancer.standings()[0]).toMatchObject({ endpoint: { id }, outstanding: 1 });
    pick.end("ok");
    pick.end("fault");
    pick.end("ok");
    expect(balancer.standings().map(({ outstanding }) => outstanding)).toEqual([0, 0]);
  });

  it("refuses what is no list of endpoints, and changes nothing", () => {
    const balancer = told(endpoint("a"));
    const bad: unknown[] = [undefined, {}, [null], [{}], [endpoint("b", { weight: Number.NaN })]];
    bad.push([endpoint("b", { weight: -1 })], [endpoint("b", { ageMs: Infinity })]);
    for (const list of bad) {
      expect(() => balancer.update(list as never)).toThrow(QuorateError);
    }
    expect(picked(balancer).endpoint.id).toBe("a");
  });

  it("takes the last of two endpoints with the same id", () => {
    const balancer = told(endpoint("a", { address: "1" }), endpoint("a", { address: "2" }));
    expect(picked(balancer).endpoint.address).toBe("2");
    expect(balancer.standings()).toHaveLength(1);
  });
});

describe("weights", () => {
  const weighted = [1, 2, 0.5, 6.5].map((weight, index) => endpoint(`w${index}`, { weight }));

  it.each(["smoothWeighted", "leastOutstanding", "twoChoices", "peakEwma"] as const)(
    "are the shares of calls that are alike: %s",
    async (kind) => {
      const runtime = new ScriptedRuntime({ seed: 3 });
      const balancer = balance[kind]({ runtime });
      balancer.update(weighted);
      const ids: string[] = [];
      for (let call = 0; call < 4_000; call++) {
        const pick = picked(balancer);
        runtime.stall(2);
        pick.end("ok");
        ids.push(pick.endpoint.id);
      }
      const found = shares(ids);
      for (const { id, weight } of weighted) expect(found[id]).toBeCloseTo(weight / 10, 1);
      expect(found["w2"]).toBeGreaterThan(0.03);
    },
  );

  it("are those of calls under way as well", () => {
    const balancer = balance.leastOutstanding({ runtime: new ScriptedRuntime() });
    balancer.update(weighted);
    for (let call = 0; call < 100; call++) picked(balancer);
    expect(balancer.standings().map(({ outstanding }) => outstanding)).toEqual([10, 20, 5, 65]);
  });
});

describe("options", () => {
  it.each([
    () => balance.peakEwma({ decayMs: 0 }),
    () => balance.peakEwma({ penaltyMs: Number.NaN }),
    () => balance.peakEwma({ decay: 1 } as never),
    () => balance.roundRobin({ seed: 1 } as never),
    () => balance.hashed({ factor: 1 }),
    () => balance.hashed({ unkeyed: "no" as never }),
    () => ejecting(undefined as never),
    () => slowStarting({ name: "x" } as never),
    () => createBalancer({ kind: () => ({}) as never }),
    () => createBalancer({ zone: "" }),
    () => createBalancer({ name: "" }),
    () => createBalancer({ callers: 2, zone: "a" }),
    () => createBalancer({ kind: 1 as never }),
    () => createBalancer({ ejection: { maxShare: 1.5 } }),
    () => createBalancer({ ejection: { maxFaults: 1 } as never }),
  ])("are checked at once: %s", (make) => {
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });
});
