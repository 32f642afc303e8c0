/** The arithmetic of the benchmarks: a table that is wrong looks like one that is right. */
import { describe, expect, it } from "vitest";

import {
  atLeastPerSecond,
  opsPerSecond,
  race,
  speedTable,
  timesBestPeer,
} from "../bench/harness/micro.ts";
import { summary } from "../bench/harness/report.ts";
import { interleave, rotated } from "../bench/harness/rounds.ts";
import { jainIndex, median, medianRatio, quantile } from "../bench/harness/statistics.ts";
import { figure, renderMarkdown, renderText } from "../bench/harness/table.ts";

describe("statistics", () => {
  it("takes the smallest value that reaches the share", () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(quantile(hundred, 0.99)).toBe(99);
    expect(quantile(hundred, 1)).toBe(100);
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2);
  });

  it("has no median of nothing", () => {
    expect(median([])).toBeNaN();
  });

  it("takes ratios within a round, so that a slow round counts once", () => {
    expect(medianRatio([2, 20, 2], [1, 10, 1])).toBe(2);
  });

  it("calls equal shares fair, and one who has all as unfair as they are many", () => {
    expect(jainIndex([7, 7, 7, 7])).toBe(1);
    expect(jainIndex([28, 0, 0, 0])).toBe(0.25);
  });
});

describe("rounds", () => {
  it("begin with another contender each time", () => {
    expect([0, 1, 2, 3].map((round) => rotated(["a", "b", "c"], round).join(""))).toEqual([
      "abc",
      "bca",
      "cab",
      "abc",
    ]);
  });

  it("throw the warm-up away and keep the samples of a contender in order", async () => {
    const seen: string[] = [];
    const samples = await interleave(["a", "b"], 2, (name, round) => {
      seen.push(`${name}${round}`);
      return Promise.resolve(round);
    });
    expect(seen).toEqual(["a-1", "b-1", "b0", "a0", "a1", "b1"]);
    expect([...samples]).toEqual([
      ["a", [0, 1]],
      ["b", [0, 1]],
    ]);
  });
});

describe("tables", () => {
  it("print figures with the digits that mean something", () => {
    expect([0.0712, 1.234, 23.45, 234.5, 12_345.6, 0, NaN].map(figure)).toEqual([
      "0.071",
      "1.23",
      "23.4",
      "235",
      "12 346",
      "0.00",
      "–",
    ]);
  });

  it("align for a terminal, and escape for markdown", () => {
    const table = {
      head: ["who", "ms"],
      rows: [
        ["a|b", "1"],
        ["longer", "10"],
      ],
    };
    expect(renderText(table).split("\n").slice(2)).toEqual(["  a|b      1", "  longer  10"]);
    expect(renderMarkdown(table)).toContain("| a\\|b | 1 |");
  });
});

describe("a report", () => {
  it("counts what was held and what was missed over all sections", () => {
    const claim = { name: "c", bar: "b", measured: "m" };
    const section = { title: "t", method: "m", tables: [] };
    const sections = [
      { ...section, claims: [{ ...claim, held: true }] },
      {
        ...section,
        claims: [
          { ...claim, held: false },
          { ...claim, held: true },
        ],
      },
    ];
    expect(summary(sections)).toEqual({ text: "2 held, 1 missed", missed: 1 });
  });
});

describe("micro-benchmarks", () => {
  const speeds = new Map([
    ["ours", [20, 200, 30]],
    ["slow", [1, 10, 1]],
    ["fast", [4, 40, 5]],
  ]);

  it("compare with the fastest peer of the run, round by round", () => {
    const claim = timesBestPeer({ name: "n", ours: "ours", bar: 5, speeds });
    expect(claim).toMatchObject({ measured: "5.00 × fast", held: true });
    expect(timesBestPeer({ name: "n", ours: "ours", bar: 5.1, speeds }).held).toBe(false);
    expect(timesBestPeer({ name: "n", ours: "fast", bar: 1, speeds }).held).toBe(false);
  });

  it("miss a claim about what was not measured", () => {
    expect(timesBestPeer({ name: "n", ours: "ours", bar: 0, speeds: new Map() }).held).toBe(false);
    expect(atLeastPerSecond({ name: "n", ours: "gone", bar: 0, speeds }).held).toBe(false);
    expect(atLeastPerSecond({ name: "n", ours: "ours", bar: 30, speeds }).held).toBe(true);
  });

  it("show speeds, and how much the first is ahead", () => {
    expect(speedTable("op", speeds).rows.map((row) => [row[0], row[1], row[3]])).toEqual([
      ["ours", "30.0", "1.00 ×"],
      ["slow", "1.00", "20.0 ×"],
      ["fast", "5.00", "5.00 ×"],
    ]);
  });

  it("count every operation and hand it a running index", async () => {
    const seen: number[] = [];
    const perSecond = opsPerSecond((index) => {
      seen.push(index);
      const untilMs = performance.now() + 1;
      while (performance.now() < untilMs);
    }, 20);
    expect(seen).toEqual(seen.map((_, index) => index));
    expect(perSecond).toBeGreaterThan(0);
    expect(perSecond).toBeLessThanOrEqual(1_000);
    const contestants = ["a", "b"].map((name) => ({ name, run: (index: number) => index }));
    const raced = await race(contestants, { rounds: 2, sliceMs: 1 });
    expect([...raced].map(([name, figures]) => [name, figures.length])).toEqual([
      ["a", 2],
      ["b", 2],
    ]);
  });
});
