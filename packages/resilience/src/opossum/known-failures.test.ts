/**
 * What was reported of opossum 9 as failing, one test each: ours passes, and where it is cheap the
 * real one is shown to fail still, so that the list stays true.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import {
  type Action,
  fakeClock,
  hang,
  type Make,
  ours,
  pass,
  real,
  seen,
} from "./opossum.fixture.ts";

beforeEach(fakeClock);
afterEach(() => void vi.useRealTimers());

const fault = (): Promise<never> => Promise.reject(new Error("down"));
const fine = (): Promise<string> => Promise.resolve("fine");

/** An action that does what it is fired with. */
const obedient: Action = (work: () => unknown) => work();

describe("opossum's known failures, which ours has not", () => {
  it("a synchronous undefined result rejects, and throws when disabled", async () => {
    expect(await seen(ours(() => undefined).fire())).toEqual({ value: undefined });
    const disabled = ours(() => undefined, { enabled: false });
    expect(await seen(disabled.fire())).toEqual({ value: undefined });

    expect(await seen(real(() => undefined).fire())).toEqual({
      error: expect.any(TypeError) as unknown,
    });
    expect(() => real(() => undefined, { enabled: false }).fire()).toThrowError(TypeError);
  });

  it("a timeout frees the place of an action that runs on", async () => {
    const runningAfter = async (make: Make): Promise<number> => {
      let running = 0;
      const action = (): Promise<never> => {
        running += 1;
        return hang();
      };
      const options = { timeout: 10, capacity: 2, errorThresholdPercentage: 100 };
      const breaker = make(action, options);
      for (let round = 0; round < 6; round++) {
        void seen(breaker.fire());
        void seen(breaker.fire());
        await pass(10);
      }
      return running;
    };
    expect(await runningAfter(ours)).toBe(2);
    expect(await runningAfter(real)).toBe(12);
  });

  it("a place is free again when the action has ended at last", async () => {
    let end: (value: string) => void = () => {};
    const breaker = ours(() => new Promise((resolve) => (end = resolve)), {
      timeout: 10,
      capacity: 1,
    });
    void seen(breaker.fire());
    await pass(10);
    expect(await seen(breaker.fire())).toMatchObject({ error: { code: "ESEMLOCKED" } });
    end("late");
    await pass(0);
    expect(await seen(breaker.fire())).toBe("pending");
  });

  it("its own semaphore rejections open it", async () => {
    const openedBy = async (make: Make): Promise<boolean> => {
      const breaker = make(hang, { capacity: 1, timeout: false, volumeThreshold: 0 });
      for (let index = 0; index < 10; index++) void seen(breaker.fire());
      await pass(0);
      return breaker.opened;
    };
    expect(await openedBy(ours)).toBe(false);
    expect(await openedBy(real)).toBe(true);
  });

  it("one timeout aborts every call in flight", async () => {
    const abortedOf = async (make: Make): Promise<boolean[]> => {
      const signals: AbortSignal[] = [];
      const action = (): Promise<never> => {
        signals.push(breaker.getSignal() as AbortSignal);
        return hang();
      };
      const breaker = make(action, { timeout: 100, autoRenewAbortController: true });
      void seen(breaker.fire());
      await pass(50);
      void seen(breaker.fire());
      await pass(50);
      return signals.map(({ aborted }) => aborted);
    };
    expect(await abortedOf(ours)).toEqual([true, false]);
    expect(await abortedOf(real)).toEqual([true, true]);
  });

  it("a success listener that throws makes a success a failure", async () => {
    const outcomeOf = async (make: Make): Promise<unknown> => {
      const breaker = make(fine);
      breaker.on("success", () => {
        throw new Error("my listener");
      });
      return seen(breaker.fire());
    };
    expect(await outcomeOf(ours)).toEqual({ value: "fine" });
    expect(await outcomeOf(real)).toMatchObject({ error: { message: "my listener" } });
  });

  it("a failure listener or error filter that throws leaves the call pending", async () => {
    const thrower = (): never => {
      throw new Error("mine");
    };
    const listened = ours(fault);
    for (const name of ["fire", "failure", "open", "fallback", "timeout"] as const) {
      listened.on(name, thrower);
    }
    expect(await seen(listened.fire())).toMatchObject({ error: { message: "down" } });
    const filtered = ours(fault, { errorFilter: thrower, volumeThreshold: 0 });
    expect(await seen(filtered.fire())).toMatchObject({ error: { message: "down" } });
    expect(filtered.opened).toBe(true);

    vi.useRealTimers();
    const child = fileURLToPath(new URL("throwing-hooks.child.cjs", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [child]);
    expect(JSON.parse(stdout)).toEqual({ pending: 2, unhandled: ["mine", "mine"] });
  });

  it("a probe that hangs keeps it half-open for ever", async () => {
    const stateAfter = async (make: Make): Promise<string[]> => {
      const options = { timeout: false, resetTimeout: 100 } as const;
      const breaker = make(obedient, options);
      breaker.open();
      await pass(100);
      void seen(breaker.fire(hang));
      await pass(100);
      const states = [breaker.opened ? "open" : "stuck"];
      await pass(100);
      await seen(breaker.fire(fine));
      return [...states, breaker.closed ? "closed" : "stuck"];
    };
    expect(await stateAfter(ours)).toEqual(["open", "closed"]);
    expect(await stateAfter(real)).toEqual(["stuck", "stuck"]);
  });

  it("a success of before the outage closes it, a failure re-opens it", async () => {
    const verdicts = async (make: Make): Promise<boolean[]> => {
      const options = { timeout: false, resetTimeout: 100 } as const;
      const closing = make(obedient, options);
      let succeed: (value: string) => void = () => {};
      void seen(closing.fire(() => new Promise((resolve) => (succeed = resolve))));
      const opening = make(obedient, options);
      let fail: (error: unknown) => void = () => {};
      void seen(opening.fire(() => new Promise((_, reject) => (fail = reject))));
      closing.open();
      opening.open();
      await pass(100);
      void seen(closing.fire(hang));
      void seen(opening.fire(hang));
      succeed("stale");
      fail(new Error("stale"));
      await pass(0);
      return [closing.closed, opening.opened];
    };
    expect(await verdicts(ours)).toEqual([false, false]);
    expect(await verdicts(real)).toEqual([true, true]);
  });

  it("the window survives closing: one failure after recovery opens it again", async () => {
    const reopens = async (make: Make): Promise<boolean> => {
      const options = { volumeThreshold: 10, resetTimeout: 100 };
      const breaker = make(obedient, options);
      for (let index = 0; index < 10; index++) await seen(breaker.fire(fault));
      await pass(100);
      await seen(breaker.fire(fine));
      expect(breaker.closed).toBe(true);
      await seen(breaker.fire(fault));
      return breaker.opened;
    };
    expect(await reopens(ours)).toBe(false);
    expect(await reopens(real)).toBe(true);
  });

  it("rejects dilute the rate: after 1,000 hundreds of failures do not open it", async () => {
    const failuresToOpen = async (make: Make): Promise<number> => {
      const breaker = make(obedient, { volumeThreshold: 5, resetTimeout: 1 });
      breaker.open();
      for (let index = 0; index < 1_000; index++) breaker.fire(fine).catch(() => {});
      await pass(1);
      await seen(breaker.fire(fine));
      let failures = 0;
      for (; breaker.closed && failures < 500; failures++) await seen(breaker.fire(fault));
      return failures;
    };
    expect(await failuresToOpen(ours)).toBe(5);
    expect(await failuresToOpen(real)).toBe(500);
  });

  it("an infinite reset time is over after a millisecond", async () => {
    const isStillOpen = async (make: Make): Promise<boolean> => {
      const breaker = make(fine, { resetTimeout: Infinity });
      breaker.open();
      await pass(10);
      return breaker.opened;
    };
    expect(await isStillOpen(ours)).toBe(true);
    expect(await isStillOpen(real)).toBe(false);
  });

  it("an infinite timeout fails every call", async () => {
    vi.useRealTimers(); // A fake clock is more patient than Node's.
    const slow = () => new Promise((resolve) => setTimeout(resolve, 20, "slow"));
    expect(await ours(slow, { timeout: Infinity }).fire()).toBe("slow");
    await expect(real(slow, { timeout: Infinity }).fire()).rejects.toMatchObject({
      code: "ETIMEDOUT",
    });
  });

  it("a breaker that has just opened is restored half-open", async () => {
    const isRestoredOpen = async (make: Make): Promise<boolean> => {
      const options = { resetTimeout: 1_000 };
      const breaker = make(fine, options);
      await pass(5_000);
      breaker.open();
      const { state } = JSON.parse(JSON.stringify(breaker)) as { state: { name: string } };
      await pass(500);
      return make(fine, { ...options, state }).opened;
    };
    expect(await isRestoredOpen(ours)).toBe(true);
    // Its stamp is that of construction, by which the reset time is long over.
    expect(await isRestoredOpen(real)).toBe(false);
  });

  it("a pending failure resurrects it after shutdown, and calls then run unprotected", async () => {
    const isBack = async (make: Make): Promise<boolean> => {
      const options = { timeout: 10, volumeThreshold: 2, errorThresholdPercentage: 40 };
      const breaker = make(obedient, options);
      await seen(breaker.fire(fault));
      void seen(breaker.fire(hang));
      breaker.shutdown();
      await pass(10);
      return !breaker.isShutdown && (await seen(breaker.fire(fine))) !== undefined;
    };
    expect(await isBack(ours)).toBe(false);
    expect(await isBack(real)).toBe(true);
  });

  it("its health check outlives shutdown", async () => {
    const checksAfter = async (make: Make): Promise<number> => {
      const breaker = make(fine);
      let checks = 0;
      breaker.healthCheck(async () => void (checks += 1), 10);
      await pass(0);
      breaker.shutdown();
      const before = checks;
      await pass(100);
      return checks - before;
    };
    expect(await checksAfter(ours)).toBe(0);
    expect(await checksAfter(real)).toBe(10);
  });

  it("an abort by the caller counts as a failure", async () => {
    const opens = async (make: Make): Promise<boolean> => {
      const breaker = make(
        () => Promise.reject(new DOMException("the user went away", "AbortError")),
        { volumeThreshold: 0 },
      );
      expect(await seen(breaker.fire())).toMatchObject({ error: { name: "AbortError" } });
      return breaker.opened;
    };
    expect(await opens(ours)).toBe(false);
    expect(await opens(real)).toBe(true);
  });

  it("an abort of the probe gives its place back", async () => {
    const breaker = ours(obedient, { resetTimeout: 100 });
    breaker.open();
    await pass(100);
    await seen(breaker.fire(() => Promise.reject(new DOMException("away", "AbortError"))));
    expect([breaker.halfOpen, breaker.pendingClose]).toEqual([true, true]);
    expect(await seen(breaker.fire(fine))).toEqual({ value: "fine" });
    expect(breaker.closed).toBe(true);
  });

  it("the first failure opens it by default", async () => {
    const opens = async (make: Make): Promise<boolean> => {
      const breaker = make(fault);
      await seen(breaker.fire());
      return breaker.opened;
    };
    expect(await opens(ours)).toBe(false);
    expect(await opens(real)).toBe(true);
  });

  it("a coalesced promise that failed is served for ten seconds", async () => {
    const runsAfterFailure = async (make: Make): Promise<number> => {
      let runs = 0;
      const breaker = make(
        () => {
          runs += 1;
          return fault();
        },
        { coalesce: true, errorThresholdPercentage: 100 },
      );
      for (let index = 0; index < 3; index++) await seen(breaker.fire());
      return runs;
    };
    expect(await runsAfterFailure(ours)).toBe(3);
    expect(await runsAfterFailure(real)).toBe(1);
  });

  it("options are changed: two breakers from one object swap results", async () => {
    const results = async (make: Make): Promise<unknown> => {
      const options = { coalesce: true };
      const [one, other] = [make(async () => "one", options), make(async () => "other", options)];
      expect(await seen(one.fire())).toEqual({ value: "one" });
      return seen(other.fire());
    };
    expect(await results(ours)).toEqual({ value: "other" });
    expect(await results(real)).toEqual({ value: "one" });
    const frozen = Object.freeze({ coalesce: true, timeout: 5 });
    expect(() => ours(fine, frozen)).not.toThrow();
    expect(() => real(fine, frozen)).toThrowError(TypeError);
  });

  it("an idle breaker has two intervals", async () => {
    const timersOf = (make: Make): number => {
      const before = vi.getTimerCount();
      make(fine);
      return vi.getTimerCount() - before;
    };
    expect(timersOf(ours)).toBe(0);
    expect(timersOf(real)).toBe(2);
  });

  it("a failure costs more, the more calls there were", async () => {
    const latenciesKept = async (make: Make): Promise<number> => {
      const breaker = make(fine);
      for (let index = 0; index < 3_000; index++) await breaker.fire();
      return breaker.stats.latencyTimes.length;
    };
    expect(await latenciesKept(ours)).toBe(1_000);
    expect(await latenciesKept(real)).toBe(3_000);
  });
});
