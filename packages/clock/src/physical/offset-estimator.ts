/**
 * The offset of one other clock, from many exchanges: the best of the last eight.
 *
 * An exchange that was fast says more than an average of all: its error is at most half of its
 * delay. So the exchange with the smallest bound counts, and bounds grow with age, because our
 * own clock drifts. An exchange that contradicts an older one (their intervals do not meet, which
 * honest clocks cannot do) replaces it: the other clock was set.
 *
 * Sans-I/O: it is handed readings of both local clocks and the other's stamps, and believes the
 * monotonic one; the wall clock is the second opinion on whether the machine slept meanwhile.
 *
 * Guarantees: the other clock is within `errorBoundMs` of `nowMs`, if it is right within the error
 * that it claims and our clocks keep to `driftPpm`; for all delays, symmetric or not, and for
 * machines that sleep at any time. Memory: eight exchanges. Does not guarantee: anything about a
 * clock that lies; ask several, see `marzullo`.
 *
 * The minimum-delay filter is that of RFC 5905, section 10; where we leave it: the age counts as
 * drift times time instead of NTP's fixed 15 ppm, and one clock's exchanges are never averaged.
 */
import { knownOptions, type Ms, positiveInteger } from "@quorate/core";
import {
  type BoundedTime,
  checkDriftPpm,
  checkReading,
  elapsedBetween,
  type Reading,
  ROUNDING_MS,
} from "./reading.ts";

/** One question to the other clock, and its answer. What the other says is not trusted. */
export interface Exchange {
  /** Our clocks when the question was sent. */
  readonly sent: Reading;
  /** Their clock when it arrived. */
  readonly remoteReceivedMs: Ms;
  /** Their clock when the answer was sent. */
  readonly remoteSentMs: Ms;
  /** How wrong their clock may be, as they say; their clock's resolution included. @default 0 */
  readonly remoteErrorMs?: Ms;
  /** Our clocks when the answer was received. */
  readonly received: Reading;
}

/** What became of an exchange. Refused: its stamps contradict each other; nothing changed. */
export type ExchangeVerdict =
  | { readonly kind: "taken"; readonly contradicted: number }
  | { readonly kind: "refused"; readonly reason: "malformed" | "set-back" | "negative-delay" };

/** Where the other clock stands now. */
export interface OffsetEstimate extends BoundedTime {
  /** Their clock minus our monotonic one. */
  readonly offsetMs: Ms;
  /** What the messages of the exchange that counts travelled. */
  readonly delayMs: Ms;
  /** How long ago that exchange was. */
  readonly ageMs: Ms;
}

/** Options of `OffsetEstimator`. */
export interface OffsetEstimatorOptions {
  /** How far our clocks may drift from true time, in parts per million. @default 200 */
  readonly driftPpm?: number;
  /** Exchanges remembered, up to 64. @default 8 */
  readonly windowSize?: number;
}

interface Sample {
  /** When it was last brought up to date. */
  readonly at: Reading;
  /** Their clock at `at`. */
  readonly remoteMs: Ms;
  readonly errorMs: Ms;
  readonly delayMs: Ms;
  /** How old it was at `at`. */
  readonly ageMs: Ms;
}

/**
 * One other clock.
 *
 * @example
 * import { OffsetEstimator } from "@quorate/clock";
 * const estimator = new OffsetEstimator();
 * const at = (ms: number) => ({ monotonicMs: ms, wallMs: ms });
 * estimator.add({ sent: at(0), remoteReceivedMs: 1_010, remoteSentMs: 1_010, received: at(20) });
 * console.log(estimator.estimate(at(20))?.nowMs); // => 1020
 */
export class OffsetEstimator {
  readonly #driftPpm: number;
  readonly #windowSize: number;
  #samples: Sample[] = [];

  /** @throws INVALID_ARGUMENT an option is not what it must be. */
  constructor(options: OffsetEstimatorOptions = {}) {
    knownOptions("options", options, ["driftPpm", "windowSize"]);
    this.#driftPpm = checkDriftPpm(options.driftPpm);
    this.#windowSize = Math.min(64, positiveInteger("windowSize", options.windowSize ?? 8));
  }

  /** Exchanges that are remembered. */
  get size(): number {
    return this.#samples.length;
  }

  /**
   * Takes an exchange into account, or refuses it; what the other side sent is never an exception.
   *
   * @throws INVALID_ARGUMENT one of our own readings is not one.
   */
  add(exchange: Exchange): ExchangeVerdict {
    const sent = checkReading("sent", exchange.sent);
    const at = checkReading("received", exchange.received);
    const { remoteReceivedMs, remoteSentMs, remoteErrorMs = 0 } = exchange;
    const isWhole = [remoteReceivedMs, remoteSentMs, remoteErrorMs].every(Number.isFinite);
    if (!isWhole || remoteErrorMs < 0) return { kind: "refused", reason: "malformed" };
    if (remoteSentMs < remoteReceivedMs) return { kind: "refused", reason: "set-back" };
    const { awakeMs, uncertaintyMs } = elapsedBetween(sent, at, this.#driftPpm);
    // A sleep between question and answer is in `uncertaintyMs`: it may all have been travel.
    const delayMs = awakeMs + uncertaintyMs - (remoteSentMs - remoteReceivedMs);
    if (delayMs < -2 * remoteErrorMs - ROUNDING_MS)
      return { kind: "refused", reason: "negative-delay" };
    const travelMs = Math.max(0, delayMs);
    const remoteMs = remoteSentMs + travelMs / 2;
    const errorMs = travelMs / 2 + remoteErrorMs;
    return this.#take({ at, remoteMs, errorMs, delayMs: travelMs, ageMs: 0 });
  }

  /** The best that is known as our clocks read `now`; `undefined` before the first exchange. */
  estimate(now: Reading): OffsetEstimate | undefined {
    checkReading("now", now);
    let best: Sample | undefined;
    for (const sample of this.#samples) {
      const aged = this.#age(sample, now);
      if (best === undefined || aged.errorMs <= best.errorMs) best = aged;
    }
    if (best === undefined) return undefined;
    const { remoteMs: nowMs, errorMs: errorBoundMs, delayMs, ageMs } = best;
    return { nowMs, errorBoundMs, offsetMs: nowMs - now.monotonicMs, delayMs, ageMs };
  }

  #take(sample: Sample): ExchangeVerdict {
    const before = this.#samples.length;
    // Brought up to date, so that what a sleep has cost them stays: the wall clock, by which the
    // sleep was seen, may be set back tomorrow.
    const aged = this.#samples.map((older) => this.#age(older, sample.at));
    const agreeing = aged.filter(({ remoteMs, errorMs }) => {
      return Math.abs(remoteMs - sample.remoteMs) <= errorMs + sample.errorMs;
    });
    this.#samples = [...agreeing, sample].slice(-this.#windowSize);
    return { kind: "taken", contradicted: before - agreeing.length };
  }

  /** `sample` as it stands at `now`. */
  #age(sample: Sample, now: Reading): Sample {
    const { awakeMs, uncertaintyMs } = elapsedBetween(sample.at, now, this.#driftPpm);
    const remoteMs = sample.remoteMs + awakeMs;
    const errorMs = sample.errorMs + uncertaintyMs;
    return { at: now, remoteMs, errorMs, delayMs: sample.delayMs, ageMs: sample.ageMs + awakeMs };
  }
}
