import { describe, expect, it } from "vitest";
import type { WorkContext } from "./begun.ts";
import { inbox } from "./inbox.ts";
import { World } from "./world.fixture.ts";

interface Order {
  readonly id: string;
  readonly tenant: string;
  readonly cents: number;
}

function wrapped(world = new World()) {
  const { idempotency } = world.process();
  let charges = 0;
  const charge = idempotency.wrap(
    function (this: WorkContext, order: Order, _note: string) {
      charges += 1;
      return { charge: charges, cents: order.cents, token: this.fencingToken };
    },
    { key: (order) => order.id, scope: (order) => order.tenant },
  );
  return { charge, charges: () => charges };
}

describe("a wrapped function", () => {
  it("is called as before, and runs once for equal arguments", async () => {
    const { charge, charges } = wrapped();
    const order = { id: "7", tenant: "alice", cents: 500 };
    const first = await charge(order, "x");
    expect(await charge({ cents: 500, tenant: "alice", id: "7" }, "x")).toEqual(first);
    expect(first).toMatchObject({ charge: 1, cents: 500 });
    expect(first.token).toBeGreaterThan(0);
    expect(charges()).toBe(1);
    await charge({ ...order, tenant: "bob" }, "x");
    expect(charges()).toBe(2);
  });

  it("compares all arguments unless told what the request is", async () => {
    const { charge } = wrapped();
    const order = { id: "7", tenant: "alice", cents: 500 };
    await charge(order, "x");
    await expect(charge({ ...order, cents: 1 }, "x")).rejects.toThrow("IDEMPOTENCY_MISMATCH");
    await expect(charge(order, "y")).rejects.toThrow("IDEMPOTENCY_MISMATCH");
    const { idempotency } = new World().process();
    const lax = idempotency.wrap((_id: string, at: number) => at, {
      key: (id) => id,
      fingerprint: (id) => id,
    });
    expect([await lax("a", 1), await lax("a", 2)]).toEqual([1, 1]);
  });

  it("can be looked at and forgotten by its arguments", async () => {
    const { charge } = wrapped();
    const order = { id: "7", tenant: "alice", cents: 500 };
    expect(await charge.peek(order, "x")).toBeUndefined();
    await charge(order, "x");
    expect(await charge.peek(order, "x")).toMatchObject({ state: "completed", scope: "alice" });
    await charge.forget([order, "x"], { by: "ann", why: "test" });
    expect(await charge(order, "x")).toMatchObject({ charge: 2 });
  });

  it("is refused where it could not work", () => {
    const { idempotency } = new World().process();
    const wrap = idempotency.wrap.bind(idempotency) as (fn: unknown, options: unknown) => unknown;
    expect(() => wrap(7, { key: () => "k" })).toThrow("fn must be a function");
    expect(() => wrap(() => 1, {})).toThrow("key must be a function");
    expect(() => wrap(() => 1, { key: () => "k", leasMs: 1 })).toThrow("options.leasMs");
    expect(() => wrap(() => 1, { key: () => "k", leaseMs: 1 })).toThrow("leaseMs must be");
  });
});

describe("an inbox", () => {
  it("handles a message once, however often and wherever it is delivered", async () => {
    const world = new World();
    const handled: string[] = [];
    const inboxes = [world.process(), world.process()].map(({ idempotency }) =>
      inbox(
        idempotency,
        async ({ id }: { id: string }) => {
          await world.work(50);
          handled.push(id);
          return new Map(); // What it returns is not kept.
        },
        { id: ({ id }) => id, redeliveryHorizonMs: 60_000 },
      ),
    );
    const ids = ["a", "b", "a", "c", "b", "a"];
    const deliveries = ids.flatMap((id) => inboxes.map((handle) => handle({ id })));
    await world.outcome(Promise.all(deliveries));
    expect(handled.toSorted()).toEqual(["a", "b", "c"]);
  });

  it("handles a message again that failed", async () => {
    const world = new World();
    let tries = 0;
    const handle = inbox(
      world.process().idempotency,
      () => {
        tries += 1;
        if (tries === 1) throw new Error("boom");
      },
      { id: () => "m", redeliveryHorizonMs: 1_000 },
    );
    await expect(handle("x")).rejects.toThrow("boom");
    await handle("x");
    await handle("x");
    expect(tries).toBe(2);
  });

  it("remembers ids for at least as long as the broker may deliver again", async () => {
    const world = new World();
    const { idempotency } = world.process();
    const options = { id: (message: string) => message, redeliveryHorizonMs: 172_800_000 };
    expect(() => inbox(idempotency, () => {}, { ...options, retentionMs: 86_400_000 })).toThrow(
      "retentionMs must be at least redeliveryHorizonMs",
    );
    let handled = 0;
    const handle = inbox(idempotency, () => (handled += 1), options);
    await handle("m");
    await world.runtime.advance(172_799_000);
    await handle("m");
    expect(handled).toBe(1);
  });
});
