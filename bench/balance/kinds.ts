/**
 * The balancers that are compared: all of ours, and two mistakes that others have made.
 */
import type { Runtime } from "@quorate/core";
import {
  balance,
  type Balancer,
  createBalancer,
  ejecting,
  type Endpoint,
} from "@quorate/discovery";

/** Makes a balancer for one client. */
export type Make = (runtime: Runtime) => Balancer;

export const DEFAULT = "createBalancer(), the default";
export const ROUND_ROBIN = "round robin";

/** By name, the default last. */
export const KINDS: readonly (readonly [string, Make])[] = [
  [ROUND_ROBIN, (runtime) => balance.roundRobin({ runtime })],
  ["smooth weighted", (runtime) => balance.smoothWeighted({ runtime })],
  ["least outstanding", (runtime) => balance.leastOutstanding({ runtime })],
  ["mistake: least, ties to the first", () => firstOfLeast()],
  ["two choices", (runtime) => balance.twoChoices({ runtime })],
  ["two choices, ejecting", (runtime) => ejecting(balance.twoChoices({ runtime }), { runtime })],
  ["mistake: peak-EWMA, faults as answers", (runtime) => faultsAsAnswers(runtime)],
  ["peak-EWMA", (runtime) => balance.peakEwma({ runtime })],
  [DEFAULT, (runtime) => createBalancer({ runtime })],
];

/** As many balancers are written: the first of those with the fewest calls under way. */
function firstOfLeast(): Balancer {
  let seats: { endpoint: Endpoint; outstanding: number }[] = [];
  return {
    name: "first-of-least",
    update: (endpoints) => {
      seats = endpoints.map((endpoint) => ({ endpoint, outstanding: 0 }));
    },
    pick: () => {
      const [first, ...others] = seats;
      if (first === undefined) return undefined;
      const least = others.reduce((best, seat) => {
        return seat.outstanding < best.outstanding ? seat : best;
      }, first);
      least.outstanding += 1;
      return { endpoint: least.endpoint, end: () => void (least.outstanding -= 1) };
    },
    standings: () => [],
  };
}

/** Latency alone: a fault is an answer that came soon. */
function faultsAsAnswers(runtime: Runtime): Balancer {
  const inner = balance.peakEwma({ runtime });
  return {
    name: "latency-only",
    update: (endpoints) => inner.update(endpoints),
    pick: (request) => {
      const pick = inner.pick(request);
      return pick && { endpoint: pick.endpoint, end: () => pick.end("ok") };
    },
    standings: () => inner.standings(),
  };
}
