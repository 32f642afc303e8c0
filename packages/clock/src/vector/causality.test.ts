/** Vector clocks against the true happened-before relation of random message histories. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { histories, runHistory, truth } from "./history.fixture.ts";
import { VectorClock } from "./vector-clock.ts";

describe("a vector clock in a random history of five nodes", () => {
  it("answers happened-before for every pair of events, no more and no less", () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(histories, (steps) => {
        const events = runHistory(steps);
        for (const left of events) {
          for (const right of events) {
            const answer = left.clock.compare(right.clock);
            seen.set(answer, (seen.get(answer) ?? 0) + 1);
            expect(answer).toBe(truth(left, right));
          }
        }
      }),
      { numRuns: 200 },
    );
    // A generator that never makes one of the four would prove nothing about it.
    expect([...seen.keys()].sort()).toEqual(["after", "before", "concurrent", "equal"]);
  });

  it("answers the same for clocks that went over the wire", () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const events = runHistory(steps);
        for (const left of events) {
          const right = events[(left.clock.size * 7) % events.length];
          if (right === undefined) continue;
          const text = VectorClock.decode(left.clock.encode());
          const json = VectorClock.fromJSON(JSON.parse(JSON.stringify(left.clock)));
          expect(text.compare(right.clock)).toBe(truth(left, right));
          expect(right.clock.compare(json)).toBe(truth(right, left));
        }
      }),
    );
  });

  it("would be caught if a receiver forgot to merge", () => {
    const steps = [
      { kind: "send", node: 0 },
      { kind: "receive", node: 1, message: 0 },
    ] as const;
    const [sent, received] = runHistory(steps, (clock, own) =>
      VectorClock.of([[own, clock.get(own)]]),
    );
    if (sent === undefined || received === undefined) throw new Error("two events expected");
    expect(truth(sent, received)).toBe("before");
    expect(sent.clock.compare(received.clock)).toBe("concurrent");
  });
});
