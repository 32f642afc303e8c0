/**
 * Gradient: the limit follows the ratio of unloaded to present latency.
 *
 * If calls take as long as on an idle server the limit grows by a little headroom; if they take
 * twice as long, half of them are waiting somewhere, and it shrinks in proportion. `tolerance` is
 * how much slower than idle is still well.
 *
 * Guarantees: stays within its bounds, finite for any samples; does not grow while less than half
 * of it is used; shrinks at most by a quarter per window. Does not guarantee to tell a dependency
 * that became slower for good from one that is overloaded before the next probe.
 *
 * Netflix concurrency-limits, `Gradient2Limit`; headroom √limit and the probe as in Envoy's
 * gradient controller. Two departures: the unloaded latency is not an average of all samples (see
 * limit-window.ts), and dropped calls, which Gradient2 does not look at, count by their share.
 */
import { inRange, knownOptions } from "@quorate/core";

import type { LimitAlgorithm } from "./limit-machine.ts";
import type { WindowVerdict } from "./limit-window.ts";
import { WindowedLimit } from "./windowed-limit.ts";

/** Options of `gradientLimit`. */
export interface GradientOptions {
  /** Latency that is still well, in multiples of the unloaded one; 1 to 10. @default 1.5 */
  readonly tolerance?: number;
}

/** The steepest descent that one window is believed. */
const MIN_GRADIENT = 0.5;
/** How far one window moves the limit towards where it points. */
const SMOOTHING = 0.5;

/** Where `verdict` moves `limit`. */
function moved(
  limit: number,
  { rttMs, unloadedMs, dropRate, isCrowded }: WindowVerdict,
  tolerance: number,
): number {
  if (!isCrowded && dropRate === 0) return limit;
  const slowness =
    rttMs === undefined || unloadedMs === undefined || rttMs === 0
      ? 1
      : (tolerance * unloadedMs) / rttMs;
  const gradient = Math.max(MIN_GRADIENT, Math.min(1, slowness, 1 - dropRate));
  const headroom = isCrowded ? Math.sqrt(limit) : 0;
  return limit + SMOOTHING * (limit * gradient + headroom - limit);
}

/**
 * The gradient algorithm: the default, for dependencies whose latency tells of their load.
 *
 * @throws INVALID_ARGUMENT `tolerance` is not from 1 to 10
 * @example
 * import { gradientLimit } from "@quorate/resilience";
 * const machine = gradientLimit({ tolerance: 2 }).start({ initial: 20, min: 1, max: 200 });
 * machine.sample({ rttMs: 12, inFlight: 3, dropped: false });
 * console.log(machine.limit); // => 20
 */
export function gradientLimit(options: GradientOptions = {}): LimitAlgorithm {
  knownOptions("gradientLimit", options, ["tolerance"]);
  const tolerance = inRange("tolerance", options.tolerance ?? 1.5, 1, 10);
  return {
    name: "gradient",
    start: (bounds) =>
      new WindowedLimit(bounds, (limit, verdict) => moved(limit, verdict, tolerance)),
  };
}
