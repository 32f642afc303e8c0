/**
 * Case 44: our facade against the real opossum 9, on what opossum documents, point by point, on
 * the same fake clock.
 */
import { afterEach, describe, expect, it, vi } from "vitest";

import {
  act,
  type Action,
  both,
  fakeClock,
  type Make,
  pass,
  plain,
  record,
  seen,
  stateOf,
} from "./opossum.fixture.ts";

afterEach(() => void vi.useRealTimers());

const RESET_MS = 1_000;

describe("case 44: as the real opossum", () => {
  const same = async (claim: (make: Make) => Promise<unknown>): Promise<unknown> => {
    const results: unknown[] = [];
    for (const [, make] of both) {
      fakeClock();
      results.push(await claim(make));
    }
    expect(results[0]).toEqual(results[1]);
    return results[0];
  };

  it("names, groups, defaults and what is no function", async () => {
    await same(async (make) => {
      const named = make(function getUser() {});
      const given = make(act, { name: "users", group: "api", volumeThreshold: 3 });
      const value = make("foo" as never);
      return [
        [named.name, named.group, given.name, given.group, typeof value.name],
        [named.enabled, named.closed, named.warmUp, named.pendingClose, named.getSignal()],
        await seen(value.fire()),
        make(act, { enabled: false }).enabled,
      ];
    });
    for (const [, make] of both) expect(() => make(undefined as never)).toThrowError(TypeError);
  });

  it("call gives the action its `this`, fallbacks get arguments and the error", async () => {
    const result = await same(async (make) => {
      const context = { salt: "s" };
      const breaker = make(function (this: typeof context, text: string) {
        return `${text}${this.salt}`;
      });
      const failing = make(act);
      failing.fallback((deed: string, error: Error) => [deed, plain(error)]);
      const other = make((deed: string) => `other ${deed}`);
      const chained = make(act).fallback(other as never);
      const broken = make(act).fallback(() => {
        throw new Error("fallback");
      });
      return [
        await seen(breaker.call(context, "x")),
        await seen(failing.fire("reject")),
        await seen(chained.fire("reject")),
        plain(((await seen(broken.fire("reject"))) as { error: Error }).error),
      ];
    });
    expect(result).toMatchObject([{ value: "xs" }, { value: ["reject", {}] }, {}, {}]);
  });

  it("capacity: what is too much is rejected with ESEMLOCKED and the fallback", async () => {
    await same(async (make) => {
      const breaker = make(act, { capacity: 1, timeout: false, errorThresholdPercentage: 100 });
      let locked = 0;
      breaker.on("semaphoreLocked", () => (locked += 1));
      void seen(breaker.fire("hang"));
      const outcome = (await seen(breaker.fire("value"))) as { error: Error };
      return [plain(outcome.error), locked, breaker.stats.semaphoreRejections];
    });
  });

  it("warm-up: failures of the first window do not open it, those after it do", async () => {
    await same(async (make) => {
      const options = { allowWarmUp: true, volumeThreshold: 0, rollingCountTimeout: 1_000 };
      const breaker = make(act, options);
      await seen(breaker.fire("reject"));
      const before = [breaker.warmUp, breaker.opened];
      await pass(2_000);
      await seen(breaker.fire("reject"));
      return [before, breaker.warmUp, breaker.opened];
    });
  });

  it("cache: the first result is kept by key, for its time, until it is cleared", async () => {
    const result = await same(async (make) => {
      let runs = 0;
      const action: Action = (key: string) => `${key}${(runs += 1)}`;
      const breaker = make(action, { cache: true, cacheTTL: 100 });
      const heard = record(breaker);
      const values: unknown[] = [];
      for (const key of ["a", "a", "b", "wait", "a", "clear", "a", "a"]) {
        if (key === "wait") await pass(101);
        else if (key === "clear") breaker.clearCache();
        else values.push(await breaker.fire(key));
      }
      return [values, runs, heard.map((event) => (event as [string])[0])];
    });
    expect((result as unknown[])[0]).toEqual(["a1", "a1", "b2", "a3", "a4", "a4"]);
  });

  it("cache: a transport and a key function of one's own", async () => {
    await same(async (make) => {
      const log: unknown[] = [];
      const entries = new Map<string, unknown>();
      const cacheTransport = {
        get: (key: string) => entries.get(key),
        set: (key: string, value: unknown, ttl: number) => {
          log.push([key, ttl]);
          entries.set(key, value);
        },
        flush: () => entries.clear(),
      };
      const cacheGetKey = ((id: number) => `id-${id % 2}`) as never;
      const breaker = make((id: number) => id, {
        cache: true,
        cacheTransport,
        cacheGetKey,
        cacheTTL: 50,
      });
      return [await breaker.fire(1), await breaker.fire(3), log];
    });
    for (const [, make] of both) {
      const options = { cache: true, cacheTransport: {} as never };
      expect(() => make(act, options)).toThrowError(TypeError);
    }
  });

  it("coalesce: calls of one key share a run, for its time or until it succeeded", async () => {
    for (const options of [{}, { coalesceTTL: 50 }, { coalesceResetOn: ["success"] as const }]) {
      await same(async (make) => {
        let runs = 0;
        const action: Action = async () => (runs += 1);
        const breaker = make(action, { coalesce: true, ...options });
        const values = await Promise.all([breaker.fire(), breaker.fire(), breaker.fire()]);
        values.push(await breaker.fire());
        await pass(60);
        values.push(await breaker.fire());
        const { coalesceCacheHits, coalesceCacheMisses } = breaker.stats;
        return [values, runs, coalesceCacheHits, coalesceCacheMisses];
      });
    }
  });

  it("health checks open it and are told of, at once and at each interval", async () => {
    await same(async (make) => {
      const breaker = make(act);
      const heard = record(breaker);
      let isWell = true;
      const selves: boolean[] = [];
      breaker.healthCheck(async function (this: unknown) {
        selves.push(this === breaker);
        if (!isWell) throw new Error("unwell");
      }, 100);
      await pass(150);
      isWell = false;
      await pass(100);
      return [heard, breaker.opened, selves];
    });
    for (const [, make] of both) {
      expect(() => make(act).healthCheck("x" as never)).toThrowError(TypeError);
      expect(() => make(act).healthCheck(async () => {}, "x" as never)).toThrowError(TypeError);
    }
  });

  it("shutdown: told once, calls rejected with ESHUTDOWN, listeners gone", async () => {
    await same(async (make) => {
      const breaker = make(act, { cache: true });
      const heard = record(breaker);
      breaker.shutdown();
      const outcome = (await seen(breaker.fire("value"))) as { error: Error };
      return [heard, plain(outcome.error), stateOf(breaker), breaker.listenerCount("fire")];
    });
  });

  it("an abort controller of one's own is aborted by a timeout", async () => {
    await same(async (make) => {
      const abortController = new AbortController();
      const breaker = make(act, { abortController, timeout: 50 });
      void seen(breaker.fire("hang"));
      await pass(50);
      return [abortController.signal.aborted, breaker.getSignal() === abortController.signal];
    });
    for (const [, make] of both) {
      expect(() => make(act, { abortController: {} as never })).toThrowError(TypeError);
    }
  });

  it("a state is exported and imported: closed, open, half-open, disabled", async () => {
    await same(async (make) => {
      const restored: unknown[] = [];
      const states = [
        { closed: true },
        { closed: false, open: true },
        { closed: false, open: true, lastTimerAt: Date.now() - 2 * RESET_MS },
        { closed: false, open: true, lastTimerAt: Date.now() - 10 },
        { closed: false, halfOpen: true },
        { enabled: false },
        { shutdown: true },
      ];
      for (const state of states) {
        const breaker = make(act, { resetTimeout: RESET_MS, state });
        restored.push(stateOf(breaker));
        const { lastTimerAt: _stamp, ...exported } = breaker.toJSON().state;
        restored.push({ ...exported, name: "action" });
      }
      return restored;
    });
  });

  it("statistics given at the start count", async () => {
    const stats = { fires: 10, failures: 5, successes: 5, latencyTimes: [1, 2, 3] };
    await same(async (make) => {
      const breaker = make(act, {
        status: stats,
        errorThresholdPercentage: 50,
        volumeThreshold: 1,
      });
      await seen(breaker.fire("reject"));
      return stateOf(breaker);
    });
  });

  it("latencies: mean and percentiles, or -1 without them", async () => {
    for (const rollingPercentilesEnabled of [true, false]) {
      const wait: Action = (ms: number) => new Promise((go) => setTimeout(go, ms));
      await same(async (make) => {
        const breaker = make(wait, { rollingPercentilesEnabled });
        for (const ms of [10, 20, 30, 40]) {
          const call = breaker.fire(ms);
          await pass(ms);
          await call;
        }
        const { latencyMean, percentiles, latencyTimes } = breaker.stats;
        return { latencyMean, percentiles, latencyTimes };
      });
    }
  });
});
