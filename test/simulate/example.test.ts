/**
 * The example as a claim: the simulation finds the mistake in the cron job, and lets the mended
 * one pass.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import { remindAtMostOnce, remindCarelessly } from "../../examples/simulate-your-own/reminders.ts";
import { simulateReminders } from "../../examples/simulate-your-own/simulation.ts";

describe("examples/simulate-your-own", { timeout: 60_000 }, () => {
  it("finds in the first seeds that reminders are sent twice, and what it takes", async () => {
    const { failures, seeds } = await simulateReminders(remindCarelessly, 100);
    expect(seeds).toBeLessThanOrEqual(10);
    const [failure] = failures;
    expect(failure?.violation.claim).toBe("no reminder is sent twice");
    expect(failure?.isDeterministic).toBe(true);
    expect(failure?.shrunken?.plan.length).toBeLessThan(3);
  });

  it("finds nothing in the mended job", async () => {
    const { failures, seeds } = await simulateReminders(remindAtMostOnce, 100);
    expect(failures.map(({ violation }) => violation)).toEqual([]);
    expect(seeds).toBe(100);
  });

  it("takes thirty lines", () => {
    const url = new URL("../../examples/simulate-your-own/simulation.ts", import.meta.url);
    const text = readFileSync(url, "utf8");
    const body = text.slice(text.indexOf("return simulate({")).trimEnd().split("\n");
    expect(body.length).toBeLessThanOrEqual(30);
  });
});
