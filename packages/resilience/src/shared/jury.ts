/**
 * The jury: who speaks, when, and whether what was said opens the fleet.
 *
 * Nobody speaks while all is well. A seer publishes what it saw. Once there are so many seers that
 * they could be a quorum among those who have spoken, the healthy speak too, each at a moment of
 * its own, until the seers are outvoted; then the rest keep silent. So a few sick instances among
 * a hundred cost a few words of a few others, and idle ones need no keep-alive to be known.
 *
 * The verdict is given when the quorum has stood for a whole `publishMs`: time for the healthy to
 * be heard. An event loop that was blocked begins to count anew, since their words may lie unread.
 *
 * Guarantees: at most one summary in `publishMs`; none while this instance is healthy and fewer
 * than `minInstances` see trouble. Does not guarantee that all are heard: who cannot reach the
 * store is not counted.
 */
import type { Ms, Revision } from "@quorate/core";

import { Census, plus } from "./census.ts";
import { hasSeers, isQuorum, type Summary, weigh, type Weight } from "./evidence.ts";
import type { Moment } from "./moment.ts";
import { type Settings, summaryTtlMs } from "./settings.ts";

/** After so many it is said again, if there is still need. */
const REFRESH_PERIODS = 3;
/** Of a period: within which share a seer, and one that answers seers, speaks first. */
const SEER_WAIT = 1 / 4;
const ANSWER_WAIT = 1 / 2;
/** Spreads the verdict over the instances that could give it. */
const SPREAD_MS_PER_INSTANCE = 5;

/** What is to be done now. */
export interface Ruling {
  readonly publish: Summary | undefined;
  /** The fleet is to open, because of this. */
  readonly opens: Weight | undefined;
}

/** What was said last by this instance. */
interface Said {
  readonly atMs: Ms;
  readonly weight: Weight;
}

/** One instance's part in the fleet's judgement. */
export class Jury {
  readonly #settings: Settings;
  readonly #census: Census;
  #round: Revision = 0;
  #said: Said | undefined = undefined;
  /** When to think about speaking; Infinity: there is no reason to. */
  #speakAtMs: Ms = Infinity;
  #spokeAtMs: Ms = -Infinity;
  /** When the quorum will have stood for long enough; Infinity: there is none. */
  #ruleAtMs: Ms = Infinity;
  #unheard = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#census = new Census(settings, settings.maxInstances);
  }

  /** When to be asked again. */
  get wakeMs(): Ms {
    return Math.min(this.#speakAtMs, this.#ruleAtMs);
  }

  /** Nothing was stirred since it was last asked; a cheap question for each fault. */
  get isCalm(): boolean {
    return this.#speakAtMs === Infinity;
  }

  /** Other instances that it keeps count of, and summaries beyond the bound. */
  get heard(): { readonly instances: number; readonly unheard: number } {
    return { instances: this.#census.size, unheard: this.#unheard };
  }

  /** Whether a word of this instance may still be in the store. */
  hasSpoken(nowMs: Ms): boolean {
    return nowMs < this.#spokeAtMs + summaryTtlMs(this.#settings.publishMs);
  }

  /** A new round of evidence: what was said before is void. */
  turnTo(round: Revision): void {
    this.#round = round;
    this.#census.turnTo(round);
    this.#said = undefined;
    this.pause();
  }

  /** There is nothing to judge for now. */
  pause(): void {
    this.#speakAtMs = Infinity;
    this.#ruleAtMs = Infinity;
  }

  /** Another instance said something. */
  hear(instance: string, summary: Summary, { nowMs }: Moment): void {
    const untilMs = nowMs + summaryTtlMs(this.#settings.publishMs);
    if (!this.#census.hear(instance, summary, untilMs)) this.#unheard += 1;
  }

  /** What another instance said is gone. */
  forget(instance: string): void {
    this.#census.forget(instance);
  }

  /** What others said may be gone: it will be told again. */
  clear(): void {
    this.#census.clear();
    this.pause();
  }

  /** This instance saw a fault, or its breaker changed its state. */
  stirred(moment: Moment): void {
    this.#speakWithin(SEER_WAIT, moment);
  }

  /** The event loop was blocked. */
  stalled({ nowMs }: Moment): void {
    if (this.#ruleAtMs !== Infinity) this.#ruleAtMs = nowMs + this.#settings.publishMs;
  }

  /** What to do at `moment`. Asked after whatever happened. */
  rule(moment: Moment): Ruling {
    const { nowMs, own } = moment;
    this.#census.expire(nowMs);
    const mine = weigh(own, this.#settings);
    const all = plus(this.#census.others, mine);
    this.#weighQuorum(mine.seers === 1 && isQuorum(all, this.#settings), all, moment);
    if (mine.seers === 1) this.#speakWithin(SEER_WAIT, moment);
    else if (this.#isAnswerNeeded(mine)) this.#speakWithin(ANSWER_WAIT, moment);
    const publish = this.#speakAtMs <= nowMs ? this.#speak(mine, moment) : undefined;
    return { publish, opens: this.#ruleAtMs <= nowMs ? all : undefined };
  }

  #weighQuorum(isReached: boolean, all: Weight, { nowMs, chance }: Moment): void {
    if (!isReached) this.#ruleAtMs = Infinity;
    else if (this.#ruleAtMs === Infinity) {
      const { publishMs } = this.#settings;
      const spreadMs = Math.min(publishMs / 2, all.active * SPREAD_MS_PER_INSTANCE);
      this.#ruleAtMs = nowMs + publishMs + chance * spreadMs;
    }
  }

  /** The seers who have spoken could be a quorum if nobody else spoke. */
  #isAnswerNeeded(mine: Weight): boolean {
    return mine.active === 1 && hasSeers(this.#census.others, this.#settings);
  }

  /** Thinks about speaking within a share of the period, unless that is planned. */
  #speakWithin(share: number, { nowMs, chance }: Moment): void {
    if (this.#speakAtMs !== Infinity) return;
    const { publishMs } = this.#settings;
    const soonest = this.#spokeAtMs + publishMs;
    this.#speakAtMs = Math.max(nowMs + chance * share * publishMs, soonest);
  }

  #speak(mine: Weight, { nowMs, own }: Moment): Summary | undefined {
    const { publishMs } = this.#settings;
    const wants = mine.seers === 1 || this.#isAnswerNeeded(mine);
    const said = this.#said;
    const isStanding = said !== undefined && nowMs < said.atMs + summaryTtlMs(publishMs);
    const isNews = isStanding ? differs(said.weight, mine, wants) : wants;
    const isDue = isStanding && nowMs >= said.atMs + REFRESH_PERIODS * publishMs;
    this.#speakAtMs = wants ? nowMs + publishMs : Infinity;
    if (!isNews && !(wants && isDue)) return undefined;
    this.#said = { atMs: nowMs, weight: mine };
    this.#spokeAtMs = nowMs;
    return { ...own, epoch: this.#round };
  }
}

/** Whether what was said is no longer so. A window that fills up is news as often as it doubles. */
function differs(said: Weight, now: Weight, matters: boolean): boolean {
  if (said.seers !== now.seers || said.judged !== now.judged) return true;
  return matters && now.judged === 0 && now.calls >= 2 * said.calls;
}
