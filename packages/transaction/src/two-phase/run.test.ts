import { isQuorateError, refuse } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { createTwoPhase } from "./engine.ts";
import { BankWorld } from "./ledger.fixture.ts";

describe("a transaction that all vote for", () => {
  it("commits everywhere, says so, and leaves nothing in doubt", async () => {
    const world = new BankWorld();
    const { move, twoPhase } = world.teller();
    expect(await world.outcome(move("t"))).toEqual({ kind: "value", value: "moved" });
    expect(world.stateOf("t")).toBe("both");
    expect(await twoPhase.decision("t")).toBe("committed");
    expect(await twoPhase.inDoubt()).toEqual([]);
    expect(world.events("two-phase.decided")).toMatchObject([
      { id: "t", decision: "committed", by: "run", reason: "" },
    ]);
    expect(world.events("two-phase.ended")).toMatchObject([{ id: "t" }]);
  });

  it("writes the participants, the decision and the end: three; an abort two", async () => {
    const world = new BankWorld();
    const { move, writes } = world.teller();
    await world.outcome(move("t"));
    await world.settle();
    expect(writes()).toBe(3);
    world.b.behaviour = { vote: "no" };
    await world.outcome(move("u"));
    await world.settle();
    expect(writes()).toBe(5);
  });

  it("writes nothing between the list of participants and the decision", async () => {
    const world = new BankWorld();
    const teller = world.teller();
    const seen: number[] = [];
    world.a.behaviour = { onPrepared: () => seen.push(teller.writes()) };
    world.b.behaviour = { onPrepared: () => seen.push(teller.writes()) };
    await world.outcome(teller.move("t"));
    expect(seen).toEqual([1, 1]);
  });

  it("does not tell read-only participants, and writes two when all are", async () => {
    const world = new BankWorld();
    const { move, writes, twoPhase } = world.teller();
    world.a.behaviour = { vote: "read-only" };
    expect((await world.outcome(move("t"))).kind).toBe("value");
    expect(world.a.told).toEqual(["begin t", "prepare t"]);
    expect(world.b.rows).toEqual(["t"]);
    await world.settle();
    const before = writes();
    world.b.behaviour = { vote: "read-only" };
    expect((await world.outcome(move("u"))).kind).toBe("value");
    await world.settle();
    expect(writes() - before).toBe(2);
    expect(await twoPhase.decision("u")).toBe("committed");
  });
});

describe("a transaction that somebody does not vote for", () => {
  it("aborts on a no, and says whose it was", async () => {
    const world = new BankWorld();
    const { move, twoPhase } = world.teller();
    world.b.behaviour = { vote: "no" };
    const outcome = await world.outcome(move("t"));
    expect(outcome).toMatchObject({
      kind: "error",
      error: { code: "TRANSACTION_ABORTED", effect: "none", details: { id: "t" } },
    });
    expect(String((outcome as { error: unknown }).error)).toContain("b voted no: it said so");
    expect(world.stateOf("t")).toBe("none");
    expect(await twoPhase.decision("t")).toBe("aborted");
    expect(world.b.told).toEqual(["begin t", "prepare t"]);
  });

  it("throws what the work threw, after all have aborted", async () => {
    const world = new BankWorld();
    const { twoPhase } = world.teller();
    const mishap = refuse("sold-out");
    const run = twoPhase.run("t", ["a", "b"], ({ a }) => {
      a.write("t");
      throw mishap;
    });
    expect(await world.outcome(run)).toEqual({ kind: "error", error: mishap });
    expect(world.stateOf("t")).toBe("none");
    expect(world.a.told).toEqual(["begin t"]);
  });

  it("aborts when a participant cannot begin, and tells it as an event", async () => {
    const world = new BankWorld();
    const { move } = world.teller();
    world.b.behaviour = { beginFails: true };
    const outcome = await world.outcome(move("t"));
    expect(outcome).toMatchObject({ error: { code: "TRANSACTION_ABORTED", effect: "none" } });
    expect(world.events("two-phase.participant-failed")).toMatchObject([
      { participant: "b", doing: "begin", attempt: 1 },
    ]);
  });

  it("aborts at its deadline, while work or votes are still missing", async () => {
    const world = new BankWorld();
    const { move, twoPhase } = world.teller();
    const run = twoPhase.run("t", ["a", "b"], () => world.work(60_000), { deadlineMs: 1_000 });
    expect(await world.outcome(run, 2_000)).toMatchObject({
      error: { code: "TRANSACTION_ABORTED", details: { reason: "its deadline passed" } },
    });
    world.a.behaviour = { prepareMs: 60_000 };
    expect(await world.outcome(move("u", 1_000), 3_000)).toMatchObject({
      error: { code: "TRANSACTION_ABORTED", details: { reason: "its deadline passed" } },
    });
    expect(await twoPhase.decision("u")).toBe("aborted");
  });

  it("aborts when its caller gives up, and its work is told", async () => {
    const world = new BankWorld();
    const { twoPhase } = world.teller();
    const control = new AbortController();
    let told: unknown;
    const work = async (_: unknown, { signal }: { signal: AbortSignal }): Promise<void> => {
      signal.addEventListener("abort", () => (told = signal.reason));
      await world.work(60_000);
    };
    const run = twoPhase.run("t", ["a", "b"], work, { signal: control.signal });
    await world.runtime.advance(100);
    control.abort(new Error("enough"));
    const outcome = await world.outcome(run, 1_000);
    expect(outcome).toMatchObject({ error: { code: "TRANSACTION_ABORTED", effect: "none" } });
    expect(told).toBe(control.signal.reason);
  });
});

describe("a participant that is late", () => {
  it("is told until it has carried it out", async () => {
    const world = new BankWorld();
    const { move } = world.teller();
    world.b.behaviour = { refusals: 3 };
    expect((await world.outcome(move("t"))).kind).toBe("value");
    expect(world.b.told.filter((line) => line === "commit t")).toHaveLength(4);
    expect(world.a.told.filter((line) => line === "commit t")).toHaveLength(1);
    expect(world.stateOf("t")).toBe("both");
  });

  it("keeps run waiting for settleMs: effect applied, and named by inDoubt", async () => {
    const world = new BankWorld();
    const { move, twoPhase } = world.teller({ settleMs: 2_000 });
    world.b.behaviour = { refusals: 40 };
    const outcome = await world.outcome(move("t"), 3_000);
    expect(outcome).toMatchObject({
      error: { code: "TRANSACTION_IN_DOUBT", effect: "applied", retryable: false },
    });
    expect(await twoPhase.inDoubt()).toMatchObject([
      { id: "t", state: "committed", participants: ["b"] },
    ]);
    await world.runtime.advance(300_000);
    expect(world.stateOf("t")).toBe("both");
    expect(await twoPhase.inDoubt()).toEqual([]);
  });

  it("that prepares after everybody gave it up is swept", async () => {
    const world = new BankWorld();
    const { move, twoPhase } = world.teller({ sweepMs: 60_000 });
    world.b.behaviour = { lateMs: 10_000 };
    expect((await world.outcome(move("t"))).kind).toBe("error");
    await world.runtime.advance(11_000);
    expect(world.stateOf("t")).toBe("1 prepared");
    expect(await twoPhase.sweep()).toEqual({ committed: 0, aborted: 1, left: 0 });
    expect(world.stateOf("t")).toBe("none");
    expect(world.events("two-phase.swept")).toMatchObject([{ id: "t", participant: "b" }]);
  });

  it("is left alone by a sweep while its transaction runs", async () => {
    const world = new BankWorld();
    const { move, twoPhase } = world.teller();
    world.b.behaviour = { prepareMs: 1_000 };
    const moving = move("t");
    await world.runtime.advance(500);
    expect(world.stateOf("t")).toBe("1 prepared");
    expect(await twoPhase.sweep()).toEqual({ committed: 0, aborted: 0, left: 1 });
    expect((await world.outcome(moving)).kind).toBe("value");
    expect(world.stateOf("t")).toBe("both");
  });

  it("of another store is told as foreign, and not judged", async () => {
    const world = new BankWorld();
    const { twoPhase } = world.teller();
    const name = "quorate:default/00000000000000aa/t/00000000000a/a";
    world.a.prepared.set(name, ["t"]);
    expect(await twoPhase.sweep()).toEqual({ committed: 0, aborted: 0, left: 0 });
    expect(world.a.prepared.has(name)).toBe(true);
    expect(world.events("two-phase.foreign")).toMatchObject([{ participant: "a", count: 1 }]);
  });
});

describe("the door", () => {
  it("lets an id in once, and says what became of it", async () => {
    const world = new BankWorld();
    const { move } = world.teller();
    await world.outcome(move("t"));
    expect(await world.outcome(move("t"))).toMatchObject({
      error: { code: "WRONG_STATE", effect: "none", details: { state: "ended, committed" } },
    });
    expect(world.stateOf("t")).toBe("both");
  });

  it("presumes nothing of an id that has no record: it may have yet to begin", async () => {
    expect(await new BankWorld().teller().twoPhase.decision("never-seen")).toBeUndefined();
  });

  it("refuses what it cannot follow, before anything begins", async () => {
    const world = new BankWorld();
    const { twoPhase } = world.teller();
    const work = (): void => {};
    const named = (names: readonly string[]) => twoPhase.run("t", names as ["a"], work);
    await expect(named([])).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(named(["a", "a"])).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(named(["a", "c"])).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(twoPhase.run("a/b", ["a"], work)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(twoPhase.run("é".repeat(20), ["a"], work)).rejects.toMatchObject({
      code: "TOO_LARGE",
    });
    await expect(twoPhase.run("t", ["a", "b"], work, { deadlineMs: -1 })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    const process = world.process();
    expect(() => createTwoPhase(process.backend, { deadline: 5 } as never)).toThrow("deadline");
    expect(() => twoPhase.serve({ a: world.a.participant(process) } as never)).toThrow("a name");
    expect(world.a.told).toEqual([]);
  });

  it("is shut by close, which waits for what runs and leaves no timer", async () => {
    const world = new BankWorld();
    const { move, twoPhase } = world.teller({ retentionMs: 5_000 });
    world.a.behaviour = { prepareMs: 500 };
    const moving = move("t");
    await world.settle();
    const closing = twoPhase.close();
    await expect(move("u")).rejects.toMatchObject({ code: "CLOSED" });
    expect((await world.outcome(moving)).kind).toBe("value");
    expect((await world.outcome(closing)).kind).toBe("value");
    // The store's own upkeep: a lease that was given back, a record.
    await world.runtime.advance(8_000);
    expect(world.runtime.pendingTimers).toBe(0);
    expect(world.stateOf("t")).toBe("both");
  });

  it("tells every failure by an error of ours, or by the work's own", async () => {
    const world = new BankWorld();
    const { move } = world.teller();
    world.a.behaviour = { lateMs: 100 };
    const outcome = await world.outcome(move("t"));
    expect(outcome.kind === "error" && isQuorateError(outcome.error)).toBe(true);
  });
});
