/**
 * Case 44: our p-retry beside p-retry 7.1.1, in the same virtual time.
 */
import realPRetry, {
  AbortError as RealAbortError,
  makeRetriable as realMakeRetriable,
} from "p-retry";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { outcomeOf } from "./policy.fixture.ts";
import { AbortError, makeRetriable, pRetry } from "./p-retry.ts";
import type { Options, RetryContext } from "./p-retry.ts";

interface Library {
  readonly name: "ours" | "p-retry";
  readonly pRetry: typeof pRetry;
  readonly makeRetriable: typeof makeRetriable;
  readonly AbortError: new (message: string | Error) => Error;
}

// That these compile is a test: whoever imports ours instead changes nothing else.
const dropIn: typeof realPRetry = pRetry;
const dropInRetriable: typeof realMakeRetriable = makeRetriable;

const ours: Library = {
  name: "ours",
  pRetry: dropIn as typeof pRetry,
  makeRetriable: dropInRetriable as typeof makeRetriable,
  AbortError,
};
const real: Library = {
  name: "p-retry",
  pRetry: realPRetry as typeof pRetry,
  makeRetriable: realMakeRetriable as typeof makeRetriable,
  AbortError: RealAbortError,
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "hrtime"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What a run looks like from outside: who was called with what, when, and how it ended. */
async function trace(
  library: Library,
  scenario: (library: Library, log: (line: string) => void) => Promise<unknown>,
  forMs = 100_000,
): Promise<string[]> {
  const startedMs = performance.now();
  const lines: string[] = [];
  const log = (line: string): void => {
    lines.push(`${Math.round(performance.now() - startedMs)} ${line}`);
  };
  const run = scenario(library, log).then(
    (value) => log(`value ${String(value)}`),
    (error: unknown) => log(`error ${error instanceof Error ? error.message : String(error)}`),
  );
  await vi.advanceTimersByTimeAsync(forMs);
  await run;
  return lines;
}

/** `toleranceMs`: retries without pause cost ours a turn of the event loop each. */
async function same(
  scenario: (library: Library, log: (line: string) => void) => Promise<unknown>,
  toleranceMs = 0,
): Promise<string[]> {
  const expected = await trace(real, scenario);
  const actual = await trace(ours, scenario);
  const parted = (lines: string[]) =>
    lines.map((line) => /^(\d+) (.*)$/s.exec(line)?.slice(1) ?? []);
  expect(parted(actual).map(([, text]) => text)).toEqual(parted(expected).map(([, text]) => text));
  for (const [index, [atMs]] of parted(actual).entries()) {
    const behindMs = Number(atMs) - Number(parted(expected)[index]?.[0]);
    expect(Math.abs(behindMs), actual.join("\n")).toBeLessThanOrEqual(toleranceMs);
  }
  return expected;
}

function told({ error, attemptNumber, retriesLeft, retriesConsumed }: RetryContext): string {
  return `${error.message} #${attemptNumber} left ${retriesLeft} consumed ${retriesConsumed}`;
}

describe("case 44: as p-retry 7.1.1,", () => {
  it("retries ten times, after 1, 2, 4, … seconds, and rejects with the last error", async () => {
    const lines = await trace(
      ours,
      ({ pRetry: run }, log) =>
        run((attempt) => {
          log(`attempt ${attempt}`);
          return Promise.reject(new Error(`${attempt}`));
        }),
      2_000_000,
    );
    expect(lines).toHaveLength(12);
    expect(lines.slice(0, 4)).toEqual([
      "0 attempt 1",
      "1000 attempt 2",
      "3000 attempt 3",
      "7000 attempt 4",
    ]);
    expect(lines.at(-1)).toBe("1023000 error 11");
  });

  it("passes the attempt's number, and resolves with the first value", async () => {
    const lines = await same(({ pRetry: run }, log) =>
      run((attempt) => {
        log(`attempt ${attempt}`);
        if (attempt < 3) throw new Error(`${attempt}`);
        return attempt;
      }),
    );
    expect(lines).toEqual(["0 attempt 1", "1000 attempt 2", "3000 attempt 3", "3000 value 3"]);
  });

  it("asks the hooks in order, with the same contexts, whatever they and the work do", async () => {
    const failure = fc.constantFrom("error", "network", "type", "abort", "value");
    const step = fc.record({
      failure: fc.oneof({ weight: 3, arbitrary: fc.constant("error") }, failure),
      consume: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.boolean()),
      retry: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.boolean()),
      hookMs: fc.constantFrom(0, 0, 5),
      throws: fc.constantFrom("", "", "", "", "", "failed", "consume", "retry"),
    });
    const options = fc.record(
      {
        retries: fc.constantFrom(0, 1, 2, 5, Infinity),
        factor: fc.constantFrom(0, 1, 2, 3.3),
        minTimeout: fc.constantFrom(0, 10, 333),
        maxTimeout: fc.constantFrom(0, 50, 1_000, Infinity),
      },
      { requiredKeys: [] },
    );
    const steps = fc.array(step, { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(steps, options, async (plan, bounds) => {
        await same(({ pRetry: run, AbortError: Abort }, log) => {
          const at = (index: number) => plan[Math.min(index, plan.length) - 1];
          const hook = (name: string, answer: (step: (typeof plan)[0]) => unknown) => {
            return async (context: RetryContext): Promise<never> => {
              log(`${name} ${told(context)} ${Object.isFrozen(context)}`);
              const now = at(context.attemptNumber) as (typeof plan)[0];
              if (now.hookMs > 0) await new Promise((resolve) => setTimeout(resolve, now.hookMs));
              if (now.throws === name) throw new Error(`${name} threw`);
              return answer(now) as never;
            };
          };
          return run(
            async (attempt) => {
              log(`attempt ${attempt}`);
              if (attempt > plan.length) return "done";
              const kind = at(attempt)?.failure;
              if (kind === "value") return "value";
              if (kind === "network") throw new TypeError("fetch failed");
              if (kind === "type") throw new TypeError("x is not a function");
              if (kind === "abort") throw new Abort(new Error("original"));
              throw new Error(`e${attempt}`);
            },
            {
              ...bounds,
              onFailedAttempt: hook("failed", () => undefined),
              shouldConsumeRetry: hook("consume", (now) => now.consume),
              shouldRetry: hook("retry", (now) => now.retry),
            },
          );
        }, plan.length);
      }),
      { numRuns: 150 },
    );
  });

  it("spreads pauses by the same chance", async () => {
    const chance = vi.spyOn(Math, "random").mockReturnValue(0.25);
    const lines = await same(({ pRetry: run }, log) =>
      run((attempt) => Promise.reject((log(`attempt ${attempt}`), new Error("e"))), {
        retries: 3,
        minTimeout: 100,
        randomize: true,
      }),
    );
    chance.mockRestore();
    expect(lines.map((line) => line.split(" ")[0])).toEqual(["0", "125", "375", "875", "875"]);
  });

  it("knows the same failures of the network", async () => {
    const messages = [
      "fetch failed",
      "Failed to fetch",
      "Failed to fetch (example.com)",
      "Failed to fetch (",
      "network error",
      "Network request failed",
      "terminated",
      "error sending request for url (http://x)",
      " A network error occurred.",
      "A network error occurred.",
      "Network connection lost",
      "undefined is not a function",
      "fetch failed ",
      "",
    ];
    for (const message of messages) {
      await same(({ pRetry: run }, log) =>
        run((attempt) => Promise.reject((log(`attempt ${attempt}`), new TypeError(message))), {
          retries: 1,
          minTimeout: 1,
        }),
      );
    }
  });

  it("rejects with what an AbortError carries", async () => {
    const original = new Error("original");
    for (const library of [ours, real]) {
      const given = library.pRetry(() => Promise.reject(new library.AbortError(original)));
      expect(((await outcomeOf(given)) as { error: unknown }).error).toBe(original);
      const named = new library.AbortError("message") as AbortError;
      expect([named.name, named.message, named.originalError.message]).toEqual([
        "AbortError",
        "message",
        "message",
      ]);
      const made = library.pRetry(() => Promise.reject(named));
      expect(((await outcomeOf(made)) as { error: unknown }).error).toBe(named.originalError);
    }
  });

  it("knows the AbortError of p-retry itself", async () => {
    const aborted = pRetry(() => Promise.reject(new RealAbortError("enough")));
    expect(await outcomeOf(aborted)).toMatchObject({ error: { message: "enough" } });
  });

  it("is aborted by a signal before, between and with its reason", async () => {
    for (const abortAtMs of [0, 50, 150]) {
      const lines = await same(({ pRetry: run }, log) => {
        const controller = new AbortController();
        const reason = new Error("user clicked cancel");
        if (abortAtMs === 0) controller.abort(reason);
        else setTimeout(() => controller.abort(reason), abortAtMs);
        return run((attempt) => Promise.reject((log(`attempt ${attempt}`), new Error("e"))), {
          signal: controller.signal,
          minTimeout: 100,
        });
      });
      expect(lines.at(-1)).toBe(`${abortAtMs} error user clicked cancel`);
    }
  });

  it("ends within maxRetryTime, with the work's own error", async () => {
    for (const library of [ours, real]) {
      const lines = await trace(library, ({ pRetry: run }, log) =>
        run((attempt) => Promise.reject((log(`attempt ${attempt}`), new Error("own"))), {
          minTimeout: 100,
          factor: 1,
          maxRetryTime: 350,
        }),
      );
      expect(lines.slice(0, 4)).toEqual(
        [0, 100, 200, 300].map((ms, i) => `${ms} attempt ${i + 1}`),
      );
      expect(lines.at(-1)).toMatch(/^3[05]0 error own$/); // Ours does not begin a pause in vain.
    }
  });

  it("makes one attempt with a maxRetryTime of 0", async () => {
    await same(({ pRetry: run }, log) =>
      run((attempt) => Promise.reject((log(`attempt ${attempt}`), new Error("own"))), {
        maxRetryTime: 0,
        onFailedAttempt: (context) => log(told(context)),
        shouldConsumeRetry: () => (log("asked"), true),
      }),
    );
  });

  it("refuses the same options, with a message that names the option", async () => {
    const values: unknown[] = [-1, Number.NaN, "1", Infinity, -Infinity, 0, 1.5, {}];
    for (const name of ["retries", "factor", "minTimeout", "maxTimeout", "maxRetryTime"]) {
      for (const value of values) {
        const refused = [];
        for (const library of [ours, real]) {
          const outcome = (await outcomeOf(library.pRetry(() => "fine", { [name]: value }))) as {
            error?: Error;
          };
          refused.push(outcome.error !== undefined);
          if (outcome.error !== undefined) expect(outcome.error.message).toContain(name);
        }
        expect([name, value, refused[0]]).toEqual([name, value, refused[1]]);
      }
    }
    for (const library of [ours, real]) {
      const forever = await outcomeOf(library.pRetry(() => 1, { forever: true } as Options));
      expect(forever).toMatchObject({ error: { message: expect.stringContaining("forever") } });
      expect(await library.pRetry(() => "fine", { unknown: 1 } as Options)).toBe("fine");
    }
  });

  it("makeRetriable passes `this` and the arguments on", async () => {
    const lines = await same(({ makeRetriable: make }, log) => {
      let failures = 1;
      const counter = {
        base: 40,
        add: make(
          async function (this: { base: number }, one: number, other: number) {
            log(`${this.base} ${one} ${other}`);
            if (failures-- > 0) throw new Error("e");
            return this.base + one + other;
          },
          { minTimeout: 10 },
        ),
      };
      return counter.add(1, 2);
    });
    expect(lines).toEqual(["0 40 1 2", "10 40 1 2", "10 value 43"]);
  });
});
