import { refuse } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { saga } from "./define.ts";
import { numbered, Shop } from "./saga.fixture.ts";

const never = (): Promise<never> => new Promise(() => {});
const says = { by: "ada", why: "asked to" };

describe("a deadline", () => {
  it("turns a saga at the step at hand, which then counts as in doubt", async () => {
    const shop = new Shop();
    const line = shop.line(["a", "b"], {
      deadlineMs: 5_000,
      step: { b: { timeoutMs: 60_000 } },
    });
    shop.behave.set("b do", never);
    const { sagas } = shop.process([line]);
    const outcome = await shop.world.outcome(sagas.run(line, { id: "x", input: { n: 1 } }));
    expect(outcome).toMatchObject({ error: { code: "SAGA_COMPENSATED", details: { step: "" } } });
    expect(shop.log).toEqual(["a do", "b do", "b undo", "a undo"]);
    expect(shop.seen[2]).toMatchObject({ outcome: "unknown", atMs: 5_000 });
  });

  it("does nothing once the pivot may have begun", async () => {
    const shop = new Shop();
    const made = saga("pivoted", { version: 1, input: numbered, deadlineMs: 1_000 })
      .step("a", shop.act("a"))
      .pivot("p", { run: shop.act("p").run, timeoutMs: 20_000 })
      .returns(() => "through");
    shop.behave.set("p do", () => shop.world.work(10_000));
    const { sagas } = shop.process([made]);
    const outcome = await shop.world.outcome(sagas.run(made, { id: "x", input: { n: 1 } }));
    expect(outcome).toEqual({ kind: "value", value: "through" });
  });

  it("turns a saga that waits for an operator who did not come", async () => {
    const shop = new Shop();
    const step = { b: { onExhausted: "park", retry: { attempts: 1 } } };
    const line = shop.line(["a", "b"], { deadlineMs: 60_000, step });
    shop.behave.set("b do", () => {
      throw new Error("down");
    });
    const { sagas } = shop.process([line], { scanMs: 10_000 });
    await shop.world.outcome(sagas.start(line, { id: "x", input: { n: 1 } }));
    await shop.world.runtime.advance(50_000);
    expect((await sagas.inspect("x"))?.stuck).toHaveLength(1);
    await shop.world.runtime.advance(30_000);
    expect((await sagas.inspect("x"))?.state).toBe("compensated");
  });
});

describe("a cancellation", () => {
  it("from another process reaches the step at hand at once, and undoes it", async () => {
    const shop = new Shop();
    const line = shop.line(["a", "b"], { step: { b: { timeoutMs: 60_000 } } });
    shop.behave.set("b do", ({ signal }) => {
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      });
    });
    const one = shop.process([line]);
    const two = shop.process([line]);
    const running = shop.world.outcome(one.sagas.run(line, { id: "x", input: { n: 1 } }));
    await shop.world.runtime.advance(500);
    await (await two.sagas.get("x"))?.cancel(says);
    expect(await running).toMatchObject({ error: { code: "SAGA_COMPENSATED" } });
    expect(shop.log).toEqual(["a do", "b do", "b undo", "a undo"]);
    expect(shop.seen.at(-1)?.atMs).toBeLessThan(1_500);
  });

  it("does not stop an undo that is under way", async () => {
    const shop = new Shop();
    const line = shop.line(["a", "b"]);
    const aborted: boolean[] = [];
    shop.behave.set("b do", () => {
      throw refuse("no");
    });
    shop.behave.set("b undo", async ({ signal }) => {
      await shop.world.work(500);
      aborted.push(signal.aborted);
    });
    const { sagas } = shop.process([line]);
    await shop.world.outcome(sagas.start(line, { id: "x", input: { n: 1 } }));
    await shop.world.runtime.advance(100);
    await (await sagas.get("x"))?.cancel(says);
    await shop.world.runtime.advance(1_000);
    expect(aborted).toEqual([false]);
    expect((await sagas.inspect("x"))?.state).toBe("compensated");
  });

  it("that races the last step ends as its compare-and-set says, in 300 races", async () => {
    const shop = new Shop();
    const { random } = shop.world.runtime;
    const line = shop.line(["a", "b"]);
    shop.behave.set("b do", () => shop.world.work(100 + random.next() * 20));
    const one = shop.process([line]);
    const two = shop.process([line]);
    const ids = Array.from({ length: 300 }, (_, index) => `x${index}`);
    const races = ids.map(async (id) => {
      const running = one.sagas.run(line, { id, input: { n: 1 } });
      const end = running.then(
        () => "done",
        () => "compensated",
      );
      await shop.world.work(100 + random.next() * 20);
      const cancelled = (await two.sagas.get(id))?.cancel(says).then(
        () => "cancelled",
        () => "too late",
      );
      const undone = shop.seen.filter(
        ({ key }) => key.startsWith(`${id}/`) && key.endsWith("undo"),
      );
      const times = undone.length > 2 ? "undone twice" : "undone once";
      return `${await end}, ${await cancelled}, ${times}`;
    });
    const outcome = await shop.world.outcome(Promise.all(races), 10_000, 1);
    const ends = new Set(outcome.kind === "value" ? outcome.value : []);
    expect([...ends].sort()).toEqual([
      "compensated, cancelled, undone once",
      "done, too late, undone once",
    ]);
    const undone = shop.log.filter((what) => what === "b undo").length;
    const turned = shop.world.events("saga.decided").length;
    expect({ undone, some: undone > 30 && undone < 270 }).toEqual({ undone: turned, some: true });
  });
});

describe("steps side by side", () => {
  it("are all undone when one refuses, the one in flight too", async () => {
    const shop = new Shop();
    const b = { ...shop.act("b"), timeoutMs: 2_000 };
    const made = saga("wide", { version: 1, input: numbered })
      .step("a", shop.act("a"))
      .parallel({ b, c: shop.act("c"), d: shop.act("d") })
      .step("e", shop.act("e"))
      .returns(() => null);
    shop.behave.set("b do", never);
    shop.behave.set("c do", async () => {
      await shop.world.work(50);
      throw refuse("no");
    });
    const { sagas, process } = shop.process([made]);
    await shop.world.outcome(sagas.run(made, { id: "x", input: { n: 1 } }));
    expect(shop.log.slice(0, 4)).toEqual(["a do", "b do", "c do", "d do"]);
    const undone = shop.seen.slice(4).map(({ what, outcome }) => `${what} ${outcome}`);
    expect(undone.slice(0, 3).sort()).toEqual(["b undo unknown", "c undo refused", "d undo done"]);
    expect(undone[3]).toBe("a undo done");
    // Created, a, d, the decision, four undos.
    expect(process.calls.made.filter((call) => call === "put sagas/x")).toHaveLength(8);
  });

  it("cost one write per branch, and give their outputs to the next", async () => {
    const shop = new Shop();
    const made = saga("wide", { version: 1, input: numbered })
      .parallel({ b: shop.act("b"), c: shop.act("c") })
      .returns(({ out }) => out as never);
    const { sagas, process } = shop.process([made]);
    const outcome = await shop.world.outcome(sagas.run(made, { id: "x", input: { n: 1 } }));
    expect(outcome).toEqual({ kind: "value", value: { b: { by: "b" }, c: { by: "c" } } });
    expect(process.calls.made.filter((call) => call === "put sagas/x")).toHaveLength(3);
  });
});

describe("a step that is written ahead", () => {
  it("is not undone where it had not begun, and is where it had", async () => {
    for (const begins of [false, true]) {
      const shop = new Shop();
      const line = shop.line(["a", "b"], { step: { b: { intent: true, timeoutMs: 60_000 } } });
      shop.behave.set("a do", () => shop.world.work(begins ? 1 : 900));
      shop.behave.set("b do", never);
      const { sagas } = shop.process([line]);
      await shop.world.outcome(sagas.start(line, { id: "x", input: { n: 1 } }));
      await shop.world.runtime.advance(100);
      const cancelling = sagas.get("x").then((control) => control?.cancel(says));
      await shop.world.runtime.advance(61_000);
      await cancelling;
      expect(shop.log.includes("b undo")).toBe(begins);
      expect((await sagas.inspect("x"))?.state).toBe("compensated");
    }
  });

  it("and may be skipped, which is asked once and stored", async () => {
    const shop = new Shop();
    let asked = 0;
    const made = saga("perhaps", { version: 1, input: numbered })
      .step("a", { ...shop.act("a"), when: () => (asked += 1) > 100 })
      .step("b", shop.act("b"))
      .returns(() => null);
    shop.behave.set("b do", () => {
      throw refuse("no");
    });
    const { sagas } = shop.process([made]);
    await shop.world.outcome(sagas.run(made, { id: "x", input: { n: 1 } }));
    expect({ asked, log: shop.log }).toEqual({ asked: 1, log: ["b do", "b undo"] });
  });
});

describe("a saga within a saga", () => {
  const family = (shop: Shop) => {
    const child = shop.line(["k", "l"], { name: "child" });
    const parent = saga("parent", { version: 1, input: numbered })
      .step("a", shop.act("a"))
      .child("sub", child, ({ input }) => ({ n: input.n + 1 }))
      .step("b", shop.act("b"))
      .returns(({ out }) => out.sub as never);
    return { child, parent };
  };

  it("has a record of its own, and is sealed when its parent has ended", async () => {
    const shop = new Shop();
    const { parent } = family(shop);
    const { sagas } = shop.process([parent], { retentionMs: 30_000 });
    const seal: unknown[] = [];
    shop.behave.set("b do", async () => void seal.push((await sagas.inspect("x/sub"))?.state));
    const outcome = await shop.world.outcome(sagas.run(parent, { id: "x", input: { n: 1 } }));
    expect(outcome).toEqual({ kind: "value", value: { n: 2 } });
    expect(shop.log).toEqual(["a do", "k do", "l do", "b do"]);
    expect(seal).toEqual(["done"]);
    await shop.world.runtime.advance(1_000);
    expect(await sagas.inspect("x/sub")).toMatchObject({ state: "done", parent: "x" });
    await shop.world.runtime.advance(31_000);
    expect(await sagas.inspect("x/sub")).toBeUndefined();
    expect(await sagas.inspect("x")).toBeUndefined();
  });

  it("is compensated when its parent turns back after it was done", async () => {
    const shop = new Shop();
    const { parent } = family(shop);
    shop.behave.set("b do", () => {
      throw refuse("no");
    });
    const { sagas } = shop.process([parent]);
    await shop.world.outcome(sagas.run(parent, { id: "x", input: { n: 1 } }));
    expect(shop.log.slice(4)).toEqual(["b undo", "l undo", "k undo", "a undo"]);
    expect((await sagas.inspect("x/sub"))?.state).toBe("compensated");
  });

  it("turns its parent when it is refused", async () => {
    const shop = new Shop();
    const { parent } = family(shop);
    shop.behave.set("l do", () => {
      throw refuse("sold-out");
    });
    const { sagas } = shop.process([parent]);
    const outcome = await shop.world.outcome(sagas.run(parent, { id: "x", input: { n: 1 } }));
    expect(outcome).toMatchObject({ error: { details: { step: "sub", reason: "sold-out" } } });
    expect(shop.log).toEqual(["a do", "k do", "l do", "l undo", "k undo", "a undo"]);
  });

  it("ends well when the process dies in the middle of it, and of its undo", async () => {
    for (const at of ["k do", "l do", "l undo", "k undo"]) {
      const shop = new Shop();
      const { parent } = family(shop);
      const one = shop.process([parent]);
      shop.behave.set("b do", () => {
        throw refuse("no");
      });
      shop.behave.set(at, (_, count) => {
        if (count > 1) return {};
        one.process.kill();
        return never();
      });
      await shop.world.outcome(one.sagas.start(parent, { id: "x", input: { n: 1 } }));
      const two = shop.process([parent]);
      await shop.world.runtime.advance(20_000);
      const states = [await two.sagas.inspect("x"), await two.sagas.inspect("x/sub")];
      expect({ at, states: states.map((one) => one?.state) }).toEqual({
        at,
        states: ["compensated", "compensated"],
      });
    }
  });

  it("cannot be made after its parent turned back without it", async () => {
    const shop = new Shop();
    const { parent } = family(shop);
    const { sagas } = shop.process([parent]);
    shop.behave.set("a do", () => shop.world.work(200));
    await shop.world.outcome(sagas.start(parent, { id: "x", input: { n: 1 } }));
    await shop.world.runtime.advance(100);
    await (await sagas.get("x"))?.skip("a", says);
    await (await sagas.get("x"))?.cancel(says);
    await shop.world.runtime.advance(2_000);
    expect((await sagas.inspect("x"))?.state).toBe("compensated");
    expect((await sagas.inspect("x/sub"))?.state).toBe("compensated");
  });
});
