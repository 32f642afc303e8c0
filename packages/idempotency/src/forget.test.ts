import { refuse } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { World } from "./world.fixture.ts";

const AUDIT = { by: "ann", why: "charged in error" };

describe("looking at a key", () => {
  it("tells its state, and runs nothing", async () => {
    const world = new World();
    const { idempotency } = world.process({ onError: "store" });
    const look = (key: string) => idempotency.peek(key);
    expect(await look("none")).toBeUndefined();
    const running = idempotency.run("running", () => world.work(100));
    await world.settle();
    expect(await look("running")).toMatchObject({
      state: "in-flight",
      leaseLeftMs: 3_000,
      attempt: 1,
      expiresInMs: 86_403_000,
    });
    await world.runtime.advance(100);
    await running;
    await idempotency.run("done", () => [1]);
    expect(await look("done")).toMatchObject({ state: "completed", value: [1] });
    const refusing = idempotency.run("refused", () => {
      throw refuse("no", { left: 0 });
    });
    await refusing.catch(() => {});
    expect(await look("refused")).toMatchObject({
      state: "refused",
      reason: "no",
      data: { left: 0 },
    });
    await idempotency.run("failed", () => Promise.reject(new Error("boom"))).catch(() => {});
    expect(await look("failed")).toMatchObject({ state: "failed", error: { message: "boom" } });
    const states: string[] = [];
    for await (const { key, state } of idempotency.list()) states.push(`${key} ${state}`);
    expect(states.toSorted()).toEqual([
      "done completed",
      "failed failed",
      "refused refused",
      "running completed",
    ]);
  });
});

describe("forgetting a key", () => {
  it("answers what was removed, is told to the audit, and the next call runs", async () => {
    const world = new World();
    const { idempotency } = world.process();
    await idempotency.run("k", () => 1, { scope: "alice" });
    const forgotten = await idempotency.forget("k", { scope: "alice", ...AUDIT });
    expect(forgotten).toMatchObject({ state: "completed", value: 1, key: "k", scope: "alice" });
    expect(world.events("forgotten")).toMatchObject([
      { key: "k", scope: "alice", by: "ann", why: "charged in error", state: "completed" },
    ]);
    expect(await idempotency.run("k", () => 2, { scope: "alice" })).toBe(2);
    expect(await idempotency.forget("nothing", AUDIT)).toBeUndefined();
    expect(world.events("forgotten")).toHaveLength(1);
  });

  it("must say who and why", async () => {
    const world = new World();
    const { idempotency } = world.process();
    for (const audit of [{}, { by: "ann" }, { why: "x" }, { by: "", why: "x" }]) {
      await expect(idempotency.forget("k", audit as never)).rejects.toThrow("INVALID_ARGUMENT");
    }
  });

  it("refuses one that runs, unless told otherwise; then its run is superseded", async () => {
    const world = new World();
    const { idempotency } = world.process();
    const running = idempotency.run("k", async ({ signal }) => {
      await world.work(10_000);
      return signal.aborted;
    });
    running.catch(() => {});
    await world.settle();
    await expect(idempotency.forget("k", AUDIT)).rejects.toThrow("IDEMPOTENCY_IN_FLIGHT");
    const forgotten = await idempotency.forget("k", { ...AUDIT, evenIfRunning: true });
    expect(forgotten).toMatchObject({ state: "in-flight" });
    expect(await idempotency.run("k", () => "meanwhile")).toBe("meanwhile");
    await world.runtime.advance(10_000);
    expect(await running).toBe("meanwhile");
  });

  it("removes only what was looked at, and gives up where it never stands still", async () => {
    const world = new World();
    const { idempotency, calls } = world.process();
    await idempotency.run("k", () => 1);
    calls.fate = (_index, name) => (name === "delete" ? "gone" : undefined);
    await expect(idempotency.forget("k", AUDIT)).rejects.toThrow("changes all the time");
    expect(await idempotency.peek("k")).toMatchObject({ state: "completed" });
  });
});
