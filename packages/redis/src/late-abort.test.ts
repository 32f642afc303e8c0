import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";
import { LateAbort } from "./late-abort.ts";

function setUp() {
  const runtime = new ScriptedRuntime();
  const aborts = new LateAbort(runtime);
  const controller = new AbortController();
  const { signal } = controller;
  const counts = { added: 0, removed: 0, heard: 0 };
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    counts.added += 1;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    counts.removed += 1;
    remove(...args);
  };
  const watch = (): (() => void) => aborts.watch(signal, () => (counts.heard += 1));
  return { runtime, aborts, controller, counts, watch };
}

describe("LateAbort", () => {
  it("adds no listener for a call that is answered at once", async () => {
    const { runtime, counts, watch } = setUp();
    for (let index = 0; index < 1_000; index++) watch()();
    await runtime.advance(100);
    expect(counts).toEqual({ added: 0, removed: 0, heard: 0 });
    expect(runtime.pendingTimers).toBe(0);
  });

  it("hears an abort of a call that lasts, and takes the listener off with it", async () => {
    const { runtime, controller, counts, watch } = setUp();
    const off = watch();
    watch();
    await runtime.advance(10);
    off();
    controller.abort();
    expect(counts.heard).toBe(1);
    expect(counts.removed).toBe(counts.added);
  });

  it("hears within 5 ms of an abort that came before it listened", async () => {
    const { runtime, controller, counts, watch } = setUp();
    watch();
    controller.abort();
    expect(counts.heard).toBe(0);
    await runtime.advance(5);
    expect(counts.heard).toBe(1);
  });

  it("hears at once of a signal that has aborted", () => {
    const { controller, counts, watch } = setUp();
    controller.abort();
    watch();
    expect(counts.heard).toBe(1);
  });
});
