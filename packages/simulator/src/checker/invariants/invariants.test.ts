import { describe, expect, it } from "vitest";
import { historyOf, type History } from "../history/history.ts";
import type { HistoryEvent } from "../history/event.ts";
import { checkEffects, type EffectPromise } from "./effects.ts";
import { checkHolds } from "./holds.ts";
import { checkLeaders } from "./leaders.ts";
import type { InvariantReport } from "./report.ts";
import { checkSagas, type SagaEffect } from "./sagas.ts";
import { checkTicks } from "./ticks.ts";
import { checkFencedWrites, checkTokens } from "./tokens.ts";
import { checkWatch } from "./watch.ts";

/** `[process, f, call, return, result?, argument?]`; a return of -1: unknown. */
type Line = readonly [string, string, number, number, unknown?, unknown?];

function history(lines: readonly Line[]): History {
  const events = lines.flatMap(([p, f, call, end, result = null, argument = null], op) => {
    const begun = { t: call, p, op, type: "invoke", f, k: "L", v: argument };
    if (end < 0) return [begun];
    return [begun, { t: end, p, op, type: "ok", f, v: result }];
  });
  return historyOf((events as HistoryEvent[]).toSorted((a, b) => a.t - b.t));
}

const messages = ({ violations }: InvariantReport): string[] =>
  violations.map(({ message }) => message);

describe("holds", () => {
  const A: Line = ["a", "acquire", 0, 2];

  it.each<[string, Line[], object, number]>([
    ["one after the other", [A, ["a", "release", 5, 9], ["b", "acquire", 3, 6]], {}, 0],
    ["two at once", [A, ["a", "release", 8, 9], ["b", "acquire", 3, 6]], {}, 1],
    ["a holder that never gave back", [A, ["b", "acquire", 300, 600]], {}, 1],
    ["a lease that was over", [A, ["b", "acquire", 90, 101]], { ttlMs: 100 }, 0],
    ["a lease that was not over", [A, ["b", "acquire", 90, 99]], { ttlMs: 100 }, 1],
    ["a lease within the slack", [A, ["b", "acquire", 90, 99]], { ttlMs: 100, slackMs: 2 }, 0],
    ["a renewed lease", [A, ["a", "renew", 50, 51], ["b", "acquire", 90, 120]], { ttlMs: 100 }, 1],
    [
      "a renewal refused",
      [A, ["a", "renew", 50, 51, false], ["b", "acquire", 90, 120]],
      { ttlMs: 100 },
      0,
    ],
    ["two of two permits", [A, ["b", "acquire", 3, 6]], { capacity: 2 }, 0],
    ["three of two permits", [A, ["b", "acquire", 3, 6, null, { weight: 2 }]], { capacity: 2 }, 1],
    [
      "a reader and a writer",
      [A, ["b", "acquire", 3, 6, null, { mode: "write" }]],
      { capacity: 9 },
      1,
    ],
    ["a refusal", [A, ["b", "acquire", 3, 6, false]], {}, 0],
    ["a release that nobody answered", [A, ["a", "release", 4, -1], ["b", "acquire", 5, 6]], {}, 0],
  ])("%s", (_, lines, options, violations) => {
    expect(checkHolds(history(lines), options).violationCount).toBe(violations);
  });

  it("keeps the first hundred violations and counts all", () => {
    const lines = Array.from({ length: 151 }, (_, n): Line => [`p${n}`, "acquire", n, n + 0.5]);
    const report = checkHolds(history(lines));
    expect(report).toMatchObject({ ok: false, checked: 151, violationCount: 150 });
    expect(report.violations).toHaveLength(100);
  });
});

describe("tokens", () => {
  it("grow in real time; grants that overlap may come in either order", () => {
    const fine = history([
      ["a", "acquire", 0, 9, 8],
      ["b", "acquire", 1, 8, 7],
      ["c", "acquire", 10, 11, 9],
    ]);
    expect(checkTokens(fine)).toMatchObject({ ok: true, checked: 3 });
    const back = history([
      ["a", "acquire", 0, 1, 8],
      ["b", "acquire", 2, 3, 7],
    ]);
    expect(messages(checkTokens(back))).toEqual(["b got token 7 after 8 had been granted"]);
    const twice = history([
      ["a", "acquire", 0, 9, 8],
      ["b", "acquire", 1, 8, 8],
    ]);
    expect(messages(checkTokens(twice))).toEqual(["a and b both got token 8"]);
  });

  it("of accepted writes never go back; refused writes do not count", () => {
    const write = (p: string, at: number, token: number, result: unknown): Line => [
      p,
      "write",
      at,
      at + 1,
      result,
      { token },
    ];
    const fine = history([write("a", 0, 8, true), write("b", 2, 7, false), write("a", 4, 8, true)]);
    expect(checkFencedWrites(fine)).toMatchObject({ ok: true, checked: 2 });
    const stale = history([write("a", 0, 8, true), write("b", 2, 7, true)]);
    expect(messages(checkFencedWrites(stale))).toEqual(["b wrote with token 7 after one with 8"]);
  });
});

describe("effects", () => {
  it.each<[EffectPromise, "ok" | "none" | "unknown", number, boolean]>([
    ["effectively once", "ok", 1, true],
    ["effectively once", "ok", 0, false],
    ["effectively once", "ok", 2, false],
    ["effectively once", "unknown", 0, true],
    ["effectively once", "unknown", 1, true],
    ["effectively once", "unknown", 2, false],
    ["effectively once", "none", 0, true],
    ["effectively once", "none", 1, false],
    ["at most once", "ok", 2, false],
    ["at least once", "ok", 2, true],
    ["at least once", "ok", 0, false],
  ])("%s: told %s, happened %i times: %s", (promise, outcome, times, ok) => {
    const effects = Array.from({ length: times }, () => "k");
    expect(checkEffects({ requests: [{ key: "k", outcome }], effects, promise }).ok).toBe(ok);
  });

  it("nobody asked for are found; of several answers the best counts", () => {
    const requests = [
      { key: "k", outcome: "none" },
      { key: "k", outcome: "unknown" },
    ] as const;
    const promise = "effectively once";
    expect(checkEffects({ requests, effects: ["k"], promise }).ok).toBe(true);
    expect(checkEffects({ requests, effects: ["x"], promise }).violations[0]?.key).toBe("x");
  });
});

describe("leaders", () => {
  it.each([
    [
      "one a term",
      [
        [1, "a", 0],
        [2, "b", 5],
      ],
      0,
    ],
    [
      "told twice",
      [
        [1, "a", 0],
        [1, "a", 5],
      ],
      0,
    ],
    [
      "two in a term",
      [
        [1, "a", 0],
        [1, "b", 5],
      ],
      1,
    ],
    [
      "a term that goes back",
      [
        [2, "a", 0],
        [1, "b", 5],
      ],
      1,
    ],
    [
      "at the same time in any order",
      [
        [2, "a", 5],
        [1, "b", 5],
      ],
      0,
    ],
  ] as const)("%s", (_, rows, count) => {
    const leaderships = rows.map(([term, leader, fromMs]) => ({ term, leader, fromMs }));
    expect(checkLeaders(leaderships).violationCount).toBe(count);
  });
});

describe("sagas", () => {
  const effects = (text: string): SagaEffect[] =>
    text === ""
      ? []
      : text.split(" ").map((word) => {
          const kind = word.startsWith("-") ? "compensation" : "action";
          return { kind, step: word.replace("-", "") };
        });

  it.each([
    ["1 2 3", "completed", undefined],
    ["1 2", "completed", "was said to be completed without 3"],
    ["1 1 2 3", "completed", "1 acted twice or out of order"],
    ["1 3", "open", "3 acted twice or out of order"],
    ["1 2 -2 -1", "compensated", undefined],
    ["1 2 -3 -2 -1", "compensated", undefined],
    ["", "compensated", undefined],
    ["1 2 -1 -2", "compensated", "1 was undone twice, out of order, or for nothing"],
    ["1 2 -2 -2 -1", "compensated", "2 was undone twice, out of order, or for nothing"],
    ["1 2 -2", "compensated", "1 was never undone"],
    ["1 2 -2 3", "compensated", "3 acted after the first compensation"],
    ["1 2 3 -3", "completed", "was said to be completed and was undone"],
    ["1 2", "open", "has no end"],
  ] as const)("%s, %s: %s", (text, outcome, problem) => {
    const saga = { key: "s", steps: ["1", "2", "3"], effects: effects(text), outcome };
    expect(messages(checkSagas([saga]))).toEqual(problem === undefined ? [] : [problem]);
    if (problem === "has no end") expect(checkSagas([saga], { allowOpen: true }).ok).toBe(true);
  });
});

describe("ticks", () => {
  it.each([
    [[1, 2], [1, 2], [], []],
    [[1, 2], [1], [2], []],
    [[1, 2], [1], [], ["tick 2 was lost in silence"]],
    [[1], [1, 1], [], ["tick 1 ran 2 times"]],
    [[1], [1], [1], ["tick 1 ran and is called missed"]],
    [[], [1], [], ["tick 1 was never scheduled"]],
    [[], [], [1], ["tick 1 was never scheduled"]],
  ])("%j scheduled, %j ran, %j missed: %j", (scheduled, ran, missed, expected) => {
    expect(messages(checkTicks({ scheduled, ran, missed }))).toEqual(expected);
  });
});

describe("a watch", () => {
  const at = (revision: number): { key: string; revision: number } => ({ key: "x", revision });

  it.each([
    ["all in order", [1, 2, 3], {}, 0],
    ["the last only", [3], {}, 0],
    ["without the last", [1, 2], {}, 1],
    ["without the last, not yet complete", [1, 2], { complete: false }, 0],
    ["skipping, where it must not", [1, 3], { coalesced: false }, 1],
    ["going back", [2, 1, 3], {}, 1],
    ["the same twice", [3, 3], {}, 1],
    ["something never written", [9, 3], {}, 1],
  ])("delivers %s", (_, seen, options, count) => {
    const written = [3, 1, 2].map(at);
    expect(checkWatch({ written, seen: seen.map(at), ...options }).violationCount).toBe(count);
  });
});

describe("a long history", () => {
  it("of 200,000 lock operations is judged in well under a second", () => {
    const lines: HistoryEvent[] = [];
    for (let turn = 0; turn < 100_000; turn++) {
      const [p, k] = [`c${turn % 20}`, `L${turn % 10}`];
      const about = { p, k };
      const t = turn * 4;
      lines.push({ ...about, t, op: 2 * turn, type: "invoke", f: "acquire" });
      lines.push({ ...about, t: t + 1, op: 2 * turn, type: "ok", f: "acquire", v: turn + 1 });
      lines.push({ ...about, t: t + 2, op: 2 * turn + 1, type: "invoke", f: "release" });
      lines.push({ ...about, t: t + 3, op: 2 * turn + 1, type: "ok", f: "release" });
    }
    const long = historyOf(lines);
    const start = process.cpuUsage();
    expect(checkHolds(long)).toMatchObject({ ok: true, checked: 100_000 });
    expect(checkTokens(long)).toMatchObject({ ok: true, checked: 100_000 });
    // Processor time, and three times the promise: the machine of a test is not a quiet one.
    expect(process.cpuUsage(start).user / 1_000).toBeLessThan(3_000);
  });
});
