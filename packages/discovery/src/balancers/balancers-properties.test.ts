import { ScriptedRuntime } from "@quorate/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Pick, PickOutcome } from "../balancer.ts";
import type { Endpoint } from "../endpoint.ts";
import { ALL_KINDS, endpoint, endpoints, picked } from "./balancers.fixture.ts";

const ids = ["a", "b", "c", "__proto__", "constructor", "😀"];
const anyEndpoint = fc
  .record({
    id: fc.constantFrom(...ids),
    zone: fc.constantFrom("", "a", "b"),
    weight: fc.oneof(
      fc.constantFrom(0, 1, 1e-12, 1e12),
      fc.double({ min: 0.01, max: 9, noNaN: true }),
    ),
    state: fc.constantFrom<Endpoint["state"]>("up", "up", "draining"),
    ageMs: fc.constantFrom(0, 500, 1e9),
    warmUpMs: fc.constantFrom(0, 1_000),
  })
  .map(({ id, ...but }) => endpoint(id, but));

type Step =
  | { readonly kind: "update"; readonly list: readonly Endpoint[] }
  | { readonly kind: "pick"; readonly key: string; readonly avoid: readonly string[] }
  | { readonly kind: "end"; readonly which: number; readonly outcome: PickOutcome }
  | { readonly kind: "time"; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("update"),
      list: fc.array(anyEndpoint, { maxLength: 6 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("pick"),
      key: fc.constantFrom("k", "l", ""),
      avoid: fc.array(fc.constantFrom(...ids), { maxLength: 3 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("end"),
      which: fc.nat(),
      outcome: fc.constantFrom<PickOutcome>("ok", "fault", "fault", "ignore"),
    }),
  },
  // Mostly none: stamps that are equal, and once in a while a very long sleep.
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("time"), ms: fc.constantFrom(0, 1, 900, 1e12) }),
  },
);

describe.each(ALL_KINDS)("whatever happens, %s", (_, make) => {
  it("picks from the last list, never who is worse placed, and counts right", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(), (steps, seed) => {
        const runtime = new ScriptedRuntime({ seed });
        const balancer = make(runtime);
        let list = new Map<string, Endpoint>();
        const underWay: Pick[] = [];
        for (const now of steps) {
          if (now.kind === "time") runtime.stall(now.ms);
          if (now.kind === "end") underWay.at(now.which % (underWay.length || 1))?.end(now.outcome);
          if (now.kind === "update") {
            balancer.update(now.list);
            list = new Map(now.list.map((one) => [one.id, one]));
          }
          if (now.kind === "pick") {
            const pick = balancer.pick({ key: now.key, avoid: new Set(now.avoid) });
            expect(pick === undefined).toBe(list.size === 0);
            if (pick === undefined) continue;
            expect(list.get(pick.endpoint.id)).toBe(pick.endpoint);
            const isWanted = ({ state, weight }: Endpoint) => state === "up" && weight > 0;
            const isAnyWanted = [...list.values()].some(isWanted);
            expect(isWanted(pick.endpoint)).toBe(isAnyWanted);
            underWay.push(pick);
          }
        }
        for (const pick of underWay) pick.end("ok");
        const rows = balancer.standings();
        expect(new Set(rows.map((row) => row.endpoint))).toEqual(new Set(list.values()));
        for (const { outstanding, share, latencyMs = 1 } of rows) {
          expect(outstanding).toBe(0);
          expect(share).toBeGreaterThanOrEqual(0);
          expect(share).toBeLessThanOrEqual(1);
          expect(Number.isFinite(latencyMs)).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });

  it.each([1, 2, 10_000])("case 42: works with %i endpoints", (count) => {
    const balancer = make(new ScriptedRuntime({ seed: 6 }));
    balancer.update(endpoints(count));
    const calls = Math.min(200, 20 * count);
    const picks = Array.from({ length: calls }, () => picked(balancer));
    const met = new Set(picks.map((pick) => pick.endpoint.id));
    expect(met.size).toBeGreaterThanOrEqual(Math.min(count, 150));
    for (const pick of picks) pick.end("fault");
    expect(picked(balancer).endpoint.state).toBe("up");
  });
});
