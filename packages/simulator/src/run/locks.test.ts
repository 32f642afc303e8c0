import { describe, expect, it } from "vitest";

import { lockWorld, naive, sound } from "./locks.fixture.ts";
import { simulate } from "./simulate.ts";

/** Seconds of work, minutes on a machine that others keep busy. */
const TIMEOUT_MS = 120_000;

const HARSH = { durationMs: 30_000, profile: "harsh" } as const;

describe("five processes and one lock in a harsh world", () => {
  it(
    "never believe two at once, in 200 seeds of which each hit can",
    { timeout: TIMEOUT_MS },
    async () => {
      const report = await simulate({
        ...HARSH,
        seeds: 200,
        world: lockWorld(sound),
        atLeast: { worked: 3 },
        mustHit: [
          "kill",
          "pause",
          "pause-before-send",
          "suspend",
          "clock-jump",
          "clock-rate",
          "partition",
          "connection-reset",
          "half-open",
          "slow",
          "loss",
          "store-kill",
          "store-pause",
          "lock.lost",
          "lock.renewal-failed",
          "OUTCOME_UNKNOWN",
          "LOCK_TIMEOUT",
          "LOCK_LOST",
          "stale write refused",
        ],
      });
      expect(report.failures).toEqual([]);
      expect(report.counts.get("mark.worked")).toBeGreaterThan(2_500);
    },
  );

  it.each(["no-owner-check", "counts-from-the-reply"] as const)(
    "finds the mistake of a lock with %s, and the same way again",
    { timeout: TIMEOUT_MS },
    async (mistake) => {
      const options = { ...HARSH, seeds: 20, world: lockWorld(naive(mistake)) };
      const report = await simulate({ ...options, onFailure: "collect" });
      expect(report.failures.length).toBeGreaterThan(0);
      for (const failure of report.failures) {
        expect(failure.violation.claim).toBe("one believer");
        expect(failure.isDeterministic).toBe(true);
        expect(failure.trace.at(-1)?.kind).toBe("violation");
      }
    },
  );
});
