import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import { endpoint, endpoints, picked, sequence, shares } from "./balancers.fixture.ts";
import { createBalancer } from "./create-balancer.ts";
import { balance } from "./kinds.ts";

describe("createBalancer", () => {
  it("relieves a zone whose endpoints were ejected", () => {
    const runtime = new ScriptedRuntime();
    const kind = () => balance.smoothWeighted({ runtime });
    const balancer = createBalancer({ name: "billing", zone: "a", kind, runtime });
    const zoneOf = (index: number): string => (index < 3 ? "a" : "b");
    balancer.update(endpoints(6).map((one, index) => ({ ...one, zone: zoneOf(index) })));
    const sick = new Set(["e0", "e1"]);
    for (let call = 0; call < 100; call++) {
      const pick = picked(balancer);
      pick.end(sick.has(pick.endpoint.id) ? "fault" : "ok");
    }
    const found = shares(sequence(balancer, 2_000));
    expect(found["e0"] ?? 0).toBe(0);
    // Half of the callers have a quarter of what is left: half of their calls stay.
    expect(found["e2"]).toBeCloseTo(0.5, 1);
    expect(runtime.recorded[0]?.event).toMatchObject({ balancer: "billing", of: 6 });
  });

  it("lets a newcomer warm up", () => {
    const runtime = new ScriptedRuntime({ seed: 9 });
    const balancer = createBalancer({ runtime });
    balancer.update([...endpoints(4), endpoint("new", { ageMs: 0, warmUpMs: 60_000 })]);
    expect(shares(sequence(balancer, 4_000))["new"]).toBeLessThan(0.06);
    runtime.stall(60_000);
    expect(shares(sequence(balancer, 4_000))["new"]).toBeGreaterThan(0.12);
  });

  it("ejects nobody if told so", () => {
    const runtime = new ScriptedRuntime();
    const kind = () => balance.roundRobin({ runtime });
    const balancer = createBalancer({ kind, ejection: false, runtime });
    balancer.update(endpoints(4));
    expect(sequence(balancer, 40, "fault").filter((id) => id === "e0")).toHaveLength(10);
  });

  it("shows what a person wants to know", () => {
    const runtime = new ScriptedRuntime();
    const balancer = createBalancer({ runtime });
    balancer.update([endpoint("a")]);
    const pick = picked(balancer);
    runtime.stall(20);
    picked(balancer);
    pick.end("ok");
    expect(balancer.standings()).toEqual([
      {
        endpoint: endpoint("a"),
        weight: 1,
        share: 1,
        outstanding: 1,
        latencyMs: 20,
        ejectedForMs: 0,
      },
    ]);
  });
});
