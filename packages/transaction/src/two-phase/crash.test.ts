/** 63 and 64 of the list of tests: the coordinator is lost at each of its writes. */
import { isQuorateError } from "@quorate/core";
import { describe, expect, it } from "vitest";
import type { Outcome } from "../../../../test/support/scripted-outcome.ts";
import type { Mishap } from "../kernel/world.fixture.ts";
import { BankWorld, type Teller } from "./ledger.fixture.ts";

const MISHAPS: readonly Mishap[] = ["none", "unanswered", "unknown", "dies-before", "dies-after"];
/** One transaction makes three writes; the fourth is there to be untouched. */
const WRITES = [1, 2, 3, 4];

/** What the caller may believe, against what is there. */
function contradiction(outcome: Outcome<string>, state: string): string | undefined {
  if (state !== "both" && state !== "none") return `it is ${state}`;
  if (outcome.kind === "value" && state !== "both") return "it said moved";
  if (outcome.kind !== "error") return undefined;
  if (!isQuorateError(outcome.error)) return "it threw something else";
  const { effect } = outcome.error;
  if (effect === "none" && state !== "none") return "it said that nothing happened";
  return effect === "applied" && state !== "both" ? "it said that it happened" : undefined;
}

describe.each(MISHAPS)("a coordinator whose write: %s", (mishap) => {
  it.each(WRITES)("number %i: all or none, as it was told", async (number) => {
    const world = new BankWorld();
    const first = world.teller();
    const second = world.teller();
    await world.runtime.advance(500);
    let count = 0;
    first.process.calls.fate = (_, call) => {
      if (!call.startsWith("put two-phase/")) return undefined;
      count += 1;
      return count === number ? mishap : undefined;
    };
    const outcome = await world.outcome(first.move("t"), 10_000);
    await world.runtime.advance(20_000);
    expect(contradiction(outcome, world.stateOf("t"))).toBeUndefined();
    const decision = await world.outcome(second.twoPhase.decision("t"));
    // Dead before its first write, it left nothing to ask about.
    const nothing = mishap === "dies-before" && number === 1;
    const aborted = nothing ? undefined : "aborted";
    const expected = world.stateOf("t") === "both" ? "committed" : aborted;
    expect(decision).toEqual({ kind: "value", value: expected });
    expect(await world.outcome(second.twoPhase.inDoubt())).toEqual({ kind: "value", value: [] });
    if (mishap === "dies-after" && number === 2) expect(world.stateOf("t")).toBe("both");
    if (mishap === "dies-before" && number === 2) expect(world.stateOf("t")).toBe("none");
    if (!mishap.startsWith("dies")) expect(outcome.kind).not.toBe("pending");
    if (number === 4) expect(outcome).toEqual({ kind: "value", value: "moved" });
  });
});

/** Its second write is the decision. */
function dieBeforeTheDecision({ process }: Teller): void {
  let count = 0;
  process.calls.fate = (_, call) => {
    if (!call.startsWith("put two-phase/")) return undefined;
    count += 1;
    return count === 2 ? "dies-before" : undefined;
  };
}

describe("a coordinator that dies with all prepared", () => {
  it("blocks them for its lease and a second, whatever its deadline", async () => {
    const world = new BankWorld();
    const first = world.teller({ deadlineMs: 3_600_000 });
    world.teller();
    dieBeforeTheDecision(first);
    void first.move("t").catch(() => {});
    await world.until(() => world.b.prepared.size === 1);
    expect(world.stateOf("t")).toBe("2 prepared");
    const tookMs = await world.until(() => world.stateOf("t") === "none");
    expect(tookMs).toBeLessThanOrEqual(3_000 + 1_500);
  });

  it("or had its commit answered by nobody is told how it ended when it comes back", async () => {
    const world = new BankWorld();
    const first = world.teller();
    world.teller();
    // What was sent is on its way: the commit lands, and nobody hears of it.
    world.b.behaviour = { onPrepared: () => first.process.pause() };
    const moving = first.move("t");
    await world.outcome(moving, 30_000);
    expect(world.stateOf("t")).toBe("both");
    first.process.resume();
    expect(await world.outcome(moving, 10_000)).toEqual({ kind: "value", value: "moved" });
  });

  it("that was only paused comes back to a decision that is not its own", async () => {
    const world = new BankWorld();
    const first = world.teller();
    world.teller();
    world.b.behaviour = { prepareMs: 1_000 };
    const moving = first.move("t");
    await world.runtime.advance(500);
    expect(world.stateOf("t")).toBe("1 prepared");
    first.process.pause();
    await world.runtime.advance(30_000);
    expect(world.stateOf("t")).toBe("none");
    first.process.resume();
    const outcome = await world.outcome(moving, 10_000);
    expect(outcome).toMatchObject({ error: { code: "TRANSACTION_ABORTED", effect: "none" } });
    expect(world.stateOf("t")).toBe("none");
  });
});

describe("a participant that votes yes and dies", () => {
  it("is told when it is back", async () => {
    const world = new BankWorld();
    const { move } = world.teller({ settleMs: 1_000 });
    world.a.behaviour = { onPrepared: () => (world.a.behaviour = { refusals: 10 }) };
    expect(await world.outcome(move("t"), 3_000)).toMatchObject({ error: { effect: "applied" } });
    await world.runtime.advance(60_000);
    expect(world.stateOf("t")).toBe("both");
  });

  it("asks past the deadline, its coordinator gone, and is told in one exchange", async () => {
    const world = new BankWorld();
    const first = world.teller({ leaseMs: 600_000, deadlineMs: 4_000 });
    const second = world.teller();
    dieBeforeTheDecision(first);
    void first.move("t").catch(() => {});
    await world.until(() => world.stateOf("t") === "2 prepared");
    expect(await second.twoPhase.decision("t")).toBe("undecided");
    await world.runtime.advance(4_000);
    expect(await second.twoPhase.inDoubt()).toMatchObject([{ state: "preparing", isLate: true }]);
    expect(await second.twoPhase.decision("t")).toBe("aborted");
    expect(await second.twoPhase.sweep()).toMatchObject({ aborted: 2 });
    expect(world.stateOf("t")).toBe("none");
    expect(world.events("two-phase.decided")).toMatchObject([{ by: "asker" }]);
  });
});
