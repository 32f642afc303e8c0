import { deferred } from "@quorate/core";
import { describe, expect, it } from "vitest";
import type { Leadership } from "./leadership.ts";
import { until, World } from "./world.fixture.ts";

describe("resign", () => {
  it("tells the work, waits for its end, and only then lets the next one begin", async () => {
    const world = new World();
    const [a, b] = [world.process("a"), world.process("b")];
    const log: string[] = [];
    const first = a.election.lead(async (leadership) => {
      await until(leadership.signal);
      log.push(`told ${leadership.isLeader} ${leadership.check() === leadership.term}`);
      expect(leadership.signal.reason).toMatchObject({ details: { reason: "resigned" } });
      await world.work(500);
      log.push("a has ended");
      return "flushed";
    });
    await world.runtime.advance(10);
    void b.election.lead(async ({ signal }) => {
      log.push("b begins");
      await until(signal);
    });
    await world.runtime.advance(1_000);
    const answer = world.outcome(a.election.resign());
    expect(a.election.isLeader).toBe(false);
    expect(await answer).toMatchObject({ value: "released" });
    expect(await first).toBe("flushed");
    await world.runtime.advance(0);
    // Stepping down, it could still finish what it had begun.
    expect(log).toEqual(["told false true", "a has ended", "b begins"]);
    await b.election.close();
  });

  it("cuts off work that does not end, and leaves the lease to expire", async () => {
    const world = new World();
    const [a, b] = [world.process("a"), world.process("b")];
    const never = deferred<void>();
    let held: Leadership | undefined;
    const leading = a.election.lead(async (leadership) => {
      held = leadership;
      await never.promise;
      return "too late";
    });
    await world.runtime.advance(10);
    let began: number | undefined;
    void b.election.lead(async ({ signal }) => {
      began = world.nowMs;
      await until(signal);
    });
    await world.runtime.advance(1_000);
    const resigning = a.election.resign({ withinMs: 200 });
    await world.runtime.advance(200);
    expect(await resigning).toBe("left-to-expire");
    const cutOffMs = world.nowMs;
    expect(await leading).toBeUndefined();
    expect(a.calls.made).not.toContain("leases.release");
    expect(began).toBeUndefined();
    const renewals = a.calls.made.filter((name) => name === "leases.renew").length;
    await world.runtime.advance(3_100);
    expect(a.calls.made.filter((name) => name === "leases.renew")).toHaveLength(renewals);
    expect(() => held?.check()).toThrow(expect.objectContaining({ code: "LEADERSHIP_LOST" }));
    expect(began).toBeGreaterThan(cutOffMs + 1_000);
    // Its own old work still runs, so nothing begins here.
    await expect(a.election.lead(async () => 1)).rejects.toMatchObject({
      details: { state: "still at work" },
    });
    never.resolve();
    await world.runtime.advance(0);
    expect(await world.outcome(a.election.campaign({ waitMs: 0 }))).toMatchObject({
      error: { code: "ELECTION_TIMEOUT" },
    });
    await Promise.all([a.election.close(), b.election.close()]);
  });

  it("frees the rest of the lease when the work that was cut off ends after all", async () => {
    const world = new World();
    const [a, b] = [world.process("a"), world.process("b")];
    const late = deferred<void>();
    void a.election.lead(() => late.promise);
    await world.runtime.advance(10);
    const next = b.election.campaign();
    const closing = a.election.close({ graceMs: 100 });
    await world.runtime.advance(100);
    await closing;
    late.resolve();
    await world.runtime.advance(0);
    expect((await next).isLeader).toBe(true);
    await b.election.close();
  });

  it("does not become a rejection of nobody when cut-off work throws", async () => {
    const world = new World();
    const a = world.process("a");
    const late = deferred<void>();
    const leading = a.election.lead(() => late.promise);
    await world.runtime.advance(10);
    const closing = a.election.close({ graceMs: 0 });
    await world.runtime.advance(0);
    late.reject(new Error("nobody cares"));
    await closing;
    expect(await leading).toBeUndefined();
    await world.runtime.advance(10_000);
  });

  it("answers left-to-expire or expired where the store is away, within the TTL", async () => {
    const world = new World();
    const a = world.process("a");
    void a.election.lead(({ signal }) => until(signal));
    await world.runtime.advance(10);
    a.calls.fate = () => "none";
    const resigning = a.election.resign();
    const startedMs = world.nowMs;
    expect(await world.outcome(resigning)).toMatchObject({ value: "expired" });
    expect(world.nowMs - startedMs).toBeLessThanOrEqual(3_500);
  });

  it("answers not-leading where there is nothing to give up", async () => {
    const world = new World();
    const a = world.process("a");
    expect(await a.election.resign()).toBe("not-leading");
    const campaigning = a.election.campaign();
    const resigning = a.election.resign();
    await expect(campaigning).rejects.toMatchObject({ code: "ABORTED", effect: "none" });
    expect(await resigning).toBe("not-leading");
  });

  it("gives a term of campaign() back at once, and its handle says so", async () => {
    const world = new World();
    const a = world.process("a");
    const leadership = await a.election.campaign();
    expect(await a.election.resign()).toBe("released");
    expect(leadership.signal.aborted).toBe(true);
    expect(leadership.isLeader).toBe(false);
    expect(leadership.remainingMs).toBe(0);
    expect(() => leadership.check()).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ reason: "resigned" }) }),
    );
    expect(await leadership.resign()).toBe("released");
  });

  it("from within, under lead, ends the lead once the work has returned", async () => {
    const world = new World();
    const a = world.process("a");
    const leading = a.election.lead(async (leadership) => {
      void leadership.resign();
      await until(leadership.signal);
      return "done";
    });
    expect(await world.outcome(leading)).toMatchObject({ value: "done" });
  });
});

describe("campaign", () => {
  it("hands out a term, which ends with its scope", async () => {
    const world = new World();
    const [a, b] = [world.process("a"), world.process("b")];
    let first = 0;
    {
      await using leadership = await a.election.campaign();
      first = leadership.check();
    }
    const leadership = await b.election.campaign({ waitMs: 0 });
    expect(leadership.term).toBeGreaterThan(first);
    await b.election.close();
  });

  it("fails when its time is up, and leaves the line", async () => {
    const world = new World();
    const [a, b] = [world.process("a"), world.process("b")];
    await a.election.campaign();
    const waiting = world.outcome(b.election.campaign({ waitMs: 500 }));
    expect(await waiting).toMatchObject({
      error: { code: "ELECTION_TIMEOUT", details: { election: "job", waitMs: 500 } },
    });
    expect((await b.election.inspect()).candidates).toEqual([]);
    expect(b.election.candidate).toBe("b");
    await a.election.close();
  });

  it("fails with the store's error where the store is away to the end of its time", async () => {
    const world = new World();
    const a = world.process("a");
    a.calls.fate = () => "none";
    const waiting = world.outcome(a.election.campaign({ waitMs: 2_000 }));
    expect(await waiting).toMatchObject({ error: { code: "STORE_UNAVAILABLE" } });
    a.calls.fate = () => undefined;
    expect((await a.election.campaign()).isLeader).toBe(true);
  });

  it("rejects with the reason of its signal, which is nothing to the term after it", async () => {
    const world = new World();
    const [a, b] = [world.process("a"), world.process("b")];
    const stop = new AbortController();
    const leadership = await a.election.campaign({ signal: stop.signal });
    const waiting = b.election.campaign({ signal: stop.signal });
    const outcome = world.outcome(waiting);
    await world.runtime.advance(100);
    stop.abort(new Error("enough"));
    expect(await outcome).toMatchObject({ error: new Error("enough") });
    expect(leadership.isLeader).toBe(true);
    await expect(b.election.campaign({ signal: stop.signal })).rejects.toThrow("enough");
  });

  it("can campaign anew when the term was lost", async () => {
    const world = new World();
    const a = world.process("a");
    const lost = await a.election.campaign();
    a.calls.fate = (_index, name) => (name === "leases.renew" ? "none" : undefined);
    await world.runtime.advance(3_000);
    expect(lost.signal.reason).toMatchObject({ details: { reason: "expired" } });
    a.calls.fate = () => undefined;
    const won = await world.outcome(a.election.campaign());
    expect(won).toMatchObject({ kind: "value" });
    expect((won as { value: Leadership }).value.term).toBeGreaterThan(lost.term);
  });
});
