/** 65 of the list of tests: who asks aborts, the coordinator commits, one of them wins. */
import { type KvStore, sleep } from "@quorate/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TestProcess } from "../kernel/world.fixture.ts";
import { BankWorld } from "./ledger.fixture.ts";

const DEADLINE_MS = 1_000;

/** A process whose writes are on their way for `delayMs`. */
function farAway(process: TestProcess, delayMs: number): TestProcess {
  const { backend } = process;
  const kv: KvStore = {
    ...backend.kv,
    put: async (key, value, options) => {
      if (key.startsWith("two-phase/")) await sleep(backend.runtime, delayMs);
      return backend.kv.put(key, value, options);
    },
  };
  return { ...process, backend: { ...backend, kv } };
}

describe("an asker and a coordinator at the deadline", () => {
  it("one compare-and-set wins, and both are told which", async () => {
    const seen = { both: 0, none: 0 };
    const delay = fc.integer({ min: 0, max: 40 });
    const asks = fc.array(fc.integer({ min: -10, max: 40 }), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(delay, delay, asks, async (commitMs, abortMs, asksAtMs) => {
        const world = new BankWorld();
        const first = world.teller({}, farAway(world.process(), commitMs));
        const second = world.teller({}, farAway(world.process(), abortMs));
        await world.runtime.advance(500);
        // The last vote is in just before the deadline, the commit on its way when it passes.
        world.a.behaviour = { prepareMs: DEADLINE_MS - commitMs - 5 };
        const moving = first.move("t", DEADLINE_MS);
        const asked: Promise<string | undefined>[] = [];
        for (const atMs of asksAtMs) {
          world.runtime.time.setTimer(DEADLINE_MS + atMs, () => {
            asked.push(second.twoPhase.decision("t"));
          });
        }
        const outcome = await world.outcome(moving, 10_000, 500);
        await world.runtime.advance(10_000);
        const state = world.stateOf("t");
        expect(["both", "none"]).toContain(state);
        expect(outcome.kind === "value").toBe(state === "both");
        seen[state as "both" | "none"] += 1;
        expect(asked).toHaveLength(asksAtMs.length);
        const wrong = state === "both" ? "aborted" : "committed";
        expect(await Promise.all(asked)).not.toContain(wrong);
      }),
      { numRuns: 80 },
    );
    expect(Math.min(seen.both, seen.none)).toBeGreaterThan(5);
  });
});
