import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import type { Balancer } from "../balancer.ts";
import type { Endpoint } from "../endpoint.ts";
import { endpoint, sequence, shares } from "./balancers.fixture.ts";
import { balance } from "./kinds.ts";
import { zoned, type ZoneOptions } from "./zoned.ts";

function started(list: readonly Endpoint[], options: Partial<ZoneOptions> = {}): Balancer {
  const runtime = new ScriptedRuntime({ seed: 2 });
  const make = (): Balancer => balance.smoothWeighted({ runtime });
  const balancer = zoned(make, { zone: "a", runtime, ...options });
  balancer.update(list);
  return balancer;
}

/** `count` endpoints of `zone`: `a0`, `a1`, … */
function inZone(zone: string, count: number): readonly Endpoint[] {
  return Array.from({ length: count }, (_, index) => endpoint(`${zone}${index}`, { zone }));
}

/** Shares of zones in 3,000 calls. */
function zones(balancer: Balancer): Readonly<Record<string, number>> {
  return shares(sequence(balancer, 3_000).map((id) => id.slice(0, 1)));
}

const EVEN = [...inZone("a", 3), ...inZone("b", 3), ...inZone("c", 3)];

describe("zone preference", () => {
  it("stays at home while that has its part of the capacity", () => {
    expect(zones(started(EVEN))).toEqual({ a: expect.closeTo(1, 9) });
    const bigger = started([...inZone("a", 9), ...inZone("b", 1)]);
    expect(zones(bigger)).toEqual({ a: expect.closeTo(1, 9) });
  });

  it("spills over in proportion when it is small: each unit of weight gets the same", () => {
    const balancer = started([...inZone("a", 1), ...inZone("b", 3), ...inZone("c", 3)]);
    const found = zones(balancer);
    // A third of the callers, a seventh of the capacity: three sevenths of the calls stay.
    expect(found["a"]).toBeCloseTo(3 / 7, 1);
    expect(found["b"]).toBeCloseTo(2 / 7, 1);
    expect(found["c"]).toBeCloseTo(2 / 7, 1);
  });

  it("spills over to those that have more than they need", () => {
    const balancer = started([...inZone("a", 1), ...inZone("b", 5), ...inZone("c", 2)]);
    const found = zones(balancer);
    expect(found["a"]).toBeCloseTo(3 / 8, 1);
    expect(found["c"] ?? 0).toBe(0); // It has less than its own callers need.
  });

  it("knows where callers are, if told", () => {
    const balancer = started([...inZone("a", 1), ...inZone("b", 3)], { callers: 0.25 });
    expect(zones(balancer)).toEqual({ a: expect.closeTo(1, 9) });
  });

  it("goes elsewhere if nobody is at home, and stays if nobody is elsewhere", () => {
    expect(zones(started(inZone("b", 2)))).toEqual({ b: expect.closeTo(1, 9) });
    expect(zones(started(inZone("a", 1)))).toEqual({ a: expect.closeTo(1, 9) });
  });

  it("counts who drains or has no weight for nothing", () => {
    const idle = inZone("a", 3).map((one, index): Endpoint => {
      return index === 0 ? one : { ...one, state: "draining" };
    });
    const balancer = started([...idle, ...inZone("b", 3), ...inZone("c", 3)]);
    expect(zones(balancer)["a"]).toBeCloseTo(3 / 7, 1);
    const away = inZone("a", 3).map((one): Endpoint => ({ ...one, weight: 0 }));
    balancer.update([...away, ...inZone("b", 3)]);
    expect(zones(balancer)).toEqual({ b: expect.closeTo(1, 9) });
  });

  it("leaves the zone when everybody in it is to be avoided", () => {
    const balancer = started(EVEN);
    const avoid = new Set(["a0", "a1"]);
    expect(new Set(sequence(balancer, 20, "ok", { avoid }))).toEqual(new Set(["a2"]));
    avoid.add("a2");
    const away = new Set(sequence(balancer, 40, "ok", { avoid }));
    expect([...away].sort()).toEqual(["b0", "b1", "b2", "c0", "c1", "c2"]);
  });

  it("tells shares of all calls, in the order of the list", () => {
    const balancer = started([...inZone("b", 3), ...inZone("a", 1)]);
    zones(balancer);
    const rows = balancer.standings();
    expect(rows.map((row) => row.endpoint.id)).toEqual(["b0", "b1", "b2", "a0"]);
    for (const { share } of rows.slice(0, 3)) expect(share).toBeCloseTo(1 / 6, 2);
    expect(rows[3]?.share).toBeCloseTo(1 / 2, 2);
  });
});
