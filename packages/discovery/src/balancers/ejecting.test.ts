import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import type { Balancer, PickOutcome } from "../balancer.ts";
import { endpoint, endpoints, picked, sequence, shares } from "./balancers.fixture.ts";
import { ejecting, type EjectionOptions } from "./ejecting.ts";
import { balance } from "./kinds.ts";

interface Started {
  readonly runtime: ScriptedRuntime;
  readonly balancer: Balancer;
  /** Calls one after another, of which those to `sick` fail; ids of those picked. */
  readonly calls: (count: number, sick: readonly string[]) => readonly string[];
  /** Ids that are ejected now. */
  readonly out: () => readonly string[];
}

function started(count: number, options: EjectionOptions = {}): Started {
  const runtime = new ScriptedRuntime({ seed: 4 });
  const inner = balance.roundRobin({ runtime });
  const balancer = ejecting(inner, { name: "billing", runtime, ...options });
  balancer.update(endpoints(count));
  const call = (sick: readonly string[]): string => {
    const pick = picked(balancer);
    runtime.stall(10);
    pick.end(sick.includes(pick.endpoint.id) ? "fault" : "ok");
    return pick.endpoint.id;
  };
  return {
    runtime,
    balancer,
    calls: (many, sick) => Array.from({ length: many }, () => call(sick)),
    out: () => {
      const rows = balancer.standings().filter(({ ejectedForMs }) => ejectedForMs > 0);
      return rows.map((row) => row.endpoint.id);
    },
  };
}

describe("outlier ejection", () => {
  it("leaves out who fails five times in a row", () => {
    const { calls, out } = started(4);
    const ids = calls(200, ["e2"]);
    expect(ids.filter((id) => id === "e2")).toHaveLength(5);
    expect(out()).toEqual(["e2"]);
  });

  it("takes it back after its time, and ejects it for twice as long if it still fails", () => {
    const { calls, runtime } = started(4);
    calls(20_000, ["e2"]); // 200 s.
    const forMs = runtime.recorded
      .filter(({ name }) => name === "balancer.ejected")
      .map(({ event }) => (event as { forMs: number }).forMs);
    expect(forMs.length).toBeGreaterThanOrEqual(4);
    for (const [index, ms] of forMs.entries()) {
      const usualMs = Math.min(60_000, 10_000 * 2 ** index);
      expect(ms).toBeGreaterThanOrEqual(usualMs * 0.75);
      expect(ms).toBeLessThanOrEqual(usualMs * 1.25);
    }
    expect(new Set(forMs.map((ms) => ms % 10_000)).size).toBe(forMs.length); // By chance.
  });

  it("gives who has healed its share again, and forgets its past", () => {
    const { calls, runtime, out } = started(4);
    calls(10_000, ["e2"]);
    calls(20_000, []);
    expect(out()).toEqual([]);
    expect(shares(calls(400, []))["e2"]).toBeCloseTo(0.25, 2);
    runtime.recorded.length = 0;
    calls(100, ["e2"]);
    expect(runtime.recorded[0]?.event).toMatchObject({ endpoint: "e2", times: 1 });
  });

  it("never has more than a third out", () => {
    const { calls, out } = started(10);
    calls(1_000, ["e0", "e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8", "e9"]);
    expect(out()).toHaveLength(3);
  });

  it.each([1, 2])("ejects nobody of %i", (count) => {
    const { calls, out } = started(count);
    calls(200, ["e0"]);
    expect(out()).toEqual([]);
  });

  it("leaves one even where all may go", () => {
    const { calls, out } = started(3, { maxShare: 1 });
    calls(200, ["e0", "e1", "e2"]);
    expect(out()).toHaveLength(2);
  });

  it("ejects who fails half of its calls while others do not, by its rate", () => {
    const { balancer, out, runtime } = started(4);
    let turn = 0;
    for (let call = 0; call < 200; call++) {
      const pick = picked(balancer);
      const isFault = pick.endpoint.id === "e1" && turn++ % 2 === 0;
      pick.end(isFault ? "fault" : "ok");
    }
    expect(out()).toEqual(["e1"]);
    expect(runtime.recorded[0]?.event).toMatchObject({ reason: "fault-rate" });
  });

  it("ejects nobody for what all of them suffer", () => {
    const { balancer, out } = started(4);
    for (let call = 0; call < 400; call++) {
      picked(balancer).end(Math.floor(call / 4) % 2 === 0 ? "fault" : "ok");
    }
    expect(out()).toEqual([]);
  });

  it("does not let an hour of good answers hide a bad minute", () => {
    const { calls, runtime, balancer, out } = started(4);
    calls(8_000, []);
    runtime.stall(3_600_000);
    let turn = 0;
    for (let call = 0; call < 200; call++) {
      const pick = picked(balancer);
      pick.end(pick.endpoint.id === "e1" && turn++ % 2 === 0 ? "fault" : "ok");
    }
    expect(out()).toEqual(["e1"]);
  });

  it("does not count what began before an ejection, nor what says nothing", () => {
    const { balancer, runtime, out, calls } = started(4);
    const old = Array.from({ length: 40 }, () => picked(balancer));
    const toSick = old.filter((pick) => pick.endpoint.id === "e2");
    for (const pick of toSick.slice(0, 5)) pick.end("fault");
    expect(out()).toEqual(["e2"]);
    runtime.stall(13_000);
    calls(4, []);
    expect(out()).toEqual([]);
    for (const pick of toSick) pick.end("fault"); // Five of them have ended already.
    const outcomes: PickOutcome[] = ["ignore", "ignore", "ignore", "ignore", "ignore"];
    for (const outcome of outcomes) sequence(balancer, 4, outcome);
    expect(out()).toEqual([]);
  });

  it("takes somebody back when so many have gone that it is needed", () => {
    const { balancer, calls, out, runtime } = started(6);
    calls(200, ["e4", "e5"]);
    expect(out()).toEqual(["e4", "e5"]);
    balancer.update(endpoints(6).slice(2)); // A third of four is one.
    expect(out()).toHaveLength(1);
    expect(runtime.recorded.at(-1)).toMatchObject({
      name: "balancer.returned",
      event: { balancer: "billing", reason: "needed" },
    });
    balancer.update([endpoint("e4"), endpoint("e5")]);
    expect(out()).toEqual([]);
  });

  it("forgets who has left, and is told of those in its list alone", () => {
    const { balancer, calls, out } = started(4);
    calls(40, ["e2"]);
    balancer.update(endpoints(4).filter(({ id }) => id !== "e2"));
    balancer.update(endpoints(4));
    expect(out()).toEqual([]);
  });

  it("tells of both on channels, and lets no subscriber harm a call", () => {
    const { calls, runtime } = started(4);
    calls(3_000, ["e2"]);
    const [first, second] = runtime.recorded;
    expect(first).toEqual({
      name: "balancer.ejected",
      event: {
        balancer: "billing",
        service: "billing",
        endpoint: "e2",
        reason: "faults-in-a-row",
        forMs: expect.any(Number) as number,
        times: 1,
        ejected: 1,
        of: 4,
      },
    });
    expect(second).toMatchObject({ name: "balancer.returned", event: { reason: "time" } });

    const deaf = { hasSubscribers: true, publish: () => expect.unreachable() };
    const events = { channel: () => deaf };
    const loud = started(4, { runtime: { ...new ScriptedRuntime(), events } });
    expect(() => loud.calls(200, ["e1"])).not.toThrow();
  });
});
