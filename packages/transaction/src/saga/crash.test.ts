import { refuse, sleep } from "@quorate/core";
import { checkSagas } from "@quorate/simulator/checker";
import { describe, expect, it } from "vitest";
import type { Mishap } from "../kernel/world.fixture.ts";
import { Shop } from "./saga.fixture.ts";

const STEPS = ["a", "b", "c"];

/** Effects of participants with barriers: each key takes effect once, never after its undo. */
class Participants {
  readonly effects: { kind: "action" | "compensation"; step: string }[] = [];
  readonly #state = new Map<string, "done" | "undone">();

  attach(shop: Shop, refuses: string | undefined): void {
    for (const step of STEPS) {
      shop.behave.set(`${step} do`, () => {
        if (this.#state.has(step)) {
          if (this.#state.get(step) === "undone") throw refuse("undone before");
          return { step };
        }
        if (step === refuses) throw refuse("no");
        this.#state.set(step, "done");
        this.effects.push({ kind: "action", step });
        return { step };
      });
      shop.behave.set(`${step} undo`, () => {
        if (this.#state.get(step) === "done") this.effects.push({ kind: "compensation", step });
        this.#state.set(step, "undone");
      });
    }
  }
}

interface Ended {
  readonly calls: number;
  readonly violations: readonly unknown[];
  readonly state: string | undefined;
}

/** One saga, whose process meets `mishap` at its call number `at`; a second process looks on. */
async function saga(at: number, mishap: Mishap | undefined, refuses?: string): Promise<Ended> {
  const shop = new Shop(at + 1);
  const line = shop.line(STEPS);
  const participants = new Participants();
  participants.attach(shop, refuses);
  const { process, sagas } = shop.process([line]);
  const { sagas: others } = shop.process([line]);
  await shop.world.runtime.advance(200);
  const before = process.calls.made.length;
  process.calls.fate = (index) => (index - before === at ? mishap : undefined);
  const started = shop.world.outcome(sagas.start(line, { id: "x", input: { n: 1 } }), 3_000);
  await started;
  await shop.world.runtime.advance(12_000);
  const seen = await others.inspect("x");
  const calls = process.calls.made.length - before;
  // A saga that was never stored did nothing.
  if (seen === undefined) return { calls, violations: participants.effects, state: undefined };
  const outcome = seen.state === "done" ? "completed" : seen.state;
  const report = checkSagas([
    {
      key: "x",
      steps: STEPS,
      effects: participants.effects,
      outcome: outcome === "completed" || outcome === "compensated" ? outcome : "open",
    },
  ]);
  return { calls, violations: report.violations, state: seen.state };
}

describe.each([
  { name: "that goes through", refuses: undefined, end: "done" },
  { name: "that is refused at its last step", refuses: "c", end: "compensated" },
])("a saga $name", ({ refuses, end }) => {
  it.each<Mishap>(["none", "unanswered", "unknown", "dies-before", "dies-after"])(
    "ends well whichever of its writes meets: %s",
    async (mishap) => {
      const whole = await saga(0, undefined, refuses);
      expect(whole).toMatchObject({ violations: [], state: end });
      for (let at = 0; at < whole.calls; at += 1) {
        const ended = await saga(at, mishap, refuses);
        expect({ at, ...ended, calls: 0 }).toEqual({
          at,
          calls: 0,
          violations: [],
          // Nothing is there if it died before it was stored; a store that was down is asked again.
          state: at === 0 && mishap === "dies-before" ? undefined : end,
        });
      }
    },
  );

  it("ends well when the process that recovers it dies too, at each of its writes", async () => {
    for (let at = 0; at < 6; at += 1) {
      const shop = new Shop(at + 1);
      const line = shop.line(STEPS);
      const participants = new Participants();
      participants.attach(shop, refuses);
      const first = shop.process([line]);
      await shop.world.runtime.advance(200);
      shop.behave.set("b do", () => {
        first.process.kill();
        return new Promise(() => {});
      });
      await shop.world.outcome(first.sagas.start(line, { id: "x", input: { n: 1 } }));
      participants.attach(shop, refuses);
      const second = shop.process([line]);
      let puts = 0;
      second.process.calls.fate = (_, name) => {
        if (!name.startsWith("put sagas/x")) return undefined;
        puts += 1;
        return puts === at + 1 ? "dies-after" : undefined;
      };
      const third = shop.process([line]);
      await shop.world.runtime.advance(20_000);
      const seen = await third.sagas.inspect("x");
      expect({ at, state: seen?.state }).toEqual({ at, state: end });
      const outcome = end === "done" ? "completed" : "compensated";
      const { violations } = checkSagas([
        { key: "x", steps: STEPS, effects: participants.effects, outcome },
      ]);
      expect({ at, violations }).toEqual({ at, violations: [] });
    }
  });
});

describe("an owner that was paused beyond its lease", () => {
  it("runs no further step when it wakes, and its signal has aborted", async () => {
    const shop = new Shop();
    let holder = 0;
    const signals: AbortSignal[] = [];
    const line = shop.line(STEPS, { step: { b: { timeoutMs: 60_000 } } });
    const one = shop.process([line]);
    shop.behave.set("b do", async ({ signal }, count) => {
      if (count > 1) return {};
      signals.push(signal);
      // By the clock of the paused process.
      await sleep(one.process.backend.runtime, 6_000);
      holder = 1;
      return {};
    });
    const started = await shop.world.outcome(one.sagas.start(line, { id: "x", input: { n: 1 } }));
    expect(started.kind).toBe("value");
    one.process.pause();
    const two = shop.process([line]);
    await shop.world.until(() => shop.log.includes("c do"));
    await shop.world.runtime.advance(5_000);
    const before = shop.log.length;
    one.process.resume();
    await shop.world.runtime.advance(5_000);
    expect(shop.log.slice(before)).toEqual([]);
    expect(holder).toBe(1);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect((await two.sagas.inspect("x"))?.state).toBe("done");
    const fences = shop.seen.filter(({ what }) => what === "b do").map((one) => one.fencingToken);
    expect(fences[1]).toBeGreaterThan(fences[0] ?? Infinity);
  });
});
