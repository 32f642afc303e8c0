import { leaseWindow } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LeaseKeeper } from "./lease-keeper.ts";

const LEASE_MS = 3_000;

function keeper() {
  const runtime = new ScriptedRuntime();
  const { time } = runtime;
  return { runtime, time, lease: new LeaseKeeper(LEASE_MS, leaseWindow(time, LEASE_MS)) };
}

describe("a lease", () => {
  it("is renewed at a third, and lost before the store ends it", async () => {
    const { runtime, time, lease } = keeper();
    await runtime.advance(lease.pauseMs(time) - 1);
    expect(lease.turn(time)).toBe("nothing");
    await runtime.advance(1);
    expect(time.monotonicMs()).toBeLessThanOrEqual(LEASE_MS / 3);
    expect(lease.turn(time)).toBe("renew");
    expect(lease.turn(time)).toBe("nothing"); // It is asked for.
    await runtime.advance(lease.pauseMs(time));
    expect(lease.turn(time)).toBe("lost");
    expect(time.monotonicMs()).toBeLessThan(LEASE_MS);
  });

  it("is asked for again after a failure, and three times in all before it ends", async () => {
    const { runtime, time, lease } = keeper();
    let tries = 0;
    for (;;) {
      await runtime.advance(lease.pauseMs(time));
      const due = lease.turn(time);
      if (due === "lost") break;
      if (due !== "renew") continue;
      tries += 1;
      await runtime.advance(lease.tryTimeoutMs);
      lease.failed(time);
    }
    expect(tries).toBeGreaterThanOrEqual(3);
  });

  it("is lost when the machine has slept through it", () => {
    const { runtime, time, lease } = keeper();
    runtime.sleepMachine(LEASE_MS);
    expect(lease.turn(time)).toBe("lost");
  });

  it("is never believed in for longer than since the last confirmed write", async () => {
    const steps = fc.array(fc.record({ ms: fc.nat({ max: 2_000 }), ok: fc.boolean() }));
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const { runtime, time, lease } = keeper();
        let confirmedMs = 0;
        for (const { ms, ok } of all) {
          const window = leaseWindow(time, LEASE_MS);
          const sentMs = time.monotonicMs();
          const due = lease.turn(time);
          await runtime.advance(ms);
          if (due === "lost") return;
          if (due === "renew" && ok) {
            lease.renewed(window);
            confirmedMs = sentMs;
          } else if (due === "renew") lease.failed(time);
          const left = lease.leftMs(time);
          expect(left).toBeLessThan(confirmedMs + LEASE_MS - time.monotonicMs());
        }
      }),
    );
  });
});
