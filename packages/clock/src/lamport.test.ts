import { isQuorateError } from "@quorate/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareLamport, LamportClock, type LamportTimestamp } from "./lamport.ts";

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return isQuorateError(error) ? error.code : String(error);
  }
  return "none";
}

describe("a Lamport clock", () => {
  it("counts its own events from 1", () => {
    const clock = new LamportClock({ node: "a" });
    expect(clock.time).toBe(0);
    expect([clock.tick(), clock.send()]).toEqual([
      { time: 1, node: "a" },
      { time: 2, node: "a" },
    ]);
  });

  it("puts a receive after the sending and after everything here", () => {
    const clock = new LamportClock({ node: "a" });
    expect(clock.receive({ time: 7, node: "b" })).toEqual({ time: 8, node: "a" });
    expect(clock.receive({ time: 3, node: "b" })).toEqual({ time: 9, node: "a" });
    expect(clock.receive({ time: 0, node: "b" })).toEqual({ time: 10, node: "a" });
  });

  it("never contradicts the true happens-before graph of five nodes", () => {
    const steps = fc.array(fc.record({ node: fc.nat(4), from: fc.nat(300) }), { maxLength: 150 });
    fc.assert(
      fc.property(steps, (history) => {
        const clocks = Array.from(
          { length: 5 },
          (_, index) => new LamportClock({ node: `${index}` }),
        );
        const events: { at: LamportTimestamp; causes: number[] }[] = [];
        const latest: number[] = [];
        for (const { node, from } of history) {
          const cause = events[from];
          const clock = clocks[node] as LamportClock;
          const at = cause === undefined ? clock.tick() : clock.receive(cause.at);
          const causes = [latest[node], cause && from].filter((index) => index !== undefined);
          latest[node] = events.length;
          events.push({ at, causes });
        }
        for (const { at, causes } of events) {
          for (const index of causes) {
            expect(events[index]?.at.time).toBeLessThan(at.time);
          }
        }
        // Total: no two events share a place.
        const sorted = events.map(({ at }) => at).toSorted(compareLamport);
        for (let index = 1; index < sorted.length; index++) {
          const [left, right] = [sorted[index - 1], sorted[index]] as LamportTimestamp[];
          expect(compareLamport(left as LamportTimestamp, right as LamportTimestamp)).toBe(-1);
        }
      }),
    );
  });

  it("breaks ties by node id, by UTF-16 unit", () => {
    const at = (node: string) => ({ time: 1, node });
    expect(compareLamport(at("a"), at("b"))).toBe(-1);
    expect(compareLamport(at("b"), at("a"))).toBe(1);
    expect(compareLamport(at("a"), at("a"))).toBe(0);
    expect(compareLamport(at("😀"), at("\uffff"))).toBe(-1);
    expect(compareLamport({ time: 2, node: "a" }, at("b"))).toBe(1);
  });
});

describe("the end of numbers", () => {
  it("is 2^53 - 1: the last is issued, the one after refused without a change", () => {
    const clock = new LamportClock({ node: "a", time: 2 ** 53 - 2 });
    expect(clock.tick().time).toBe(2 ** 53 - 1);
    expect(codeOf(() => clock.tick())).toBe("TOO_LARGE");
    expect(codeOf(() => clock.send())).toBe("TOO_LARGE");
    expect(clock.time).toBe(2 ** 53 - 1);
  });

  it("cannot be reached by one message: a remote 2^53 - 1 is refused without a change", () => {
    const clock = new LamportClock({ node: "a" });
    expect(codeOf(() => clock.receive({ time: 2 ** 53 - 1, node: "b" }))).toBe("TOO_LARGE");
    expect(clock.tick().time).toBe(1);
  });
});

describe("foreign input", () => {
  it.each([
    [undefined],
    [null],
    ["7"],
    [{ time: -1, node: "b" }],
    [{ time: 1.5, node: "b" }],
    [{ time: Number.NaN, node: "b" }],
    [{ time: 2 ** 53, node: "b" }],
    [{ time: 1, node: "" }],
    [{ time: 1, node: "\udc00" }],
    [{ time: 1 }],
  ])("%j is refused, and changes nothing", (remote) => {
    const clock = new LamportClock({ node: "a" });
    expect(codeOf(() => clock.receive(remote as LamportTimestamp))).toBe("INVALID_ARGUMENT");
    expect(clock.time).toBe(0);
  });

  it("takes hostile ids as ids", () => {
    for (const node of ["__proto__", "constructor", "😀", "a#1"]) {
      expect(new LamportClock({ node }).receive({ time: 1, node }).time).toBe(2);
    }
    expect(codeOf(() => new LamportClock({ node: "x".repeat(10_000) }))).toBe("INVALID_ARGUMENT");
  });
});

describe("a restart from a snapshot", () => {
  it("issues nothing twice, however often it crashes between two snapshots", () => {
    const crashes = fc.array(fc.record({ ticks: fc.nat(20), ahead: fc.nat(5) }), { maxLength: 20 });
    fc.assert(
      fc.property(crashes, (lives) => {
        let kept: LamportTimestamp = { time: 0, node: "a" };
        const issued = new Set<number>();
        for (const { ticks, ahead } of lives) {
          const clock = new LamportClock(kept);
          for (let tick = 0; tick < ticks; tick++) {
            const event = clock.tick();
            if (event.time > kept.time) kept = clock.snapshot({ ahead });
            expect(issued.has(event.time)).toBe(false);
            issued.add(event.time);
          }
        }
      }),
    );
  });

  it("keeps to safe integers, and refuses what is none", () => {
    const clock = new LamportClock({ node: "a", time: 2 ** 53 - 5 });
    expect(clock.snapshot({ ahead: 1_000 }).time).toBe(2 ** 53 - 1);
    expect(codeOf(() => clock.snapshot({ ahead: -1 }))).toBe("INVALID_ARGUMENT");
    expect(codeOf(() => new LamportClock({ node: "a", time: 0.5 }))).toBe("INVALID_ARGUMENT");
  });
});
