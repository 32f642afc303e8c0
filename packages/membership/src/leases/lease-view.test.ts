import fc from "fast-check";
import type { LeaseEvent } from "@quorate/core";
import { describe, expect, it } from "vitest";

import { LeaseView } from "./lease-view.ts";
import { encodeStanding } from "./standing.ts";

const PREFIX = "member/g/";

function granted(id: string, owner: string, token: number, data = "", born?: number): LeaseEvent {
  const text = encodeStanding({ address: "", data }, born);
  const holder = { owner, fencingToken: token, weight: 1, expiresInMs: 1_000, data: text };
  return { kind: "granted", name: `${PREFIX}${id}`, holder };
}

type Reason = "released" | "expired" | "unknown";

function ended(id: string, owner: string, token: number, reason: Reason): LeaseEvent {
  return { kind: "ended", name: `${PREFIX}${id}`, owner, fencingToken: token, reason };
}

/** A view with what was told to it, and what it made of that. */
function viewOf(
  events: readonly LeaseEvent[],
  view = newView(),
): { view: LeaseView; told: string[] } {
  const told = events.flatMap((event) =>
    view.take(event, 0).changes.map(({ kind, member }) => `${kind} ${member.id} ${member.data}`),
  );
  return { view, told };
}

function newView(): LeaseView {
  return new LeaseView({ prefix: PREFIX, forgetAfterMs: 1_000 });
}

describe("of several leases under a name", () => {
  it("the newest speaks, whatever the order in which they are told", () => {
    expect(viewOf([granted("a", "x", 1, "old"), granted("a", "y", 2, "new", 1)]).told).toEqual([
      "joined a old",
      "updated a new",
    ]);
    const turned = viewOf([granted("a", "y", 2, "new", 1), granted("a", "x", 1, "old")]);
    expect(turned.told).toEqual(["joined a new"]);
    expect(turned.view.member("a", 0)).toMatchObject({ incarnation: 1, data: "new" });
  });

  it("the old one goes without a word", () => {
    const both = [granted("a", "x", 1, "old"), granted("a", "y", 2, "new", 1)];
    expect(viewOf([...both, ended("a", "x", 1, "released")]).told).toHaveLength(2);
  });

  it("the older speaks again where the newer ended unasked", () => {
    const both = [granted("a", "x", 1, "old"), granted("a", "y", 2, "new", 1)];
    const { told } = viewOf([...both, ended("a", "y", 2, "unknown")]);
    expect(told.at(-1)).toBe("updated a old");
  });

  it("a goodbye by the newest silences all older", () => {
    const both = [granted("a", "x", 1, "old"), granted("a", "y", 2, "new", 1)];
    const { told } = viewOf([
      ...both,
      ended("a", "y", 2, "released"),
      ended("a", "x", 1, "expired"),
    ]);
    expect(told.slice(2)).toEqual(["left a new"]);
  });
});

describe("a watch that begins anew", () => {
  it("ends those of whom it does not tell, and tells nothing of the others", () => {
    const { view } = viewOf([granted("a", "x", 1), granted("b", "y", 2), { kind: "synced" }]);
    view.reopened();
    const { told } = viewOf([granted("b", "y", 2), { kind: "synced" }], view);
    expect(told).toEqual(["down a "]);
  });

  it("tells nothing before it has told all", () => {
    const { view } = viewOf([granted("a", "x", 1), { kind: "synced" }]);
    view.reopened();
    expect(viewOf([{ kind: "stale", sinceMs: 0 }], view).told).toEqual([]);
    expect(view.member("a", 0)?.state).toBe("alive");
  });
});

describe("memory", () => {
  it("of those who are gone is bounded in time and in number", () => {
    const view = newView();
    for (let index = 0; index < 1_500; index++) {
      view.take(granted(`m${index}`, "x", index + 1), 0);
      view.take(ended(`m${index}`, "x", index + 1, "released"), 0);
    }
    expect(view.members(999)).toHaveLength(1_000);
    expect(view.member("m0", 999)).toBeUndefined();
    expect(view.members(1_000)).toEqual([]);
  });
});

const step = fc.record({
  id: fc.constantFrom("a", "b"),
  owner: fc.constantFrom("x", "y", "z"),
  token: fc.integer({ min: 1, max: 9 }),
  ends: fc.constantFrom<Reason | undefined>("released", "expired", "unknown", undefined),
});

describe("any history", () => {
  it("is told as a chain of states without a break, and a living lease keeps its member", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const view = newView();
        const states = new Map<string, string>();
        for (const { id, owner, token, ends } of steps) {
          const event = ends ? ended(id, owner, token, ends) : granted(id, owner, token);
          for (const { kind, member } of view.take(event, 0).changes) {
            const before = states.get(member.id);
            const begins = kind === "joined" || kind === "recovered";
            expect(begins).toBe(before !== "alive" && member.state === "alive");
            if (kind === "updated" || kind === "left" || kind === "down") {
              expect(before).toBe("alive");
            }
            states.set(member.id, member.state);
          }
        }
        for (const member of view.members(0)) expect(states.get(member.id)).toBe(member.state);
      }),
      { numRuns: 200 },
    );
  });
});
