/**
 * The breaker's states, and what leads from one to the next.
 *
 *     closed ──faults──▶ open ──time──▶ half-open ──probes pass──▶ ramping ──time──▶ closed
 *                         ▲                 │                         │
 *                         └──probes fail────┴────────faults───────────┘
 *
 * Each state has an epoch, and each call carries that of the state which let it in. An outcome of
 * an older epoch is not counted: neither may a success begun before the outage close it, nor a
 * failure begun before the recovery open it. Ramping is closed with fewer calls: it keeps epoch and
 * window on its way to closed. Every other transition begins with an empty window.
 *
 * Sans-I/O: time is passed in, chance comes from the runtime's `Random`. Nothing happens while
 * nobody calls; time is judged when somebody does.
 *
 * Guarantees: of a half-open state's calls at most `probes` run; a success never opens it; open
 * ends by time, unless it is infinite. Does not guarantee fairness: who comes first probes.
 */
import { type Ms, type Random, invariant } from "@quorate/core";

import type { BreakerSettings } from "./breaker-options.ts";
import { Trial } from "./breaker-trial.ts";
import type { Tally } from "./fleet.ts";
import { rampShare } from "./ramp.ts";
import type { OutcomeWindow } from "./window.ts";

/** What the machine itself can be; by hand it can be overruled. */
export type PhaseKind = "closed" | "open" | "half-open" | "ramping";

type Phase =
  | { readonly kind: "closed" }
  | { readonly kind: "open"; readonly untilMs: Ms; readonly evidence: Tally }
  | { readonly kind: "half-open"; readonly trial: Trial; readonly evidence: Tally }
  | { readonly kind: "ramping"; readonly sinceMs: Ms; readonly rampMs: Ms };

/** Why a breaker changed its state. */
export type TransitionReason =
  | "fault-rate"
  | "slow-rate"
  | "consecutive-faults"
  | "time"
  | "probes-passed"
  | "probes-failed"
  | "by-hand"
  | "restored"
  | "fleet";

/** From one state to the next. */
export interface Transition {
  readonly from: PhaseKind;
  readonly to: PhaseKind;
  readonly reason: TransitionReason;
  /** Until the next change that time alone brings; undefined: there is none. */
  readonly forMs: Ms | undefined;
  /** The window on which it was decided. */
  readonly tally: Tally;
}

/** What a machine can be rebuilt from. Durations, not instants: clocks differ between processes. */
export interface PhaseRecord {
  readonly state: PhaseKind;
  /** Time left while open; absent: for ever. */
  readonly openForMs?: Ms;
  /** Time left, and the whole length, while ramping. */
  readonly rampForMs?: Ms;
  readonly rampMs?: Ms;
  /** Times it opened in a row; the time it stays open has doubled with each but the first. */
  readonly openings: number;
}

const CLOSED: Phase = { kind: "closed" };
/** Beyond this doubling is no longer exact, and any bound has been met. */
const MOST_DOUBLINGS = 52;
/** A ramp is up to this share longer or shorter, so that a fleet does not come back in step. */
const RAMP_JITTER = 0.2;

/** The machine of one breaker. */
export class BreakerMachine {
  readonly #settings: BreakerSettings;
  readonly #window: OutcomeWindow;
  readonly #random: Random;
  #phase: Phase = CLOSED;
  #epoch = 1;
  #openings = 0;
  #consecutive = 0;

  constructor(settings: BreakerSettings, window: OutcomeWindow, random: Random) {
    this.#settings = settings;
    this.#window = window;
    this.#random = random;
  }

  /** Of the present state; outcomes of another are not to be recorded. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Lets everything through without being asked. */
  get isClosed(): boolean {
    return this.#phase === CLOSED;
  }

  /** Whether a success while closed is to be given its time. */
  get needsTime(): boolean {
    return this.#window.needsTime;
  }

  /** The state that it entered last; time may have ended it since. */
  get kind(): PhaseKind {
    return this.#phase.kind;
  }

  /** The state at `nowMs`, as the next call will find it. */
  kindAt(nowMs: Ms): PhaseKind {
    const phase = this.#phase;
    if (phase.kind === "open" && nowMs >= phase.untilMs) return "half-open";
    if (phase.kind === "ramping" && nowMs >= phase.sinceMs + phase.rampMs) return "closed";
    return phase.kind;
  }

  /** The window's sums; while it is open or half-open, those that opened it. */
  tally(nowMs: Ms): Tally {
    if ("evidence" in this.#phase) return this.#phase.evidence;
    this.#window.advance(nowMs);
    return this.#sums();
  }

  /** Makes the transition that time alone has brought, if any. */
  tick(nowMs: Ms): Transition | undefined {
    const phase = this.#phase;
    const kind = this.kindAt(nowMs);
    if (kind === phase.kind) return undefined;
    if (phase.kind === "open") {
      const trial = new Trial(this.#settings.probes);
      return this.#enter({ kind: "half-open", trial, evidence: phase.evidence }, "time", undefined);
    }
    this.#openings = 0; // It bore the whole load again: the next outage is a new one.
    return this.#enter(CLOSED, "time", undefined);
  }

  /** Whether a call may go now. Call `tick` first. A probe's place is taken. */
  admit(nowMs: Ms): boolean {
    const phase = this.#phase;
    if (phase.kind === "closed") return true;
    if (phase.kind === "open") return false;
    if (phase.kind === "half-open") return phase.trial.admit();
    return this.#random.next() < rampShare(nowMs - phase.sinceMs, phase.rampMs);
  }

  /** When asking again makes sense, if that is known. */
  retryAfterMs(nowMs: Ms): Ms | undefined {
    const phase = this.#phase;
    if (phase.kind === "open") return timeLeft(phase.untilMs, nowMs);
    return phase.kind === "ramping" ? timeLeft(phase.sinceMs + phase.rampMs, nowMs) : undefined;
  }

  /** A call of the present epoch ended. */
  record(isFault: boolean, isSlow: boolean, nowMs: Ms): Transition | undefined {
    const phase = this.#phase;
    if (phase.kind === "half-open") return this.#recordProbe(phase.trial, isFault || isSlow, nowMs);
    invariant(phase.kind !== "open", "a call of the open state's epoch");
    this.#window.add(isFault, isSlow, nowMs);
    if (isFault) this.#consecutive += 1;
    else if (this.#consecutive !== 0) this.#consecutive = 0;
    if (!isFault && !isSlow) return undefined;
    const excess = this.#excess();
    return excess === undefined ? undefined : this.#open(excess, nowMs);
  }

  /** A call of the present epoch ended and says nothing: a probe's place is free again. */
  giveBack(): void {
    if (this.#phase.kind === "half-open") this.#phase.trial.giveBack();
  }

  /** Opens it now, whatever it was. */
  trip(nowMs: Ms): Transition {
    return this.#open("by-hand", nowMs);
  }

  /** Closes it now, without a ramp, and forgets the past. Undefined: it was as good as new. */
  reset(reason: "by-hand" | "fleet"): Transition | undefined {
    this.#openings = 0;
    if (this.#phase !== CLOSED) return this.#enter(CLOSED, reason, undefined);
    this.#forget();
    return undefined;
  }

  /** The state, to be restored elsewhere. */
  save(nowMs: Ms): PhaseRecord {
    const state = this.kindAt(nowMs);
    const openings = this.#openings;
    const phase = this.#phase;
    if (phase.kind === "open" && state === "open" && phase.untilMs !== Infinity) {
      return { state, openForMs: phase.untilMs - nowMs, openings };
    }
    if (phase.kind === "ramping" && state === "ramping") {
      const { rampMs } = phase;
      return { state, rampForMs: phase.sinceMs + rampMs - nowMs, rampMs, openings };
    }
    return { state, openings: state === "closed" ? 0 : openings };
  }

  /** Goes on from a checked record. */
  restore(record: PhaseRecord, nowMs: Ms): Transition {
    this.#openings = record.openings;
    const evidence = NOTHING;
    if (record.state === "open") {
      const forMs = record.openForMs ?? Infinity;
      return this.#enter({ kind: "open", untilMs: nowMs + forMs, evidence }, "restored", forMs);
    }
    if (record.state === "half-open") {
      const trial = new Trial(this.#settings.probes);
      return this.#enter({ kind: "half-open", trial, evidence }, "restored", undefined);
    }
    if (record.state === "closed") return this.#enter(CLOSED, "restored", undefined);
    const { rampMs = 0, rampForMs = 0 } = record;
    const sinceMs = nowMs + rampForMs - rampMs;
    return this.#enter({ kind: "ramping", sinceMs, rampMs }, "restored", rampForMs);
  }

  #recordProbe(trial: Trial, hasFailed: boolean, nowMs: Ms): Transition | undefined {
    const verdict = trial.count(!hasFailed);
    if (verdict === "undecided") return undefined;
    if (verdict === "failed") return this.#open("probes-failed", nowMs);
    if (this.#settings.rampMs === 0) {
      this.#openings = 0;
      return this.#enter(CLOSED, "probes-passed", undefined);
    }
    const jitter = 1 + RAMP_JITTER * (2 * this.#random.next() - 1);
    const rampMs = this.#settings.rampMs * jitter;
    return this.#enter({ kind: "ramping", sinceMs: nowMs, rampMs }, "probes-passed", rampMs);
  }

  /** Why the window is too bad to stay closed. */
  #excess(): "consecutive-faults" | "fault-rate" | "slow-rate" | undefined {
    const { minCalls, faultRate, slowRate, consecutive } = this.#settings.trip;
    const { ok, faults, slow } = this.#window;
    if (this.#consecutive >= consecutive) return "consecutive-faults";
    const calls = ok + faults;
    if (calls < minCalls) return undefined;
    if (faults >= faultRate * calls) return "fault-rate";
    return slow > 0 && slow >= slowRate * calls ? "slow-rate" : undefined;
  }

  #open(reason: TransitionReason, nowMs: Ms): Transition {
    const { afterMs, maxMs, jitter } = this.#settings.reset;
    const fullMs = Math.min(maxMs, afterMs * 2 ** Math.min(this.#openings, MOST_DOUBLINGS));
    const forMs = fullMs * (1 - jitter * this.#random.next());
    this.#openings += 1;
    const evidence = this.tally(nowMs);
    return this.#enter({ kind: "open", untilMs: nowMs + forMs, evidence }, reason, forMs);
  }

  #enter(phase: Phase, reason: TransitionReason, forMs: Ms | undefined): Transition {
    const from = this.#phase.kind;
    const tally = "evidence" in phase ? phase.evidence : this.#sums();
    const isRampsEnd = from === "ramping" && phase === CLOSED && reason === "time";
    this.#phase = phase;
    if (!isRampsEnd) this.#forget();
    return { from, to: phase.kind, reason, forMs, tally };
  }

  /** Outcomes of calls that are under way will not be counted either. */
  #forget(): void {
    this.#epoch += 1;
    this.#consecutive = 0;
    this.#window.clear();
  }

  #sums(): Tally {
    const { ok, faults, slow } = this.#window;
    return { ok, faults, slow };
  }
}

const NOTHING: Tally = { ok: 0, faults: 0, slow: 0 };

/** Infinity is not a time after which to ask again. Rounded up: to wait it out must be enough. */
function timeLeft(untilMs: Ms, nowMs: Ms): Ms | undefined {
  return untilMs === Infinity ? undefined : Math.max(0, Math.ceil(untilMs - nowMs));
}
