import { leaseLeftMs, leaseMarginMs } from "@quorate/core";
import { ScriptedRuntime, seededRandom } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";
import { ServerClock } from "./server-clock.ts";

const SERVER_AHEAD_MS = 1_700_000_000_000;

/** A server whose clock is ahead of the runtime's, and a way to ask it. */
function setUp() {
  const runtime = new ScriptedRuntime();
  const clock = new ServerClock(runtime.time);
  const server = { aheadMs: SERVER_AHEAD_MS };
  const serverMicros = (): number =>
    Math.round((runtime.time.monotonicMs() + server.aheadMs) * 1_000);
  const ask = async (thereMs: number, backMs: number): Promise<void> => {
    const sentMs = runtime.time.monotonicMs();
    await runtime.advance(thereMs);
    const micros = serverMicros();
    await runtime.advance(backMs);
    clock.learn(micros, sentMs);
  };
  return { runtime, clock, server, serverMicros, ask };
}

describe("ServerClock", () => {
  it("knows nothing before the first answer, and lets nothing be believed", () => {
    const { clock, runtime } = setUp();
    expect(clock.latestMicros(0)).toBe(0);
    const window = clock.windowUntil(Number.MAX_SAFE_INTEGER, 500);
    expect(leaseLeftMs(runtime.time, window)).toBe(-Infinity);
  });

  it("never believes longer than the server's clock allows, whatever the way took", async () => {
    const seed = 7;
    const random = seededRandom(seed);
    const { runtime, clock, serverMicros, ask } = setUp();
    for (let round = 0; round < 500; round++) {
      await ask(random.next() * 40, random.next() * 40);
      const endMicros = serverMicros() + 500_000;
      const window = clock.windowUntil(endMicros, 500);
      const trueEndMs = endMicros / 1_000 - SERVER_AHEAD_MS;
      expect(window.validUntilMs, `seed ${seed}, round ${round}`).toBeLessThanOrEqual(
        trueEndMs - leaseMarginMs(500) + 0.001,
      );
      expect(clock.latestMicros(0)).toBeGreaterThanOrEqual(serverMicros());
      await runtime.advance(random.next() * 300);
    }
  });

  it("keeps the best of recent answers: one slow way does not spoil it", async () => {
    const { clock, serverMicros, ask } = setUp();
    await ask(1, 1);
    await ask(400, 400);
    expect((clock.latestMicros(0) - serverMicros()) / 1_000).toBeLessThanOrEqual(1.001);
  });

  it("forgets what is old", async () => {
    const { runtime, clock, ask } = setUp();
    await ask(1, 1);
    await runtime.advance(9_000);
    expect(clock.latestMicros(0)).toBeGreaterThan(0);
    await runtime.advance(2_000);
    expect(clock.latestMicros(0)).toBe(0);
  });

  it("notices a step forward by the next answer", async () => {
    const { clock, server, serverMicros, ask } = setUp();
    await ask(1, 1);
    server.aheadMs += 10_000;
    await ask(1, 1);
    expect(clock.latestMicros(0)).toBeGreaterThanOrEqual(serverMicros());
  });

  it("believes no longer than the wall clock allows when the machine sleeps", async () => {
    const { runtime, clock, serverMicros, ask } = setUp();
    await ask(1, 1);
    const window = clock.windowUntil(serverMicros() + 500_000, 500);
    runtime.sleepMachine(1_000);
    expect(leaseLeftMs(runtime.time, window)).toBeLessThan(0);
  });

  it("knows nothing of another server", async () => {
    const { runtime } = setUp();
    let place = "a:1";
    const clock = new ServerClock(runtime.time, () => place);
    clock.learn(1_795_252_092_381_573, runtime.time.monotonicMs());
    expect(clock.latestMicros(0)).toBeGreaterThan(0);
    place = "b:1";
    expect(clock.latestMicros(0)).toBe(0);
  });
});
