/**
 * Lending: how a shared rate is divided among those who use it.
 *
 * Each instance reports how much it could have used, and all compute the same division from the
 * same record: max-min fair (who asks for little gets it, the rest is shared evenly by those who
 * ask for more; Bertsekas and Gallager, "Data Networks", section 6.5.2). What nobody asks for is
 * handed out too, but for a portion that waits for the next newcomer; when all is asked for, a
 * small reserve does. An instance writes only its own slice, and takes at most what is free now:
 * one that holds too much gives it up at its own next turn.
 *
 * A pure machine. Guarantees: the slices of a record that it returns never sum up to more than the
 * whole; permits that are handed to a newcomer were saved up by parts that nobody held.
 */
import type { Ms } from "@quorate/core";

import type { RateTerms } from "../rate-units.ts";
import { type FleetRecord, heldBy, PARTS, type Slice } from "./fleet-record.ts";

/** Kept for newcomers when everything is asked for: 3 %. */
const RESERVE = 312;

/** A want is a little above the demand, or a demand that is met could not show that it grows. */
const HEADROOM = 1.25;
const LEAST_WANT = 10;

/** Of permits in the pool. */
const MILLI = 1_000;

/** An instance's wish. */
export interface Bid {
  readonly id: string;
  /** Parts that it could have used. */
  readonly demand: number;
  /** Of this renewal. */
  readonly beat: number;
  /** Instances whose leases have certainly ended. */
  readonly dead: ReadonlySet<string>;
  /** How long ago the record was written, at least. */
  readonly ageMs: Ms;
}

/** What is divided, among how many at most. */
export interface LendTerms extends RateTerms {
  readonly maxInstances: number;
}

/** What an instance gets, once the record has been written. */
export interface Loan {
  readonly record: FleetRecord;
  /** Parts. */
  readonly held: number;
  /** Thousandths of a permit that come with parts that were free, saved up by them. */
  readonly savings: number;
}

/** The record of a fleet that nobody has joined: its rate is unused, its bucket full. */
export function emptyFleet(terms: RateTerms): FleetRecord {
  return { pool: terms.burst * MILLI, slices: [] };
}

/** Gives `bid` its slice; undefined: as many instances as may be hold one. */
export function lend(record: FleetRecord, bid: Bid, terms: LendTerms): Loan | undefined {
  const living = record.slices.filter(({ id }) => !bid.dead.has(id) || id === bid.id);
  const others = living.filter(({ id }) => id !== bid.id);
  if (others.length >= terms.maxInstances) return undefined;
  const before = living.find(({ id }) => id === bid.id)?.held ?? 0;
  const free = PARTS - heldBy(living);
  const target = shareOf(
    bid.demand,
    others.map(({ demand }) => demand),
  );
  const held = Math.min(target, before + free);
  const pool = poolNow(record, bid.ageMs, terms);
  const gained = Math.max(0, held - before);
  // A newcomer has a call in hand: a whole permit, if there is one, serves it.
  const least = before === 0 ? MILLI : 0;
  const part = gained === 0 ? 0 : Math.max(least, Math.floor((pool * gained) / free));
  const savings = Math.min(pool, part);
  const mine: Slice = { id: bid.id, held, demand: bid.demand, beat: bid.beat };
  return { record: { pool: pool - savings, slices: [...others, mine] }, held, savings };
}

/** Takes `id` out; undefined: it is not in. */
export function takeOut(
  record: FleetRecord,
  id: string,
  facts: { readonly ageMs: Ms; readonly terms: RateTerms },
): FleetRecord | undefined {
  const slices = record.slices.filter((slice) => slice.id !== id);
  if (slices.length === record.slices.length) return undefined;
  return { pool: poolNow(record, facts.ageMs, facts.terms), slices };
}

/** What the free parts have saved up, `ageMs` after the record was written. */
function poolNow({ pool, slices }: FleetRecord, ageMs: Ms, terms: RateTerms): number {
  const freeShare = (PARTS - heldBy(slices)) / PARTS;
  const saved = (MILLI * terms.limit * freeShare * Math.max(0, ageMs)) / terms.perMs;
  return Math.floor(Math.min(MILLI * terms.burst * freeShare, pool + saved));
}

/** The max-min fair share of one who wants for `demand` among `others`, in parts. */
export function shareOf(demand: number, others: readonly number[]): number {
  const own = wantOf(demand);
  const wants = [...others.map(wantOf), own].toSorted((a, b) => a - b);
  let left = PARTS - RESERVE;
  let waiting = wants.length;
  let level = Infinity;
  for (const want of wants) {
    const even = left / waiting;
    // From here on everybody wants more than an even part of what is left.
    if (want > even) {
      level = even;
      break;
    }
    left -= want;
    waiting -= 1;
  }
  if (level < Infinity) return Math.floor(Math.min(own, level));
  return Math.floor(own + left / (wants.length + 1));
}

function wantOf(demand: number): number {
  return Math.min(PARTS, Math.floor(demand * HEADROOM) + LEAST_WANT);
}
