import { isQuorateError } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import Opossum from "opossum";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Guard } from "../layer.ts";
import { outcomeOf, pending, spyGuard } from "../policy.fixture.ts";
import { pipe, policyOf } from "../policy.ts";
import { timeout } from "../timeout.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import { fromOpossum, type OpossumBreaker, opossumEffect } from "./from-opossum.ts";

type Work = () => Promise<unknown>;

const kept = {
  opossum: (options: object = {}): OpossumBreaker & { open(): void; shutdown(): void } =>
    new Opossum((work: Work) => work(), { enableSnapshots: false, ...options }),
  "the facade": (options: object = {}): OpossumBreaker & { open(): void; shutdown(): void } =>
    new CircuitBreaker((work: Work) => work(), options),
} as const;

beforeEach(
  () => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "hrtime"] }),
);
afterEach(() => void vi.useRealTimers());

describe.each(Object.entries(kept))("a policy out of %s", (_, make) => {
  it("hands values and errors through, the identical objects", async () => {
    const policy = fromOpossum(make({ errorThresholdPercentage: 100 }));
    const value = {};
    expect(await policy.run(() => value)).toBe(value);
    const error = new Error("down");
    expect(await outcomeOf(policy.run(() => Promise.reject(error)))).toEqual({ error });
    expect(await policy.run((call) => call.attempt)).toBe(1);
  });

  it("does not run the work while open, and its error says so", async () => {
    const breaker = make();
    breaker.open();
    let runs = 0;
    const outcome = await outcomeOf(fromOpossum(breaker).run(() => (runs += 1)));
    const { error } = outcome as { error: unknown };
    expect(isQuorateError(error)).toBe(false);
    expect([runs, (error as { code: string }).code, opossumEffect(error)]).toEqual([
      0,
      "EOPENBREAKER",
      "none",
    ]);
    breaker.shutdown();
  });

  it("at its timeout the signal aborts, and places outside are held until the end", async () => {
    const runtime = new ScriptedRuntime();
    const facadeTime = make === kept["the facade"] ? { runtime } : {};
    const log: string[] = [];
    const work = pending<string>();
    let signal: AbortSignal | undefined;
    const [spy] = spyGuard(runtime, log, "limit").layers as [Guard];
    const policy = pipe(
      policyOf({ ...spy, rank: "timeout" }),
      fromOpossum(make({ timeout: 50, ...facadeTime }), { runtime }),
    );
    const call = outcomeOf(
      policy.run((own) => {
        ({ signal } = own);
        return work.promise;
      }),
    );
    await runtime.advance(50);
    await vi.advanceTimersByTimeAsync(50);
    const { error } = (await call) as { error: unknown };
    expect([(error as { code: string }).code, opossumEffect(error)]).toEqual([
      "ETIMEDOUT",
      "unknown",
    ]);
    expect(signal?.reason).toBe(error);
    expect(log).toEqual(["limit in", "limit failed"]);
    work.resolve("late");
    await runtime.advance(0);
    expect(log).toEqual(["limit in", "limit failed", "limit settled"]);
  });

  it("the caller's cancel ends it at once, with the reason itself", async () => {
    const runtime = new ScriptedRuntime();
    const facadeTime = make === kept["the facade"] ? { runtime } : {};
    const policy = pipe(
      timeout({ timeoutMs: 1_000, runtime }),
      fromOpossum(make(facadeTime), { runtime }),
    );
    const controller = new AbortController();
    const reason = { user: "left" };
    const call = outcomeOf(policy.run(() => new Promise(() => {}), { signal: controller.signal }));
    await runtime.advance(0);
    controller.abort(reason);
    expect(((await call) as { error: unknown }).error).toBe(reason);
  });
});

describe("effects of opossum's errors", () => {
  it("are read from their codes, and of anything else nothing is said", () => {
    const withCode = (code: string) => Object.assign(new Error(), { code });
    expect(
      ["EOPENBREAKER", "ESEMLOCKED", "ESHUTDOWN", "ETIMEDOUT", "ECONNRESET"].map((code) =>
        opossumEffect(withCode(code)),
      ),
    ).toEqual(["none", "none", "none", "unknown", undefined]);
    const hostile = Object.defineProperty({}, "code", {
      get: () => {
        throw new Error("no");
      },
    });
    for (const error of [null, undefined, "EOPENBREAKER", {}, hostile]) {
      expect(opossumEffect(error)).toBeUndefined();
    }
  });

  it("what has no fire is refused", () => {
    for (const wrong of [undefined, {}, () => {}]) {
      expect(() => fromOpossum(wrong as never)).toThrowError(/breaker\.fire/);
    }
  });
});
