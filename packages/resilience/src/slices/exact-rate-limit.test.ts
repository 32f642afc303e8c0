import { isQuorateError } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { createMemoryStore, type MemoryBackend, memoryBackend } from "@quorate/memory";
import { describe, expect, it } from "vitest";

import { type ExactRateLimiter, exactRateLimit } from "./exact-rate-limit.ts";

const LIMIT = { limit: 10, perMs: 1_000, burst: 2 };

function world() {
  const runtime = new ScriptedRuntime();
  const store = createMemoryStore({ runtime });
  const backend = (): MemoryBackend => memoryBackend({ store, runtime });
  const fate = (limiter: ExactRateLimiter, signal?: AbortSignal): Promise<unknown> =>
    limiter
      .run(() => runtime.time.monotonicMs(), { signal })
      .catch((error: unknown) => (isQuorateError(error) ? error.code : error));
  return { runtime, backend, fate };
}

describe("exactRateLimit", () => {
  it("is one bucket for all, and names the very moment to come back", async () => {
    const { runtime, backend, fate } = world();
    const fleet = Array.from({ length: 5 }, () => exactRateLimit(backend(), "mails", LIMIT));
    const fates = await Promise.all(fleet.map((limiter) => fate(limiter)));
    expect(fates.filter((one) => one === 0).length).toBe(2);
    expect(fates.filter((one) => one === "RATE_LIMITED").length).toBe(3);
    const [one, two] = fleet;
    const error: unknown = await one?.run(() => 1).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ effect: "none", details: { retryAfterMs: 100 } });
    await runtime.advance(99.999);
    expect(await fate(two as ExactRateLimiter)).toBe("RATE_LIMITED");
    await runtime.advance(0.001);
    expect(await fate(two as ExactRateLimiter)).toBe(100);
    await Promise.all(fleet.map((limiter) => limiter.close()));
  });

  it("passes exactly what it allows, over many instances and a long time", async () => {
    const { runtime, backend, fate } = world();
    const fleet = Array.from({ length: 4 }, () => exactRateLimit(backend(), "mails", LIMIT));
    const passed: unknown[] = [];
    for (let step = 0; step < 2_000; step++) {
      const fates = await Promise.all(fleet.map((limiter) => fate(limiter)));
      passed.push(...fates.filter((one) => one !== "RATE_LIMITED"));
      await runtime.advance(10);
    }
    // At 0 and at each 100 ms up to 19.9 s, and one more for the burst.
    expect(passed.length).toBe(201);
  });

  it("has calls wait in the order of the writes, over all instances", async () => {
    const { runtime, backend, fate } = world();
    const options = { ...LIMIT, burst: 1, waitMs: 250 };
    const one = exactRateLimit(backend(), "mails", options);
    const two = exactRateLimit(backend(), "mails", options);
    const fates: Promise<unknown>[] = [];
    for (const limiter of [one, two, one, two]) {
      fates.push(fate(limiter));
      await runtime.advance(0);
    }
    await runtime.advance(500);
    expect(await Promise.all(fates)).toEqual([0, 100, 200, "RATE_LIMITED"]);
    expect(one.stats).toEqual({ passed: 2, waited: 1, refused: 0, waiting: 0 });
  });

  it("needs one write for calls that come together, and none for what it must refuse", async () => {
    const { runtime, backend, fate } = world();
    const one = backend();
    let writes = 0;
    const { kv } = one;
    const counted = {
      runtime,
      kv: {
        put: (...args: Parameters<typeof kv.put>) => {
          writes += 1;
          return kv.put(...args);
        },
      },
    } as unknown as MemoryBackend;
    const limiter = exactRateLimit(counted, "mails", { ...LIMIT, burst: 50 });
    const fates = await Promise.all(Array.from({ length: 100 }, () => fate(limiter)));
    expect(fates.filter((one) => one === 0).length).toBe(50);
    expect(writes).toBe(2); // The first goes alone, the others meet while it is under way.
    expect(await fate(limiter)).toBe("RATE_LIMITED");
    expect(writes).toBe(2);
  });

  it("ends a wait in the turn of the cancel or the deadline", async () => {
    const { runtime, backend, fate } = world();
    const limiter = exactRateLimit(backend(), "mails", { ...LIMIT, burst: 1, waitMs: 500 });
    expect(await fate(limiter)).toBe(0);
    const controller = new AbortController();
    const cancelled = fate(limiter, controller.signal);
    await runtime.advance(50);
    const reason = { why: "not wanted" };
    controller.abort(reason);
    expect(await cancelled).toBe(reason);
    const late = limiter.run(() => 1, { timeoutMs: 149 });
    await expect(late).rejects.toMatchObject({ code: "RATE_LIMITED" });
    const line = fate(limiter);
    await limiter.close();
    expect(await line).toBe("CLOSED");
    expect(await fate(limiter)).toBe("CLOSED");
    await runtime.advance(25);
    expect(runtime.pendingTimers).toBe(1); // The record's retention, at the store.
  });

  it("lets nothing pass while the store cannot be asked, and says so", async () => {
    const { runtime, backend, fate } = world();
    const one = backend();
    const limiter = exactRateLimit(one, "mails", LIMIT);
    const lost: unknown[] = [];
    limiter.on("storeLost", ({ error }) => lost.push(error));
    one.faults.cut();
    expect(await fate(limiter)).toBe("RATE_LIMITED");
    one.faults.restore();
    one.faults.dropNextReply();
    expect(await fate(limiter)).toBe("RATE_LIMITED");
    expect(lost).toEqual(["STORE_UNAVAILABLE", "OUTCOME_UNKNOWN"]);
    // The write whose answer was lost has taken one of two: it is spent.
    await runtime.advance(1);
    expect([await fate(limiter), await fate(limiter)]).toEqual([1, "RATE_LIMITED"]);
    await one.kv.put("quorate-permits/mails", "somebody's");
    await runtime.advance(1_000);
    expect(await fate(limiter)).toBe("RATE_LIMITED");
    expect(lost.at(-1)).toBe("RECORD_INVALID");
  });

  it("leaves no record when it has rested", async () => {
    const { runtime, backend, fate } = world();
    const one = backend();
    expect(await fate(exactRateLimit(one, "mails", LIMIT))).toBe(0);
    await runtime.advance(60_000);
    expect(await one.kv.get("quorate-permits/mails")).toBeDefined();
    await runtime.advance(1_000);
    expect(await one.kv.get("quorate-permits/mails")).toBeUndefined();
    expect(runtime.pendingTimers).toBe(0);
  });
});
