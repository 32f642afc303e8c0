/** Transactions in scripted time: who decides, who is told, and what is left. */
import { refuse } from "@quorate/core";
import { describe, expect, it } from "vitest";

import { createWorker } from "../kernel/worker.ts";
import { BankWorld } from "./bank.fixture.ts";
import { createTcc } from "./create-tcc.ts";
import type { TccOptions } from "./options.ts";

const UNTOUCHED = [
  { free: 100, held: 0, coming: 0 },
  { free: 0, held: 0, coming: 0 },
];
const MOVED = [
  { free: 70, held: 0, coming: 0 },
  { free: 30, held: 0, coming: 0 },
];

describe("a transaction whose branches are all tried", () => {
  it("is confirmed at each, and resolves to what its work returned", async () => {
    const bank = new BankWorld();
    const one = bank.start();
    expect(await bank.world.outcome(one.move("t-1", 30))).toEqual({
      kind: "value",
      value: "moved 30",
    });
    expect(await bank.balances()).toEqual(MOVED);
    expect(bank.asked).toEqual([
      "try t-1/debit",
      "try t-1/credit",
      "confirm t-1/debit",
      "confirm t-1/credit",
    ]);
    expect(bank.world.events("tcc.ended")).toEqual([
      { id: "t-1", name: "transfer", state: "confirmed" },
    ]);
  });

  it("asked again with its id says the same, and runs nothing", async () => {
    const bank = new BankWorld();
    const one = bank.start();
    await bank.world.outcome(one.move("t-1", 30));
    bank.asked.length = 0;
    for (const again of [one, bank.start()]) {
      expect(await bank.world.outcome(again.move("t-1", 99))).toMatchObject({ value: "moved 30" });
    }
    expect(bank.asked).toEqual([]);
  });

  it("begun twice at once is one transaction", async () => {
    const bank = new BankWorld();
    const [one, two] = [bank.start(), bank.start()];
    const both = [one.move("t-1", 30), one.move("t-1", 30), two.move("t-1", 30)];
    const outcome = await bank.world.outcome(Promise.all(both));
    expect(outcome).toMatchObject({ value: ["moved 30", "moved 30", "moved 30"] });
    expect(await bank.balances()).toEqual(MOVED);
  });

  it("costs a write to begin, one for all branches, one to decide, and one to end", async () => {
    const bank = new BankWorld();
    const one = bank.start();
    const work = one.tcc.run(
      "transfer",
      { id: "t-1" },
      (t) =>
        t.branches([
          { participant: "debit", input: { account: "alice", cents: 30 } },
          { participant: "credit", input: { account: "bob", cents: 30 } },
        ]) as Promise<never>,
    );
    expect(await bank.world.outcome(work)).toMatchObject({ value: [30, 30] });
    const writes = one.process.calls.made.filter((call) => call === "put tcc/t-1");
    expect(writes).toHaveLength(4);
  });

  it("may have two branches of one participant, by name", async () => {
    const bank = new BankWorld();
    const one = bank.start();
    const split = one.tcc.run("transfer", { id: "t-1" }, async (t) => {
      await t.branch("debit", { account: "alice", cents: 30 });
      await t.branch("credit", { account: "bob", cents: 10 });
      await t.branch("credit", { account: "carol", cents: 20 }, { as: "credit-2" });
    });
    expect(await bank.world.outcome(split)).toEqual({ kind: "value", value: undefined });
    expect((await bank.account("carol").read()).free).toBe(20);
  });
});

describe("a transaction that cannot be confirmed", () => {
  it("by a refusal is cancelled everywhere, and says why", async () => {
    const bank = new BankWorld();
    const one = bank.start();
    expect(await bank.world.outcome(one.move("t-1", 300))).toMatchObject({
      error: {
        code: "TRANSACTION_ABORTED",
        effect: "none",
        details: { id: "t-1", reason: "debit: too-little" },
        cause: { code: "REFUSED", details: { data: { free: 100 } } },
      },
    });
    expect(await bank.balances()).toEqual(UNTOUCHED);
    expect(bank.asked).toEqual(["try t-1/debit", "cancel t-1/debit"]);
    const again = await bank.world.outcome(one.move("t-1", 1));
    expect(again).toMatchObject({ error: { details: { reason: "debit: too-little" } } });
  });

  it("by a refusal that its work swallowed is cancelled all the same", async () => {
    const bank = new BankWorld();
    const one = bank.start();
    const careless = one.tcc.run("transfer", { id: "t-1" }, async (t) => {
      await t.branch("credit", { account: "bob", cents: 300 });
      await t.branch("debit", { account: "alice", cents: 300 }).catch(() => {});
      return "fine";
    });
    expect(await bank.world.outcome(careless)).toMatchObject({
      error: { code: "TRANSACTION_ABORTED" },
    });
    expect(await bank.balances()).toEqual(UNTOUCHED);
  });

  it("by a branch that its work did not wait for is judged with it", async () => {
    const bank = new BankWorld();
    const one = bank.start();
    bank.meddle = () => bank.world.work(500);
    const hasty = one.tcc.run("transfer", { id: "t-1" }, (t) => {
      void t.branch("debit", { account: "alice", cents: 30 });
      void t.branch("credit", { account: "bob", cents: 30 });
    });
    expect(await bank.world.outcome(hasty)).toMatchObject({ kind: "value" });
    expect(await bank.balances()).toEqual(MOVED);
  });

  it("by an error of its work is cancelled, with that error as the cause", async () => {
    const bank = new BankWorld();
    const one = bank.start();
    const failing = one.tcc.run("transfer", { id: "t-1" }, async (t) => {
      await t.branch("debit", { account: "alice", cents: 30 });
      throw new TypeError("a defect");
    });
    expect(await bank.world.outcome(failing)).toMatchObject({
      error: { code: "TRANSACTION_ABORTED", cause: new TypeError("a defect") },
    });
    expect(await bank.balances()).toEqual(UNTOUCHED);
  });

  it("by a result that cannot be stored is cancelled before the commit point", async () => {
    const bank = new BankWorld();
    const one = bank.start();
    const dated = one.tcc.run("transfer", { id: "t-1" }, async (t) => {
      await t.branch("debit", { account: "alice", cents: 30 });
      return new Date(0) as never;
    });
    expect(await bank.world.outcome(dated)).toMatchObject({
      error: { code: "TRANSACTION_ABORTED", cause: { code: "INVALID_ARGUMENT" } },
    });
    expect(await bank.balances()).toEqual(UNTOUCHED);
  });

  it("by its deadline is cancelled, also at a branch that never answered", async () => {
    const bank = new BankWorld();
    const one = bank.start();
    bank.meddle = (operation, { branch }) =>
      operation === "try" && branch.endsWith("credit") ? new Promise(() => {}) : undefined;
    const startedMs = bank.world.runtime.time.monotonicMs();
    expect(await bank.world.outcome(one.move("t-1", 30, 2_000))).toMatchObject({
      error: { code: "TRANSACTION_ABORTED", details: { reason: "its deadline" } },
    });
    expect(bank.world.runtime.time.monotonicMs() - startedMs).toBeLessThanOrEqual(2_200);
    expect(bank.asked.slice(2).sort()).toEqual(["cancel t-1/credit", "cancel t-1/debit"]);
    expect(await bank.balances()).toEqual(UNTOUCHED);
  });

  it("by its deadline is cancelled although its work never returns", async () => {
    const bank = new BankWorld();
    const one = bank.start();
    const endless = one.tcc.run("transfer", { id: "t-1", deadlineMs: 1_000 }, async (t) => {
      await t.branch("debit", { account: "alice", cents: 30 });
      await new Promise(() => {});
    });
    expect(await bank.world.outcome(endless)).toMatchObject({
      error: { code: "TRANSACTION_ABORTED" },
    });
    expect(await bank.balances()).toEqual(UNTOUCHED);
  });

  it("by its caller's signal is cancelled, as long as it is not decided", async () => {
    const bank = new BankWorld();
    const one = bank.start();
    const controller = new AbortController();
    const { signal } = controller;
    const aborted = one.tcc.run("transfer", { id: "t-1", signal }, async (t) => {
      await t.branch("debit", { account: "alice", cents: 30 });
      controller.abort(new Error("the user left"));
      await t.branch("credit", { account: "bob", cents: 30 });
    });
    expect(await bank.world.outcome(aborted)).toMatchObject({
      error: { code: "TRANSACTION_ABORTED", details: { reason: "its caller's signal" } },
    });
    expect(await bank.balances()).toEqual(UNTOUCHED);
    expect(bank.asked).not.toContain("try t-1/credit");
  });

  it("by a try that stays unknown is cancelled after its attempts, under one key", async () => {
    const bank = new BankWorld();
    const one = bank.start({ tryAttempts: 3 });
    const keys: string[] = [];
    bank.meddle = (operation, { key, attempt }) => {
      if (operation !== "try") return;
      keys.push(`${key} ${attempt}`);
      throw new Error("no answer");
    };
    expect(await bank.world.outcome(one.move("t-1", 30))).toMatchObject({
      error: { details: { reason: "debit: an error without a code" } },
    });
    expect(keys).toEqual([1, 2, 3].map((attempt) => `t-1/debit/try ${attempt}`));
  });

  it("and a try that succeeds at the third attempt is confirmed", async () => {
    const bank = new BankWorld();
    const one = bank.start();
    let failures = 2;
    bank.meddle = (operation) => {
      if (operation === "try" && failures-- > 0) throw new Error("no answer");
    };
    expect(await bank.world.outcome(one.move("t-1", 30))).toMatchObject({ value: "moved 30" });
  });
});

describe("a caller's mistake", () => {
  it.each([
    ["deadlineMs", { deadlineMs: 0 }],
    ["settleMs", { settleMs: -1 }],
    ["tryAttempts", { tryAttempts: 1.5 }],
    ["retentionMs", { retentionMs: 1 }],
    ["options.timeout", { timeout: 1 }],
  ])("in %s of createTcc is told by name", (option, options) => {
    const { backend } = new BankWorld().world.process();
    expect(() => createTcc(backend, options as TccOptions)).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ option }) }),
    );
  });

  it("in a run is told before anything is stored", async () => {
    const bank = new BankWorld();
    const one = bank.start();
    const work = () => "x";
    const mistakes = [
      one.tcc.run("transfers", { id: "t-1" }, work),
      one.tcc.run("transfer", { id: "" }, work),
      one.tcc.run("transfer", { id: "a//b" }, work),
      one.tcc.run("transfer", { id: "t-1", deadlineMs: -1 }, work),
      one.tcc.run("transfer", { id: "t-1", ttl: 1 } as never, work),
      one.tcc.run("transfer", { id: "t-1" }, "work" as never),
      one.tcc.decision(""),
      one.tcc.cancel("t-1", { by: "", why: "x" }),
    ];
    for (const mistake of mistakes) {
      await expect(mistake).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    expect(one.process.calls.made.filter((call) => call.startsWith("put"))).toEqual([]);
    const partial = { debit: { try: work, confirm: work } } as never;
    expect(() => one.tcc.serve("other", partial)).toThrow(/INVALID_ARGUMENT: debit\.cancel/);
    expect(() =>
      one.tcc.serve("transfer", { a: { try: work, confirm: work, cancel: work } }),
    ).toThrow(/INVALID_ARGUMENT: name/);
  });

  it("in a branch cancels the transaction with the mistake as its cause", async () => {
    const bank = new BankWorld();
    const one = bank.start();
    const twice = one.tcc.run("transfer", { id: "t-1" }, async (t) => {
      await t.branch("credit", { account: "bob", cents: 1 });
      await t.branch("credit", { account: "bob", cents: 1 });
    });
    expect(await bank.world.outcome(twice)).toMatchObject({
      error: { code: "TRANSACTION_ABORTED", cause: { details: { option: "as" } } },
    });
    const unknown = one.tcc.run("transfer", { id: "t-2" }, (t) => t.branch("fee", 1) as never);
    expect(await bank.world.outcome(unknown)).toMatchObject({
      error: { cause: { details: { option: "participant" } } },
    });
  });

  it("that uses an id for another kind of transaction is refused", async () => {
    const bank = new BankWorld();
    const one = bank.start();
    const nothing = { try: () => 1, confirm: () => {}, cancel: () => {} };
    const payout = one.tcc.serve("payout", { nothing });
    await bank.world.outcome(one.move("t-1", 30));
    expect(await bank.world.outcome(payout.run({ id: "t-1" }, () => 1))).toMatchObject({
      error: { code: "INSTANCE_MISMATCH", details: { id: "t-1" } },
    });
  });
});

describe("close", () => {
  it("lets what is under way end, begins nothing more, and leaves no timer", async () => {
    const bank = new BankWorld();
    const one = bank.start({ retentionMs: 1_000 }); // The store's own timer.
    bank.meddle = () => bank.world.work(300);
    const moved = one.move("t-1", 30);
    await bank.world.runtime.advance(100);
    const closed = one.tcc.close();
    await expect(one.move("t-2", 1)).rejects.toMatchObject({ code: "CLOSED" });
    expect(await bank.world.outcome(moved)).toMatchObject({ value: "moved 30" });
    expect(await bank.world.outcome(closed)).toMatchObject({ kind: "value" });
    await bank.world.runtime.advance(10_000);
    expect(bank.world.runtime.pendingTimers).toBe(0);
  });

  it("leaves a worker open that was passed in", async () => {
    const bank = new BankWorld();
    const { backend } = bank.world.process();
    const worker = createWorker(backend);
    const tcc = createTcc(backend, { worker });
    await bank.world.outcome(tcc.close());
    expect(() => worker.register({ collection: "other" } as never)).not.toThrow();
    expect(() => createTcc(backend, { worker, leaseMs: 5_000 })).toThrow(
      /INVALID_ARGUMENT: leaseMs/,
    );
    await bank.world.outcome(worker.close());
  });
});

describe("what a participant is told", () => {
  it("is the same key at every repeat, the attempt, and a reservation to keep", async () => {
    const bank = new BankWorld();
    const one = bank.start({ skewMs: 1_000 });
    const seen: object[] = [];
    bank.meddle = (operation, context) => {
      const { key, input, attempt } = context;
      seen.push({ operation, key, input, attempt });
      if (operation === "cancel" && attempt === 1) throw new Error("again");
      if (operation === "try") throw refuse("no");
      return undefined;
    };
    let held: unknown;
    const before = bank.world.runtime.time.wallMs();
    await bank.world.outcome(
      one.tcc.run("transfer", { id: "t-1", deadlineMs: 2_000 }, (t) => {
        held = t.deadlineAtMs;
        return t.branch("debit", { account: "alice", cents: 1 }) as Promise<never>;
      }),
    );
    expect(held).toBe(before + 2_000);
    const input = { account: "alice", cents: 1 };
    expect(seen).toEqual([
      { operation: "try", key: "t-1/debit/try", input, attempt: 1 },
      { operation: "cancel", key: "t-1/debit/cancel", input, attempt: 1 },
      { operation: "cancel", key: "t-1/debit/cancel", input, attempt: 2 },
    ]);
  });
});
