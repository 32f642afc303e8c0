/** The barrier around effects that lie elsewhere, on a store that fails. */
import { describe, expect, it } from "vitest";

import type { PassContext } from "./barrier.ts";
import { createBarrier } from "./create-barrier.ts";
import type { Operation } from "./machine.ts";
import type { BarrierOptions } from "./options.ts";
import { BRANCH, DO, rig, said, UNDO } from "./passage.fixture.ts";

describe("a store that fails at each call in turn", () => {
  const operations: readonly Operation[] = ["try", "confirm", "cancel"];
  const mishaps = ["none", "unanswered", "unknown", "dies-before", "dies-after"] as const;
  const fates = operations.flatMap((operation) => mishaps.map((mishap) => ({ operation, mishap })));

  it.each(fates)("$mishap during a $operation: the effects are right in the end", async (fate) => {
    for (let at = 0; at < 3; at += 1) {
      const { world, process, barrier, other } = rig({ leaseMs: 2_000 });
      /** A participant that is idempotent by its key, as it must be. */
      const applied = new Set<string>();
      const act = ({ key }: PassContext): string => {
        applied.add(key);
        return key;
      };
      const helper = other();
      if (fate.operation !== "try") await world.outcome(helper.try(BRANCH, act));
      process.calls.fate = (index) => (index === at ? fate.mishap : undefined);
      void barrier[fate.operation](BRANCH, act).catch(() => {});
      await world.runtime.advance(5_000);
      const repeated = await said(world, helper[fate.operation](BRANCH, act));
      expect(repeated).toBe(`${BRANCH}/${fate.operation}`);
      const expected = fate.operation === "try" ? ["try"] : ["try", fate.operation];
      expect([...applied]).toEqual(expected.map((one) => `${BRANCH}/${one}`));
    }
  });

  it("does not run the work when it is not known whether it may begin", async () => {
    const { world, process, barrier } = rig();
    process.calls.fate = () => "unknown";
    const call = barrier.run(DO, () => expect.fail("it ran"));
    expect(await world.outcome(call)).toMatchObject({
      error: { code: "STORE_UNAVAILABLE", effect: "none" },
    });
  });

  it("says that it does not know when the answer cannot be stored", async () => {
    const { world, process, barrier } = rig();
    process.calls.fate = (index) => (index > 0 ? "unknown" : undefined);
    expect(await world.outcome(barrier.run(DO, () => "charged"))).toMatchObject({
      error: { code: "OUTCOME_UNKNOWN", effect: "unknown", details: { key: BRANCH } },
    });
  });
});

describe("waiting", () => {
  it("ends by waitMs, telling when to ask again", async () => {
    const { world, barrier, other } = rig({ waitMs: 1_000 });
    void barrier.run(DO, () => world.work(20_000));
    await world.settle();
    expect(await world.outcome(other().run(DO, () => {}))).toMatchObject({
      error: { code: "IDEMPOTENCY_IN_FLIGHT", effect: "none", details: { retryAfterMs: 1_000 } },
    });
  });

  it("ends by the caller's signal, with its reason", async () => {
    const { world, barrier, other } = rig();
    void barrier.run(DO, () => world.work(20_000));
    await world.settle();
    const controller = new AbortController();
    const call = other().run(DO, () => {}, { signal: controller.signal });
    await world.runtime.advance(100);
    controller.abort(new Error("shutting down"));
    expect(await world.outcome(call)).toMatchObject({ error: new Error("shutting down") });
  });
});

describe("inspect", () => {
  it("tells state, attempts and lease of a branch", async () => {
    const { world, barrier } = rig({ leaseMs: 2_000 });
    expect(await barrier.inspect(BRANCH)).toMatchObject({ state: "none", attempts: 0 });
    const call = barrier.run(DO, () => world.work(1_000));
    await world.runtime.advance(500);
    const view = await barrier.inspect(BRANCH);
    expect(view).toMatchObject({ state: "trying", attempts: 1, leaseLeftMs: 1_500 });
    await world.outcome(call);
    expect(await barrier.inspect(BRANCH)).toMatchObject({ state: "tried", leaseLeftMs: 0 });
  });

  it("and every other call refuse a record that is not ours, and leave it as it is", async () => {
    const { world, process, barrier } = rig();
    const key = `barriers/${BRANCH}`;
    const ours = { v: 1, branch: BRANCH, state: "tried", attempt: 1, leaseMs: 0, keptMs: 1 };
    const foreign = [
      "hello",
      "[]",
      "null",
      JSON.stringify({ ...ours, v: 2 }),
      JSON.stringify({ ...ours, branch: "order-8/charge" }),
      JSON.stringify({ ...ours, state: "none" }),
      JSON.stringify({ ...ours, attempt: "1" }),
      JSON.stringify({ ...ours, leaseMs: -1 }),
      JSON.stringify({ ...ours, outcome: "maybe" }),
      JSON.stringify({ ...ours, answers: { pay: {} } }),
      JSON.stringify({ ...ours, answers: [] }),
    ];
    for (const text of foreign) {
      await process.memory.kv.put(key, text);
      expect(await said(world, barrier.inspect(BRANCH)), text).toBe("RECORD_INVALID");
      expect(
        await said(
          world,
          barrier.run(DO, () => 1),
        ),
        text,
      ).toBe("RECORD_INVALID");
      expect(Buffer.from((await process.memory.kv.get(key))?.value ?? "").toString()).toBe(text);
    }
  });
});

describe("a caller's mistake", () => {
  it.each([
    ["retentionMs", { retentionMs: 0 }],
    ["leaseMs", { leaseMs: Number.NaN }],
    ["leaseMs", { leaseMs: 120_000, retentionMs: 60_000 }],
    ["waitMs", { waitMs: -1 }],
    ["name", { name: "a/b" }],
    ["maxResultBytes", { maxResultBytes: 0 }],
    ["options.ttl", { ttl: 5 }],
  ])("in %s is told by name", (option, options) => {
    const { process } = rig();
    expect(() => createBarrier(process.backend, options as BarrierOptions)).toThrow(
      expect.objectContaining({
        code: "INVALID_ARGUMENT",
        details: expect.objectContaining({ option }),
      }),
    );
  });

  it("in a call is told before anything is asked of the store", async () => {
    const { process, barrier } = rig();
    const work = () => 1;
    const mistakes = [
      barrier.run("order-7/charge", work),
      barrier.run(UNDO, work),
      barrier.undo(DO, work),
      barrier.try("debit", work),
      barrier.run(DO, "work" as never),
      barrier.run(DO, work, { leaseMs: 0 }),
      barrier.run(DO, work, { timeoutMs: 5 } as never),
      barrier.run(DO, work, { signal: {} as AbortSignal }),
    ];
    for (const mistake of mistakes) {
      await expect(mistake).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    expect(process.calls.made).toEqual([]);
    expect(() => createBarrier({} as never)).toThrow(/INVALID_ARGUMENT: backend/);
  });
});
