import { ScriptedRuntime } from "@quorate/core/testing";
import { createMemoryStore, type MemoryBackend, memoryBackend } from "@quorate/memory";
import { afterEach, describe, expect, it } from "vitest";

import { createGossip } from "./create-gossip.ts";
import type { Gossip, GossipEvent, GossipOptions } from "./gossip.ts";

const ROUND_MS = 100;
const RECONCILE_MS = 1_000;

/** Processes with a handle of their own on one store in memory. */
class World {
  readonly runtime = new ScriptedRuntime();
  readonly backends = new Map<string, MemoryBackend>();
  readonly #store = createMemoryStore({ runtime: this.runtime });
  readonly #members: Gossip[] = [];
  ids = ["a", "b", "c"];

  async start(id: string, options: Partial<GossipOptions> = {}): Promise<Gossip> {
    const backend = memoryBackend({ store: this.#store, runtime: this.runtime });
    this.backends.set(id, backend);
    const gossip = createGossip(backend, {
      group: "fleet",
      id,
      peers: () => this.ids,
      roundMs: ROUND_MS,
      reconcileMs: RECONCILE_MS,
      ...options,
    });
    this.#members.push(gossip);
    const starting = gossip.start();
    await this.runtime.advance(0);
    await starting;
    return gossip;
  }

  events(name: string): readonly object[] {
    return this.runtime.recorded.filter((one) => one.name === name).map(({ event }) => event);
  }

  async close(): Promise<void> {
    for (const member of this.#members) {
      const closing = member.close();
      await this.runtime.advance(2_000);
      await closing;
    }
  }
}

let world: World;
afterEach(() => world.close());

describe("gossip over a bus", () => {
  it("makes a fact of one known to all within a few rounds, and its removal", async () => {
    world = new World();
    const [a, b, c] = [await world.start("a"), await world.start("b"), await world.start("c")];
    a.set("version", "1.4.2");
    expect(a.get("a", "version")?.value).toBe("1.4.2");
    await world.runtime.advance(5 * ROUND_MS);
    expect(b.get("a", "version")).toMatchObject({ value: "1.4.2", owner: "a", version: 1 });
    expect(c.facts.map(({ owner, key, value }) => [owner, key, value])).toEqual([
      ["a", "version", "1.4.2"],
    ]);
    a.remove("version");
    await world.runtime.advance(5 * ROUND_MS);
    expect([...b.facts, ...c.facts]).toEqual([]);
  });

  it("tells a latecomer all, by comparison", async () => {
    world = new World();
    const a = await world.start("a");
    a.set("x", "1");
    await world.runtime.advance(60 * ROUND_MS); // Nobody tells it any more.
    const c = await world.start("c");
    await world.runtime.advance(3 * RECONCILE_MS);
    expect(c.get("a", "x")?.value).toBe("1");
  });

  it("heals a cut", async () => {
    world = new World();
    const [a, b] = [await world.start("a"), await world.start("b")];
    world.backends.get("b")?.faults.cut();
    a.set("x", "1");
    await world.runtime.advance(60 * ROUND_MS);
    expect(b.get("a", "x")).toBeUndefined();
    expect(world.events("gossip.failed")).not.toEqual([]);
    expect(b.stats.unsent).toBeGreaterThan(0);
    world.backends.get("b")?.faults.restore();
    await world.runtime.advance(5 * RECONCILE_MS);
    expect(b.get("a", "x")?.value).toBe("1");
  });

  it("believes a process that restarted with its clock set back", async () => {
    world = new World();
    const [a, b] = [await world.start("a"), await world.start("b")];
    a.set("x", "old");
    a.set("y", "old");
    await world.runtime.advance(10 * ROUND_MS);
    const closing = a.close();
    await world.runtime.advance(1_000);
    await closing;
    const again = await world.start("a", { life: 5 });
    again.set("x", "new");
    await world.runtime.advance(6 * RECONCILE_MS);
    expect(again.stats.reborn).toBeGreaterThan(0);
    expect(b.facts.map(({ key, value }) => [key, value])).toEqual([["x", "new"]]);
    expect(again.facts.map(({ key, value }) => [key, value])).toEqual([["x", "new"]]);
  });

  it("tells a watcher the facts, then every change, until it ends", async () => {
    world = new World();
    const [a, b] = [await world.start("a"), await world.start("b")];
    a.set("x", "1");
    await world.runtime.advance(5 * ROUND_MS);
    const seen: GossipEvent[] = [];
    const watching = (async () => {
      for await (const event of b.watch()) seen.push(event);
    })();
    await world.runtime.advance(1);
    a.remove("x");
    b.set("y", "2");
    await world.runtime.advance(5 * ROUND_MS);
    const closing = b.close();
    await world.runtime.advance(2_000);
    await Promise.all([closing, watching]);
    expect(seen.map((event) => ("fact" in event ? event.fact.key : event.kind))).toEqual([
      "x",
      "synced",
      "y",
      "removed",
    ]);
  });

  it("drops what cannot be read and what strangers say, and counts it", async () => {
    world = new World();
    const a = await world.start("a");
    const { bus } = world.backends.get("a") ?? expect.fail();
    await bus.publish("gossip/fleet/to/a", new TextEncoder().encode("{"));
    await bus.publish("gossip/fleet/to/a", new Uint8Array(100_000));
    const stranger = { v: 1, from: "z", kind: "rumours", rumours: [["z", 1, "k", 1, "v"]] };
    await bus.publish("gossip/fleet/to/a", new TextEncoder().encode(JSON.stringify(stranger)));
    await world.runtime.advance(1);
    expect(a.facts).toEqual([]);
    expect(a.stats).toMatchObject({ unreadable: 2, refused: 1 });
    expect(world.events("gossip.refused")).toHaveLength(3);
  });

  it("keeps the last good list of peers when the provider throws", async () => {
    world = new World();
    let isBad = false;
    const peers = (): readonly string[] => {
      if (isBad) throw new Error("no list today");
      return world.ids;
    };
    const [a, b] = [await world.start("a", { peers }), await world.start("b")];
    isBad = true;
    a.set("x", "1");
    await world.runtime.advance(5 * ROUND_MS);
    expect(b.get("a", "x")?.value).toBe("1");
    expect(world.events("gossip.refused")).toContainEqual(
      expect.objectContaining({ why: "peers", reason: "the provider threw" }),
    );
  });

  it("leaves no timer behind, and refuses what comes after closing", async () => {
    world = new World();
    const a = await world.start("a");
    const closing = a.close();
    await world.runtime.advance(2_000);
    await closing;
    expect(world.runtime.pendingTimers).toBe(0);
    expect(() => a.set("x", "1")).toThrow(/CLOSED/);
    expect(() => a.watch()).toThrow(/CLOSED/);
    await expect(a.start()).rejects.toMatchObject({ code: "CLOSED" });
  });
});

describe("options and arguments", () => {
  it("refuses a bad one by name, at once", async () => {
    world = new World();
    const a = await world.start("a", { maxKeys: 2, maxOwnerBytes: 200 });
    const backend = world.backends.get("a") ?? expect.fail();
    const good: GossipOptions = { group: "fleet", id: "a", peers: () => [] };
    const bad = [
      { ...good, id: "a/b" },
      { ...good, peers: ["a"] },
      { ...good, style: "pull" },
      { ...good, fanout: 0 },
      { ...good, roundms: 5 },
      { ...good, reconcileMs: 10 },
      { ...good, maxOwnerBytes: 49_000 },
      { ...good, life: 2 ** 49 },
    ];
    for (const options of bad) {
      expect(() => createGossip(backend, options as never)).toThrow(/INVALID_ARGUMENT/);
    }
    expect(() => createGossip({} as never, good)).toThrow(/backend/);
    expect(() => createGossip(backend, { ...good, group: "a//b" })).toThrow(/group/);
    expect(() => a.set("", "1")).toThrow(/key/);
    expect(() => a.set("x", 1 as never)).toThrow(/value/);
    expect(() => a.set("x", "1".repeat(300))).toThrow(/TOO_LARGE/);
    a.set("x", "1");
    a.set("y", "1");
    expect(() => a.set("z", "1")).toThrow(/at most 200 bytes and 2 keys/);
    expect(a.facts).toHaveLength(2);
  });
});
