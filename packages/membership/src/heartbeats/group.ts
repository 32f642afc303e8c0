/**
 * The group as one process knows it: who is in it, in which state, and what to do about it.
 *
 * A machine: heartbeats, answers and the time go in; questions to ask and changes to tell come out.
 * Each member has a confirmation of its own; the detector, which is handed in, says who is silent.
 *
 * The group hears itself, too. A process whose own heartbeats do not come back hears nobody's, so
 * the silence of others says nothing: while that lasts nobody is suspected, let alone found down.
 *
 * Guarantees: at most `maxMembers`; of a name only the latest life counts; a goodbye is final for
 * its life; what is refused is told with its reason. Pure but for the detector, which is its own.
 */
import { compareNames, type Ms, type Random } from "@quorate/core";
import {
  type Confirmation,
  UNSUSPECTED,
  type ConfirmationEffect,
  type ConfirmationInput,
  stepConfirmation,
  wakeOfConfirmation,
} from "../detectors/confirmation.ts";
import type { FailureDetector } from "../detectors/detector.ts";
import type { Member, MemberChanged } from "../membership.ts";
import { type Entry, entryOf, judgeSeq, memberOf } from "./entry.ts";
import type { DropReason } from "./events.ts";
import { isPlausible } from "./namesakes.ts";
import type { HeartbeatSettings } from "./options.ts";
import { type BeatMessage, type Identity, outlives } from "./wire.ts";

/** What is to be done. */
export type GroupEffect =
  | { readonly kind: "ask"; readonly id: string; readonly probe: number }
  | {
      readonly kind: "ask-through";
      readonly id: string;
      readonly through: string;
      readonly probe: number;
    }
  | { readonly kind: "tell"; readonly change: MemberChanged }
  | { readonly kind: "drop"; readonly why: DropReason; readonly reason: string }
  /** Tell a member's earlier life that it is known by this one. */
  | { readonly kind: "correct"; readonly known: Identity };

/** Both clocks. */
export interface Moment {
  readonly nowMs: Ms;
  readonly wallMs: number;
}

/** How well this process hears. */
export interface Hearing {
  /** It hears nothing, not even itself, or cannot speak. */
  readonly isBlind: boolean;
  /** When it last heard itself. -Infinity: never so far; Infinity: it says nothing. */
  readonly echoMs: Ms;
}

type Effects = readonly GroupEffect[];

/** A group. */
export class HeartbeatGroup {
  readonly #settings: HeartbeatSettings;
  readonly #detector: FailureDetector;
  readonly #random: Pick<Random, "next">;
  readonly #entries = new Map<string, Entry>();
  #probes = 0;
  /** Until when silence says nothing. */
  #blindUntilMs = -Infinity;

  constructor(
    settings: HeartbeatSettings,
    detector: FailureDetector,
    random: Pick<Random, "next">,
  ) {
    this.#settings = settings;
    this.#detector = detector;
    this.#random = random;
  }

  /** The others, by id. */
  get members(): readonly Member[] {
    const members = [...this.#entries.values()].map(memberOf);
    return members.sort((left, right) => compareNames(left.id, right.id));
  }

  /** One of the others. */
  member(id: string): Member | undefined {
    const entry = this.#entries.get(id);
    return entry === undefined ? undefined : memberOf(entry);
  }

  /** When the next confirmation is due; Infinity: none is under way. */
  get wakeMs(): Ms {
    let wakeMs = Infinity;
    for (const { confirmation } of this.#entries.values()) {
      wakeMs = Math.min(wakeMs, wakeOfConfirmation(confirmation));
    }
    return wakeMs;
  }

  /** A heartbeat of another arrived. */
  hear(beat: BeatMessage, { nowMs, wallMs }: Moment): Effects {
    if (!isPlausible(beat.incarnation, wallMs)) return drop("implausible", "its incarnation");
    const entry = this.#entries.get(beat.id);
    if (entry === undefined) return this.#admit(beat, nowMs);
    const { identity } = entry;
    if (identity.life !== beat.life) {
      return outlives(beat, identity)
        ? this.#reborn(entry, beat, nowMs)
        : this.#correct(entry, nowMs);
    }
    if (beat.incarnation < identity.incarnation) return drop("outlived", "the same life's");
    if (entry.confirmation.kind === "left") return drop("repeated", "after its goodbye");
    return this.#goOn(entry, beat, nowMs);
  }

  /** Another said goodbye. */
  goodbye(identity: Identity, { nowMs, wallMs }: Moment): Effects {
    if (!isPlausible(identity.incarnation, wallMs)) return drop("implausible", "its incarnation");
    const entry = this.#entries.get(identity.id);
    if (entry === undefined) return drop("repeated", "a goodbye of nobody who is known");
    if (outlives(entry.identity, identity)) return drop("outlived", "an earlier life's goodbye");
    this.#detector.forget(identity.id);
    const { id, incarnation, life } = identity;
    this.#entries.set(id, { ...entry, identity: { id, incarnation, life } });
    return this.#step(id, { kind: "goodbye" }, nowMs);
  }

  /** Somebody answered for `id`. Another life's answer says nothing of the one that was asked. */
  answered(identity: Identity, probe: number, nowMs: Ms): Effects {
    const entry = this.#entries.get(identity.id);
    if (entry === undefined) return [];
    const kind = entry.identity.life === identity.life ? "answered" : "unanswered";
    return this.#step(identity.id, { kind, probe }, nowMs);
  }

  /** There will be no answer of `id` to a direct question. */
  unanswered(id: string, probe: number, nowMs: Ms): Effects {
    return this.#step(id, { kind: "unanswered", probe }, nowMs);
  }

  /** A question about `id` could not be sent. */
  unsent(id: string, nowMs: Ms): Effects {
    return this.#step(id, { kind: "blind" }, nowMs);
  }

  /**
   * The machine slept: the monotonic clock stood still, so no tick came late, and yet whatever was
   * said meanwhile is still to be heard.
   */
  woke(nowMs: Ms): void {
    this.#blindUntilMs = nowMs + 2 * this.#settings.intervalMs;
  }

  /** Suspects, judges and forgets. */
  tick({ isBlind, echoMs }: Hearing, nowMs: Ms): Effects {
    const { keepGoneMs } = this.#settings;
    // After it, all have time for a heartbeat before their silence counts again.
    if (isBlind) this.woke(nowMs);
    const effects: GroupEffect[] = [];
    for (const [id, { confirmation, sinceMs }] of this.#entries) {
      switch (confirmation.kind) {
        case "alive":
          effects.push(...this.#suspect(id, nowMs));
          break;
        case "suspect":
          // The last word takes that we have heard ourselves since the suspicion.
          if (nowMs < this.#blindUntilMs || (echoMs < sinceMs && isLastWord(confirmation, nowMs))) {
            effects.push(...this.unsent(id, nowMs));
          }
          effects.push(...this.#step(id, { kind: "tick" }, nowMs));
          break;
        case "down":
        case "left":
          if (nowMs - sinceMs >= keepGoneMs) this.#forget(id);
      }
    }
    return effects;
  }

  #suspect(id: string, nowMs: Ms): Effects {
    if (this.#detector.status(id) !== "suspect" || nowMs < this.#blindUntilMs) return [];
    this.#probes += 1;
    return this.#step(id, { kind: "suspected", probe: this.#probes }, nowMs);
  }

  #admit(beat: BeatMessage, nowMs: Ms): Effects {
    if (this.#entries.size >= this.#settings.maxMembers && !this.#makeRoom()) {
      return drop("full", `there are ${this.#entries.size} members`);
    }
    const entry = entryOf(beat, UNSUSPECTED, nowMs);
    this.#entries.set(beat.id, entry);
    this.#listen(beat);
    return [{ kind: "tell", change: { kind: "joined", member: memberOf(entry) } }];
  }

  /** Forgets who has been gone for longest. */
  #makeRoom(): boolean {
    const gone = [...this.#entries.values()]
      .filter(({ confirmation: { kind } }) => kind === "left" || kind === "down")
      .sort((left, right) => left.sinceMs - right.sinceMs)[0];
    if (gone === undefined) return false;
    this.#forget(gone.identity.id);
    return true;
  }

  #forget(id: string): void {
    this.#entries.delete(id);
    this.#detector.forget(id);
  }

  /** A later life of a member. Of one that was down it has to prove itself like the former. */
  #reborn(former: Entry, beat: BeatMessage, nowMs: Ms): Effects {
    const { kind } = former.confirmation;
    if (kind === "left") {
      this.#forget(beat.id);
      return this.#admit(beat, nowMs);
    }
    const { sinceMs } = former;
    const entry = { ...entryOf(beat, former.confirmation, nowMs), sinceMs };
    this.#entries.set(beat.id, entry);
    this.#listen(beat);
    if (kind !== "alive") return this.#step(beat.id, { kind: "beat" }, nowMs);
    return [{ kind: "tell", change: { kind: "updated", member: memberOf(entry) } }];
  }

  /** What was known of its rhythm is no more. */
  #listen({ id, seq }: BeatMessage): void {
    this.#detector.forget(id);
    this.#detector.heartbeat(id, { seq });
  }

  #correct(entry: Entry, nowMs: Ms): Effects {
    const effects = drop("outlived", "an earlier life's");
    if (nowMs - entry.correctedMs < this.#settings.intervalMs) return effects;
    this.#entries.set(entry.identity.id, { ...entry, correctedMs: nowMs });
    return [...effects, { kind: "correct", known: entry.identity }];
  }

  /** The same life's next heartbeat, or one that came late, and perhaps with other data. */
  #goOn(known: Entry, beat: BeatMessage, nowMs: Ms): Effects {
    const { id, incarnation, life, revision, data, seq } = beat;
    const effects: GroupEffect[] = [];
    let entry = { ...known, identity: { id, incarnation, life } };
    if (revision > known.revision) {
      entry = { ...entry, revision, data };
      effects.push({ kind: "tell", change: { kind: "updated", member: memberOf(entry) } });
    }
    const verdict = judgeSeq(known, seq, this.#settings.intervalMs, nowMs);
    if (verdict.kind === "stray") {
      // The same place in the schedule with other data: said out of turn, and no heartbeat.
      const isNews = seq === known.seq && effects.length > 0;
      this.#entries.set(id, isNews ? entry : { ...entry, strays: verdict.strays });
      return isNews ? effects : [...effects, ...drop(verdict.why, "its number")];
    }
    if (verdict.kind === "anew") this.#listen(beat);
    else this.#detector.heartbeat(id, { seq });
    this.#entries.set(id, { ...entry, seq, heardMs: nowMs, strays: undefined });
    return [...effects, ...this.#step(id, { kind: "beat" }, nowMs)];
  }

  #step(id: string, input: ConfirmationInput, nowMs: Ms): Effects {
    const entry = this.#entries.get(id);
    if (entry === undefined) return [];
    const { confirmation: settings } = this.#settings;
    const { state, effects } = stepConfirmation(settings, entry.confirmation, input, nowMs);
    const sinceMs = state.kind === entry.confirmation.kind ? entry.sinceMs : nowMs;
    const next = { ...entry, confirmation: state, sinceMs };
    this.#entries.set(id, next);
    return effects.flatMap((effect) => this.#effectsOf(next, effect));
  }

  #effectsOf(entry: Entry, effect: ConfirmationEffect): Effects {
    const { id } = entry.identity;
    switch (effect.kind) {
      case "tell":
        return [{ kind: "tell", change: { kind: effect.change, member: memberOf(entry) } }];
      case "ask":
        return [{ kind: "ask", id, probe: effect.probe }];
      case "ask-through-others":
        return this.#others(id, effect.relays).map((through) => {
          return { kind: "ask-through", id, through, probe: effect.probe };
        });
    }
  }

  /** Some of the living, drawn by lot. */
  #others(id: string, count: number): readonly string[] {
    const living = [...this.#entries.values()]
      .filter(({ identity, confirmation }) => identity.id !== id && confirmation.kind === "alive")
      .map(({ identity }) => identity.id);
    const drawn: string[] = [];
    while (drawn.length < count && living.length > 0) {
      drawn.push(...living.splice(Math.floor(this.#random.next() * living.length), 1));
    }
    return drawn;
  }
}

function isLastWord(confirmation: Confirmation, nowMs: Ms): boolean {
  if (confirmation.kind !== "suspect" || nowMs < confirmation.untilMs) return false;
  return confirmation.stage === "asked-through-others";
}

function drop(why: DropReason, reason: string): Effects {
  return [{ kind: "drop", why, reason }];
}
