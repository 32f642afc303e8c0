import { describe, expect, it } from "vitest";
import type { Election } from "./election.ts";
import { until, World } from "./world.fixture.ts";

/** What `election` tells until `signal`, as `kind candidate value`. */
function watch(
  election: Election,
  signal?: AbortSignal,
): { readonly seen: string[]; end: unknown } {
  const watching = { seen: [] as string[], end: undefined as unknown };
  const read = async (): Promise<void> => {
    for await (const { kind, leader } of election.observe({ signal })) {
      const who = leader === undefined ? "" : ` ${leader.candidate}`;
      const value = leader?.value === undefined ? "" : ` ${JSON.stringify(leader.value)}`;
      watching.seen.push(kind + who + value);
    }
  };
  read().then(
    () => (watching.end = "ended"),
    (error: unknown) => (watching.end = error),
  );
  return watching;
}

describe("observe", () => {
  it("tells the state first, then each leader once, vacancies and values in between", async () => {
    const world = new World();
    const a = world.process("a", { value: { url: "a" } });
    const b = world.process("b");
    const observer = world.process("o");
    const { seen } = watch(observer.election);
    await world.runtime.advance(10);
    const leadership = await a.election.campaign();
    await world.runtime.advance(10);
    await leadership.publish({ url: "a2" });
    await world.runtime.advance(10);
    await leadership.publish({ url: "a2" }); // Nothing new.
    await world.runtime.advance(10);
    await leadership.resign();
    await world.runtime.advance(10);
    await b.election.campaign();
    await world.runtime.advance(10);
    const late = watch(observer.election);
    await world.runtime.advance(10);
    expect(seen).toEqual([
      "vacant",
      'elected a {"url":"a"}',
      'changed a {"url":"a2"}',
      "vacant",
      "elected b",
    ]);
    expect(late.seen).toEqual(["elected b"]);
    await Promise.all([a, b, observer].map(({ election }) => election.close()));
  });

  it("tells of a crash, and goes on through an outage of its own link", async () => {
    const world = new World();
    const [a, b] = [world.process("a"), world.process("b")];
    const observer = world.process("o");
    const { seen } = watch(observer.election);
    await a.election.campaign();
    await world.runtime.advance(100);
    observer.memory.faults.cut();
    a.pause();
    const next = b.election.campaign();
    await world.runtime.advance(10_000);
    await next;
    observer.memory.faults.restore();
    await world.runtime.advance(10_000);
    expect(seen.filter((line) => line !== "vacant")).toEqual(["elected a", "elected b"]);
    await Promise.all([b.election.close(), observer.election.close()]);
  });

  it("ends by its signal, by close(), by leaving the loop; nothing is left behind", async () => {
    const world = new World();
    const [a, b] = [world.process("a"), world.process("b")];
    const stop = new AbortController();
    const bySignal = watch(a.election, stop.signal);
    const byClose = watch(b.election);
    await world.runtime.advance(10);
    for await (const observation of a.election.observe()) {
      expect(observation).toEqual({ kind: "vacant", term: 0, leader: undefined });
      break;
    }
    stop.abort(new Error("enough"));
    await b.election.close();
    await world.runtime.advance(10);
    expect(bySignal.end).toEqual(new Error("enough"));
    expect(byClose.end).toBe("ended");
    await a.election.close();
    await world.runtime.advance(20_000);
    expect(world.runtime.pendingTimers).toBe(0);
    expect(() => a.election.observe()).toThrow(expect.objectContaining({ code: "CLOSED" }));
  });

  it("does not pile up what nobody reads", async () => {
    const world = new World();
    const [a, observer] = [world.process("a"), world.process("o")];
    const reader = observer.election.observe()[Symbol.asyncIterator]();
    await reader.next();
    for (let round = 0; round < 50; round++) {
      await using leadership = await a.election.campaign();
      leadership.check();
    }
    const last = await a.election.campaign();
    await world.runtime.advance(10);
    expect(await reader.next()).toMatchObject({ value: { kind: "elected", term: last.term } });
    await reader.return?.();
    await Promise.all([a.election.close(), observer.election.close()]);
  });
});

describe("leader and inspect", () => {
  it("tell who leads since when with what, and who waits", async () => {
    const world = new World();
    const a = world.process("a", { value: 1 });
    const b = world.process("b", { value: 2 });
    const sinceMs = world.runtime.time.wallMs();
    void a.election.lead(async (leadership) => {
      await leadership.publish(11);
      await until(leadership.signal);
    });
    await world.runtime.advance(10);
    void b.election.lead(({ signal }) => until(signal));
    await world.runtime.advance(5_000);
    const leader = await b.election.leader();
    expect(leader).toMatchObject({ candidate: "a", value: 11, sinceMs });
    expect(await b.election.inspect()).toEqual({
      election: "job",
      leader,
      candidates: [{ candidate: "b", value: 2 }],
      self: { candidate: "b", standing: "campaigning" },
    });
    await Promise.all([b.election.close(), a.election.close()]);
  });

  it("do not show the value of an older term", async () => {
    const world = new World();
    const [a, b] = [world.process("a"), world.process("b")];
    const old = await a.election.campaign();
    await old.publish("old");
    await old.resign();
    await b.election.campaign();
    expect(await b.election.leader()).toMatchObject({ candidate: "b", value: undefined });
  });
});

describe("publish", () => {
  it("is refused when the term is over, here by its clocks and there by its token", async () => {
    const world = new World();
    const [a, b] = [world.process("a"), world.process("b")];
    const old = await a.election.campaign();
    const held = { ...old, check: () => old.term, fencingToken: old.term };
    a.pause();
    const next = b.election.campaign();
    await world.runtime.advance(5_000);
    await (await next).publish("new");
    a.resume();
    await expect(old.publish("late")).rejects.toMatchObject({ code: "LEADERSHIP_LOST" });
    expect(held.fencingToken).toBeLessThan((await next).term);
    expect((await b.election.leader())?.value).toBe("new");
  });

  it("takes JSON of at most 4 KiB", async () => {
    const world = new World();
    const a = world.process("a");
    const leadership = await a.election.campaign();
    await expect(leadership.publish("x".repeat(5_000))).rejects.toMatchObject({
      ...{ code: "TOO_LARGE", details: { option: "value", limit: 4_096 } },
    });
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    for (const value of [cyclic, undefined, () => 1]) {
      await expect(leadership.publish(value as never)).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
      });
    }
    await leadership.publish({ at: "☃".repeat(1_000) });
    expect((await a.election.leader())?.value).toEqual({ at: "☃".repeat(1_000) });
  });
});
