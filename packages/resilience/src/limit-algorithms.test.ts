import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { aimdLimit } from "./aimd.ts";
import { gradientLimit } from "./gradient.ts";
import type { LimitAlgorithm, LimitBounds } from "./limit-machine.ts";
import { LimitSimulation, type SimulatedServer } from "./limit-server.fixture.ts";
import { vegasLimit } from "./vegas.ts";

const ALGORITHMS = { gradient: gradientLimit(), vegas: vegasLimit(), aimd: aimdLimit() };
const NAMES = Object.keys(ALGORITHMS) as (keyof typeof ALGORITHMS)[];
const BOUNDS: LimitBounds = { initial: 20, min: 1, max: 1_000 };

function server(given: Partial<SimulatedServer>): SimulatedServer {
  return {
    seed: 1,
    workers: 30,
    serviceMs: 30,
    scatter: "uniform",
    maxQueued: Infinity,
    demand: Infinity,
    ...given,
  };
}

/** AIMD hears of overload by refusals only. */
function refusing(name: keyof typeof ALGORITHMS): number {
  return name === "aimd" ? 10 : Infinity;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN;
}

describe.each(NAMES)("%s", (name) => {
  const algorithm = ALGORITHMS[name];
  const knees = [4, 30, 100].flatMap((workers) =>
    [20, 200].flatMap((initial) =>
      (["none", "uniform", "exponential"] as const).map((scatter) => ({
        workers,
        initial,
        scatter,
      })),
    ),
  );

  it.each(knees)(
    "finds $workers workers from $initial, service times scattered $scatter, in 5,000 samples",
    ({ workers, initial, scatter }) => {
      const world = server({ workers, scatter, maxQueued: refusing(name) });
      const machine = algorithm.start({ ...BOUNDS, initial });
      const simulation = new LimitSimulation(world, machine);
      simulation.run(5_000);
      const { limits, rttMs } = simulation.run(10_000);
      expect(median(limits)).toBeGreaterThan(workers * (scatter === "exponential" ? 0.35 : 0.9));
      expect(median(limits)).toBeLessThan(workers * 1.7 + 10);
      expect(rttMs).toBeLessThan(30 * (1.8 + 10 / workers));
    },
  );

  it("follows when the capacity halves, and when it comes back", () => {
    const world = server({ workers: 60, maxQueued: refusing(name) });
    const simulation = new LimitSimulation(world, algorithm.start(BOUNDS));
    simulation.run(8_000);
    const full = median(simulation.run(4_000).limits);
    world.workers = 30;
    simulation.run(4_000);
    const half = median(simulation.run(4_000).limits);
    expect(half).toBeGreaterThan(25);
    expect(half).toBeLessThan(full * 0.7);
    world.workers = 60;
    simulation.run(8_000);
    const again = median(simulation.run(4_000).limits);
    expect(again).toBeGreaterThan(half * 1.4);
  });

  it("keeps its limit under a load that never lets up, however long", () => {
    const world = server({ workers: 10, maxQueued: refusing(name) });
    const simulation = new LimitSimulation(world, algorithm.start(BOUNDS));
    simulation.run(5_000);
    const early = median(simulation.run(5_000).limits);
    simulation.run(60_000);
    const late = median(simulation.run(5_000).limits);
    expect(Math.abs(late - early)).toBeLessThanOrEqual(4);
  });

  it("does not grow while less than half of it is used, and does not collapse", () => {
    const simulation = new LimitSimulation(server({ demand: 9 }), algorithm.start(BOUNDS));
    const { limits } = simulation.run(20_000);
    expect(new Set(limits)).toEqual(new Set([20]));
  });

  it("survives a long burst of refusals within a few steps, and comes back", () => {
    const machine = algorithm.start({ initial: 100, min: 1, max: 1_000 });
    for (let index = 0; index < 100; index++) {
      machine.sample({ rttMs: 1, inFlight: 100, dropped: true });
    }
    const after = machine.limit;
    expect(after).toBeLessThan(100);
    expect(after).toBeGreaterThanOrEqual(50);
    for (let index = 0; index < 5_000; index++) {
      machine.sample({ rttMs: 30, inFlight: machine.limit, dropped: false });
    }
    expect(machine.limit).toBeGreaterThan(after);
  });

  it("stays an integer within its bounds, for any samples", () => {
    const anyNumber = fc.oneof(
      fc.double(),
      fc.nat(2_000),
      fc.constantFrom(0, -0, -1, Number.NaN, Infinity, Number.MAX_VALUE, Number.MIN_VALUE),
    );
    const samples = fc.array(
      fc.record({ rttMs: anyNumber, inFlight: anyNumber, dropped: fc.boolean() }),
      { minLength: 50, maxLength: 400, size: "max" },
    );
    const bounds = fc
      .tuple(fc.integer({ min: 1, max: 50 }), fc.nat(50), fc.nat(1_000))
      .map(([min, more, most]) => ({ min, initial: min + more, max: min + more + most }));
    fc.assert(
      fc.property(bounds, samples, (given, all) => {
        const machine = algorithm.start(given);
        for (const sample of all) {
          machine.sample(sample);
          expect(Number.isInteger(machine.limit)).toBe(true);
          expect(machine.limit).toBeGreaterThanOrEqual(given.min);
          expect(machine.limit).toBeLessThanOrEqual(given.max);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("starts machines that share nothing", () => {
    const [one, other] = [algorithm.start(BOUNDS), algorithm.start(BOUNDS)];
    for (let index = 0; index < 500; index++) {
      one.sample({ rttMs: 1, inFlight: 20, dropped: true });
    }
    expect(one.limit).toBeLessThan(20);
    expect(other.limit).toBe(20);
  });

  it("refuses bounds that make no sense", () => {
    const bad: LimitBounds[] = [
      { initial: 1, min: 2, max: 3 },
      { initial: 4, min: 2, max: 3 },
      { initial: 2, min: 3, max: 2 },
      { initial: 2, min: 0, max: 2 },
      { initial: Number.NaN, min: 1, max: 2 },
      { initial: 1, min: 1, max: Infinity },
    ];
    for (const bounds of bad) {
      expect(() => algorithm.start(bounds)).toThrow(
        expect.objectContaining({ code: "INVALID_ARGUMENT" }),
      );
    }
  });
});

describe("gradientLimit", () => {
  it("shrinks by a quarter per window at most, whatever the window says", () => {
    const machine = gradientLimit().start({ initial: 100, min: 1, max: 1_000 });
    for (let index = 0; index < 100; index++) {
      machine.sample({ rttMs: 1, inFlight: 100, dropped: true });
    }
    expect(machine.limit).toBeGreaterThanOrEqual(75);
    expect(machine.limit).toBeLessThan(85);
  });
});

describe("a probe", () => {
  it.each(["gradient", "vegas"] as const)("does not go below min, and learns there: %s", (name) => {
    const machine = ALGORITHMS[name].start({ initial: 80, min: 40, max: 200 });
    const simulation = new LimitSimulation(server({ workers: 40 }), machine);
    const { limits } = simulation.run(20_000);
    expect(Math.min(...limits)).toBeGreaterThanOrEqual(40);
    expect(median(limits.slice(10_000))).toBeLessThan(80);
  });

  it.each(["gradient", "vegas"] as const)("is given up if the load stays: %s", (name) => {
    const machine = ALGORITHMS[name].start(BOUNDS);
    const limits = Array.from({ length: 20_000 }, () => {
      // Twenty places are held by work that has hung.
      machine.sample({ rttMs: 30, inFlight: 20 + machine.limit, dropped: false });
      return machine.limit;
    });
    expect(Math.max(...limits.slice(10_000))).toBeGreaterThan(100);
  });
});

describe("drops while the limit is hardly used", () => {
  it.each(NAMES)("never raise it: %s", (name) => {
    const machine = ALGORITHMS[name].start(BOUNDS);
    for (let index = 0; index < 500; index++) {
      machine.sample({ rttMs: 30, inFlight: 2, dropped: index % 25 === 0 });
      expect(machine.limit).toBeLessThanOrEqual(20);
    }
    expect(machine.limit).toBeLessThan(20);
  });
});

describe("aimdLimit", () => {
  const run = (options: Parameters<typeof aimdLimit>[0]) => {
    const machine = aimdLimit(options).start(BOUNDS);
    return {
      machine,
      sample: (rttMs: number, dropped = false) => {
        machine.sample({ rttMs, inFlight: machine.limit, dropped });
      },
    };
  };

  it("adds one for each round of calls that end well", () => {
    const { machine, sample } = run({});
    for (let index = 0; index < 19; index++) sample(1);
    expect(machine.limit).toBe(20);
    sample(1);
    expect(machine.limit).toBe(21);
  });

  it("takes a tenth away, once per round however many are dropped", () => {
    const { machine, sample } = run({});
    for (let index = 0; index < 20; index++) sample(1, true);
    expect(machine.limit).toBe(18);
    sample(1, true);
    expect(machine.limit).toBe(18);
    sample(1, true);
    expect(machine.limit).toBe(16);
  });

  it("takes a call slower than slowMs for a dropped one", () => {
    const { machine, sample } = run({ slowMs: 100, backoffRatio: 0.5 });
    sample(100);
    expect(machine.limit).toBe(20);
    sample(101);
    expect(machine.limit).toBe(10);
  });
});

describe("options of algorithms", () => {
  it.each<[string, () => LimitAlgorithm]>([
    ["tolerance", () => gradientLimit({ tolerance: 0.9 })],
    ["tolerance", () => gradientLimit({ tolerance: Number.NaN })],
    ["backoffRatio", () => aimdLimit({ backoffRatio: 1 })],
    ["slowMs", () => aimdLimit({ slowMs: 0 })],
  ])("refuses a wrong %s", (option, make) => {
    expect(make).toThrow(
      expect.objectContaining({
        code: "INVALID_ARGUMENT",
        details: expect.objectContaining({ option }),
      }),
    );
  });

  it("tolerates more latency when told to", () => {
    const limitAt = (tolerance: number): number => {
      const machine = gradientLimit({ tolerance }).start(BOUNDS);
      const simulation = new LimitSimulation(server({}), machine);
      simulation.run(5_000);
      return median(simulation.run(5_000).limits);
    };
    expect(limitAt(3)).toBeGreaterThan(limitAt(1.2) * 1.5);
  });
});
