import { spawnSync } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

import { systemRuntime } from "./system.ts";

const { time, random, events } = systemRuntime;
const pause = (ms: number) => new Promise<void>((resolve) => void time.setTimer(ms, resolve));

describe("the system's time", () => {
  it("never goes back, and its timers never fire early", async () => {
    for (const ms of [0, 1, 3.4, 20]) {
      const startMs = time.monotonicMs();
      await pause(ms);
      expect(time.monotonicMs() - startMs).toBeGreaterThanOrEqual(ms);
    }
    expect(Math.abs(time.wallMs() - Date.now())).toBeLessThan(1_000);
  });

  it("takes delays beyond 2^31 ms, which Node would fire at once, and endless ones", async () => {
    let fired = 0;
    const timers = [2 ** 31, 2 ** 40, 1e300, Infinity].map((ms) =>
      time.setTimer(ms, () => (fired += 1)),
    );
    await pause(20);
    for (const timer of timers) timer.cancel();
    expect(fired).toBe(0);
  });

  it("fires not in this turn, also for a delay that has passed already", async () => {
    let fired = false;
    time.setTimer(-5, () => (fired = true));
    await Promise.resolve();
    expect(fired).toBe(false);
    await pause(5);
    expect(fired).toBe(true);
  });

  it("cancels, also twice and after firing", async () => {
    let fired = 0;
    const timer = time.setTimer(1, () => (fired += 1));
    timer.cancel();
    timer.cancel();
    const late = time.setTimer(1, () => (fired += 10));
    await pause(10);
    late.cancel();
    expect(fired).toBe(10);
  });

  it("calls what is immediate in the next turn, and what was cancelled not at all", async () => {
    const called: string[] = [];
    time.setTimer(0, () => called.push("next turn"), { immediate: true });
    time.setTimer(0, () => called.push("cancelled"), { immediate: true }).cancel();
    expect(called).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(called).toEqual(["next turn"]);
    await pause(5);
    expect(called).toEqual(["next turn"]);
  });

  it("refuses a delay that is not a number", () => {
    expect(() => time.setTimer(Number.NaN, () => {})).toThrow("not a number");
  });

  it("keeps the process alive for a wait, and not for upkeep", () => {
    const module = fileURLToPath(new URL("../index.ts", import.meta.url));
    const script = `
      import { systemRuntime } from ${JSON.stringify(module)};
      const { time } = systemRuntime;
      time.setTimer(3_600_000, () => console.log("upkeep"), { keepAlive: false });
      time.setTimer(2 ** 40, () => console.log("far upkeep"), { keepAlive: false });
      time.setTimer(50, () => console.log("waited"));`;
    const args = ["-C", "@quorate/source", "--import", "tsx", "--input-type=module", "-e", script];
    const { stdout, status } = spawnSync(process.execPath, args, {
      encoding: "utf8",
      timeout: 15_000,
    });
    expect({ stdout, status }).toEqual({ stdout: "waited\n", status: 0 });
  });
});

describe("the system's chance", () => {
  it("draws from [0, 1), and bytes of every value", () => {
    const draws = Array.from({ length: 1_000 }, () => random.next());
    expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
    expect(new Set(random.bytes(10_000)).size).toBe(256);
    expect(random.bytes(0)).toHaveLength(0);
  });
});

describe("the system's events", () => {
  it("reach node:diagnostics_channel under the name quorate:<name>", () => {
    const channel = events.channel<{ n: number }>("core-test");
    const heard: unknown[] = [];
    const listener = (event: unknown): void => void heard.push(event);
    expect(channel.hasSubscribers).toBe(false);
    channel.publish({ n: 0 });
    subscribe("quorate:core-test", listener);
    expect(channel.hasSubscribers).toBe(true);
    channel.publish({ n: 1 });
    unsubscribe("quorate:core-test", listener);
    channel.publish({ n: 2 });
    expect(heard).toEqual([{ n: 1 }]);
    expect(channel.hasSubscribers).toBe(false);
  });

  it("are the same channel on each look-up, and cost a property read where nobody listens", () => {
    const channel = events.channel<object>("core-cost");
    expect(events.channel("core-cost")).toBe(channel);
    let made = 0;
    const startMs = performance.now();
    for (let index = 0; index < 1_000_000; index++) {
      if (channel.hasSubscribers) channel.publish({ made: (made += 1) });
    }
    expect(made).toBe(0);
    // A nanosecond or two each; the bound is for a busy machine.
    expect(performance.now() - startMs).toBeLessThan(500);
  });
});
