/**
 * A window of samples, and the latency without queueing that they are judged by.
 *
 * All that is known from outside is how long calls take; whether they are slow because they wait
 * behind each other, or because they are slow, shows only when there are fewer of them. Where the
 * load itself leaves room now and then, those calls tell. Where it never does, the load is brought
 * down to half the limit for a moment, and the calls begun in it tell: a probe.
 *
 * Gradient2 learns from all samples instead, and Vegas at times believes the present one: under a
 * load that never lets up both slowly take the queue they have built for the latency of an idle
 * server, and let it grow. Probing is Envoy's remedy (its gradient controller measures its minimum
 * round trip so), here with half the limit rather than three calls.
 */
import type { Ms } from "@quorate/core";

import type { LimitSample } from "./limit-machine.ts";

/** Fewer than this are noise; what a probe finds is believed for long, so it takes more. */
const MIN_SAMPLES = 25;
const PROBE_SAMPLES = 50;
/** More than this wait too long for an answer. */
const MAX_SAMPLES = 500;
/** Crowded windows before the first probe, and between two. */
const FIRST_PROBE_AFTER = 5;
const PROBE_EVERY = 30;
/** Half the load and this much faster: calls were waiting for each other, perhaps still are. */
const RELIEF = 0.65;
/** Weight of a window without queueing, and of a probe that agrees with what is believed. */
const LEARNING = 0.2;
const PROBE_LEARNING = 0.35;

/** What a full window says. */
export interface WindowVerdict {
  /** Mean latency; undefined: no call of the window was answered. */
  readonly rttMs: Ms | undefined;
  /** What it would be without queueing; undefined as long as nothing is known. */
  readonly unloadedMs: Ms | undefined;
  /** Share of the calls that were dropped. */
  readonly dropRate: number;
  /** The limit is in use: only then does it make sense to raise it. */
  readonly isCrowded: boolean;
}

/** Collects samples. */
export class LimitWindow {
  #answered = 0;
  #dropped = 0;
  #sumMs = 0;
  #mostInFlight = 0;
  #unloadedMs: Ms | undefined = undefined;
  /** Believed for want of anything better: no call has been seen without queueing. */
  #isGuess = true;
  #crowdedWindows = 0;
  #probeAfter = FIRST_PROBE_AFTER;
  /** The limit while probing; undefined: not probing. */
  #probeLimit: number | undefined = undefined;
  #beforeProbeMs: Ms = Infinity;
  /** Calls that the present probe did not count. */
  #ignored = 0;
  readonly #min: number;

  /** No probe goes below `min`. */
  constructor(min: number) {
    this.#min = min;
  }

  /** How many may be in flight for the sake of a probe; Infinity: no probe is on. */
  get ceiling(): number {
    return this.#probeLimit ?? Infinity;
  }

  /** Takes a sample note of; the verdict, if it was the last of its window. */
  add(sample: LimitSample, limit: number): WindowVerdict | undefined {
    if (this.#probeLimit !== undefined && sample.inFlight > this.#probeLimit) {
      // Begun before the probe: it says nothing of the lower load. If there are more such calls
      // than there can have been, the load does not come down: work that has hung holds it up.
      this.#ignored += 1;
      if (this.#ignored > 2 * limit) this.#probeLimit = undefined;
      return undefined;
    }
    if (sample.dropped) this.#dropped += 1;
    else {
      this.#answered += 1;
      this.#sumMs += sample.rttMs;
    }
    this.#mostInFlight = Math.max(this.#mostInFlight, sample.inFlight);
    if (this.#answered + this.#dropped < this.#wanted(limit)) return undefined;
    return this.#probeLimit === undefined ? this.#close(limit) : this.#endProbe(this.#probeLimit);
  }

  /** About one round of calls. */
  #wanted(limit: number): number {
    const least = this.#probeLimit === undefined ? MIN_SAMPLES : PROBE_SAMPLES;
    return Math.min(MAX_SAMPLES, Math.max(least, this.#probeLimit ?? limit));
  }

  #close(limit: number): WindowVerdict {
    const isCrowded = this.#mostInFlight * 2 >= limit;
    const dropRate = this.#dropped / (this.#answered + this.#dropped);
    const rttMs = this.#meanMs();
    if (rttMs !== undefined) {
      // The first window is all there is to believe; the first probe will tell.
      this.#unloadedMs ??= rttMs;
      if (!isCrowded) {
        this.#unloadedMs += LEARNING * (rttMs - this.#unloadedMs);
        this.#isGuess = false;
      }
    }
    this.#clear();
    this.#crowdedWindows = isCrowded ? this.#crowdedWindows + 1 : 0;
    if (this.#crowdedWindows >= this.#probeAfter) this.#probe(limit, rttMs ?? Infinity);
    return { rttMs, unloadedMs: this.#unloadedMs, dropRate, isCrowded };
  }

  /** Looks what half of `limit` feels like, after it was `atMs`. */
  #probe(limit: number, atMs: Ms): void {
    this.#crowdedWindows = 0;
    this.#probeAfter = PROBE_EVERY;
    this.#probeLimit = Math.max(this.#min, Math.ceil(limit / 2));
    this.#beforeProbeMs = atMs;
    this.#ignored = 0;
  }

  #endProbe(limit: number): undefined {
    const foundMs = this.#meanMs();
    this.#probeLimit = undefined;
    this.#clear();
    if (foundMs === undefined) return undefined;
    if (foundMs < this.#beforeProbeMs * RELIEF && limit > this.#min) {
      this.#probe(limit, foundMs);
      return undefined;
    }
    this.#believe(foundMs);
    return undefined;
  }

  #believe(foundMs: Ms): void {
    const believedMs = this.#unloadedMs ?? foundMs;
    const agrees = foundMs > believedMs * RELIEF && foundMs * RELIEF < believedMs;
    const weight = agrees && !this.#isGuess ? PROBE_LEARNING : 1;
    this.#unloadedMs = believedMs + weight * (foundMs - believedMs);
    this.#isGuess = false;
  }

  #meanMs(): Ms | undefined {
    return this.#answered === 0 ? undefined : this.#sumMs / this.#answered;
  }

  #clear(): void {
    this.#answered = this.#dropped = this.#sumMs = this.#mostInFlight = 0;
  }
}
