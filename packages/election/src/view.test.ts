import { encodeFenceRecord, type LeaseEvent } from "@quorate/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeStanding, encodeTermRecord } from "./record.ts";
import { LeaderView, type Observation } from "./view.ts";

function granted(term: number, candidate = `of ${term}`): LeaseEvent {
  const data = encodeStanding({ candidate, value: { port: term } });
  const holder = { owner: "x", fencingToken: term, weight: 1, expiresInMs: 9, data };
  return { kind: "granted", name: "n", holder };
}

function ended(term: number): LeaseEvent {
  return { kind: "ended", name: "n", owner: "x", fencingToken: term, reason: "expired" };
}

const SYNCED: LeaseEvent = { kind: "synced" };

/** What a view tells of these events, one after the other. */
function tells(events: readonly LeaseEvent[], view = new LeaderView()): string[] {
  return events.flatMap((event) => {
    view.takeLease(event);
    return shown(view.take());
  });
}

function shown(told: Observation | undefined): string[] {
  return told === undefined ? [] : [`${told.kind} ${told.term}`];
}

function publish(view: LeaderView, term: number, value: number, revision: number): void {
  const payload = encodeTermRecord({ term, state: "leading", sinceMs: 5, published: { value } });
  const record = encodeFenceRecord({ floor: term, payload: Buffer.from(payload) });
  const entry = { key: "k", value: record, revision, createdRevision: 1, operationId: "o" };
  view.takeRecord({ kind: "put", entry });
}

describe("an observer's view", () => {
  it("tells of a leader, of its end, and of the next", () => {
    const told = tells([granted(5), SYNCED, ended(5), granted(8)]);
    expect(told).toEqual(["elected 5", "vacant 5", "elected 8"]);
  });

  it("tells that nobody leads, once that is sure", () => {
    expect(tells([])).toEqual([]);
    expect(tells([SYNCED, SYNCED])).toEqual(["vacant 0"]);
  });

  it("does not go back to an older term, whatever comes late", () => {
    expect(tells([granted(8), granted(5), ended(5)])).toEqual(["elected 8"]);
    expect(tells([ended(8), SYNCED, granted(5)])).toEqual(["vacant 8"]);
  });

  it("tells nothing twice when the watch begins anew", () => {
    const view = new LeaderView();
    expect(tells([granted(5), SYNCED], view)).toEqual(["elected 5"]);
    view.reopened();
    expect(tells([granted(5), SYNCED], view)).toEqual([]);
    view.reopened();
    expect(tells([SYNCED], view)).toEqual(["vacant 5"]);
  });

  it("tells of one that was taken for gone as changed, not as elected anew", () => {
    const told = tells([SYNCED, granted(5), ended(5), granted(5)]);
    expect(told).toEqual(["vacant 0", "elected 5", "vacant 5", "changed 5"]);
  });

  it("shows the value of the campaign, then what the same term published", () => {
    const view = new LeaderView();
    publish(view, 4, 40, 1); // Of the term before.
    view.takeLease(granted(5));
    expect(view.take()).toMatchObject({ kind: "elected", leader: { value: { port: 5 } } });
    publish(view, 5, 50, 3);
    expect(view.take()).toMatchObject({ kind: "changed", leader: { value: 50, sinceMs: 5 } });
    publish(view, 5, 49, 2); // Late.
    publish(view, 4, 41, 4); // By an older leader.
    expect(view.take()).toBeUndefined();
    publish(view, 6, 60, 5); // Ahead of the grant.
    expect(view.take()).toMatchObject({ kind: "changed", leader: { value: { port: 5 } } });
    view.takeLease(granted(6));
    expect(view.take()).toMatchObject({ kind: "elected", leader: { term: 6, value: 60 } });
  });

  it("reads a stranger's lease and record without trusting them", () => {
    const view = new LeaderView();
    const holder = { owner: "x", fencingToken: 5, weight: 1, expiresInMs: 9, data: "{]" };
    view.takeLease({ kind: "granted", name: "n", holder });
    const entry = { key: "k", revision: 9, createdRevision: 9, operationId: "o" };
    view.takeRecord({ kind: "put", entry: { ...entry, value: Buffer.from("junk") } });
    const payload = Buffer.from('{"term":5,"state":"leading","sinceMs":1,"value":{"__proto__":7}}');
    const value = encodeFenceRecord({ floor: 5, payload });
    expect(view.take()?.leader).toEqual({
      ...{ term: 5, candidate: "?", value: undefined, sinceMs: undefined },
    });
    view.takeRecord({ kind: "put", entry: { ...entry, value, revision: 10 } });
    const read = view.take()?.leader?.value;
    expect(Object.getPrototypeOf(read)).toBeNull();
    expect(Object.keys(read as object)).toEqual(["__proto__"]);
  });

  it("tells terms in order, each elected once, and the last state, whatever comes", () => {
    const event = fc.oneof(
      fc.integer({ min: 1, max: 6 }).map((term) => granted(term)),
      fc.integer({ min: 1, max: 6 }).map(ended),
      fc.constantFrom<LeaseEvent | "reopened">(SYNCED, "reopened"),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(event, fc.boolean()), { maxLength: 40 }), (steps) => {
        const view = new LeaderView();
        const told: Observation[] = [];
        for (const [step, isRead] of steps) {
          if (step === "reopened") view.reopened();
          else view.takeLease(step);
          const observation = isRead ? view.take() : undefined;
          if (observation !== undefined) told.push(observation);
        }
        const elected = told.filter(({ kind }) => kind === "elected").map(({ term }) => term);
        expect(elected).toEqual([...new Set(elected)].toSorted((a, b) => a - b));
        const terms = told.map(({ term }) => term);
        expect(terms).toEqual(terms.toSorted((a, b) => a - b));
        view.takeLease(granted(9));
        expect(view.take()).toMatchObject({ kind: "elected", term: 9 });
        expect(view.take()).toBeUndefined();
      }),
    );
  });
});
