import { type Change, type Grant, isQuorateError, type QuorateError } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { afterEach, describe, expect, it } from "vitest";
import { type MemoryBackend, memoryBackend } from "./backend.ts";
import { ScriptedWire } from "./scripted-wire.fixture.ts";
import { createMemoryStore } from "./store/memory-store.ts";

const opened: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

function world() {
  const runtime = new ScriptedRuntime();
  const store = createMemoryStore({ runtime });
  const open = (process: string) => {
    const wire = new ScriptedWire();
    const backend = memoryBackend({ store, runtime, wire, process, requestTimeoutMs: 2_000 });
    opened.push(async () => {
      const closed = backend.close({ graceMs: 0 });
      await runtime.advance(1_000);
      await closed;
    });
    return { backend, wire };
  };
  return { runtime, store, open };
}

/** A settled call, or what it is waiting for. */
function fate<T>(call: Promise<T>): { value?: T; error?: QuorateError; isOpen: boolean } {
  const seen: { value?: T; error?: QuorateError; isOpen: boolean } = { isOpen: true };
  call.then(
    (value) => Object.assign(seen, { value, isOpen: false }),
    (error: unknown) => Object.assign(seen, { error, isOpen: false }),
  );
  return seen;
}

function eventsOf(watch: AsyncIterable<Change>): string[] {
  const events: string[] = [];
  void (async () => {
    for await (const change of watch) {
      const isAboutKey = change.kind === "put" || change.kind === "delete";
      const key = change.kind === "put" ? change.entry.key : isAboutKey ? change.key : "";
      events.push(`${change.kind} ${key}`.trim());
    }
  })();
  return events;
}

async function grantOf(backend: MemoryBackend, name: string, owner: string): Promise<Grant> {
  const grant = await backend.leases.acquire(name, { owner, ttlMs: 60_000 });
  if (!grant.granted) throw new Error(`${name} should have been free`);
  return grant;
}

describe("a call over a wire", () => {
  it("made before there is a connection waits for one", async () => {
    const { runtime, open } = world();
    const { backend, wire } = open("p");
    wire.cut();
    const put = fate(backend.kv.put("k", "1"));
    await runtime.advance(500);
    expect(put.isOpen).toBe(true);
    wire.restore();
    await runtime.advance(1_000);
    expect(put.value?.ok).toBe(true);
  });

  it("that was never sent has not happened; one that was sent may have", async () => {
    const { runtime, open } = world();
    const { backend, wire } = open("p");
    await backend.ready();
    const sent = fate(backend.kv.put("k", "1"));
    wire.cut();
    const unsent = fate(backend.kv.put("k", "2"));
    const read = fate(backend.kv.get("k"));
    await runtime.advance(2_000);
    expect(sent.error).toMatchObject({ code: "OUTCOME_UNKNOWN", effect: "unknown" });
    expect(unsent.error).toMatchObject({ code: "STORE_UNAVAILABLE", effect: "none" });
    expect(read.error).toMatchObject({ code: "STORE_UNAVAILABLE", effect: "none" });
  });

  it("aborted before it was sent has not happened, and never will", async () => {
    const { runtime, open } = world();
    const { backend, wire } = open("p");
    await backend.ready();
    wire.cut();
    const controller = new AbortController();
    const put = fate(backend.kv.put("k", "1", { signal: controller.signal }));
    controller.abort(new Error("enough"));
    await runtime.advance(1);
    expect(put.error).toMatchObject({ code: "ABORTED", effect: "none" });
    wire.restore();
    await runtime.advance(1_000);
    expect(await backend.kv.get("k")).toBeUndefined();
  });

  it("whose reply is lost was applied, and resolve() says so", async () => {
    const { runtime, open } = world();
    const { backend, wire } = open("p");
    await backend.ready();
    wire.loseNextReply();
    const put = fate(backend.kv.put("k", "1"));
    await runtime.advance(1);
    expect(put.error?.code).toBe("OUTCOME_UNKNOWN");
    expect(await put.error?.resolve?.()).toBe("applied");
  });

  it("that straggles lands on a dead connection, unless resolve() came before", async () => {
    const { runtime, open } = world();
    const { backend, wire } = open("p");
    await backend.ready();
    const deliverFirst = wire.holdNext();
    const first = fate(backend.kv.put("k", "first"));
    await runtime.advance(1);
    expect(first.error?.code).toBe("OUTCOME_UNKNOWN");
    expect(await backend.kv.get("k")).toBeUndefined();
    deliverFirst();
    expect(Buffer.from((await backend.kv.get("k"))?.value ?? []).toString()).toBe("first");
    const deliverSecond = wire.holdNext();
    const second = fate(backend.kv.put("k", "second"));
    await runtime.advance(1);
    expect(await second.error?.resolve?.()).toBe("none");
    deliverSecond();
    expect(Buffer.from((await backend.kv.get("k"))?.value ?? []).toString()).toBe("first");
  });

  it("to a server that died and came back is refused, and the process connects again", async () => {
    const { runtime, store, open } = world();
    const { backend } = open("p");
    await backend.kv.put("k", "1");
    store.restart({ keepData: true }); // Nobody tells the process.
    const put = fate(backend.kv.put("k", "2"));
    await runtime.advance(1);
    expect(put.error?.code).toBe("OUTCOME_UNKNOWN");
    expect(await put.error?.resolve?.()).toBe("none");
    expect(Buffer.from((await backend.kv.get("k"))?.value ?? []).toString()).toBe("1");
  });
});

describe("silence on a wire", () => {
  it("is told after two beats, and its end only when all has arrived", async () => {
    const { runtime, store, open } = world();
    const [{ backend }, other] = [open("p"), open("q")];
    const events = eventsOf(backend.kv.watch(""));
    await runtime.advance(10);
    expect(events).toEqual(["synced"]);
    store.freeze();
    void other.backend.kv.put("k", "1").catch(() => {});
    await runtime.advance(4_000);
    expect(events).toEqual(["synced", "stale"]);
    store.thaw();
    await runtime.advance(1);
    expect(events).toEqual(["synced", "stale", "put k", "synced"]);
  });

  it("that goes on is death: the process connects again and catches up", async () => {
    const { runtime, open } = world();
    const [{ backend, wire }, other] = [open("p"), open("q")];
    const events = eventsOf(backend.kv.watch(""));
    await runtime.advance(10);
    wire.mute({ toProcess: true }); // Half-open: it asks, and hears nothing.
    await runtime.advance(6_000);
    await other.backend.kv.put("k", "1");
    await runtime.advance(1);
    expect(events.slice(0, 2)).toEqual(["synced", "stale"]);
    expect(events).not.toContain("put k");
    wire.mute({});
    await runtime.advance(2_000);
    expect(events.slice(-2)).toEqual(["put k", "synced"]);
  });

  it("is not heard by a call: each settles by its own deadline, half-open either way", async () => {
    for (const direction of ["toStore", "toProcess"] as const) {
      const { runtime, open } = world();
      const { backend, wire } = open("p");
      await backend.ready();
      wire.mute({ [direction]: true });
      const put = fate(backend.kv.put("k", "1", { timeoutMs: 300 }));
      const get = fate(backend.kv.get("k", { timeoutMs: 300 }));
      await runtime.advance(301);
      expect(put.error?.code).toBe("OUTCOME_UNKNOWN");
      expect(get.error?.code).toBe("TIMEOUT");
      wire.mute({});
      await runtime.advance(10_000);
      const entry = await backend.kv.get("k");
      expect(entry !== undefined).toBe(direction === "toProcess");
    }
  });

  it("of a process ends what the store does for it, and its place in line", async () => {
    const { runtime, store, open } = world();
    const [gone, holder] = [open("gone"), open("holder")];
    const held = await grantOf(holder.backend, "l", "holder");
    gone.backend.leases.acquire("l", { owner: "w", ttlMs: 9e5, waitMs: 9e5 }).catch(() => {});
    void eventsOf(gone.backend.kv.watch(""));
    await runtime.advance(10);
    const before = store.stats;
    expect(before.processes).toBe(2);
    gone.wire.mute({ toStore: true, toProcess: true });
    for (let second = 0; second < 45; second++) await runtime.advance(1_000);
    expect(store.stats).toMatchObject({ processes: 1, subscriptions: before.subscriptions - 1 });
    expect((await holder.backend.leases.inspect("l")).waiters).toEqual([]);
    expect(await holder.backend.leases.renew([held])).toEqual(["renewed"]);
  });
});

describe("a reset of a wire", () => {
  it("costs a waiter neither its place nor its wake-up", async () => {
    const { runtime, open } = world();
    const [holder, first, second] = [open("h"), open("f"), open("s")];
    const held = await grantOf(holder.backend, "l", "h");
    const claim = { ttlMs: 60_000, waitMs: 60_000 };
    const mine = fate(first.backend.leases.acquire("l", { owner: "f", ...claim }));
    await runtime.advance(1);
    const theirs = fate(second.backend.leases.acquire("l", { owner: "s", ...claim }));
    await runtime.advance(1);
    first.wire.reset();
    await runtime.advance(100);
    await holder.backend.leases.release(held);
    await runtime.advance(10);
    expect(mine.value?.granted).toBe(true);
    expect(theirs.isOpen).toBe(true);
  });

  it("that only the store hears of is told to the process", async () => {
    const { runtime, store, open } = world();
    const [{ backend, wire }, other] = [open("p"), open("q")];
    const events = eventsOf(backend.kv.watch(""));
    await runtime.advance(10);
    wire.reset("store");
    await runtime.advance(100);
    await other.backend.kv.put("k", "1");
    await runtime.advance(1);
    expect(events).toEqual(["synced", "stale", "synced", "put k"]);
    expect(store.stats.processes).toBe(2);
  });

  it("repeated leaves neither sessions nor subscriptions behind", async () => {
    const { runtime, store, open } = world();
    const { backend, wire } = open("p");
    void eventsOf(backend.kv.watch(""));
    await backend.bus.subscribe("s", () => {});
    await runtime.advance(10);
    const before = store.stats;
    for (let round = 0; round < 50; round++) {
      wire.reset();
      await runtime.advance(100);
    }
    expect(store.stats).toEqual(before);
    await backend.close();
    expect(store.stats).toMatchObject({ processes: 0, subscriptions: 0 });
    const { pendingTimers } = runtime;
    expect(pendingTimers).toBe(0);
  });
});

describe("a backend with a wire", () => {
  it("has no switches of its own", () => {
    const { open } = world();
    const { backend } = open("p");
    const refusals = Object.values(backend.faults).map((flip: () => unknown) => {
      try {
        return flip();
      } catch (error) {
        return isQuorateError(error, "UNSUPPORTED");
      }
    });
    expect(refusals).toHaveLength(9);
    expect(new Set(refusals)).toEqual(new Set([true]));
  });
});
