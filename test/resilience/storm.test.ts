/**
 * Case 30: a retry storm ends with the defaults, and would not without.
 *
 * The world and its figures are those of `npm run bench -- resilience`.
 */
import { describe, expect, it } from "vitest";

import { STORMS } from "../../bench/resilience/storm.ts";
import { runStorm } from "../../bench/resilience/storm-world.ts";

const SEED = 1;

function storm(name: string) {
  const found = STORMS.find(([title]) => title === name);
  if (found === undefined) throw new Error(`no storm called ${name}`);
  return runStorm(found[1], { seed: SEED, durationMs: 22_000 });
}

describe("case 30: a server that stalled for 5 s", { timeout: 60_000 }, () => {
  it("is well again within 5 s with the defaults on both sides", async () => {
    const { recoveredAfterS, wasted, amplification, result } = await storm(
      "resilient(); server: admission()",
    );
    expect(result.violation).toBeUndefined();
    expect(recoveredAfterS).toBeLessThanOrEqual(5);
    expect(wasted).toBeLessThan(0.05);
    expect(amplification).toBeLessThan(1.2);
  });

  it("does not recover from blind retries", async () => {
    const { recoveredAfterS, wasted } = await storm("3 retries with jitter");
    expect(recoveredAfterS).toBe(Infinity);
    expect(wasted).toBeGreaterThan(0.5);
  });
});
