import { describe, expect, it } from "vitest";

import { busTarget } from "./bus-target.ts";
import { outboxCollection } from "./collection.ts";
import { receive } from "./receive.ts";
import { refuse } from "@quorate/core";
import { createRelay } from "./relay.ts";
import { transactionalMessages } from "./transactional-messages.ts";
import { all, type TestProcess, World } from "./world.fixture.ts";

/** A business database with a barrier: an id is decided once. */
class Database {
  readonly decided = new Map<string, "committed" | "aborted">();

  commit(id: string): boolean {
    if (this.decided.has(id)) return false;
    this.decided.set(id, "committed");
    return true;
  }

  readonly committed = async (id: string): Promise<boolean> => {
    if (!this.decided.has(id)) this.decided.set(id, "aborted");
    return this.decided.get(id) === "committed";
  };
}

function messagesOf(process: TestProcess, database: Database) {
  const options = { committed: database.committed, checkAfterMs: 5_000, partitions: 1 };
  return transactionalMessages(process.backend, "mails", options);
}

describe("a two-phase message", () => {
  it("is delivered after submit, and not before", async () => {
    const world = new World();
    const database = new Database();
    const messages = messagesOf(world.process(), database);
    const relay = world.relay(world.process(), { from: messages });
    await relay.start();
    await messages.prepare("m-1", "mail", { to: "a" });
    await messages.prepare("m-1", "mail", { to: "a" });
    await world.pass(1_000);
    expect(world.payloads).toEqual([]);
    database.commit("m-1");
    expect(await messages.submit("m-1")).toBe(true);
    expect(await messages.submit("m-1")).toBe(false);
    await world.pass(100);
    expect(world.deliveries).toMatchObject([{ id: "m-1", key: "m-1", payload: { to: "a" } }]);
    await world.outcome(relay.close());
  });

  it("is dropped by abort, and another of its id is refused while it is prepared", async () => {
    const world = new World();
    const messages = messagesOf(world.process(), new Database());
    await messages.prepare("m-1", "mail", 1);
    await expect(messages.prepare("m-1", "mail", 2)).rejects.toMatchObject({
      code: "INSTANCE_MISMATCH",
    });
    expect(await messages.abort("m-1")).toBe(true);
    expect(await messages.submit("m-1")).toBe(false);
    expect(await all(messages.pending())).toEqual([]);
  });

  it("asks again where the question fails", async () => {
    const world = new World();
    const process = world.process();
    let asked = 0;
    const messages = transactionalMessages(process.backend, "mails", {
      committed: async () => {
        asked += 1;
        if (asked < 3) throw new Error("the database is down");
        return true;
      },
      checkAfterMs: 1_000,
    });
    await messages.prepare("m-1", "mail", 1);
    const relay = world.relay(process, { from: messages });
    await relay.start();
    await world.pass(10_000);
    expect(asked).toBe(3);
    expect(world.payloads).toEqual([1]);
    expect(world.events("checked")).toMatchObject([{ id: "m-1", decision: "submitted" }]);
    await world.outcome(relay.close());
  });

  // The sender dies at its n-th step: store calls of prepare and submit, and the commit between.
  it.each(["none", "unanswered"] as const)(
    "follows its transaction wherever the sender dies (%s)",
    async (fate) => {
      let ends = "";
      for (let dies = 0; dies < 8; dies++) {
        const world = new World(dies + 1);
        const database = new Database();
        const sender = world.process();
        const messages = messagesOf(sender, database);
        await messages.ready();
        const from = sender.made.length;
        sender.fate = (index) => (index - from >= dies ? fate : undefined);
        const relayProcess = world.process();
        const relay = world.relay(relayProcess, { from: messagesOf(relayProcess, database) });
        await relay.start();
        const sending = (async () => {
          await messages.prepare("m-1", "mail", 1);
          database.commit("m-1");
          await messages.submit("m-1");
        })();
        await world.outcome(sending.catch(() => {}));
        await world.pass(60_000);
        const isCommitted = database.decided.get("m-1") === "committed";
        expect(world.payloads, `dies at ${dies}`).toEqual(isCommitted ? [1] : []);
        expect(await all(relayProcess.backend.kv.list("mails/0"))).toEqual([]);
        ends += isCommitted ? "c" : "-";
        await world.outcome(relay.close());
      }
      // Both ends were met: before the commit, and after it.
      expect(ends).toMatch(/^-+c+$/);
    },
  );

  it("fails a transaction that comes after the relay was told no", async () => {
    const world = new World();
    const database = new Database();
    const messages = messagesOf(world.process(), database);
    await messages.prepare("m-1", "mail", 1);
    const relay = world.relay(world.process(), { from: messages });
    await relay.start();
    await world.pass(10_000);
    expect(database.commit("m-1")).toBe(false);
    expect(await messages.submit("m-1")).toBe(false);
    await world.pass(1_000);
    expect(world.payloads).toEqual([]);
    await world.outcome(relay.close());
  });
});

describe("the bus as a target", () => {
  const started = async (world: World, options = {}) => {
    const app = world.process();
    const orders = outboxCollection<{ n: number }>(app.backend, "orders");
    const relay = createRelay(app.backend, {
      from: orders,
      to: busTarget(app.backend.bus, options),
      ttlMs: 3_000,
      retry: { attempts: 3, baseMs: 100, maxMs: 1_000 },
    });
    await relay.start();
    const emit = (n: number): Promise<unknown> =>
      orders.update("o-1", (_, say) => {
        say("placed", { n });
        return { n };
      });
    return { orders, relay, emit, bus: world.process().backend.bus };
  };

  it("keeps messages until somebody receives, and takes the handler's end for it", async () => {
    const world = new World();
    const { orders, relay, emit, bus } = await started(world);
    await emit(1);
    await world.pass(5_000);
    const heard: unknown[] = [];
    const subscription = await receive(bus, "placed", ({ id, key, topic, payload, ...more }) => {
      heard.push({ key, topic, payload });
      expect(id).toMatch(/^[0-9a-f-]{36}$/);
      expect(more.fencingToken).toBeGreaterThan(0);
    });
    await world.pass(2_000);
    expect(heard).toEqual([{ key: "o-1", topic: "placed", payload: { n: 1 } }]);
    expect(await all(orders.pending())).toEqual([]);
    await subscription.close();
    await world.outcome(relay.close());
  });

  it("tells a refusal, a failure and a consumer that cannot now apart", async () => {
    const world = new World();
    const { orders, relay, emit, bus } = await started(world);
    const errors: unknown[] = [
      Object.assign(new Error("secret"), { effect: "none" }),
      new TypeError("secret"),
      refuse("no-such-order"),
    ];
    await receive(bus, "placed", () => {
      throw errors.shift();
    });
    await emit(1);
    await world.pass(10_000);
    expect(world.events("failed")).toMatchObject([{ counted: false }, { counted: true }]);
    const [letter] = await all(orders.deadLetters());
    expect(letter).toMatchObject({ attempts: 2 });
    expect(letter?.problem).toContain("no-such-order");
    expect(JSON.stringify(world.runtime.recorded)).not.toContain("secret");
    await world.outcome(relay.close());
  });

  it("refuses foreign messages, and does not take a stranger's answer for one", async () => {
    const world = new World();
    const { orders, relay, emit, bus } = await started(world);
    const handled: unknown[] = [];
    const mine = await receive(bus, "placed", (message) => void handled.push(message));
    const asked = bus.request("placed", Buffer.from("{}"), { timeoutMs: 1_000 });
    expect((await world.outcome(asked)).headers["quorate-outcome"]).toBe("refused");
    expect(handled).toEqual([]);
    await mine.close();
    await bus.subscribe("placed", ({ respond }) => respond?.(new Uint8Array()));
    await emit(1);
    await world.pass(5_000);
    expect(await all(orders.deadLetters())).toHaveLength(1);
    await world.outcome(relay.close());
  });

  it("gives up at the hand-over where it is told to fire and forget", async () => {
    const world = new World();
    const { orders, relay, emit } = await started(world, { fireAndForget: true });
    await emit(1);
    await world.pass(1_000);
    expect(await all(orders.pending())).toEqual([]);
    await world.outcome(relay.close());
  });
});
