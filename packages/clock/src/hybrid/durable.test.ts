import { isQuorateError, type Runtime } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { createMemoryStore, memoryBackend } from "@quorate/memory";
import { describe, expect, it } from "vitest";
import { type BoundStore, kvBoundStore } from "./bound-store.ts";
import { type DurableHybridClock, openHybridClock } from "./durable.ts";
import { HybridClock } from "./hybrid-clock.ts";
import { ReuseBound } from "./reuse-bound.ts";
import { untilTrusted } from "./trust.ts";

/** A store whose saves can be stopped; it keeps what a crash would leave. */
function bounds() {
  const state = { storedMs: undefined as number | undefined, saves: 0, mode: "ok" };
  const store: BoundStore = {
    load: () => Promise.resolve(state.storedMs),
    save: (boundMs) => {
      state.saves += 1;
      if (state.mode === "fail") return Promise.reject(new Error("disk full"));
      if (state.mode === "hang") return new Promise(() => {});
      state.storedMs = boundMs;
      return Promise.resolve();
    },
  };
  return { state, store };
}

async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    return isQuorateError(error) ? error.code : String(error);
  }
  return "none";
}

/** Opens while scripted time goes on. */
async function open(runtime: ScriptedRuntime, bound: BoundStore): Promise<DurableHybridClock> {
  const opening = openHybridClock({ node: "n", bound, runtime });
  const [durable] = await Promise.all([opening, runtime.advance(0)]);
  return durable;
}

describe("a life after the clock was set back", () => {
  it("issues nothing that an earlier one issued", async () => {
    const { store } = bounds();
    const runtime = new ScriptedRuntime();
    const first = await open(runtime, store);
    await runtime.advance(30_000);
    const last = first.clock.now();
    await first.close(); // The same as a crash: closing stores nothing.
    runtime.stepWallClock(-20_000);

    const opening = openHybridClock({ node: "n", bound: store, runtime });
    let opened = false;
    void opening.then(() => (opened = true));
    await runtime.advance(19_000);
    expect(opened).toBe(false); // Peers would refuse what it issued.
    await runtime.advance(6_000);
    const second = await opening;
    expect(second.clock.now().timeMs).toBeGreaterThan(last.timeMs);
    await second.close();
  });

  it("gives up waiting when its signal aborts, and leaves no timer", async () => {
    const { state, store } = bounds();
    const runtime = new ScriptedRuntime();
    state.storedMs = runtime.time.wallMs() + 3_600_000;
    const controller = new AbortController();
    const opening = openHybridClock({
      node: "n",
      bound: store,
      runtime,
      signal: controller.signal,
    });
    const outcome = codeOf(() => opening);
    await runtime.advance(5_000);
    controller.abort(new Error("shutdown"));
    expect(await outcome).toBe("Error: shutdown");
    expect(runtime.pendingTimers).toBe(0);
    expect(state.saves).toBe(0);
  });
});

describe("the ceiling", () => {
  it("is always stored before it is used", async () => {
    const { state, store } = bounds();
    const runtime = new ScriptedRuntime();
    const durable = await open(runtime, store);
    for (let step = 0; step < 200; step++) {
      await runtime.advance(100 + (step % 7) * 50);
      expect(durable.clock.now().timeMs).toBeLessThanOrEqual(state.storedMs ?? 0);
    }
    // A write per half of aheadMs at most: 50 s make about 20.
    expect(state.saves).toBeLessThan(25);
    await durable.close();
    expect(runtime.pendingTimers).toBe(0);
  });

  it.each(["fail", "hang"])(
    "stops the clock when saves %s, and is told of, and recovers",
    async (mode) => {
      const { state, store } = bounds();
      const runtime = new ScriptedRuntime();
      const durable = await open(runtime, store);
      state.mode = mode;
      await runtime.advance(2_400);
      expect(await codeOf(() => durable.clock.now())).toBe("none");
      await runtime.advance(3_000);
      expect(await codeOf(() => durable.clock.now())).toBe("STORE_UNAVAILABLE");
      expect(runtime.recorded.map(({ event }) => event)).toContainEqual(
        expect.objectContaining({ kind: "bound-not-stored", node: "n" }),
      );
      state.mode = "ok";
      await runtime.advance(3_000);
      expect(await codeOf(() => durable.clock.now())).toBe("none");
      await durable.close();
    },
  );

  it("stops the upkeep with close, twice, while a save hangs", async () => {
    const { state, store } = bounds();
    const runtime = new ScriptedRuntime();
    const durable = await open(runtime, store);
    state.mode = "hang";
    await runtime.advance(3_800);
    const closing = durable.close();
    expect(durable.close()).toBe(closing);
    await runtime.advance(2_000);
    await closing;
    const { saves } = state;
    await runtime.advance(60_000);
    expect(state.saves).toBe(saves);
    expect(runtime.pendingTimers).toBe(0);
  });
});

describe("opening", () => {
  it("rejects when the first bound cannot be stored", async () => {
    const { state, store } = bounds();
    const runtime = new ScriptedRuntime();
    state.mode = "fail";
    expect(await codeOf(() => open(runtime, store))).toBe("Error: disk full");
    expect(runtime.pendingTimers).toBe(0);
  });

  it.each([[-1], [1.5], [2 ** 48], ["12"], [null], [Number.NaN]])(
    "refuses a loaded bound of %j",
    async (value) => {
      const { state, store } = bounds();
      state.storedMs = value as number;
      expect(await codeOf(() => open(new ScriptedRuntime(), store))).toBe("RECORD_INVALID");
    },
  );

  it("refuses bad options before it asks the store", async () => {
    const { state, store } = bounds();
    const runtime: Runtime = new ScriptedRuntime();
    const bad = [
      { node: "", bound: store, runtime },
      { node: "n", bound: {} as BoundStore, runtime },
      { node: "n", bound: store, runtime, aheadMs: 0 },
      { node: "n", bound: store, runtime, ahead: 5 },
    ];
    for (const options of bad) {
      expect(await codeOf(() => openHybridClock(options))).toBe("INVALID_ARGUMENT");
    }
    expect(state.saves).toBe(0);
  });
});

describe("a bound in a kv store", () => {
  it("is kept over lives, and never goes back", async () => {
    const runtime = new ScriptedRuntime();
    const backend = memoryBackend({ runtime, store: createMemoryStore({ runtime }) });
    const bound = kvBoundStore(backend.kv, "clocks/n");
    const step = async <T>(promise: Promise<T>): Promise<T> => {
      await runtime.advance(0);
      return promise;
    };
    expect(await step(bound.load({}))).toBe(undefined);
    await step(bound.save(500, {}));
    await step(bound.save(400, {}));
    expect(await step(bound.load({}))).toBe(500);
    await step(bound.save(600, {}));
    expect(await step(bound.load({}))).toBe(600);
    // Two writers at once: the larger one stays.
    await step(Promise.all([bound.save(900, {}), bound.save(800, {}), bound.save(700, {})]));
    expect(await step(bound.load({}))).toBe(900);
    await backend.close();
  });

  it.each(["", "x", "-1", "1e3", "0x10", "9".repeat(20), "281474976710656", " 7"])(
    "leaves %j as it is, and says what it found",
    async (text) => {
      const runtime = new ScriptedRuntime();
      const backend = memoryBackend({ runtime, store: createMemoryStore({ runtime }) });
      const bound = kvBoundStore(backend.kv, "clocks/n");
      const written = backend.kv.put("clocks/n", text);
      await runtime.advance(0);
      await written;
      const codes = Promise.all([codeOf(() => bound.load({})), codeOf(() => bound.save(9, {}))]);
      await runtime.advance(0);
      expect(await codes).toEqual(["RECORD_INVALID", "RECORD_INVALID"]);
      await backend.close();
    },
  );
});

describe("the machine behind it", () => {
  it("asks for a bound at once, then when half is used, and never for a lower one", () => {
    const bound = new ReuseBound({ aheadMs: 100 });
    expect(bound.due(1_000)).toBe(1_100);
    bound.stored(1_100);
    expect(bound.due(1_049)).toBe(undefined);
    expect(bound.due(1_050)).toBe(1_150);
    expect(bound.due(1_300)).toBe(1_400);
    bound.stored(1_050); // A straggler: ignored.
    expect(bound.storedMs).toBe(1_100);
    expect(bound.due(0)).toBe(undefined);
  });
});

describe("untilTrusted", () => {
  it("resolves at once for a clock that follows, and after the wall has caught up", async () => {
    const runtime = new ScriptedRuntime();
    const clock = new HybridClock({ node: "n", runtime });
    await untilTrusted(clock, { runtime });
    clock.now();
    runtime.stepWallClock(-10_000);
    let trusted = false;
    void untilTrusted(clock, { runtime }).then(() => (trusted = true));
    await runtime.advance(9_400);
    expect(trusted).toBe(false);
    await runtime.advance(100);
    expect(trusted).toBe(true);
  });

  it("notices within a second that somebody has set the wall clock right", async () => {
    const runtime = new ScriptedRuntime();
    const clock = new HybridClock({ node: "n", runtime });
    clock.now();
    runtime.stepWallClock(-3_600_000);
    let trusted = false;
    void untilTrusted(clock, { runtime }).then(() => (trusted = true));
    await runtime.advance(100);
    runtime.stepWallClock(3_600_000);
    await runtime.advance(1_000);
    expect(trusted).toBe(true);
  });
});
