import { isQuorateError } from "@quorate/core";
import { describe, expect, it } from "vitest";
import type { WorkContext } from "./begun.ts";
import { workOutcome } from "./errors.ts";
import { World } from "./world.fixture.ts";

const LEASE_MS = 3_000;

/** A run that is paused beyond its lease, and one that has taken over; neither has ended. */
async function pausedAndSuccessor(options: { readonly onError?: "release" | "store" } = {}) {
  const world = new World();
  const [one, two] = [world.process(options), world.process(options)];
  const ends = { first: (): void => {}, second: (): void => {} };
  const contexts: WorkContext[] = [];
  let firstFails = false;
  const first = one.idempotency.run("k", async (context) => {
    contexts.push(context);
    await new Promise<void>((resolve) => (ends.first = resolve));
    if (firstFails) throw new Error("late failure");
    return "first";
  });
  first.catch(() => {});
  await world.settle();
  one.pause();
  await world.runtime.advance(LEASE_MS + 100);
  const second = two.idempotency.run("k", async (context) => {
    contexts.push(context);
    await new Promise<void>((resolve) => (ends.second = resolve));
    return "second";
  });
  await world.settle();
  const fail = (): void => void (firstFails = true);
  return { world, one, two, first, second, ends, contexts, fail };
}

describe("a run that lives", () => {
  it("[45] is never taken over, however much longer than its lease it takes", async () => {
    const world = new World();
    const [one, two] = [world.process(), world.process()];
    const long = one.idempotency.run("k", () => world.work(20 * LEASE_MS).then(() => "long"));
    await world.settle();
    const waits = two.idempotency.run("k", () => expect.fail("it ran"), { waitMs: Infinity });
    await world.runtime.advance(20 * LEASE_MS);
    expect(await Promise.all([long, waits])).toEqual(["long", "long"]);
  });

  it("renews at a third of its lease, and its token stays", async () => {
    const world = new World();
    const { idempotency, calls } = world.process();
    const running = idempotency.run("k", async ({ fencingToken }) => {
      await world.work(10_000);
      return fencingToken;
    });
    await world.runtime.advance(9_500);
    expect(calls.made.length).toBe(1 + 9);
    const state = await idempotency.peek("k");
    await world.runtime.advance(500);
    expect(state).toMatchObject({ state: "in-flight", fencingToken: await running });
  });

  it("survives renewals that fail or are not answered, while the lease lasts", async () => {
    const world = new World();
    for (const mishap of ["none", "unanswered"] as const) {
      const { idempotency, calls } = world.process({ name: mishap });
      calls.fate = (index) => (index === 1 || index === 2 ? mishap : undefined);
      const running = idempotency.run("k", async ({ signal }) => {
        await world.work(2 * LEASE_MS);
        return signal.aborted;
      });
      expect(await world.outcome(running)).toEqual({ kind: "value", value: false });
    }
  });

  it("is told that it has lost its lease when no renewal was confirmed in time", async () => {
    const world = new World();
    const { idempotency, calls } = world.process();
    calls.fate = (index) => (index > 0 && index < 30 ? "none" : undefined);
    let abortedAtMs = 0;
    const running = idempotency.run("k", async ({ signal }) => {
      signal.addEventListener("abort", () => {
        abortedAtMs = world.runtime.time.monotonicMs();
      });
      await world.work(2 * LEASE_MS);
      return signal.reason as unknown;
    });
    const outcome = await world.outcome(running.catch((error: unknown) => error));
    expect(abortedAtMs).toBeGreaterThan(LEASE_MS * 0.9);
    expect(abortedAtMs).toBeLessThan(LEASE_MS);
    expect(outcome.kind === "value" && isQuorateError(outcome.value)).toBe(true);
    expect(world.events("superseded")).toHaveLength(1);
  });
});

describe("a run that crashed", () => {
  it("[44] is taken over at its lease's end by who waits, with a greater token", async () => {
    const world = new World();
    const [one, two] = [world.process(), world.process()];
    const tokens: number[] = [];
    void one.idempotency.run("k", ({ fencingToken }) => {
      tokens.push(fencingToken);
      return new Promise(() => {});
    });
    await world.settle();
    one.pause(); // For good.
    const startMs = world.runtime.time.monotonicMs();
    const outcome = await world.outcome(
      two.idempotency.run("k", ({ fencingToken, takeover, attempt }) => {
        tokens.push(fencingToken);
        return { takeover, attempt };
      }),
    );
    expect(outcome).toEqual({ kind: "value", value: { takeover: true, attempt: 2 } });
    expect(world.runtime.time.monotonicMs() - startMs).toBeLessThanOrEqual(LEASE_MS + 100);
    expect(tokens[1]).toBeGreaterThan(tokens[0] ?? Infinity);
  });

  it("is taken over by one of many who wait, and the others are given its answer", async () => {
    const world = new World();
    const [one, two, three] = [world.process(), world.process(), world.process()];
    void one.idempotency.run("k", () => new Promise(() => {}));
    await world.settle();
    one.pause();
    let runs = 0;
    const waits = Array.from({ length: 40 }, (_, index) =>
      (index % 2 === 0 ? two : three).idempotency.run("k", async () => {
        runs += 1;
        await world.work(100);
        return runs;
      }),
    );
    const outcome = await world.outcome(Promise.all(waits));
    expect(outcome).toEqual({ kind: "value", value: waits.map(() => 1) });
  });

  it("is remembered: another request is still a mismatch after its lease", async () => {
    const world = new World();
    const [one, two] = [world.process(), world.process()];
    void one.idempotency.run("k", () => new Promise(() => {}), { fingerprint: 1 });
    await world.settle();
    one.pause();
    await world.runtime.advance(10 * LEASE_MS);
    const asked = two.idempotency.run("k", () => 1, { fingerprint: 2 });
    await expect(asked).rejects.toThrow("IDEMPOTENCY_MISMATCH");
  });
});

describe("a run that was taken over", () => {
  it("[43] is given the winner's answer when it succeeds late, and changes nothing", async () => {
    const { world, one, two, first, second, ends } = await pausedAndSuccessor();
    ends.second();
    expect(await second).toBe("second");
    one.resume();
    ends.first();
    expect(await world.outcome(first)).toEqual({ kind: "value", value: "second" });
    expect(await two.idempotency.run("k", () => "third")).toBe("second");
  });

  it("[43] changes nothing when it fails late", async () => {
    for (const onError of ["release", "store"] as const) {
      const { world, one, two, first, second, ends, fail } = await pausedAndSuccessor({ onError });
      ends.second();
      await second;
      one.resume();
      fail();
      ends.first();
      expect(await world.outcome(first)).toEqual({ kind: "value", value: "second" });
      expect(await two.idempotency.run("k", () => "third")).toBe("second");
    }
  });

  it("[43] announces nothing while the successor runs, and takes nothing from it", async () => {
    const { world, one, two, first, second, ends, contexts } = await pausedAndSuccessor();
    one.resume();
    ends.first();
    const outcome = await world.outcome(first);
    const error = outcome.kind === "error" ? outcome.error : undefined;
    expect(error).toMatchObject({ code: "IDEMPOTENCY_SUPERSEDED", effect: "unknown" });
    expect(workOutcome(error)).toEqual({ value: "first" });
    expect(await two.idempotency.peek("k")).toMatchObject({
      state: "in-flight",
      fencingToken: contexts[1]?.fencingToken,
    });
    ends.second();
    expect(await second).toBe("second");
  });

  it("lets the successor be when it fails late", async () => {
    const { world, one, two, first, second, ends, fail } = await pausedAndSuccessor();
    one.resume();
    fail();
    ends.first();
    const outcome = await world.outcome(first);
    expect(outcome).toMatchObject({ kind: "error", error: { message: "late failure" } });
    expect(await two.idempotency.peek("k")).toMatchObject({ state: "in-flight", attempt: 2 });
    ends.second();
    expect(await second).toBe("second");
  });

  it("sees it by its signal as soon as it is awake", async () => {
    const { world, one, contexts } = await pausedAndSuccessor();
    expect(contexts[0]?.signal.aborted).toBe(false);
    one.resume();
    await world.settle();
    expect(contexts[0]?.signal.reason).toMatchObject({ code: "IDEMPOTENCY_SUPERSEDED" });
    expect(contexts[1]?.signal.aborted).toBe(false);
  });

  it("may still answer where its lease has ended and nobody came", async () => {
    const world = new World();
    const [one, two] = [world.process(), world.process()];
    let end = (): void => {};
    const first = one.idempotency.run("k", () => new Promise<void>((done) => (end = done)));
    await world.settle();
    one.pause();
    await world.runtime.advance(10 * LEASE_MS);
    one.resume();
    end();
    expect(await world.outcome(first)).toEqual({ kind: "value", value: undefined });
    expect(await two.idempotency.runDetailed("k", () => 1)).toMatchObject({ replayed: true });
  });
});

describe("an execution", () => {
  it("is ended once", async () => {
    const world = new World();
    const { idempotency } = world.process();
    const begun = await idempotency.begin<number>("k");
    if (begun.kind !== "claimed") return expect.fail(begun.kind);
    const { execution } = begun;
    expect(await execution.complete(7)).toMatchObject({ value: 7, replayed: false });
    await expect(execution.complete(8)).rejects.toThrow("CLOSED");
    await expect(execution.release()).rejects.toThrow("CLOSED");
    expect(() => execution.hold()).toThrow("CLOSED");
    expect(await idempotency.begin("k")).toMatchObject({ kind: "replay", value: 7 });
  });

  it("that is discarded leaves the key as if it had never been used", async () => {
    const world = new World();
    const { idempotency } = world.process();
    const begun = await idempotency.begin("k", { fingerprint: 1 });
    if (begun.kind === "claimed") await begun.execution.discard();
    expect(await idempotency.peek("k")).toBeUndefined();
    expect(await idempotency.run("k", ({ attempt }) => attempt, { fingerprint: 2 })).toBe(1);
  });

  it("that is discarded after others ran keeps the memory of them", async () => {
    const world = new World();
    const { idempotency } = world.process();
    for (const how of ["release", "discard"] as const) {
      const begun = await idempotency.begin("k");
      if (begun.kind === "claimed") await begun.execution[how]();
    }
    expect(await idempotency.run("k", ({ attempt }) => attempt)).toBe(3);
  });

  it("is never begun for work that the caller's signal has ended already", async () => {
    const world = new World();
    const { idempotency, calls } = world.process();
    const signal = AbortSignal.abort(new Error("gone"));
    await expect(idempotency.begin("k", { signal })).rejects.toThrow("gone");
    expect(calls.made).toEqual([]);
  });

  it("passes the caller's signal on to the work", async () => {
    const world = new World();
    const { idempotency } = world.process();
    const controller = new AbortController();
    const running = idempotency.run(
      "k",
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
      { signal: controller.signal },
    );
    await world.settle();
    controller.abort(new Error("gone"));
    await expect(running).rejects.toThrow("gone");
    expect(await idempotency.peek("k")).toMatchObject({ state: "lapsed" });
  });
});
