/** Carrying a decision out where participants fail, and what operators do, in scripted time. */
import { describe, expect, it } from "vitest";

import { BankWorld } from "./bank.fixture.ts";

const UNTOUCHED = [
  { free: 100, held: 0, coming: 0 },
  { free: 0, held: 0, coming: 0 },
];
const MOVED = [
  { free: 70, held: 0, coming: 0 },
  { free: 30, held: 0, coming: 0 },
];

describe("a participant that fails to settle", () => {
  it("is asked until it does, ever more slowly, and told once to be stuck", async () => {
    const bank = new BankWorld();
    const one = bank.start({ stuckAfter: 4, settleMs: 1_000, maxRetryMs: 2_000 });
    const atMs: number[] = [];
    bank.meddle = (operation, { branch }) => {
      if (operation !== "confirm" || !branch.endsWith("credit")) return;
      atMs.push(bank.world.runtime.time.monotonicMs());
      if (atMs.length <= 7) throw Object.assign(new Error("x"), { code: "EPIPE" });
    };
    expect(await bank.world.outcome(one.move("t-1", 30))).toMatchObject({
      error: { code: "TRANSACTION_IN_DOUBT", details: { id: "t-1", participants: "credit" } },
    });
    await bank.world.until(() => atMs.length === 6);
    await bank.world.settle();
    expect(await one.tcc.inspect("t-1")).toMatchObject({
      state: "confirming",
      isStuck: true,
      branches: [
        { name: "debit", status: "settled" },
        { name: "credit", status: "tried", failures: 6, error: "EPIPE" },
      ],
    });
    await bank.world.runtime.advance(10_000);
    expect(atMs).toHaveLength(8);
    const pauses = atMs.slice(1).map((at, index) => at - (atMs[index] ?? 0));
    expect(pauses.at(-1)).toBeGreaterThan(4 * (pauses[0] ?? 0));
    expect(Math.max(...pauses)).toBeLessThanOrEqual(2_000);
    expect(bank.world.events("tcc.stuck")).toEqual([
      { id: "t-1", name: "transfer", branch: "credit", failures: 4, error: "EPIPE" },
    ]);
    expect(await bank.balances()).toEqual(MOVED);
    expect(await one.tcc.inspect("t-1")).toMatchObject({ state: "confirmed", isStuck: false });
  });

  it("because its barrier says conflict is told at once, and can be settled by hand", async () => {
    const bank = new BankWorld();
    const one = bank.start({ settleMs: 1_000 });
    bank.meddle = async (operation, { branch }) => {
      if (operation !== "confirm" || !branch.endsWith("credit")) return;
      await bank.account("bob").cancel("t-1/credit", (value) => ({ value }));
    };
    await bank.world.outcome(one.move("t-1", 30));
    expect(bank.world.events("tcc.stuck")).toMatchObject([
      { branch: "credit", error: "BARRIER_REFUSED" },
    ]);
    await one.tcc.settle("t-1", "credit", { by: "ada", why: "paid out by hand" });
    await bank.world.runtime.advance(200);
    expect(await one.tcc.inspect("t-1")).toMatchObject({ state: "confirmed", isStuck: false });
    expect(bank.world.events("tcc.by-hand")).toEqual([
      {
        id: "t-1",
        name: "transfer",
        verb: "settle",
        branch: "credit",
        by: "ada",
        why: "paid out by hand",
      },
    ]);
  });
});

describe("a participant that kills whoever calls it", () => {
  it("is left alone after five takeovers, until somebody says that it is mended", async () => {
    const bank = new BankWorld();
    let [last, deaths, isMended] = [bank.start(), 0, false];
    bank.meddle = (operation, { branch }) => {
      if (isMended || operation !== "confirm" || !branch.endsWith("credit")) return undefined;
      deaths += 1;
      last.process.kill();
      last = bank.start();
      return new Promise(() => {});
    };
    void last.move("t-1", 30);
    await bank.world.runtime.advance(60_000);
    expect(deaths).toBe(1 + 5);
    await bank.world.runtime.advance(60_000);
    expect(deaths).toBe(1 + 5);
    const left = { state: "confirming", isStuck: true, owner: "" };
    expect(await last.tcc.inspect("t-1")).toMatchObject(left);
    const subject = { id: "t-1", name: "transfer", branch: "" };
    expect(bank.world.events("tcc.stuck")).toEqual([
      { ...subject, failures: 6, error: "TAKEOVERS" },
    ]);
    const hand = { by: "ada", why: "a new release" };
    isMended = true;
    await last.tcc.retry("t-1", hand);
    await bank.world.runtime.advance(1_000);
    expect(await last.tcc.inspect("t-1")).toMatchObject({ state: "confirmed", isStuck: false });
    expect(await bank.balances()).toEqual(MOVED);
    expect(bank.world.events("tcc.by-hand")).toEqual([{ ...subject, verb: "retry", ...hand }]);
    await expect(last.tcc.retry("t-1", hand)).rejects.toMatchObject({
      code: "WRONG_STATE",
      details: { id: "t-1", verb: "retry", state: "confirmed" },
    });
  });
});

describe("operators", () => {
  it("cancel what is not decided, from any process, and nothing else", async () => {
    const bank = new BankWorld();
    const [one, two] = [bank.start(), bank.start()];
    bank.meddle = (operation, { branch }) =>
      operation === "try" && branch.endsWith("credit") ? bank.world.work(5_000) : undefined;
    const moved = one.move("t-1", 30);
    await bank.world.runtime.advance(1_000);
    const hand = { by: "ada", why: "wrong account" };
    await two.tcc.cancel("t-1", hand);
    expect(await bank.world.outcome(moved, 3_000)).toMatchObject({
      error: { code: "TRANSACTION_ABORTED", details: { reason: "ada: wrong account" } },
    });
    await bank.world.runtime.advance(10_000);
    expect(await bank.balances()).toEqual(UNTOUCHED);
    for (const [id, state] of [
      ["t-1", "cancelled"],
      ["t-2", "unknown"],
    ] as const) {
      await expect(two.tcc.cancel(id, hand)).rejects.toMatchObject({
        code: "WRONG_STATE",
        details: { id, verb: "cancel", state },
      });
      await expect(two.tcc.settle(id, "debit", hand)).rejects.toMatchObject({
        code: "WRONG_STATE",
      });
    }
  });

  it("list by state, and inspect without inputs", async () => {
    const bank = new BankWorld();
    const one = bank.start();
    await bank.world.outcome(Promise.allSettled([one.move("t-1", 30), one.move("t-2", 300)]));
    const listed = async (options: object): Promise<string[]> => {
      const ids: string[] = [];
      for await (const { id } of one.tcc.list(options)) ids.push(id);
      return ids;
    };
    expect(await listed({})).toEqual(["t-1", "t-2"]);
    expect(await listed({ state: "cancelled" })).toEqual(["t-2"]);
    expect(await listed({ stuck: true })).toEqual([]);
    expect(JSON.stringify(await one.tcc.inspect("t-1"))).not.toContain("alice");
    expect(await one.tcc.inspect("t-9")).toBeUndefined();
  });
});
