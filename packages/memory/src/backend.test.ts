import { isQuorateError, type MessagesDropped } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { afterEach, describe, expect, it } from "vitest";
import { type MemoryBackend, memoryBackend } from "./backend.ts";
import { MAX_INBOX } from "./handle/inbox.ts";
import { createMemoryStore } from "./store/memory-store.ts";

const opened: MemoryBackend[] = [];
const runtimes: ScriptedRuntime[] = [];

afterEach(async () => {
  const closed = Promise.all(opened.splice(0).map((backend) => backend.close({ graceMs: 0 })));
  // The grace of a scripted backend passes only when its time does.
  for (const runtime of runtimes.splice(0)) await runtime.advance(1);
  await closed;
});

function world() {
  const runtime = new ScriptedRuntime();
  runtimes.push(runtime);
  const store = createMemoryStore({ runtime });
  const open = (process?: string): MemoryBackend => {
    const backend = memoryBackend({ store, ...(process === undefined ? {} : { process }) });
    opened.push(backend);
    return backend;
  };
  return { runtime, store, open };
}

const request = (owner: string, ttlMs = 10_000) => ({ owner, ttlMs });

describe("a memory backend", () => {
  it("works with nothing given, on the system's clock", async () => {
    const backend = memoryBackend();
    opened.push(backend);
    await backend.kv.put("a/1", "hello");
    expect((await backend.kv.get("a/1"))?.value).toEqual(new TextEncoder().encode("hello"));
    expect((await backend.leases.acquire("l", request("o"))).granted).toBe(true);
    expect((await backend.health()).ok).toBe(true);
  });

  it("shares nothing with another that has a store of its own", async () => {
    const [one, two] = [memoryBackend(), memoryBackend()];
    opened.push(one, two);
    await one.kv.put("k", "1");
    expect(await two.kv.get("k")).toBeUndefined();
  });

  it("refuses a store that is not one, and a deadline that is none", () => {
    expect(() => memoryBackend({ store: {} as never })).toThrow(/createMemoryStore/);
    expect(() => memoryBackend({ requestTimeoutMs: -1 })).toThrow(/requestTimeoutMs/);
    expect(() => memoryBackend({ process: "a\0b" })).toThrow(/process/);
  });

  it("leaves no timer, subscription or process behind", async () => {
    const { runtime, store, open } = world();
    const [one, two] = [open(), open()];
    const held = await one.leases.acquire("l", request("o", 60_000));
    const waiting = two.leases.acquire("l", { ...request("w"), waitMs: 60_000 });
    waiting.catch(() => {});
    const watches = [one.kv.watch(""), one.leases.watch("")];
    await one.bus.subscribe("s", () => {});
    await Promise.all(watches.map((watch) => watch.next()));
    if (held.granted) await one.leases.release(held);
    await Promise.all([one.close(), two.close()]);
    await expect(waiting).rejects.toMatchObject({ code: "CLOSED" });
    await runtime.advance(120_000);
    expect(runtime.pendingTimers).toBe(0);
    expect(store.stats).toMatchObject({ keys: 0, subscriptions: 0, processes: 0 });
    // The last name freed fades with the next step.
    expect(store.stats.leases).toBeLessThanOrEqual(1);
  });

  it("sets no alarm for what nobody is there to see", async () => {
    const { runtime, store, open } = world();
    const [one, two] = [open("one"), open("two")];
    await one.kv.put("k/kept", "1", { ttlMs: 86_400_000 });
    await one.leases.acquire("l", request("o"));
    await one.close({ graceMs: 0 });
    expect(runtime.pendingTimers).toBe(1);
    await two.close({ graceMs: 0 });
    expect(runtime.pendingTimers).toBe(0);
    expect(store.stats).toMatchObject({ keys: 1, processes: 0 });
  });

  it("does for who comes next what fell due while nobody was there", async () => {
    const { runtime, store, open } = world();
    const one = open("one");
    await one.kv.put("k/short", "1", { ttlMs: 1_000 });
    await one.kv.put("k/long", "1", { ttlMs: 60_000 });
    await one.close({ graceMs: 0 });
    await runtime.advance(2_000);
    const two = open("two");
    expect(store.stats.keys).toBe(1);
    expect(await two.kv.get("k/short")).toBeUndefined();
    const changes = two.kv.watch("k/");
    expect([await changes.next(), await changes.next()]).toMatchObject([
      { value: { kind: "put", entry: { key: "k/long" } } },
      { value: { kind: "synced" } },
    ]);
    await runtime.advance(60_000);
    expect((await changes.next()).value).toMatchObject({ kind: "delete", key: "k/long" });
  });

  it("keeps nothing of ten thousand locks taken and given back", async () => {
    const { runtime, store, open } = world();
    const backend = open();
    for (let index = 0; index < 10_000; index++) {
      const grant = await backend.leases.acquire(`n${index}`, request("o", 3_600_000));
      if (grant.granted) await backend.leases.release(grant);
      if (index % 100 === 0) await runtime.advance(1);
    }
    expect(store.stats.leases).toBeLessThan(300);
    expect(runtime.pendingTimers).toBeLessThanOrEqual(1);
  });
});

describe("a late answer", () => {
  it("is no grant: the lease is given back, and the claim refused", async () => {
    const { runtime, open } = world();
    const [slow, observer] = [open(), open()];
    slow.faults.delay(300);
    const acquire = slow.leases.acquire("l", request("o", 200));
    await runtime.advance(1_000);
    expect((await acquire).granted).toBe(false);
    await runtime.advance(1_000);
    expect((await observer.leases.inspect("l")).holders).toEqual([]);
  });

  it("is asked for again while waitMs lasts", async () => {
    const { runtime, open } = world();
    const slow = open();
    slow.faults.delay(300);
    const acquire = slow.leases.acquire("l", { ...request("o", 200), waitMs: 5_000 });
    await runtime.advance(250); // The first answer is on its way, and will be late.
    slow.faults.delay(10);
    await runtime.advance(100);
    expect((await acquire).granted).toBe(true);
  });
});

describe("the link's switches", () => {
  it("a dropped request is unknown, and resolve() says that it did not happen", async () => {
    const { open } = world();
    const backend = open();
    backend.faults.dropNextRequest();
    const error: unknown = await backend.kv.put("k", "1").catch((error: unknown) => error);
    expect(isQuorateError(error, "OUTCOME_UNKNOWN")).toBe(true);
    if (isQuorateError(error)) expect(await error.resolve?.()).toBe("none");
    expect(await backend.kv.get("k")).toBeUndefined();
  });

  it("paused replies pile up, and come when resumed", async () => {
    const { runtime, open } = world();
    const [paused, other] = [open(), open()];
    paused.faults.pauseReplies();
    const read = paused.kv.get("k", { timeoutMs: 1_000 });
    const write = paused.kv.put("k", "1", { timeoutMs: 100 });
    const late = write.catch((error: unknown) => error);
    await runtime.advance(150);
    expect(isQuorateError(await late, "OUTCOME_UNKNOWN")).toBe(true);
    expect((await other.kv.get("k"))?.value).toHaveLength(1);
    paused.faults.resumeReplies();
    expect(await read).toBeUndefined();
  });

  it("a store that stands still lets nothing fall due, and catches up in order", async () => {
    const { runtime, store, open } = world();
    const backend = open();
    await backend.kv.put("k", "1", { ttlMs: 500 });
    store.freeze();
    await runtime.advance(400);
    const renewed = backend.kv.put("k", "2", { expect: "absent", timeoutMs: 60_000 });
    await runtime.advance(400);
    store.thaw();
    expect((await renewed).ok).toBe(true);
  });

  it("a clock set back makes no token smaller and no lease longer", async () => {
    const { runtime, store, open } = world();
    const backend = open();
    const first = await backend.leases.acquire("l", request("a", 1_000));
    store.stepClock(-3_600_000);
    await runtime.advance(1_001);
    const second = await backend.leases.acquire("l", request("b", 1_000));
    if (!first.granted || !second.granted) throw new Error("both should be granted");
    expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
  });
});

describe("a subscriber that cannot keep up", () => {
  it("loses the newest messages, and observers are told", async () => {
    const { runtime, open } = world();
    const backend = open();
    let release: (() => void) | undefined;
    let handled = 0;
    await backend.bus.subscribe("s", async () => {
      handled += 1;
      if (handled === 1) await new Promise<void>((resolve) => (release = resolve));
    });
    await backend.bus.publish("s", new Uint8Array(1));
    await runtime.advance(1);
    for (let index = 0; index < MAX_INBOX + 5; index++) {
      await backend.bus.publish("s", new Uint8Array(1));
    }
    await runtime.advance(1);
    const dropped = runtime.recorded.filter(({ event }) => {
      return (event as MessagesDropped).kind === "messages-dropped";
    });
    expect(dropped).toHaveLength(5);
    release?.();
    await runtime.advance(1);
    expect(handled).toBe(MAX_INBOX + 1);
  });
});
