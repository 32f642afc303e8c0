import { expect, it } from "vitest";

import { readTrace, writeTrace } from "./trace.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

it("a trace context comes back as it went; what is none is left out", () => {
  for (const trace of [{ traceparent }, { traceparent, tracestate: "congo=t61rcWkgMzE" }]) {
    expect(readTrace(writeTrace(trace) as never)).toEqual(trace);
  }
  expect(writeTrace({ traceparent, tracestate: "é" })).toEqual([traceparent]);
  // Of the specification: no zero ids, no version ff, no capitals.
  const wrong = [
    traceparent.replace("0af7651916cd43dd8448eb211c80319c", "0".repeat(32)),
    traceparent.replace("b7ad6b7169203331", "0".repeat(16)),
    traceparent.replace("00-", "ff-"),
    traceparent.toUpperCase(),
    "",
  ];
  for (const one of wrong) {
    expect(writeTrace({ traceparent: one })).toBeUndefined();
    expect(readTrace([one])).toBeUndefined();
  }
  for (const foreign of [undefined, null, 5, "x", {}, [5], []]) {
    expect(readTrace(foreign as never)).toBeUndefined();
  }
});
