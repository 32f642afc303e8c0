import { expect, it } from "vitest";

import { type CallLeaves, callLeaves, type WorkBegins, workBegins } from "./beginnings.ts";
import { traceContext } from "./trace.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** A channel with one subscriber. */
function channelTo<E extends object>(hear: (event: E) => void) {
  return { hasSubscribers: true, publish: hear };
}

it("runs work within what subscribers wrap around it, and hands back what it returns", () => {
  const order: string[] = [];
  const channel = channelTo<{ job: string } & WorkBegins>(({ job, trace, around }) => {
    expect([job, trace]).toEqual(["nightly", { traceparent }]);
    for (const name of ["inner", "outer"]) {
      around((work) => {
        order.push(name);
        return work();
      });
    }
  });
  const run = workBegins(channel, { job: "nightly" }, { traceparent });
  expect(order).toEqual([]);
  expect(run(() => order.push("work"))).toBe(3);
  expect(order).toEqual(["outer", "inner", "work"]);
});

it("runs work once and keeps its result whatever a wrapper does", () => {
  const wrappers: ((work: () => unknown) => never)[] = [
    () => undefined as never,
    (work) => (work(), work(), "another result") as never,
    (work) => {
      work();
      throw new Error("the wrapper's");
    },
    () => {
      throw new Error("the wrapper's");
    },
  ];
  for (const wrap of wrappers) {
    let runs = 0;
    const run = workBegins(
      channelTo<WorkBegins>(({ around }) => around(wrap)),
      {},
    );
    expect(run(() => (runs += 1))).toBe(1);
    expect(() =>
      run(() => {
        runs += 1;
        throw new Error("the work's");
      }),
    ).toThrow("the work's");
    expect(runs).toBe(2);
  }
});

it("carries the context that a subscriber gives, if it is one", () => {
  const given = traceparent.replace("b7ad", "aaaa");
  const leave = (carried: unknown) =>
    callLeaves(
      channelTo<CallLeaves>(({ carry }) => carry(carried as never)),
      {},
      { traceparent },
    );
  expect(leave({ traceparent: given, tracestate: "a=b" })).toEqual({
    traceparent: given,
    tracestate: "a=b",
  });
  for (const hostile of [undefined, null, {}, { traceparent: "00-0" }, { traceparent: 7 }]) {
    expect(leave(hostile)).toEqual({ traceparent });
  }
});

it("takes for a trace context only what is one", () => {
  expect(traceContext(traceparent, "a=b")).toEqual({ traceparent, tracestate: "a=b" });
  expect(traceContext(traceparent, "é")).toEqual({ traceparent });
  for (const one of [7, "", traceparent.toUpperCase(), `${traceparent}-00`, `ff${traceparent}`]) {
    expect(traceContext(one)).toBeUndefined();
  }
});
