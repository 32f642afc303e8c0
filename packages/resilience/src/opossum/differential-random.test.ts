/**
 * Case 44, at random: scripts of calls, waits and verbs, played to our facade and the real opossum.
 */
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";

import {
  act,
  type Deed,
  fakeClock,
  type Make,
  ours,
  pass,
  plain,
  real,
  record,
  stateOf,
} from "./opossum.fixture.ts";
import type { CircuitBreakerOptions } from "./options.ts";

afterEach(() => void vi.useRealTimers());

const TIMEOUT_MS = 100;
const RESET_MS = 1_000;

type Step =
  | { readonly kind: "fire"; readonly deed: Deed }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "open" | "close" | "enable" | "disable" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("fire" as const),
      deed: fc.constantFrom<Deed>("value", "async value", "reject", "throw", "filtered", "hang"),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      ms: fc.constantFrom(1, 499, RESET_MS, 2 * RESET_MS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom("open" as const, "close", "enable", "disable") }),
  },
);

interface Script {
  readonly steps: readonly Step[];
  readonly options: CircuitBreakerOptions<never>;
  readonly hasFallback: boolean;
  /** Whether the script ends when it opens: what follows depends on the window. */
  readonly untilOpen: boolean;
}

async function play(make: Make, script: Script): Promise<unknown[]> {
  const options = {
    timeout: TIMEOUT_MS,
    resetTimeout: RESET_MS,
    rollingCountTimeout: 1e8,
    errorFilter: (error: Error) => error.message === "not found",
    ...script.options,
  };
  const breaker = make(act, options);
  if (script.hasFallback) breaker.fallback((deed: Deed) => `instead of ${deed}`);
  const seenSoFar = record(breaker);
  for (const one of script.steps) {
    if (one.kind === "wait") await pass(one.ms);
    else if (one.kind !== "fire") breaker[one.kind]();
    else if (one.deed === "hang") {
      const outcome = breaker.fire("hang").then(plain, plain);
      if (!breaker.enabled) continue;
      await pass(TIMEOUT_MS);
      seenSoFar.push(await outcome);
    } else {
      const outcome = new Promise((resolve) => resolve(breaker.fire(one.deed)));
      seenSoFar.push(plain(await outcome.catch((error: unknown) => error)));
    }
    seenSoFar.push(stateOf(breaker));
    if (script.untilOpen && breaker.opened) break;
  }
  breaker.shutdown();
  return seenSoFar;
}

const samePlay = async (script: Script): Promise<void> => {
  fakeClock();
  const expected = await play(real, script);
  fakeClock();
  expect(await play(ours, script)).toEqual(expected);
};

describe("case 44: as the real opossum, at random", () => {
  it("outcomes, events, states and counts, whatever happens in whatever order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.boolean(), (steps, hasFallback) =>
        samePlay({
          steps,
          hasFallback,
          untilOpen: false,
          // Each failure opens, so that the window, which ours begins anew, plays no part.
          options: { volumeThreshold: 0, errorThresholdPercentage: 0 },
        }),
      ),
      { numRuns: 150 },
    );
  }, 60_000);

  it("opens at the same failure, for any threshold and volume", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            kind: fc.constant("fire" as const),
            deed: fc.constantFrom<Deed>("value", "reject", "throw", "filtered", "hang"),
          }),
          { maxLength: 30 },
        ),
        fc.integer({ min: 0, max: 100 }),
        fc.integer({ min: 0, max: 12 }),
        (steps, errorThresholdPercentage, volumeThreshold) =>
          samePlay({
            steps,
            hasFallback: false,
            untilOpen: true,
            options: { errorThresholdPercentage, volumeThreshold },
          }),
      ),
      { numRuns: 150 },
    );
  }, 60_000);
});
