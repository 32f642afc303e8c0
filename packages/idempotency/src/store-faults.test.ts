import { isQuorateError, refuse } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { workOutcome } from "./errors.ts";
import type { RunOptions } from "./options.ts";
import { type Mishap, World } from "./world.fixture.ts";

const factsOf = (error: unknown): unknown =>
  isQuorateError(error) ? { code: error.code, effect: error.effect } : error;

describe("a store that is down", () => {
  it("[54] at the claim keeps the work from running", async () => {
    const world = new World();
    const { idempotency } = world.process();
    world.store.stop();
    const asked = idempotency.run("k", () => expect.fail("it ran"));
    const outcome = await world.outcome(asked);
    expect(outcome.kind === "error" && factsOf(outcome.error)).toEqual({
      code: "STORE_UNAVAILABLE",
      effect: "none",
    });
  });

  it("[54] and silent at the claim keeps the work from running, and holds nobody up", async () => {
    const world = new World();
    const { idempotency, backend } = world.process();
    backend.faults.pauseReplies();
    const asked = idempotency.run("k", () => expect.fail("it ran"));
    const outcome = await world.outcome(asked);
    expect(outcome.kind === "error" && factsOf(outcome.error)).toEqual({
      code: "STORE_UNAVAILABLE",
      effect: "none",
    });
    backend.faults.resumeReplies();
    await world.runtime.advance(2_000);
    const { idempotency: other } = world.process({ concurrent: "reject" });
    expect(await other.run("k", ({ attempt }) => attempt)).toBe(1);
  });

  it("[54] at the second try, after one that may have landed, holds nobody up either", async () => {
    const world = new World();
    const { idempotency, calls } = world.process();
    calls.fate = (index) => (["unanswered", "none"] as const)[index];
    const outcome = await world.outcome(idempotency.run("k", () => expect.fail("it ran")));
    expect(outcome.kind === "error" && factsOf(outcome.error)).toEqual({
      code: "STORE_UNAVAILABLE",
      effect: "none",
    });
    const { idempotency: other } = world.process({ concurrent: "reject" });
    expect(await other.run("k", ({ attempt }) => attempt)).toBe(1);
  });

  it("[54] at the claim of a call that was given up is told by the signal's reason", async () => {
    const world = new World();
    const { idempotency, backend } = world.process();
    backend.faults.pauseReplies();
    const controller = new AbortController();
    const { signal } = controller;
    const asked = idempotency.run("k", () => expect.fail("it ran"), { signal });
    asked.catch(() => {});
    await world.runtime.advance(100);
    controller.abort(new Error("gone"));
    await expect(asked).rejects.toThrow("gone");
    backend.faults.resumeReplies();
    await world.runtime.advance(1_000);
    expect(await world.process().idempotency.peek("k")).toBeUndefined();
  });

  it("[54] at completion is asked again until it takes the answer", async () => {
    const world = new World();
    const { idempotency, backend } = world.process();
    const running = idempotency.run("k", () => {
      backend.faults.cut();
      return "charged";
    });
    await world.runtime.advance(1_500);
    backend.faults.restore();
    expect(await world.outcome(running)).toEqual({ kind: "value", value: "charged" });
  });

  it("[54] for the lease's rest is told of as what it is, and the key stays held", async () => {
    const world = new World();
    const { idempotency, backend } = world.process();
    const { idempotency: other } = world.process();
    const running = idempotency.run("k", () => {
      backend.faults.cut();
      return "charged";
    });
    running.catch(() => {});
    await world.runtime.advance(100);
    const early = other.run("k", () => expect.fail("it ran"), { concurrent: "reject" });
    await expect(early).rejects.toThrow("IDEMPOTENCY_IN_FLIGHT");
    const outcome = await world.outcome(running);
    const error = outcome.kind === "error" ? outcome.error : undefined;
    expect(factsOf(error)).toEqual({ code: "OUTCOME_UNKNOWN", effect: "applied" });
    expect(workOutcome(error)).toEqual({ value: "charged" });
    const again = other.run("k", ({ takeover }) => ({ takeover }));
    expect(await world.outcome(again)).toEqual({ kind: "value", value: { takeover: true } });
  });

  it("does not announce a refusal that it did not take", async () => {
    const world = new World();
    const { idempotency, backend } = world.process();
    const running = idempotency.run("k", () => {
      backend.faults.cut();
      throw refuse("no");
    });
    const outcome = await world.outcome(running);
    expect(outcome.kind === "error" && factsOf(outcome.error)).toEqual({
      code: "OUTCOME_UNKNOWN",
      effect: "none",
    });
  });

  it("does not hide what the work threw", async () => {
    const world = new World();
    for (const onError of ["release", "hold", "store"] as const) {
      const { idempotency, backend } = world.process({ onError, name: onError });
      const running = idempotency.run("k", () => {
        backend.faults.cut();
        throw new Error("boom");
      });
      const outcome = await world.outcome(running);
      expect(outcome).toMatchObject({ kind: "error", error: { message: "boom" } });
    }
  });
});

/** The ways in which work may end. */
const ENDS: Readonly<Record<string, (call: number) => unknown>> = {
  returns: (call) => ({ call }),
  refuses: (call) => {
    throw refuse("no", { call });
  },
  throws: () => {
    throw new Error("boom");
  },
};

/** Calls until an answer is given; what was told, and how often the work ran. */
async function callUntilAnswered(fate: (index: number) => Mishap | undefined, how: string) {
  const world = new World();
  const { idempotency, calls } = world.process();
  calls.fate = fate;
  const options: RunOptions = { fingerprint: { order: 7 }, onError: "store" };
  const told: string[] = [];
  let runs = 0;
  for (let tries = 0; tries < 12; tries += 1) {
    const runsBefore = runs;
    const running = idempotency.run("k", () => ENDS[how]?.((runs += 1)), options);
    const outcome = await world.outcome(running);
    if (outcome.kind === "value") told.push(JSON.stringify(outcome.value));
    else if (outcome.kind === "error") {
      const { error } = outcome;
      const isAnswer = isQuorateError(error, "REFUSED") || !isQuorateError(error);
      if (isAnswer) told.push(JSON.stringify(isQuorateError(error) ? error.details : `${error}`));
      // What a failure says of the work is so.
      else if (error.effect === "none" && error.code !== "OUTCOME_UNKNOWN") {
        expect(runs).toBe(runsBefore);
      } else expect(runs).toBe(runsBefore + 1);
    }
    if (told.length === 3) break;
  }
  return { told, runs, calls: calls.made.length };
}

describe.each(Object.keys(ENDS))("work that %s", (how) => {
  it.each(["none", "unanswered"] as const)(
    "has one answer, whichever call of the store fails (%s)",
    async (mishap) => {
      for (let nth = 0; ; nth += 1) {
        const { told, calls } = await callUntilAnswered(
          (index) => (index === nth ? mishap : undefined),
          how,
        );
        expect(told).toHaveLength(3);
        expect(new Set(told).size).toBe(1);
        if (nth >= calls) return expect(nth).toBeGreaterThan(3); // It completed untouched.
      }
    },
  );

  it("has one answer, whichever two calls of the store fail", async () => {
    const pairs = Array.from({ length: 36 }, (_, index) => [index % 6, Math.floor(index / 6)]);
    for (const [first, second] of pairs) {
      const { told } = await callUntilAnswered((index) => {
        if (index === first) return "unanswered";
        return index === second ? "none" : undefined;
      }, how);
      expect(told).toHaveLength(3);
      expect(new Set(told).size).toBe(1);
    }
  });
});
