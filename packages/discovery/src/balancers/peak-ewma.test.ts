import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import type { Balancer, PickOutcome } from "../balancer.ts";
import { endpoint, endpoints, picked, shares } from "./balancers.fixture.ts";
import { balance } from "./kinds.ts";

/** How an endpoint answers. */
type Nature = (id: string) => { readonly tookMs: number; readonly outcome?: PickOutcome };

/** One call after another; answers the ids of those picked in the last half. */
function calls(
  runtime: ScriptedRuntime,
  balancer: Balancer,
  count: number,
  nature: Nature,
): readonly string[] {
  return Array.from({ length: count }, () => {
    const pick = picked(balancer);
    const { tookMs, outcome = "ok" } = nature(pick.endpoint.id);
    runtime.stall(tookMs);
    pick.end(outcome);
    return pick.endpoint.id;
  });
}

function started(count: number, seed = 1): { runtime: ScriptedRuntime; balancer: Balancer } {
  const runtime = new ScriptedRuntime({ seed });
  const balancer = balance.peakEwma({ runtime });
  balancer.update(endpoints(count));
  return { runtime, balancer };
}

describe("peak-EWMA", () => {
  it("leaves a slow endpoint after one answer, and looks at it again some day", () => {
    const { runtime, balancer } = started(3);
    const nature: Nature = (id) => ({ tookMs: id === "e1" ? 100 : 10 });
    const early = calls(runtime, balancer, 300, nature);
    expect(early.filter((id) => id === "e1").length).toBeLessThanOrEqual(3);
    const later = calls(runtime, balancer, 6_000, nature);
    expect(shares(later)["e1"]).toBeGreaterThan(0.0002);
    expect(shares(later)["e1"]).toBeLessThan(0.02);
  });

  it("jumps up at once and comes down with time", () => {
    const { runtime, balancer } = started(1);
    calls(runtime, balancer, 10, () => ({ tookMs: 10 }));
    const latencyMs = () => balancer.standings()[0]?.latencyMs ?? -1;
    expect(latencyMs()).toBeCloseTo(10);
    calls(runtime, balancer, 1, () => ({ tookMs: 500 }));
    expect(latencyMs()).toBe(500);
    calls(runtime, balancer, 500, () => ({ tookMs: 10 }));
    expect(latencyMs()).toBeGreaterThan(100); // 5 s: one lifetime of a memory.
    expect(latencyMs()).toBeLessThan(250);
    calls(runtime, balancer, 2_500, () => ({ tookMs: 10 }));
    expect(latencyMs()).toBeLessThan(15);
  });

  it("case 41: is not drawn in by who fails at once", () => {
    const { runtime, balancer } = started(10);
    const broken: Nature = (id) =>
      id === "e0" ? { tookMs: 0.5, outcome: "fault" } : { tookMs: 10 };
    calls(runtime, balancer, 100, broken);
    expect(shares(calls(runtime, balancer, 2_000, broken))["e0"] ?? 0).toBeLessThan(0.01);
  });

  it("case 41: gives who has recovered its share back within a minute", () => {
    const { runtime, balancer } = started(10);
    calls(runtime, balancer, 6_000, (id) =>
      id === "e0" ? { tookMs: 0.5, outcome: "fault" } : { tookMs: 10 },
    );
    calls(runtime, balancer, 4_000, () => ({ tookMs: 10 })); // 40 s.
    const share = shares(calls(runtime, balancer, 2_000, () => ({ tookMs: 10 })))["e0"];
    expect(share).toBeGreaterThan(0.05);
    expect(share).toBeLessThan(0.2);
  });

  it("is not drawn in by who fails at once however long the others' lines are", () => {
    const { runtime, balancer } = started(4);
    calls(runtime, balancer, 20, (id) =>
      id === "e0" ? { tookMs: 0.5, outcome: "fault" } : { tookMs: 10 },
    );
    let toBroken = 0;
    for (let call = 0; call < 4_000; call++) {
      const pick = picked(balancer); // 1,000 under way each: nobody else ever ends.
      if (pick.endpoint.id !== "e0") continue;
      toBroken += 1;
      runtime.stall(0.5);
      pick.end("fault");
    }
    expect(toBroken).toBeLessThan(40);
  });

  it("doubts those that fail slowly for as long as they took", () => {
    const runtime = new ScriptedRuntime();
    const balancer = balance.peakEwma({ runtime, penaltyMs: 1 });
    balancer.update(endpoints(2));
    calls(runtime, balancer, 20, () => ({ tookMs: 1 }));
    const hangs: Nature = (id) =>
      id === "e0" ? { tookMs: 30_000, outcome: "fault" } : { tookMs: 1 };
    expect(calls(runtime, balancer, 5_000, hangs).filter((id) => id === "e0")).toHaveLength(1);
  });

  it("takes one reset of many calls for one fault", () => {
    const { runtime, balancer } = started(2);
    const picks = Array.from({ length: 20 }, () => picked(balancer));
    runtime.stall(10);
    for (const pick of picks) pick.end(pick.endpoint.id === "e0" ? "fault" : "ok");
    calls(runtime, balancer, 1_000, () => ({ tookMs: 10 })); // 10 s: one doubt has faded.
    expect(shares(calls(runtime, balancer, 400, () => ({ tookMs: 10 })))["e0"]).toBeGreaterThan(
      0.3,
    );
  });

  it("gives a newcomer a fair first look, and no stampede", () => {
    const { runtime, balancer } = started(9);
    calls(runtime, balancer, 500, () => ({ tookMs: 10 }));
    balancer.update([...endpoints(9), endpoint("new")]);
    const first = Array.from({ length: 100 }, () => picked(balancer));
    const toNew = first.filter((pick) => pick.endpoint.id === "new").length;
    expect(toNew).toBeGreaterThanOrEqual(5);
    expect(toNew).toBeLessThanOrEqual(20);
  });

  it("learns nothing from a call that says nothing", () => {
    const { runtime, balancer } = started(2);
    calls(runtime, balancer, 50, () => ({ tookMs: 10 }));
    const before = balancer.standings().map(({ latencyMs }) => latencyMs);
    const pick = picked(balancer);
    pick.end("ignore");
    expect(balancer.standings().map(({ latencyMs }) => latencyMs)).toEqual(before);
    expect(balancer.standings().map(({ outstanding }) => outstanding)).toEqual([0, 0]);
  });

  it("stays finite and fair while the clock stands still", () => {
    const { runtime, balancer } = started(3);
    const ids = calls(runtime, balancer, 900, () => ({ tookMs: 0 }));
    for (const share of Object.values(shares(ids))) expect(share).toBeCloseTo(1 / 3, 1);
    const picks = Array.from({ length: 30 }, () => picked(balancer));
    const lines = balancer.standings().map(({ outstanding }) => outstanding);
    expect(Math.max(...lines)).toBeLessThan(14);
    for (const pick of picks) pick.end("fault");
    for (const { latencyMs } of balancer.standings()) expect(latencyMs).toBeGreaterThan(0);
    expect(balancer.pick()).toBeDefined();
  });
});
