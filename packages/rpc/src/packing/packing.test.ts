import { beforeEach, describe, expect, it } from "vitest";

import { Echo, EchoWorld, never } from "../echo.fixture.ts";
import { answersSubject } from "../subjects.ts";
import { packAnswers } from "./frame.ts";

let world: EchoWorld;
/** Messages that left the caller's process as requests. */
let sent: Uint8Array[];

beforeEach(() => {
  world = new EchoWorld();
  sent = [];
  const { bus } = world.here;
  const { request } = bus;
  bus.request = (subject, data, options) => {
    sent.push(data);
    return request.call(bus, subject, data, options);
  };
});

/** A client that has made two calls at once before: it can hear late answers. */
async function warm() {
  const echo = world.calling();
  const first = Promise.all([echo.read({ n: -1 }), echo.read({ n: -2 })]);
  await world.outcome(first);
  sent.length = 0;
  return echo;
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

describe("calls of one turn", () => {
  it("go in one message, and each gets its own answer", async () => {
    const server = await world.served((n) => n * 2);
    const echo = await warm();
    const answers = await world.outcome(Promise.all(numbers(50).map((n) => echo.pay({ n }))));
    expect(answers).toEqual(numbers(50).map((n) => ({ n: n * 2 })));
    expect(sent).toHaveLength(1);
    expect(server.stats).toMatchObject({ served: 52, unanswered: 0, unreadable: 0 });
    expect(echo.stats.inFlight).toBe(0);
  });

  it("go in as many as their bound asks for, and those that are long go alone", async () => {
    await world.served((n) => n);
    const echo = await warm();
    await world.outcome(Promise.all(numbers(130).map((n) => echo.pay({ n }))));
    expect(sent).toHaveLength(3);
    sent.length = 0;
    const long = { trace: { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` } };
    await world.outcome(Promise.all([echo.pay({ n: 1 }, long), echo.pay({ n: 2 }, long)]));
    expect(sent).toHaveLength(1);
  });

  it("are not held up by one that is slow, and late ones of a turn come together", async () => {
    const slow: (() => void)[] = [];
    await world.served((n) => (n < 3 ? n : new Promise((resolve) => slow.push(() => resolve(n)))));
    const echo = await warm();
    let late = 0;
    await world.here.backend.bus.subscribe("rpc-answers/", () => void (late += 1));
    const calls = numbers(6).map((n) => echo.pay({ n }));
    expect(await world.outcome(Promise.all(calls.slice(0, 3)))).toHaveLength(3);
    slow[0]?.();
    expect(await world.outcome(calls[3] as Promise<unknown>)).toEqual({ n: 3 });
    slow[2]?.();
    slow[1]?.();
    expect(await world.outcome(Promise.all(calls.slice(4)))).toEqual([{ n: 4 }, { n: 5 }]);
    expect(late).toBe(2);
  });

  it("are all told at once where nobody listens", async () => {
    const server = await world.served((n) => n);
    const echo = await warm();
    await world.outcome(server.close());
    const calls = numbers(4).map((n) => world.told(echo.pay({ n }, { timeoutMs: 100 })));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["NO_RESPONDERS none"]));
  });

  it("time out each by its own deadline, and a late answer finds nobody", async () => {
    await world.served(never);
    const echo = world.calling();
    const opening = [echo.pay({ n: 1 }, { timeoutMs: 20 }), echo.pay({ n: 2 }, { timeoutMs: 20 })];
    await Promise.all(opening.map((call) => world.told(call)));
    sent.length = 0;
    const ended: number[] = [];
    const calls = [300, 100, 200].map(async (timeoutMs) => {
      expect(await world.told(echo.pay({ n: 1 }, { timeoutMs }))).toBe("TIMEOUT unknown");
      ended.push(timeoutMs);
    });
    await Promise.all(calls);
    expect(sent).toHaveLength(1);
    expect(ended).toEqual([100, 200, 300]);
    expect(echo.stats.inFlight).toBe(0);
  });

  it("are lost together with their message, and nothing is told that is not so", async () => {
    let ran = 0;
    await world.served((n) => (ran += 1) && n);
    const echo = await warm();
    ran = 0;
    for (const fault of ["request lost", "reply lost"] as const) {
      world.here.bus.next.push(fault);
      const calls = numbers(3).map((n) => world.told(echo.pay({ n }, { timeoutMs: 50 })));
      expect(new Set(await Promise.all(calls))).toEqual(new Set(["TIMEOUT unknown"]));
    }
    expect(ran).toBe(3);
  });

  it("that came twice run once", async () => {
    let ran = 0;
    await world.served((n) => (ran += 1) && n);
    const echo = await warm();
    ran = 0;
    world.here.bus.next.push("twice");
    const calls = numbers(3).map((n) => echo.pay({ n }));
    expect(await world.outcome(Promise.all(calls))).toEqual(numbers(3).map((n) => ({ n })));
    expect(ran).toBe(3);
  });

  it("can be cancelled one by one", async () => {
    const aborted: number[] = [];
    await world.served(async (n, call) => {
      call.signal.addEventListener("abort", () => aborted.push(n));
      return never();
    });
    const echo = world.calling();
    const opening = [echo.pay({ n: 8 }, { timeoutMs: 20 }), echo.pay({ n: 9 }, { timeoutMs: 20 })];
    await Promise.all(opening.map((call) => world.told(call)));
    aborted.length = 0;
    const controllers = numbers(3).map(() => new AbortController());
    const calls = controllers.map(({ signal }, n) =>
      echo.pay({ n }, { signal }).catch((reason: unknown) => reason),
    );
    await world.runtime.advance(5);
    controllers[1]?.abort("enough");
    await world.runtime.advance(5);
    expect(await calls[1]).toBe("enough");
    expect(aborted).toEqual([1]);
  });
});

describe("hostile frames", () => {
  it("of answers to nothing, or to places that are not, change nothing", async () => {
    await world.served((n) => n);
    const lives: string[] = [];
    await world.there.backend.bus.subscribe(`rpc/${Echo.name}/${Echo.major}`, ({ data }) => {
      const sender = /[0-9a-z]{20,}/.exec(Buffer.from(data).toString("latin1"))?.[0];
      if (sender !== undefined) lives.push(sender);
    });
    const echo = await warm();
    const answer = Buffer.from('{"v":1,"o":{"n":666}}');
    const forged = [
      packAnswers(99, [{ place: 0, bytes: answer }]),
      packAnswers(1, [{ place: 63, bytes: answer }]),
      Buffer.from([0xb2, 1]),
      answer,
    ];
    for (const life of new Set(lives)) {
      for (const frame of forged) {
        await world.there.backend.bus.publish(answersSubject(life), frame);
      }
    }
    const calls = numbers(3).map((n) => echo.read({ n }));
    expect(await world.outcome(Promise.all(calls))).toEqual(numbers(3).map((n) => ({ n })));
  });
});
