/**
 * Case 13: a caller's function that throws, at every hook of retry, hedge and fallbacks at once.
 */
import { ScriptedRuntime } from "@quorate/core/testing";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { backoff } from "./backoff.ts";
import { lastGood } from "./degrade.ts";
import { fallback } from "./fallback.ts";
import { hedge } from "./hedge.ts";
import { pipe } from "./policy.ts";
import { retry } from "./retry.ts";

const unhandled: unknown[] = [];
const note = (error: unknown): void => void unhandled.push(error);

beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", note);
});
afterEach(() => {
  process.off("unhandledRejection", note);
});

/** Ways in which a function of a caller's goes wrong; `undefined`: it does not. */
const ways = {
  throws(): never {
    throw new Error("hook threw");
  },
  "throws undefined"(): never {
    throw undefined;
  },
  rejects: () => Promise.reject(new Error("hook rejected")),
  "answers nonsense": () => Number.NaN,
  "answers an object": () => ({}),
};

type Way = keyof typeof ways | undefined;

const names = ["when", "backoff", "listener", "instead", "standIn", "key"] as const;
const hooks = fc.record(
  Object.fromEntries(
    names.map((name) => [
      name,
      fc.option(fc.constantFrom(...(Object.keys(ways) as (keyof typeof ways)[])), {
        nil: undefined,
      }),
    ]),
  ) as Record<(typeof names)[number], fc.Arbitrary<Way>>,
);

/** All policies with hooks, around each other, and how the last attempt's error came out. */
async function run(broken: Record<(typeof names)[number], Way>, failures: number) {
  const runtime = new ScriptedRuntime();
  const hook = <F>(name: (typeof names)[number], sound: F): F => {
    const way = broken[name];
    return way === undefined ? sound : (ways[way] as F);
  };
  const policies = {
    lastGood: lastGood({ maxAgeMs: 1_000, key: hook("key", () => "k"), runtime }),
    fallback: fallback(hook("instead", ways.throws), {
      when: hook("standIn", () => true),
      runtime,
    }),
    retry: retry({
      when: hook("when", () => undefined),
      backoff: hook("backoff", backoff.constant({ delayMs: 10 })),
      runtime,
    }),
    hedge: hedge({ delayMs: 5, runtime }),
  };
  const listener = hook("listener", () => {});
  policies.lastGood.on("degraded", listener);
  policies.fallback.on("degraded", listener);
  policies.retry.on("retrying", listener);
  policies.retry.on("exhausted", listener);
  policies.retry.on("budgetEmpty", listener);
  policies.hedge.on("sent", listener);
  policies.hedge.on("won", listener);
  const { lastGood: outer, fallback: poorer, retry: again, hedge: twice } = policies;
  const errors: unknown[] = [];
  let settled = 0;
  const call = pipe(outer, poorer, again, twice)
    .run(
      () => {
        if (errors.length >= failures) return "done";
        const error = new Error(`attempt ${errors.length + 1}`);
        errors.push(error);
        return new Promise((_, reject) => runtime.time.setTimer(7, () => reject(error)));
      },
      { repeat: "safe" },
    )
    .then(
      (value: unknown) => {
        settled += 1;
        return { value };
      },
      (error: unknown) => {
        settled += 1;
        return { error };
      },
    );
  await runtime.advance(20_000);
  return { outcome: await call, errors, settled, runtime };
}

describe("case 13: a function of the caller's that goes wrong", () => {
  it("at any hooks: the call settles once, with its own outcome, and nothing is left", async () => {
    await fc.assert(
      fc.asyncProperty(hooks, fc.constantFrom(0, 1, 2, 50), async (broken, failures) => {
        const { outcome, errors, settled, runtime } = await run(broken, failures);
        expect(settled).toBe(1);
        // A fallback's function may answer: nonsense is its answer, not a failure.
        const nonsense =
          broken.instead === "answers nonsense" || broken.instead === "answers an object";
        if (failures < 3) expect(outcome).toEqual({ value: "done" });
        else if (nonsense) expect(outcome).toHaveProperty("value");
        else expect(errors).toContain((outcome as { error: unknown }).error);
        expect(runtime.pendingTimers).toBe(0);
        expect(unhandled).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it("is reported, by what it is", async () => {
    const broken = Object.fromEntries(names.map((name) => [name, "throws"])) as Record<
      (typeof names)[number],
      Way
    >;
    const { runtime } = await run(broken, 50);
    const reported = new Set(
      runtime.recorded
        .filter(({ name }) => name === "resilience.listener-failed")
        .map(({ event }) => (event as { what: string }).what),
    );
    expect([...reported].toSorted()).toEqual([
      "backoff of retry",
      "fallback",
      "key of lastGood",
      "listener of exhausted",
      "listener of retrying",
      "listener of sent",
      "when of fallback",
      "when of retry",
    ]);
  });
});
