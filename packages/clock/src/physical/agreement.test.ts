import { isQuorateError } from "@quorate/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { berkeley } from "./berkeley.ts";
import { cristian, offsetOf } from "./exchange.ts";
import { type Interval, intervalOfAtLeast, marzullo } from "./marzullo.ts";

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return isQuorateError(error) ? error.code : String(error);
  }
  return "none";
}

const intervals = (...ends: [number, number][]): Interval[] =>
  ends.map(([lowMs, highMs]) => ({ lowMs, highMs }));

describe("marzullo", () => {
  // The first four: https://en.wikipedia.org/wiki/Marzullo%27s_algorithm, "Purpose".
  it.each([
    [
      "10 ± 2, 12 ± 1, 11 ± 1",
      [
        [8, 12],
        [11, 13],
        [10, 12],
      ],
      [11, 12, 3],
    ],
    [
      "one is wrong",
      [
        [8, 12],
        [11, 13],
        [14, 15],
      ],
      [11, 12, 2],
    ],
    [
      "two answers: the smaller",
      [
        [8, 9],
        [8, 12],
        [10, 12],
      ],
      [8, 9, 2],
    ],
    [
      "optimistic",
      [
        [10, 12],
        [11, 13],
        [11.99, 13],
      ],
      [11.99, 12, 3],
    ],
    [
      "five",
      [
        [8, 12],
        [11, 13],
        [10, 12],
        [12, 15],
        [13, 14],
      ],
      [12, 12, 4],
    ],
    [
      "one inside",
      [
        [8, 12],
        [9, 10],
        [11, 13],
        [10, 12],
      ],
      [10, 10, 3],
    ],
    [
      "one outside",
      [
        [8, 12],
        [9, 10],
        [11, 13],
        [14, 15],
      ],
      [9, 10, 2],
    ],
    [
      "touching: one point",
      [
        [1, 2],
        [2, 3],
      ],
      [2, 2, 2],
    ],
    [
      "points",
      [
        [5, 5],
        [5, 5],
        [4, 6],
      ],
      [5, 5, 3],
    ],
    ["one alone", [[-3, 4]], [-3, 4, 1]],
    [
      "apart: the smallest",
      [
        [0, 10],
        [20, 21],
        [30, 33],
      ],
      [20, 21, 1],
    ],
    [
      "equally small: the earliest",
      [
        [30, 31],
        [20, 21],
      ],
      [20, 21, 1],
    ],
  ] as [string, [number, number][], [number, number, number]][])(
    "%s",
    (_, ends, [lowMs, highMs, sources]) => {
      expect(marzullo(intervals(...ends))).toEqual({ lowMs, highMs, sources });
      expect(marzullo(intervals(...ends.toReversed()))).toEqual({ lowMs, highMs, sources });
    },
  );

  it("is the best of all points of a grid, by brute force", () => {
    const end = fc.integer({ min: 0, max: 12 });
    const claim = fc
      .tuple(end, end)
      .map(([a, b]) => ({ lowMs: Math.min(a, b), highMs: Math.max(a, b) }));
    fc.assert(
      fc.property(
        fc.array(claim, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 8 }),
        (claims, atLeast) => {
          const depth = (ms: number) =>
            claims.filter(({ lowMs, highMs }) => lowMs <= ms && ms <= highMs).length;
          const points = Array.from({ length: 49 }, (_, index) => index / 4);
          const most = Math.max(...points.map(depth));
          const best = marzullo(claims);
          expect(best?.sources).toBe(most);
          for (const ms of points) {
            if (best !== undefined && best.lowMs <= ms && ms <= best.highMs)
              expect(depth(ms)).toBe(most);
          }
          const deep = points.filter((ms) => depth(ms) >= atLeast);
          const hull = intervalOfAtLeast(claims, atLeast);
          expect(hull?.lowMs).toBe(deep[0]);
          expect(hull?.highMs).toBe(deep.at(-1));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("has nothing to say of nothing, and refuses what is no interval", () => {
    expect(marzullo([])).toBe(undefined);
    expect(intervalOfAtLeast([], 1)).toBe(undefined);
    for (const bad of [
      [2, 1],
      [Number.NaN, 1],
      [0, Infinity],
    ] as [number, number][]) {
      expect(codeOf(() => marzullo(intervals(bad)))).toBe("INVALID_ARGUMENT");
    }
    expect(codeOf(() => intervalOfAtLeast([], 0))).toBe("INVALID_ARGUMENT");
    expect(codeOf(() => marzullo(undefined as unknown as Interval[]))).toBe("INVALID_ARGUMENT");
  });

  it("is optimistic where a wrong clock is sure of itself; intervalOfAtLeast is not", () => {
    const claims = intervals([0, 10], [2, 12], [9, 9.5]); // The truth is 5.
    expect(marzullo(claims)).toEqual({ lowMs: 9, highMs: 9.5, sources: 3 });
    const majority = intervalOfAtLeast(claims, 2);
    expect(majority).toEqual({ lowMs: 2, highMs: 10, sources: 3 });
  });
});

describe("intervalOfAtLeast", () => {
  it("holds the truth whatever a minority claims", () => {
    const honest = fc
      .tuple(fc.nat(100), fc.nat(100))
      .map(([below, above]) => ({ lowMs: 50 - below, highMs: 50 + above }));
    const liar = fc
      .tuple(fc.nat(200), fc.nat(50))
      .map(([low, width]) => ({ lowMs: low - 50, highMs: low - 50 + width }));
    fc.assert(
      fc.property(
        fc.array(honest, { minLength: 3, maxLength: 5 }),
        fc.array(liar, { maxLength: 2 }),
        (right, wrong) => {
          const all = [...wrong, ...right];
          const majority = Math.floor(all.length / 2) + 1;
          const hull = intervalOfAtLeast(all, Math.min(majority, right.length));
          expect(hull?.lowMs).toBeLessThanOrEqual(50);
          expect(hull?.highMs).toBeGreaterThanOrEqual(50);
        },
      ),
    );
  });
});

describe("offsetOf", () => {
  it("is the formula of NTP", () => {
    // RFC 5905, figure 15's roles: their clock 100 ahead, 10 there, 5 of work, 10 back.
    expect(offsetOf({ t1: 0, t2: 110, t3: 115, t4: 25 })).toEqual({
      offsetMs: 100,
      delayMs: 20,
      errorBoundMs: 10,
    });
  });

  it("is off by half of the asymmetry, which is within the bound", () => {
    const there = fc.double({ min: 0, max: 1_000, noNaN: true });
    fc.assert(
      fc.property(
        there,
        there,
        there,
        fc.integer({ min: -1e9, max: 1e9 }),
        (out, work, back, offset) => {
          const stamps = {
            t1: 0,
            t2: out + offset,
            t3: out + work + offset,
            t4: out + work + back,
          };
          const { offsetMs, errorBoundMs } = offsetOf(stamps);
          expect(offsetMs - offset).toBeCloseTo((out - back) / 2, 5);
          expect(Math.abs(offsetMs - offset)).toBeLessThanOrEqual(errorBoundMs + 1e-5);
        },
      ),
    );
  });

  it("claims nothing where the delay is negative", () => {
    expect(offsetOf({ t1: 0, t2: 0, t3: 50, t4: 20 })).toMatchObject({
      delayMs: -30,
      errorBoundMs: Infinity,
    });
    expect(codeOf(() => offsetOf({ t1: 0, t2: Number.NaN, t3: 1, t4: 2 }))).toBe(
      "INVALID_ARGUMENT",
    );
  });
});

describe("cristian", () => {
  it("takes the middle of the round trip, and knows the least delay", () => {
    expect(cristian({ sentMs: 0, remoteMs: 1_010, receivedMs: 20 })).toEqual({
      offsetMs: 1_000,
      delayMs: 20,
      errorBoundMs: 10,
    });
    expect(
      cristian({ sentMs: 0, remoteMs: 1_010, receivedMs: 20, minDelayMs: 10 }).errorBoundMs,
    ).toBe(0);
  });

  it("refuses a round trip that is too short to have happened", () => {
    expect(codeOf(() => cristian({ sentMs: 5, remoteMs: 9, receivedMs: 4 }))).toBe(
      "INVALID_ARGUMENT",
    );
    const fast = { sentMs: 0, remoteMs: 9, receivedMs: 7, minDelayMs: 4 };
    expect(codeOf(() => cristian(fast))).toBe("INVALID_ARGUMENT");
  });
});

describe("berkeley", () => {
  it("is the textbook's example: 3:00, 3:25 and 2:50 agree on 3:05", () => {
    // Tanenbaum, van Steen, "Distributed Systems", the figure of the Berkeley algorithm (minutes).
    const offsetsMs = new Map([
      ["daemon", 0],
      ["fast", 25],
      ["slow", -10],
    ]);
    const round = berkeley({ offsetsMs, maxSpreadMs: 60 });
    expect(round.averageMs).toBe(5);
    expect([...round.adjustmentsMs]).toEqual([
      ["slow", 15],
      ["daemon", 5],
      ["fast", -20],
    ]);
    expect(round.outliers).toEqual([]);
  });

  it("does not average a clock that is far off, and corrects it all the same", () => {
    const offsetsMs = new Map([
      ["a", 0],
      ["b", 4],
      ["c", 8],
      ["__proto__", 1e9],
    ]);
    const { adjustmentsMs, averageMs, outliers } = berkeley({ offsetsMs, maxSpreadMs: 10 });
    expect(averageMs).toBe(4);
    expect(outliers).toEqual(["__proto__"]);
    expect(adjustmentsMs.get("__proto__")).toBe(4 - 1e9);
  });

  it("averages, of equally many, those that are closest together", () => {
    const offsetsMs = new Map([
      ["a", 0],
      ["b", 10],
      ["c", 20],
      ["d", 22],
    ]);
    expect(berkeley({ offsetsMs, maxSpreadMs: 10 })).toMatchObject({
      averageMs: 21,
      outliers: ["a", "b"],
    });
  });

  it("makes all clocks equal, and never averages more than the spread", () => {
    const members = fc.dictionary(
      fc.string({ minLength: 1, maxLength: 4, unit: "grapheme-ascii" }),
      fc.integer({ min: -1e6, max: 1e6 }),
    );
    fc.assert(
      fc.property(members, fc.nat(1_000), (offsets, maxSpreadMs) => {
        const offsetsMs = new Map(Object.entries(offsets));
        const { adjustmentsMs, averageMs, outliers } = berkeley({ offsetsMs, maxSpreadMs });
        const kept = [...offsetsMs].filter(([id]) => !outliers.includes(id)).map(([, ms]) => ms);
        for (const [id, ms] of offsetsMs) {
          expect(ms + (adjustmentsMs.get(id) ?? Number.NaN)).toBeCloseTo(averageMs, 6);
        }
        if (kept.length > 0)
          expect(Math.max(...kept) - Math.min(...kept)).toBeLessThanOrEqual(maxSpreadMs);
        // No other run of the same length fits in, by brute force.
        const sorted = [...offsetsMs.values()].sort((a, b) => a - b);
        const longest = sorted.map(
          (low) => sorted.filter((ms) => ms >= low && ms - low <= maxSpreadMs).length,
        );
        expect(kept.length).toBe(Math.max(0, ...longest));
      }),
    );
  });

  it("has nothing to do for nobody, and refuses what is no offset", () => {
    expect(berkeley({ offsetsMs: new Map(), maxSpreadMs: 0 }).adjustmentsMs.size).toBe(0);
    const bad = (offsetsMs: unknown) =>
      codeOf(() => berkeley({ offsetsMs: offsetsMs as Map<string, number>, maxSpreadMs: 1 }));
    expect([bad(new Map([["a", Number.NaN]])), bad(new Map([["", 1]])), bad({ a: 1 })]).toEqual(
      Array(3).fill("INVALID_ARGUMENT"),
    );
  });
});
