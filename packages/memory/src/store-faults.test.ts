import { type Backend, type Grant, isQuorateError, type QuorateError } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { type MemoryBackend, memoryBackend } from "./backend.ts";
import { createMemoryStore, type MemoryStoreOptions } from "./store/memory-store.ts";

const opened: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

function world(options: Omit<MemoryStoreOptions, "runtime"> = {}) {
  const runtime = new ScriptedRuntime();
  const store = createMemoryStore({ runtime, ...options });
  const open = (): MemoryBackend => {
    const backend = memoryBackend({ store });
    opened.push(async () => {
      const closed = backend.close({ graceMs: 0 });
      await runtime.advance(1);
      await closed;
    });
    return backend;
  };
  return { runtime, store, open };
}

async function text(backend: Backend, key: string): Promise<string | undefined> {
  const entry = await backend.kv.get(key);
  return entry === undefined ? undefined : Buffer.from(entry.value).toString();
}

async function grantOf(backend: Backend, name: string, owner: string, ttlMs = 10_000) {
  const grant = await backend.leases.acquire(name, { owner, ttlMs });
  if (!grant.granted) throw new Error(`${name} should have been free`);
  return grant;
}

async function errorOf(call: Promise<unknown>): Promise<QuorateError> {
  const error: unknown = await call.catch((reason: unknown) => reason);
  if (!isQuorateError(error)) throw new Error("it should have been refused");
  return error;
}

describe("a server that dies with its data on disk", () => {
  it("has keys, leases, tokens and lines again, and breaks connections", async () => {
    const { runtime, store, open } = world();
    const [one, two] = [open(), open()];
    await one.kv.put("k", "kept");
    const grant = await grantOf(one, "l", "o");
    const next = two.leases.acquire("l", { owner: "n", ttlMs: 10_000, waitMs: 60_000 });
    store.stop({ keepData: true });
    expect((await errorOf(one.kv.get("k"))).code).toBe("STORE_UNAVAILABLE");
    await runtime.advance(1_000);
    store.start();
    expect(await text(one, "k")).toBe("kept");
    expect(await one.leases.renew([grant])).toEqual(["renewed"]);
    expect((await one.leases.inspect("l")).waiters).toMatchObject([{ owner: "n" }]);
    await one.leases.release(grant);
    await runtime.advance(1);
    expect(((await next) as Grant).fencingToken).toBeGreaterThan(grant.fencingToken);
  });

  it("lets time pass while it is dead", async () => {
    const { runtime, store, open } = world();
    const backend = open();
    const grant = await grantOf(backend, "l", "o", 500);
    await backend.kv.put("k", "x", { ttlMs: 500 });
    store.stop({ keepData: true });
    await runtime.advance(600);
    store.start();
    expect(await backend.leases.renew([grant])).toEqual(["lost"]);
    expect(await backend.kv.get("k")).toBeUndefined();
  });

  it("without its data is empty, and its tokens go on upwards", async () => {
    const { runtime, store, open } = world();
    const backend = open();
    const grant = await grantOf(backend, "l", "o");
    await backend.kv.put("k", "x");
    await runtime.advance(1);
    store.restart();
    expect(await backend.kv.get("k")).toBeUndefined();
    const again = await grantOf(backend, "l", "p");
    expect(again.fencingToken).toBeGreaterThan(grant.fencingToken);
  });
});

describe("forgetting the last moments", () => {
  it("takes back what was acknowledged within them, and nothing before", async () => {
    const { runtime, store, open } = world({ undoMs: 1_000 });
    const backend = open();
    await backend.kv.put("old", "1");
    await backend.kv.put("changed", "before");
    await backend.kv.put("deleted", "there");
    const held = await grantOf(backend, "held", "o");
    await runtime.advance(500);
    await backend.kv.put("changed", "after");
    await backend.kv.put("new", "1");
    await backend.kv.delete("deleted");
    await backend.leases.release(held);
    const young = await grantOf(backend, "young", "o");
    await runtime.advance(100);
    expect(store.failover({ forgetMs: 300 })).toBeGreaterThanOrEqual(5);
    expect(await text(backend, "old")).toBe("1");
    expect(await text(backend, "changed")).toBe("before");
    expect(await text(backend, "deleted")).toBe("there");
    expect(await backend.kv.get("new")).toBeUndefined();
    expect(await backend.leases.renew([held, young])).toEqual(["renewed", "lost"]);
  });

  it("makes two believers of one lease, the younger with the greater token", async () => {
    const { runtime, store, open } = world({ undoMs: 1_000 });
    const [one, two] = [open(), open()];
    const first = await grantOf(one, "l", "one");
    await runtime.advance(100);
    store.failover({ forgetMs: 200 });
    const second = await grantOf(two, "l", "two");
    expect(first.validUntilMs).toBeGreaterThan(runtime.time.monotonicMs());
    expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
  });

  it("tells watches the state as it is now", async () => {
    const { runtime, store, open } = world({ undoMs: 1_000 });
    const backend = open();
    const seen = new Map<string, string>();
    void (async () => {
      for await (const change of backend.kv.watch("")) {
        if (change.kind === "put") {
          seen.set(change.entry.key, Buffer.from(change.entry.value).toString());
        } else if (change.kind === "delete") seen.delete(change.key);
      }
    })();
    await backend.kv.put("changed", "before");
    await runtime.advance(500);
    await backend.kv.put("changed", "after");
    await backend.kv.put("new", "1");
    await runtime.advance(1);
    expect([...seen]).toEqual([
      ["changed", "after"],
      ["new", "1"],
    ]);
    store.failover({ forgetMs: 100 });
    await runtime.advance(1);
    expect([...seen]).toEqual([["changed", "before"]]);
  });

  it("says of an undone write that it did not happen", async () => {
    const { runtime, store, open } = world({ undoMs: 1_000 });
    const backend = open();
    await runtime.advance(500);
    backend.faults.dropNextReply();
    const error = await errorOf(backend.kv.put("k", "1"));
    store.failover({ forgetMs: 100 });
    expect(await error.resolve?.()).toBe("none");
    expect(await backend.kv.get("k")).toBeUndefined();
  });

  it("reaches no further back than undoMs and undoEntries, and says so", async () => {
    const { store, open } = world({ undoMs: 100, undoEntries: 2 });
    const backend = open();
    for (let index = 0; index < 5; index++) await backend.kv.put(`k${index}`, "x");
    expect(() => store.failover({ forgetMs: 101 })).toThrow(/forgetMs.*100/);
    expect(() => store.stop({ keepData: true, forgetMs: -1 })).toThrow(/forgetMs/);
    expect(await text(backend, "k4")).toBe("x");
    expect(() => createMemoryStore().failover({ forgetMs: 1 })).toThrow(/undoMs, 0/);
  });

  it("restores any state exactly, whatever was done since", async () => {
    const step = fc.record({
      kind: fc.constantFrom("put", "delete", "expiring", "acquire", "release", "pass"),
      key: fc.constantFrom("a", "b", "c"),
      ms: fc.integer({ min: 1, max: 40 }),
    });
    const run = async (
      steps: readonly { kind: string; key: string; ms: number }[],
      cut: number,
    ) => {
      const { runtime, store, open } = world({ undoMs: 100_000 });
      const backend = open();
      let kept: unknown;
      let cutMs = 0;
      for (const [index, { kind, key, ms }] of steps.entries()) {
        if (index === cut) {
          await runtime.advance(1);
          kept = await dump(backend);
          cutMs = runtime.time.monotonicMs();
          await runtime.advance(1);
        }
        if (kind === "put") await backend.kv.put(key, `${index}`);
        else if (kind === "delete") await backend.kv.delete(key);
        // So long that it is still there when the states are compared.
        else if (kind === "expiring") await backend.kv.put(key, `${index}`, { ttlMs: 1e6 });
        else if (kind === "acquire") {
          await backend.leases.acquire(key, { owner: `${index % 3}`, ttlMs: 1e6 });
        } else if (kind === "release") {
          await backend.leases.release({ name: key, owner: `${index % 3}` });
        } else await runtime.advance(ms);
      }
      if (cut >= steps.length) return;
      await runtime.advance(1);
      store.failover({ forgetMs: runtime.time.monotonicMs() - cutMs });
      expect(await dump(backend)).toEqual(kept);
    };
    const all = fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.nat(20), run);
    await expect(fc.assert(all, { numRuns: 150 })).resolves.toBeUndefined();
  });
});

/** Everything but what is left of times. */
async function dump(backend: Backend): Promise<unknown> {
  const entries: unknown[] = [];
  for await (const { expiresInMs, ...entry } of backend.kv.list("")) {
    entries.push({ ...entry, isBounded: expiresInMs !== undefined });
  }
  const leases: unknown[] = [];
  for await (const { name, holders, waiters } of backend.leases.list("")) {
    leases.push({ name, waiters, holders: holders.map((holder) => holder.fencingToken) });
  }
  return { entries, leases };
}

describe("a full disk", () => {
  it("refuses writes and renewals with effect none, and serves reads and the bus", async () => {
    const { runtime, store, open } = world();
    const backend = open();
    await backend.kv.put("k", "1");
    const grant = await grantOf(backend, "l", "o", 500);
    store.readOnly(true);
    const refused = [
      backend.kv.put("k", "2"),
      backend.kv.delete("k"),
      backend.leases.renew([grant]),
      backend.leases.release(grant),
      backend.leases.acquire("m", { owner: "o", ttlMs: 500 }),
    ];
    for (const call of refused) {
      expect(await errorOf(call)).toMatchObject({ code: "STORE_REFUSED", effect: "none" });
    }
    expect(await text(backend, "k")).toBe("1");
    expect((await backend.leases.inspect("l")).holders).toHaveLength(1);
    await backend.bus.subscribe("s", ({ data, respond }) => respond?.(data));
    const answer = await backend.bus.request("s", new Uint8Array([7]), { timeoutMs: 100 });
    expect([...answer.data]).toEqual([7]);
    await runtime.advance(501);
    expect((await backend.leases.inspect("l")).holders).toEqual([]);
    store.readOnly(false);
    expect((await backend.kv.put("k", "2")).ok).toBe(true);
  });
});

describe("a store without a leader", () => {
  it("refuses, leaves unanswered, and may land later; the error's effect says which", async () => {
    const { runtime, store, open } = world();
    const backend = open();
    store.loseLeader();
    const puts = Array.from({ length: 60 }, async (_, index) => {
      const put = backend.kv.put(`k${index}`, "x", { expect: "absent", timeoutMs: 100 });
      return errorOf(put);
    });
    await runtime.advance(200);
    const errors = await Promise.all(puts);
    store.electLeader();
    const landed = await Promise.all(errors.map((_, index) => backend.kv.get(`k${index}`)));
    const fates = new Set<string>();
    for (const [index, { code, effect }] of errors.entries()) {
      const isThere = landed[index] !== undefined;
      fates.add(`${code}, ${isThere ? "there" : "not there"}`);
      if (isThere) expect(effect).toBe("unknown");
    }
    expect([...fates].sort()).toEqual([
      "OUTCOME_UNKNOWN, not there",
      "OUTCOME_UNKNOWN, there",
      "STORE_UNAVAILABLE, not there",
    ]);
  });

  it("never lands what resolve() has called `none`, and answers the bus", async () => {
    const { runtime, store, open } = world();
    const backend = open();
    await backend.bus.subscribe("s", ({ data, respond }) => respond?.(data));
    store.loseLeader();
    const puts = Array.from({ length: 60 }, (_, index) =>
      errorOf(backend.kv.put(`k${index}`, "x", { timeoutMs: 100 })),
    );
    await backend.bus.request("s", new Uint8Array(1), { timeoutMs: 100 });
    await runtime.advance(200);
    const errors = await Promise.all(puts);
    store.electLeader();
    for (const [index, error] of errors.entries()) {
      const fate = await (error.resolve?.() ?? Promise.resolve("none"));
      const isThere = (await backend.kv.get(`k${index}`)) !== undefined;
      expect(fate).toBe(isThere ? "applied" : "none");
    }
  });
});

describe("the clock that leases count on", () => {
  it("is the monotonic one: setting the wall clock ends nothing", async () => {
    const { store, open } = world();
    const backend = open();
    const grant = await grantOf(backend, "l", "o", 1_000);
    store.stepClock(3_600_000);
    expect(await backend.leases.renew([grant])).toEqual(["renewed"]);
  });

  it("is the wall clock where asked for: forward it ends leases, back it keeps them", async () => {
    const { runtime, store, open } = world({ ttlClock: "wall" });
    const backend = open();
    const grant = await grantOf(backend, "l", "o", 1_000);
    store.stepClock(999);
    expect(await backend.leases.renew([grant])).toEqual(["renewed"]);
    store.stepClock(1_001);
    expect(await backend.leases.renew([grant])).toEqual(["lost"]);
    const again = await grantOf(backend, "l", "o", 1_000);
    store.stepClock(-5_000);
    await runtime.advance(3_000);
    expect(await backend.leases.renew([again])).toEqual(["renewed"]);
  });

  it("can be nothing else", () => {
    expect(() => createMemoryStore({ ttlClock: "sun" as never })).toThrow(/ttlClock/);
    expect(() => createMemoryStore({ undoMs: -1 })).toThrow(/undoMs/);
    expect(() => createMemoryStore({ undoMs: 1, undoEntries: 0 })).toThrow(/undoEntries/);
  });
});
