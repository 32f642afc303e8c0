/**
 * Vegas: the limit follows the number of calls that wait.
 *
 * Of `limit` calls in flight, limit × (1 - unloaded latency / present latency) are not being
 * served but wait in some queue. A few of them keep the dependency busy, so the limit grows while
 * there are fewer than that, shrinks when there are more, and rests in between. The steps and
 * thresholds grow with the logarithm of the limit.
 *
 * Guarantees: stays within its bounds, finite for any samples; does not grow while less than half
 * of it is used. Gentler than `gradientLimit`: it keeps queues shorter, and takes longer to follow
 * a dependency that lost much of its capacity at once.
 *
 * Brakmo and Peterson, "TCP Vegas", IEEE JSAC 13(8), 1995; the constants are those of Netflix
 * concurrency-limits, `VegasLimit`. Departures: it judges means of windows rather than each
 * sample, and its unloaded latency comes from a probe at half the limit (see limit-window.ts).
 */
import type { LimitAlgorithm } from "./limit-machine.ts";
import type { WindowVerdict } from "./limit-window.ts";
import { WindowedLimit } from "./windowed-limit.ts";

/** Calls that may wait, in multiples of log₁₀ limit: below grow fast, grow, and above shrink. */
const HARDLY_ANY = 1;
const FEW = 3;
const MANY = 6;

/** Where `verdict` moves `limit`. */
function moved(limit: number, { rttMs, unloadedMs, dropRate, isCrowded }: WindowVerdict): number {
  const step = Math.max(1, Math.log10(limit));
  if (dropRate > 0) return limit - Math.max(step, limit * dropRate * 0.5);
  if (!isCrowded || rttMs === undefined || unloadedMs === undefined) return limit;
  const share = rttMs === 0 ? 0 : Math.max(0, 1 - unloadedMs / rttMs);
  const waiting = Math.ceil(limit * share);
  if (waiting <= HARDLY_ANY * step) return limit + MANY * step;
  if (waiting < FEW * step) return limit + step;
  // Many more than many: the capacity fell. By single steps the queue would stand for minutes.
  if (waiting > MANY * step) return limit - Math.max(step, (waiting - MANY * step) / 4);
  return limit;
}

/**
 * The Vegas algorithm: for dependencies with a steady latency, where short queues matter most.
 *
 * @example
 * import { vegasLimit } from "@quorate/resilience";
 * const machine = vegasLimit().start({ initial: 20, min: 1, max: 200 });
 * machine.sample({ rttMs: 12, inFlight: 3, dropped: false });
 * console.log(machine.limit); // => 20
 */
export function vegasLimit(): LimitAlgorithm {
  return { name: "vegas", start: (bounds) => new WindowedLimit(bounds, moved) };
}
