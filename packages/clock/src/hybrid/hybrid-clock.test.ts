import { isQuorateError } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HybridClock, type HybridClockOptions } from "./hybrid-clock.ts";
import { compareHybrid, type HybridTimestamp, MAX_COUNTER, MAX_TIME_MS } from "./timestamp.ts";

const YEAR_MS = 365 * 86_400_000;

/** A clock whose wall says what `wall.ms` says. */
function clockAt(ms: number, options: Partial<HybridClockOptions> = {}) {
  const wall = { ms };
  const runtime = { time: { wallMs: () => wall.ms } };
  return { wall, clock: new HybridClock({ node: "n", runtime, ...options }) };
}

const stamp = (timeMs: number, counter: number, node = "r"): HybridTimestamp => ({
  timeMs,
  counter,
  node,
});

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return isQuorateError(error) ? error.code : String(error);
  }
  return "none";
}

describe("CockroachDB's table", () => {
  // pkg/util/hlc/hlc_test.go, TestHLCClock, at 0a0ec262f057. There a receive is Now, Update, Now;
  // our receive is the last two.
  const table: readonly [wall: number, input: [number, number] | undefined, number, number][] = [
    [5, undefined, 5, 0],
    [6, undefined, 6, 0],
    [10, [10, 5], 10, 6],
    [7, undefined, 10, 7], // Our clock jumps back.
    [8, [10, 4], 10, 9], // Equal times, our counter wins.
    [10, [10, 99], 10, 100], // Equal times, theirs wins.
    [11, [10, 31], 11, 1], // The wall has caught up.
    [11, undefined, 11, 2],
  ];

  it("holds line by line", () => {
    const { clock, wall } = clockAt(1, { maxDriftMs: 1_000 });
    for (const [ms, input, timeMs, counter] of table) {
      wall.ms = ms;
      const before = clock.now();
      const after = input === undefined ? before : clock.receive(stamp(...input));
      expect(after).toEqual({ timeMs, counter, node: "n" });
    }
  });

  it("counts a step back above a tenth of the drift only (TestHLCMonotonicityCheck)", () => {
    const { clock, wall } = clockAt(100_000, { maxDriftMs: 100 });
    clock.now();
    wall.ms -= 110;
    clock.now();
    expect(clock.stats.backwardJumps).toBe(1);
    wall.ms -= 10;
    clock.now();
    expect(clock.stats.backwardJumps).toBe(1);
  });

  it("trusts 499 ms and not 1 s (TestClock_UpdateAndCheckMaxOffset_UntrustworthyValue)", () => {
    const { clock } = clockAt(946_684_800_000);
    expect(codeOf(() => clock.receive(stamp(946_684_800_499, 0)))).toBe("none");
    expect(codeOf(() => clock.receive(stamp(946_684_801_000, 0)))).toBe("CLOCK_DRIFT");
  });
});

describe("the paper's four cases of a receive", () => {
  it.each([
    ["all three times equal: the larger counter plus one", 100, [100, 7], [100, 3], [100, 8]],
    ["all three equal, the other way round", 100, [100, 3], [100, 7], [100, 8]],
    ["ours is largest: our counter plus one", 90, [100, 7], [95, 50], [100, 8]],
    ["theirs is largest: their counter plus one", 90, [95, 50], [100, 7], [100, 8]],
    ["the wall is largest: zero", 101, [100, 7], [99, 9], [101, 0]],
    ["the wall equals theirs: their counter is consumed", 100, [95, 50], [100, 7], [100, 8]],
  ] as const)("%s", (_, wallMs, ours, theirs, expected) => {
    const { clock, wall } = clockAt(ours[0] - 1);
    clock.receive(stamp(ours[0], ours[1] - 1));
    expect([clock.timeMs, clock.receive(stamp(0, 0)).counter]).toEqual([ours[0], ours[1] + 1]);
    const fresh = clockAt(ours[0] - 1);
    fresh.clock.receive(stamp(ours[0], ours[1] - 1));
    fresh.wall.ms = wallMs;
    wall.ms = wallMs;
    const { timeMs, counter } = fresh.clock.receive(stamp(theirs[0], theirs[1]));
    expect([timeMs, counter]).toEqual(expected);
  });
});

describe("a wall clock that misbehaves", () => {
  it("frozen for a million events: strictly increasing, never a throw", () => {
    const { clock } = clockAt(1_000_000);
    let last = clock.now();
    let inversions = 0;
    for (let event = 0; event < 1_000_000; event++) {
      const next = clock.now();
      if (compareHybrid(last, next) >= 0) inversions += 1;
      last = next;
    }
    expect(inversions).toBe(0);
    // 1 000 001 events of 65 536 each: 15 milliseconds were borrowed.
    expect(last).toEqual({ timeMs: 1_000_015, counter: 16_960, node: "n" });
    expect(clock.stats.overflows).toBe(15);
    expect(clock.aheadMs).toBe(15);
  });

  it("set back an hour, or a year ahead and back: strictly increasing, never a throw", () => {
    const { clock, wall } = clockAt(1_000_000_000);
    const moves = [0, -3_600_000, 1, 0, YEAR_MS, -YEAR_MS, 5, Number.NaN, 0];
    let last = clock.now();
    for (const move of moves) {
      wall.ms = Number.isNaN(move) ? Number.NaN : (Number.isNaN(wall.ms) ? 1_000 : wall.ms) + move;
      for (let event = 0; event < 100; event++) {
        const next = clock.now();
        expect(compareHybrid(last, next)).toBe(-1);
        last = next;
      }
    }
    expect(clock.stats.backwardJumps).toBe(2);
  });

  it.each([[-5], [Number.NaN], [Number.NEGATIVE_INFINITY]])(
    "at %s from the start: begins at zero and counts",
    (ms) => {
      const { clock } = clockAt(ms);
      expect([clock.now(), clock.now()]).toEqual([stamp(0, 0, "n"), stamp(0, 1, "n")]);
    },
  );

  it("with fractions: whole milliseconds", () => {
    const { clock, wall } = clockAt(10.9);
    expect(clock.now()).toEqual(stamp(10, 0, "n"));
    wall.ms = 10.95;
    expect(clock.now()).toEqual(stamp(10, 1, "n"));
    wall.ms = 11;
    expect(clock.now()).toEqual(stamp(11, 0, "n"));
  });

  it("at the end of time: says so, and changes nothing", () => {
    const { clock } = clockAt(Number.POSITIVE_INFINITY);
    expect(clock.now().timeMs).toBe(MAX_TIME_MS);
    for (let event = 0; event < MAX_COUNTER; event++) clock.now();
    expect(codeOf(() => clock.now())).toBe("TOO_LARGE");
    expect(codeOf(() => clock.now())).toBe("TOO_LARGE");
  });
});

describe("trust in remote timestamps", () => {
  it("accepts maxDriftMs exactly, refuses one more, and changes nothing then", () => {
    const { clock } = clockAt(1_000, { maxDriftMs: 500 });
    const before = clock.now();
    expect(codeOf(() => clock.receive(stamp(1_501, 0)))).toBe("CLOCK_DRIFT");
    expect(clock.timeMs).toBe(1_000);
    expect(clock.now()).toEqual({ ...before, counter: before.counter + 1 });
    expect(clock.receive(stamp(1_500, 9))).toEqual(stamp(1_500, 10, "n"));
    expect(clock.stats.refused).toBe(1);
  });

  it("refuses a poisoned timestamp of next year, with the facts in the details", () => {
    const { clock } = clockAt(1_000);
    try {
      clock.receive(stamp(1_000 + YEAR_MS, 0, "mallory"));
      expect.unreachable();
    } catch (error) {
      if (!isQuorateError(error, "CLOCK_DRIFT")) throw error;
      expect(error.effect).toBe("none");
      expect(error.details).toEqual({ node: "mallory", aheadMs: YEAR_MS, maxDriftMs: 500 });
    }
    expect(clock.timeMs).toBe(0);
  });

  it("accepts the far past", () => {
    const { clock } = clockAt(1_000_000);
    expect(clock.receive(stamp(0, MAX_COUNTER))).toEqual(stamp(1_000_000, 0, "n"));
  });

  it("goes on taking what it has passed when its own wall clock is set back", () => {
    const { clock, wall } = clockAt(10_000_000);
    clock.now();
    wall.ms -= 3_600_000;
    expect(clock.receive(stamp(9_999_999, 3)).timeMs).toBe(10_000_000);
    expect(codeOf(() => clock.receive(stamp(10_000_001, 0)))).toBe("CLOCK_DRIFT");
  });

  it("cannot be crept ahead: no series of remote timestamps lifts it further", () => {
    const { clock } = clockAt(1_000, { maxDriftMs: 500 });
    for (let message = 0; message < 10_000; message++) {
      codeOf(() => clock.receive(stamp(clock.timeMs + 1, MAX_COUNTER)));
      codeOf(() => clock.receive(stamp(clock.timeMs, MAX_COUNTER)));
    }
    expect(clock.timeMs).toBeLessThanOrEqual(1_501);
  });

  it("refuses everything new while the wall clock is not a number", () => {
    const { clock } = clockAt(Number.NaN);
    expect(codeOf(() => clock.receive(stamp(5, 0)))).toBe("CLOCK_DRIFT");
  });

  it.each([
    [undefined],
    [null],
    [{}],
    [stamp(-1, 0)],
    [stamp(1.5, 0)],
    [stamp(MAX_TIME_MS + 1, 0)],
    [stamp(1, -1)],
    [stamp(1, MAX_COUNTER + 1)],
    [stamp(1, 0, "")],
    [stamp(1, 0, "\ud800")],
    [{ timeMs: "1", counter: 0, node: "r" }],
  ])("refuses %j as no timestamp, and changes nothing", (remote) => {
    const { clock } = clockAt(7);
    expect(codeOf(() => clock.receive(remote as HybridTimestamp))).toBe("INVALID_ARGUMENT");
    expect(clock.now()).toEqual(stamp(7, 0, "n"));
  });
});

describe("counter overflow", () => {
  it("carries into the next millisecond on now and on receive", () => {
    const { clock } = clockAt(50);
    expect(clock.receive(stamp(50, MAX_COUNTER))).toEqual(stamp(51, 0, "n"));
    expect(clock.receive(stamp(60, MAX_COUNTER - 1))).toEqual(stamp(60, MAX_COUNTER, "n"));
    expect(clock.now()).toEqual(stamp(61, 0, "n"));
    expect(clock.aheadMs).toBe(11);
  });
});

describe("what observers are told", () => {
  it("a step back, and once that the clock is ahead, until the wall has caught up", async () => {
    const runtime = new ScriptedRuntime();
    const clock = new HybridClock({ node: "n", runtime });
    clock.now();
    runtime.stepWallClock(-10_000);
    clock.now();
    clock.now();
    const kinds = () =>
      runtime.recorded.map(({ name, event }) => [name, (event as { kind: string }).kind]);
    expect(kinds()).toEqual([
      ["clock", "wall-stepped-back"],
      ["clock", "clock-ahead"],
    ]);
    expect(runtime.recorded[0]?.event).toMatchObject({ node: "n", byMs: 10_000 });
    expect(clock.isTrusted).toBe(false);
    await runtime.advance(10_001);
    clock.now();
    expect(clock.isTrusted).toBe(true);
    runtime.stepWallClock(-600);
    clock.now();
    expect(kinds().slice(2)).toEqual([
      ["clock", "wall-stepped-back"],
      ["clock", "clock-ahead"],
    ]);
  });

  it("a refusal, and that somebody else uses the id", () => {
    const runtime = new ScriptedRuntime({ wallMs: 1_000 });
    const clock = new HybridClock({ node: "n", runtime });
    const own = clock.now();
    clock.receive(own); // An echo of our own is no news.
    expect(runtime.recorded).toEqual([]);
    clock.receive({ ...own, counter: 40 });
    codeOf(() => clock.receive(stamp(9_999, 0)));
    expect(runtime.recorded.map(({ event }) => event)).toEqual([
      { kind: "node-id-shared", node: "n" },
      { kind: "drift-refused", node: "n", from: "r", aheadMs: 8_999 },
    ]);
  });
});

describe("bad options", () => {
  it.each([
    [{ node: "" }],
    [{ node: "n", maxDriftMs: -1 }],
    [{ node: "n", maxDriftMs: Number.NaN }],
    [{ node: "n", startAfterMs: -1 }],
    [{ node: "n", ceilingMs: 2 ** 48 }],
    [{ node: "n", maxdrift: 5 }],
  ])("%j are refused", (options) => {
    expect(codeOf(() => new HybridClock(options as HybridClockOptions))).toBe("INVALID_ARGUMENT");
  });
});

describe("the floor and the ceiling", () => {
  it("starts above the bound of an earlier life though the wall is behind it", () => {
    const { clock } = clockAt(1_000, { startAfterMs: 9_000 });
    expect(clock.now()).toEqual(stamp(9_001, 0, "n"));
    const ahead = clockAt(20_000, { startAfterMs: 9_000 });
    expect(ahead.clock.now()).toEqual(stamp(20_000, 0, "n"));
  });

  it("issues nothing above the ceiling, by whatever path, until it is raised", () => {
    const { clock, wall } = clockAt(1_000, { ceilingMs: 1_000 });
    expect(clock.now().timeMs).toBe(1_000);
    wall.ms = 1_001;
    expect(codeOf(() => clock.now())).toBe("STORE_UNAVAILABLE");
    expect(codeOf(() => clock.receive(stamp(900, 0)))).toBe("STORE_UNAVAILABLE");
    wall.ms = 1_000;
    expect(codeOf(() => clock.receive(stamp(1_001, 0)))).toBe("STORE_UNAVAILABLE");
    expect(codeOf(() => clock.receive(stamp(1_000, MAX_COUNTER)))).toBe("STORE_UNAVAILABLE");
    expect(clock.now()).toEqual(stamp(1_000, 1, "n"));
    clock.raiseCeiling(1_001);
    clock.raiseCeiling(5); // Lower: ignored.
    expect(clock.receive(stamp(1_001, 0))).toEqual(stamp(1_001, 1, "n"));
  });
});

describe("random histories of five nodes", () => {
  it("never contradict cause and effect, whatever the walls do", () => {
    const step = fc.record({
      node: fc.nat(4),
      from: fc.nat(200),
      kind: fc.constantFrom("event", "receive", "wall"),
      byMs: fc.integer({ min: -2_000, max: 2_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const nodes = Array.from({ length: 5 }, (_, index) =>
          clockAt(10_000, { node: `${index}` }),
        );
        const latest: (number | undefined)[] = [];
        const events: { at: HybridTimestamp; causes: number[] }[] = [];
        for (const { node, from, kind, byMs } of steps) {
          const { clock, wall } = nodes[node] ?? clockAt(0);
          if (kind === "wall") {
            wall.ms += byMs;
            continue;
          }
          const cause = kind === "receive" ? events[from % (events.length + 1)] : undefined;
          let at: HybridTimestamp;
          try {
            at = cause === undefined ? clock.now() : clock.receive(cause.at);
          } catch (error) {
            if (!isQuorateError(error, "CLOCK_DRIFT")) throw error;
            continue;
          }
          const causes = [latest[node], cause && events.indexOf(cause)];
          latest[node] = events.length;
          events.push({ at, causes: causes.filter((index) => index !== undefined) });
        }
        for (const { at, causes } of events) {
          for (const cause of causes) expect(compareHybrid(events[cause]?.at ?? at, at)).toBe(-1);
        }
      }),
      { numRuns: 300 },
    );
  });
});
