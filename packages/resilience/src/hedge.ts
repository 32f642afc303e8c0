/**
 * Hedge: when an answer takes unusually long, asks a second time and takes the first answer.
 *
 * One slow replica makes the slowest calls; a second call, sent only once the first has taken
 * longer than most do, meets another replica and cuts the tail for a few percent more load. Only
 * for calls that may run twice: `safe` or `keyed`. An `unsafe` call goes through as it is.
 *
 * Guarantees: the first success wins and the others are cancelled, with a reason; a hedge that
 * fails, or that the budget will not pay for, costs the call nothing; the load added is bounded by
 * the budget. Does not guarantee that losers stop, nor that only one of them had an effect. It is
 * no retry: a call that fails before a hedge was sent has failed.
 *
 * Dean and Barroso, "The Tail at Scale", CACM 56(2), 2013.
 */
import type { Ms } from "@quorate/core";

import { Race, type Starter } from "./hedge-race.ts";
import {
  type HedgeEvents,
  type HedgeOptions,
  hedgeSettings,
  type HedgeSettings,
  type HedgeStats,
} from "./hedge-options.ts";
import type { Loop, Next } from "./layer.ts";
import { Signals } from "./limit-signals.ts";
import type { LiveCall } from "./live-call.ts";
import { RecentDurations } from "./percentile.ts";
import { LayeredPolicy } from "./policy.ts";
import { mayRunTwice } from "./repeatable.ts";

/** Below this a hedge would be sent before the first call has left the process. */
const SHORTEST_DELAY_MS = 1;

class HedgeLoop implements Loop, Starter {
  readonly kind = "loop";
  readonly rank = "loop";
  readonly runtime: HedgeSettings["runtime"];
  readonly signals: Signals<HedgeEvents>;
  readonly counts: { -readonly [K in keyof HedgeStats]: number } = {
    calls: 0,
    unsafe: 0,
    sent: 0,
    won: 0,
    budgetEmpty: 0,
  };
  readonly #settings: HedgeSettings;
  readonly #recent: RecentDurations | undefined;

  constructor(settings: HedgeSettings) {
    this.#settings = settings;
    this.runtime = settings.runtime;
    this.signals = new Signals(settings.runtime, "hedge");
    this.#recent = settings.percentile === undefined ? undefined : new RecentDurations();
  }

  /** How long the next call may take before it is hedged; undefined: not known yet. */
  get delayMs(): Ms | undefined {
    const { percentile, delayMs } = this.#settings;
    const usualMs = percentile === undefined ? undefined : this.#recent?.percentile(percentile);
    return usualMs === undefined ? delayMs : Math.max(SHORTEST_DELAY_MS, usualMs);
  }

  async around(call: LiveCall, next: Next): Promise<unknown> {
    if (!mayRunTwice(call)) {
      this.counts.unsafe += 1;
      return next(call);
    }
    this.counts.calls += 1;
    // A further attempt of a retry outside is no first attempt.
    if (this.#settings.feedsBudget && call.attempt === 1) this.#settings.budget?.deposit();
    const { delayMs } = this;
    if (delayMs !== undefined) {
      return new Race(this, call, next, delayMs, this.#settings.hedges).promise;
    }
    const startedMs = this.runtime.time.monotonicMs();
    const value = await next(call);
    this.#recent?.add(this.runtime.time.monotonicMs() - startedMs);
    return value;
  }

  mayHedge(): boolean {
    const { budget, name } = this.#settings;
    if (budget === undefined || budget.withdraw()) return true;
    this.counts.budgetEmpty += 1;
    this.signals.send("budgetEmpty", () => ({ hedge: name }));
    return false;
  }

  hedging(attempt: number, afterMs: Ms): void {
    this.counts.sent += 1;
    this.signals.send("sent", () => ({ hedge: this.#settings.name, attempt, afterMs }));
  }

  answered(attempt: number, isFirst: boolean, afterMs: Ms, sent: number): void {
    // Where a hedge won, the first attempt would have taken longer still. The percentile does not
    // mind: it is the delay after which hedges are sent, and both durations are beyond it.
    this.#recent?.add(afterMs);
    if (isFirst) return;
    this.counts.won += 1;
    this.signals.send("won", () => ({ hedge: this.#settings.name, attempt, sent }));
  }
}

/** A hedge: a policy that can be run alone, put into a `pipe`, listened to and counted. */
export class Hedge extends LayeredPolicy {
  readonly #loop: HedgeLoop;

  /** See `hedge`. */
  constructor(options: HedgeOptions = {}) {
    const loop = new HedgeLoop(hedgeSettings(options));
    super([loop], loop.runtime);
    this.#loop = loop;
  }

  /** Counters since it was made. */
  get stats(): HedgeStats {
    return { ...this.#loop.counts };
  }

  /** How long a call may take now before it is hedged; undefined: too few latencies are known. */
  get delayMs(): Ms | undefined {
    return this.#loop.delayMs;
  }

  /** Calls `listener` at each event of `type`, until the returned function is called. */
  on<K extends keyof HedgeEvents>(type: K, listener: (event: HedgeEvents[K]) => void): () => void {
    return this.#loop.signals.on(type, listener);
  }
}

/**
 * A policy that asks again when an answer takes unusually long.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of range
 * @example
 * import { hedge } from "@quorate/resilience";
 * const policy = hedge({ delayMs: 20 });
 * const read = (replica: number) =>
 *   new Promise<string>((done) => setTimeout(done, replica === 1 ? 200 : 5, `from ${replica}`));
 * const answer = await policy.run((call) => read(call.attempt), { repeat: "safe" });
 * console.log(answer); // => from 2
 */
export function hedge(options: HedgeOptions = {}): Hedge {
  return new Hedge(options);
}
