import { seededRandom } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";
import { type Instant, RenewalSchedule, type Scheduled } from "./renewal-schedule.ts";

const at = (ms: number, wallMs = ms): Instant => ({ monotonicMs: ms, wallMs });
const windowOf = (sentMs: number, ttlMs: number): Scheduled["window"] => ({
  validUntilMs: sentMs + ttlMs * 0.99 - 2,
  validUntilWallMs: sentMs + ttlMs * 0.99 - 2,
});

function lease(nowMs: number, ttlMs: number): Scheduled {
  return {
    ttlMs,
    renews: true,
    window: windowOf(nowMs, ttlMs),
    phase: { kind: "resting", dueMs: 0, earliestMs: 0 },
    failures: 0,
    wakeMs: 0,
    heapIndex: -1,
  };
}

/** Plays the schedule until `untilMs`; `answer` says what becomes of each call. */
function play(
  schedule: RenewalSchedule<Scheduled>,
  from: number,
  untilMs: number,
  answer: "renewed" | "failed",
): { atMs: number; size: number }[] {
  const calls: { atMs: number; size: number }[] = [];
  const random = seededRandom(7);
  for (let ms = schedule.nextWakeMs; ms !== undefined && ms < untilMs; ms = schedule.nextWakeMs) {
    const now = at(Math.max(ms, from));
    for (const { leases } of schedule.turn(now).batches) {
      calls.push({ atMs: now.monotonicMs, size: leases.length });
      for (const one of leases) {
        if (answer === "failed") schedule.failed(one, now);
        else {
          schedule.renewed(one, windowOf(now.monotonicMs, one.ttlMs), now, random.next());
        }
      }
    }
  }
  return calls;
}

describe("renewal schedule", () => {
  it.each([1, 2, 3])("renews 1000 leases with at most 10 calls per period, seed %i", (seed) => {
    const random = seededRandom(seed);
    const schedule = new RenewalSchedule<Scheduled>();
    const ttlMs = 15_000;
    const periodMs = ttlMs / 3;
    const startsMs = Array.from({ length: 1_000 }, () => random.next() * periodMs);
    // Granted all over one period: the worst case for batching.
    for (const ms of startsMs.toSorted((a, b) => a - b)) {
      schedule.add(lease(ms, ttlMs), at(ms), random.next());
    }
    const calls = play(schedule, periodMs * 0.9, periodMs * 31, "renewed");
    for (let period = 1; period < 30; period++) {
      const inPeriod = calls.filter(
        ({ atMs }) => atMs >= period * periodMs && atMs < (period + 1) * periodMs,
      );
      expect(inPeriod.length).toBeGreaterThan(0);
      expect(inPeriod.length).toBeLessThanOrEqual(10);
    }
    const late = calls.filter(({ atMs }) => atMs > periodMs * 20).map(({ size }) => size);
    expect(Math.max(...late)).toBeGreaterThan(200);
  });

  it("renews at a third of the TTL, ten per cent more or less", () => {
    for (const [chance, dueMs] of [
      [0, 2_700],
      [0.5, 3_000],
      [0.999999, 3_300],
    ] as const) {
      const schedule = new RenewalSchedule<Scheduled>();
      schedule.add(lease(0, 9_000), at(0), chance);
      expect(schedule.nextWakeMs).toBeCloseTo(dueMs, 1);
    }
  });

  it("sends at most 20 renewals a second at a TTL of 200 ms", () => {
    const schedule = new RenewalSchedule<Scheduled>();
    schedule.add(lease(0, 200), at(0), 0.5);
    const calls = play(schedule, 0, 10_000, "renewed");
    expect(calls.length).toBeLessThanOrEqual(200);
    expect(calls.length).toBeGreaterThan(100);
  });

  it("leaves 50 ms between tries of a store that fails at once, until the lease ends", () => {
    const schedule = new RenewalSchedule<Scheduled>();
    schedule.add(lease(0, 200), at(0), 0.5);
    const calls = play(schedule, 0, 10_000, "failed");
    expect(calls.length).toBe(3);
    expect(calls[1]!.atMs - calls[0]!.atMs).toBeGreaterThanOrEqual(50);
    expect(schedule.size).toBe(0);
  });

  it("fits at least four tries of a mute store into one lease", () => {
    const schedule = new RenewalSchedule<Scheduled>();
    const one = lease(0, 12_000);
    schedule.add(one, at(0), 0.5);
    let tries = 0;
    while (schedule.has(one)) {
      const now = at(schedule.nextWakeMs!);
      const { batches } = schedule.turn(now);
      for (const { timeoutMs } of batches) {
        tries += 1;
        expect(timeoutMs).toBe(2_000);
        schedule.failed(one, at(now.monotonicMs + timeoutMs));
      }
    }
    expect(tries).toBe(4);
  });

  it("reports an ended lease once, also while a try is under way", () => {
    const schedule = new RenewalSchedule<Scheduled>();
    const one = lease(0, 9_000);
    schedule.add(one, at(0), 0.5);
    expect(schedule.turn(at(3_000)).batches).toHaveLength(1);
    expect(schedule.nextWakeMs).toBeLessThanOrEqual(8_908);
    expect(schedule.turn(at(8_908)).overdue).toEqual([one]);
    expect(schedule.turn(at(9_000)).overdue).toEqual([]);
    schedule.renewed(one, windowOf(9_000, 9_000), at(9_000), 0.5);
    expect(schedule.has(one)).toBe(false);
  });

  it("notices at the next turn that the machine slept, whether or not it renews", () => {
    for (const renews of [true, false]) {
      const schedule = new RenewalSchedule<Scheduled>();
      const one = { ...lease(0, 9_000), renews };
      schedule.add(one, at(0), 0.5);
      expect(schedule.nextWakeMs).toBe(3_000);
      expect(schedule.turn(at(3_000, 3_600_000)).overdue).toEqual([one]);
    }
  });

  it("never asks for a lease that shall end by itself", () => {
    const schedule = new RenewalSchedule<Scheduled>();
    schedule.add({ ...lease(0, 9_000), renews: false }, at(0), 0.5);
    expect(play(schedule, 0, 20_000, "renewed")).toEqual([]);
    expect(schedule.size).toBe(0);
  });

  it("tries in ever smaller pieces after failures, so that one sick partition stays alone", () => {
    const schedule = new RenewalSchedule<Scheduled>();
    for (let index = 0; index < 200; index++) schedule.add(lease(0, 9_000), at(0), 0.5);
    const sizes: number[][] = [];
    for (let round = 0; round < 4; round++) {
      const now = at(schedule.nextWakeMs!);
      const { batches } = schedule.turn(now);
      sizes.push(batches.map(({ leases }) => leases.length));
      for (const { leases } of batches) for (const one of leases) schedule.failed(one, now);
    }
    expect(sizes.map((round) => Math.max(...round))).toEqual([200, 64, 8, 1]);
    for (const round of sizes) expect(round.reduce((sum, size) => sum + size, 0)).toBe(200);
  });

  it("does not take along one that has just failed, before its pause is over", () => {
    const schedule = new RenewalSchedule<Scheduled>();
    const [failing, other] = [lease(0, 9_000), lease(0, 9_000)];
    schedule.add(failing, at(0), 0);
    expect(schedule.turn(at(2_700)).batches).toHaveLength(1);
    schedule.failed(failing, at(2_700)); // Again at 3450.
    schedule.add(other, at(0), 0.5);
    const [batch] = schedule.turn(at(3_000)).batches;
    expect(batch?.leases).toEqual([other]);
    expect(schedule.nextWakeMs).toBe(3_450);
  });

  it("does not let a short lease's timeout decide for a long one", () => {
    const schedule = new RenewalSchedule<Scheduled>();
    schedule.add(lease(0, 60_000), at(0), 0.5);
    const short = lease(19_900, 300);
    schedule.add(short, at(19_900), 0.5);
    const { batches } = schedule.turn(at(20_000));
    expect(batches.map(({ timeoutMs }) => timeoutMs).toSorted((a, b) => a - b)).toEqual([
      50, 10_000,
    ]);
  });
});
