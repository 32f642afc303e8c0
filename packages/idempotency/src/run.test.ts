import { isQuorateError, refuse } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { World } from "./world.fixture.ts";

const codeOf = (error: unknown): unknown => (isQuorateError(error) ? error.code : error);

/** `count` calls of one key, in turn from each process. */
function duplicates(world: World, count: number, concurrent: "wait" | "reject" = "wait") {
  const processes = [world.process({ concurrent }), world.process({ concurrent })];
  let executions = 0;
  const calls = Array.from({ length: count }, async (_, index) =>
    processes[index % 2]?.idempotency.run("order-7", async () => {
      executions += 1;
      await world.work(200);
      return { charge: "ch_9" };
    }),
  );
  return { settled: Promise.allSettled(calls), executions: () => executions };
}

describe("a key", () => {
  it("costs two round trips the first time, one for each replay", async () => {
    const world = new World();
    const { idempotency, calls } = world.process();
    await idempotency.run("order-7", () => 1);
    expect(calls.made).toEqual(["put", "put"]);
    await idempotency.run("order-7", () => 2);
    expect(calls.made).toEqual(["put", "put", "put"]);
  });

  it("[42] is run once by 100 concurrent duplicates, and 99 are given the answer", async () => {
    const world = new World();
    const { settled, executions } = duplicates(world, 100);
    await world.runtime.advance(1_000);
    for (const one of await settled) {
      expect(one).toEqual({ status: "fulfilled", value: { charge: "ch_9" } });
    }
    expect(executions()).toBe(1);
  });

  it("[42] rejects 99 of 100 concurrent duplicates at once where that is asked for", async () => {
    const world = new World();
    const { settled, executions } = duplicates(world, 100, "reject");
    await world.runtime.advance(1_000);
    const all = await settled;
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const one of all) {
      if (one.status === "rejected") {
        expect(one.reason).toMatchObject({ code: "IDEMPOTENCY_IN_FLIGHT", effect: "none" });
      }
    }
    expect(executions()).toBe(1);
  });

  it("[46] is taken before the work runs: what the work changes does not matter", async () => {
    const world = new World();
    const { idempotency } = world.process();
    const order = { id: "7", cents: 500 };
    const options = { scope: "alice", fingerprint: order };
    const charge = () =>
      idempotency.runDetailed(
        `order-${order.id}`,
        () => {
          Object.assign(order, { id: "8", cents: 0 });
          return "charged";
        },
        options,
      );
    await charge();
    Object.assign(order, { id: "7", cents: 500 });
    expect(await charge()).toMatchObject({ value: "charged", replayed: true });
  });

  it("[47] knows equal requests by their content, whatever the order of members", async () => {
    const world = new World();
    const { idempotency } = world.process();
    const ask = (fingerprint: unknown) => idempotency.run("k", () => 1, { fingerprint });
    await ask({ a: 1, b: { c: [1.0, -0, 1e21] } });
    await expect(ask({ b: { c: [1, 0, 1e21] }, a: 1 })).resolves.toBe(1);
    await expect(ask({ b: { c: [1, 0, 1e21] }, a: "1" })).rejects.toThrow("IDEMPOTENCY_MISMATCH");
    await expect(ask(undefined)).rejects.toThrow("IDEMPOTENCY_MISMATCH");
  });

  it("[48] never runs for a request that is not JSON", async () => {
    const world = new World();
    const { idempotency, calls } = world.process();
    const requests = [new Map(), new Set([1]), 1n, NaN, [undefined], "\ud800", () => 1];
    for (const fingerprint of requests) {
      const asked = idempotency.run("k", () => expect.fail("it ran"), { fingerprint });
      await expect(asked).rejects.toMatchObject({ code: "INVALID_ARGUMENT", effect: "none" });
    }
    expect(calls.made).toEqual([]);
  });

  it("[52] is refused to another request at once, also while the first runs", async () => {
    const world = new World();
    const [one, two] = [world.process(), world.process()];
    const first = one.idempotency.run("k", () => world.work(1_000), { fingerprint: 1 });
    await world.settle();
    for (const { idempotency } of [one, two]) {
      const asked = idempotency.run("k", () => expect.fail("it ran"), { fingerprint: 2 });
      await expect(asked).rejects.toMatchObject({ code: "IDEMPOTENCY_MISMATCH", effect: "none" });
    }
    await world.runtime.advance(1_000);
    await first;
  });

  it("[53] is claimed again where its answer expires at the very moment of the claim", async () => {
    const world = new World();
    const { idempotency } = world.process({ ttlMs: 1_000 });
    let runs = 0;
    const ask = () => idempotency.run("k", () => (runs += 1));
    await ask();
    await world.runtime.advance(999);
    expect(await ask()).toBe(1);
    await world.runtime.advance(1);
    const both = Promise.all([ask(), ask()]);
    expect(await both).toEqual([2, 2]);
    expect(runs).toBe(2);
  });

  it("[53] is claimed again where what was in the way is gone; never run unclaimed", async () => {
    const world = new World();
    const { idempotency, calls } = world.process();
    calls.fate = (index) => (index < 2 ? "gone" : undefined);
    expect(await idempotency.run("k", () => 1)).toBe(1);
    expect(calls.made).toEqual(["put", "put", "put", "put"]);
    expect(await idempotency.peek("k")).toMatchObject({ state: "completed", attempt: 1 });
  });

  it("[55] of one tenant is another's key, and its answer goes to nobody else", async () => {
    const world = new World();
    const { idempotency } = world.process();
    for (const scope of ["alice", "bob", undefined]) {
      const answer = await idempotency.runDetailed("k", () => `for ${scope}`, { scope });
      expect(answer).toMatchObject({ value: `for ${scope}`, replayed: false });
    }
    // The border between scope and key is part of the place.
    expect(await idempotency.run("bk", () => "new", { scope: "a" })).toBe("new");
    expect(await idempotency.run("k", () => "also new", { scope: "ab" })).toBe("also new");
  });
});

describe("an answer", () => {
  it("[49] is deep-equal for the first caller and each repeat, and nobody's shared", async () => {
    const world = new World();
    const { idempotency } = world.process();
    const results = [undefined, null, 0, "", "ü\n", true, [], {}, { a: [1, { b: null }] }];
    for (const [index, result] of results.entries()) {
      const ask = () => idempotency.run(`k-${index}`, () => result);
      const [first, joined, replayed] = [...(await Promise.all([ask(), ask()])), await ask()];
      expect([first, joined, replayed]).toEqual([result, result, result]);
      if (typeof result === "object" && result !== null) {
        expect(new Set([result, first, joined, replayed]).size).toBe(4);
      }
    }
  });

  it("[50] that cannot be stored is told so, and the work never runs again", async () => {
    const world = new World();
    const { idempotency } = world.process({ maxResultBytes: 100 });
    let runs = 0;
    const results = [10n, { at: new Date(0) }, new Map(), "x".repeat(101), [NaN]];
    for (const [index, result] of results.entries()) {
      for (const _ of [1, 2]) {
        const asked = idempotency.run(`k-${index}`, () => ((runs += 1), result));
        await expect(asked).rejects.toMatchObject({
          code: "RESULT_UNENCODABLE",
          effect: "applied",
        });
      }
      expect(await idempotency.peek(`k-${index}`)).toMatchObject({ state: "failed" });
    }
    expect(runs).toBe(results.length);
  });

  it("[50] that cannot be stored lets the key go where that is asked for", async () => {
    const world = new World();
    const { idempotency } = world.process({ onUnencodable: "release" });
    await expect(idempotency.run("k", () => 1n)).rejects.toThrow("RESULT_UNENCODABLE");
    expect(await idempotency.run("k", ({ attempt }) => attempt)).toBe(2);
  });

  it("is as large as is allowed, to the byte", async () => {
    const world = new World();
    const { idempotency } = world.process({ maxResultBytes: 100 });
    expect(await idempotency.run("a", () => "x".repeat(98))).toHaveLength(98);
    await expect(idempotency.run("b", () => "x".repeat(99))).rejects.toThrow("101 bytes, over 100");
    await expect(idempotency.run("c", () => "é".repeat(50))).rejects.toThrow("102 bytes");
  });

  it("has all the room that the engine has beside the record's head", async () => {
    const world = new World();
    const { idempotency } = world.process();
    for (const key of ["k", "\u0001".repeat(1_024)]) {
      const room = 512 * 1_024 - 512 - 6 * key.length;
      expect(await idempotency.run(key, () => "x".repeat(room - 2))).toHaveLength(room - 2);
      const larger = idempotency.run(`${key.slice(1)}l`, () => "x".repeat(room - 1));
      await expect(larger).rejects.toThrow("RESULT_UNENCODABLE");
    }
  });

  it("is refused room at the start where the engine has none", () => {
    const world = new World();
    expect(() => world.process({ maxResultBytes: 600_000 })).toThrow("maxResultBytes must be at");
  });

  it("is kept from its completion on, not from the claim", async () => {
    const world = new World();
    const { idempotency } = world.process({ ttlMs: 10_000 });
    const first = idempotency.run("k", () => world.work(8_000).then(() => 1));
    await world.runtime.advance(8_000);
    await first;
    await world.runtime.advance(9_999);
    expect(await idempotency.run("k", () => 2)).toBe(1);
  });
});

describe("work that throws", () => {
  it("[51] has its refusal replayed as the same error, with its data", async () => {
    const world = new World();
    const { idempotency } = world.process();
    let runs = 0;
    const ask = () =>
      idempotency.run("k", () => {
        runs += 1;
        throw refuse("card-declined", { by: "issuer" });
      });
    const [first, second] = await Promise.allSettled([ask(), ask()]);
    const third = await ask().catch((error: unknown) => error);
    for (const error of [first, second].map((one) => one?.status === "rejected" && one.reason)) {
      expect(isQuorateError(error, "REFUSED") && error.details).toEqual({
        reason: "card-declined",
        data: { by: "issuer" },
      });
      expect(String(error)).toBe(String(third));
    }
    expect(runs).toBe(1);
  });

  it("[51] lets the key go, and the next run is told", async () => {
    const world = new World();
    const { idempotency } = world.process();
    const failing = idempotency.run("k", () => Promise.reject(new Error("boom")));
    await expect(failing).rejects.toThrow("boom");
    expect(await idempotency.peek("k")).toMatchObject({ state: "lapsed", attempt: 1 });
    const again = await idempotency.run("k", ({ attempt, takeover }) => ({ attempt, takeover }));
    expect(again).toEqual({ attempt: 2, takeover: true });
  });

  it("holds the key until the lease ends where that is asked for", async () => {
    const world = new World();
    const { idempotency } = world.process({ onError: "hold" });
    await expect(idempotency.run("k", () => Promise.reject(new Error("boom")))).rejects.toThrow();
    const asked = idempotency.run("k", () => 1, { concurrent: "reject" });
    await expect(asked).rejects.toThrow("IDEMPOTENCY_IN_FLIGHT");
    const startMs = world.runtime.time.monotonicMs();
    const waits = idempotency.run("k", ({ attempt }) => attempt);
    expect(await world.outcome(waits)).toEqual({ kind: "value", value: 2 });
    expect(world.runtime.time.monotonicMs() - startMs).toBeGreaterThanOrEqual(2_900);
  });

  it("has its error replayed where that is asked for, and nothing that hangs on it", async () => {
    const world = new World();
    const { idempotency } = world.process({ onError: "store" });
    const thrown = Object.assign(new TypeError("no such card redis://u:secret@h/"), {
      code: "E_CARD",
      effect: "unknown",
      request: { secret: "hunter2" },
    });
    const ask = () => idempotency.run("k", () => Promise.reject(thrown));
    await expect(ask()).rejects.toBe(thrown);
    const replayed = await ask().catch((error: unknown) => error);
    expect(replayed).toMatchObject({ name: "TypeError", code: "E_CARD", effect: "unknown" });
    expect(String(replayed)).toBe("TypeError: no such card redis://***@h/");
    expect(JSON.stringify(replayed)).not.toContain("hunter2");
  });

  it("is not believed to have an answer where it says that nothing happened", async () => {
    const world = new World();
    const { idempotency } = world.process({ onError: "store" });
    const failing = idempotency.run("k", () => {
      throw Object.assign(new Error("down"), { effect: "none" });
    });
    await expect(failing).rejects.toThrow("down");
    expect(await idempotency.run("k", () => "up")).toBe("up");
  });

  it.each(["text", undefined, null, 7, { a: 1 }, Symbol("s")])("may throw %s", async (thrown) => {
    const world = new World();
    for (const onError of ["release", "hold", "store"] as const) {
      const { idempotency } = world.process({ onError, name: onError });
      const failing = idempotency.run("k", () => {
        throw thrown;
      });
      await expect(failing.catch((error: unknown) => [error])).resolves.toEqual([thrown]);
    }
  });
});

describe("a call", () => {
  it("says at once what is wrong with its options, and asks nobody", async () => {
    const world = new World();
    const { idempotency, calls } = world.process();
    const bad: [unknown, object][] = [
      ["", {}],
      ["x".repeat(1_025), {}],
      ["\ud800", {}],
      [7, {}],
      ["k", { scope: "" }],
      ["k", { ttlMs: 0 }],
      ["k", { ttlMs: NaN }],
      ["k", { leaseMs: 99 }],
      ["k", { waitMs: -1 }],
      ["k", { concurrent: "maybe" }],
      ["k", { onError: "ignore" }],
      ["k", { signal: {} }],
      ["k", { fingerprnt: {} }],
      ["k", null as never],
    ];
    for (const [key, options] of bad) {
      const asked = idempotency.run(key as string, () => 1, options);
      expect(codeOf(await asked.catch((error: unknown) => error))).toBe("INVALID_ARGUMENT");
    }
    await expect(idempotency.run("k", 7 as never)).rejects.toThrow("work must be a function");
    expect(calls.made).toEqual([]);
  });

  it("reaches the store by a name that holds nothing of its key", async () => {
    const world = new World();
    const { idempotency, backend } = world.process();
    await idempotency.run("../*>/orders {7}", () => 1, { scope: "a/b" });
    const keys: string[] = [];
    for await (const { key } of backend.kv.list("idempotency")) keys.push(key);
    expect(keys).toEqual([expect.stringMatching(/^idempotency\/[\w-]{43}$/)]);
    expect(await idempotency.peek("../*>/orders {7}", { scope: "a/b" })).toMatchObject({
      key: "../*>/orders {7}",
      scope: "a/b",
      state: "completed",
    });
  });

  it("leaves a record alone that is not ours, and runs nothing", async () => {
    const world = new World();
    const { idempotency, backend } = world.process();
    await idempotency.run("k", () => 1);
    const keys: string[] = [];
    for await (const { key } of backend.kv.list("idempotency")) keys.push(key);
    const [storeKey = ""] = keys;
    for (const foreign of ["", "hello", "{}\n", '{"v":2,"state":"completed"}\n1', "[1]\n", "\n"]) {
      await backend.kv.put(storeKey, foreign);
      const asked = idempotency.run("k", () => expect.fail("it ran"));
      await expect(asked).rejects.toMatchObject({ code: "RECORD_INVALID", effect: "none" });
      const kept = await backend.kv.get(storeKey);
      expect(Buffer.from(kept?.value ?? []).toString()).toBe(foreign);
    }
  });
});
