import type { Json } from "@quorate/core";
import { describe, expect, it } from "vitest";

import { outboxCollection } from "./collection.ts";
import { decodeRecord, encodeRecord, NO_RECORD } from "./record.ts";
import { all, World } from "./world.fixture.ts";

type Count = { readonly n: number };

const count = (state: Count | undefined): Count => ({ n: (state?.n ?? 0) + 1 });

describe("an update", () => {
  it("stores state and messages in one write, and nothing of a change that throws", async () => {
    const world = new World();
    const process = world.process();
    const orders = outboxCollection<Count>(process.backend, "orders");
    await orders.ready();
    process.made.length = 0;
    await orders.update("o-1", (state, emit) => {
      emit("placed", { a: 1 });
      emit("mailed", null, { key: "mail", id: "m-1" });
      return count(state);
    });
    expect(process.made).toEqual(["get", "put"]);
    const bad = orders.update("o-1", (_, emit) => {
      emit("placed", 2);
      throw new Error("no");
    });
    await expect(bad).rejects.toThrow("no");
    expect(await all(orders.pending())).toMatchObject([
      { topic: "placed", key: "o-1", payload: { a: 1 } },
      { id: "m-1", topic: "mailed", key: "mail", payload: null },
    ]);
    expect(await orders.get("o-1")).toEqual({ n: 1 });
  });

  it("writes nothing where nothing changes", async () => {
    const process = new World().process();
    const orders = outboxCollection<Count>(process.backend, "orders");
    await orders.update("o-1", count);
    process.made.length = 0;
    await orders.update("o-1", (state) => state);
    expect(process.made).toEqual(["get"]);
  });

  it("says nothing of a try that others overtook", async () => {
    const world = new World();
    const orders = outboxCollection<Count>(world.process().backend, "orders");
    let tries = 0;
    const updating = orders.update("o-1", async (state, emit) => {
      tries += 1;
      emit("tried", tries);
      if (tries === 1) await orders.update("o-1", count);
      return count(state);
    });
    await world.outcome(updating);
    expect(await all(orders.pending())).toMatchObject([{ payload: 2 }]);
    expect(await orders.get("o-1")).toEqual({ n: 2 });
  });

  it("loses no count of many writers, and gives up where it never gets through", async () => {
    const world = new World();
    const processes = Array.from({ length: 8 }, () => world.process());
    const updates = processes.map(({ backend }) =>
      outboxCollection<Count>(backend, "orders").update("o-1", count),
    );
    await world.outcome(Promise.all(updates));
    const orders = outboxCollection<Count>(world.process().backend, "orders", { attempts: 3 });
    expect(await orders.get("o-1")).toEqual({ n: 8 });
    const outdone = orders.update("o-1", async (state) => {
      await orders.update("o-1", count);
      return count(state);
    });
    await expect(world.outcome(outdone)).rejects.toMatchObject({
      code: "OVERLOADED",
      effect: "none",
    });
  });

  it("is sure of its own write though its answer was lost and a relay wrote since", async () => {
    const world = new World();
    const [one, other] = [world.process(), world.process()];
    const orders = outboxCollection<Count>(one.backend, "orders");
    await orders.update("o-1", count);
    const relay = world.relay(other, { from: outboxCollection(other.backend, "orders") });
    await relay.start();
    await world.pass(100);
    let lost = 0;
    one.fate = (_, name) => (name === "put" && lost++ === 0 ? "unanswered" : undefined);
    const updating = orders.update("o-1", (state, emit) => {
      emit("placed", 1);
      return count(state);
    });
    await world.outcome(updating);
    await world.pass(100);
    expect(await orders.get("o-1")).toEqual({ n: 2 });
    expect(world.payloads).toEqual([1]);
    await world.outcome(relay.close());
  });

  it("does not call a write undone because the question about it failed", async () => {
    const world = new World();
    const one = world.process();
    const orders = outboxCollection<Count>(one.backend, "orders");
    await orders.update("o-1", count);
    let isIn = false;
    one.fate = (_, name) => {
      if (name === "get" && isIn) return "none";
      if (name !== "put") return undefined;
      isIn = true;
      return "unanswered";
    };
    // Somebody writes between, so that the store cannot tell by itself.
    const updating = orders.update("o-1", async (state) => {
      const other = outboxCollection<Count>(world.process().backend, "orders");
      await other.update("o-1", count);
      return count(state);
    });
    await expect(world.outcome(updating)).rejects.toMatchObject({
      code: "OUTCOME_UNKNOWN",
      effect: "unknown",
    });
  });

  it("removes the record once its state is gone and its messages are delivered", async () => {
    const world = new World();
    const process = world.process();
    const orders = outboxCollection<Count>(process.backend, "orders", { partitions: 1 });
    await orders.update("o-1", count);
    await orders.update("o-1", (_, emit) => {
      emit("closed", 1);
      return undefined;
    });
    expect(await orders.get("o-1")).toBeUndefined();
    expect(await process.backend.kv.get("orders/0/o-1")).toBeDefined();
    const relay = world.relay(process, { from: orders });
    await relay.start();
    await world.pass(100);
    expect(world.payloads).toEqual([1]);
    expect(await process.backend.kv.get("orders/0/o-1")).toBeUndefined();
    await world.outcome(relay.close());
  });
});

describe("bounds", () => {
  const emitting = async (payload: Json, options = {}): Promise<unknown> => {
    const process = new World().process();
    const orders = outboxCollection(process.backend, "orders", { maxMessages: 2, ...options });
    const updating = orders.update("o-1", (_, emit) => {
      for (let n = 0; n < 3; n++) emit("placed", payload);
      return {};
    });
    return updating.catch((error: unknown) => error);
  };
  it("refuses more messages than a record may hold, and too long ones", async () => {
    expect(await emitting(1)).toMatchObject({ code: "TOO_LARGE", details: { limit: 2 } });
    const long = await emitting("x".repeat(100), { maxMessageBytes: 50 });
    expect(long).toMatchObject({ code: "TOO_LARGE", details: { option: "payload", limit: 50 } });
  });

  it.each([
    ["topic", ["a//b", 1]],
    ["payload", ["a", undefined]],
    ["payload", ["a", 5n]],
    ["key", ["a", 1, { key: "" }]],
    ["options.kye", ["a", 1, { kye: "b" }]],
  ])("names a bad %s", async (option, args) => {
    const orders = outboxCollection(new World().process().backend, "orders");
    const updating = orders.update("o-1", (_, emit) => {
      (emit as (...all: unknown[]) => void)(...args);
      return {};
    });
    await expect(updating).rejects.toMatchObject({ code: "INVALID_ARGUMENT", details: { option } });
  });

  it("refuses another number of partitions than at the first use", async () => {
    const process = new World().process();
    await outboxCollection(process.backend, "orders", { partitions: 4 }).get("o-1");
    await expect(outboxCollection(process.backend, "orders").get("o-1")).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      details: { option: "partitions" },
    });
  });

  it("refuses an id that is not one segment", async () => {
    const orders = outboxCollection(new World().process().backend, "orders");
    await expect(orders.get("a/b")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("a stored record", () => {
  const message = { id: "m", topic: "t", key: "k", payload: 1, atMs: 1, attempts: 0 };
  const header = { v: 1, recent: ["a"], outbox: [message], dead: [] };
  const text = (value: object): Uint8Array => Buffer.from(`${JSON.stringify(value)}\n{}`);

  it("is read as it was written", () => {
    const record = { ...NO_RECORD, outbox: [message], stateText: '{"n":1}' };
    expect(decodeRecord(Buffer.from(encodeRecord(record)))).toMatchObject({ ok: true, record });
  });

  it.each([
    ["nothing", Buffer.from("")],
    ["one line", Buffer.from(JSON.stringify(header))],
    ["another version", text({ ...header, v: 2 })],
    ["a list for a header", text([1])],
    ["recent that is no list", text({ ...header, recent: "a" })],
    ["a message without an id", text({ ...header, outbox: [{ ...message, id: "" }] })],
    [
      "a message without a payload",
      text({ ...header, outbox: [{ ...message, payload: undefined }] }),
    ],
    ["attempts below zero", text({ ...header, outbox: [{ ...message, attempts: -1 }] })],
    ["two messages of one id", text({ ...header, outbox: [message, message] })],
    ["a dead letter that is none", text({ ...header, dead: [{ ...message, id: "n" }] })],
    ["brackets without an end", Buffer.from(`${"[".repeat(5_000)}\n{}`)],
  ])("is refused with %s", (_, value) => {
    expect(decodeRecord(value).ok).toBe(false);
  });
});
