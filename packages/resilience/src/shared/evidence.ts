/**
 * Evidence: what one instance says of the dependency, and what it weighs among others.
 *
 * An instance is a **seer** if it sees the trouble itself: its own breaker is open, or its own
 * calls fail at the fleet's limit. It is **active** if it had calls at all; the idle have no say.
 *
 * A breaker that is open lets nothing through, so its sums stand still while those of the healthy
 * grow, and would be outvoted by mere time. It counts with as many calls as the others have on
 * average, at least its own, and with all of them as faults: that is how its callers fare.
 */
import type { Revision } from "@quorate/core";

import type { LocalEvidence, Tally } from "../fleet.ts";
import { fieldsOf, isCount } from "./record.ts";

/** What one instance saw, and what its own breaker made of it. */
export interface Evidence {
  readonly tally: Tally;
  readonly state: LocalEvidence["localState"];
}

/** Evidence as it is published; it counts in one epoch only. */
export interface Summary extends Evidence {
  readonly epoch: Revision;
}

/** From when on a fleet opens. */
export interface Limits {
  /** Least calls in all windows together. */
  readonly minCalls: number;
  /** Share of faults among them. */
  readonly faultRate: number;
  /** Share of slow calls among them; Infinity: never. */
  readonly slowRate: number;
  /** Least seers. */
  readonly minInstances: number;
  /** Share of seers among the active. */
  readonly quorumShare: number;
}

/** What evidence weighs: of one instance, or of many together. */
export interface Weight {
  /** Calls, and faults and slow ones among them, of breakers that let calls through. */
  readonly calls: number;
  readonly faults: number;
  readonly slow: number;
  /** Calls on which open breakers opened. */
  readonly judgedCalls: number;
  readonly active: number;
  readonly seers: number;
  /** Seers whose own breaker is open, which had volume enough for it. */
  readonly judged: number;
}

/** Nobody's. */
export const NOTHING: Weight = {
  calls: 0,
  faults: 0,
  slow: 0,
  judgedCalls: 0,
  active: 0,
  seers: 0,
  judged: 0,
};

const STATES = ["closed", "open", "half-open", "ramping", "isolated"] as const;
const BOUNDS = { maxBytes: 1_024, maxDepth: 2, maxNodes: 16 };

/** What one instance's evidence weighs. */
export function weigh({ tally, state }: Evidence, limits: Limits): Weight {
  const { ok, faults, slow } = tally;
  const calls = ok + faults;
  // By hand: it says what a person thinks, and nothing of the dependency.
  if (state === "isolated") return NOTHING;
  if (state === "open" || state === "half-open") {
    return { ...NOTHING, judgedCalls: calls, active: 1, seers: 1, judged: 1 };
  }
  if (calls === 0) return NOTHING;
  const seers = isOver(calls, faults, slow, limits) ? 1 : 0;
  return { ...NOTHING, calls, faults, slow, active: 1, seers };
}

/** Whether what all say together, with what each says alone, opens the fleet. */
export function isQuorum(weight: Weight, limits: Limits): boolean {
  const { calls, faults, slow, judgedCalls, active, judged } = weight;
  const average = active > judged ? calls / (active - judged) : 0;
  const lost = Math.max(judgedCalls, judged * average);
  const hasVolume = calls + lost >= limits.minCalls || judged >= limits.minInstances;
  return hasVolume && isOver(calls + lost, faults + lost, slow, limits) && hasSeers(weight, limits);
}

/** Whether enough see it themselves. More healthy ones that speak up may change that. */
export function hasSeers({ seers, active }: Weight, limits: Limits): boolean {
  return seers >= limits.minInstances && seers >= limits.quorumShare * active;
}

function isOver(calls: number, faults: number, slow: number, limits: Limits): boolean {
  if (calls === 0) return true;
  const isFaulty = faults > 0 && faults >= limits.faultRate * calls;
  return isFaulty || (slow > 0 && slow >= limits.slowRate * calls);
}

/** The bytes of `summary`. */
export function encodeSummary({ tally, state, epoch }: Summary): string {
  return JSON.stringify({ ...tally, state, epoch });
}

/** The summary in `value`; `undefined` for what is none. */
export function decodeSummary(value: Uint8Array): Summary | undefined {
  const fields = fieldsOf(value, BOUNDS);
  if (fields === undefined) return undefined;
  const { ok, faults, slow, epoch } = fields;
  const state = STATES.find((one) => one === fields["state"]);
  const most = 2 ** 40; // Sums of a thousand of them stay exact.
  const isWhole =
    state !== undefined &&
    isCount(ok, most) &&
    isCount(faults, most) &&
    isCount(slow, most) &&
    isCount(epoch, Number.MAX_SAFE_INTEGER);
  return isWhole ? { tally: { ok, faults, slow }, state, epoch } : undefined;
}
