/**
 * The trace that a saga was started in: carried by its record, over workers, and never believed.
 */
import type { CallLeaves, TraceContext, WorkBegins } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { decodeRecord, encodeRecord } from "./codec.ts";
import type { SagaAttemptEvent } from "./events.ts";
import { Shop } from "./saga.fixture.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** A shop with a tracer: it lets sagas carry `given`, and notes what attempts come with. */
function traced(given: TraceContext) {
  const shop = new Shop();
  const attempts: (readonly [string, string, TraceContext | undefined])[] = [];
  const { recorded } = shop.world.runtime;
  recorded.push = (...told) => {
    for (const { event, name } of told) {
      if (name === "saga.starting") (event as CallLeaves).carry(given);
      if (name !== "saga.attempting") continue;
      const { around, doing, step, trace } = event as SagaAttemptEvent & WorkBegins;
      attempts.push([step, doing, trace]);
      around((work) => work());
    }
    return Array.prototype.push.apply(recorded, told);
  };
  return { shop, attempts };
}

describe("the trace of a saga", () => {
  it("comes with every attempt, on whatever worker", async () => {
    const { shop, attempts } = traced({ traceparent, tracestate: "a=b" });
    const line = shop.line(["a", "b"]);
    const old = shop.process([line]);
    shop.behave.set("b do", (_, count) => {
      if (count > 1) return {};
      old.process.kill();
      return new Promise(() => {});
    });
    await shop.world.outcome(old.sagas.start(line, { id: "x", input: { n: 1 } }));
    const fresh = shop.process([line]);
    await shop.world.runtime.advance(20_000);
    expect((await fresh.sagas.inspect("x"))?.state).toBe("done");
    expect(attempts).toEqual([
      ["a", "run", { traceparent }],
      ["b", "run", { traceparent }],
      ["b", "run", { traceparent }],
    ]);
    const told = shop.world.runtime.recorded.map(({ name }) => name);
    expect(told.indexOf("saga.started")).toBeLessThan(told.indexOf("saga.attempting"));
  });

  it("is none where the tracer's is none", async () => {
    const { shop, attempts } = traced({ traceparent: "00-made-up" });
    const line = shop.line(["a"]);
    const { process, sagas } = shop.process([line]);
    await sagas.run(line, { id: "x", input: { n: 1 } });
    expect(attempts).toEqual([["a", "run", undefined]]);
    const entry = await process.memory.kv.get("sagas/x");
    expect(Buffer.from(entry?.value ?? []).toString()).not.toMatch(/trace/);
  });

  it("in a record of another is believed only if it is one, and breaks nothing", async () => {
    const { shop } = traced({ traceparent });
    const line = shop.line(["a"]);
    const { process, sagas } = shop.process([line]);
    await sagas.run(line, { id: "x", input: { n: 1 } });
    const entry = await process.memory.kv.get("sagas/x");
    const text = Buffer.from(entry?.value ?? []).toString();
    const good = decodeRecord(text);
    if (!good.ok) throw new Error(good.reason);
    expect(good.record.traceparent).toBe(traceparent);
    expect(encodeRecord(good.record)).toBe(text);
    const hostile = [7, null, {}, [], "", "x".repeat(10_000), traceparent.toUpperCase()];
    for (const value of hostile) {
      const bad = decodeRecord(text.replace(`"${traceparent}"`, JSON.stringify(value)));
      expect(bad.ok && bad.record.traceparent).toBeUndefined();
    }
  });
});
