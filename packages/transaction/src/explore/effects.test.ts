import { describe, expect, it } from "vitest";
import { Effects, type Ending, judged } from "./effects.ts";
import { participant } from "./participant.ts";

const ending = (
  state: Ending["state"],
  effects: Record<string, boolean>,
  stuck: string[] = [],
) => ({
  state,
  stuck,
  effects: new Map(Object.entries(effects)),
});
const step = (hasEffect: boolean) => ({ name: "a", mayRefuse: true, isPivot: false, hasEffect });

describe("an ending is right when", () => {
  it("all stands and it is done, or nothing and it is compensated, or it never began", () => {
    expect(judged(ending("done", { a: true, b: true }), [])).toBeUndefined();
    expect(judged(ending("compensated", { a: false }), [])).toBeUndefined();
    expect(judged(ending("none", {}), [])).toBeUndefined();
  });

  it("and not otherwise", () => {
    expect(judged(ending("done", { a: true, b: false }), [])).toMatch(/done, but b was undone/);
    expect(judged(ending("compensated", { a: true }), [])).toMatch(/the effect of a stands/);
    expect(judged(ending("none", { a: true }), [])).toMatch(/never started/);
    expect(judged(ending("running", {}), [])).toMatch(/nothing moves/);
    expect(judged(ending("compensating", {}, ["a:undo"]), [])).toMatch(/stuck at a:undo/);
  });

  it("participants have each key once, or not at all", () => {
    const cards = participant("cards", { idempotent: false });
    cards.apply("k", 1);
    expect(judged(ending("done", { a: true }), [cards])).toBeUndefined();
    expect(judged(ending("compensated", { a: false }), [cards])).toMatch(
      /k stands 1 times at cards/,
    );
    cards.apply("k", 1);
    expect(judged(ending("done", { a: true }), [cards])).toMatch(/k stands 2 times/);
  });
});

describe("effects", () => {
  it("stand when the last call that returned was a run; steps that only read have none", () => {
    const effects = new Effects();
    effects.returned("a", step(true), "run");
    effects.returned("b", step(true), "run");
    effects.returned("b", step(true), "undo");
    effects.returned("c", step(false), "run");
    expect([...effects.all]).toEqual([
      ["a", true],
      ["b", false],
    ]);
    effects.returned("b", step(true), "run");
    expect(effects.all.get("b")).toBe(true);
  });
});
