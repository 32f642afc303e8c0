import { isQuorateError } from "@quorate/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Exchange, OffsetEstimator } from "./offset-estimator.ts";
import { steps, World, worlds } from "./world.fixture.ts";

const at = (ms: number, wallMs = ms) => ({ monotonicMs: ms, wallMs });
const exchange = (sentMs: number, remoteMs: number, receivedMs: number): Exchange => ({
  sent: at(sentMs),
  remoteReceivedMs: remoteMs,
  remoteSentMs: remoteMs,
  received: at(receivedMs),
});

describe("an estimate", () => {
  it("holds the true time, whatever drifts, delays, sleeps and set clocks there are", () => {
    fc.assert(
      fc.property(worlds, steps, fc.constantFrom(0, 1, 50), (options, history, boundMs) => {
        const world = new World(options);
        const estimator = new OffsetEstimator({ driftPpm: options.driftPpm });
        for (const step of history) {
          if (step.kind === "run") world.run(step.ms);
          else if (step.kind === "sleep") world.sleep(step.ms);
          else if (step.kind === "set-wall") world.setWall(step.byMs);
          else expect(estimator.add(world.ask(step, boundMs)).kind).toBe("taken");
          const estimate = estimator.estimate(world.reading);
          if (estimate === undefined) continue;
          const errorMs = Math.abs(estimate.nowMs - world.trueMs);
          expect(errorMs).toBeLessThanOrEqual(estimate.errorBoundMs + 0.01);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("is NTP's θ and δ where both local clocks agree", () => {
    const estimator = new OffsetEstimator({ driftPpm: 0 });
    expect(estimator.estimate(at(0))).toBe(undefined);
    estimator.add({ sent: at(0), remoteReceivedMs: 110, remoteSentMs: 115, received: at(25) });
    expect(estimator.estimate(at(25))).toEqual({
      nowMs: 125,
      errorBoundMs: 10,
      offsetMs: 100,
      delayMs: 20,
      ageMs: 0,
    });
    expect(estimator.estimate(at(1_025))).toMatchObject({ nowMs: 1_125, ageMs: 1_000 });
  });

  it("is the one of the smallest delay, not the newest, until its age has eaten that", () => {
    const estimator = new OffsetEstimator({ driftPpm: 1_000 });
    estimator.add(exchange(0, 1_005, 10));
    estimator.add(exchange(1_000, 2_050, 1_100));
    expect(estimator.estimate(at(1_100))?.delayMs).toBeCloseTo(10, 1);
    estimator.add(exchange(100_000, 101_020, 100_040));
    expect(estimator.estimate(at(100_040))?.delayMs).toBeCloseTo(40, 0);
  });

  it("forgets all but the last eight", () => {
    const estimator = new OffsetEstimator({ driftPpm: 0 });
    estimator.add(exchange(0, 1_000, 0));
    for (let poll = 1; poll <= 8; poll++) {
      const sentMs = poll * 1_000;
      expect(estimator.estimate(at(sentMs))?.delayMs).toBe(0);
      estimator.add(exchange(sentMs, sentMs + 1_050, sentMs + 100));
    }
    expect(estimator.size).toBe(8);
    expect(estimator.estimate(at(9_000))?.delayMs).toBe(100);
  });
});

describe("an exchange that cannot be", () => {
  it.each([
    ["a delay below zero", exchange(0, 100, 20), { remoteSentMs: 150 }, "negative-delay"],
    [
      "a server that went back while it worked",
      exchange(0, 100, 20),
      { remoteSentMs: 99 },
      "set-back",
    ],
    ["no number", exchange(0, 100, 20), { remoteSentMs: Number.NaN }, "malformed"],
    ["infinity", exchange(0, 100, 20), { remoteReceivedMs: -Infinity }, "malformed"],
    ["an error below zero", exchange(0, 100, 20), { remoteErrorMs: -1 }, "malformed"],
    ["an unknown error", exchange(0, 100, 20), { remoteErrorMs: Infinity }, "malformed"],
  ] as const)("is refused: %s; and nothing changes", (_, base, change, reason) => {
    const estimator = new OffsetEstimator();
    estimator.add(exchange(0, 1_005, 10));
    const before = estimator.estimate(at(50));
    expect(estimator.add({ ...base, ...change })).toEqual({ kind: "refused", reason });
    expect(estimator.estimate(at(50))).toEqual(before);
  });

  it("is taken while the server's own error explains a small negative delay", () => {
    const estimator = new OffsetEstimator({ driftPpm: 0 });
    const rounded = { ...exchange(0, 100, 2), remoteSentMs: 103, remoteErrorMs: 1 };
    expect(estimator.add(rounded).kind).toBe("taken");
    expect(estimator.estimate(at(2))).toMatchObject({ nowMs: 103, errorBoundMs: 1, delayMs: 0 });
  });

  it("of our own is a caller's mistake", () => {
    const estimator = new OffsetEstimator();
    const broken = { ...exchange(0, 1, 2), sent: at(Number.NaN) };
    expect(() => estimator.add(broken)).toThrow("sent.monotonicMs");
    expect(() => estimator.estimate(undefined as never)).toThrow("INVALID_ARGUMENT");
    try {
      new OffsetEstimator({ driftPpm: -1 });
      expect.unreachable();
    } catch (error) {
      expect(isQuorateError(error, "INVALID_ARGUMENT")).toBe(true);
    }
  });
});

describe("a server whose clock is set", () => {
  it("is believed anew at once: what it said before no longer counts", () => {
    const estimator = new OffsetEstimator();
    for (let poll = 0; poll < 5; poll++) {
      estimator.add(exchange(poll * 1_000, poll * 1_000 + 5_005, poll * 1_000 + 10));
    }
    const verdict = estimator.add(exchange(6_000, 6_000 + 99_050, 6_100));
    expect(verdict).toEqual({ kind: "taken", contradicted: 5 });
    expect(estimator.estimate(at(6_100))?.nowMs).toBeCloseTo(105_100, 0);
  });
});

describe("a machine that sleeps", () => {
  it("knows that it knows less, and is not misled by a sleep between question and answer", () => {
    const estimator = new OffsetEstimator({ driftPpm: 0 });
    estimator.add(exchange(0, 1_005, 10));
    // An hour on the wall clock, a second on the monotonic one.
    const awake = at(1_010, 3_600_010);
    expect(estimator.estimate(awake)?.errorBoundMs).toBe(5 + 3_599_001);
    // The answer was waiting when it woke: the hour may have been travel.
    const slept = { ...exchange(2_000, 3_005, 2_010), received: at(2_010, 3_602_010) };
    estimator.add(slept);
    expect(estimator.estimate(slept.received)?.errorBoundMs).toBeGreaterThan(1_800_000);
  });

  it("does not forget a sleep when its wall clock is set back after the next exchange", () => {
    const estimator = new OffsetEstimator({ driftPpm: 0 });
    estimator.add(exchange(0, 1_000, 0));
    // Ten seconds of sleep, then an exchange that says little, then the wall clock set back.
    const slow = { remoteReceivedMs: 11_110, remoteSentMs: 11_110 };
    estimator.add({ sent: at(100, 10_100), ...slow, received: at(120, 10_120) });
    const estimate = estimator.estimate(at(120, 120));
    expect(estimate?.delayMs).toBe(20);
    expect(Math.abs((estimate?.nowMs ?? 0) - 11_120)).toBeLessThanOrEqual(10);
  });
});
