/**
 * Kinds of balancers, as values.
 *
 * | | sends to | for |
 * |---|---|---|
 * | `peakEwma` | the sooner done of two | everything else; the default |
 * | `twoChoices` | the less outstanding of two | calls that take a second or more each |
 * | `leastOutstanding` | the least outstanding of all | up to some hundred endpoints |
 * | `smoothWeighted` | each by its weight, in turn | exact shares |
 * | `roundRobin` | each in turn | tests; nothing to measure |
 * | `hashed` | the owner of the key, within a bound | caches, sessions, shards |
 *
 * A balancer keeps measures of its own: one for each service and caller, never shared.
 */
import { invalidArgument, knownOptions, type Runtime, systemRuntime } from "@quorate/core";

import type { Balancer } from "../balancer.ts";
import { leastOutstanding, twoChoices } from "./by-outstanding.ts";
import { hashed, type Unkeyed } from "./hashed.ts";
import { roundRobin, smoothWeighted } from "./in-turn.ts";
import { peakEwma, type PeakEwmaMemory } from "./peak-ewma.ts";
import { type Chooser, SeatedBalancer } from "./seated.ts";

/** Options of every kind. */
export interface BalanceOptions {
  /** Where time and chance come from. @default systemRuntime */
  readonly runtime?: Runtime | undefined;
}

/** Options of `balance.peakEwma`. */
export interface PeakEwmaOptions extends BalanceOptions, PeakEwmaMemory {}

/** Options of `balance.hashed`. */
export interface HashedOptions extends BalanceOptions {
  /**
   * Most calls under way to one endpoint, as a multiple of its part; above 1, at most 1000. Near 1
   * is even and sends many keys elsewhere. @default 1.25
   */
  readonly factor?: number | undefined;
  /** A pick without a key: INVALID_ARGUMENT, or to anybody within the bound. @default "refuse" */
  readonly unkeyed?: Unkeyed | undefined;
}

/** The kinds of balancers. */
export interface BalanceKinds {
  /** Of two drawn by weight the one that is expected to be done sooner; faults cost time. */
  peakEwma(options?: PeakEwmaOptions): Balancer;
  /** Of two drawn by weight the one with less outstanding. Failing at once is not punished. */
  twoChoices(options?: BalanceOptions): Balancer;
  /** The one with the least outstanding; looks at all, so for some hundred endpoints. */
  leastOutstanding(options?: BalanceOptions): Balancer;
  /** Each in turn, weights or not. */
  roundRobin(options?: BalanceOptions): Balancer;
  /** Each in proportion to its weight, evenly in time, from the heaviest on; looks at all. */
  smoothWeighted(options?: BalanceOptions): Balancer;
  /** By `request.key` on a hash ring, with a bound on each endpoint's load. */
  hashed(options?: HashedOptions): Balancer;
}

/**
 * Balancers by kind. Each throws INVALID_ARGUMENT for a bad option.
 *
 * @example
 * import { balance } from "@quorate/discovery";
 * const balancer = balance.hashed({ factor: 1.5 });
 * balancer.pick({ key: "user:42" }); // => undefined: it has not been told of any endpoint
 */
export const balance: BalanceKinds = {
  peakEwma({ runtime = systemRuntime, ...memory } = {}) {
    return seated(runtime, peakEwma(runtime.random, memory));
  },
  twoChoices(options = {}) {
    const runtime = plain("balance.twoChoices", options);
    return seated(runtime, twoChoices(runtime.random));
  },
  leastOutstanding(options = {}) {
    const runtime = plain("balance.leastOutstanding", options);
    return seated(runtime, leastOutstanding(runtime.random));
  },
  roundRobin(options = {}) {
    const runtime = plain("balance.roundRobin", options);
    return seated(runtime, roundRobin(runtime.random));
  },
  smoothWeighted(options = {}) {
    return seated(plain("balance.smoothWeighted", options), smoothWeighted());
  },
  hashed(options = {}) {
    knownOptions("balance.hashed", options, ["runtime", "factor", "unkeyed"]);
    const { runtime = systemRuntime, factor = 1.25, unkeyed = "refuse" } = options;
    if (unkeyed !== "refuse" && unkeyed !== "anywhere") {
      throw invalidArgument("unkeyed", unkeyed, '"refuse" or "anywhere"');
    }
    return seated(runtime, hashed(runtime.random, { factor, unkeyed }));
  },
};

function seated<M>({ time }: Runtime, chooser: Chooser<M>): Balancer {
  return new SeatedBalancer(chooser, time);
}

function plain(what: string, options: BalanceOptions): Runtime {
  return knownOptions(what, options, ["runtime"]).runtime ?? systemRuntime;
}
