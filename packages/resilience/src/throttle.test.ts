import { isQuorateError, QuorateError, type Random, type Runtime } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { codeOf, startJob } from "./bulkhead.fixture.ts";
import { bulkhead } from "./bulkhead.ts";
import { pipe } from "./policy.ts";
import { throttle, type ThrottleOptions } from "./throttle.ts";
import { ThrottleWindow } from "./throttle-window.ts";

const busy = () =>
  new QuorateError("OVERLOADED", "busy", { effect: "none", details: { reason: "full" } });

/** A runtime whose chance is what the test says: 0 rejects at any rate, 0.999 at almost none. */
function given(options: Omit<ThrottleOptions, "runtime"> = {}) {
  const scripted = new ScriptedRuntime();
  const chance = { value: 0.999_999 };
  const random: Random = { next: () => chance.value, bytes: (n) => new Uint8Array(n) };
  const runtime: Runtime & { advance(ms: number): Promise<void> } = {
    time: scripted.time,
    ids: scripted.ids,
    events: scripted.events,
    random,
    advance: (ms) => scripted.advance(ms),
  };
  const policy = throttle({ ...options, runtime });
  const accepted = async (times = 1): Promise<void> => {
    for (let index = 0; index < times; index++) await policy.run(() => "ok");
  };
  const refused = async (times = 1, error: unknown = busy()): Promise<void> => {
    for (let index = 0; index < times; index++) {
      await policy.run(() => Promise.reject(error)).catch(() => {});
    }
  };
  return { runtime, recorded: scripted.recorded, policy, chance, accepted, refused };
}

describe("throttle", () => {
  it("drops nothing while at least one in K calls is accepted", async () => {
    const { policy, chance, accepted, refused } = given();
    chance.value = 0;
    await accepted(50);
    await refused(50);
    expect(policy.stats).toEqual({ refusalRate: 0, requests: 100, accepts: 50, rejected: 0 });
  });

  it("drops the share that the formula says, by chance", async () => {
    const { policy, chance, accepted, refused } = given();
    await accepted(10);
    await refused(80);
    const rate = (90 - 2 * 10) / 91;
    expect(policy.stats.refusalRate).toBe(rate);
    chance.value = rate - 1e-9;
    const error = await policy.run(() => "never").catch((thrown: unknown) => thrown);
    expect(isQuorateError(error, "THROTTLED") && error.details).toEqual({
      throttle: "throttle",
      refusalRate: rate,
    });
    expect(error).toMatchObject({ effect: "none" });
    chance.value = (91 - 20) / 92;
    expect(await policy.run(() => "through")).toBe("through");
  });

  it("counts its own rejections as requests, not as accepts", async () => {
    const { policy, chance, refused } = given();
    await refused(10);
    chance.value = 0;
    await policy.run(() => "never").catch(() => {});
    expect(policy.stats).toMatchObject({ requests: 11, accepts: 0, rejected: 1 });
  });

  it("counts calls when they end: a burst at the start is not taken for refusals", async () => {
    const { runtime, policy, chance } = given();
    chance.value = 0;
    const jobs = Array.from({ length: 100 }, () => startJob(policy));
    await runtime.advance(0);
    expect(jobs.every(({ isRunning }) => isRunning)).toBe(true);
    expect(policy.stats.requests).toBe(0);
    for (const job of jobs) job.finish();
    await runtime.advance(0);
    expect(policy.stats).toMatchObject({ requests: 100, accepts: 100 });
  });

  it("lets at least a twentieth through, however long all was refused", async () => {
    const { policy, chance, refused } = given();
    await refused(1_000);
    expect(policy.stats.refusalRate).toBe(0.95);
    chance.value = 0.95;
    expect(await policy.run(() => "probe")).toBe("probe");
  });

  it("forgets what is older than its window, also after a silence of hours", async () => {
    const { runtime, policy, refused } = given({ windowMs: 24_000 });
    await refused(10);
    await runtime.advance(12_000);
    await refused(5);
    await runtime.advance(11_999);
    expect(policy.stats.requests).toBe(15);
    await runtime.advance(1);
    expect(policy.stats.requests).toBe(5);
    await runtime.advance(3_600_000);
    expect(policy.stats).toMatchObject({ requests: 0, refusalRate: 0 });
  });

  it.each<[string, number, unknown]>([
    ["OVERLOADED", 0, busy()],
    ["status 429", 0, Object.assign(new Error(), { status: 429 })],
    ["status 503", 0, { statusCode: 503 }],
    ["status 500", 1, { status: 500 }],
    ["a plain error", 1, new Error("bug")],
    ["null", 1, null],
  ])("counts %s as %i accepts", async (_what, accepts, error) => {
    const { policy, refused } = given();
    await refused(1, error);
    expect(policy.stats).toMatchObject({ requests: 1, accepts });
  });

  it("survives an error whose fields throw", async () => {
    const { policy } = given();
    const error = {
      get status(): number {
        throw new Error("getter");
      },
    };
    await expect(policy.run(() => Promise.reject(error))).rejects.toBe(error);
    expect(policy.stats).toMatchObject({ requests: 1, accepts: 1 });
  });

  it("asks refused about values and errors, and stays with the usual if it throws", async () => {
    const { policy, refused } = given({
      refused: (outcome) => outcome.ok && outcome.value === "try later",
    });
    await policy.run(() => "try later");
    await refused(1);
    expect(policy.stats).toMatchObject({ requests: 2, accepts: 1 });

    const broken = given({
      refused: () => {
        throw new Error("predicate");
      },
    });
    await broken.accepted(1);
    await broken.refused(1);
    expect(broken.policy.stats).toMatchObject({ requests: 2, accepts: 1 });
    expect(broken.recorded.map(({ name }) => name)).toContain("resilience.listener-failed");
  });

  it("case 11: does not count cancels, nor rejections of policies further in", async () => {
    const { runtime, policy } = given();
    const inner = bulkhead({ max: 1, runtime });
    const both = pipe(policy, inner);
    const caller = new AbortController();
    startJob(both, { signal: caller.signal });
    const full = startJob(both);
    await runtime.advance(0);
    expect(codeOf(full.outcome)).toBe("BULKHEAD_FULL none");
    caller.abort();
    await runtime.advance(0);
    expect(policy.stats.requests).toBe(0);
  });

  it("tells listeners and its channel of what it held back", async () => {
    const { policy, chance, refused, recorded } = given({ name: "billing" });
    await refused(10);
    chance.value = 0;
    const heard: unknown[] = [];
    policy.on("rejected", (event) => heard.push(event));
    await policy.run(() => 1).catch(() => {});
    expect(heard).toEqual([{ throttle: "billing", refusalRate: 10 / 11 }]);
    expect(recorded).toContainEqual({ name: "throttle.rejected", event: heard[0] });
  });

  it.each<[string, object]>([
    ["ratio", { ratio: 0.5 }],
    ["ratio", { ratio: Number.NaN }],
    ["windowMs", { windowMs: 0 }],
    ["windowMs", { windowMs: Infinity }],
    ["maxRefusalRate", { maxRefusalRate: 1.1 }],
    ["refused", { refused: true }],
    ["throttle.k", { k: 2 }],
  ])("case 15: refuses %s of %j", (option, options) => {
    expect(() => throttle(options as ThrottleOptions)).toThrow(
      expect.objectContaining({
        code: "INVALID_ARGUMENT",
        details: expect.objectContaining({ option }),
      }),
    );
  });

  it("brings a server that accepts 100 a second from 1,000 offered down to about 200", async () => {
    const runtime = new ScriptedRuntime();
    const policy = throttle({ windowMs: 10_000, runtime });
    let sent = 0;
    let inSecond = 0;
    for (let tick = 0; tick < 40_000; tick++) {
      if (tick % 1_000 === 0) inSecond = 0;
      if (tick % 100 === 0) await runtime.advance(100);
      const work = (): string => {
        if (tick >= 30_000) sent += 1;
        inSecond += 1;
        if (inSecond > 100) throw busy();
        return "ok";
      };
      await policy.run(work).catch(() => {});
    }
    expect(sent / 10).toBeGreaterThan(150);
    expect(sent / 10).toBeLessThan(260);
  });
});

describe("ThrottleWindow", () => {
  it("agrees with a list of all calls, for any times", () => {
    const calls = fc.array(fc.record({ gapMs: fc.nat(5_000), accepted: fc.boolean() }), {
      maxLength: 100,
      size: "max",
    });
    fc.assert(
      fc.property(calls, fc.nat(1e9), (all, startMs) => {
        const window = new ThrottleWindow(24_000);
        const counted: { bucket: number; accepted: boolean }[] = [];
        let nowMs = startMs;
        for (const { gapMs, accepted } of all) {
          nowMs += gapMs;
          window.count(nowMs, accepted);
          counted.push({ bucket: Math.floor(nowMs / 1_000), accepted });
          const live = counted.filter(({ bucket }) => bucket > Math.floor(nowMs / 1_000) - 24);
          expect(window.requests).toBe(live.length);
          expect(window.accepts).toBe(live.filter((one) => one.accepted).length);
        }
      }),
    );
  });
});
