import { isQuorateError } from "@quorate/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { ChenDetector } from "./chen-detector.ts";
import { DeadlineDetector } from "./deadline-detector.ts";
import { DetectorWorld, KINDS } from "./detectors.fixture.ts";
import { PhiDetector } from "./phi-detector.ts";

const HOUR_MS = 3_600_000;

describe.each(KINDS)("%s", (_name, make) => {
  it("trusts a peer that is heard and suspects one that falls silent", () => {
    const world = new DetectorWorld(make);
    world.beats(20);
    expect(world.detector.status("b")).toBe("alive");
    expect(world.detector.suspicion("b")).toBeLessThan(world.detector.threshold);
    const patienceMs = world.patienceMs();
    expect(patienceMs).toBeGreaterThan(3_000);
    expect(patienceMs).toBeLessThan(5_000);
    world.beat();
    expect(world.detector.status("b")).toBe("alive");
  });

  it("suspects a peer that is expected and never heard (case 29)", () => {
    const world = new DetectorWorld(make);
    expect(world.detector.status("b")).toBe("unknown");
    world.detector.expect("b");
    expect(world.detector.status("b")).toBe("alive");
    world.pass(6_000);
    expect(world.detector.status("b")).toBe("suspect");
    expect(world.detector.peers).toEqual(["b"]);
  });

  it("suspects after one heartbeat only, and after two in the same millisecond (case 25)", () => {
    const world = new DetectorWorld(make);
    world.beat();
    world.beat();
    expect(world.detector.suspicion("b")).toBeLessThan(world.detector.threshold);
    world.pass(6_000);
    expect(world.detector.status("b")).toBe("suspect");
  });

  it("takes time that goes back for time that stands still (case 25)", () => {
    let nowMs = 10_000;
    const time = { monotonicMs: () => nowMs, wallMs: () => 0, setTimer: () => ({ cancel() {} }) };
    const detector = make({ runtime: { time } });
    detector.heartbeat("b", { seq: 1 });
    for (nowMs of [9_000, NaN, 10_100, 5_000]) {
      expect(detector.suspicion("b")).toBeLessThan(detector.threshold);
    }
  });

  it("grows with an hour of silence, monotone and finite (case 26)", () => {
    const world = new DetectorWorld(make);
    world.beats(50);
    const suspicions: number[] = [];
    for (let ms = 0; ms < HOUR_MS; ms += ms < 10_000 ? 50 : 1_000) {
      world.runtime.stall(ms < 10_000 ? 50 : 1_000);
      suspicions.push(world.detector.suspicion("b"));
    }
    expect(suspicions.every(Number.isFinite)).toBe(true);
    expect(suspicions).toEqual([...suspicions].sort((left, right) => left - right));
    expect(suspicions.at(-1)).toBeGreaterThan(100 * world.detector.threshold);
  });

  it("stays finite at the edge of the numbers", () => {
    const world = new DetectorWorld(make, { intervalMs: 1e-300, localPauseMs: Number.MAX_VALUE });
    world.beat();
    world.runtime.stall(1e300);
    expect(Number.isFinite(world.detector.suspicion("b"))).toBe(true);
    expect(world.detector.status("b")).toBe("suspect");
  });

  it("convicts nobody after it stood still itself, packets queued or not (case 28)", () => {
    const world = new DetectorWorld(make);
    world.beats(20);
    world.pass(900);
    world.runtime.stall(5_000);
    // Node's order after a stall: the due timers judge first, then the packets are read.
    expect(world.detector.status("b")).toBe("alive");
    for (let queued = 0; queued < 5; queued++) world.beat();
    expect(world.detector.status("b")).toBe("alive");
    world.pass(1_000);
    world.beats(3);
    expect(world.patienceMs()).toBeLessThan(5_000);
  });

  it("leaves peers a fair chance after a standstill, and convicts the dead at last", () => {
    const world = new DetectorWorld(make);
    world.beats(20);
    world.pass(900);
    world.runtime.stall(600_000);
    const patienceMs = world.patienceMs();
    expect(patienceMs).toBeGreaterThanOrEqual(1_000);
    expect(patienceMs).toBeLessThan(4_000);
  });

  it("does not forgive one who was suspect before the standstill", () => {
    const world = new DetectorWorld(make);
    world.beats(20);
    world.pass(6_000);
    world.runtime.stall(5_000);
    expect(world.detector.status("b")).toBe("suspect");
  });

  it("suspects the dead also where somebody asks only every ten seconds", () => {
    const world = new DetectorWorld(make);
    world.beats(5);
    for (let ask = 0; ask < 6; ask++) {
      world.runtime.stall(10_000);
      world.detector.status("b");
    }
    expect(world.detector.status("b")).toBe("suspect");
  });

  it("is no more patient after an outage than before it (case 30)", () => {
    const world = new DetectorWorld(make);
    world.beats(100);
    const beforeMs = world.patienceMs();
    world.pass(60_000 - beforeMs);
    world.lose(59);
    world.beat();
    world.pass(1_000);
    world.beats(20);
    expect(Math.abs(world.patienceMs() - beforeMs)).toBeLessThanOrEqual(150);
  });

  it("forgives two lost heartbeats in a row", () => {
    const world = new DetectorWorld(make);
    world.beats(30);
    world.lose(2);
    world.pass(3_000);
    expect(world.detector.status("b")).toBe("alive");
  });

  it("counts a heartbeat once, and none that comes late", () => {
    const world = new DetectorWorld(make);
    expect(world.detector.heartbeat("b", { seq: 7 })).toBe(true);
    world.pass(6_000);
    expect(world.detector.heartbeat("b", { seq: 7 })).toBe(false);
    expect(world.detector.heartbeat("b", { seq: 6 })).toBe(false);
    expect(world.detector.status("b")).toBe("suspect");
    expect(world.detector.heartbeat("b", { seq: 8 })).toBe(true);
    expect(world.detector.status("b")).toBe("alive");
  });

  it("learns another pace, without numbers too", () => {
    const world = new DetectorWorld(make);
    for (let beat = 0; beat < 50; beat++) {
      world.pass(1_300);
      world.detector.heartbeat("b");
    }
    expect(world.detector.status("b")).toBe("alive");
    world.pass(8_000);
    expect(world.detector.status("b")).toBe("suspect");
  });

  it("forgets a peer, and refuses one too many", () => {
    const world = new DetectorWorld(make, { maxPeers: 2 });
    world.detector.expect("a");
    world.detector.heartbeat("b");
    expect(() => world.detector.expect("c")).toThrow(/at most 2/);
    expect(() => world.detector.heartbeat("c")).toThrow(/at most 2/);
    expect(world.detector.forget("a")).toBe(true);
    expect(world.detector.forget("a")).toBe(false);
    world.detector.expect("c");
    expect(world.detector.peers).toEqual(["b", "c"]);
    expect(world.detector.suspicion("a")).toBe(0);
  });

  it.each(["__proto__", "constructor", ""])("has a peer called %j like any other", (peer) => {
    const world = new DetectorWorld(make);
    expect(world.detector.status(peer)).toBe("unknown");
    world.detector.heartbeat(peer);
    expect(world.detector.status(peer)).toBe("alive");
  });

  it.each([-1, 1.5, NaN, Infinity])("refuses the number %j, and changes nothing", (seq) => {
    const world = new DetectorWorld(make);
    expect(() => world.detector.heartbeat("b", { seq })).toThrow(/seq must be an integer/);
    expect(world.detector.peers).toEqual([]);
  });

  it("never answers NaN, whatever is heard and when", () => {
    const step = fc.record({
      ms: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e7, noNaN: true })),
      seq: fc.option(fc.nat({ max: 50 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const world = new DetectorWorld(make);
        const suspicions = steps.map(({ ms, seq }) => {
          world.runtime.stall(ms);
          world.detector.heartbeat("b", { seq });
          return world.detector.suspicion("b");
        });
        expect(suspicions.filter((suspicion) => !(suspicion >= 0))).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});

describe("PhiDetector", () => {
  it("has no NaN in a full window of equal intervals with a fraction (case 24)", () => {
    const world = new DetectorWorld((options) => new PhiDetector({ ...options, windowSize: 10 }));
    const suspicions: number[] = [];
    for (let beat = 0; beat < 1_000; beat++) {
      world.runtime.stall(333.333_333_333);
      world.detector.heartbeat("b");
      suspicions.push(world.detector.suspicion("b"));
    }
    expect(suspicions.filter((suspicion) => !(suspicion < 0.1))).toEqual([]);
  });

  it("learns what three outages in a row have in common: they are the rhythm", () => {
    const world = new DetectorWorld((options) => new PhiDetector(options));
    const verdicts: string[] = [];
    for (let beat = 0; beat < 12; beat++) {
      world.pass(5_000);
      verdicts.push(world.detector.status("b"));
      world.beat();
    }
    expect(verdicts.filter((verdict) => verdict === "suspect")).toHaveLength(3);
    expect(verdicts.slice(4).includes("suspect")).toBe(false);
  });

  it("trusts a jumpy peer for longer than a steady one", () => {
    const make = (options: object): PhiDetector => new PhiDetector(options);
    const steady = new DetectorWorld(make);
    const jumpy = new DetectorWorld(make);
    steady.beats(60);
    for (let beat = 0; beat < 60; beat++) {
      jumpy.pass(beat % 2 === 0 ? 400 : 1_600);
      jumpy.beat();
    }
    expect(jumpy.patienceMs()).toBeGreaterThan(steady.patienceMs() + 1_000);
  });
});

describe("ChenDetector", () => {
  it("expects the next heartbeat on schedule, however late this one was", () => {
    const world = new DetectorWorld((options) => new ChenDetector(options));
    world.beats(50);
    const onTimeMs = world.patienceMs();
    const late = new DetectorWorld((options) => new ChenDetector(options));
    late.beats(50);
    late.pass(1_800);
    late.beat();
    expect(onTimeMs - late.patienceMs()).toBeGreaterThan(700);
  });

  it("follows a sender whose schedule has moved", () => {
    const world = new DetectorWorld((options) => new ChenDetector(options));
    world.beats(100);
    world.pass(30_000);
    for (let beat = 0; beat < 5; beat++) {
      world.beat();
      world.pass(1_000);
      expect(world.detector.status("b")).toBe("alive");
    }
  });
});

describe("options", () => {
  it.each([
    ["threshold", () => new PhiDetector({ threshold: 0 })],
    ["windowSize", () => new PhiDetector({ windowSize: 1.5 })],
    ["acceptablePauseMs", () => new PhiDetector({ acceptablePauseMs: -1 })],
    ["minDeviationMs", () => new PhiDetector({ minDeviationMs: 0 })],
    ["intervalMs", () => new DeadlineDetector({ intervalMs: 0 })],
    ["timeoutMs", () => new DeadlineDetector({ timeoutMs: 1_000 })],
    ["marginMs", () => new ChenDetector({ marginMs: NaN })],
    ["localPauseMs", () => new ChenDetector({ localPauseMs: -5 })],
    ["maxPeers", () => new ChenDetector({ maxPeers: 0 })],
    ["options.treshold", () => new PhiDetector({ treshold: 8 } as object)],
  ])("names %s, when it is wrong", (option, make) => {
    try {
      make();
      expect.fail("was accepted");
    } catch (error) {
      if (!isQuorateError(error, "INVALID_ARGUMENT")) throw error;
      expect(error.details.option).toBe(option);
    }
  });
});
