/**
 * AIMD: add one while all is well, take a tenth away when a call was dropped.
 *
 * It does not look at latency but for one line: a call slower than `slowMs` counts as dropped. So
 * it fits dependencies whose latency says little of their load, and that refuse when they have too
 * much (429, `OVERLOADED`) rather than queue. It saws around their limit for ever, by design.
 *
 * Guarantees: stays within its bounds; does not grow while less than half of it is used; one burst
 * of refusals, however long, is one step down per round of calls. Several clients of one server
 * converge to equal shares.
 *
 * Chiu and Jain, "Analysis of the Increase and Decrease Algorithms for Congestion Avoidance",
 * 1989; ratio as in Netflix concurrency-limits, `AIMDLimit`, which steps with each call instead.
 */
import { inRange, knownOptions, type Ms } from "@quorate/core";

import { duration } from "./duration.ts";
import {
  checkBounds,
  isSane,
  type LimitAlgorithm,
  type LimitBounds,
  type LimitMachine,
  type LimitSample,
  within,
} from "./limit-machine.ts";

/** Options of `aimdLimit`. */
export interface AimdOptions {
  /** What is left of the limit after a drop; 0.5 to 0.99. @default 0.9 */
  readonly backoffRatio?: number;
  /** A call that took longer counts as dropped; Infinity: none. @default 5000 */
  readonly slowMs?: Ms;
}

class AimdMachine implements LimitMachine {
  readonly #bounds: LimitBounds;
  readonly #ratio: number;
  readonly #slowMs: Ms;
  #limit: number;
  /** Calls that ended well since the limit last moved. */
  #well = 0;
  /** Calls that had begun before the last step down: their drops are old news. */
  #stale = 0;

  constructor(bounds: LimitBounds, ratio: number, slowMs: Ms) {
    this.#bounds = checkBounds(bounds);
    this.#ratio = ratio;
    this.#slowMs = slowMs;
    this.#limit = bounds.initial;
  }

  get limit(): number {
    return Math.floor(this.#limit);
  }

  sample(sample: LimitSample): void {
    if (!isSane(sample)) return;
    const isStale = this.#stale > 0;
    if (isStale) this.#stale -= 1;
    if (sample.dropped || sample.rttMs > this.#slowMs) {
      this.#well = 0;
      if (isStale) return;
      this.#stale = Math.floor(this.#limit);
      this.#limit = within(this.#bounds, this.#limit * this.#ratio);
      return;
    }
    if (sample.inFlight * 2 < this.#limit) return;
    this.#well += 1;
    if (this.#well < this.#limit) return;
    this.#well = 0;
    this.#limit = within(this.#bounds, this.#limit + 1);
  }
}

/**
 * The AIMD algorithm: for dependencies that refuse what is too much.
 *
 * @throws INVALID_ARGUMENT an option is out of its range
 * @example
 * import { aimdLimit } from "@quorate/resilience";
 * const machine = aimdLimit({ slowMs: 1_000 }).start({ initial: 20, min: 1, max: 200 });
 * machine.sample({ rttMs: 12, inFlight: 20, dropped: true });
 * console.log(machine.limit); // => 18
 */
export function aimdLimit(options: AimdOptions = {}): LimitAlgorithm {
  knownOptions("aimdLimit", options, ["backoffRatio", "slowMs"]);
  const ratio = inRange("backoffRatio", options.backoffRatio ?? 0.9, 0.5, 0.99);
  const slowMs = duration("slowMs", options.slowMs ?? 5_000);
  return { name: "aimd", start: (bounds) => new AimdMachine(bounds, ratio, slowMs) };
}
