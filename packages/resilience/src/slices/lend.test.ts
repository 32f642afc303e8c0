import type { LeaseWindow } from "@quorate/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { decodeFleet, encodeFleet, heldBy, PARTS } from "./fleet-record.ts";
import { emptyFleet, lend, type LendTerms, shareOf, takeOut } from "./lend.ts";
import { Sightings } from "./sightings.ts";
import { Tenure } from "./tenure.ts";

const TERMS: LendTerms = { limit: 100, perMs: 1_000, burst: 50, maxInstances: 8 };
const NOBODY: ReadonlySet<string> = new Set();

function bidOf(id: string, demand: number, dead = NOBODY, ageMs = 0) {
  return { id, demand, beat: 1, dead, ageMs };
}

describe("the division", () => {
  const demands = fc.array(fc.integer({ min: 0, max: PARTS }), { minLength: 1, maxLength: 60 });

  it("is max-min fair: nobody who wants more has less than another", () => {
    fc.assert(
      fc.property(demands, (all) => {
        const shares = all.map((demand, index) => shareOf(demand, all.toSpliced(index, 1)));
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThanOrEqual(PARTS);
        for (const [index, share] of shares.entries()) {
          for (const [other, demand] of all.entries()) {
            if (demand <= (all[index] ?? 0)) expect(shares[other]).toBeLessThanOrEqual(share);
          }
        }
      }),
    );
  });

  it("hands out nearly everything when all want everything, and keeps a reserve", () => {
    for (const count of [1, 2, 20, 256]) {
      const others = Array.from({ length: count - 1 }, () => PARTS);
      const sum = shareOf(PARTS, others) * count;
      expect(sum).toBeGreaterThan(0.94 * PARTS);
      expect(sum).toBeLessThan(0.98 * PARTS);
    }
  });

  it("leaves a good part to the next newcomer where little is asked for", () => {
    expect(shareOf(10, [])).toBeLessThan(PARTS * 0.55);
    expect(shareOf(10, [10])).toBeLessThan(PARTS * 0.4);
  });
});

describe("lending", () => {
  interface Event {
    readonly who: number;
    readonly demand: number;
    readonly kind: "renew" | "leave" | "die";
    readonly ageMs: number;
  }
  const events = fc.array(
    fc.record<Event>({
      who: fc.nat({ max: 11 }),
      demand: fc.nat({ max: PARTS }),
      kind: fc.constantFrom("renew", "renew", "renew", "leave", "die"),
      ageMs: fc.nat({ max: 500 }),
    }),
    { maxLength: 80 },
  );

  it("never lends more than the whole, nor to more than may be, and nobody loses a slice", () => {
    fc.assert(
      fc.property(events, (script) => {
        let record = emptyFleet(TERMS);
        const dead = new Set<string>();
        for (const { who, demand, kind, ageMs } of script) {
          const id = `i${who}`;
          const others = record.slices.filter((slice) => slice.id !== id && !dead.has(slice.id));
          if (kind === "die") dead.add(id);
          else if (kind === "leave") {
            record = takeOut(record, id, { ageMs, terms: TERMS }) ?? record;
          } else {
            dead.delete(id);
            const loan = lend(record, bidOf(id, demand, dead, ageMs), TERMS);
            expect(loan === undefined).toBe(others.length >= TERMS.maxInstances);
            record = loan?.record ?? record;
          }
          expect(heldBy(record.slices)).toBeLessThanOrEqual(PARTS);
          expect(record.slices.length).toBeLessThanOrEqual(TERMS.maxInstances);
          for (const slice of others) expect(record.slices).toContainEqual(slice);
          expect(decodeFleet(Buffer.from(encodeFleet(record)))).toEqual({ ok: true, record });
        }
      }),
    );
  });

  it("makes no permits and counts none twice: pool and buckets are as one bucket", () => {
    fc.assert(
      fc.property(events, (script) => {
        let record = emptyFleet(TERMS);
        // All that was ever saved up and handed out, against what one bucket would have given.
        let handedOut = 0;
        let elapsedMs = 0;
        for (const { who, demand, kind, ageMs } of script) {
          elapsedMs += ageMs;
          if (kind === "die") continue;
          const id = `i${who}`;
          const facts = { ageMs, terms: TERMS };
          if (kind === "leave") record = takeOut(record, id, facts) ?? record;
          const loan =
            kind === "renew" ? lend(record, bidOf(id, demand, NOBODY, ageMs), TERMS) : undefined;
          handedOut += loan?.savings ?? 0;
          record = loan?.record ?? record;
          const most = TERMS.burst + (TERMS.limit * elapsedMs) / TERMS.perMs;
          expect((handedOut + record.pool) / 1_000).toBeLessThanOrEqual(most + 1e-6);
        }
      }),
    );
  });

  it("takes only what is free: a raise waits until somebody has given up", () => {
    const first = lend(emptyFleet(TERMS), bidOf("a", PARTS), TERMS);
    const second = lend(first?.record ?? emptyFleet(TERMS), bidOf("b", PARTS), TERMS);
    expect(second?.held).toBe(PARTS - (first?.held ?? 0));
    const cut = lend(second?.record ?? emptyFleet(TERMS), bidOf("a", PARTS), TERMS);
    const raised = lend(cut?.record ?? emptyFleet(TERMS), bidOf("b", PARTS), TERMS);
    expect(raised?.held).toBe(cut?.held);
  });
});

describe("a fleet record", () => {
  it.each([
    ["no JSON", "{"],
    ["another version", '{"v":2,"pool":0,"slices":[]}'],
    ["a negative pool", '{"v":1,"pool":-1,"slices":[]}'],
    ["no list", '{"v":1,"pool":0,"slices":{"0":1}}'],
    ["a short slice", '{"v":1,"pool":0,"slices":[["a",1,1]]}'],
    ["a slice of nobody", '{"v":1,"pool":0,"slices":[["",1,1,1]]}'],
    ["a fraction", '{"v":1,"pool":0,"slices":[["a",0.5,1,1]]}'],
    ["one twice", '{"v":1,"pool":0,"slices":[["a",1,1,1],["a",1,1,1]]}'],
    ["too much", '{"v":1,"pool":0,"slices":[["a",9000,1,1],["b",9000,1,1]]}'],
    ["a prototype", '{"__proto__":{"v":1},"pool":0,"slices":[]}'],
  ])("with %s is not believed", (_what, text) => {
    expect(decodeFleet(Buffer.from(text)).ok).toBe(false);
  });
});

describe("sightings", () => {
  it("count a whole lease from the first sight of a beat, and start again with the next", () => {
    const sightings = new Sightings(1_000);
    const seen = (beat: number, nowMs: number): boolean =>
      sightings
        .observe({ pool: 0, slices: [{ id: "a", held: 1, demand: 1, beat }] }, nowMs)
        .has("a");
    expect([seen(1, 0), seen(1, 1_011), seen(1, 1_012)]).toEqual([false, false, true]);
    expect([seen(2, 1_013), seen(2, 2_000), seen(2, 2_025)]).toEqual([false, false, true]);
  });
});

describe("tenure", () => {
  const clock = { nowMs: 0, sleptMs: 0 };
  const time = {
    monotonicMs: () => clock.nowMs,
    wallMs: () => clock.nowMs + clock.sleptMs,
  };
  const window: LeaseWindow = { validUntilMs: 1_000, validUntilWallMs: 1_000 };

  function usableAfter(onStoreLost: "stop" | "halve" | "local", atMs: readonly number[]): number[] {
    const tenure = new Tenure({ onStoreLost, periodMs: 100, aloneParts: 7 });
    tenure.granted(800, window);
    clock.sleptMs = 0;
    return atMs.map((nowMs) => {
      clock.nowMs = nowMs;
      return tenure.usableAt(time);
    });
  }

  it.each([
    ["stop", [800, 800, 0, 0, 0]],
    ["halve", [800, 800, 400, 200, 0]],
    ["local", [800, 800, 800, 800, 800]],
  ] as const)("with %s", (onStoreLost, expected) => {
    expect(usableAfter(onStoreLost, [0, 999, 1_000, 1_100, 9_000])).toEqual(expected);
  });

  it("ends while the machine sleeps, which its monotonic clock does not show", () => {
    const tenure = new Tenure({ onStoreLost: "stop", periodMs: 100, aloneParts: 7 });
    tenure.granted(800, window);
    clock.nowMs = 500;
    clock.sleptMs = 600;
    expect([tenure.usableAt(time), tenure.isRightful(time)]).toEqual([0, false]);
  });

  it("is not raised by what it was lowered from", () => {
    const tenure = new Tenure({ onStoreLost: "local", periodMs: 100, aloneParts: 7 });
    expect(tenure.usableAt(time)).toBe(0);
    tenure.cutOff();
    expect(tenure.usableAt(time)).toBe(7);
    tenure.granted(500, window);
    tenure.lowered(300);
    tenure.lowered(400);
    expect(tenure.parts).toBe(300);
    tenure.ended();
    expect(tenure.usableAt(time)).toBe(0);
  });
});
