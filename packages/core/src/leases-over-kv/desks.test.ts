import { describe, expect, it } from "vitest";

import { deferred } from "../index.ts";
import { ScriptedRuntime } from "../testing.ts";
import { Desks } from "./desks.ts";
import { TestLink, TestStore } from "./test-kv.fixture.ts";

function make() {
  const runtime = new ScriptedRuntime();
  const kv = new TestLink(new TestStore(), runtime);
  const sizes = { claimWindowMs: 500, maxRecordBytes: 10_000, requestTimeoutMs: 1_000 };
  return { runtime, desks: new Desks({ kv, runtime, prefix: "", ...sizes }) };
}

describe("desks", () => {
  it("are one for each name, and known only once they were asked for", () => {
    const { desks } = make();
    expect(desks.known("a")).toBeUndefined();
    expect(desks.of("a")).toBe(desks.of("a"));
    expect(desks.of("a")).not.toBe(desks.of("b"));
    expect(desks.known("a")).toBe(desks.of("a"));
  });

  it("are forgotten when thousands were used since, unless somebody waits there", async () => {
    const { runtime, desks } = make();
    const claim = {
      process: "p",
      weight: 1,
      capacity: 1,
      ttlMs: 60_000,
      fair: true,
      data: undefined,
    };
    const busy = desks.of("busy");
    void busy.ask({ kind: "claim", claim: { ...claim, owner: "x" }, wait: false }, 1_000);
    await runtime.advance(10);
    const standing = { claim: { ...claim, owner: "y" }, granted: deferred<never>(), gone: false };
    void busy.ask({ kind: "claim", claim: standing.claim, wait: true }, 1_000, standing);
    await runtime.advance(10);
    const idle = desks.of("idle");
    for (let index = 0; index < 10_000; index++) desks.of(`n/${index}`);
    expect(desks.known("idle")).toBeUndefined();
    expect(desks.of("idle")).not.toBe(idle);
    expect(desks.known("busy")).toBe(busy);
    expect(desks.known("n/5000")).toBeUndefined();
    expect(desks.known("n/6500")).toBeDefined();
    desks.stop();
    await runtime.advance(5_000);
    expect(runtime.pendingTimers).toBe(0);
  });
});
