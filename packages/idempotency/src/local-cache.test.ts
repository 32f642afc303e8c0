import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";
import { LocalCache } from "./local-cache.ts";
import type { StoredAnswer } from "./record.ts";
import { World } from "./world.fixture.ts";

const answer = (text: string): StoredAnswer => ({ state: "completed", text, atMs: 0 });

function cacheOf(options: { max?: number; maxBytes?: number; maxAgeMs?: number } = {}) {
  const { time, ...runtime } = new ScriptedRuntime();
  const cache = new LocalCache({ max: 3, maxBytes: 1_000, maxAgeMs: 10_000, ...options }, time);
  const put = (key: string, text = key, keptMs = 5_000): void =>
    cache.put(key, { fingerprint: "f", answer: answer(text), keptMs }, cache.reading());
  return { cache, put, runtime };
}

describe("the local cache", () => {
  it("keeps the most recently used, within number and size", () => {
    const { cache, put } = cacheOf();
    for (const key of ["a", "b", "c"]) put(key);
    cache.get("a", "f");
    put("d");
    expect(["a", "b", "c", "d"].filter((key) => cache.get(key, "f") !== undefined)).toEqual([
      "a",
      "c",
      "d",
    ]);
    put("large", "x".repeat(499));
    expect(["a", "c", "d", "large"].filter((key) => cache.get(key, "f"))).toEqual(["d", "large"]);
    put("too large", "x".repeat(501));
    expect(cache.get("too large", "f")).toBeUndefined();
    expect(cache.get("large", "f")).toBeDefined();
  });

  it("[56] gives no answer to another request", () => {
    const { cache, put } = cacheOf();
    put("a");
    expect(cache.get("a", "g")).toBeUndefined();
    expect(cache.get("a", "f")).toEqual(answer("a"));
  });

  it("[56] gives no answer beyond its end, counted from before the question left", async () => {
    const runtime = new ScriptedRuntime();
    const cache = new LocalCache({ max: 3, maxBytes: 1_000, maxAgeMs: 10_000 }, runtime.time);
    const since = cache.reading();
    await runtime.advance(3_000); // The answer took long.
    cache.put("a", { fingerprint: "f", answer: answer("a"), keptMs: 5_000 }, since);
    await runtime.advance(1_900);
    expect(cache.get("a", "f")).toBeDefined();
    await runtime.advance(100);
    expect(cache.get("a", "f")).toBeUndefined();
  });

  it("[56] gives no answer that expired while the machine slept", () => {
    const runtime = new ScriptedRuntime();
    const cache = new LocalCache({ max: 3, maxBytes: 1_000, maxAgeMs: 10_000 }, runtime.time);
    cache.put("a", { fingerprint: "f", answer: answer("a"), keptMs: 5_000 }, cache.reading());
    runtime.sleepMachine(5_000);
    expect(cache.get("a", "f")).toBeUndefined();
  });

  it("uses no copy for longer than maxAgeMs", async () => {
    const runtime = new ScriptedRuntime();
    const cache = new LocalCache({ max: 3, maxBytes: 1_000, maxAgeMs: 1_000 }, runtime.time);
    cache.put("a", { fingerprint: "f", answer: answer("a"), keptMs: 86_400_000 }, cache.reading());
    await runtime.advance(1_000);
    expect(cache.get("a", "f")).toBeUndefined();
  });
});

describe("repeats with a local cache", () => {
  it("are answered without the store, each with a value of its own", async () => {
    const world = new World();
    const { idempotency, calls } = world.process({ localCache: { max: 10 } });
    const ask = () => idempotency.run("k", () => ({ n: 1 }));
    const answers = [await ask(), await ask(), await ask()];
    expect(answers).toEqual([{ n: 1 }, { n: 1 }, { n: 1 }]);
    expect(new Set(answers).size).toBe(3);
    expect(calls.made).toHaveLength(2);
  });

  it("[56] ask the store where the request is another, the first runs, or it ended", async () => {
    const world = new World();
    const cached = world.process({ localCache: { max: 10 }, ttlMs: 30_000 });
    const other = world.process({ ttlMs: 30_000 });
    const ask = (fingerprint: number) =>
      cached.idempotency.run("k", () => fingerprint, { fingerprint });
    const running = other.idempotency.run("k", () => world.work(500), { fingerprint: 1 });
    await world.settle();
    const waits = ask(1);
    await expect(ask(2)).rejects.toThrow("IDEMPOTENCY_MISMATCH");
    await world.runtime.advance(500);
    await Promise.all([running, waits]);
    await ask(1);
    await expect(ask(2)).rejects.toThrow("IDEMPOTENCY_MISMATCH");
    await world.runtime.advance(30_000);
    expect(await ask(2)).toBe(2);
  });

  it("hear of a forgetting in their own process at once, elsewhere within maxAgeMs", async () => {
    const world = new World();
    const localCache = { max: 10, maxAgeMs: 1_000 };
    const [one, two] = [world.process({ localCache }), world.process({ localCache })];
    await one.idempotency.run("k", () => 1);
    expect(await two.idempotency.run("k", () => 2)).toBe(1);
    await one.idempotency.forget("k", { by: "ann", why: "wrong price" });
    expect(await two.idempotency.run("k", () => 3)).toBe(1);
    expect(await one.idempotency.run("k", () => 4)).toBe(4);
    await world.runtime.advance(1_000);
    expect(await two.idempotency.run("k", () => 5)).toBe(4);
  });
});
