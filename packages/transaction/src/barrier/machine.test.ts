import { describe, expect, it } from "vitest";

import { type Action, ACTIONS, actionFor, OPERATIONS, RUNNING, STATES } from "./machine.ts";
import { arrivals, Oracle } from "./oracle.fixture.ts";
import { applyOnce, type Marks, NO_MARKS } from "./marks.ts";

const cells = OPERATIONS.flatMap((operation) =>
  STATES.map((state) => ({ operation, state, action: actionFor(operation, state) })),
);
const whose = (action: Action) => cells.filter((cell) => cell.action === action);

describe("the barrier's table", () => {
  it("knows what to do in every state", () => {
    expect(cells).toHaveLength(3 * STATES.length);
    for (const { action } of cells) expect(action).toBeTypeOf("string");
  });

  it("keeps every try out for ever, once the cancel has begun", () => {
    const after = ["cancelling", "cancelled"] as const;
    for (const state of after) expect(ACTIONS.try[state]).toBe("hanging");
    expect(whose("hanging").map(({ operation }) => operation)).toEqual(["try", "try"]);
  });

  it("never refuses a cancel, except of what is being confirmed", () => {
    const refused = cells.filter(
      ({ operation, action }) =>
        operation === "cancel" && ["hanging", "early", "conflict"].includes(action),
    );
    expect(refused.map(({ state }) => state)).toEqual(["confirming", "confirmed"]);
  });

  it("buries only what nobody has done", () => {
    expect(whose("bury").map(({ state }) => state)).toEqual(["none", "refused"]);
  });

  it("repeats work only where it may have been cut short", () => {
    for (const { operation, state } of whose("again")) {
      expect(["trying", RUNNING[operation]]).toContain(state);
    }
    expect(whose("again")).toHaveLength(4);
  });

  it("confirms only what was tried", () => {
    const confirming = cells.filter(
      ({ operation, action }) => operation === "confirm" && action === "work",
    );
    expect(confirming.map(({ state }) => state)).toEqual(["tried"]);
  });
});

describe("three copies of each call, in all 1680 orders", () => {
  it("come to what the participant's owner expects", () => {
    let orders = 0;
    for (const calls of arrivals()) {
      orders += 1;
      const oracle = new Oracle();
      let marks: Marks = NO_MARKS;
      const seen = calls.map((operation) => {
        let ran = false;
        try {
          const call = { branch: "t/b", operation, nowMs: 0 };
          marks = applyOnce(marks, call, () => void (ran = true)).marks;
        } catch {
          return "refused";
        }
        return ran ? "ran" : "quiet";
      });
      expect(seen, calls.join(" ")).toEqual(calls.map((operation) => oracle.call(operation)));
    }
    expect(orders).toBe(1_680);
  });
});
