import { describe, expect, it } from "vitest";

import { detectDrain, drainsCompletely, type DrainMode, runDrained } from "./drain.ts";
import { captureUncaught, tickCallback } from "./host.ts";

const MODES: readonly DrainMode[] = ["synchronous", "macrotask"];

interface Trial {
  readonly mode: DrainMode;
  /** One event each; the next must find that all of the last has settled. */
  readonly events: readonly (() => void)[];
}

async function play({ mode, events }: Trial): Promise<void> {
  let next = 0;
  await runDrained(mode, {
    begin: () => {},
    step() {
      const event = events[next];
      if (event === undefined) return false;
      next += 1;
      event();
      return true;
    },
    end: () => {},
  });
}

describe.each(MODES)("draining, %s", (mode) => {
  it("settles chains of 10,000 promises and nested nextTicks before the next event", async () => {
    const seen: string[] = [];
    let links = 0;
    const chain = async (): Promise<void> => {
      for (; links < 10_000; links++) await Promise.resolve();
      process.nextTick(() => {
        queueMicrotask(() =>
          process.nextTick(() => void Promise.resolve().then(() => (links += 1))),
        );
      });
    };
    const events = [() => void chain(), () => seen.push(`after ${links}`)];
    await play({ mode, events });
    expect(seen).toEqual(["after 10001"]);
  });

  it("raises an unhandled rejection inside the guilty event", async () => {
    const order: string[] = [];
    const release = captureUncaught((kind, reason) => order.push(`${kind} ${String(reason)}`));
    const guilty = (): void => void Promise.reject("of two").then(() => {});
    const events = [() => order.push("one"), guilty, () => order.push("three")];
    await play({ mode, events });
    release();
    expect(order).toEqual(["one", "unhandledRejection of two", "three"]);
  });

  it("does not raise one that is handled in the same event", async () => {
    const order: string[] = [];
    const release = captureUncaught((kind) => order.push(kind));
    const handled = (): void => {
      const rejected = Promise.reject(new Error("no"));
      void Promise.resolve().then(() => rejected.catch(() => order.push("handled")));
    };
    await play({ mode, events: [handled, () => order.push("next")] });
    release();
    expect(order).toEqual(["handled", "next"]);
  });

  it("leaves what a microtask or a nextTick throws to Node's handler, and goes on", async () => {
    const order: string[] = [];
    const release = captureUncaught((kind, reason) => order.push(`${kind}: ${String(reason)}`));
    const throws = (what: string) => (): void => {
      throw what;
    };
    const ticks = (): void => {
      process.nextTick(throws("tick"));
      process.nextTick(() => order.push("behind the tick"));
    };
    const microtasks = (): void => {
      queueMicrotask(throws("microtask"));
      queueMicrotask(() => order.push("behind the microtask"));
    };
    await play({ mode, events: [ticks, microtasks, () => order.push("next event")] });
    release();
    expect(order).toEqual([
      "uncaughtException: tick",
      "behind the tick",
      "uncaughtException: microtask",
      "behind the microtask",
      "next event",
    ]);
  });

  it("rejects with what a step throws, and ends all the same", async () => {
    let ended = 0;
    const run = runDrained(mode, {
      begin: () => {},
      step: () => {
        throw new Error("broken step");
      },
      end: () => (ended += 1),
    });
    await expect(run).rejects.toThrow("broken step");
    expect(ended).toBe(1);
  });
});

describe("the self-test", () => {
  it("finds this Node's own drain complete, and so the synchronous mode", async () => {
    expect(await detectDrain()).toBe("synchronous");
    expect(await drainsCompletely(tickCallback()!)).toBe(true);
  });

  it("finds out a drain that does nothing", async () => {
    expect(await drainsCompletely(() => {})).toBe(false);
  });
});

describe("the listeners of uncaught errors", () => {
  it("are put back as they were", () => {
    const before = process.listeners("unhandledRejection");
    const release = captureUncaught(() => {});
    expect(process.listeners("unhandledRejection")).toHaveLength(1);
    release();
    expect(process.listeners("unhandledRejection")).toEqual(before);
  });
});
