/**
 * What p-retry 7.1.1 gets wrong (measured: research of part 4, §6), shown on it and not on ours.
 */
import { ScriptedRuntime } from "@quorate/core/testing";
import realPRetry from "p-retry";
import { describe, expect, it } from "vitest";

import { fromPRetry, pRetry } from "./p-retry.ts";
import type { Options } from "./p-retry.ts";
import { pRetryOn } from "./p-retry-run.ts";
import { outcomeOf } from "./policy.fixture.ts";

const fast = { retries: 3, minTimeout: 1 };

const passed = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("case 44: what p-retry gets wrong and we do not:", () => {
  it("an error that is no Error comes out untouched, and is retried", async () => {
    for (const thrown of [{ code: 14 }, "text", null, undefined]) {
      let ran = 0;
      const work = (): Promise<never> => {
        ran += 1;
        return Promise.reject(thrown); // oxlint-disable-line prefer-promise-reject-errors
      };
      const mine = (await outcomeOf(pRetry(work, fast))) as { error: unknown };
      expect([mine.error, ran]).toEqual([thrown, 4]);
      ran = 0;
      const theirs = (await outcomeOf(realPRetry(work, fast))) as { error: unknown };
      expect([theirs.error instanceof TypeError, ran]).toEqual([true, 1]);
    }
  });

  it("a signal of the work's own that is dead does not burn all retries", async () => {
    const dead = AbortSignal.abort();
    let ran = 0;
    const work = async (): Promise<void> => {
      ran += 1;
      dead.throwIfAborted();
    };
    expect(await outcomeOf(pRetry(work, fast))).toEqual({ error: dead.reason });
    expect(ran).toBe(2);
    ran = 0;
    await outcomeOf(realPRetry(work, fast));
    expect(ran).toBe(4);
  });

  it("a timeout that is new in each attempt is retried", async () => {
    let ran = 0;
    const work = async (): Promise<void> => {
      ran += 1;
      throw new DOMException("too slow", "TimeoutError");
    };
    await outcomeOf(pRetry(work, fast));
    expect(ran).toBe(4);
  });

  it("a payment that was made is a success, whatever the signal says meanwhile", async () => {
    for (const library of [pRetry, realPRetry]) {
      const controller = new AbortController();
      const failures: unknown[] = [];
      const outcome = await outcomeOf(
        library(
          async () => {
            controller.abort(new Error("stop"));
            return "paid";
          },
          {
            ...fast,
            signal: controller.signal,
            onFailedAttempt: (context: { error: Error }) => void failures.push(context.error),
          },
        ),
      );
      if (library === pRetry) {
        expect([outcome, failures]).toEqual([{ value: "paid" }, []]);
      } else {
        expect(outcome).toMatchObject({ error: { message: "stop" } });
        expect(failures).toHaveLength(1); // The success was even reported as a failed attempt.
      }
    }
  });

  it("a reason that is no Error comes out as it is", async () => {
    for (const library of [pRetry, realPRetry]) {
      const controller = new AbortController();
      const call = outcomeOf(
        library(
          (attempt: number) => {
            controller.abort("enough");
            return Promise.reject(new Error(String(attempt)));
          },
          { ...fast, signal: controller.signal },
        ),
      );
      expect(await call).toEqual({ error: "enough" });
    }
    const controller = new AbortController();
    const late = outcomeOf(
      realPRetry(async () => controller.abort("enough"), { ...fast, signal: controller.signal }),
    );
    expect(await late).toMatchObject({ error: { name: "TypeError" } });
    const mine = new AbortController();
    const call = outcomeOf(pRetry(() => new Promise(() => {}), { ...fast, signal: mine.signal }));
    mine.abort("enough");
    expect(await call).toEqual({ error: "enough" });
  });

  it("a pause beyond 2³¹ ms is a long pause and not a hot loop", async () => {
    const options = { retries: Infinity, minTimeout: 2 ** 31 };
    const mine = new AbortController();
    let ran = 0;
    const call = outcomeOf(
      pRetry(() => Promise.reject((ran++, new Error("e"))), { ...options, signal: mine.signal }),
    );
    await passed(15);
    mine.abort("enough");
    expect(await call).toEqual({ error: "enough" });
    expect(ran).toBe(1);
    const theirs = new AbortController();
    const hot = realPRetry(
      async (attempt) => {
        if (attempt === 4) theirs.abort(new Error("24 days later"));
        throw new Error("e");
      },
      { ...options, signal: theirs.signal },
    );
    expect(await outcomeOf(hot)).toMatchObject({ error: { message: "24 days later" } });
  });

  it("a pause whose factor overflows stays within its bound", async () => {
    const runtime = new ScriptedRuntime();
    let ran = 0;
    const controller = new AbortController();
    const options = { retries: Infinity, minTimeout: 1, factor: 1e200, maxTimeout: 500 };
    const call = outcomeOf(
      pRetryOn(runtime).pRetry(() => Promise.reject((ran++, new Error("e"))), {
        ...options,
        signal: controller.signal,
      }),
    );
    await runtime.advance(10_000);
    expect(ran).toBe(21);
    controller.abort("enough");
    expect(await call).toEqual({ error: "enough" });
  });

  it("retries that consume nothing let timers and I/O run", async () => {
    for (const library of [pRetry, realPRetry]) {
      let timers = 0;
      let ran = 0;
      const timer = setInterval(() => (timers += 1), 1);
      await outcomeOf(
        library(() => Promise.reject((ran++, new Error("e"))), {
          shouldConsumeRetry: () => false,
          shouldRetry: () => ran < 20 || (library === realPRetry && ran < 2_000),
        }),
      );
      clearInterval(timer);
      if (library === pRetry) expect(timers).toBeGreaterThan(5);
      else expect(timers).toBe(0);
    }
  });

  it("a fraction of a retry does not lose the work's error", async () => {
    const own = new Error("own");
    const work = (): Promise<never> => Promise.reject(own);
    const mine = (await outcomeOf(pRetry(work, { ...fast, retries: 1.5 }))) as { error: unknown };
    expect(mine.error).toBe(own);
    const theirs = (await outcomeOf(realPRetry(work, { ...fast, retries: 1.5 }))) as typeof mine;
    expect(theirs.error).not.toBe(own);
  });

  it("an attempt that hangs ends with its signal, and with maxRetryTime", async () => {
    const hang = (): Promise<never> => new Promise(() => {});
    const controller = new AbortController();
    const aborted = outcomeOf(pRetry(hang, { signal: controller.signal }));
    controller.abort("enough");
    expect(await aborted).toEqual({ error: "enough" });
    const bounded = await outcomeOf(pRetry(hang, { maxRetryTime: 20 }));
    expect(bounded).toMatchObject({ error: { code: "TIMEOUT", effect: "unknown" } });
    const real = new AbortController();
    let hasEnded = false;
    const call = realPRetry(hang, { signal: real.signal, maxRetryTime: 1 });
    void outcomeOf(call).then(() => (hasEnded = true));
    real.abort("enough");
    await passed(20);
    expect(hasEnded).toBe(false);
  });

  it("a hook that hangs ends with the signal, and with maxRetryTime", async () => {
    const own = new Error("own");
    const options: Options = { ...fast, onFailedAttempt: () => new Promise(() => {}) };
    const controller = new AbortController();
    const aborted = outcomeOf(
      pRetry(() => Promise.reject(own), { ...options, signal: controller.signal }),
    );
    await passed(5);
    controller.abort("enough");
    expect(await aborted).toEqual({ error: "enough" });
    const bounded = pRetry(() => Promise.reject(own), { ...options, maxRetryTime: 20 });
    expect(((await outcomeOf(bounded)) as { error: unknown }).error).toBe(own);
  });

  it("an attempt that fails at the deadline is told to onFailedAttempt all the same", async () => {
    const told: unknown[] = [];
    const hang = (): Promise<never> => new Promise(() => {});
    await outcomeOf(
      pRetry(hang, {
        maxRetryTime: 20,
        onFailedAttempt: async ({ attemptNumber }) => void told.push(attemptNumber),
      }),
    );
    expect(told).toEqual([1]);
  });

  it("a hook that throws keeps the error that it was told of, in the policy", async () => {
    const own = new Error("own");
    const runtime = new ScriptedRuntime();
    const broken = (): never => {
      throw new Error("logger is down");
    };
    for (const onFailedAttempt of [broken, async () => broken()]) {
      const policy = fromPRetry({ ...fast, onFailedAttempt, runtime });
      const call = outcomeOf(policy.run(() => Promise.reject(own), { repeat: "safe" }));
      await runtime.advance(10_000);
      expect(((await call) as { error: unknown }).error).toBe(own);
    }
    // In p-retry it is documented to replace the error, so in the facade it does.
    for (const library of [pRetry, realPRetry]) {
      const call = library(() => Promise.reject(own), { ...fast, onFailedAttempt: broken });
      expect(await outcomeOf(call)).toMatchObject({ error: { message: "logger is down" } });
    }
  });

  it("twenty clients that fail together do not come back together, in the policy", async () => {
    const runtime = new ScriptedRuntime({ seed: 7 });
    const seconds: number[] = [];
    const calls = Array.from({ length: 20 }, () =>
      fromPRetry({ runtime }).run(
        async (call) => {
          if (call.attempt === 1) throw new Error("e");
          seconds.push(runtime.time.monotonicMs());
        },
        { repeat: "safe" },
      ),
    );
    await runtime.advance(10_000);
    await Promise.all(calls);
    expect(Math.min(...seconds)).toBeGreaterThanOrEqual(1_000);
    expect(Math.max(...seconds) - Math.min(...seconds)).toBeGreaterThan(500);
  });
});
