import { beforeEach, describe, expect, it } from "vitest";

import type { CallOptions } from "./client/call-options.ts";
import { Echo, EchoWorld } from "./echo.fixture.ts";
import { failedWith } from "./guards.ts";
import type { CallFacts } from "./served-call.ts";

let world: EchoWorld;

beforeEach(() => {
  world = new EchoWorld();
});

describe("a call", () => {
  it("comes back with what the schemas made of it", async () => {
    const server = await world.served((n) => n + 1);
    const echo = world.calling();
    expect(await echo.pay({ n: 1, more: 5 } as never)).toEqual({ n: 2 });
    expect(server.stats).toMatchObject({ served: 1, failed: 0, running: 0 });
    expect(echo.stats).toMatchObject({ calls: 1, attempts: 1, answered: 1, inFlight: 0 });
  });

  it("is refused before it is sent where input or options are not what they must be", async () => {
    const echo = world.calling();
    const wrong: readonly [unknown, unknown][] = [
      [{ n: "1" }, undefined],
      [{ n: 1 }, { timeoutMs: 0 }],
      [{ n: 1 }, { key: "k" }],
      [{ n: 1 }, { signal: {} }],
      [{ n: 1 }, { priority: Number.NaN }],
    ];
    for (const [input, options] of wrong) {
      expect(await world.told(echo.pay(input as never, options as CallOptions))).toBe(
        "INVALID_ARGUMENT none",
      );
    }
    expect(echo.stats.attempts).toBe(0);
    expect(await world.told(echo.pay({ n: 1 }))).toBe("NO_RESPONDERS none");
  });

  it("tells the contract's errors by name and data", async () => {
    await world.served((n, call) => {
      throw n === 1 ? call.fail("Declined", { by: "issuer" }) : call.fail("Half", 3);
    });
    const echo = world.calling();
    const declined = await world.outcome(echo.pay({ n: 1 }));
    expect(declined).toMatchObject({ code: "REFUSED", effect: "none", retryable: false });
    if (!failedWith(Echo, "pay", declined, "Declined")) return expect.unreachable();
    expect(declined.details.data.by).toBe("issuer");
    const half = await world.outcome(echo.pay({ n: 2 }));
    expect(half).toMatchObject({ code: "REMOTE_FAILED", effect: "applied", details: { data: 3 } });
    expect(failedWith(Echo, "pay", half, "Declined")).toBe(false);
  });

  it("carries deadline, priority and trace, and hands them on", async () => {
    const seen: CallFacts[] = [];
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await world.served((n, call) => {
      seen.push(call);
      return n === 0 ? 0 : inner.read({ n: 0 }, { call, timeoutMs: 900 }).then((out) => out.n);
    });
    const inner = world.calling({}, world.there);
    const trace = { traceparent, tracestate: "a=b" };
    expect(await world.calling().pay({ n: 5 }, { timeoutMs: 300, priority: 2, trace })).toEqual({
      n: 0,
    });
    for (const call of seen) {
      expect(call).toMatchObject({ priority: 2, trace, triesLeft: 2 });
    }
    const nowMs = world.there.runtime.time.monotonicMs();
    // The inner one is an attempt at a safe method: after 200 ms nobody waits for it.
    expect(seen.map(({ deadlineMs }) => Math.round(deadlineMs - nowMs))).toEqual([300, 200]);
  });
});

describe("what may go wrong on the way", () => {
  it("is told as it is, and repeated only where that is safe", async () => {
    let runs = 0;
    await world.served((n) => ((runs += 1), n));
    const echo = world.calling({ timeoutMs: 1_000 });
    const table = [
      ["pay", "request lost", "TIMEOUT unknown", 0],
      ["pay", "reply lost", "TIMEOUT unknown", 1],
      ["pay", "twice", { n: 1 }, 1],
      ["read", "request lost", { n: 1 }, 1],
      ["read", "reply lost", { n: 1 }, 2],
      ["read", "twice", { n: 1 }, 1],
    ] as const;
    for (const [method, fault, outcome, expected] of table) {
      runs = 0;
      world.here.bus.next.push(fault);
      expect(await world.told(echo[method]({ n: 1 })), `${method}, ${fault}`).toEqual(outcome);
      expect(runs, `${method}, ${fault}`).toBe(expected);
    }
  });

  it("is dropped before it runs where it comes too late, and told so", async () => {
    let runs = 0;
    const server = await world.served((n) => ((runs += 1), n));
    const echo = world.calling({ tries: 1 });
    await echo.pay({ n: 0 });
    world.here.bus.next.push({ requestMs: 150 });
    expect(await world.told(echo.pay({ n: 1 }, { timeoutMs: 100 }))).toBe("TIMEOUT unknown");
    await world.runtime.advance(200);
    expect([runs, server.stats.expired]).toEqual([1, 1]);
  });

  it("a late answer, and one that is none, find nobody and are counted", async () => {
    await world.served((n) => n);
    const echo = world.calling({ tries: 1 });
    world.here.bus.next.push({ replyMs: 500 });
    const aborted = new AbortController();
    const call = echo.pay({ n: 1 }, { signal: aborted.signal });
    await world.runtime.advance(10);
    aborted.abort(new Error("no more"));
    await expect(call).rejects.toThrow("no more");
    await world.runtime.advance(500);
    expect(echo.stats).toMatchObject({ late: 1, inFlight: 0 });
    for (const reply of ["", "{", '{"v":2,"o":{"n":1}}', '{"v":1,"f":{"c":5}}']) {
      world.here.bus.next.push({ reply });
      expect(await world.told(echo.pay({ n: 1 }))).toBe("OUTCOME_UNKNOWN unknown");
    }
    world.here.bus.next.push({ reply: '{"v":1,"o":{"n":"x"}}' });
    expect(await world.told(echo.pay({ n: 1 }))).toBe("CONTRACT_MISMATCH applied");
    expect(echo.stats.unreadable).toBe(4);
  });

  it("messages that are none of ours harm nobody", async () => {
    const server = await world.served((n) => n);
    const { bus } = world.here.backend;
    const head = '"v":1,"id":1,"m":"pay","c":"x","r":5,"s":1';
    const junk = ["", "{}", "[1]", `{${head.replace('"id":1', '"id":-1')}}`, `{${head},"k":5}`];
    for (const text of [...junk, `{${head},"i":{"__proto__":{"n":1}}}`]) {
      const reply = await bus.request("rpc/echo/1", Buffer.from(text), { timeoutMs: 100 });
      expect(Buffer.from(reply.data).toString()).toContain("CONTRACT_MISMATCH");
      await bus.publish("rpc-cancel/echo/1", Buffer.from(text));
    }
    await world.runtime.advance(0);
    expect(server.stats).toMatchObject({ unreadable: 11, running: 0, served: 0 });
    expect(await world.calling().pay({ n: 1 })).toEqual({ n: 1 });
  });
});

describe("clocks", () => {
  it.each([0, 600_000, -600_000])("that differ by %i ms do not matter", async (offsetMs) => {
    const far = world.process(offsetMs);
    const left: number[] = [];
    const server = await world.served((n, call) => (left.push(call.remainingMs), n));
    const echo = world.calling({ tries: 1 }, far);
    await echo.pay({ n: 1 }, { timeoutMs: 1_000 });
    far.bus.next.push({ requestMs: 400 });
    expect(await world.told(echo.pay({ n: 1 }, { timeoutMs: 1_000 }))).toEqual({ n: 1 });
    expect(Math.abs((left[0] ?? 0) - 1_000)).toBeLessThan(20);
    expect(Math.abs((left[1] ?? 0) - 600)).toBeLessThan(20);
    expect(server.stats.expired).toBe(0);
  });

  it("that stood still (a suspended caller) cost one attempt", async () => {
    await world.served((n) => n);
    const echo = world.calling();
    await echo.pay({ n: 1 });
    world.here.runtime.offsetMs -= 600_000;
    expect(await world.told(echo.pay({ n: 2 }))).toEqual({ n: 2 });
    expect(echo.stats.attempts).toBe(3);
  });
});
