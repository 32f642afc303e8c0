import { isQuorateError, QuorateError, refuse } from "@quorate/core";
import { describe, expect, it } from "vitest";

import { outboxCollection } from "./collection.ts";
import type { OutboxMessage } from "./message.ts";
import { createRelay } from "./relay.ts";
import { all, type TestProcess, World } from "./world.fixture.ts";

type Count = { readonly n: number };

function ordersOf(process: TestProcess) {
  return outboxCollection<Count>(process.backend, "orders", { partitions: 2 });
}

/** Emits the next number of `id`, under `key` if given. */
async function emitNext(process: TestProcess, id: string, key = id): Promise<void> {
  await ordersOf(process).update(id, (state, emit) => {
    const n = (state?.n ?? 0) + 1;
    emit("counted", `${id} ${n}`, { key });
    return { n };
  });
}

describe("a relay", () => {
  it("delivers what was stored, in order, and removes it", async () => {
    const world = new World();
    const app = world.process();
    for (let n = 0; n < 5; n++) await emitNext(app, "o-1");
    const orders = ordersOf(app);
    const relay = world.relay(world.process(), { from: orders, batch: 2 });
    await relay.start();
    await world.pass(100);
    await emitNext(app, "o-1");
    await world.pass(100);
    expect(world.payloads).toEqual([1, 2, 3, 4, 5, 6].map((n) => `o-1 ${n}`));
    expect(await orders.get("o-1")).toEqual({ n: 6 });
    expect(await all(orders.pending())).toEqual([]);
    expect(world.deliveries.every(({ by }) => by.fencingToken > 0 && by.attempt === 1)).toBe(true);
    await world.outcome(relay.close());
  });

  it("does nothing to the store while nothing is stored", async () => {
    const world = new World();
    const process = world.process();
    const relay = world.relay(process, { from: ordersOf(process) });
    await relay.start();
    await world.pass(1_000);
    process.made.length = 0;
    await world.pass(120_000);
    expect(process.made).toEqual([]);
    await world.outcome(relay.close());
    await world.pass(20_000);
    expect(world.runtime.pendingTimers).toBe(0);
  });

  it("stops the key of a poison message, and no other", async () => {
    const world = new World();
    const app = world.process();
    await emitNext(app, "o-1", "bad");
    await emitNext(app, "o-1", "bad");
    await emitNext(app, "o-1", "good");
    await emitNext(app, "o-2");
    const retry = { attempts: 3, baseMs: 1_000, maxMs: 1_000 };
    const relay = world.relay(world.process(), { from: ordersOf(app), retry }, async (message) => {
      if (message.payload === "o-1 1") throw new Error("cannot be read");
    });
    await relay.start();
    await world.pass(100);
    expect(new Set(world.payloads)).toEqual(new Set(["o-1 3", "o-2 1"]));
    await emitNext(app, "o-1", "good");
    await world.pass(100);
    expect(world.payloads).toContain("o-1 4");
    expect(world.payloads).not.toContain("o-1 2");
    await world.pass(3_000);
    expect(world.payloads.at(-1)).toBe("o-1 2");
    expect(world.events("dead")).toMatchObject([{ key: "bad", attempts: 3 }]);
    await world.outcome(relay.close());
  });

  it("keeps a dead letter until it is redriven or dropped", async () => {
    const world = new World();
    const app = world.process();
    const orders = ordersOf(app);
    for (const id of ["o-1", "o-2"]) await emitNext(app, id);
    let isOut = true;
    const relay = world.relay(world.process(), { from: orders }, async () => {
      if (isOut) throw refuse("sold-out");
    });
    await relay.start();
    await world.pass(100);
    const dead = await all(orders.deadLetters());
    expect(dead).toMatchObject([{ attempts: 1 }, { attempts: 1 }]);
    expect(dead[0]?.problem).toContain("sold-out");
    isOut = false;
    const [first, second] = dead.map(({ id }) => id);
    expect(await orders.redrive(first ?? "")).toBe(true);
    expect(await orders.drop(second ?? "", { by: "alice", why: "a test" })).toBe(true);
    await world.pass(100);
    expect(world.deliveries.map(({ id }) => id)).toEqual([first]);
    expect(await all(orders.deadLetters())).toEqual([]);
    expect(world.events("dropped")).toMatchObject([{ id: second, by: "alice", why: "a test" }]);
    expect(await orders.drop("nobody", { by: "alice", why: "a test" })).toBe(false);
    await world.outcome(relay.close());
  });

  it("does not count against a message that nobody could be reached", async () => {
    const world = new World();
    const app = world.process();
    await emitNext(app, "o-1");
    let isDown = true;
    const retry = { attempts: 2, baseMs: 100, maxMs: 1_000 };
    const relay = world.relay(world.process(), { from: ordersOf(app), retry }, async () => {
      if (!isDown) return;
      throw new QuorateError("NO_RESPONDERS", "nobody", {
        effect: "none",
        details: { subject: "counted" },
      });
    });
    await relay.start();
    await world.pass(600_000);
    expect(world.events("failed").length).toBeGreaterThan(100);
    isDown = false;
    await world.pass(1_500);
    expect(world.payloads).toEqual(["o-1 1"]);
    expect(world.deliveries[0]?.by.attempt).toBe(1);
    await world.outcome(relay.close());
  });

  it("counts attempts over a change of relays", async () => {
    const world = new World();
    const app = world.process();
    await emitNext(app, "o-1");
    const retry = { attempts: 4, baseMs: 1_000, maxMs: 1_000 };
    const attempts: number[] = [];
    const failing = async (_: OutboxMessage, { attempt }: { attempt: number }): Promise<void> => {
      attempts.push(attempt);
      throw new Error("no");
    };
    for (let turn = 0; turn < 2; turn++) {
      const relay = world.relay(world.process(), { from: ordersOf(app), retry }, failing);
      await relay.start();
      await world.pass(1_100);
      await world.outcome(relay.close());
    }
    expect(attempts).toEqual([1, 2, 3, 4]);
    expect(world.events("dead")).toHaveLength(1);
  });

  it("gives up a delivery that takes too long, aborts it, and tries again", async () => {
    const world = new World();
    const app = world.process();
    await emitNext(app, "o-1");
    const aborted: boolean[] = [];
    const options = { from: ordersOf(app), timeoutMs: 1_000, retry: { baseMs: 100 } };
    const relay = world.relay(world.process(), options, async (_, { signal, attempt }) => {
      if (attempt > 1) return;
      signal.addEventListener("abort", () => aborted.push(true));
      await new Promise(() => {});
    });
    await relay.start();
    await world.pass(2_000);
    expect(aborted).toEqual([true]);
    expect(world.payloads).toEqual(["o-1 1"]);
    await world.outcome(relay.close());
  });

  it("ends within its grace, and stores what had been delivered by then", async () => {
    const world = new World();
    const app = world.process();
    await emitNext(app, "o-1");
    await emitNext(app, "o-1");
    const relay = world.relay(world.process(), { from: ordersOf(app) }, async ({ payload }) => {
      if (payload === "o-1 2") await new Promise(() => {});
    });
    await relay.start();
    await world.pass(100);
    const closing = relay.close({ graceMs: 500 });
    await world.pass(600);
    await closing;
    expect(await all(ordersOf(app).pending())).toMatchObject([{ payload: "o-1 2" }]);
    await expect(relay.start()).rejects.toMatchObject({ code: "CLOSED" });
    await expect(relay.inspect()).rejects.toMatchObject({ code: "CLOSED" });
  });
});

describe("two relays", () => {
  it("share the partitions, and one takes over what the other leaves", async () => {
    const world = new World();
    const [one, two] = [world.process(), world.process()];
    const relays = [one, two].map((process) => world.relay(process, { from: ordersOf(process) }));
    await relays[0]?.start();
    await world.pass(2_000);
    expect((await relays[0]?.inspect())?.length).toBe(2);
    await relays[1]?.start();
    await world.pass(4_000);
    const served = await Promise.all(relays.map((relay) => relay.inspect()));
    expect(served.map((list) => list.length)).toEqual([1, 1]);
    one.pause();
    await world.pass(8_000);
    expect((await relays[1]?.inspect())?.length).toBe(2);
    one.resume();
    await world.pass(8_000);
    for (const relay of relays) await world.outcome(relay.close());
  });

  it("keep the order of a key where one wakes up late with a stale lease", async () => {
    const world = new World();
    const [app, one, two] = [world.process(), world.process(), world.process()];
    for (let n = 0; n < 6; n++) await emitNext(app, "o-1");
    const relays = [one, two].map((process, index) =>
      world.relay(process, { from: ordersOf(process), batch: 3 }, async ({ payload }) => {
        if (index === 0 && payload === "o-1 2") one.pause();
        await new Promise<void>((resolve) => {
          const runtime = index === 0 ? one.backend.runtime : two.backend.runtime;
          runtime.time.setTimer(10, resolve);
        });
      }),
    );
    await relays[0]?.start();
    await world.pass(200);
    await relays[1]?.start();
    await world.pass(10_000);
    one.resume();
    await world.pass(10_000);
    const first = [...new Set(world.payloads)];
    expect(first).toEqual([1, 2, 3, 4, 5, 6].map((n) => `o-1 ${n}`));
    const tokens = world.deliveries.map(({ by }) => by.fencingToken);
    expect(new Set(tokens).size).toBe(2);
    for (const relay of relays) await world.outcome(relay.close());
  });
});

describe("trouble of the store", () => {
  it.each(["none", "unanswered"] as const)(
    "any one call that ends %s loses, reorders and keeps back nothing",
    { timeout: 30_000 },
    async (fate) => {
      for (let failing = 0; failing < 14; failing++) {
        const world = new World(failing + 1);
        const app = world.process();
        const process = world.process();
        for (let n = 0; n < 4; n++) await emitNext(app, "o-1");
        const orders = ordersOf(process);
        await orders.ready();
        process.made.length = 0;
        process.fate = (index) => (index === failing ? fate : undefined);
        const relay = world.relay(process, { from: orders, batch: 2 });
        await relay.start();
        await world.pass(3_000);
        await emitNext(app, "o-1");
        await world.pass(3_000);
        const order = [...new Set(world.payloads)];
        expect(order, `call ${failing}`).toEqual([1, 2, 3, 4, 5].map((n) => `o-1 ${n}`));
        expect(await all(orders.pending()), `call ${failing}`).toEqual([]);
        await world.outcome(relay.close());
      }
    },
  );

  it("leaves what is not its own as it is, and says so", async () => {
    const world = new World();
    const app = world.process();
    await emitNext(app, "o-1");
    await app.backend.kv.put("orders/0/hostile", '{"v":1,"__proto__":{"outbox":[]}}\n{}');
    await app.backend.kv.put("orders/1/hostile", "[".repeat(1_000));
    const relay = world.relay(world.process(), { from: ordersOf(app) });
    await relay.start();
    await world.pass(1_000);
    expect(world.payloads).toEqual(["o-1 1"]);
    expect(world.events("record-invalid").length).toBeGreaterThanOrEqual(2);
    expect((await app.backend.kv.get("orders/1/hostile"))?.value.byteLength).toBe(1_000);
    await world.outcome(relay.close());
  });
});

describe("options of a relay", () => {
  const world = new World();
  const process = world.process();
  const from = ordersOf(process);
  const to = async (): Promise<void> => {};
  it.each([
    ["from", { from: {} as never, to }],
    ["to", { from, to: 5 as never }],
    ["partitions", { from, to, partitions: 3 }],
    ["concurrency", { from, to, concurrency: 0 }],
    ["batch", { from, to, batch: 1.5 }],
    ["retry.attempts", { from, to, retry: { attempts: 0 } }],
    ["retry.tries", { from, to, retry: { tries: 1 } as never }],
    ["options.form", { from, to, form: 1 } as never],
  ])("refuses a bad %s by name", (option, options) => {
    let told: unknown;
    try {
      createRelay(process.backend, options);
    } catch (error) {
      told = isQuorateError(error, "INVALID_ARGUMENT") ? error.details.option : error;
    }
    expect(told).toBe(option);
  });
});
