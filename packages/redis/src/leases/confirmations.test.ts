import { leaseLeftMs, QuorateError } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";
import { CONFIRM_AFTER_MS, Confirmations } from "./confirmations.ts";
import { handGrant, type HandedGrant } from "./grants.ts";

const CLAIM = { name: "n", owner: "o", weight: 1, ttlMs: 10_000 };

function setUp(answers: ("renewed" | "lost" | Error)[]) {
  const runtime = new ScriptedRuntime();
  const asked: string[] = [];
  const confirmations = new Confirmations(runtime, async (grant) => {
    asked.push(grant.owner);
    const answer = answers.shift() ?? "renewed";
    if (answer instanceof Error) throw answer;
    return answer;
  });
  const hand = (owner: string, ttlMs = CLAIM.ttlMs): HandedGrant => {
    const nowMs = runtime.time.monotonicMs();
    const window = { validUntilMs: nowMs + 490, validUntilWallMs: runtime.time.wallMs() + 490 };
    return handGrant({ ...CLAIM, owner, ttlMs }, 1, window);
  };
  return { runtime, asked, confirmations, hand };
}

const unavailable = (): Error =>
  new QuorateError("STORE_UNAVAILABLE", "down", {
    effect: "none",
    details: { operation: "leases.renew" },
  });

describe("Confirmations", () => {
  it("ask nothing for a grant that was given back at once", async () => {
    const { runtime, asked, confirmations, hand } = setUp([]);
    const { grant } = hand("o");
    confirmations.add(handGrant(CLAIM, 1, grant));
    await runtime.advance(CONFIRM_AFTER_MS - 1);
    confirmations.remove(grant);
    await runtime.advance(1_000);
    expect(asked).toEqual([]);
  });

  it("move the window of one that is still held", async () => {
    const { runtime, confirmations, hand } = setUp([]);
    const one = hand("o");
    confirmations.add(one);
    await runtime.advance(CONFIRM_AFTER_MS);
    expect(leaseLeftMs(runtime.time, one.grant)).toBeGreaterThan(9_000);
  });

  it("end the belief in one that the store has passed on", async () => {
    const { runtime, confirmations, hand } = setUp(["lost"]);
    const one = hand("o");
    confirmations.add(one);
    await runtime.advance(CONFIRM_AFTER_MS);
    expect(leaseLeftMs(runtime.time, one.grant)).toBe(-Infinity);
  });

  it("try again while the window lasts, and then no more", async () => {
    const { runtime, asked, confirmations, hand } = setUp(Array.from({ length: 20 }, unavailable));
    const one = hand("o");
    confirmations.add(one);
    await runtime.advance(5_000);
    expect(asked.length).toBeGreaterThan(2);
    expect(asked.length).toBeLessThan(6);
    expect(leaseLeftMs(runtime.time, one.grant)).toBeLessThan(0);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("go out together", async () => {
    const { runtime, asked, confirmations, hand } = setUp([]);
    confirmations.add(hand("a"));
    await runtime.advance(20);
    confirmations.add(hand("b"));
    await runtime.advance(CONFIRM_AFTER_MS - 20);
    expect(asked).toEqual(["a", "b"]);
  });

  it("are not needed where the lease is no longer than the window", async () => {
    const { runtime, asked, confirmations, hand } = setUp([]);
    confirmations.add(hand("o", 400));
    await runtime.advance(1_000);
    expect(asked).toEqual([]);
  });
});
