import { describe, expect, it } from "vitest";

import { deadAtMs, type Held, nextTurnMs, viewAt, type Watchman } from "./patience.ts";
import { FREE, type Holder, type LeaseRecord, type Waiter } from "./record.ts";
import { Sightings } from "./sightings.ts";

const claim = { process: "p", weight: 1, capacity: 1, ttlMs: 1_000, fair: true, data: undefined };
const holder: Holder = { ...claim, owner: "h", token: 7, beat: 0, idleMs: 0, confirmed: true };
const waiter = (owner: string, more: Partial<Waiter> = {}): Waiter => ({
  ...claim,
  owner,
  asked: 0,
  skipped: false,
  ...more,
});
const at = (monotonicMs: number, wallMs = monotonicMs) => ({ monotonicMs, wallMs });

/** A watchman who saw this record at 0, for whom `here` stand in line. */
function watch(held: Holder | undefined, line: Waiter[], here: string[], own?: Held) {
  const holders = new Map(held === undefined ? [] : [[held.owner, held]]);
  const record: LeaseRecord = {
    ...FREE,
    holders,
    line: new Map(line.map((one) => [one.owner, one])),
  };
  const sightings = new Sightings();
  sightings.see(record, 0);
  const by: Watchman = {
    sightings,
    held: new Map(own === undefined ? [] : [["h", own]]),
    isHere: (owner) => here.includes(owner),
    claimWindowMs: 500,
    maxBytes: 10_000,
    rollCallSeenMs: 0,
  };
  return { record, by };
}

describe("a watchman", () => {
  it("takes a holder for dead when its beat was seen unchanged for its TTL", () => {
    const { by } = watch(holder, [], []);
    expect(deadAtMs(holder, by, at(10))).toBe(1_000);
  });

  it("gives an unconfirmed holder the claim window, or its TTL if that is shorter", () => {
    const fresh = { ...holder, confirmed: false };
    expect(deadAtMs(fresh, watch(fresh, [], []).by, at(10))).toBe(500);
    const short = { ...fresh, ttlMs: 80 };
    expect(deadAtMs(short, watch(short, [], []).by, at(10))).toBe(80);
  });

  it("never takes what was handed to its own process for dead: it is about to confirm it", () => {
    const fresh = { ...holder, confirmed: false };
    expect(deadAtMs(fresh, watch(fresh, [], ["h"]).by, at(9_000))).toBe(Infinity);
  });

  it("knows when what it granted itself ends, by the clock on which more time passed", () => {
    const own = { token: 7, beat: 0, sent: at(-300, 50_000) };
    const { by } = watch(holder, [], [], own);
    expect(deadAtMs(holder, by, at(100, 50_400))).toBe(700);
    // The machine slept for 600 ms, which the monotonic clock did not count.
    expect(deadAtMs(holder, by, at(100, 51_000))).toBe(100);
    // Wall clocks have whole milliseconds, and are slewed: that is no sleep.
    expect(deadAtMs(holder, by, at(100, 50_401.9))).toBe(700);
    // Somebody set the wall clock back.
    expect(deadAtMs(holder, by, at(100, 20_000))).toBe(700);
    // Another process renewed it: then only watching helps.
    expect(deadAtMs({ ...holder, beat: 1 }, by, at(100))).toBe(1_100);
  });

  it("lets those ahead of it act first, 20 ms for each place that has its turn", () => {
    const line = [waiter("a"), waiter("b", { skipped: true }), waiter("c"), waiter("me")];
    const { record, by } = watch(holder, line, ["me"]);
    expect(nextTurnMs(record, by, at(0))).toBe(1_040);
    expect(viewAt(record, by, at(1_039), true).isDead(holder)).toBe(false);
    expect(viewAt(record, by, at(1_040), true).isDead(holder)).toBe(true);
    // Where something is written anyway, what is true already counts.
    expect(viewAt(record, by, at(1_000), false).isDead(holder)).toBe(true);
  });

  it("passes over those ahead only when they let their time go by", () => {
    const { record, by } = watch(holder, [waiter("a"), waiter("me")], ["me"]);
    expect(viewAt(record, by, at(1_019), false).overtake).toBe(false);
    expect(viewAt(record, by, at(1_020), false).overtake).toBe(true);
    const first = watch(holder, [waiter("me"), waiter("a")], ["me"]);
    expect(viewAt(first.record, first.by, at(9_000), false).overtake).toBe(false);
  });

  it("gives those asked for a sign of life five seconds, and does not judge its own", () => {
    const late = waiter("a", { asked: 3 });
    const { record, by } = watch(undefined, [late], []);
    expect(viewAt(record, by, at(4_999), true).isGhost(late)).toBe(false);
    expect(viewAt(record, by, at(5_000), true).isGhost(late)).toBe(true);
    expect(nextTurnMs(record, by, at(0))).toBe(5_000);
    const own = watch(undefined, [late], ["a"]);
    expect(viewAt(own.record, own.by, at(9_000), true).isGhost(late)).toBe(false);
  });

  it("calls the roll every 30 s while others wait, each place a second later", () => {
    const line = [waiter("a"), waiter("me")];
    const { record, by } = watch(undefined, line, ["me"]);
    expect(nextTurnMs(record, by, at(0))).toBe(31_000);
    expect(viewAt(record, by, at(30_999), true).rollCall).toBe(false);
    expect(viewAt(record, by, at(31_000), true).rollCall).toBe(true);
    const alone = watch(undefined, [waiter("me")], ["me"]);
    expect(nextTurnMs(alone.record, alone.by, at(0))).toBe(Infinity);
    const nobody = watch(undefined, line, []);
    expect(nextTurnMs(nobody.record, nobody.by, at(0))).toBe(Infinity);
  });

  it("calls the roll of a long line more seldom", () => {
    const line = Array.from({ length: 400 }, (_, index) => waiter(`w${index}`));
    const { record, by } = watch(undefined, line, ["w0"]);
    expect(nextTurnMs(record, by, at(0))).toBe(100_000);
  });
});
