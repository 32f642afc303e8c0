/**
 * Peak-EWMA over two choices: of two endpoints drawn by weight, the one where a call is expected
 * to be done sooner. The default.
 *
 * What an endpoint costs is its expected latency times the calls in its line, this one included.
 * The expected latency is an average that forgets with time and **jumps up** at once to any worse
 * answer: what got slow is left within one answer, and won back step by step. Left alone it drifts
 * to what is typical for all, so everybody is looked at again some day, and who was never tried
 * costs what is typical from the start: a fair first look, no stampede.
 *
 * A failure is no latency. An endpoint that fails in half a millisecond would be the quickest of
 * all and draw everybody in, so a fault adds **doubt**: at least the time of a slow call, times
 * the line that others have. Doubt fades; each fault on the way back makes it fade half as fast,
 * down to a quarter. So who stays broken is asked ever more rarely, and who has recovered has its
 * share back in well under a minute.
 *
 * Guarantees: an order by what was measured, for any number of endpoints at the same cost; weights
 * are shares where costs are alike. Does not guarantee: that the best of all is found; agreement
 * among callers, each of which knows only its own calls.
 *
 * The average is Finagle's and Linkerd's ("Beyond Round Robin", Buoyant 2016); drift and doubt are
 * ours.
 */
import { knownOptions, type Ms, positive, type Random } from "@quorate/core";

import type { PickOutcome } from "../balancer.ts";
import type { Field, Seat } from "./seat.ts";
import type { Chooser } from "./seated.ts";

/** What is remembered how long. */
export interface PeakEwmaMemory {
  /** In this time two thirds of what a slow answer told is forgotten. @default 5_000 */
  readonly decayMs?: Ms | undefined;
  /** What a failed call costs at least: the time of a slow call. @default 1_000 */
  readonly penaltyMs?: Ms | undefined;
  /** In this time two thirds of the doubt about a first fault are forgotten. @default 1_000 */
  readonly forgetMs?: Ms | undefined;
}

/** Costs so near to each other are alike: who was drawn first, by weight, is taken. */
const ALIKE = 0.9;
/** A fault costs at least so many calls of the usual kind, where those are slow themselves. */
const SLOW = 10;
/** Faults on the way back that still make a difference: 1, 2 and 4 times as long. */
const MAX_STREAK = 3;
/** No answer is quicker: a line of calls that take no time would cost nothing. */
const MIN_LATENCY_MS = 0.001;
/** Doubt below this part of a typical call is none. */
const NEGLIGIBLE = 0.001;
/** A reading is good for this part of the time in which things are forgotten. */
const GRAIN = 1 / 100;

/** What is known of one endpoint. */
class Track {
  /** At `observedAtMs`; negative: it has never answered. */
  latencyMs = -1;
  observedAtMs = 0;
  /** At `doubtedAtMs`. */
  doubtMs = 0;
  doubtedAtMs = 0;
  /** Faults without a good answer between them, as far as they count. */
  streak = 0;
  // The reading: both as they were at `readAtMs`, kept for a moment to save two powers a pick.
  expectedMs = 0;
  suspectedMs = 0;
  readAtMs = -Infinity;
}

/** Chooses by expected latency. */
export function peakEwma(random: Random, memory: PeakEwmaMemory = {}): Chooser<unknown> {
  return new PeakEwma(random, memory);
}

class PeakEwma implements Chooser<Track> {
  readonly name = "peak-ewma";
  readonly isTimed = true;
  readonly #random: Random;
  readonly #decayMs: Ms;
  readonly #penaltyMs: Ms;
  readonly #forgetMs: Ms;
  readonly #grainMs: Ms;
  /** Average latency of good answers, all endpoints together. */
  #typicalMs = 1;
  #typicalAtMs = 0;
  #answers = 0;
  #outstanding = 0;

  constructor(random: Random, memory: PeakEwmaMemory) {
    knownOptions("balance.peakEwma", memory, ["decayMs", "penaltyMs", "forgetMs"]);
    this.#random = random;
    this.#decayMs = positive("decayMs", memory.decayMs ?? 5_000);
    this.#penaltyMs = positive("penaltyMs", memory.penaltyMs ?? 1_000);
    this.#forgetMs = positive("forgetMs", memory.forgetMs ?? 1_000);
    this.#grainMs = Math.min(this.#decayMs, this.#forgetMs) * GRAIN;
  }

  newMeasure(): Track {
    return new Track();
  }

  choose(field: Field<Track>, nowMs: Ms): Seat<Track> {
    const index = field.draw(this.#random);
    const first = field.seats[index] as Seat<Track>;
    const second = field.seats[field.drawOther(index, this.#random)] as Seat<Track>;
    const firstMs = this.#costMs(first, field, nowMs);
    const secondMs = this.#costMs(second, field, nowMs);
    this.#outstanding += 1;
    return secondMs < firstMs * ALIKE ? second : first;
  }

  ended({ measure }: Seat<Track>, outcome: PickOutcome, beganMs: Ms, nowMs: Ms): void {
    this.#outstanding -= 1;
    const tookMs = Math.max(MIN_LATENCY_MS, nowMs - beganMs);
    if (outcome === "ok") this.#answered(measure, tookMs, nowMs);
    else if (outcome === "fault") this.#failed(measure, tookMs, beganMs, nowMs);
  }

  latencyMs({ measure }: Seat<Track>, nowMs: Ms): Ms | undefined {
    if (measure.latencyMs < 0) return undefined;
    this.#read(measure, nowMs);
    return measure.expectedMs;
  }

  #costMs({ measure, outstanding, weight }: Seat<Track>, field: Field<Track>, nowMs: Ms): Ms {
    if (measure.latencyMs < 0) measure.expectedMs = this.#typicalMs;
    if (nowMs - measure.readAtMs >= this.#grainMs) this.#read(measure, nowMs);
    const line = 1 + (outstanding * field.meanWeight) / weight;
    if (measure.suspectedMs === 0) return measure.expectedMs * line;
    // Doubt grows with everybody's line: else a crowd would flee from its queues to the one
    // endpoint that has none, because it fails all that comes.
    const usualLine = 1 + this.#outstanding / field.seats.length;
    return measure.expectedMs * line + measure.suspectedMs * usualLine;
  }

  #read(track: Track, nowMs: Ms): void {
    const typicalMs = this.#typicalMs;
    const memory = left((nowMs - track.observedAtMs) / this.#decayMs);
    track.expectedMs =
      track.latencyMs < 0 ? typicalMs : typicalMs + (track.latencyMs - typicalMs) * memory;
    const doubtMs = this.#doubtMs(track, nowMs);
    track.suspectedMs = doubtMs < typicalMs * NEGLIGIBLE ? 0 : doubtMs;
    track.readAtMs = nowMs;
  }

  #doubtMs(track: Track, nowMs: Ms): Ms {
    if (track.doubtMs === 0) return 0;
    const forgetMs = this.#forgetMs * 2 ** Math.max(0, track.streak - 1);
    return track.doubtMs * left((nowMs - track.doubtedAtMs) / forgetMs);
  }

  #answered(track: Track, tookMs: Ms, nowMs: Ms): void {
    if (tookMs > track.latencyMs) track.latencyMs = tookMs;
    else {
      const memory = left((nowMs - track.observedAtMs) / this.#decayMs);
      track.latencyMs = tookMs + (track.latencyMs - tookMs) * memory;
    }
    track.observedAtMs = nowMs;
    if (track.streak > 0) this.#doubt(track, this.#doubtMs(track, nowMs), 0, nowMs);
    this.#read(track, nowMs);
    // The first answers count alike, later ones by the time that they stand for.
    this.#answers += 1;
    const news = Math.min(1, (nowMs - this.#typicalAtMs) / this.#decayMs);
    this.#typicalMs += (tookMs - this.#typicalMs) * Math.max(news, 1 / this.#answers);
    this.#typicalAtMs = nowMs;
  }

  #failed(track: Track, tookMs: Ms, beganMs: Ms, nowMs: Ms): void {
    const slowMs = Math.max(this.#penaltyMs, SLOW * this.#typicalMs, tookMs);
    const doubtMs = Math.max(this.#doubtMs(track, nowMs), slowMs);
    // Ten calls that one reset ends are one fault: only a call that began later says more.
    const isNew = track.streak === 0 || beganMs > track.doubtedAtMs;
    const streak = isNew ? Math.min(MAX_STREAK, track.streak + 1) : track.streak;
    this.#doubt(track, doubtMs, streak, nowMs);
    this.#read(track, nowMs);
  }

  #doubt(track: Track, doubtMs: Ms, streak: number, nowMs: Ms): void {
    track.doubtMs = doubtMs;
    track.streak = streak;
    track.doubtedAtMs = nowMs;
  }
}

/** What is left of 1 after `age` lifetimes. For the little that passes between two calls, a sum. */
function left(age: number): number {
  return age < 0.01 ? 1 - age + (age * age) / 2 : Math.exp(-age);
}
