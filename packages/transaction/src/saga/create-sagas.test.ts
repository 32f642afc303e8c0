import { describe, expect, it } from "vitest";
import { refuse } from "@quorate/core";
import { Shop } from "./saga.fixture.ts";

describe("a saga of three steps", () => {
  it("runs them in order, returns its result, and costs four writes", async () => {
    const shop = new Shop();
    const three = shop.line(["a", "b", "c"]);
    const { process, sagas } = shop.process([three]);
    await shop.world.runtime.advance(100);
    const before = process.calls.made.length;
    const outcome = await shop.world.outcome(sagas.run(three, { id: "x", input: { n: 7 } }));
    expect(outcome).toEqual({ kind: "value", value: { n: 7 } });
    expect(shop.log).toEqual(["a do", "b do", "c do"]);
    expect(shop.seen.map(({ key }) => key)).toEqual(["x/a/do", "x/b/do", "x/c/do"]);
    expect(process.calls.made.slice(before)).toEqual(
      Array.from({ length: 4 }, () => "put sagas/x"),
    );
    const seen = await sagas.inspect("x");
    expect(seen).toMatchObject({ state: "done", result: { n: 7 }, input: { n: 7 } });
  });

  it("undoes all that were done and the one that refused, in reverse", async () => {
    const shop = new Shop();
    const three = shop.line(["a", "b", "c"]);
    shop.behave.set("c do", () => {
      throw refuse("sold-out");
    });
    const { sagas } = shop.process([three]);
    const outcome = await shop.world.outcome(sagas.run(three, { id: "x", input: { n: 7 } }));
    expect(outcome).toMatchObject({
      kind: "error",
      error: { code: "SAGA_COMPENSATED", details: { step: "c", reason: "sold-out" } },
    });
    expect(shop.log).toEqual(["a do", "b do", "c do", "c undo", "b undo", "a undo"]);
    expect(shop.seen.map(({ outcome: known }) => known).slice(3)).toEqual([
      "refused",
      "done",
      "done",
    ]);
  });
});
