/**
 * Members as their users see them, over a network in memory and over a bus, in scripted time.
 */
import { ScriptedRuntime } from "@quorate/core/testing";
import { createMemoryStore, memoryBackend } from "@quorate/memory";
import { describe, expect, it } from "vitest";

import type { MembershipEvent } from "../membership.ts";
import { busTransport } from "./bus-transport.ts";
import { SwimNetwork } from "./memory-transport.ts";
import { createSwim } from "./create-swim.ts";
import type { Swim } from "./swim.ts";
import type { SwimOptions } from "./swim-options.ts";
import { udpTransport } from "./udp-transport.ts";

const SECRET = "a secret of 32 bytes, or nearly.";

/** Members of one network and one scripted time. */
class Field {
  readonly runtime = new ScriptedRuntime();
  readonly network = new SwimNetwork();

  async start(id: string, options: Partial<SwimOptions> & { at?: string } = {}): Promise<Swim> {
    const { at = `at-${id}`, ...rest } = options;
    const transport = this.network.transport(at, this.runtime);
    const swim = createSwim({ id, transport, seeds: ["at-a"], ...rest });
    await swim.start();
    return swim;
  }

  async startAll(...ids: string[]): Promise<Swim[]> {
    const all = await Promise.all(ids.map((id) => this.start(id)));
    await this.runtime.advance(3_000);
    return all;
  }

  states(swim: Swim): string {
    return swim.members.map(({ id, state }) => `${id} ${state}`).join(", ");
  }
}

/** A reader of a watch. */
class Reader {
  readonly #runtime: ScriptedRuntime;
  readonly #lines: string[] = [];
  isDone = false;

  constructor(runtime: ScriptedRuntime, watch: AsyncIterableIterator<MembershipEvent>) {
    this.#runtime = runtime;
    void this.#readAll(watch);
  }

  /** What the watch has told since the last time. */
  async lines(): Promise<string[]> {
    await this.#runtime.advance(0);
    return this.#lines.splice(0);
  }

  async #readAll(watch: AsyncIterableIterator<MembershipEvent>): Promise<void> {
    for await (const event of watch) {
      this.#lines.push("member" in event ? `${event.kind} ${event.member.id}` : event.kind);
    }
    this.isDone = true;
  }
}

describe("members", () => {
  it("find each other by a seed, see a crash, a goodbye, and what each says", async () => {
    const field = new Field();
    const [a, b, c] = (await field.startAll("a", "b", "c")) as [Swim, Swim, Swim];
    await a.joined();
    expect(field.states(a)).toBe("a alive, b alive, c alive");
    await b.update("v2");
    await field.runtime.advance(1_000);
    expect(c.member("b")).toMatchObject({ state: "alive", data: "v2", address: "at-b" });
    const leaving = b.leave();
    await field.runtime.advance(1_000);
    await leaving;
    expect(field.states(a)).toBe("a alive, b left, c alive");
    await c.close();
    await field.runtime.advance(15_000);
    expect(field.states(a)).toBe("a alive, b left, c down");
    expect([a.size, c.self?.state]).toEqual([1, "left"]);
    await a.close();
    expect(field.runtime.pendingTimers).toBe(0);
  });

  it("are watched: who is there, `synced`, then what changes", async () => {
    const field = new Field();
    const [a] = await field.startAll("a", "b");
    const reader = new Reader(field.runtime, a!.watch());
    expect(await reader.lines()).toEqual(["joined a", "joined b", "synced"]);
    const c = await field.start("c");
    await field.runtime.advance(1_000);
    await c.close();
    await field.runtime.advance(4_000);
    const lines = await reader.lines();
    expect(lines[0]).toBe("joined c");
    expect(lines.at(-1)).toBe("suspected c");
    await a!.close();
    expect([await reader.lines(), reader.isDone]).toEqual([[], true]);
    expect(() => a!.watch()).toThrow("was closed");
  });

  it("say `synced` when nobody else is there", async () => {
    const field = new Field();
    const alone = await field.start("a");
    const reader = new Reader(field.runtime, alone.watch());
    expect(await reader.lines()).toEqual(["joined a"]);
    await field.runtime.advance(3_000);
    expect(await reader.lines()).toEqual(["synced"]);
  });

  it("with one name: the one born first is told, the other goes on", async () => {
    const field = new Field();
    const [a, b] = (await field.startAll("a", "b")) as [Swim, Swim];
    const reader = new Reader(field.runtime, b.watch());
    const twin = await field.start("b", { at: "elsewhere" });
    await field.runtime.advance(3_000);
    expect(b.self).toBeUndefined();
    await expect(b.update("x")).rejects.toMatchObject({
      code: "MEMBER_CONFLICT",
      details: { member: "b", address: "elsewhere" },
    });
    await expect(b.joined()).rejects.toThrow("give each its own id");
    await expect(b.leave()).rejects.toMatchObject({ code: "MEMBER_CONFLICT" });
    expect([await reader.lines(), reader.isDone]).toEqual([
      ["joined a", "joined b", "synced"],
      true,
    ]);
    expect(field.runtime.recorded.map(({ name }) => name)).toContain("swim.conflict");
    await field.runtime.advance(20_000);
    expect(a.member("b")).toMatchObject({ state: "alive", address: "elsewhere" });
    expect(twin.self?.state).toBe("alive");
  });

  it("without the secret are not let in, and cannot kill", async () => {
    const field = new Field();
    const options = { secrets: [SECRET] };
    const a = await field.start("a", options);
    const b = await field.start("b", options);
    const stranger = await field.start("s", { secrets: [`${SECRET}!`] });
    const bare = await field.start("t");
    await field.runtime.advance(30_000);
    expect(field.states(a)).toBe("a alive, b alive");
    expect([stranger.size, bare.size, b.size]).toEqual([1, 1, 2]);
    expect(a.stats.refused.seal).toBeGreaterThan(10);
    expect(JSON.stringify(field.runtime.recorded)).not.toContain(SECRET);
  });

  it("of another group on the same network are not heard", async () => {
    const field = new Field();
    const a = await field.start("a");
    await field.start("b", { group: "other" });
    await field.runtime.advance(5_000);
    expect([a.size, a.stats.refused.group > 0]).toEqual([1, true]);
  });
});

describe("an incarnation", () => {
  it("grows over restarts by the clock, and by the store when the clock was set back", async () => {
    const field = new Field();
    const saved: number[] = [];
    const store = {
      load: () => Promise.resolve(saved.at(-1)),
      save: (incarnation: number) => Promise.resolve(void saved.push(incarnation)),
    };
    const first = await field.start("a", { store });
    const before = first.self?.incarnation ?? 0;
    await first.close();
    field.runtime.stepWallClock(-3_600_000);
    const second = await field.start("a", { store });
    expect(second.self?.incarnation).toBe(before + 1);
    await second.update("new");
    await field.runtime.advance(0);
    expect(saved).toEqual([before, before + 1, before + 2]);
  });

  it("is not made up where the store fails or holds something else: start says so", async () => {
    const field = new Field();
    const transport = field.network.transport("at-a", field.runtime);
    let kept: () => Promise<number> = () => Promise.resolve(-1);
    const store = { load: () => kept(), save: () => Promise.resolve() };
    const swim = createSwim({ id: "a", transport, store });
    await expect(swim.start()).rejects.toMatchObject({ code: "RECORD_INVALID" });
    kept = () => Promise.reject(new Error("the disk is gone"));
    await expect(swim.start()).rejects.toThrow("the disk is gone");
    kept = () => Promise.resolve(7);
    await swim.start();
    expect(swim.self?.state).toBe("alive");
  });
});

describe("over a bus", () => {
  it("a group needs no seed, and heals when the bus comes back", async () => {
    const runtime = new ScriptedRuntime();
    const store = createMemoryStore({ runtime });
    const backends = ["a", "b", "c", "d"].map(() => memoryBackend({ store, runtime }));
    const all = backends.map((backend, index) =>
      createSwim({ id: `m${index}`, transport: busTransport(backend, { group: "g" }) }),
    );
    for (const swim of all) await swim.start();
    await runtime.advance(10_000);
    expect(all.map(({ size }) => size)).toEqual([4, 4, 4, 4]);
    for (const backend of backends.slice(0, 2)) backend.faults.cut();
    await runtime.advance(60_000);
    expect(all.map(({ size }) => size)).toEqual([1, 1, 2, 2]);
    for (const backend of backends) backend.faults.restore();
    await runtime.advance(30_000);
    expect(all.map(({ size }) => size)).toEqual([4, 4, 4, 4]);
    for (const swim of all) await swim.close();
  });
});

describe("over UDP", () => {
  it("a port that is taken is an error of start, which may be called again", async () => {
    const first = createSwim({ id: "a", transport: udpTransport() });
    await first.start();
    const address = first.self?.address ?? "";
    const port = Number(address.split(":")[1]);
    const second = createSwim({ id: "b", transport: udpTransport({ port }), seeds: [address] });
    await expect(second.start()).rejects.toThrow("EADDRINUSE");
    await first.close();
    await second.start();
    expect(second.self).toMatchObject({ state: "alive", address });
    await second.close();
  });

  it.each([
    [{ host: "localhost" }, "host must be"],
    [{ port: 70_000 }, "port must be"],
    [{ port: 1.5 }, "port must be"],
    [{ host: "0.0.0.0" }, "advertise must be"],
    [{ host: "::", advertise: "" }, "advertise must be"],
    [{ hosts: "::1" }, "options.hosts"],
  ])("%j: %s", (options, message) => {
    expect(() => udpTransport(options as never)).toThrow(message);
  });

  it("advertises what it is told to, with its port", async () => {
    const transport = udpTransport({ host: "127.0.0.1", advertise: "api-1.internal" });
    expect(await transport.open(() => {})).toMatch(/^api-1\.internal:\d+$/);
    await transport.close();
    const whole = udpTransport({ host: "127.0.0.1", advertise: "10.0.0.1:7000" });
    expect(await whole.open(() => {})).toBe("10.0.0.1:7000");
    await expect(whole.send("nowhere", new Uint8Array(1))).rejects.toThrow("address must be");
    await whole.close();
  });
});

describe("what a caller may get wrong", () => {
  const transport = new SwimNetwork().transport("x", new ScriptedRuntime());

  it.each([
    [{ id: "", transport }, "id must be"],
    [{ id: "a", transport: {} }, "transport must be"],
    [{ id: "a", transport, seed: [] }, "options.seed"],
    [{ id: "a", transport, seeds: [""] }, "seeds must be"],
    [{ id: "a", transport, seeds: Array(65).fill("x") }, "at most 64"],
    [{ id: "a", transport, data: "x".repeat(513) }, "at most 512"],
    [{ id: "a", transport, data: 7 }, "data must be"],
    [{ id: "a", transport, timing: "slow" }, "timing must be"],
    [{ id: "a", transport, secrets: [] }, "secrets must be"],
    [{ id: "a", transport, store: {} }, "store.load must be"],
    [{ id: "a", transport, maxMembers: 0 }, "maxMembers must be"],
    [{ id: "a", transport, maxMembers: 1e9 }, "maxMembers must be"],
  ])("%j: %s", (options, message) => {
    expect(() => createSwim(options as never)).toThrow(message);
  });

  it("is told by name, also for transports", () => {
    expect(() => busTransport({} as never, { group: "g" })).toThrow("backend must be");
    const backend = memoryBackend();
    expect(() => busTransport(backend, { group: "a/b" })).toThrow("group must be");
  });
});
