/**
 * Quality of service on scripted traces (research §2.5, case 27): a budget of false alarms, and of
 * time until a crash is noticed. `QUORATE_DETECTOR_BEATS=400000` plays the long run whose figures
 * are in docs/failure-detectors.md, and prints its table.
 */
import { describe, expect, it } from "vitest";

import { KINDS } from "./detectors.fixture.ts";
import { PhiDetector } from "./phi-detector.ts";
import { qualityOf, type Trouble } from "./quality.fixture.ts";

const asked = process.env["QUORATE_DETECTOR_BEATS"];
const BEATS = Number(asked ?? 5_000);
const TROUBLES: readonly (readonly [name: string, trouble: Trouble])[] = [
  ["quiet", {}],
  ["1 % loss", { lossRate: 0.01 }],
  ["10 % loss", { lossRate: 0.1 }],
  ["0.1 % stalls of about 1 s", { stallRate: 0.001 }],
];
/** False alarms a day that are forgiven at 10 % loss. */
const LOSSY_BUDGET: Readonly<Record<string, number>> = {
  DeadlineDetector: 40,
  PhiDetector: 40,
  ChenDetector: 200,
};

describe.each(KINDS)("%s", (name, make) => {
  it.each(TROUBLES)("%s", { timeout: 120_000 }, (kind, trouble) => {
    const { mistakesPerDay, detectionMs } = qualityOf(make, trouble, BEATS);
    if (asked !== undefined) {
      process.stdout.write(`${name} | ${kind} | ${mistakesPerDay.toFixed(1)} a day`);
      process.stdout.write(` | ${(detectionMs / 1_000).toFixed(2)} s\n`);
    }
    const budget = trouble.lossRate === 0.1 ? (LOSSY_BUDGET[name] ?? 0) : 0;
    expect(mistakesPerDay).toBeLessThanOrEqual(budget);
    expect(detectionMs).toBeLessThan(4_200);
    expect(detectionMs).toBeGreaterThan(2_000);
  });
});

describe("a phi detector without a pause", () => {
  it("cries wolf at every lost heartbeat, which is why there is one", () => {
    const bare = { threshold: 8, acceptablePauseMs: 0, minDeviationMs: 100 };
    const make = (options: object): PhiDetector => new PhiDetector({ ...options, ...bare });
    const { mistakesPerDay } = qualityOf(make, { lossRate: 0.01 }, BEATS);
    expect(mistakesPerDay).toBeGreaterThan(400);
  });
});
