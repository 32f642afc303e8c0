/**
 * What a pick costs: among ten endpoints, with its end, beside a walk through an array.
 */
import { systemRuntime } from "@quorate/core";
import { balance, type Balancer, createBalancer } from "@quorate/discovery";

import { type Contestant, effortOf, race, type Speeds, speedTable } from "../harness/micro.ts";
import type { Claim, Section } from "../harness/report.ts";
import type { Measure } from "../harness/run.ts";
import { medianRatio } from "../harness/statistics.ts";
import { figure } from "../harness/table.ts";
import { endpointsOf } from "./world.ts";

const ENDPOINTS = endpointsOf(10);
const KEYS = Array.from({ length: 1_024 }, (_, index) => `user:${index}`);
const BARE = "the next of an array";
const CLOCK = "a look at the clock";
const PEAK_EWMA = "peak-EWMA";
const TWO_CHOICES = "two choices";
const HASHED = "hashed";
const DEFAULT = "createBalancer()";

const KINDS: readonly (readonly [string, () => Balancer])[] = [
  ["round robin", () => balance.roundRobin()],
  ["smooth weighted", () => balance.smoothWeighted()],
  ["least outstanding", () => balance.leastOutstanding()],
  [TWO_CHOICES, () => balance.twoChoices()],
  [HASHED, () => balance.hashed()],
  [PEAK_EWMA, () => balance.peakEwma()],
  [DEFAULT, () => createBalancer()],
];

/** `pick()` alone, and with its `end()`. */
export const measurePicks: Measure = async ({ quick }): Promise<Section> => {
  // A slot of a hashed pick is kept until its end, so those are measured with it only.
  const unkeyed = KINDS.filter(([name]) => name !== HASHED);
  const picks = await race([...bare(), ...unkeyed.map(picking)], effortOf(quick));
  const cycles = await race([...bare(), ...KINDS.map(cycling)], effortOf(quick));
  return {
    title: "The cost of a pick",
    method:
      "Among 10 endpoints. Peak-EWMA looks at the clock once a pick and once an end. Medians of " +
      "interleaved rounds; ratios within a round.",
    tables: [speedTable("pick()", picks), speedTable("pick() and end()", cycles)],
    claims: [
      atMost("a pick of two choices", TWO_CHOICES, 2, picks),
      atMost("a pick of peak-EWMA, its look included", PEAK_EWMA, 3.5, picks),
      atMost("a pick and its end with the default, both looks included", DEFAULT, 7, cycles),
    ],
  };
};

function bare(): readonly Contestant[] {
  return [
    { name: BARE, run: (index) => ENDPOINTS[index % ENDPOINTS.length] },
    { name: CLOCK, run: () => systemRuntime.time.monotonicMs() },
  ];
}

/** Picks that never end: lines grow, and are compared all the same. */
function picking([name, make]: readonly [string, () => Balancer]): Contestant {
  const balancer = ready(make());
  return { name, run: () => balancer.pick() };
}

function cycling([name, make]: readonly [string, () => Balancer]): Contestant {
  const balancer = ready(make());
  return {
    name,
    run(index) {
      const pick = balancer.pick({ key: KEYS[index & 1_023] });
      pick?.end("ok");
      return pick;
    },
  };
}

function ready(balancer: Balancer): Balancer {
  balancer.update(ENDPOINTS);
  return balancer;
}

function atMost(name: string, kind: string, bar: number, speeds: Speeds): Claim {
  const ratio = medianRatio(speeds.get(CLOCK) ?? [], speeds.get(kind) ?? []);
  return {
    name,
    bar: `≤ ${bar} looks at the clock`,
    measured: `${figure(ratio)} looks`,
    held: ratio <= bar,
  };
}
