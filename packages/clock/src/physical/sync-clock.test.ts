import type { MessageBus, Runtime } from "@quorate/core";
import { isQuorateError } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { createMemoryStore, type MemoryBackend, memoryBackend } from "@quorate/memory";
import { describe, expect, it } from "vitest";
import { type ClockSync, syncClock, type SyncClockOptions } from "./sync-clock.ts";
import { SyncedClock } from "./synced-clock.ts";
import { serveTime, type ServeTimeOptions } from "./time-server.ts";

const EPOCH_MS = 1_767_225_600_000;
const STEP_MS = 1;
const POLL_MS = 800;

/** Machines with clocks of their own on one bus; time passes on all of them together. */
class Cluster {
  readonly #store: ReturnType<typeof createMemoryStore>;
  readonly #runtimes: ScriptedRuntime[] = [];

  constructor() {
    const runtime = this.#add(EPOCH_MS);
    this.#store = createMemoryStore({ runtime });
  }

  machine(wallOffsetMs = 0): { runtime: ScriptedRuntime; backend: MemoryBackend } {
    const runtime = this.#add(EPOCH_MS + wallOffsetMs);
    return { runtime, backend: memoryBackend({ store: this.#store, runtime }) };
  }

  /** In small steps: within a step the machines' clocks differ, by up to `STEP_MS`. */
  async run(ms: number, stepMs = STEP_MS): Promise<void> {
    for (let doneMs = 0; doneMs < ms; doneMs += stepMs) {
      for (const runtime of this.#runtimes) await runtime.advance(Math.min(stepMs, ms - doneMs));
    }
  }

  async settle<T>(promise: Promise<T>): Promise<T> {
    const [value] = await Promise.all([promise, this.run(5)]);
    return value;
  }

  #add(wallMs: number): ScriptedRuntime {
    const runtime = new ScriptedRuntime({ wallMs });
    this.#runtimes.push(runtime);
    return runtime;
  }
}

async function server(
  cluster: Cluster,
  subject: string,
  offsetMs = 0,
  more: Partial<ServeTimeOptions> = {},
) {
  const { runtime, backend } = cluster.machine(offsetMs);
  const timeServer = await cluster.settle(serveTime(backend.bus, { subject, runtime, ...more }));
  return { runtime, backend, timeServer };
}

function client(
  cluster: Cluster,
  servers: string[],
  offsetMs: number,
  more: Partial<SyncClockOptions> = {},
) {
  const { runtime, backend } = cluster.machine(offsetMs);
  const sync = syncClock(backend.bus, { servers, runtime, pollMs: POLL_MS, ...more });
  return { runtime, backend, sync };
}

const kinds = (runtime: ScriptedRuntime): string[] => [
  ...new Set(runtime.recorded.map(({ event }) => (event as { kind: string }).kind)),
];

async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    return isQuorateError(error) ? error.code : String(error);
  }
  return "none";
}

/** True time is the first server's wall clock. */
function expectTruth(sync: ClockSync, runtime: ScriptedRuntime): number {
  const { nowMs, errorBoundMs } = sync.now();
  expect(Math.abs(nowMs - runtime.time.wallMs())).toBeLessThanOrEqual(errorBoundMs + STEP_MS);
  return errorBoundMs;
}

describe("a clock that is synchronised over a bus", () => {
  it("finds the server's time from a wall clock that is two hours off", async () => {
    const cluster = new Cluster();
    const paris = await server(cluster, "time/paris");
    const { sync, runtime } = client(cluster, ["time/paris"], 7_200_000);
    expect(sync.now().errorBoundMs).toBe(Infinity);
    await cluster.settle(sync.synced());
    await cluster.run(5_000);
    const boundMs = expectTruth(sync, paris.runtime);
    expect(boundMs).toBeLessThan(7_200_000 + 20);
    await cluster.settle(sync.close());
    expect(runtime.pendingTimers).toBe(0);
  });

  it("is within a few milliseconds when nobody looked before it was synced", async () => {
    const cluster = new Cluster();
    const paris = await server(cluster, "time/paris", 0, { errorBoundMs: 2 });
    const { sync, backend } = client(cluster, ["time/paris"], 7_200_000);
    backend.faults.delay(10);
    await cluster.run(5_000);
    expect(expectTruth(sync, paris.runtime)).toBeLessThan(50);
    expect(paris.timeServer.answered).toBeGreaterThan(5);
    await cluster.settle(sync.close());
  });

  it("says so when its server is gone, goes on, and knows less and less", async () => {
    const cluster = new Cluster();
    const paris = await server(cluster, "time/paris");
    const { sync, runtime } = client(cluster, ["time/paris"], 50);
    await cluster.run(3_000);
    const before = expectTruth(sync, paris.runtime);
    await cluster.settle(paris.timeServer.close());
    await cluster.run(600_000, 500);
    expect(expectTruth(sync, paris.runtime)).toBeGreaterThan(before + 100);
    expect(runtime.recorded.map(({ event }) => event)).toContainEqual({
      kind: "time-poll-failed",
      subject: "time/paris",
      code: "NO_RESPONDERS",
    });
    await cluster.settle(sync.close());
  });

  it("holds the truth over a sleep of its machine, and recovers with the next poll", async () => {
    const cluster = new Cluster();
    const paris = await server(cluster, "time/paris");
    const { sync, runtime } = client(cluster, ["time/paris"], 50);
    await cluster.run(3_000);
    expectTruth(sync, paris.runtime);
    // An hour passes everywhere; this machine's monotonic clock and timers stand still.
    runtime.sleepMachine(3_600_000);
    paris.runtime.sleepMachine(3_600_000);
    expect(expectTruth(sync, paris.runtime)).toBeGreaterThan(3_500_000);
    await cluster.run(2_000);
    expect(expectTruth(sync, paris.runtime)).toBeLessThan(100);
    await cluster.settle(sync.close());
  });
});

describe("three servers", () => {
  it("outvote one that lies, however sure of itself it is", async () => {
    const cluster = new Cluster();
    const first = await server(cluster, "time/1", 0, { errorBoundMs: 5 });
    await server(cluster, "time/2", 3, { errorBoundMs: 5 });
    await server(cluster, "time/3", 86_400_000);
    const { sync } = client(cluster, ["time/1", "time/2", "time/3"], -500);
    await cluster.run(3_000);
    expect(expectTruth(sync, first.runtime)).toBeLessThan(30);
    await cluster.settle(sync.close());
  });

  it("are no majority when all differ: the clock is left alone, and that is told", async () => {
    const cluster = new Cluster();
    for (const index of [1, 2, 3]) await server(cluster, `time/${index}`, index * 10_000);
    const { sync, runtime } = client(cluster, ["time/1", "time/2", "time/3"], 0);
    await cluster.run(2_000);
    expect(sync.clock.isSynced).toBe(false);
    expect(runtime.recorded.map(({ event }) => event)).toContainEqual({
      kind: "time-without-majority",
      servers: 3,
    });
    await cluster.settle(sync.close());
  });

  it("still suffice as two when one never answers", async () => {
    const cluster = new Cluster();
    const first = await server(cluster, "time/1");
    await server(cluster, "time/2");
    const { sync } = client(cluster, ["time/1", "time/2", "time/3"], 777);
    await cluster.run(2_000);
    expectTruth(sync, first.runtime);
    await cluster.settle(sync.close());
  });
});

describe("a server", () => {
  it("passes on the bound of a synced clock: bounds add up along a chain", async () => {
    const cluster = new Cluster();
    const root = await server(cluster, "time/root", 0, { errorBoundMs: 10 });
    const middle = client(cluster, ["time/root"], 5_000);
    await cluster.run(2_000);
    await cluster.settle(
      serveTime(middle.backend.bus, { subject: "time/middle", clock: middle.sync }),
    );
    const leaf = client(cluster, ["time/middle"], -5_000);
    await cluster.run(2_000);
    const boundMs = expectTruth(leaf.sync, root.runtime);
    expect(boundMs).toBeGreaterThan(10);
    expect(boundMs).toBeLessThan(60);
    await cluster.settle(Promise.all([middle.sync.close(), leaf.sync.close()]));
  });

  it("that knows nothing says so, and is not believed", async () => {
    const cluster = new Cluster();
    const { runtime, backend } = cluster.machine();
    const clock = new SyncedClock({ runtime });
    await cluster.settle(serveTime(backend.bus, { subject: "time/new", clock }));
    const unsynced = client(cluster, ["time/new"], 0);
    await cluster.run(500);
    expect(unsynced.sync.clock.isSynced).toBe(false);
    expect(unsynced.runtime.recorded.map(({ event }) => event)).toContainEqual({
      kind: "time-answer-refused",
      subject: "time/new",
      reason: "unsynced",
    });
    await cluster.settle(unsynced.sync.close());
  });

  it("whose clock is set is believed anew, and the jump is told", async () => {
    const cluster = new Cluster();
    const paris = await server(cluster, "time/paris");
    const { sync, runtime } = client(cluster, ["time/paris"], 0);
    await cluster.run(3_000);
    paris.runtime.stepWallClock(60_000);
    await cluster.run(3_000);
    expectTruth(sync, paris.runtime);
    expect(kinds(runtime)).toContain("time-server-jumped");
    await cluster.settle(sync.close());
  });

  it.each([
    ["no JSON", "nine"],
    ["a list", "[1,2,3]"],
    ["text for numbers", '{"receivedMs":"1","sentMs":"2","errorBoundMs":0}'],
    ["no bound", '{"receivedMs":1,"sentMs":2}'],
    ["a bound below zero", '{"receivedMs":1,"sentMs":2,"errorBoundMs":-5}'],
    ["an overflow", '{"receivedMs":1e999,"sentMs":2,"errorBoundMs":0}'],
    [
      "more than anybody needs",
      `{"receivedMs":1,"sentMs":2,"errorBoundMs":0,"x":"${"y".repeat(600)}"}`,
    ],
  ])("that answers %s is refused, and does no harm", async (_, text) => {
    const cluster = new Cluster();
    const liar = cluster.machine();
    const answer = new TextEncoder().encode(text);
    await cluster.settle(
      liar.backend.bus.subscribe("time/liar", async ({ respond }) => respond?.(answer)),
    );
    const { sync, runtime } = client(cluster, ["time/liar"], 0);
    await cluster.run(500);
    expect(sync.clock.isSynced).toBe(false);
    expect(kinds(runtime)).toEqual(["time-answer-refused"]);
    await cluster.settle(sync.close());
  });

  it("adds the resolution of its wall clock to what its operator vouches for", async () => {
    const cluster = new Cluster();
    const { runtime } = await server(cluster, "time/paris", 0, { errorBoundMs: 5 });
    const { backend } = cluster.machine();
    const request = backend.bus.request("time/paris", new Uint8Array(), { timeoutMs: 50 });
    const { data } = await cluster.settle(request);
    const nowMs = runtime.time.wallMs();
    const answer = JSON.parse(Buffer.from(data).toString()) as Record<string, number>;
    expect(answer["errorBoundMs"]).toBe(6);
    expect(Math.abs(nowMs - (answer["sentMs"] ?? 0))).toBeLessThan(10);
  });

  it("ignores what is no question, and ends with its signal", async () => {
    const cluster = new Cluster();
    const controller = new AbortController();
    const { signal } = controller;
    const paris = await server(cluster, "time/paris", 0, { signal });
    const other = cluster.machine();
    await cluster.settle(other.backend.bus.publish("time/paris", new Uint8Array(3)));
    expect(paris.timeServer.answered).toBe(0);
    controller.abort();
    const ask = other.backend.bus.request("time/paris", new Uint8Array(), { timeoutMs: 50 });
    expect(await cluster.settle(codeOf(() => ask))).toBe("NO_RESPONDERS");
  });
});

describe("the end", () => {
  it("comes with close, twice, while a question is on its way; synced() then rejects", async () => {
    const cluster = new Cluster();
    const paris = cluster.machine();
    await cluster.settle(paris.backend.bus.subscribe("time/mute", () => {}));
    const { sync, runtime } = client(cluster, ["time/mute"], 0);
    const waiting = codeOf(() => sync.synced());
    await cluster.run(20);
    const closing = sync.close();
    expect(sync.close()).toBe(closing);
    await cluster.settle(closing);
    expect(await waiting).toBe("CLOSED");
    await cluster.run(60_000, 500);
    expect(runtime.pendingTimers).toBe(0);
    expect(kinds(runtime)).toEqual([]);
  });

  it("comes with the signal, and a wait for the first sync can be given up alone", async () => {
    const cluster = new Cluster();
    const controller = new AbortController();
    const { sync, runtime } = client(cluster, ["time/nobody"], 0, { signal: controller.signal });
    const wait = new AbortController();
    const waiting = codeOf(() => sync.synced({ signal: wait.signal }));
    wait.abort(new Error("enough"));
    expect(await waiting).toBe("Error: enough");
    await cluster.run(500);
    controller.abort();
    await cluster.settle(sync.close());
    expect(runtime.pendingTimers).toBe(0);
  });

  it("comes at once for a signal that has aborted before", async () => {
    const cluster = new Cluster();
    const { sync, runtime } = client(cluster, ["time/x"], 0, { signal: AbortSignal.abort() });
    await cluster.run(20_000, 500);
    expect(kinds(runtime)).toEqual([]);
    await cluster.settle(sync.close());
  });
});

describe("bad options", () => {
  const bus = {} as MessageBus;
  const runtime: Runtime = new ScriptedRuntime();
  it.each([
    [{}],
    [{ servers: [] }],
    [{ servers: ["a", "a"] }],
    [{ servers: [""] }],
    [{ servers: "time/a" }],
    [{ servers: Array.from({ length: 17 }, (_, index) => `${index}`) }],
    [{ servers: ["a"], pollMs: 0 }],
    [{ servers: ["a"], timeoutMs: Number.NaN }],
    [{ servers: ["a"], driftPpm: -5 }],
    [{ servers: ["a"], poll: 5 }],
  ])("%j are refused", async (options) => {
    const call = () => syncClock(bus, { runtime, ...options } as SyncClockOptions);
    expect(await codeOf(call)).toBe("INVALID_ARGUMENT");
  });

  it("of a server are refused, too", async () => {
    const clock = { now: () => ({ nowMs: 0, errorBoundMs: 0 }) };
    const bad = [
      { subject: "a", errorBoundMs: -1 },
      { subject: "a", clock, errorBoundMs: 5 },
      { subject: "a", clock: {} as typeof clock },
      { subject: "a", port: 123 },
    ];
    for (const options of bad) {
      expect(await codeOf(() => serveTime(bus, options))).toBe("INVALID_ARGUMENT");
    }
  });
});
