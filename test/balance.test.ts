/**
 * A short slice of `npm run bench -- balance`: what the default does for a fleet with one sick
 * replica. Deterministic: the seed is in the name.
 */
import { balance, createBalancer } from "@quorate/discovery";
import { describe, expect, it } from "vitest";

import { type FleetCall, runFleet } from "../bench/balance/world.ts";
import { quantile } from "../bench/harness/statistics.ts";
import type { Make } from "../bench/balance/kinds.ts";

const DEFAULT: Make = (runtime) => createBalancer({ runtime });
const ROUND_ROBIN: Make = (runtime) => balance.roundRobin({ runtime });

function shareOfFirst(calls: readonly FleetCall[], fromMs: number, untilMs: number): number {
  const judged = calls.filter(({ beganMs }) => beganMs >= fromMs && beganMs < untilMs);
  return judged.filter(({ replica }) => replica === 0).length / judged.length;
}

describe.each([1, 2])("20 clients and 10 replicas, seed %i", (seed) => {
  it("a replica that is ten times slower costs the slowest calls, not the service", () => {
    const sickness = { kind: "slow", fromMs: 0, untilMs: Infinity } as const;
    const p99 = (make: Make): number => {
      const durationMs = 8_000;
      const calls = runFleet({ seed, make, sickness, durationMs });
      const took = calls.map(({ beganMs, tookMs }) => Math.min(tookMs, durationMs - beganMs));
      return quantile(took, 0.99);
    };
    expect(p99(DEFAULT)).toBeLessThan(100);
    expect(p99(ROUND_ROBIN)).toBeGreaterThan(4_000); // It grows by what is added each second.
  });

  it("case 41: a replica that fails at once gets under 1 % after a second, and comes back", () => {
    const sickness = { kind: "failing", fromMs: 1_000, untilMs: 5_000 } as const;
    const calls = runFleet({ seed, make: DEFAULT, sickness, durationMs: 22_000, perS: 1_300 });
    expect(shareOfFirst(calls, 2_000, 5_000)).toBeLessThan(0.01);
    expect(shareOfFirst(calls, 18_000, 22_000)).toBeGreaterThan(0.07);
  });

  it("replicas that are alike get shares that are alike, the first one too", () => {
    const calls = runFleet({ seed, make: DEFAULT, durationMs: 3_000 });
    const counts = Array.from({ length: 10 }, () => 0);
    for (const { replica } of calls) counts[replica] = (counts[replica] ?? 0) + 1;
    expect(Math.min(...counts) / Math.max(...counts)).toBeGreaterThan(0.7);
    expect(shareOfFirst(calls, 0, 3_000)).toBeLessThan(0.15);
  });
});
