import * as crypto from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { isQuorateError } from "@quorate/core";
import { afterEach, describe, expect, it } from "vitest";

import { beginGuard, endGuard, type GlobalsMode, installGuard } from "./guard.ts";
import { Kernel } from "./kernel.ts";
import type { SimNode } from "./node.ts";
import { pump } from "./pump.fixture.ts";

let restore = (): void => {};

afterEach(() => {
  endGuard();
  restore();
  restore = () => {};
});

/** Runs `code` as an event of a process called `worker`, with the guard up. */
function within<T>(mode: GlobalsMode, code: (kernel: Kernel, node: SimNode) => T): T | undefined {
  const kernel = new Kernel({ seed: 5 });
  const node = kernel.addNode("worker", "process");
  let answer: T | undefined;
  restore = installGuard();
  beginGuard(kernel, mode);
  try {
    node.schedule(0, "action", () => (answer = code(kernel, node)));
    pump(kernel, 10);
  } finally {
    endGuard();
  }
  return answer;
}

const CALLS: readonly (readonly [string, () => unknown])[] = [
  ["new Date()", () => new Date()],
  ["new Date()", () => Date()],
  ["new Date()", () => Date.now()],
  ["process.hrtime()", () => process.hrtime()],
  ["process.hrtime()", () => process.hrtime.bigint()],
  ["process.uptime()", () => process.uptime()],
  ["process.exit()", () => process.exit()],
  ["performance.now()", () => performance.now()],
  ["setTimeout()", () => setTimeout(() => {}, 1)],
  ["setInterval()", () => setInterval(() => {}, 1)],
  ["setImmediate()", () => setImmediate(() => {})],
  ["AbortSignal.timeout()", () => AbortSignal.timeout(5)],
  ["Math.random()", () => Math.random()],
  ["crypto.randomUUID()", () => globalThis.crypto.randomUUID()],
  ["crypto.getRandomValues()", () => globalThis.crypto.getRandomValues(new Uint8Array(4))],
  ["fetch()", () => fetch("http://127.0.0.1:1/")],
  ["setTimeout() of node:timers/promises", () => sleep(1)],
  ["randomUUID() of node:crypto", () => crypto.randomUUID()],
  ["randomBytes() of node:crypto", () => crypto.randomBytes(4)],
  ["randomFillSync() of node:crypto", () => crypto.randomFillSync(new Uint8Array(4))],
  ["randomInt() of node:crypto", () => crypto.randomInt(5)],
];

describe("the guard, refusing", () => {
  it.each(CALLS)("catches %s loudly: names the call, the process and the cure", (name, call) => {
    const kernel = within("refuse", (inside) => {
      try {
        call();
      } catch (error) {
        expect(isQuorateError(error, "UNSUPPORTED") && error.details.feature).toBe(name);
        expect(String(error)).toMatch(/was called by worker inside a simulation; /);
        return inside;
      }
      return expect.unreachable(`${name} went through`);
    });
    // Also where the code under test swallows the error.
    expect(kernel?.violation).toMatchObject({
      claim: "no real time, chance or I/O",
      node: "worker",
    });
  });

  it("lets through what needs no clock", () => {
    const year = within("refuse", () => {
      expect(new Date(0) instanceof Date).toBe(true);
      expect(Date.UTC(2026, 0)).toBe(1_767_225_600_000);
      expect(Date.parse("2026-01-01T00:00:00Z")).toBe(1_767_225_600_000);
      clearTimeout(undefined);
      return new Date(1_767_225_600_000).getUTCFullYear();
    });
    expect(year).toBe(2026);
  });

  it("lets everything through between runs, and afterwards is gone", async () => {
    const before = CALLS.map(([, call]) => call.toString()).length;
    const own = [Date, setTimeout, Math.random, process.hrtime, performance.now, sleep, fetch];
    const inDate = Object.getOwnPropertyDescriptor(globalThis, "Date");
    restore = installGuard();
    expect([Date.now() > 0, Math.random() < 1, new Date() instanceof Date]).toEqual([
      true,
      true,
      true,
    ]);
    expect(process.hrtime()[0]).toBeGreaterThan(0);
    expect(await sleep(1, "slept")).toBe("slept");
    expect(Date).not.toBe(own[0]);
    restore();
    restore();
    restore = () => {};
    expect(before).toBe(CALLS.length);
    expect([Date, setTimeout, Math.random, process.hrtime, performance.now, sleep, fetch]).toEqual(
      own,
    );
    expect(Object.getOwnPropertyDescriptor(globalThis, "Date")).toEqual(inDate);
    expect(Object.hasOwn(performance, "now")).toBe(false);
    expect(Object.hasOwn(globalThis.crypto, "randomUUID")).toBe(false);
  });

  it("stays until the last who installed it takes it away", () => {
    const real = Date;
    const [first, second] = [installGuard(), installGuard()];
    first();
    expect(Date).not.toBe(real);
    second();
    expect(Date).toBe(real);
  });
});

describe("the guard, simulating", () => {
  it("answers from the process's own clocks", () => {
    within("simulate", (_, { runtime }) => {
      expect(Date.now()).toBe(runtime.time.wallMs());
      expect(new Date().getTime()).toBe(runtime.time.wallMs());
      expect(Date()).toBe(new Date(runtime.time.wallMs()).toString());
      expect(performance.now()).toBe(runtime.time.monotonicMs());
      expect(process.uptime()).toBe(runtime.time.monotonicMs() / 1_000);
      const [seconds, nanos] = process.hrtime();
      expect(seconds * 1_000 + nanos / 1e6).toBeCloseTo(runtime.time.monotonicMs(), 2);
      expect(process.hrtime([seconds, nanos])).toEqual([0, 0]);
      expect(Number(process.hrtime.bigint()) / 1e6).toBeCloseTo(runtime.time.monotonicMs(), 2);
    });
  });

  it("answers from the process's own chance, the same each time", () => {
    const draw = (): unknown[] =>
      within("simulate", () => [
        Math.random(),
        globalThis.crypto.randomUUID(),
        crypto.randomUUID(),
        crypto.randomBytes(8).toString("hex"),
        crypto.randomInt(1_000_000),
        String(globalThis.crypto.getRandomValues(new Uint8Array(4))),
      ]) ?? [];
    const first = draw();
    endGuard();
    restore();
    expect(draw()).toEqual(first);
    expect(first[1]).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });

  it("runs timers in virtual time: once, again and again, cleared, refreshed", () => {
    const log: string[] = [];
    const kernel = within("simulate", (inside) => {
      const at = (what: string) => (): void => void log.push(`${what} ${Math.floor(inside.nowMs)}`);
      setTimeout(at("timeout"), 20);
      const interval = setInterval(() => {
        at("interval")();
        if (log.filter((line) => line.startsWith("interval")).length === 3) clearInterval(interval);
      }, 30);
      clearTimeout(setTimeout(at("cleared"), 5));
      setImmediate(at("immediate"));
      const refreshed = setTimeout(at("refreshed"), 70);
      setTimeout(() => refreshed.refresh(), 40);
      return inside;
    });
    pump(kernel!, 500);
    expect(log.map((line) => line.split(" ")[0])).toEqual([
      "immediate",
      "timeout",
      "interval",
      "interval",
      "interval",
      "refreshed",
    ]);
  });

  it("still refuses what it cannot simulate", () => {
    const kernel = within("simulate", (inside) => {
      expect(() => fetch("http://127.0.0.1:1/")).toThrow(/fetch/);
      return inside;
    });
    expect(kernel?.violation?.claim).toBe("no real time, chance or I/O");
  });
});
