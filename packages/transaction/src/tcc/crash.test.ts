/**
 * A coordinator that dies, or whose store fails, at every one of its calls in turn: money is
 * neither
 * made nor lost, and no branch is confirmed while another is cancelled.
 */
import { isQuorateError, sleep } from "@quorate/core";
import { describe, expect, it } from "vitest";

import type { Mishap } from "../kernel/world.fixture.ts";
import { BankWorld } from "./bank.fixture.ts";

const MISHAPS: readonly Mishap[] = ["none", "unanswered", "unknown", "dies-before", "dies-after"];

interface End {
  /** What the caller was told, if anything. */
  readonly told: string;
  readonly state: string;
  readonly total: number;
  readonly pending: number;
}

/**
 * One transfer whose coordinator meets `mishap` at its store call `at`; undefined: no such call.
 */
async function transfer(at: number, mishap: Mishap, cents: number): Promise<End | undefined> {
  const bank = new BankWorld();
  const one = bank.start();
  const two = bank.start();
  await bank.world.runtime.advance(200);
  const from = one.process.calls.made.length;
  let met = false;
  one.process.calls.fate = (index) => {
    if (index - from !== at) return undefined;
    met = true;
    return mishap;
  };
  const outcome = await bank.world.outcome(one.move("t-1", cents, 5_000), 30_000);
  await bank.world.runtime.advance(9_000);
  if (!met) return undefined;
  const [alice, bob] = await bank.balances();
  const view = await two.tcc.inspect("t-1");
  const error = outcome.kind === "error" ? outcome.error : undefined;
  return {
    told: isQuorateError(error) ? error.code : outcome.kind,
    state: view?.state ?? "none",
    total: alice.free + bob.free,
    pending: alice.held + bob.coming,
  };
}

describe.each(MISHAPS)("a coordinator that meets %s", (mishap) => {
  it.each([30, 300])("at any one of its calls ends well, moving %i of 100", async (cents) => {
    let at = 0;
    const states = new Set<string>();
    for (; at < 60; at += 1) {
      const end = await transfer(at, mishap, cents);
      if (end === undefined) break;
      const where = `call ${at}: ${JSON.stringify(end)}`;
      expect(end, where).toMatchObject({ total: 100, pending: 0 });
      expect(["confirmed", "cancelled", "none"], where).toContain(end.state);
      if (end.told === "value") expect(end.state, where).toBe("confirmed");
      if (end.told === "TRANSACTION_ABORTED") expect(end.state, where).toBe("cancelled");
      states.add(end.state);
    }
    expect(at).toBeGreaterThan(6);
    expect(at).toBeLessThan(60);
    if (cents > 100) expect(states).not.toContain("confirmed");
    else expect(states).toContain("confirmed");
  });
});

describe("two mishaps, of two coordinators one after the other", () => {
  it("end well, wherever they fall", async () => {
    let seen = 0;
    for (let first = 0; first < 14; first += 2) {
      for (let second = 0; second < 8; second += 2) {
        const bank = new BankWorld();
        const [one, two, three] = [bank.start(), bank.start(), bank.start()];
        await bank.world.runtime.advance(200);
        const dieAt = ({ process }: typeof one, at: number): void => {
          let calls = 0;
          process.calls.fate = (_, name) => {
            if (!name.startsWith("put")) return undefined;
            return calls++ === at ? "dies-after" : undefined;
          };
        };
        dieAt(one, first);
        dieAt(two, second);
        void one.move("t-1", 30, 5_000).catch(() => {});
        await bank.world.runtime.advance(16_000);
        const [alice, bob] = await bank.balances();
        const where = `${first}, ${second}: ${JSON.stringify([alice, bob])}`;
        expect(alice.free + bob.free, where).toBe(100);
        expect(alice.held + bob.coming, where).toBe(0);
        const view = await three.tcc.inspect("t-1");
        expect(["confirmed", "cancelled", undefined], where).toContain(view?.state);
        seen += 1;
      }
    }
    expect(seen).toBe(28);
  });
});

describe("a coordinator that is paused", () => {
  it("beyond its lease, with all tried, is cancelled by another, and says so", async () => {
    const bank = new BankWorld();
    const [one, two] = [bank.start(), bank.start()];
    const moved = one.tcc.run("transfer", { id: "t-1", deadlineMs: 60_000 }, async (t) => {
      await t.branch("debit", { account: "alice", cents: 30 });
      await t.branch("credit", { account: "bob", cents: 30 });
      one.process.pause();
      await sleep(one.process.backend.runtime, 1_000);
    });
    await bank.world.runtime.advance(10_000);
    expect((await two.tcc.inspect("t-1"))?.state).toBe("cancelled");
    one.process.resume();
    expect(await bank.world.outcome(moved)).toMatchObject({
      error: { code: "TRANSACTION_ABORTED", details: { reason: "its coordinator is gone" } },
    });
    await bank.world.runtime.advance(10_000);
    const [alice, bob] = await bank.balances();
    expect([alice.free, bob.free]).toEqual([100, 0]);
  });
});
