import { describe, expect, it } from "vitest";
import { checkLinearizable } from "./check-linearizable.ts";
import type { HistoryEvent } from "./history/event.ts";
import { historyOf, type History } from "./history/history.ts";
import type { Model } from "./model.ts";
import { casRegister } from "./models/cas-register.ts";
import { fencedMutex } from "./models/fenced-mutex.ts";
import { withLeaseExpiry } from "./models/lease-expiry.ts";
import { mutex } from "./models/mutex.ts";
import { permits } from "./models/permits.ts";
import { readWriteLock } from "./models/read-write-lock.ts";
import { register } from "./models/register.ts";
import { randomHistory } from "./random-history.fixture.ts";
import { hashKeys } from "./search/zobrist.ts";
import { registerWorkload } from "./workloads.fixture.ts";

/** `[process, f, call, return, result?, argument?, key?]`; a return of -1: unknown. */
type Line = readonly [string, string, number, number, unknown?, unknown?, string?];

function history(lines: readonly Line[]): History {
  const events = lines.flatMap(([p, f, call, end, result = null, argument = null, k], op) => {
    const about = { p, op, f, ...(k === undefined ? {} : { k }) };
    const begun = { t: call, type: "invoke", v: argument, ...about };
    return end < 0 ? [begun] : [begun, { t: end, type: "ok", v: result, ...about }];
  });
  return historyOf((events as HistoryEvent[]).toSorted((a, b) => a.t - b.t));
}

const verdictOf = <S>(lines: readonly Line[], model: Model<S>): string =>
  checkLinearizable(history(lines), model).verdict;

describe("a leased lock", () => {
  const A: Line = ["a", "acquire", 0, 5, 1];
  const leased = withLeaseExpiry(fencedMutex(), { ttlMs: 100, slackMs: 10 });

  it.each<[string, Line[], string]>([
    ["is handed over when the lease has ended", [A, ["b", "acquire", 60, 101, 2]], "ok"],
    ["may end sooner by the slack", [A, ["b", "acquire", 60, 91, 2]], "ok"],
    ["is not handed over before", [A, ["b", "acquire", 60, 89, 2]], "illegal"],
    [
      "counts from the last renewal",
      [A, ["a", "renew", 50, 52], ["b", "acquire", 60, 139, 2]],
      "illegal",
    ],
    [
      "ends after the last renewal",
      [A, ["a", "renew", 50, 52], ["b", "acquire", 60, 141, 2]],
      "ok",
    ],
    [
      "is not prolonged by an unknown renewal",
      [A, ["a", "renew", 50, -1], ["b", "acquire", 60, 101, 2]],
      "ok",
    ],
    [
      "is not prolonged by a refused one",
      [A, ["a", "renew", 95, 96, false], ["b", "acquire", 97, 101, 2]],
      "ok",
    ],
    ["never revives", [A, ["b", "acquire", 60, 120, 2], ["a", "renew", 130, 131]], "illegal"],
    [
      "was released: no expiry is left over",
      [A, ["a", "release", 6, 7], ["a", "acquire", 90, 92, 2], ["b", "acquire", 101, 102, 3]],
      "illegal",
    ],
    [
      "ends although its owner has it again",
      [
        A,
        ["a", "release", 6, -1],
        ["a2", "acquire", 150, 151, 2, "a"],
        ["b", "acquire", 160, 165, 3],
      ],
      "illegal",
    ],
    ["keeps its tokens growing over expiry", [A, ["b", "acquire", 150, 151, 1]], "illegal"],
  ])("%s", (_, lines, verdict) => {
    expect(verdictOf(lines, leased)).toBe(verdict);
  });

  it("needs a lock model", () => {
    expect(() => withLeaseExpiry(register() as never, { ttlMs: 1 })).toThrow("a lock model");
    expect(() => withLeaseExpiry(mutex(), { ttlMs: 0 })).toThrow("ttlMs must be");
  });
});

describe("locks", () => {
  it("find a release that lands late and frees the next hold of the same owner", () => {
    const lines: Line[] = [
      ["a", "acquire", 0, 1],
      ["a", "release", 2, -1],
      ["a2", "acquire", 3, 4, null, "a"], // So the release has happened.
      ["b", "acquire", 5, 6],
    ];
    expect(verdictOf(lines, mutex())).toBe("illegal");
    expect(verdictOf(lines.slice(0, 3), mutex())).toBe("ok");
  });

  it("judge refusals only where they are told to", () => {
    const lines: Line[] = [["a", "acquire", 0, 1, false]];
    expect(verdictOf(lines, mutex())).toBe("ok");
    expect(verdictOf(lines, mutex({ exactRefusals: true }))).toBe("illegal");
  });

  it("count weights, and let readers in together", () => {
    const read: Line[] = [
      ["a", "acquire", 0, 1, null, { mode: "read" }],
      ["b", "acquire", 2, 3, null, { mode: "read" }],
    ];
    expect(verdictOf(read, readWriteLock())).toBe("ok");
    const three: Line[] = [
      ["a", "acquire", 0, 1, null, { weight: 2 }],
      ["b", "acquire", 2, 3],
    ];
    expect(verdictOf(three, permits({ capacity: 3 }))).toBe("ok");
    expect(verdictOf(three, permits({ capacity: 2 }))).toBe("illegal");
  });
});

describe("a verdict", () => {
  it("of a bounded search is an honest unknown, naming the key", () => {
    const lines = Array.from({ length: 40 }, (_, n): Line => [
      `p${n}`,
      "write",
      0,
      99,
      null,
      n,
      "hard",
    ]);
    const read: Line[] = [["r", "read", 100, 101, -1, null, "hard"]];
    const hard = history([...lines, ...read]);
    const blunt: Model<unknown> = {
      name: "register without hints",
      initial: 0,
      step: register().step,
    };
    const verdict = checkLinearizable(hard, blunt, { budget: 5_000 });
    expect(verdict).toMatchObject({
      verdict: "unknown",
      undecided: ["hard"],
      operations: 41,
      keys: 1,
    });
    expect(verdict.steps).toBeGreaterThanOrEqual(5_000);
    expect(verdict.steps).toBeLessThan(5_100);
  });

  it("finds a cheap illegal key behind a hard one", () => {
    const lines = Array.from({ length: 40 }, (_, n): Line => [
      `p${n}`,
      "write",
      0,
      99,
      null,
      n,
      "hard",
    ]);
    const lies: Line[] = [
      ["q", "read", 100, 101, -1, null, "hard"],
      ["r", "read", 100, 101, 7, null, "easy"],
    ];
    const blunt: Model<unknown> = {
      name: "register without hints",
      initial: 0,
      step: register().step,
    };
    const verdict = checkLinearizable(history([...lines, ...lies]), blunt, { budget: 5_000 });
    expect(verdict).toMatchObject({ verdict: "illegal", explanation: { key: "easy" } });
  });

  it("of nothing is ok, and says that it was nothing", () => {
    expect(checkLinearizable(historyOf([]), register())).toEqual({
      verdict: "ok",
      operations: 0,
      keys: 0,
      steps: 0,
    });
  });

  it("takes all keys for one object where it is told to", () => {
    const lines: Line[] = [
      ["a", "write", 0, 1, null, 1, "x"],
      ["a", "read", 2, 3, null, null, "y"],
    ];
    expect(checkLinearizable(history(lines), register()).verdict).toBe("ok");
    expect(checkLinearizable(history(lines), register(), { perKey: false }).verdict).toBe(
      "illegal",
    );
  });

  it("explains itself to people", () => {
    const verdict = checkLinearizable(
      history([
        ["a", "write", 0, 2, null, 1, "x"],
        ["b", "cas", 3, 6, true, [1, 2], "x"],
        ["c", "read", 4, 9, 1, null, "x"],
        ["a", "read", 10, 12, 1, null, "x"],
        ["b", "read", 13, 14, 2, null, "x"],
      ]),
      casRegister(),
    );
    if (verdict.verdict !== "illegal") throw new Error(verdict.verdict);
    const { explanation } = verdict;
    expect(explanation).toMatchObject({ key: "x", state: "2" });
    expect(explanation.unplaced.map(({ op }) => op)).toEqual([3]);
    expect(explanation.linearized.map(({ op }) => op)).toEqual([0, 2, 1]);
    expect(explanation.text).toMatchInlineSnapshot(`
      "key "x": not linearizable as a compare-and-set register

      3 of 5 operations can be put in order. The last ones:
        write 1  a, operation 0, 0 to 2 ms
        read → 1  c, operation 2, 4 to 9 ms
        cas [1,2] → true  b, operation 1, 3 to 6 ms
      Then the state is: 2
      One of these must come next, and none can:
        read → 1  a, operation 3, 10 to 12 ms

        a  ├ write 1┤                         ├ read → 1┤
        b              ├ cas [1,2] → true┤
        c                ├ read → 1────────┤"
    `);
  });

  it("says which hint of a model does not hold", () => {
    const wrong: Model<unknown> = {
      ...(register() as Model<unknown>),
      hint: () => ({ kind: "observe" }),
    };
    expect(() => verdictOf([["a", "write", 0, 1, null, 1]], wrong)).toThrow('hint "observe"');
  });

  it("says which operation a model does not know", () => {
    expect(() => verdictOf([["a", "push", 0, 1, null, 1]], register())).toThrow(
      'the model "register" knows',
    );
    expect(() => verdictOf([["a", "cas", 0, 1, null, 1]], casRegister())).toThrow(
      "compare-and-set",
    );
    expect(() => verdictOf([["a", "acquire", 0, 1]], fencedMutex())).toThrow("fenced mutex");
  });

  it("tells values apart by what they are, not by the order of their keys", () => {
    const lines: Line[] = [
      ["a", "write", 0, 1, null, { x: 1, y: 2 }],
      ["b", "read", 2, 3, { y: 2, x: 1 }],
    ];
    expect(verdictOf(lines, register())).toBe("ok");
  });
});

describe("1,000 operations of 20 clients", () => {
  it.each([0, 0.02])("are decided, %s of them unknown", (unknown) => {
    for (let seed = 1; seed <= 5; seed++) {
      const next = hashKeys(seed);
      const dice = (): number => (next() >>> 0) / 2 ** 32;
      const world = registerWorkload(false, 5).world();
      const shape = { operations: 1_000, clients: 20, unknown };
      expect(
        checkLinearizable(randomHistory(dice, world, shape), register({ initial: 0 })).verdict,
      ).toBe("ok");
    }
  });
});
