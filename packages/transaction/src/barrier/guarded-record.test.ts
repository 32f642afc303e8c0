/** Value and marks in one entry, with a store that fails and many callers at once. */
import { refuse } from "@quorate/core";
import { describe, expect, it } from "vitest";

import { World } from "../kernel/world.fixture.ts";
import { createBarrier } from "./create-barrier.ts";
import type { GuardedRecord } from "./guarded-record.ts";
import { arrivals, Oracle } from "./oracle.fixture.ts";

type Account = { readonly free: number; readonly held: number };

const hold = (cents: number) => (account: Account) => {
  if (account.free < cents) throw refuse("too-little", { free: account.free });
  return { value: { free: account.free - cents, held: account.held + cents }, result: cents };
};
const use = (account: Account, { tried }: { readonly tried: unknown }) => ({
  value: { ...account, held: account.held - (tried as number) },
});
const giveBack = (account: Account, { tried }: { readonly tried: unknown }) => ({
  value: { free: account.free + (tried as number), held: account.held - (tried as number) },
});

function rig(free = 100) {
  const world = new World();
  const process = world.process();
  const account = (backend = process.backend): GuardedRecord<Account> =>
    createBarrier(backend).record("accounts/alice", { empty: { free, held: 0 } });
  return { world, process, account };
}

describe("a guarded record", () => {
  it("changes once per operation, and answers every repeat alike", async () => {
    const { account } = rig();
    for (let copy = 0; copy < 3; copy += 1) {
      expect(await account().try("t-1/debit", hold(30))).toBe(30);
    }
    expect(await account().read()).toEqual({ free: 70, held: 30 });
    for (let copy = 0; copy < 3; copy += 1) await account().confirm("t-1/debit", use);
    expect(await account().read()).toEqual({ free: 70, held: 0 });
    await expect(account().cancel("t-1/debit", giveBack)).rejects.toMatchObject({
      code: "BARRIER_REFUSED",
      details: { asked: "cancel", have: "confirmed" },
    });
  });

  it("answers a repeat before it looks at the balance", async () => {
    const { account } = rig(30);
    await account().run("o/pay/do", hold(30));
    expect(await account().run("o/pay/do", hold(30))).toBe(30);
    await account().undo("o/pay/undo", giveBack);
    await account().undo("o/pay/undo", giveBack);
    expect(await account().read()).toEqual({ free: 30, held: 0 });
  });

  it("lets an empty cancel succeed on an empty account, and keeps the late try out", async () => {
    const { account } = rig(0);
    expect(await account().cancel("t-1/debit", giveBack)).toBeUndefined();
    await expect(account().try("t-1/debit", hold(0))).rejects.toMatchObject({
      code: "BARRIER_REFUSED",
    });
    expect(await account().read()).toEqual({ free: 0, held: 0 });
  });

  it("remembers a refusal, and keeps the value, even one changed in place", async () => {
    const { account } = rig(5);
    const greedy = (value: Account) => {
      (value as { free: number }).free = -1;
      throw refuse("too-little");
    };
    await expect(account().try("t-1/debit", greedy)).rejects.toMatchObject({ code: "REFUSED" });
    await expect(account().try("t-1/debit", hold(1))).rejects.toMatchObject({ code: "REFUSED" });
    expect(await account().read()).toEqual({ free: 5, held: 0 });
  });

  it("takes fifty transfers of ten processes at once, each of them twice", async () => {
    const { world, account } = rig(1_000);
    const calls = Array.from({ length: 100 }, (_, index) =>
      account(world.process().backend).try(`t-${index % 50}/debit`, hold(10)),
    );
    const outcome = await world.outcome(Promise.all(calls), 60_000, 20);
    expect(outcome.kind).toBe("value");
    expect(await account().read()).toEqual({ free: 500, held: 500 });
  });

  it.each(["none", "unanswered", "unknown"] as const)(
    "is exact when the store's answer is lost at any call: %s",
    async (mishap) => {
      for (let at = 0; at < 6; at += 1) {
        const { world, process, account } = rig();
        process.calls.fate = (index) => (index === at ? mishap : undefined);
        const twice = async () => {
          await account()
            .try("t-1/debit", hold(30))
            .catch(() => {});
          await account().try("t-1/debit", hold(30));
          await account()
            .confirm("t-1/debit", use)
            .catch(() => {});
          await account().confirm("t-1/debit", use);
        };
        await world.outcome(twice().catch(() => twice()));
        expect(await account(world.process().backend).read()).toEqual({ free: 70, held: 0 });
      }
    },
  );

  it("comes to the same in all orders of two copies of each call", async () => {
    const { account } = rig(1_000_000);
    let number = 0;
    for (const calls of arrivals(2)) {
      const branch = `t-${(number += 1)}/debit`;
      const one = createBarrierFor(number, rig());
      const oracle = new Oracle();
      for (const operation of calls) {
        let seen = "quiet";
        const change = (value: Account) => {
          seen = "ran";
          return { value, result: 1 };
        };
        await one[operation](branch, change).catch(() => (seen = "refused"));
        expect(seen, calls.join(" ")).toBe(oracle.call(operation));
      }
    }
    expect(number).toBe(90);
    expect(await account().read()).toEqual({ free: 1_000_000, held: 0 });
  });

  it("is updated outside of transactions too, keeping its marks", async () => {
    const { account } = rig();
    await account().try("t-1/debit", hold(30));
    const deposited = await account().update(({ free, held }) => ({ free: free + 5, held }));
    expect(deposited).toEqual({ free: 75, held: 30 });
    expect(await account().try("t-1/debit", hold(30))).toBe(30);
    expect(await account().read()).toEqual({ free: 75, held: 30 });
  });

  it("refuses a value that is not JSON, and one that is not ours", async () => {
    const { process, account } = rig();
    const bad = account().try("t-1/debit", () => ({ value: { free: Number.NaN, held: 0 } }));
    await expect(bad).rejects.toThrow(/INVALID_ARGUMENT: value\.free/);
    for (const text of ["x", "[]", '{"v":1}', '{"v":1,"value":1,"marks":{}}']) {
      await process.backend.kv.put("accounts/alice", text);
      await expect(account().read()).rejects.toMatchObject({ code: "RECORD_INVALID" });
    }
  });

  it.each([
    ["options.size", { empty: 1, size: 2 }],
    ["maxMarks", { empty: 1, maxMarks: 0 }],
    ["empty.at", { empty: { at: new Date(0) } }],
  ])("names a mistake in %s", (option, options) => {
    const barrier = createBarrier(new World().process().backend);
    expect(() => barrier.record("a/b", options as never)).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ option }) }),
    );
  });
});

function createBarrierFor(number: number, { process }: ReturnType<typeof rig>) {
  return createBarrier(process.backend).record<Account>(`accounts/${number}`, {
    empty: { free: 1, held: 0 },
  });
}
