/**
 * Who speaks for a name: what a process does when it hears of its own name from another.
 *
 * An incarnation is the wall time at which a life began, in milliseconds, so a restart outlives
 * what was before it without anything being stored. Of two living processes with one name the one
 * born later goes on, and the other stands aside for good, but only after it has heard the other
 * three times: a forged or late message must silence nobody. If that one falls silent before, this
 * life takes a greater incarnation; at once, if others know one from before our clock was set back
 * and it is certain that nobody else answered to the name when this life began.
 *
 * Pure: the time is handed in. Guarantees: the incarnation only grows. Does not guarantee: one
 * speaker at every moment; both may speak until they have heard one another.
 */
import type { Ms } from "@quorate/core";
import { type Identity, outlives } from "./wire.ts";

/** How far ahead of the wall clock here an incarnation may be: two clocks, both roughly right. */
export const MAX_AHEAD_MS = 86_400_000;

/** What hearing of one's own name came to. */
export type NamesakeVerdict =
  /** Nothing yet, or nothing new. */
  | "noted"
  /** An older life has been heard twice: it will stand aside when it hears us. */
  | "older"
  /** A later life has been heard three times: this one speaks no more. */
  | "superseded"
  /** This life has a greater incarnation now, and should say so at once. */
  | "raised";

interface Other {
  readonly life: string;
  readonly incarnation: number;
  readonly heardMs: Ms;
  readonly times: number;
}

/** So often, at about the usual pace, a later life is heard that is given way to. */
const RIVAL_TIMES = 3;
/** So often an earlier one that is told of; it gives way itself, and falls silent soon. */
const ELDER_TIMES = 2;

/** One process's name. */
export class Namesakes {
  readonly #id: string;
  readonly #life: string;
  readonly #intervalMs: Ms;
  #incarnation: number;
  /** A later life, and an earlier one. */
  #rival: Other | undefined;
  #elder: Other | undefined;
  /** Until when it is certain that nobody else has the name. */
  readonly #aloneUntilMs: Ms;
  #isSuperseded = false;

  /** `aloneUntilMs`: how long it is certain from the start that nobody else has the name. */
  constructor(identity: Identity, intervalMs: Ms, aloneUntilMs: Ms) {
    this.#id = identity.id;
    this.#life = identity.life;
    this.#incarnation = identity.incarnation;
    this.#intervalMs = intervalMs;
    this.#aloneUntilMs = aloneUntilMs;
  }

  /** This life. */
  get identity(): Identity {
    return { id: this.#id, incarnation: this.#incarnation, life: this.#life };
  }

  /** Whether another goes on under this name. */
  get isSuperseded(): boolean {
    return this.#isSuperseded;
  }

  /** A heartbeat under this name by another life arrived. */
  heard(other: Identity, nowMs: Ms): NamesakeVerdict {
    if (this.#isSuperseded) return "noted";
    if (!outlives(other, this.identity)) {
      this.#elder = this.#again(this.#elder, other, nowMs);
      return this.#elder.times >= ELDER_TIMES ? "older" : "noted";
    }
    this.#rival = this.#again(this.#rival, other, nowMs);
    this.#isSuperseded = this.#rival.times >= RIVAL_TIMES;
    return this.#isSuperseded ? "superseded" : "noted";
  }

  /** Others know this name by `other`, and drop what this life says. */
  known(other: Identity, nowMs: Ms, wallMs: number): NamesakeVerdict {
    const isTrue = outlives(other, this.identity) && isPlausible(other.incarnation, wallMs);
    // A rival that was just heard has to be settled with first.
    if (this.#isSuperseded || !isTrue || this.#rival !== undefined) return "noted";
    if (nowMs < this.#aloneUntilMs) return this.#raise(other.incarnation);
    this.#rival = this.#again(undefined, other, nowMs);
    return "noted";
  }

  /** Whether a rival has fallen silent. */
  tick(nowMs: Ms): NamesakeVerdict {
    const rival = this.#rival;
    if (this.#isSuperseded || rival === undefined) return "noted";
    if (nowMs - rival.heardMs < 3 * this.#intervalMs) return "noted";
    this.#rival = undefined;
    return this.#raise(rival.incarnation);
  }

  /** What arrives in a heap counts as one: it had queued up, and its sender may be long dead. */
  #again(before: Other | undefined, { life, incarnation }: Identity, nowMs: Ms): Other {
    if (before?.life !== life) return { life, incarnation, heardMs: nowMs, times: 1 };
    if (nowMs - before.heardMs < this.#intervalMs / 2) return before;
    return { life, incarnation, heardMs: nowMs, times: before.times + 1 };
  }

  #raise(above: number): NamesakeVerdict {
    this.#incarnation = above + 1;
    return "raised";
  }
}

/** Whether a life can have begun at `incarnation`, as the wall clock here has it. */
export function isPlausible(incarnation: number, wallMs: number): boolean {
  return incarnation <= wallMs + MAX_AHEAD_MS;
}
