import { beforeEach, describe, expect, it } from "vitest";

import { type Mishap, states, told, World } from "./world.fixture.ts";

let world: World;
beforeEach(() => {
  world = new World();
});

describe("a member that was paused", () => {
  it("knows by its own clock, before anything else, that it may be down for others", async () => {
    const a = await world.member("a");
    const b = await world.member("b");
    a.pause();
    await world.runtime.advance(4_000);
    expect(b.membership.member("a")?.state).toBe("down");
    // Asked in the very turn in which it wakes, before a timer or an answer has come.
    expect(a.membership.self?.state).toBe("down");
    a.resume();
    await world.runtime.advance(200);
    expect(a.membership.self?.state).toBe("alive");
    expect(world.events("lost")).toMatchObject([{ self: "a", reason: "expired" }]);
  });

  it("comes back with a greater incarnation, and others are told", async () => {
    const a = await world.member("a");
    const b = await world.member("b");
    const lines = told(b.membership);
    const before = a.membership.self?.incarnation ?? 0;
    a.pause();
    await world.runtime.advance(10_000);
    a.resume();
    await world.runtime.advance(500);
    expect(a.membership.self?.incarnation).toBeGreaterThan(before);
    expect(b.membership.member("a")).toEqual({
      ...a.membership.self,
      sinceMs: expect.any(Number) as number,
    });
    expect(lines).toEqual(["joined a", "joined b", "synced", "down a", "recovered a"]);
  });

  it("and whose name another has taken meanwhile stays down, and says so", async () => {
    const a = await world.member("a", { conflictWaitMs: 1_000 });
    a.pause();
    await world.runtime.advance(4_000);
    const heir = await world.member("a", { address: "heir:1" });
    a.resume();
    await world.runtime.advance(2_000);
    expect(a.membership.self?.state).toBe("down");
    await expect(a.membership.ready()).rejects.toMatchObject({
      code: "MEMBER_CONFLICT",
      details: { address: "heir:1" },
    });
    await world.settled(heir.membership.leave());
    await world.settled(a.membership.ready(), 500);
    expect(a.membership.self?.state).toBe("alive");
  });
});

describe("an outage of the store", () => {
  it("leaves the members as last known, and says so; then all is found again", async () => {
    const a = await world.member("a");
    const b = await world.member("b");
    await world.member("c");
    const lines = told(a.membership);
    await world.runtime.advance(100);
    a.memory.faults.cut();
    await world.runtime.advance(20_000);
    expect(a.membership.isStale).toBe(true);
    expect(states(a.membership)).toBe("a down, b alive, c alive");
    await world.settled(b.membership.leave());
    a.memory.faults.restore();
    await world.runtime.advance(3_000);
    expect(a.membership.isStale).toBe(false);
    expect(states(a.membership)).toBe("a alive, b down, c alive");
    const [joinedA, joinedB, joinedC, synced, ...rest] = lines;
    expect([joinedA, joinedB, joinedC, synced]).toEqual([
      "joined a",
      "joined b",
      "joined c",
      "synced",
    ]);
    expect(rest.toSorted()).toEqual(["down a", "down b", "recovered a", "stale", "synced"]);
    expect(rest.indexOf("synced")).toBeGreaterThan(rest.indexOf("stale"));
  });

  it("keeps an onlooker waiting, who then learns all", async () => {
    const onlooker = world.process();
    onlooker.memory.faults.cut();
    const members = onlooker.join();
    const ready = members.ready();
    await world.member("a");
    await world.runtime.advance(5_000);
    expect(members.isStale).toBe(true);
    onlooker.memory.faults.restore();
    await world.settled(ready, 3_000);
    expect(states(members)).toBe("a alive");
  });

  it("in which the store forgets everything costs each member one new lease", async () => {
    const a = await world.member("a");
    const b = await world.member("b");
    world.store.stop();
    world.store.restart();
    await world.runtime.advance(5_000);
    expect(states(a.membership)).toBe("a alive, b alive");
    expect(states(b.membership)).toBe("a alive, b alive");
  });
});

describe("calls that fail", () => {
  const tries: readonly (readonly [Mishap, number])[] = Array.from({ length: 12 }, (_, index) => [
    index % 2 === 0 ? "none" : "unanswered",
    Math.floor(index / 2),
  ]);

  it.each(tries)("end nobody's membership: %s at call %i", async (mishap, failing) => {
    const process = world.process();
    process.calls.fate = (index) => (index === failing ? mishap : undefined);
    const members = process.join({ id: "a", data: "1" });
    const onlooker = world.process().join();
    await world.settled(members.ready(), 3_000);
    await world.outcome(members.update("2"));
    await world.runtime.advance(4_000);
    expect(members.self?.state).toBe("alive");
    expect(onlooker.member("a")).toMatchObject({ state: "alive", data: "2" });
    expect(world.events("lost")).toEqual([]);
    await world.settled(members.leave(), 5_000);
    await world.runtime.advance(100);
    expect(onlooker.member("a")?.state).toBe("left");
    expect(process.calls.made.length).toBeGreaterThan(failing);
  });

  it("all of them: the member is down when its lease ended, alive when it can", async () => {
    const a = await world.member("a");
    a.calls.fate = () => "none";
    await world.runtime.advance(2_900);
    expect(a.membership.self?.state).toBe("alive");
    await world.runtime.advance(200);
    expect(a.membership.self?.state).toBe("down");
    expect(world.events("lost")).toHaveLength(1);
    a.calls.fate = () => undefined;
    await world.runtime.advance(2_100);
    expect(a.membership.self?.state).toBe("alive");
  });

  it("in an outage a goodbye takes no longer than a TTL", async () => {
    const a = await world.member("a");
    a.calls.fate = () => "none";
    expect(await world.outcome(a.membership.leave(), 2_500)).toEqual({ kind: "pending" });
    expect(await world.outcome(a.membership.leave(), 1_000)).toMatchObject({ kind: "value" });
  });

  it("are few: two members renew three times in a TTL, and ask for nothing else", async () => {
    const a = await world.member("a");
    const before = a.calls.made.length;
    await world.runtime.advance(30_000);
    const made = a.calls.made.slice(before);
    expect(new Set(made)).toEqual(new Set(["renew"]));
    expect(made.length).toBeGreaterThan(25);
    expect(made.length).toBeLessThan(36);
  });

  it("of a closed backend end the tries", async () => {
    const a = await world.member("a");
    await world.settled(a.memory.close());
    await world.runtime.advance(10_000);
    const made = a.calls.made.length;
    await world.runtime.advance(60_000);
    expect(a.calls.made.length).toBe(made);
    expect(a.membership.self?.state).toBe("down");
  });
});

describe("leases that are none of ours", () => {
  it("are skipped, and told as an event", async () => {
    const a = await world.member("a");
    const { leases } = world.process().memory;
    const foreign = [
      undefined,
      "hello",
      "[]",
      '{"v":2,"a":"","d":""}',
      '{"v":1,"a":7,"d":""}',
      '{"v":1,"a":"","d":"","b":9007199254740991}',
      '{"v":1,"a":"","d":"","b":-1}',
      '{"__proto__":{"v":1,"a":"","d":""}}',
    ];
    for (const [index, data] of foreign.entries()) {
      await leases.acquire(`member/workers/x${index}`, {
        ...{ owner: `o${index}`, ttlMs: 60_000 },
        ...(data === undefined ? {} : { data }),
      });
    }
    await world.runtime.advance(100);
    expect(states(a.membership)).toBe("a alive");
    expect(world.events("record-invalid")).toHaveLength(foreign.length);
  });
});
