import { deferred, type QuorateError, sleep } from "@quorate/core";
import { createGuard } from "@quorate/lock";
import { describe, expect, it } from "vitest";
import type { Leadership } from "./leadership.ts";
import { until, World } from "./world.fixture.ts";

/** Leads for ever, and notes who led from when. */
function leadFor(world: World, log: string[], name: string): (l: Leadership) => Promise<void> {
  return async ({ signal }) => {
    log.push(`${name} ${world.nowMs}`);
    await until(signal);
  };
}

describe("lead", () => {
  it("resolves to what the work returned, and gives the leadership back", async () => {
    const world = new World();
    const a = world.process("a");
    const b = world.process("b");
    const leading = a.election.lead(async (leadership) => {
      expect(leadership).toMatchObject({ election: "job", candidate: "a", isLeader: true });
      expect(leadership.check()).toBe(leadership.term);
      expect(leadership.term).toBe(leadership.fencingToken);
      await world.work(5_000);
      return 42;
    });
    expect(await world.outcome(leading)).toEqual({ kind: "value", value: 42 });
    expect(await a.election.inspect()).toMatchObject({ leader: undefined });
    const next = await b.election.campaign();
    expect(next.isLeader).toBe(true);
    await Promise.all([a.election.close(), b.election.close()]);
    await world.runtime.advance(10_000); // The store's own upkeep ends.
    expect(world.runtime.pendingTimers).toBe(0);
  });

  it("rejects with the work's error, once the leadership was given back", async () => {
    const world = new World();
    const a = world.process("a");
    const leading = a.election.lead(async () => {
      throw new Error("no such table");
    });
    expect(await world.outcome(leading)).toMatchObject({ error: new Error("no such table") });
    expect(await a.election.leader()).toBeUndefined();
  });

  it("lets one work at a time, in the order in which they came", async () => {
    const world = new World();
    const log: string[] = [];
    const all = ["a", "b", "c"].map((name) => world.process(name));
    for (const [index, { election }] of all.entries()) {
      void election.lead(leadFor(world, log, "abc"[index] ?? ""));
      await world.runtime.advance(10);
    }
    for (const { election } of all) {
      await world.runtime.advance(10_000);
      await election.close();
    }
    expect(log.map((line) => line.split(" ")[0])).toEqual(["a", "b", "c"]);
    expect(log[1]).toBe("b 10030"); // At once.
  });

  it("takes over within the TTL and 100 ms when the leader crashes", async () => {
    const world = new World();
    const log: string[] = [];
    const a = world.process("a");
    const b = world.process("b");
    void a.election.lead(leadFor(world, log, "a"));
    await world.runtime.advance(10);
    void b.election.lead(leadFor(world, log, "b"));
    await world.runtime.advance(10_000);
    a.pause(); // For good.
    const crashedMs = world.nowMs;
    await world.runtime.advance(3_100);
    const tookOverMs = Number(log[1]?.split(" ")[1]);
    expect(tookOverMs - crashedMs).toBeLessThanOrEqual(3_100);
    await b.election.close();
  });

  it("campaigns again after a loss, with a greater term", async () => {
    const world = new World();
    const a = world.process("a");
    const terms: number[] = [];
    const reasons: unknown[] = [];
    const leading = a.election.lead(async ({ term, signal }) => {
      terms.push(term);
      if (terms.length === 3) return "third";
      a.calls.fate = (_index, name) => (name === "leases.renew" ? "none" : undefined);
      await until(signal);
      a.calls.fate = () => undefined;
      reasons.push((signal.reason as QuorateError).details);
      return "lost";
    });
    expect(await world.outcome(leading)).toEqual({ kind: "value", value: "third" });
    expect(terms).toEqual(terms.toSorted((x, y) => x - y));
    expect(new Set(terms).size).toBe(3);
    expect(reasons[0]).toEqual({ election: "job", term: terms[0], reason: "expired" });
  });

  it("is not ended by one failed renewal, nor by two", async () => {
    const world = new World();
    const a = world.process("a");
    let failures = 0;
    a.calls.fate = (_index, name) =>
      name === "leases.renew" && (failures += 1) <= 2 ? "unanswered" : undefined;
    let terms = 0;
    const leading = a.election.lead(async () => {
      terms += 1;
      await world.work(10_000);
      return terms;
    });
    expect(await world.outcome(leading)).toEqual({ kind: "value", value: 1 });
    expect(failures).toBeGreaterThan(2);
  });

  it("never begins while its own work of the lost term still runs", async () => {
    const world = new World();
    const a = world.process("a", { resignWithinMs: 1_000 });
    let running = 0;
    let most = 0;
    const slow = deferred<void>();
    let terms = 0;
    const leading = a.election.lead(async ({ signal }) => {
      running += 1;
      most = Math.max(most, running);
      terms += 1;
      if (terms === 1) {
        a.calls.fate = (_index, name) => (name === "leases.renew" ? "none" : undefined);
        await until(signal);
        a.calls.fate = () => undefined;
        await slow.promise; // Deaf for a long time.
      }
      running -= 1;
      return terms;
    });
    await world.runtime.advance(60_000);
    expect(terms).toBe(1);
    expect((await a.election.inspect()).self.standing).toBe("stepping-down");
    expect(world.events("overdue")).toHaveLength(1);
    slow.resolve();
    expect(await world.outcome(leading)).toEqual({ kind: "value", value: 2 });
    expect(most).toBe(1);
  });

  it("is told by check() at its first line after a pause; the guard refuses it", async () => {
    const world = new World();
    const a = world.process("a");
    const b = world.process("b");
    const guard = createGuard(a.backend.kv);
    const seen: unknown[] = [];
    const go = deferred<void>();
    void a.election.lead(async (leadership) => {
      const fenced = await guard.open(leadership, "stock");
      if (seen.length > 0) return;
      await go.promise;
      seen.push(leadership.signal.aborted, leadership.isLeader);
      expect(() => leadership.check()).toThrow(
        expect.objectContaining({ code: "LEADERSHIP_LOST" }),
      );
      seen.push(leadership.signal.aborted);
      await fenced.write("late").catch((error: QuorateError) => seen.push(error.code));
      await guard
        .admit("stock", leadership.term)
        .catch((error: QuorateError) => seen.push(error.code));
    });
    await world.runtime.advance(10);
    void b.election.lead(async (leadership) => {
      const fenced = await createGuard(b.backend.kv).open(leadership, "stock");
      await fenced.write("new");
      await until(leadership.signal);
    });
    await world.runtime.advance(100);
    a.pause();
    await world.runtime.advance(10_000);
    go.resolve(); // Its first line, before any of its timers.
    await Promise.resolve();
    await world.runtime.advance(0);
    a.resume();
    await world.runtime.advance(1_000);
    expect(seen).toEqual([false, false, true, "LEADERSHIP_LOST", "STALE_TOKEN"]);
    await Promise.all([a.election.close(), b.election.close()]);
  });

  it("ends by its signal: the work is told, and what it returns is the answer", async () => {
    const world = new World();
    const a = world.process("a");
    const stop = new AbortController();
    const leading = a.election.lead(
      async ({ signal, isLeader }) => {
        await until(signal);
        return isLeader;
      },
      { signal: stop.signal },
    );
    await world.runtime.advance(10);
    stop.abort();
    expect(await world.outcome(leading)).toEqual({ kind: "value", value: true });
    const other = await a.election.lead(async () => 1, { signal: stop.signal });
    expect(other).toBeUndefined();
    expect(world.events("ended")).toMatchObject([{ answer: "released" }]);
  });

  it("resolves to undefined when stopped in line, or its work throws the reason", async () => {
    const world = new World();
    const a = world.process("a");
    const b = world.process("b");
    const leading = a.election.lead(({ signal }) => sleep(world.runtime, 1e9, { signal }));
    await world.runtime.advance(10);
    const waiting = b.election.lead(async () => "never");
    await world.runtime.advance(10);
    expect(await world.outcome(b.election.resign())).toMatchObject({ value: "not-leading" });
    expect(await world.outcome(waiting)).toEqual({ kind: "value", value: undefined });
    expect((await a.election.inspect()).candidates).toEqual([]);
    expect(await world.outcome(a.election.resign())).toMatchObject({ value: "released" });
    expect(await world.outcome(leading)).toEqual({ kind: "value", value: undefined });
  });

  it("rejects with an error that the work throws while stopping", async () => {
    const world = new World();
    const a = world.process("a");
    const leading = a.election.lead(async ({ signal }) => {
      await until(signal);
      throw new Error("flush failed");
    });
    await world.runtime.advance(10);
    void a.election.close();
    expect(await world.outcome(leading)).toMatchObject({ error: new Error("flush failed") });
  });

  it("refuses a second campaign beside it, and any after close", async () => {
    const world = new World();
    const a = world.process("a");
    void a.election.lead(({ signal }) => until(signal));
    await world.runtime.advance(10);
    await expect(a.election.lead(async () => 1)).rejects.toMatchObject({
      code: "WRONG_STATE",
      details: { id: "job", verb: "lead", state: "leading" },
    });
    await expect(a.election.campaign()).rejects.toMatchObject({ code: "WRONG_STATE" });
    await a.election.close();
    await expect(a.election.campaign()).rejects.toMatchObject({ code: "CLOSED" });
    await expect(a.election.leader()).rejects.toMatchObject({ code: "CLOSED" });
  });
});
