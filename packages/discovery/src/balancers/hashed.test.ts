import { ScriptedRuntime } from "@quorate/core/testing";
import { HashRing } from "@quorate/ring";
import { describe, expect, it } from "vitest";

import type { Balancer } from "../balancer.ts";
import { endpoint, endpoints, picked } from "./balancers.fixture.ts";
import { balance } from "./kinds.ts";

const KEYS = Array.from({ length: 2_000 }, (_, index) => `user:${index}`);

function started(count: number, factor?: number): Balancer {
  const balancer = balance.hashed({ runtime: new ScriptedRuntime(), factor });
  balancer.update(endpoints(count));
  return balancer;
}

/** Who gets `key` when nothing else is under way. */
function ownerOf(balancer: Balancer, key: string): string {
  const pick = picked(balancer, { key });
  pick.end("ok");
  return pick.endpoint.id;
}

describe("consistent hash with bounded load", () => {
  it("sends a key where the ring of the same ids has it", () => {
    const balancer = started(10);
    const ring = HashRing.of(endpoints(10).map(({ id }) => id));
    for (const key of KEYS.slice(0, 200)) expect(ownerOf(balancer, key)).toBe(ring.owner(key));
  });

  it.each([1.05, 1.25, 2])("case 42: keeps every load within %d times its part", (factor) => {
    const balancer = started(10, factor);
    for (let call = 0; call < 500; call++) {
      picked(balancer, { key: "the same hot key" });
      const most = Math.max(...balancer.standings().map(({ outstanding }) => outstanding));
      expect(most).toBeLessThanOrEqual(Math.ceil((factor * (call + 1)) / 10));
    }
  });

  it("case 42: moves the keys of an endpoint that goes, and no other", () => {
    const balancer = started(10);
    const before = KEYS.map((key) => ownerOf(balancer, key));
    balancer.update(endpoints(10).slice(1));
    const moved = KEYS.filter((key, index) => {
      const owner = ownerOf(balancer, key);
      if (owner !== before[index]) expect(before[index]).toBe("e0");
      return owner !== before[index];
    });
    expect(moved.length / KEYS.length).toBeLessThan(1 / 10 + 0.05);
  });

  it("brings a key back when its endpoint is back", () => {
    const balancer = started(10);
    const before = KEYS.map((key) => ownerOf(balancer, key));
    balancer.update(endpoints(10).slice(3));
    balancer.update(endpoints(10));
    expect(KEYS.map((key) => ownerOf(balancer, key))).toEqual(before);
  });

  it("passes over who is avoided, to the key's next owner", () => {
    const balancer = started(5);
    const ring = HashRing.of(endpoints(5).map(({ id }) => id));
    for (const key of KEYS.slice(0, 100)) {
      const [owner = "", next] = ring.owners(key, 2);
      const pick = picked(balancer, { key, avoid: new Set([owner, "stranger"]) });
      expect(pick.endpoint.id).toBe(next);
      pick.end("fault");
      expect(ownerOf(balancer, key)).toBe(owner);
    }
  });

  it("counts calls that are under way over a change", () => {
    const balancer = started(3);
    const picks = KEYS.slice(0, 30).map((key) => picked(balancer, { key }));
    balancer.update(endpoints(4));
    const underWay = balancer.standings().map(({ outstanding }) => outstanding);
    expect(underWay.reduce((sum, count) => sum + count, 0)).toBe(30);
    balancer.update(endpoints(1));
    for (const pick of picks) pick.end("ok");
    balancer.update(endpoints(4));
    expect(balancer.standings().map(({ outstanding }) => outstanding)).toEqual([0, 0, 0, 0]);
    const more = KEYS.slice(0, 8).map((key) => picked(balancer, { key }));
    expect(more.length).toBe(8);
  });

  it("refuses a call without a key, unless told that it may go anywhere", () => {
    expect(() => started(2).pick()).toThrow("request.key");
    const balancer = balance.hashed({ runtime: new ScriptedRuntime(), unkeyed: "anywhere" });
    balancer.update(endpoints(4));
    for (let call = 0; call < 40; call++) picked(balancer);
    const lines = balancer.standings().map(({ outstanding }) => outstanding);
    expect(Math.max(...lines)).toBeLessThanOrEqual(13); // ⌈1.25 × 40 / 4⌉
  });

  it("takes weights of any size, without a ring of any size", () => {
    const balancer = balance.hashed();
    balancer.update([endpoint("a", { weight: 1e9 }), endpoint("b", { weight: 1e-9 })]);
    expect(ownerOf(balancer, "key")).toBe("a");
  });

  it("leaves its counts alone when a pick is refused", () => {
    const balancer = started(2);
    expect(() => balancer.pick()).toThrow();
    expect(balancer.standings().map(({ outstanding }) => outstanding)).toEqual([0, 0]);
  });
});
