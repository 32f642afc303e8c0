/**
 * Locks leave nothing behind, weigh little, and keep no process alive.
 */
import { fileURLToPath } from "node:url";

import { beforeAll, describe, expect, it } from "vitest";

import { run } from "../../scripts/servers/run.mjs";

const CHILD = fileURLToPath(new URL("leaks.child.ts", import.meta.url));
const MEGABYTE = 1_048_576;

interface Facts {
  readonly cyclesMs: number;
  readonly cycleGrowthBytes: number;
  readonly listeners: number;
  readonly heldBytes: number;
  readonly keys: number;
  readonly subscriptions: number;
}

describe("a process that has taken 100 000 locks", () => {
  let facts: Facts;
  let tookMs = 0;

  beforeAll(async () => {
    const flags = ["--expose-gc", "-C", "@quorate/source", "--import", "tsx", CHILD];
    const startedMs = performance.now();
    // Ends only when the child has ended by itself.
    const { ok, output } = await run(process.execPath, flags);
    tookMs = performance.now() - startedMs;
    expect(ok, output).toBe(true);
    facts = JSON.parse(output.trim().split("\n").at(-1) ?? "") as Facts;
  });

  it("has kept no memory, listener, subscription or key", () => {
    expect(facts.cycleGrowthBytes).toBeLessThan(2 * MEGABYTE);
    expect(facts).toMatchObject({ listeners: 0, subscriptions: 0, keys: 0 });
  });

  it("holds 1000 locks and 1000 waits in less than 20 MB", () => {
    expect(facts.heldBytes).toBeLessThan(20 * MEGABYTE);
    expect(facts.heldBytes).toBeGreaterThan(0);
  });

  it("ends by itself, even while it holds a lock", () => {
    // A timer of the last lock, which lasts 15 s, would have kept it.
    expect(tookMs).toBeLessThan(facts.cyclesMs + 13_000);
  });
});
