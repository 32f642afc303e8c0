import { QuorateError, refuse } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { saga } from "./define.ts";
import { numbered, Shop } from "./saga.fixture.ts";

const never = (): Promise<never> => new Promise(() => {});
const fail = (): never => {
  throw new Error("broken pipe");
};

describe("a step without an answer", () => {
  it("is asked again under the same key, and its late answer is not heard", async () => {
    const shop = new Shop();
    const line = shop.line(["a", "b"]);
    const late: (() => void)[] = [];
    shop.behave.set("a do", (_, count) =>
      count === 1
        ? new Promise((resolve) => late.push(() => resolve({ by: "late" })))
        : { by: "second" },
    );
    shop.behave.set("b do", ({ out }) => {
      late[0]?.();
      return out;
    });
    const { sagas } = shop.process([line]);
    await shop.world.outcome(sagas.run(line, { id: "x", input: { n: 1 } }));
    expect(shop.seen.map(({ key, attempt }) => `${key} ${attempt}`)).toEqual([
      "x/a/do 1",
      "x/a/do 2",
      "x/b/do 1",
    ]);
    const seen = await sagas.inspect("x");
    expect(seen?.steps.get("b")?.output).toEqual({ a: { by: "second" } });
  });

  it("is undone as unknown once its attempts are used up, with all before it", async () => {
    const shop = new Shop();
    const line = shop.line(["a", "b"]);
    shop.behave.set("b do", never);
    const { sagas } = shop.process([line]);
    const outcome = await shop.world.outcome(sagas.run(line, { id: "x", input: { n: 1 } }));
    expect(outcome).toMatchObject({ error: { code: "SAGA_COMPENSATED", details: { step: "b" } } });
    expect(shop.log).toEqual(["a do", "b do", "b do", "b do", "b undo", "a undo"]);
    expect(shop.seen.at(-2)?.outcome).toBe("unknown");
  });

  it("is undone as refused where no attempt was ever sent", async () => {
    const shop = new Shop();
    const line = shop.line(["a", "b"]);
    shop.behave.set("b do", () => {
      const details = { operation: "charge" };
      throw new QuorateError("STORE_UNAVAILABLE", "down", { effect: "none", details });
    });
    const { sagas } = shop.process([line]);
    await shop.world.outcome(sagas.run(line, { id: "x", input: { n: 1 } }));
    expect(shop.seen.at(-2)).toMatchObject({ what: "b undo", outcome: "refused" });
  });

  it("is parked where it asks for that, and goes on when an operator says so", async () => {
    const shop = new Shop();
    const line = shop.line(["a", "b"], { step: { b: { onExhausted: "park" } } });
    shop.behave.set("b do", (_, count) => (count <= 3 ? fail() : { ok: true }));
    const { sagas } = shop.process([line]);
    const outcome = await shop.world.outcome(sagas.run(line, { id: "x", input: { n: 1 } }));
    expect(outcome).toMatchObject({ error: { code: "SAGA_STUCK", details: { step: "b" } } });
    const control = await sagas.get("x");
    expect(control).toMatchObject({ state: "running", stuck: [{ what: "b", isParked: true }] });
    await control?.retry("b", { by: "ada", why: "fixed" });
    await shop.world.runtime.advance(1_000);
    expect(await sagas.inspect("x")).toMatchObject({
      state: "done",
      stuck: [],
      audit: [{ verb: "retry", target: "b", by: "ada", why: "fixed" }],
    });
  });

  it("waits between attempts within its bounds, longer where the participant asks", async () => {
    const shop = new Shop(7);
    const retry = { attempts: 6, baseMs: 100, maxMs: 300 };
    const line = shop.line(["a"], { step: { a: { retry } } });
    shop.behave.set("a do", (_, count) => {
      if (count === 3) throw Object.assign(new Error("busy"), { retryAfterMs: 5_000 });
      return count < 6 ? fail() : {};
    });
    const { sagas } = shop.process([line]);
    await shop.world.outcome(sagas.run(line, { id: "x", input: { n: 1 } }), 60_000, 1);
    const gaps = shop.seen.slice(1).map(({ atMs }, index) => atMs - (shop.seen[index]?.atMs ?? 0));
    const [first = 0, second = 0, third = 0, ...rest] = gaps;
    expect(first).toBeLessThanOrEqual(101);
    expect(second).toBeLessThanOrEqual(201);
    expect(third).toBeGreaterThanOrEqual(5_000);
    for (const gap of rest) expect(gap).toBeLessThanOrEqual(301);
  });

  it("remembers its attempts and the time of the next over a crash", async () => {
    const shop = new Shop();
    const line = shop.line(["a"], { step: { a: { retry: { attempts: 3, baseMs: 1 } } } });
    shop.behave.set("a do", () => {
      throw Object.assign(new Error("busy"), { retryAfterMs: 20_000 });
    });
    const one = shop.process([line]);
    await shop.world.outcome(one.sagas.start(line, { id: "x", input: { n: 1 } }));
    one.process.kill();
    const two = shop.process([line]);
    await shop.world.runtime.advance(10_000);
    expect(shop.log).toEqual(["a do"]);
    await shop.world.runtime.advance(60_000);
    expect(shop.log).toEqual(["a do", "a do", "a do", "a undo"]);
    expect(shop.seen.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 1]);
    expect((await two.sagas.inspect("x"))?.state).toBe("compensated");
  });
});

describe("an undo that fails", () => {
  it("is tried again, then stuck once, and holds the undos before it", async () => {
    const shop = new Shop();
    const undoRetry = { attempts: 4, baseMs: 10 };
    const line = shop.line(["a", "b", "c"], { step: { b: { undoRetry } } });
    shop.behave.set("c do", () => {
      throw refuse("no");
    });
    shop.behave.set("b undo", (_, count) => (count <= 4 ? fail() : undefined));
    const { sagas } = shop.process([line]);
    const outcome = await shop.world.outcome(sagas.run(line, { id: "x", input: { n: 1 } }));
    expect(outcome).toMatchObject({ error: { code: "SAGA_STUCK", details: { step: "b:undo" } } });
    await shop.world.runtime.advance(120_000);
    expect(shop.log.slice(3)).toEqual(["c undo", "b undo", "b undo", "b undo", "b undo"]);
    expect(shop.world.events("saga.stuck")).toEqual([
      { saga: "line", version: 1, id: "x", what: "b:undo", isParked: true },
    ]);
    await (await sagas.get("x"))?.retry(undefined, { by: "ada", why: "up again" });
    await shop.world.runtime.advance(2_000);
    expect(shop.log.slice(8)).toEqual(["b undo", "a undo"]);
    expect((await sagas.inspect("x"))?.state).toBe("compensated");
  });

  it("does not hold the others where their order is independent", async () => {
    const shop = new Shop();
    const step = { b: { undoRetry: { attempts: 2, baseMs: 10 } } };
    const line = shop.line(["a", "b", "c"], { undoOrder: "independent", step });
    shop.behave.set("c do", () => {
      throw refuse("no");
    });
    shop.behave.set("b undo", fail);
    const { sagas } = shop.process([line]);
    await shop.world.outcome(sagas.run(line, { id: "x", input: { n: 1 } }));
    await shop.world.runtime.advance(10_000);
    expect(shop.log.slice(3)).toEqual(["c undo", "b undo", "b undo", "a undo"]);
    expect(await sagas.inspect("x")).toMatchObject({ state: "compensating" });
    await (await sagas.get("x"))?.skip("b:undo", { by: "ada", why: "by hand" });
    expect((await sagas.inspect("x"))?.state).toBe("compensated");
  });
});

describe("a step behind the pivot", () => {
  it("is tried for ever, flagged after its attempts, and nothing is undone", async () => {
    const shop = new Shop();
    const made = saga("pivoted", { version: 1, input: numbered })
      .step("a", shop.act("a"))
      .pivot("p", { run: shop.act("p").run })
      .step("z", { run: shop.act("z").run, retry: { attempts: 3, baseMs: 10, maxMs: 100 } })
      .returns(() => "through");
    shop.behave.set("z do", (_, count) => (count <= 20 ? fail() : {}));
    const { sagas } = shop.process([made]);
    const outcome = await shop.world.outcome(sagas.run(made, { id: "x", input: { n: 1 } }));
    expect(outcome).toEqual({ kind: "value", value: "through" });
    expect(shop.log).toEqual(["a do", "p do", ...Array.from({ length: 21 }, () => "z do")]);
    expect(shop.world.events("saga.stuck")).toEqual([
      { saga: "pivoted", version: 1, id: "x", what: "z", isParked: false },
    ]);
    expect(await sagas.inspect("x")).toMatchObject({ state: "done", stuck: [] });
  });

  it("does not turn the saga when the pivot is in doubt, and does when it refuses", async () => {
    for (const refuses of [false, true]) {
      const shop = new Shop();
      const made = saga("pivoted", { version: 1, input: numbered })
        .step("a", shop.act("a"))
        .pivot("p", { run: shop.act("p").run, retry: { attempts: 2, baseMs: 10, maxMs: 20 } })
        .returns(() => "through");
      shop.behave.set("p do", (_, count) => {
        if (count <= 5) return fail();
        if (refuses) throw refuse("no");
        return {};
      });
      const { sagas } = shop.process([made]);
      await shop.world.outcome(sagas.run(made, { id: "x", input: { n: 1 } }));
      expect((await sagas.inspect("x"))?.state).toBe(refuses ? "compensated" : "done");
      expect(shop.log.includes("a undo")).toBe(refuses);
    }
  });
});

describe("a step whose participant knows no keys", () => {
  it("is asked before it is run again, and taken as done where it took effect", async () => {
    const shop = new Shop();
    const made = saga("checked", { version: 1, input: numbered })
      .step("a", {
        ...shop.act("a"),
        retry: { attempts: 3, baseMs: 10 },
        check: () => ({ outcome: "done" as const, output: { by: "check" } as never }),
      })
      .returns(({ out }) => out.a as never);
    shop.behave.set("a do", fail);
    const { sagas } = shop.process([made]);
    const outcome = await shop.world.outcome(sagas.run(made, { id: "x", input: { n: 1 } }));
    expect(outcome).toEqual({ kind: "value", value: { by: "check" } });
    expect(shop.log).toEqual(["a do"]);
  });

  it("is left alone before its undo, which is sent and told that nothing is known", async () => {
    const shop = new Shop();
    const made = saga("checked", { version: 1, input: numbered })
      .step("a", {
        ...shop.act("a"),
        retry: { attempts: 1 },
        settleMs: 30_000,
        check: () => ({ outcome: "none" as const }),
      })
      .returns(() => null);
    shop.behave.set("a do", fail);
    const { sagas } = shop.process([made]);
    await shop.world.outcome(sagas.start(made, { id: "x", input: { n: 1 } }));
    await shop.world.runtime.advance(29_000);
    expect((await sagas.inspect("x"))?.state).toBe("compensating");
    await shop.world.runtime.advance(2_000);
    expect((await sagas.inspect("x"))?.state).toBe("compensated");
    expect(shop.log).toEqual(["a do", "a undo"]);
    expect(shop.seen.at(-1)).toMatchObject({ what: "a undo", outcome: "refused" });
  });
});
