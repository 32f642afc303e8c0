import { sleep } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { type TestProcess, World } from "../kernel/world.fixture.ts";
import { createTwoPhase } from "./engine.ts";
import { type KvParticipant, kvParticipant } from "./kv-participant.ts";
import { decodeCell } from "./kv-cell.ts";
import type { TwoPhase } from "./two-phase.ts";

interface Shop {
  readonly process: TestProcess;
  readonly twoPhase: TwoPhase<{ orders: KvParticipant; stock: KvParticipant }>;
  readonly orders: KvParticipant;
  readonly stock: KvParticipant;
  /** Takes one apple for an order. */
  buy(id: string, pauseMs?: number): Promise<number>;
}

function shopOf(process: TestProcess, deadlineMs = 5_000): Shop {
  const { backend } = process;
  const orders = kvParticipant(backend, "orders");
  const stock = kvParticipant(backend, "stock");
  const options = { leaseMs: 3_000, deadlineMs, callTimeoutMs: 2_000 };
  const twoPhase = createTwoPhase(backend, options).serve({ orders, stock });
  const buy = (id: string, pauseMs = 0): Promise<number> =>
    twoPhase.run(id, ["orders", "stock"], async (tx) => {
      const left = Number((await tx.stock.get("apple")) ?? "10") - 1;
      tx.orders.put(id, "1 x apple");
      tx.stock.put("apple", String(left));
      await sleep(backend.runtime, pauseMs);
      return left;
    });
  return { process, twoPhase, orders, stock, buy };
}

/** Keys of `collection` that have an intent. */
async function intents(world: World, { process }: Shop, collection: string): Promise<string[]> {
  await world.settle();
  const found: string[] = [];
  for await (const entry of process.memory.kv.list(collection)) {
    if (decodeCell(entry).intent !== undefined) found.push(entry.key);
  }
  return found;
}

describe("a collection as a participant", () => {
  it("changes together with others, and shows its own writes to the work", async () => {
    const world = new World();
    const shop = shopOf(world.process());
    expect(await world.outcome(shop.buy("o-1"))).toEqual({ kind: "value", value: 9 });
    expect(await shop.orders.get("o-1")).toBe("1 x apple");
    expect(await shop.stock.get("apple")).toBe("9");
    const run = shop.twoPhase.run("undo", ["orders", "stock"], async (tx) => {
      tx.orders.delete("o-1");
      tx.stock.put("apple", "10");
      return [await tx.orders.get("o-1"), await tx.stock.get("apple")];
    });
    expect(await world.outcome(run)).toEqual({ kind: "value", value: [undefined, "10"] });
    expect(await shop.orders.get("o-1")).toBeUndefined();
    expect(await intents(world, shop, "orders")).toEqual([]);
  });

  it("refuses to overwrite what was changed since it was read", async () => {
    const world = new World();
    const [one, two] = [shopOf(world.process()), shopOf(world.process())];
    const slow = one.buy("o-1", 1_000);
    await world.runtime.advance(500);
    expect((await world.outcome(two.buy("o-2"), 300)).kind).toBe("value");
    expect(await world.outcome(slow)).toMatchObject({ error: { code: "TRANSACTION_ABORTED" } });
    expect(await one.stock.get("apple")).toBe("9");
    expect(await one.orders.get("o-1")).toBeUndefined();
    expect(await intents(world, one, "stock")).toEqual([]);
  });

  it("shows the old value until the decision, and the new one from then on", async () => {
    const world = new World();
    const [dying, other] = [shopOf(world.process()), shopOf(world.process())];
    await world.runtime.advance(500);
    let count = 0;
    dying.process.calls.fate = (_, call) => {
      if (!call.startsWith("put two-phase/")) return undefined;
      count += 1;
      return count === 2 ? "dies-after" : undefined; // The commit point lands, nobody hears of it.
    };
    void dying.buy("o-1").catch(() => {});
    await world.runtime.advance(0);
    expect(await intents(world, other, "stock")).toEqual(["stock/apple"]);
    expect(await other.stock.get("apple")).toBe("9");
    expect(await other.orders.get("o-1")).toBe("1 x apple");
    await world.runtime.advance(10_000);
    expect(await intents(world, other, "stock")).toEqual([]);
  });

  it("is recovered by a worker that has never seen its keys", async () => {
    const world = new World();
    const [dying, other] = [shopOf(world.process()), shopOf(world.process())];
    await world.runtime.advance(500);
    let count = 0;
    dying.process.calls.fate = (_, call) => {
      if (!call.startsWith("put two-phase/")) return undefined;
      count += 1;
      return count === 2 ? "dies-before" : undefined;
    };
    void dying.buy("o-1").catch(() => {});
    await world.runtime.advance(0);
    expect(await other.stock.get("apple")).toBeUndefined();
    expect(await intents(world, other, "stock")).toEqual(["stock/apple"]);
    await world.runtime.advance(5_000);
    expect(await intents(world, other, "stock")).toEqual([]);
    expect(await world.outcome(other.buy("o-2"))).toEqual({ kind: "value", value: 9 });
  });

  it("is freed at the deadline by who meets its intent, with its coordinator gone", async () => {
    const world = new World();
    const process = world.process();
    const dying = createTwoPhase(process.backend, { leaseMs: 600_000, deadlineMs: 1_000 });
    const stock = kvParticipant(process.backend, "stock");
    const orders = kvParticipant(process.backend, "orders");
    const served = dying.serve({ stock, orders });
    const other = shopOf(world.process());
    await world.runtime.advance(500);
    let count = 0;
    process.calls.fate = (_, call) => {
      if (!call.startsWith("put two-phase/")) return undefined;
      count += 1;
      return count === 2 ? "dies-before" : undefined;
    };
    const run = served.run("o-1", ["stock", "orders"], (tx) => {
      tx.stock.put("apple", "0");
      tx.orders.put("o-1", "all");
    });
    void run.catch(() => {});
    await world.runtime.advance(500);
    expect(await world.outcome(other.buy("o-2"), 300)).toMatchObject({ kind: "error" });
    await world.runtime.advance(1_000);
    expect(await world.outcome(other.buy("o-3"), 300)).toEqual({ kind: "value", value: 9 });
  });

  it("refuses what is no key, no value and no collection", async () => {
    const world = new World();
    const process = world.process();
    const shop = shopOf(process);
    const run = shop.twoPhase.run("t", ["stock"], ({ stock }) => stock.put("a/b", "x"));
    expect(await world.outcome(run)).toMatchObject({ error: { code: "INVALID_ARGUMENT" } });
    const other = shop.twoPhase.run("u", ["stock"], ({ stock }) => stock.put("a", 5 as never));
    expect(await world.outcome(other)).toMatchObject({ error: { code: "INVALID_ARGUMENT" } });
    expect(() => kvParticipant(process.backend, "a//b")).toThrow("empty segments");
    await process.memory.kv.put("stock/alien", "not ours");
    await expect(shop.stock.get("alien")).rejects.toMatchObject({ code: "RECORD_INVALID" });
  });
});
