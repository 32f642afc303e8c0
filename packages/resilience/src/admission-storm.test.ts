/**
 * The retry storm of the literature: a healthy service near its capacity stalls for five seconds,
 * and its clients' timeouts and retries keep it down after it is back.
 *
 * 900 requests a second come to a server that can do 1,000. Clients give up after 500 ms and retry
 * three times, without a budget. Alone the server never recovers: all it does is for callers that
 * have gone. Behind `admission` with its defaults it does, though the clients are no better.
 */
import { ScriptedRuntime, seededRandom } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import { admission } from "./admission.ts";

const RATE_PER_S = 900;
const PATIENCE_MS = 500;
const STALL = { fromMs: 4_000, untilMs: 9_000 };
const RUN_S = 14;

/** Workers behind a line of their own, which stand still for a while. */
function workers(runtime: ScriptedRuntime, random: () => number, count: number, meanMs: number) {
  const { time } = runtime;
  const line: (() => void)[] = [];
  let busy = 0;
  return (): Promise<void> =>
    new Promise((resolve) => {
      const begin = (): void => {
        busy += 1;
        const serviceMs = meanMs * (0.5 + random());
        const end = (): void => {
          const nowMs = time.monotonicMs();
          if (nowMs >= STALL.fromMs && nowMs < STALL.untilMs) {
            return void time.setTimer(STALL.untilMs - nowMs + serviceMs, end);
          }
          busy -= 1;
          resolve();
          line.shift()?.();
        };
        time.setTimer(serviceMs, end);
      };
      if (busy < count) begin();
      else line.push(begin);
    });
}

/** Share of the requests of each second that were answered in time. */
async function goodput(count: number, meanMs: number, isGated: boolean): Promise<number[]> {
  const runtime = new ScriptedRuntime({ seed: 7 });
  const { time } = runtime;
  const { next: random } = seededRandom(11);
  const serve = workers(runtime, random, count, meanMs);
  const gate = admission({ runtime });
  const offered = Array.from({ length: RUN_S + 1 }, () => 0);
  const answered = [...offered];
  const ask = (): Promise<boolean> =>
    new Promise((resolve) => {
      const patience = time.setTimer(PATIENCE_MS, () => resolve(false));
      const deadlineMs = time.monotonicMs() + PATIENCE_MS;
      const answer = isGated ? gate.run(serve, { deadlineMs }) : serve();
      const end = (ok: boolean) => (): void => {
        patience.cancel();
        resolve(ok);
      };
      answer.then(end(true), end(false));
    });
  const request = async (): Promise<void> => {
    const second = Math.floor(time.monotonicMs() / 1_000);
    offered[second] = (offered[second] ?? 0) + 1;
    for (let attempt = 0; attempt < 4; attempt++) {
      if (attempt > 0) {
        const pauseMs = random() * 100 * 2 ** attempt;
        await new Promise<void>((resolve) => void time.setTimer(pauseMs, resolve));
      }
      if (await ask()) return void (answered[second] = (answered[second] ?? 0) + 1);
    }
  };
  const arrive = (): void => {
    time.setTimer((-Math.log(1 - random()) * 1_000) / RATE_PER_S, () => {
      if (time.monotonicMs() > RUN_S * 1_000) return;
      void request();
      arrive();
    });
  };
  arrive();
  await runtime.advance(RUN_S * 1_000 + 3_000);
  return answered.map((count_, second) => count_ / Math.max(1, offered[second] ?? 0));
}

describe("a retry storm", () => {
  it("keeps a bare server down for good", async () => {
    const shares = await goodput(30, 30, false);
    expect(shares[2]).toBeGreaterThan(0.99);
    expect(Math.max(...shares.slice(10, 13))).toBeLessThan(0.05);
  });

  it.each([
    [30, 30],
    [5, 5],
    [1, 1],
  ])(
    "case 30: is over in a second behind admission: %i workers of %i ms",
    async (count, meanMs) => {
      const shares = await goodput(count, meanMs, true);
      expect(Math.min(...shares.slice(1, 3))).toBeGreaterThan(0.97);
      expect(Math.min(...shares.slice(10, 13))).toBeGreaterThan(0.95);
    },
  );
});
