import { describe, expect, it } from "vitest";

import { FREE, type Holder, type LeaseRecord } from "./record.ts";
import { Sightings } from "./sightings.ts";

const holder = (beat: number, idleMs = 0): Holder => ({
  owner: "a",
  process: "p",
  weight: 1,
  capacity: 1,
  ttlMs: 1_000,
  fair: true,
  data: undefined,
  token: 7,
  beat,
  idleMs,
  confirmed: true,
});
const held = (one: Holder): LeaseRecord => ({ ...FREE, holders: new Map([[one.owner, one]]) });

describe("sightings", () => {
  it("count from the first look at a beat, however often it is seen again", () => {
    const sightings = new Sightings();
    sightings.see(held(holder(0)), 100);
    sightings.see(held(holder(0)), 900);
    expect(sightings.beatSinceMs(holder(0), 1_000)).toBe(100);
  });

  it("start again with each new beat", () => {
    const sightings = new Sightings();
    sightings.see(held(holder(0)), 100);
    sightings.see(held(holder(1)), 900);
    expect(sightings.beatSinceMs(holder(1), 1_000)).toBe(900);
    expect(sightings.beatSinceMs(holder(0), 1_000)).toBe(1_000);
  });

  it("go on from what the writer had seen", () => {
    const sightings = new Sightings();
    sightings.see(held(holder(3, 600)), 1_000);
    expect(sightings.beatSinceMs(holder(3), 1_000)).toBe(400);
    // What we saw ourselves counts where it is longer.
    sightings.see(held(holder(3, 100)), 1_050);
    expect(sightings.beatSinceMs(holder(3), 1_050)).toBe(400);
  });

  it("go back as far as the store's stamps say, and never forward", () => {
    const sightings = new Sightings();
    const record = held(holder(0));
    sightings.see(record, 5_000);
    sightings.backdate(record, -300, 5_000);
    expect(sightings.beatSinceMs(holder(0), 5_000)).toBe(5_000);
    sightings.backdate(record, 4_000, 5_000);
    expect(sightings.beatSinceMs(holder(0), 5_000)).toBe(1_000);
    sightings.backdate(record, 10, 6_000);
    expect(sightings.beatSinceMs(holder(0), 6_000)).toBe(1_000);
  });
});
