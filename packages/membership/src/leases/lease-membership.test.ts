import { isQuorateError, type QuorateError } from "@quorate/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { createLeaseMembership } from "./lease-membership.ts";
import { states, told, World } from "./world.fixture.ts";

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => {
  expect(world.events("record-invalid").length).toBeLessThan(2);
});

describe("a group", () => {
  it("knows all its members, with what they say of themselves", async () => {
    const a = await world.member("a", { address: "10.0.0.1:80", data: "zone=eu" });
    const b = await world.member("b");
    await world.runtime.advance(100);
    expect(states(a.membership)).toBe("a alive, b alive");
    const seen = b.membership.member("a");
    expect(seen).toMatchObject({ address: "10.0.0.1:80", data: "zone=eu", state: "alive" });
    expect(seen?.incarnation).toBe(a.membership.self?.incarnation);
  });

  it("is seen by an onlooker, who is no member", async () => {
    await world.member("a");
    const onlooker = world.process().join();
    await world.settled(onlooker.ready());
    expect(onlooker.self).toBeUndefined();
    expect(states(onlooker)).toBe("a alive");
    const error = await onlooker.update("x").catch((reason: unknown) => reason);
    expect(isQuorateError(error, "INVALID_ARGUMENT")).toBe(true);
  });

  it("does not see groups below or beside it", async () => {
    const a = await world.member("a");
    await world.member("x", { group: "workers/night" });
    await world.member("y", { group: "workersb" });
    await world.runtime.advance(100);
    expect(states(a.membership)).toBe("a alive");
  });

  it("tells of a goodbye at once, of a crash within a TTL", async () => {
    const a = await world.member("a");
    const b = await world.member("b");
    const c = await world.member("c");
    const lines = told(a.membership);
    await world.runtime.advance(50);
    await world.settled(b.membership.leave(), 100);
    await world.runtime.advance(50);
    expect(a.membership.member("b")?.state).toBe("left");
    await c.membership.close();
    await world.runtime.advance(1_500);
    expect(a.membership.member("c")?.state).toBe("alive");
    await world.runtime.advance(1_600);
    expect(lines).toEqual(["joined a", "joined b", "joined c", "synced", "left b", "down c"]);
  });

  it("forgets those who are gone, after a while", async () => {
    const a = await world.member("a", { forgetAfterMs: 5_000 });
    const b = await world.member("b");
    await world.settled(b.membership.leave());
    await world.runtime.advance(4_000);
    expect(states(a.membership)).toBe("a alive, b left");
    await world.runtime.advance(1_100);
    expect(states(a.membership)).toBe("a alive");
    expect(a.membership.member("b")).toBeUndefined();
  });
});

describe("an update", () => {
  it("is read by others without the member being gone for a moment", async () => {
    const a = await world.member("a", { data: "1" });
    const b = await world.member("b");
    const lines = told(b.membership);
    const before = b.membership.member("a");
    await world.settled(a.membership.update("2"));
    await world.runtime.advance(50);
    expect(b.membership.member("a")).toMatchObject({ data: "2", state: "alive" });
    expect(b.membership.member("a")?.incarnation).toBe(before?.incarnation);
    await world.runtime.advance(30_000);
    expect(lines).toEqual(["joined a", "joined b", "synced", "updated a"]);
    expect(await leasesOf(world)).toBe(2);
  });

  it("beyond what a lease holds is refused, and changes nothing", async () => {
    const a = await world.member("a", { data: "1" });
    const error = await a.membership.update("x".repeat(4_096)).catch((reason: unknown) => reason);
    expect(isQuorateError(error, "TOO_LARGE")).toBe(true);
    expect(a.membership.self?.data).toBe("1");
  });

  it("that the store does not hear is unknown, and told when it does", async () => {
    const a = await world.member("a", { data: "1" });
    const b = await world.member("b");
    a.calls.fate = (_, name) => (name === "acquire" ? "none" : undefined);
    const outcome = await world.outcome(a.membership.update("2"));
    expect(outcome).toMatchObject({ kind: "error", error: { code: "OUTCOME_UNKNOWN" } });
    expect(b.membership.member("a")?.state).toBe("alive");
    a.calls.fate = () => undefined;
    await world.runtime.advance(1_000);
    expect(b.membership.member("a")?.data).toBe("2");
  });
});

describe("a name that is taken", () => {
  it("is refused at once where that is asked for", async () => {
    await world.member("a", { address: "one:1" });
    const second = world.process().join({ id: "a", conflictWaitMs: 0 });
    const outcome = await world.outcome(second.ready(), 200);
    expect(outcome.kind).toBe("error");
    const { error } = outcome as { error: QuorateError };
    expect(error).toMatchObject({ code: "MEMBER_CONFLICT", effect: "none" });
    expect(error.details).toEqual({ member: "a", address: "one:1" });
    expect(second.self?.state).toBe("down");
    expect(world.events("name-taken")).toHaveLength(1);
  });

  it("is waited for, and had as soon as it is free", async () => {
    const first = await world.member("a");
    const second = world.process().join({ id: "a", conflictWaitMs: Infinity });
    const ready = second.ready();
    await world.runtime.advance(20_000);
    expect(second.self?.state).toBe("down");
    await world.settled(first.membership.leave());
    await world.settled(ready, 500);
    expect(second.self?.state).toBe("alive");
  });

  it("by its own former life is had when that lease has ended", async () => {
    const first = await world.member("a");
    const { incarnation } = first.membership.self ?? { incarnation: 0 };
    await first.membership.close();
    const again = await world.member("a");
    expect(again.membership.self?.incarnation).toBeGreaterThan(incarnation);
  });
});

describe("options", () => {
  it("are checked at once", () => {
    const { backend } = world.process();
    const make = (options: object) => () =>
      createLeaseMembership(backend, { group: "g", ...options });
    expect(make({ id: "a/b" })).toThrow(/id/);
    expect(make({ id: "" })).toThrow(/id/);
    expect(make({ group: "a//b" })).toThrow(/group/);
    expect(make({ ttlMs: 50 })).toThrow(/ttlMs/);
    expect(make({ conflictWaitMs: -1 })).toThrow(/conflictWaitMs/);
    expect(make({ forgetAfterMs: 0 })).toThrow(/forgetAfterMs/);
    expect(make({ data: "of nobody" })).toThrow(/id/);
    expect(make({ id: "a", adress: "x" })).toThrow(/adress/);
    expect(make({ id: "a", data: "x".repeat(4_096) })).toThrow(/TOO_LARGE/);
    expect(make({ id: "a", address: 7 })).toThrow(/address/);
    expect(world.process().calls.made).toEqual([]);
  });
});

describe("the end", () => {
  it("ends watches and waits, and is told to later calls", async () => {
    const a = await world.member("a");
    const watch = a.membership.watch();
    await a.membership.leave();
    await a.membership.leave();
    await a.membership.close();
    const last = [];
    for await (const event of watch) last.push(event.kind);
    expect(last).toEqual(["joined", "synced"]);
    expect(a.membership.self?.state).toBe("left");
    expect(() => a.membership.watch()).toThrow(/CLOSED/);
    await expect(a.membership.ready()).rejects.toMatchObject({ code: "CLOSED" });
    await expect(a.membership.update("x")).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("comes to a wait by its signal", async () => {
    world.process();
    const one = world.process();
    one.memory.faults.cut();
    const members = one.join({ id: "a" });
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(members.ready({ signal })).rejects.toThrow("enough");
  });
});

async function leasesOf(one: World): Promise<number> {
  let count = 0;
  for await (const { holders } of one.process().memory.leases.list("member/")) {
    count += holders.length;
  }
  return count;
}
