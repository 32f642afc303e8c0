import { effectOf, isQuorateError } from "@quorate/core";
import {
  createRegistry,
  type Endpoint,
  type ServiceSnapshot,
  type ServiceView,
} from "@quorate/discovery";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";

import { client } from "./client/client.ts";
import { contract } from "./contract.ts";
import { ask, EchoWorld, never } from "./echo.fixture.ts";
import { serve } from "./server/serve.ts";

let world: EchoWorld;

beforeEach(() => {
  world = new EchoWorld();
});

describe("a handler", () => {
  it("hears of the caller's cancel, and the caller does not wait for it", async () => {
    let reason: unknown;
    const server = await world.served(async (_n, call) => {
      await new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve()));
      reason = call.signal.reason;
      return 1;
    });
    const cancelled = new AbortController();
    const call = world.calling().pay({ n: 1 }, { signal: cancelled.signal });
    await world.runtime.advance(1);
    cancelled.abort("enough");
    await expect(call).rejects.toBe("enough");
    await world.runtime.advance(1);
    expect(isQuorateError(reason, "ABORTED")).toBe(true);
    expect(server.stats).toMatchObject({ cancelled: 1, running: 0 });
  });

  it("that ignores its deadline keeps its place, and its caller is free in time", async () => {
    const server = await world.served(never, { admission: { limit: 1, queue: 0 } });
    const echo = world.calling({ tries: 1 });
    expect(await world.told(echo.pay({ n: 1 }, { timeoutMs: 50 }))).toBe("TIMEOUT unknown");
    expect(server.stats.admission).toMatchObject({ leaked: 1, running: 1 });
    const full = await world.outcome(echo.pay({ n: 2 }));
    expect(full).toMatchObject({ code: "OVERLOADED", effect: "none", details: { reason: "full" } });
    expect(full).toHaveProperty("details.retryAfterMs");
  });

  it("may throw what it likes: the caller learns if it happened, and nothing else", async () => {
    const cyclic: Record<string, unknown> = { password: "hunter2" };
    cyclic["self"] = cyclic;
    const trap = new Proxy({}, { get: () => expect.unreachable(), has: () => true });
    const thrown = [
      undefined,
      null,
      cyclic,
      10n,
      Symbol("s"),
      trap,
      new Error("hunter2".repeat(1_000_000)),
      Object.assign(new Error("hunter2"), { effect: "none" }),
    ];
    const server = await world.served((n) => {
      throw thrown[n];
    });
    const echo = world.calling({ tries: 1 });
    for (const [n, value] of thrown.entries()) {
      const error = await world.outcome(echo.pay({ n }));
      const effect = n === thrown.length - 1 ? "none" : "unknown";
      expect(error, String(n)).toMatchObject({
        code: "REMOTE_FAILED",
        effect,
        details: { error: "internal" },
      });
      expect(`${JSON.stringify(error)} ${(error as Error).message}`).not.toContain("hunter2");
      expect(value === trap ? "none" : (effectOf(value) ?? "unknown")).toBeTypeOf("string");
    }
    expect(server.stats).toMatchObject({ failed: thrown.length, running: 0 });
  });

  it("whose output or error is not what the contract says has run all the same", async () => {
    const out: readonly unknown[] = ["x", undefined, 10n, null];
    await world.served((n, call) => {
      if (n < out.length) return out[n];
      return call.fail("Declined", { by: 5 } as never);
    });
    const echo = world.calling({ tries: 1 });
    for (const n of out.keys()) {
      expect(await world.told(echo.pay({ n })), String(n)).toBe("CONTRACT_MISMATCH applied");
    }
    const failed = await world.outcome(echo.pay({ n: out.length }));
    expect(failed).toMatchObject({ code: "REMOTE_FAILED", details: { error: "INVALID_ARGUMENT" } });
  });
});

describe("contracts that differ", () => {
  const Newer = contract("echo", "1.3.0", {
    pay: { input: z.object({ n: z.any() }), output: z.any(), errors: { Declined: z.string() } },
    added: { ...ask, repeat: "safe" },
    read: { input: ask.input, items: z.int() },
  });

  it("are told what does not fit, and nothing ran", async () => {
    let runs = 0;
    await world.served((_n, call) => {
      runs += 1;
      throw call.fail("Declined", { by: "x" });
    });
    const newer = client(world.here.backend, Newer, { presence: false });
    expect(await world.told(newer.added({ n: 1 }))).toBe("CONTRACT_MISMATCH none");
    expect(await world.told(newer.pay({ n: "one" }))).toBe("CONTRACT_MISMATCH none");
    expect(runs).toBe(0);
    expect(await world.told(newer.pay({ n: 1 }))).toBe("CONTRACT_MISMATCH none");
    expect(runs).toBe(1);
  });
});

describe("layers", () => {
  it("of calls make no more tries together than the first caller allows", async () => {
    let runs = 0;
    const names = ["c", "b", "a"] as const;
    const Layers = names.map((name) => contract(name, "1.0.0", { go: { ...ask, repeat: "safe" } }));
    const [C, B, A] = Layers as [(typeof Layers)[0], (typeof Layers)[0], (typeof Layers)[0]];
    const options = { presence: false } as const;
    const toC = client(world.there.backend, C, options);
    const toB = client(world.there.backend, B, options);
    await serve(world.there.backend, C, {
      go: () => {
        runs += 1;
        throw Object.assign(new Error("down"), { code: "ECONNREFUSED" });
      },
    });
    // Each layer passes a failure on that may be repeated; alone each would try three times.
    const passOn = async (made: Promise<{ n: number }>): Promise<{ n: number }> => made;
    await serve(world.there.backend, B, { go: (input, call) => passOn(toC.go(input, { call })) });
    await serve(world.there.backend, A, { go: (input, call) => passOn(toB.go(input, { call })) });
    const outcome = await world.outcome(client(world.here.backend, A, options).go({ n: 1 }));
    expect(outcome).toMatchObject({ code: "REMOTE_FAILED", effect: "none" });
    expect(runs).toBeGreaterThan(0);
    expect(runs).toBeLessThanOrEqual(3);
  });
});

describe("an instance", () => {
  it("that closes finishes what runs, and has others asked", async () => {
    let finish = (): void => {};
    const server = await world.served((n) => new Promise((resolve) => (finish = () => resolve(n))));
    const echo = world.calling({ tries: 1 });
    const running = echo.pay({ n: 7 });
    await world.runtime.advance(1);
    const closing = server.close({ graceMs: 5_000 });
    await world.runtime.advance(10);
    expect(await world.told(echo.pay({ n: 1 }))).toBe("NO_RESPONDERS none");
    finish();
    expect(await running).toEqual({ n: 7 });
    expect(await world.outcome(closing)).toBeUndefined();
    expect(server.close()).toBe(server.close());
  });

  it("that has no more time aborts what runs, and says that it may have happened", async () => {
    const server = await world.served(
      (_n, call) =>
        new Promise((_, reject) =>
          call.signal.addEventListener("abort", () => reject(call.signal.reason)),
        ),
    );
    const running = world.calling({ tries: 1 }).pay({ n: 1 });
    await world.runtime.advance(1);
    const closed = server.close({ graceMs: 100 });
    expect(await world.told(running)).toBe("ABORTED unknown");
    await world.outcome(closed);
  });

  it("registers when it can be asked, and leaves in the order that fails nobody", async () => {
    const { backend } = world.there;
    const registry = createRegistry(backend, { ttlMs: 5_000, watchDelayMs: 400 });
    let finish = (): void => {};
    const server = await world.outcome(
      world.served((n) => (n === 0 ? 0 : new Promise((resolve) => (finish = () => resolve(n)))), {
        id: "one",
        registry,
        place: { zone: "a" },
      }),
    );
    if (server instanceof Error) throw server;
    const found = createRegistry(world.here.backend);
    const endpoints = found.service("echo", "^1.0.0");
    const echo = world.calling({ tries: 1, endpoints });
    expect(await world.told(echo.pay({ n: 0 }))).toEqual({ n: 0 });
    const { address, version, zone } = endpoints.endpoint("one") ?? {};
    expect([address, version, zone]).toEqual(["rpc/echo/1/one", "1.2.0", "a"]);

    const running = echo.pay({ n: 7 });
    await world.runtime.advance(1);
    const closing = server.close({ graceMs: 2_000 });
    await world.runtime.advance(300);
    expect(endpoints.endpoint("one")?.state).toBe("draining");
    // Whoever has not heard yet is still served.
    expect(await world.told(world.calling({ tries: 1 }).pay({ n: 0 }))).toEqual({ n: 0 });
    await world.runtime.advance(300);
    expect(await world.told(world.calling({ tries: 1 }).pay({ n: 0 }))).toBe("NO_RESPONDERS none");
    expect(endpoints.endpoint("one")?.state).toBe("draining");
    finish();
    expect(await running).toEqual({ n: 7 });
    expect(await world.outcome(closing)).toBeUndefined();
    expect(endpoints.endpoint("one")).toBeUndefined();
    await world.outcome(Promise.all([registry.close(), found.close()]));
  });

  it("whose registration ends in mid-call is not waited for", async () => {
    const endpoint = (id: string): Endpoint => ({
      service: "echo",
      id,
      version: "1.2.0",
      address: id,
      zone: "",
      weight: 1,
      warmUpMs: 0,
      ageMs: 0,
      state: "up",
    });
    let listener: (snapshot: ServiceSnapshot) => void = () => {};
    const snapshotOf = (revision: number, ids: readonly string[]): ServiceSnapshot => ({
      service: "echo",
      revision,
      endpoints: ids.map(endpoint),
      draining: [],
      doubted: new Set(),
      isPanic: false,
      isStale: false,
      staleSinceMs: undefined,
      madeMs: 0,
    });
    const view = {
      snapshot: snapshotOf(0, []),
      onChange: (told: typeof listener) => ((listener = told), () => {}),
    } as unknown as ServiceView;
    await world.served(never, { id: "one" });
    const echo = world.calling({ tries: 1, endpoints: view });
    // Before the first list a call waits for it.
    expect(await world.told(echo.pay({ n: 1 }, { timeoutMs: 50 }))).toBe("TIMEOUT none");
    const call = echo.pay({ n: 1 });
    listener(snapshotOf(1, ["one"]));
    await world.runtime.advance(1);
    expect(echo.stats.attempts).toBe(1);
    listener(snapshotOf(2, ["two"]));
    expect(await world.told(call)).toBe("OUTCOME_UNKNOWN unknown");
    listener(snapshotOf(3, []));
    expect(await world.told(echo.pay({ n: 1 }))).toBe("NO_RESPONDERS none");
  });
});

describe("a client that closes", () => {
  it("lets calls end, then ends them; nothing of it is left", async () => {
    await world.served(never);
    const echo = world.calling({ tries: 1 });
    const call = echo.pay({ n: 1 });
    await world.runtime.advance(1);
    const closed = echo.close({ graceMs: 50 });
    expect(await world.told(echo.pay({ n: 2 }))).toBe("CLOSED none");
    expect(await world.told(call)).toBe("ABORTED unknown");
    await world.outcome(closed);
    expect(await Promise.resolve(echo)).toBe(echo);
  });
});
