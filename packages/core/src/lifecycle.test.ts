import { describe, expect, it } from "vitest";

import { deferred } from "./abort.ts";
import { isQuorateError } from "./errors/quorate-error.ts";
import { Lifecycle } from "./lifecycle.ts";
import { ScriptedRuntime } from "./testing.ts";

const make = () => {
  const runtime = new ScriptedRuntime();
  return { runtime, life: new Lifecycle("the redis backend", runtime) };
};

describe("a lifecycle", () => {
  it("refuses by name what comes after close", async () => {
    const { life } = make();
    life.assertOpen();
    expect(life.isClosed).toBe(false);
    await life.close(0, () => {});
    expect(() => life.assertOpen()).toThrow("CLOSED: the redis backend was closed");
    expect(isQuorateError(life.stopping.reason, "CLOSED")).toBe(true);
  });

  it("waits for what is in flight, then releases, then resolves", async () => {
    const { runtime, life } = make();
    const steps: string[] = [];
    const work = deferred<void>();
    void life.track(work.promise);
    const closed = life.close(1_000, () => void steps.push("released"));
    void closed.then(() => steps.push("closed"));
    expect([life.stopping.aborted, life.signal.aborted]).toEqual([true, false]);
    await runtime.advance(500);
    expect(steps).toEqual([]);
    work.resolve();
    await runtime.advance(0);
    expect(steps).toEqual(["released", "closed"]);
    expect([life.signal.aborted, runtime.pendingTimers]).toEqual([true, 0]);
  });

  it("cuts short what does not end within the grace", async () => {
    const { runtime, life } = make();
    const seen: boolean[] = [];
    void life.track(new Promise(() => {}));
    const closed = life.close(1_000, () => void seen.push(life.signal.aborted));
    await runtime.advance(999);
    expect(seen).toEqual([]);
    await runtime.advance(1);
    await closed;
    expect(seen).toEqual([true]);
  });

  it("closes once, and tells both callers of its failure", async () => {
    const { life } = make();
    let releases = 0;
    const bad = new Error("could not release");
    const release = () => {
      releases += 1;
      throw bad;
    };
    const [first, second] = [life.close(0, release), life.close(0, release)];
    expect(first).toBe(second);
    await expect(first).rejects.toBe(bad);
    expect(releases).toBe(1);
  });

  it("does not stumble over work that fails, and forgets it", async () => {
    const { life } = make();
    const bad = new Error("failed");
    await expect(life.track(Promise.reject(bad))).rejects.toBe(bad);
    await life.close(1_000, () => {});
    expect(life.isClosed).toBe(true);
  });
});
