import { QuorateError } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";
import { HistoryRecorder } from "./recorder.ts";

function fail(effect: "none" | "unknown" | "applied"): Promise<never> {
  const details = { operation: "put", timeoutMs: 5 };
  return Promise.reject(new QuorateError("TIMEOUT", "no answer", { effect, details }));
}

describe("the recorder", () => {
  it("stamps call and return with its clock, and tells the result", async () => {
    const runtime = new ScriptedRuntime();
    const recorder = new HistoryRecorder({ time: runtime.time });
    const answer = recorder
      .process("a")
      .record({ f: "read", k: "x", result: (value: number) => value * 2 }, async () => {
        await runtime.advance(7);
        return 21;
      });
    expect(await answer).toBe(21);
    expect(recorder.history().events).toEqual([
      { t: 0, p: "a", op: 0, type: "invoke", f: "read", k: "x" },
      { t: 7, p: "a", op: 0, type: "ok", f: "read", k: "x", v: 42 },
    ]);
  });

  it.each([
    ["fail", "an error that says: nothing happened", () => fail("none")],
    ["info", "an error that says: unknown", () => fail("unknown")],
    ["info", "an error that says: applied, with no result told", () => fail("applied")],
    ["info", "an error that says nothing", () => Promise.reject(new Error("socket hang up"))],
    [
      "info",
      "a throw before the promise",
      () => {
        throw new Error("early");
      },
    ],
  ])("records %s for %s, and passes the error on", async (type, _, call) => {
    const recorder = new HistoryRecorder();
    await expect(recorder.process("a").record({ f: "put", v: 1 }, call)).rejects.toThrow();
    expect(recorder.history().events.at(-1)?.type).toBe(type);
  });

  it("records ok for an error that says applied, where the result can be told", async () => {
    const recorder = new HistoryRecorder();
    const options = { f: "put", applied: () => 9 };
    const call = recorder.process("a").record(options, () => fail("applied"));
    await expect(call).rejects.toThrow("TIMEOUT");
    expect(recorder.history().operations[0]).toMatchObject({ outcome: "ok", result: 9 });
  });

  it("goes on under a new name after an unknown outcome, and only then", () => {
    const recorder = new HistoryRecorder();
    const client = recorder.process("a");
    client.invoke({ f: "read" }).fail();
    client.invoke({ f: "read" }).ok();
    expect(client.name).toBe("a");
    client.invoke({ f: "write", v: 1 }).unknown();
    expect(client.name).toBe("a#2");
    client.invoke({ f: "read" }).ok(1);
    expect(recorder.history().operations.map(({ process }) => process)).toEqual(["a", "a", "a#2"]);
  });

  it("counts the first end only", () => {
    const recorder = new HistoryRecorder();
    const operation = recorder.process("a").invoke({ f: "read" });
    operation.ok(1);
    operation.unknown();
    operation.ok(2);
    expect(recorder.length).toBe(2);
    expect(recorder.history().operations[0]?.result).toBe(1);
  });

  it("refuses two calls of one process at once, and a name twice", () => {
    const recorder = new HistoryRecorder();
    const client = recorder.process("a");
    client.invoke({ f: "read" });
    expect(() => client.invoke({ f: "read" })).toThrow("another process for a call beside it");
    expect(() => recorder.process("a")).toThrow("a name nobody had before");
    expect(recorder.length).toBe(1);
  });

  it("throws when it is full: a cut history must not look whole", () => {
    const recorder = new HistoryRecorder({ maxEvents: 2 });
    const client = recorder.process("a");
    client.invoke({ f: "read" }).ok();
    expect(() => client.invoke({ f: "read" })).toThrow("maxEvents");
  });
});
