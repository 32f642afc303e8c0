import type { Member, MembershipEvent } from "@quorate/membership";
import { describe, expect, it } from "vitest";

import { Instances } from "./instances.ts";
import { decodeRecord, encodeRecord, type InstanceRecord } from "./record.ts";

const RECORD: InstanceRecord = { version: "1.0.0", zone: "", weight: 1, warmUpMs: 0, state: "up" };
const WALL_MS = 1_800_000_000_000;

function member(id: string, bornWallMs: number, state: Member["state"] = "alive"): Member {
  const data = encodeRecord(RECORD);
  return { id, incarnation: bornWallMs * 1_000, state, sinceMs: 0, address: "x", data };
}

function joined(id: string, bornWallMs: number): MembershipEvent {
  return { kind: "joined", member: member(id, bornWallMs) };
}

const at = (ms: number): { monotonicMs: number; wallMs: number } => ({
  monotonicMs: ms,
  wallMs: WALL_MS + ms,
});

const bornMs = (instances: Instances, id: string): number | undefined =>
  [...instances.all].find((one) => one.id === id)?.bornMs;

describe("when an instance registered", () => {
  it("is taken from the store's time for those who were there first", () => {
    const instances = new Instances(1_000);
    instances.take(joined("a", WALL_MS - 5_000), at(0));
    expect(bornMs(instances, "a")).toBe(-5_000);
  });

  it("is now for one that is seen to come, however wrong the clocks", () => {
    const instances = new Instances(1_000);
    instances.take({ kind: "synced" }, at(0));
    instances.take(joined("behind", WALL_MS - 600_000), at(50));
    instances.take(joined("ahead", WALL_MS + 600_000), at(50));
    expect([bornMs(instances, "behind"), bornMs(instances, "ahead")]).toEqual([50, 50]);
  });

  it("is not before the outage in which it came", () => {
    const instances = new Instances(1_000);
    instances.take({ kind: "synced" }, at(0));
    instances.take({ kind: "stale", sinceMs: 1_000 }, at(1_500));
    instances.take(joined("a", WALL_MS - 600_000), at(9_000));
    expect(bornMs(instances, "a")).toBe(1_000);
  });

  it("stays the same over a loss", () => {
    const instances = new Instances(10_000);
    instances.take({ kind: "synced" }, at(0));
    instances.take(joined("a", WALL_MS), at(10));
    instances.take({ kind: "down", member: member("a", WALL_MS, "down") }, at(5_000));
    instances.take({ kind: "recovered", member: member("a", WALL_MS + 6_000) }, at(6_000));
    expect(bornMs(instances, "a")).toBe(10);
  });
});

describe("those who are lost", () => {
  it("are remembered for so long, and while the store is away for longer", () => {
    const instances = new Instances(1_000);
    instances.take({ kind: "synced" }, at(0));
    instances.take(joined("a", WALL_MS), at(0));
    instances.take({ kind: "down", member: member("a", WALL_MS, "down") }, at(100));
    expect(instances.nextForgottenMs).toBe(1_100);
    expect(instances.forget(1_099)).toBe(false);
    instances.take({ kind: "stale", sinceMs: 1_050 }, at(1_099));
    expect(instances.forget(5_000)).toBe(false);
    instances.take({ kind: "synced" }, at(6_000));
    expect(instances.forget(6_000)).toBe(true);
    expect([...instances.all]).toEqual([]);
  });
});

describe("a record", () => {
  it("is read as it was written", () => {
    const found = decodeRecord(encodeRecord({ ...RECORD, version: "1.2.3-rc.1+b", weight: 0.5 }));
    expect(found).toEqual({
      ok: true,
      record: { ...RECORD, version: "1.2.3-rc.1+b", weight: 0.5 },
    });
  });

  it("of a newer writer is read, its unknown fields are not", () => {
    const text = JSON.stringify({ v: 1, ...RECORD, colour: "red", __proto__: null });
    expect(decodeRecord(text)).toEqual({ ok: true, record: RECORD });
  });

  it("that is hostile is refused with a reason", () => {
    const hostile: readonly (readonly [unknown, string])[] = [
      [{ ...RECORD, v: 2 }, "another format"],
      [{ ...RECORD, v: 1, version: "=1.0.0" }, "version"],
      [{ ...RECORD, v: 1, version: `1.0.0-${"a".repeat(300)}` }, "version"],
      [{ ...RECORD, v: 1, zone: "z".repeat(129) }, "zone"],
      [{ ...RECORD, v: 1, weight: -1 }, "weight"],
      [{ ...RECORD, v: 1, weight: "1" }, "weight"],
      [{ ...RECORD, v: 1, weight: 1e300 }, "weight"],
      [{ ...RECORD, v: 1, warmUpMs: null }, "warmUpMs"],
      [{ ...RECORD, v: 1, state: "gone" }, "state"],
      [[], "not an object"],
      ["x".repeat(3_000), "3002 bytes, at most 2048 allowed"],
    ];
    for (const [value, reason] of hostile) {
      expect(decodeRecord(JSON.stringify(value))).toEqual({ ok: false, reason });
    }
    expect(decodeRecord("{").ok).toBe(false);
  });
});
